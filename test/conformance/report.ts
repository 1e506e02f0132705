import type { Group, Requirement } from './requirement.ts';

const preamble = `# Conformance

What the gateway promises over HTTP, endpoint by endpoint, and the source that asks for it. The list is written from the
suite in \`test/conformance/\` by \`npm run conformance:docs\`; each line is a test.

## Running it

\`npx jest --config jest.hard.config.ts test/conformance\` (with \`NODE_OPTIONS=--experimental-vm-modules\`, as in \`npm run
test:hard\`) starts a stage on this machine, with payers that misbehave as each test tells them, and asks for everything.

With two variables it asks a deployed stage for all that needs no payer's fault, no clock, no look at the store and no
member who signs in (\`deployed\` below). What it does not ask for is reported by name as \`local only\`.

\`\`\`sh
export P2P_BASE_URL=https://gateway.example.org
export P2P_CONFORMANCE_FILE=conformance.json
\`\`\`

\`\`\`json
{
  "payer": "demo-health-plan",
  "edge": false,
  "portal": { "clientId": "…", "secret": "…", "redirectUri": "https://portal.example.org/callback" },
  "app": { "clientId": "…", "redirectUri": "https://app.example.org/callback", "webOrigin": "https://app.example.org" }
}
\`\`\`

\`payer\` is any payer that both partners may read from; \`portal\` a partner that may send its secret as Basic and in the
form; \`app\` a public one with a web page; \`edge\` says whether the stage has an edge, without which API Gateway renames
\`WWW-Authenticate\`. Nobody signs in, but login attempts are begun, so the payer is a sandbox's or one that knows of it.
Repeating the run within a minute may meet the stage's own limits (429).
`;

const cellsOf = (requirement: Requirement): string[] => [
  requirement.title,
  requirement.source,
  requirement.local ? 'local' : 'deployed',
];

const row = (cells: readonly string[], widths: readonly number[]): string =>
  `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;

const escaped = (cell: string): string =>
  cell.replaceAll('|', '\\|').replaceAll('<', '\\<').replaceAll('*', '\\*').replaceAll('_', '\\_');

const tableOf = (requirements: readonly Requirement[]): string => {
  const rows = [['requirement', 'source', 'where'], ...requirements.map((one) => cellsOf(one).map(escaped))];
  const widths = [0, 1, 2].map((at) => Math.max(...rows.map((cells) => cells[at]?.length ?? 0)));
  const [head = [], ...body] = rows.map((cells) => row(cells, widths));
  return [
    head,
    row(
      widths.map((width) => '-'.repeat(width)),
      widths,
    ),
    ...body,
  ].join('\n');
};

/** The document that lists every requirement. */
export const reportOf = (groups: readonly Group[]): string => {
  const all = groups.flatMap(({ requirements }) => requirements);
  const local = all.filter((one) => one.local).length;
  const counts = `${all.length} requirements: ${all.length - local} that a deployed stage can be asked for, ${local} local.`;
  const sections = groups.map(({ endpoint, requirements }) => `## ${endpoint}\n\n${tableOf(requirements)}\n`);
  return [preamble, `${counts}\n`, ...sections].join('\n');
};
