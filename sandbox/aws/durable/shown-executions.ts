import type { ErrorObject } from '@aws/durable-execution-sdk-js';
import { invalid } from './errors.ts';
import type { Execution } from './execution.ts';

/** `GetDurableExecution`. @throws LambdaError if the key cannot be used */
export const executionShown = (execution: Execution, withData: boolean) => {
  const { arn, name, fn, startedAt, endedAt, status, result, error, vault, operations } = execution;
  const [root] = operations.values();
  const opened = (sealed: string | undefined): string | undefined =>
    sealed === undefined || !withData ? undefined : vault.open(sealed);
  const errorText = opened(error);
  return {
    DurableExecutionArn: arn,
    DurableExecutionName: name,
    FunctionArn: fn.arn,
    InputPayload: opened(root?.input),
    Result: opened(result),
    Error: errorText === undefined ? undefined : (JSON.parse(errorText) as ErrorObject),
    StartTimestamp: new Date(startedAt),
    EndTimestamp: endedAt === undefined ? undefined : new Date(endedAt),
    Status: status,
    Version: fn.version,
    ExecutionDataIncluded: withData,
    DurableConfig: {
      KMSKeyArn: fn.keyArn,
      RetentionPeriodInDays: fn.retentionDays,
      ExecutionTimeout: fn.executionTimeoutSeconds,
    },
  };
};

const usualItems = 100;
const mostItems = 1000;

interface Filter {
  /** The function's physical name. */
  readonly name: string;
  readonly qualifier?: string | undefined;
  readonly query: URLSearchParams;
}

const timeOf = (query: URLSearchParams, name: string): number | undefined => {
  const text = query.get(name);
  return text === null ? undefined : Date.parse(text);
};

/** `ListDurableExecutionsByFunction`: newest first, or oldest first with `ReverseOrder`. */
export const executionsShown = (all: readonly Execution[], { name, qualifier, query }: Filter) => {
  const wanted = {
    version: qualifier ?? query.get('Qualifier'),
    name: query.get('DurableExecutionName'),
    statuses: query.getAll('Statuses'),
    after: timeOf(query, 'StartedAfter') ?? -Infinity,
    before: timeOf(query, 'StartedBefore') ?? Infinity,
  };
  const found = all.filter(
    (execution) =>
      execution.fn.name === name &&
      (wanted.version === null || execution.fn.version === wanted.version) &&
      (wanted.name === null || execution.name === wanted.name) &&
      (wanted.statuses.length === 0 || wanted.statuses.includes(execution.status)) &&
      execution.startedAt > wanted.after &&
      execution.startedAt < wanted.before,
  );
  const ordered = query.get('ReverseOrder') === 'true' ? found : found.toReversed();
  const from = Number(query.get('Marker') ?? 0);
  if (!Number.isInteger(from) || from < 0) throw invalid('Invalid marker');
  const to = from + Math.min(Number(query.get('MaxItems') ?? 0) || usualItems, mostItems);
  return {
    DurableExecutions: ordered.slice(from, to).map(({ arn, name: executionName, fn, status, startedAt, endedAt }) => ({
      DurableExecutionArn: arn,
      DurableExecutionName: executionName,
      FunctionArn: fn.arn,
      Status: status,
      StartTimestamp: new Date(startedAt),
      EndTimestamp: endedAt === undefined ? undefined : new Date(endedAt),
      KMSKeyArn: fn.keyArn,
    })),
    NextMarker: to < ordered.length ? String(to) : undefined,
  };
};
