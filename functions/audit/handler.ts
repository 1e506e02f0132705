import type { Context, DynamoDBStreamEvent, ScheduledEvent } from 'aws-lambda';
import { causeOf } from '../shared/errors.ts';
import { areApart } from './audit-event.ts';
import { closeReads } from './close-reads.ts';
import type { AuditDeps } from './deps.ts';
import { fileEvents } from './file-events.ts';
import { readRecords, type FiledEvent } from './read-records.ts';
import { writeLine } from './write-line.ts';
import { writeObjects } from './write-objects.ts';

interface Batch {
  readonly records: number;
  readonly events: readonly FiledEvent[];
  readonly failure?: unknown;
}

/** The age of the oldest. */
const lagMs = (events: readonly FiledEvent[], nowMs: number): number | undefined =>
  events.length === 0 ? undefined : Math.max(0, nowMs - 1000 * Math.min(...events.map(({ at }) => at)));

/** Whether an item claims a time other than its stream's, by minutes. */
const isApart = ({ event: { entity }, at }: FiledEvent): boolean => {
  const claim = entity.flatMap(({ detail = [] }) => detail).find(({ type }) => type === 'claimedAt');
  return claim !== undefined && areApart(Date.parse(claim.valueString) / 1000, at);
};

/** One line per batch. */
const writeBatchLine = (deps: AuditDeps, { records, events, failure }: Batch): void => {
  const failed = failure !== undefined;
  const unreadable = events.filter((filed) => filed.unreadable).length;
  const apart = events.filter(isApart).length;
  const rewritten = events.filter(({ rewrites }) => rewrites).length;
  writeLine(deps, {
    level: failed || unreadable + apart + rewritten > 0 ? 'error' : 'info',
    counts: { records, unreadable, apart, rewritten },
    failure,
    metrics: {
      auditEvents: failed ? 0 : events.length,
      auditLagMs: lagMs(events, deps.clock.now()),
      auditNotWritten: failed || unreadable > 0 ? 1 : undefined,
      auditTimesDiffer: apart + rewritten > 0 ? 1 : undefined,
    },
  });
};

const fileBatch = async (deps: AuditDeps, { Records }: DynamoDBStreamEvent): Promise<void> => {
  const events = readRecords(Records, deps.stage, deps.clock.now());
  try {
    await writeObjects(deps, fileEvents(events));
  } catch (failure) {
    writeBatchLine(deps, { records: Records.length, events, failure });
    throw new Error(`The batch was not written: ${causeOf(failure)}`);
  }
  writeBatchLine(deps, { records: Records.length, events });
};

/**
 * Writes the events of grants, reads and the registry from the tables' streams to the audit bucket, as FHIR AuditEvents. On a
 * schedule, it closes reads that have no end.
 * @throws Error if a batch could not be written, so that the stream repeats it. Lambda prints the error, so it names
 * only the cause.
 */
export const auditHandler =
  (deps: AuditDeps) =>
  async (event: DynamoDBStreamEvent | ScheduledEvent, context: Pick<Context, 'awsRequestId'>): Promise<void> => {
    // The error of `in` would quote the value.
    if (Object(event) !== event) throw new Error('The event is not an object');
    await ('Records' in event ? fileBatch(deps, event) : closeReads(deps, context.awsRequestId));
  };
