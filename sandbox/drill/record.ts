import { cpus } from 'node:os';
import { markdownTable } from '../../bin/shared/markdown-table.ts';
import type { CaseResult, DrillResult } from './drill.ts';
import type { Ended } from './world.ts';

/** What the tool's words mean, as the record says them. */
const fates: Readonly<Record<string, string>> = {
  putBack: 'put back',
  endedSince: 'left out: ended since',
  changedSince: 'left out: changed since',
  codeOpen: 'left out: code not redeemed',
  over: 'left out: over',
};

const cell = (value: string | number | undefined): string => String(value ?? '');

/** The table of what each app sees. */
export const casesTable = (cases: readonly CaseResult[]): string =>
  markdownTable(
    ['the grant', 'the tool', 'the app', 'read', 'refresh', 'older token', 'code again', 'export'],
    cases.map(({ case: { name, expects }, fate, seen }) => [
      name,
      fates[fate] ?? fate,
      expects,
      cell(seen.read),
      cell(seen.refresh),
      cell(seen.older),
      cell(seen.code),
      cell(seen.exported),
    ]),
  );

const seconds = (ms: number): string => (ms / 1000).toFixed(1);

const indented = (text: string): string =>
  text
    .trim()
    .split('\n')
    .map((line) => `    ${line}`.trimEnd())
    .join('\n');

/** A command with what it told its operator; lines for programs are left out. */
const told = ({ command, code, err, out, ms }: Ended): string => {
  const lines = out.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
  const end = code === null ? 'killed' : `exit code ${code}`;
  return indented([`$ ${command}`, ...lines, err.trim(), `(${end}, ${seconds(ms)} s)`].filter(Boolean).join('\n'));
};

/** How many items the second run of `grants` put back in a second, with its start. */
const paceOf = ({ commands }: DrillResult): string | undefined => {
  const run = commands[2];
  const put = Number(/Put back (\d+)/.exec(run?.err ?? '')?.[1] ?? 0);
  return run === undefined || put < 100
    ? undefined
    : `${put} grants in ${seconds(run.ms)} s, the start of the tool included`;
};

/** The record as Markdown. @param at when the drill was run */
export const recordOf = (result: DrillResult, at: Date): string => {
  const { cases, steps, commands, checks, more, faults } = result;
  const day = at.toLocaleDateString('en-US', { dateStyle: 'long', timeZone: 'UTC' });
  const pace = paceOf(result);
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}, Node ${process.versions.node}`;
  return `# A restore drill: the record

\`npm run drill -- --write --more ${more}\` wrote this page on ${day} (${machine}). It makes a copy of a local
stack's tables, loses them, restores with the commands that an operator uses, and tries all that partners hold. What to do
in a real loss: [restore.md](../restore.md).

**${faults.length === 0 ? 'All is as it must be' : `${faults.length} things are wrong`}:** no ended grant is live, no code works twice, no replaced refresh token works.
${faults.map((fault) => `\n- ${fault}`).join('')}
## What each app sees

HTTP statuses: a read with its newest access token, a refresh with its newest refresh token and with the one that was
replaced, its code once more, the status of its export. "Signs in again": 401 on a read and \`invalid_grant\` on a refresh, as
after any end of a grant.

${casesTable(cases)}

## What else must hold

${checks.map(({ says, holds }) => `- ${holds ? 'Yes' : '**No**'}: ${says}`).join('\n')}

## How long it took

${markdownTable(
  ['step', 'seconds'],
  steps.map(({ title, ms }) => [title, seconds(ms)]),
)}
${pace === undefined ? '' : `\nThe tool put back ${pace}. The local DynamoDB is slower than AWS's, and the copy is no point-in-time recovery: no figure here is one of AWS.\n`}
## What the tool said

${commands.map(told).join('\n\n')}

## What it cannot show

- Point-in-time recovery itself: the local DynamoDB has none, so the drill copies the tables. \`npm run test:aws\` restores
  one in moto, and reads from it what time it is of.
- TTL, which the local stack does not have, and IAM, which it has for the functions' calls to tables only.
- A payer that ends a grant when it sees an old refresh token: the tool never presents one.
`;
};
