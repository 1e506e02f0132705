import { randomUUID } from 'node:crypto';
import { instant } from '../../functions/shared/instant.ts';
import { findTable } from '../shared/find-table.ts';
import { checkAuditAlarms } from './audit-alarms.ts';
import { requireConsent } from './consent.ts';
import type { RestoreDeps, Stage } from './deps.ts';
import { endAgain } from './end-again.ts';
import type { RestoreOf } from './flags.ts';
import { readKnown } from './known-events.ts';
import { overlapSeconds } from './plan.ts';

/**
 * Ends each living grant that the audit knows as ended since a time.
 * @returns the exit code
 * @throws Refusal, and whatever AWS's clients throw
 */
export const restoreRevocations = async (
  { config, dynamo, openAudit, operator }: Stage,
  command: RestoreOf<'revocations'>,
  deps: RestoreDeps,
): Promise<number> => {
  const { since, dryRun } = command;
  const name = command.table ?? (await findTable(dynamo, config.stage, 'Grants'));
  await checkAuditAlarms(config, deps.environment);
  if (!dryRun) {
    await requireConsent(`End what the audit knows as ended since ${instant(since)}, as ${operator}?`, command, deps);
  }
  const known = await readKnown(await openAudit(), since - overlapSeconds);
  const by = { requestId: randomUUID(), operator, note: command.reason };
  await endAgain({ table: { client: dynamo, name }, known, by, dryRun }, deps);
  return 0;
};
