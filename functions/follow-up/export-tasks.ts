import { makeEvent, type EventType } from '../shared/events/event.ts';
import { grantOfExport } from '../shared/exports/export-id.ts';
import { exchangeOwner } from '../shared/store/exchange-items.ts';
import { isOverdue, readExport, type Export, type ExportStatus } from '../shared/store/export-item.ts';
import type { StoredItem } from '../shared/store/items.ts';
import type { Task } from './tasks.ts';

const endEvents: Readonly<Record<Exclude<ExportStatus, 'running'>, EventType>> = {
  completed: 'export.completed',
  partial: 'export.partial',
  failed: 'export.failed',
};

const startJob = (item: Export, name: string): Task => ({
  do: 'startJob',
  name,
  exportId: item.exportId,
  ...(item.exchange === undefined ? {} : { owner: exchangeOwner(item) }),
});

/** A name starts only one execution. If an export has two executions, the first to begin it goes on. */
const start = (item: Export): Task =>
  startJob(item, item.startAgainAt === undefined ? item.exportId : `${item.exportId}-${item.startAgainAt}`);

const tell = (type: EventType, { partner, grantId, exportId, payer, exchange }: Export, atSeconds: number): Task => {
  const of = exchange === undefined ? { grant: grantId } : { exchange };
  return { do: 'tell', event: makeEvent(type, { partner, atSeconds, data: { ...of, export: exportId, payer } }) };
};

/**
 * For an export whose item was deleted, replaced or expired: deletes all of its files. If it was overdue, its partner
 * hears that it failed. Its job ends by itself when it finds the item gone. Stopped by force, it would count as failed,
 * and Lambda would put it among the events that were given up.
 *
 * If an exchange was still running, a new execution tells the former plan. The exchange's own execution may have been stopped, or may
 * wait for hours.
 * @param at when that happened, in epoch seconds
 */
const end = (before: Export, at: number): Task[] => {
  const { exportId, expiresAt } = before;
  return [
    ...(isOverdue(before, at) ? [tell('export.failed', before, expiresAt)] : []),
    ...(before.exchange !== undefined && before.status === 'running' ? [startJob(before, `${exportId}-gone`)] : []),
    { do: 'sweep', name: `${exportId}-gone`, exportId, keep: false },
  ];
};

const changes = (before: Export, after: Export): Task[] => {
  if (after.status !== 'running') {
    if (before.status !== 'running') return [];
    return [
      tell(endEvents[after.status], after, after.endedAt ?? after.startedAt),
      { do: 'sweep', name: `${after.exportId}-ended`, exportId: after.exportId, keep: true },
    ];
  }
  return [
    ...(after.startAgainAt === before.startAgainAt ? [] : [start(after)]),
    ...(after.wanted === undefined || before.wanted?.callbackId === after.wanted.callbackId
      ? []
      : [tell('export.waiting', after, after.wanted.since)]),
  ];
};

/**
 * Reads an export from an image.
 * @throws Error if it is not an export's: the id names what is started and what is deleted
 */
const requireExport = (image: StoredItem): Export => {
  const read = readExport(image);
  if (grantOfExport(read.exportId) !== read.grantId) throw new Error('the image is no export');
  return read;
};

/**
 * The tasks that follow from a write to Exports.
 * @param at when it was written, in epoch seconds
 * @throws Error if an image cannot be read
 */
export const exportTasks = (oldImage: StoredItem | undefined, newImage: StoredItem | undefined, at: number): Task[] => {
  const before = oldImage === undefined ? undefined : requireExport(oldImage);
  const after = newImage === undefined ? undefined : requireExport(newImage);
  if (before !== undefined && before.exportId === after?.exportId) return changes(before, after);
  return [...(after?.status === 'running' ? [start(after)] : []), ...(before === undefined ? [] : end(before, at))];
};
