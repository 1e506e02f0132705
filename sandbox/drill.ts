import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { exit } from '../bin/shared/exit.ts';
import { runDrill } from './drill/drill.ts';
import { casesTable, recordOf } from './drill/record.ts';
import { startWorld } from './drill/world.ts';
import { LocalStackError } from './local-stack-error.ts';

const help = `npm run drill -- [flags]

Rehearses a loss on a local stack of its own: copies tables, loses them, restores with npm run restore, and tries all that
partners hold. It touches nothing outside that stack.

  --write      writes the record into docs/reports/restore-drill.md
  --more N     copies N further grants, to measure with (default 0, at most 20000)
  --json       prints the result as JSON
  --dry-run    says each step, and does nothing
  --help       this text

Exits with 0 if all is as it must be, 1 if not, 2 if the command line is wrong.`;

/** What the drill does, step by step. */
const plan = [
  'Start a local stack on free ports: gateway, payers, partner app.',
  'Let members sign in, so that there are grants in every state: redeemed, refreshed, exported, revoked, waiting.',
  'Copy the tables Grants, AuditEvents and Registry, as point-in-time recovery does.',
  "Go on: refresh, revoke, redeem, refresh the payer's tokens, end a grant as an operator, block an app, make a grant.",
  'Lose it: delete all grants but two, all events of reads, and the block; put one revoked grant back by hand.',
  'Restore as an operator: grants (dry run; killed on the way; again), revocations, stops, reads.',
  'Try everything that each app holds: read, refresh, the older refresh token, the code once more, the export.',
  'Check that no grant that has ended lives, that no code works twice, and that partners were told nothing false.',
];

const record = join(import.meta.dirname, '..', 'docs', 'reports', 'restore-drill.md');

const options = {
  write: { type: 'boolean' },
  more: { type: 'string' },
  json: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/** The command line is wrong. */
class UsageError extends Error {}

const readFlags = () => {
  try {
    const { values } = parseArgs({ options });
    const more = values.more ?? '0';
    if (!/^\d{1,5}$/.test(more) || Number(more) > 20_000) {
      throw new UsageError(`--more is ${JSON.stringify(more)}; write a number up to 20000`);
    }
    return { ...values, more: Number(more) };
  } catch (error) {
    const [what] = (error as Error).message.split(/\. |\n/);
    throw new UsageError(`${what}; --help lists the flags`);
  }
};

const run = async (): Promise<number> => {
  const { write = false, more, json = false, 'dry-run': dryRun = false, help: asksHelp = false } = readFlags();
  if (asksHelp || dryRun) {
    const numbered = plan.map((step, index) => `${index + 1}. ${step}`);
    console.log(asksHelp ? help : [...numbered, 'Nothing was done.'].join('\n'));
    return 0;
  }
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopping.abort());
  const tell = (text: string): void => console.error(text);
  tell('Starting gateway, payers and partner app on free ports …');
  const world = await startWorld(stopping.signal);
  try {
    const result = await runDrill(world, { more, onStep: (title) => tell(`${title} …`), signal: stopping.signal });
    if (write) await writeFile(record, recordOf(result, new Date()));
    console.log(json ? JSON.stringify(result) : casesTable(result.cases));
    if (!json) for (const { says, holds } of result.checks) console.log(`${holds ? 'yes' : 'NO '}  ${says}`);
    for (const fault of result.faults) tell(fault);
    tell(result.faults.length === 0 ? 'All is as it must be.' : `${result.faults.length} things are wrong.`);
    return result.faults.length === 0 ? 0 : 1;
  } finally {
    await world.close();
  }
};

try {
  await exit(await run());
} catch (error) {
  if (error instanceof UsageError) {
    console.error(error.message);
    await exit(2);
  }
  const message = error instanceof Error ? error.message : String(error);
  console.error(error instanceof LocalStackError ? message : `The drill stopped: ${message}`);
  await exit(1);
}
