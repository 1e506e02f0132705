import type { ErrorObject, OperationUpdate, WireOperation } from '@aws/durable-execution-sdk-js';

/** Encrypts payloads for storage, and decrypts them. @throws LambdaError if the key cannot be used */
export interface Vault {
  readonly seal: (text: string) => string;
  readonly open: (sealed: string) => string;
}

/** A stored operation. Payloads are sealed; the rest is in the clear, as in AWS. Times are in milliseconds. */
export interface StoredOperation {
  readonly id: string;
  readonly parentId?: string | undefined;
  readonly name?: string | undefined;
  readonly type: NonNullable<OperationUpdate['Type']>;
  readonly subType?: string | undefined;
  readonly status: NonNullable<WireOperation['Status']>;
  readonly startedAt: number;
  readonly endedAt?: number | undefined;
  /** For a step: how many attempts have ended. */
  readonly attempt?: number;
  readonly nextAttemptAt?: number | undefined;
  readonly scheduledEndAt?: number;
  readonly callbackId?: string;
  readonly heartbeatSeconds?: number;
  readonly replayChildren?: boolean | undefined;
  /** Only the execution itself has one. */
  readonly input?: string;
  readonly result?: string | undefined;
  /** An {@link ErrorObject} in JSON. */
  readonly error?: string | undefined;
}

export const isOver = ({ status }: StoredOperation): boolean => !/^(STARTED|PENDING|READY)$/.test(status);

/** Whether the execution may pause until this operation ends. */
export const isAwaited = ({ type, status }: StoredOperation): boolean =>
  type === 'STEP'
    ? status === 'PENDING' || status === 'READY'
    : status === 'STARTED' && (type === 'WAIT' || type === 'CALLBACK');

const endings = { SUCCEED: 'SUCCEEDED', FAIL: 'FAILED', CANCEL: 'CANCELLED' } as const;

/** The bytes of an update's payloads, which AWS counts as data written. */
export const payloadBytes = ({ Payload = '', Error: error }: OperationUpdate): number =>
  Buffer.byteLength(Payload) + (error === undefined ? 0 : Buffer.byteLength(JSON.stringify(error)));

/** Applies an update, which has already been checked. */
export const updated = (
  current: StoredOperation | undefined,
  update: OperationUpdate,
  { now, vault, callbackId }: { readonly now: number; readonly vault: Vault; readonly callbackId: string },
): StoredOperation => {
  const { Id = '', ParentId, Name, Type = 'STEP', SubType, Action, Payload, Error: error } = update;
  const base: StoredOperation = current ?? {
    id: Id,
    parentId: ParentId,
    name: Name,
    type: Type,
    subType: SubType,
    status: 'STARTED',
    startedAt: now,
  };
  const written = {
    result: Payload === undefined ? undefined : vault.seal(Payload),
    error: error === undefined ? undefined : vault.seal(JSON.stringify(error)),
  };
  const attempt = Type === 'STEP' ? { attempt: (base.attempt ?? 0) + 1, nextAttemptAt: undefined } : {};
  if (Action === 'RETRY') {
    const nextAttemptAt = now + (update.StepOptions?.NextAttemptDelaySeconds ?? 0) * 1000;
    return { ...base, ...written, ...attempt, nextAttemptAt, status: 'PENDING' };
  }
  if (Action === 'SUCCEED' || Action === 'FAIL' || Action === 'CANCEL') {
    const replayChildren = update.ContextOptions?.ReplayChildren ?? base.replayChildren;
    return { ...base, ...written, ...attempt, replayChildren, status: endings[Action], endedAt: now };
  }
  const started: StoredOperation = { ...base, status: 'STARTED', nextAttemptAt: undefined };
  if (Type === 'WAIT') return { ...started, scheduledEndAt: now + (update.WaitOptions?.WaitSeconds ?? 0) * 1000 };
  if (Type === 'CALLBACK') {
    return { ...started, callbackId, heartbeatSeconds: update.CallbackOptions?.HeartbeatTimeoutSeconds ?? 0 };
  }
  return started;
};

const dateOf = (ms: number | undefined): Date | undefined => (ms === undefined ? undefined : new Date(ms));

/** The operation as the API returns it. @throws LambdaError if the key cannot be used */
export const shown = (stored: StoredOperation, { open }: Vault): WireOperation => {
  const { id, parentId, name, type, subType, status, startedAt, endedAt, callbackId, replayChildren } = stored;
  const opened = {
    Result: stored.result === undefined ? undefined : open(stored.result),
    Error: stored.error === undefined ? undefined : (JSON.parse(open(stored.error)) as ErrorObject),
  };
  const details: Partial<Record<typeof type, Partial<WireOperation>>> = {
    EXECUTION: {
      ExecutionDetails: { InputPayload: stored.input === undefined ? undefined : open(stored.input) },
    },
    STEP: {
      StepDetails: { ...opened, Attempt: stored.attempt ?? 0, NextAttemptTimestamp: dateOf(stored.nextAttemptAt) },
    },
    CONTEXT: { ContextDetails: { ...opened, ReplayChildren: replayChildren } },
    WAIT: { WaitDetails: { ScheduledEndTimestamp: dateOf(stored.scheduledEndAt) } },
    CALLBACK: { CallbackDetails: { ...opened, CallbackId: callbackId } },
  };
  return {
    Id: id,
    ParentId: parentId,
    Name: name,
    Type: type,
    SubType: subType,
    Status: status,
    StartTimestamp: new Date(startedAt),
    EndTimestamp: dateOf(endedAt),
    ...details[type],
  };
};

type Operations = ReadonlyMap<string, StoredOperation>;

/** Whether an operation is inside no context that is over, or only inside one that wants them replayed. */
export const isVisible = (operations: Operations, { parentId = '' }: StoredOperation): boolean => {
  const parent = operations.get(parentId);
  if (parent === undefined || !isOver(parent)) return true;
  return parent.replayChildren === true && isVisible(operations, parent);
};

/** Leaves out the operations inside a context that is over, unless the context wants them replayed. */
export const visible = (operations: Operations): StoredOperation[] =>
  [...operations.values()].filter((operation) => isVisible(operations, operation));
