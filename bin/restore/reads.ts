import { instant } from '../../functions/shared/instant.ts';
import { auditEventAttributes } from '../../functions/shared/store/attributes.ts';
import { readerOf, writeItem, type Item } from '../../functions/shared/store/items.ts';
import { findTable } from '../shared/find-table.ts';
import { inParallel } from '../shared/pool.ts';
import { scanPages } from '../shared/scan-pages.ts';
import { requireConsent } from './consent.ts';
import { openCopy } from './copy.ts';
import type { RestoreDeps, Stage } from './deps.ts';
import type { RestoreOf } from './flags.ts';
import { putIfAbsent } from './put-back.ts';

const writesAtATime = 32;
/** How long the stream keeps what the audit function has not written yet. Milliseconds. */
const streamMs = 86_400_000;

/** Whether a read's event may not be in the bucket yet: it is open, or of the day before the point. */
const mayBeMissing = (item: Item, point: number, now: number): boolean => {
  const read = readerOf(auditEventAttributes, item);
  const [atMs = 0, expiresAt = 0] = [read('atMs'), read('expiresAt')];
  if (expiresAt <= now) return false;
  return read('openId') !== undefined || atMs >= point * 1000 - streamMs;
};

/**
 * Puts events of reads back that may not be in the bucket yet. Each is filed under the id that it had, so that one that
 * is in the bucket already counts once; a read that is still open is closed as `endUnknown`.
 * @returns the exit code
 * @throws Refusal, and whatever AWS's clients throw
 */
export const restoreReads = async (
  { config, dynamo }: Stage,
  command: RestoreOf<'reads'>,
  deps: RestoreDeps,
): Promise<number> => {
  const prefix = `p2p-gateway-${config.stage}-TablesAuditEvents`;
  const original = command.table ?? (await findTable(dynamo, config.stage, 'AuditEvents'));
  const copy = await openCopy(dynamo, { ...command, original, prefix, key: 'eventId' });
  const what = `the last day's events of reads from ${copy.name}, as of ${instant(copy.point)}, into ${original}`;
  if (!command.dryRun) await requireConsent(`Put back ${what}?`, command, deps);
  const [table, now] = [{ client: dynamo, name: original }, Math.floor(deps.now() / 1000)];
  // The audit marks such an event as put back, and keeps its own time.
  const mark = writeItem(auditEventAttributes, { refiledAt: now });
  const counts = { missing: 0, put: 0 };
  try {
    for await (const { items } of scanPages({ ...copy, wait: deps.wait })) {
      const missing = items.filter((item) => mayBeMissing(item, copy.point, now));
      counts.missing += missing.length;
      if (command.dryRun) continue;
      await inParallel(missing, writesAtATime, async (item) => {
        if (await putIfAbsent(table, { key: 'eventId', item: { ...item, ...mark } }, deps.wait)) counts.put += 1;
      });
    }
  } catch (error) {
    deps.output.note(`Stopped after ${counts.put} were put back. The same command goes on from there.`);
    throw error;
  }
  deps.output.note(
    command.dryRun
      ? `Would put back ${what}: ${counts.missing}, except those that are there. Nothing was changed.`
      : `Put back ${counts.put} events of reads; ${counts.missing - counts.put} were there.`,
  );
  return 0;
};
