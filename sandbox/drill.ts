import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readCommand, runTool, type Read } from '../bin/shared/command-line.ts';
import { Refusal } from '../bin/shared/errors.ts';
import { output } from '../bin/shared/output.ts';
import { runDrill } from './drill/drill.ts';
import { spec } from './drill/flags.ts';
import { casesTable, recordOf } from './drill/record.ts';
import { startWorld } from './drill/world.ts';
import { LocalStackError } from './local-stack-error.ts';

/** What the drill does, step by step. */
const plan = [
  'Start a local stack on free ports: gateway, payers, partner app.',
  'Let members sign in, so that there are grants in every state: redeemed, refreshed, exported, revoked, waiting.',
  'Copy the tables Grants, AuditEvents and Registry, as point-in-time recovery does.',
  "Go on: refresh, revoke, redeem, refresh the payer's tokens, end a grant as an operator, block an app, make a grant.",
  'Lose it: delete all grants but two, all events of reads, and the block; put one revoked grant back by hand.',
  'Restore as an operator: grants (dry run; killed on the way; again), revocations, stops, reads.',
  'Try everything that each app holds: read, refresh, the older refresh token, the code once more, the export.',
  'Check that no ended grant is live, that no code works twice, and that partners were told nothing false.',
];

const record = join(import.meta.dirname, '..', 'docs', 'reports', 'restore-drill.md');

const drill = async ({ write, more, json }: Read<typeof spec>): Promise<number> => {
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopping.abort());
  const { out, note: tell } = output;
  tell('Starting gateway, payers and partner app on free ports …');
  const world = await startWorld(stopping.signal);
  try {
    const result = await runDrill(world, { more, onStep: (title) => tell(`${title} …`), signal: stopping.signal });
    if (write) await writeFile(record, recordOf(result, new Date()));
    out(json ? JSON.stringify(result) : casesTable(result.cases));
    if (!json) for (const { says, holds } of result.checks) out(`${holds ? 'yes' : 'NO '}  ${says}`);
    for (const fault of result.faults) tell(fault);
    tell(result.faults.length === 0 ? 'All is as it must be.' : `${result.faults.length} things are wrong.`);
    return result.faults.length === 0 ? 0 : 1;
  } finally {
    await world.close();
  }
};

await runTool(spec, async (args) => {
  const asked = readCommand(spec, args);
  if (asked.dryRun) {
    output.out([...plan.map((step, index) => `${index + 1}. ${step}`), 'Nothing was done.'].join('\n'));
    return 0;
  }
  return drill(asked).catch((error: unknown) => {
    if (error instanceof LocalStackError) throw error;
    throw new Refusal(`The drill stopped: ${error instanceof Error ? error.message : String(error)}`);
  });
});
