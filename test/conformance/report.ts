import { markdownTable } from '../../bin/shared/markdown-table.ts';
import type { Group, Requirement } from './requirement.ts';

const preamble = `# Conformance

What the gateway promises over HTTP, endpoint by endpoint, and the source that requires it. Each line is a test in
\`test/conformance/\`, from which \`npm run conformance:docs\` writes this list.

## Running it

\`npx jest --config jest.hard.config.ts test/conformance\` (with \`NODE_OPTIONS=--experimental-vm-modules\`, as in \`npm run
test:hard\`) starts a stage on this machine, with payers that misbehave as each test tells them to, and checks everything.

With two variables set it checks a deployed stage: everything that needs no faulty payer, no set clock, no access to the store and no
member who signs in (\`deployed\` below). It names the rest as \`local only\`.

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

\`payer\` is a payer that both partners may read from; \`portal\` is a partner that may send its secret as Basic and in the form; \`app\` is a
public partner with a web page; \`edge\` says whether the stage has an edge, without which API Gateway renames \`WWW-Authenticate\`.
Nobody signs in, but login attempts begin, so use a sandbox payer or one that knows of the test. A second run within a minute may
meet the stage's own limits (429).
`;

const cellsOf = (requirement: Requirement): string[] => [
  requirement.title,
  requirement.source,
  requirement.needs === 'a stage' ? 'deployed' : 'local',
];

const escaped = (cell: string): string => cell.replaceAll('<', '\\<').replaceAll('*', '\\*').replaceAll('_', '\\_');

const tableOf = (requirements: readonly Requirement[]): string =>
  markdownTable(
    ['requirement', 'source', 'where'],
    requirements.map((one) => cellsOf(one).map(escaped)),
  );

/** The document that lists every requirement. */
export const reportOf = (groups: readonly Group[]): string => {
  const all = groups.flatMap(({ requirements }) => requirements);
  const local = all.filter(({ needs }) => needs !== 'a stage').length;
  const counts = `${all.length} requirements: ${all.length - local} that a deployed stage can be checked for, ${local} local.`;
  const sections = groups.map(({ endpoint, requirements }) => `## ${endpoint}\n\n${tableOf(requirements)}\n`);
  return [preamble, `${counts}\n`, ...sections].join('\n');
};
