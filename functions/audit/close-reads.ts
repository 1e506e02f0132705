import {
  ConditionalCheckFailedException,
  DynamoDBServiceException,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { causeOf } from '../shared/errors.ts';
import { auditEventAttributes } from '../shared/store/attributes.ts';
import { anyOf, clausesOn, updateOf } from '../shared/store/expressions.ts';
import { readerOf, writeItem, type Item } from '../shared/store/items.ts';
import { longestReadSeconds, openReads } from '../shared/store/read-events.ts';
import type { AuditDeps } from './deps.ts';
import { writeLine } from './write-line.ts';

const { exists, is } = clausesOn(auditEventAttributes);

/** No read runs this long, even if two machines' clocks differ. Milliseconds. */
const closedAfterMs = (longestReadSeconds + 30) * 1000;
/** The next run does the rest. */
const mostAtOnce = 1000;
const inParallel = 20;

/** Reads that were opened too long ago to be running. The index has open reads only, so a scan is short. */
const findOverdue = async ({ table, clock }: AuditDeps): Promise<string[]> => {
  const before = clock.now() - closedAfterMs;
  const overdue: string[] = [];
  let from: Item | undefined;
  do {
    const page = await table.client.send(
      new ScanCommand({ TableName: table.name, IndexName: openReads.index, ExclusiveStartKey: from }),
    );
    for (const item of page.Items ?? []) {
      const read = readerOf(auditEventAttributes, item);
      const [eventId, atMs] = [read('eventId'), read('atMs')];
      if (eventId !== undefined && atMs !== undefined && atMs < before) overdue.push(eventId);
    }
    from = page.LastEvaluatedKey;
  } while (from !== undefined && overdue.length < mostAtOnce);
  return overdue.slice(0, mostAtOnce);
};

type Result = 'closed' | 'notOpen' | 'damaged';

/**
 * Closes a read; `notOpen` if it has ended meanwhile or another run closed it, since the index may lag; `damaged` if DynamoDB
 * will never take the write, as for an item that has its full size: one that is the gateway's own is far smaller.
 */
const closeRead = async ({ table, clock }: AuditDeps, eventId: string, requestId: string): Promise<Result> => {
  // The SDK's own retry after a lost answer finds the read that it has closed itself.
  const openOrClosedHere = anyOf(exists('openId'), is('closedBy', '=', requestId));
  try {
    await table.client.send(
      new UpdateItemCommand({
        TableName: table.name,
        Key: writeItem(auditEventAttributes, { eventId }),
        ...updateOf(auditEventAttributes, {
          set: { type: 'endUnknown', atMs: clock.now(), closedBy: requestId },
          remove: ['openId'],
          when: [openOrClosedHere],
        }),
      }),
    );
    return 'closed';
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return 'notOpen';
    if (error instanceof DynamoDBServiceException && error.name === 'ValidationException') return 'damaged';
    throw error;
  }
};

interface Closed {
  readonly closed: number;
  readonly damaged: number;
  readonly failure?: unknown;
}

const closeOverdue = async (deps: AuditDeps, requestId: string): Promise<Closed> => {
  const counts = { closed: 0, damaged: 0, notOpen: 0 };
  try {
    const overdue = await findOverdue(deps);
    for (let at = 0; at < overdue.length; at += inParallel) {
      const some = overdue.slice(at, at + inParallel);
      const results = await Promise.allSettled(some.map((eventId) => closeRead(deps, eventId, requestId)));
      for (const result of results) if (result.status === 'fulfilled') counts[result.value] += 1;
      const failed = results.find((result) => result.status === 'rejected');
      if (failed !== undefined) return { ...counts, failure: failed.reason };
    }
    return counts;
  } catch (failure) {
    return { ...counts, failure };
  }
};

/**
 * Closes every read without an end: its process died or could not write the end. The table's stream takes these events
 * to the bucket, like all others.
 * @throws Error if some could not be closed; the next run tries again
 */
export const closeReads = async (deps: AuditDeps, requestId: string): Promise<void> => {
  const { closed, damaged, failure } = await closeOverdue(deps, requestId);
  const failed = failure !== undefined;
  writeLine(deps, {
    level: failed || damaged > 0 ? 'error' : closed > 0 ? 'warn' : 'info',
    counts: { closed, ...(damaged === 0 ? {} : { damaged }) },
    failure,
    metrics: {
      auditEndUnknown: closed === 0 ? undefined : closed,
      auditNotWritten: failed || damaged > 0 ? 1 : undefined,
    },
  });
  if (failed) throw new Error(`Reads without an end were not closed: ${causeOf(failure)}`);
};
