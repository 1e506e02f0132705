import { paginateDescribeLogGroups, type CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { Refusal } from '../shared/errors.ts';
import { dayMs, type Month } from './month.ts';

/** A log group of a function that answers requests. Times are epoch milliseconds. */
export interface RequestLog {
  readonly name: string;
  readonly createdAtMs: number;
  /** Infinite if its lines are kept for ever. */
  readonly retentionDays: number;
  readonly bytes: number;
}

/** What follows the stage in those log groups' names: the API's functions, and the one that answers for exports. */
const constructs = ['Functions', 'ExportsExportLogs'] as const;

const findLogs = async (client: CloudWatchLogsClient, prefix: string): Promise<RequestLog[]> => {
  const logs: RequestLog[] = [];
  for await (const { logGroups = [] } of paginateDescribeLogGroups({ client }, { logGroupNamePrefix: prefix })) {
    for (const { logGroupName: name = '', creationTime = 0, retentionInDays, storedBytes = 0 } of logGroups) {
      const retentionDays = retentionInDays ?? Number.POSITIVE_INFINITY;
      logs.push({ name, createdAtMs: creationTime, retentionDays, bytes: storedBytes });
    }
  }
  return logs;
};

/**
 * The log groups of the functions that answer requests. A stage may have older ones of a replaced function too.
 * @throws Refusal if there are none
 */
export const findRequestLogs = async (client: CloudWatchLogsClient, stage: string): Promise<RequestLog[]> => {
  const [first, ...others] = constructs.map((construct) => `p2p-gateway-${stage}-${construct}`);
  const logs = await findLogs(client, first!);
  if (logs.length === 0)
    throw new Refusal(
      `There is no log group ${first}… in this account and region. Deploy the stage, or check --stage.`,
    );
  for (const prefix of others) logs.push(...(await findLogs(client, prefix)));
  return logs;
};

/** The time since which no line of these logs has been deleted. */
export const keptFrom = (logs: readonly RequestLog[], nowMs: number): number =>
  nowMs - Math.min(...logs.map(({ retentionDays }) => retentionDays)) * dayMs;

/** Estimates how many bytes these logs have within a month, assuming the same number every day. */
export const bytesWithin = (logs: readonly RequestLog[], { fromMs, toMs }: Month, nowMs: number): number =>
  logs.reduce((sum, { createdAtMs, retentionDays, bytes }) => {
    const oldestMs = Math.max(createdAtMs, nowMs - retentionDays * dayMs);
    const share = (Math.min(toMs, nowMs) - Math.max(fromMs, oldestMs)) / Math.max(1, nowMs - oldestMs);
    return sum + bytes * Math.min(1, Math.max(0, share));
  }, 0);
