import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { causeOf } from '../shared/errors.ts';
import type { EventType } from '../shared/events/event.ts';
import { embeddedMetrics } from '../shared/metrics/metrics.ts';
import type { FollowUpDeps } from './deps.ts';
import { doTask } from './do-task.ts';
import { readRecord } from './read-record.ts';
import { canBeDone, type Task } from './tasks.ts';

/** How one record was handled. */
interface Followed {
  readonly sequence: string;
  readonly tasks: number;
  /** Whether an export began to wait for its partner. */
  readonly waits: boolean;
  /** Whether an export was overdue. */
  readonly overdue: boolean;
  /** Whether it could not be read, or AWS can never take a task that follows from it. */
  readonly unreadable: boolean;
  /** What was thrown. */
  readonly failure?: unknown;
}

const readOrUndefined = (record: DynamoDBRecord): Task[] | undefined => {
  try {
    return readRecord(record);
  } catch {
    // It is damaged, or a later version wrote it. A retry would not help, and would block the records after it.
    return undefined;
  }
};

/** Tries every task, so that one failure does not hold up the others. */
const followOne = async (deps: FollowUpDeps, record: DynamoDBRecord): Promise<Followed> => {
  const sequence = record.dynamodb?.SequenceNumber ?? '';
  const found = readOrUndefined(record);
  if (found === undefined) return { sequence, tasks: 0, waits: false, overdue: false, unreadable: true };
  const tasks = found.filter(canBeDone);
  const results = await Promise.allSettled(tasks.map((task) => doTask(deps, task)));
  const failed = results.find((result) => result.status === 'rejected');
  const tells = (type: EventType): boolean => tasks.some((task) => task.do === 'tell' && task.event.type === type);
  return {
    sequence,
    tasks: tasks.length,
    waits: tells('export.waiting'),
    overdue: tells('export.failed') && tasks.some((task) => task.do === 'sweep' && !task.keep),
    unreadable: tasks.length < found.length,
    ...(failed === undefined ? {} : { failure: failed.reason as unknown }),
  };
};

const writeBatchLine = ({ clock, stage, writeLog }: FollowUpDeps, followed: readonly Followed[]): void => {
  const failed = followed.filter(({ failure }) => failure !== undefined);
  const unreadable = followed.filter((record) => record.unreadable).length;
  const waiting = followed.filter(({ waits }) => waits).length;
  const overdue = followed.filter((record) => record.overdue).length;
  writeLog(
    JSON.stringify({
      level: failed.length + unreadable > 0 ? 'error' : 'info',
      time: new Date(clock.now()).toISOString(),
      function: 'follow-up',
      records: followed.length,
      tasks: followed.reduce((sum, { tasks }) => sum + tasks, 0),
      unreadable,
      ...(overdue === 0 ? {} : { overdue }),
      failed: failed.length,
      ...(failed[0] === undefined ? {} : { detail: causeOf(failed[0].failure) }),
      ...embeddedMetrics(stage, clock.now(), [
        {
          dimensions: [[]],
          metrics: {
            exportWaiting: waiting === 0 ? undefined : waiting,
            // The job wrote no end of it, and so no metric.
            exportFailed: overdue === 0 ? undefined : overdue,
            // An unreadable record is skipped, so no retry shows it.
            followUpFailed: failed.length + unreadable === 0 ? undefined : failed.length + unreadable,
          },
        },
      ]),
    }),
  );
};

/**
 * Follows up changes of grants and exports: starts jobs, sweeps and deliveries, deletes the export of a grant that has
 * ended, and stops jobs. Every task can be repeated safely, so every record is tried, and the stream repeats the batch
 * from the first one that failed.
 */
export const followUpHandler =
  (deps: FollowUpDeps) =>
  async ({ Records }: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
    const followed = await Promise.all(Records.map((record) => followOne(deps, record)));
    writeBatchLine(deps, followed);
    const firstFailed = followed.find(({ failure }) => failure !== undefined);
    return { batchItemFailures: firstFailed === undefined ? [] : [{ itemIdentifier: firstFailed.sequence }] };
  };
