import { createHash, randomUUID } from 'node:crypto';
import { alreadyStarted, LambdaError, malformed } from './errors.ts';
import type { DurableFunction, Execution } from './execution.ts';
import { limits, patterns } from './limits.ts';
import type { Vault } from './operations.ts';

export interface StartRequest {
  readonly name?: string | undefined;
  /** JSON. */
  readonly payload: string;
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** @throws LambdaError if the name or the size is not allowed */
export const checkStart = ({ name, payload }: StartRequest): void => {
  if (name !== undefined && !patterns.executionName.test(name)) {
    throw malformed('durableExecutionName', String(patterns.executionName));
  }
  if (Buffer.byteLength(payload) > limits.inputBytes) {
    throw new LambdaError('RequestTooLargeException', 413, `The payload exceeds ${limits.inputBytes} bytes`);
  }
};

/**
 * Checks that a start request is the same as the one that started this execution, running or not
 * (https://docs.aws.amazon.com/lambda/latest/dg/durable-execution-idempotency.html).
 * @throws LambdaError if its name was used for something else
 */
export const requireSame = (
  { inputDigest, fn, name }: Execution,
  by: DurableFunction,
  { payload }: StartRequest,
): void => {
  if (inputDigest !== digestOf(payload) || fn.name !== by.name) throw alreadyStarted(name);
};

/** @throws LambdaError if the key cannot be used */
export const newExecution = (
  fn: DurableFunction,
  { name = randomUUID(), payload }: StartRequest,
  { now, vault }: { readonly now: number; readonly vault: Vault },
): Execution => {
  const id = randomUUID();
  const root = { id, type: 'EXECUTION', status: 'STARTED', startedAt: now, input: vault.seal(payload) } as const;
  return {
    arn: `${fn.arn}/durable-execution/${name}/${randomUUID()}`,
    name,
    fn,
    vault,
    inputDigest: digestOf(payload),
    startedAt: now,
    operations: new Map([[id, root]]),
    status: 'RUNNING',
    timers: new Map(),
    isRunning: false,
    news: new Set(),
    told: new Set(),
    invocations: 0,
    failures: 0,
    checkpoints: 0,
    metered: 1,
    persistedBytes: Buffer.byteLength(payload),
    whenOver: [],
  };
};
