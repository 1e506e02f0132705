import type { OperationUpdate } from '@aws/durable-execution-sdk-js';
import { invalid, malformed } from './errors.ts';
import { limits, patterns } from './limits.ts';
import type { StoredOperation } from './operations.ts';

type Action = NonNullable<OperationUpdate['Action']>;
type Status = StoredOperation['status'];

/** The actions of each type, and the statuses in which each is allowed. `new` means that it does not exist yet. */
const transitions: Readonly<Record<string, Partial<Record<Action, readonly (Status | 'new')[]>>>> = {
  STEP: {
    START: ['new', 'READY'],
    SUCCEED: ['new', 'STARTED', 'READY'],
    FAIL: ['new', 'STARTED', 'READY'],
    RETRY: ['new', 'STARTED', 'READY'],
  },
  CONTEXT: { START: ['new'], SUCCEED: ['new', 'STARTED'], FAIL: ['new', 'STARTED'] },
  WAIT: { START: ['new'], CANCEL: ['STARTED'] },
  CALLBACK: { START: ['new'], CANCEL: ['STARTED'] },
  EXECUTION: { SUCCEED: ['new', 'STARTED'], FAIL: ['new', 'STARTED'] },
};

const bytesOf = (text: string | undefined): number => Buffer.byteLength(text ?? '');

const checkSeconds = (name: string, seconds: number | undefined, least: number): void => {
  if (seconds === undefined || !Number.isInteger(seconds) || seconds < least || seconds > limits.longestSeconds) {
    throw malformed(name, `an integer from ${least} to ${limits.longestSeconds}`);
  }
};

const checkNames = ({ Id, Name, SubType }: OperationUpdate): void => {
  if (!patterns.operationId.test(Id ?? '')) throw malformed('id', String(patterns.operationId));
  if (Name !== undefined && !patterns.operationName.test(Name)) throw malformed('name', String(patterns.operationName));
  if (SubType !== undefined && !patterns.subType.test(SubType)) throw malformed('subType', String(patterns.subType));
};

const checkSizes = ({ Type, Payload, Error: error }: OperationUpdate): void => {
  if (bytesOf(Payload) > limits.payloadBytes) {
    throw invalid(`${Type} output payload size must be less than or equal to ${limits.payloadBytes} bytes.`);
  }
  if (error !== undefined && bytesOf(JSON.stringify(error)) > limits.errorBytes) {
    throw invalid(`Error object size must be less than ${limits.errorBytes} bytes.`);
  }
};

const checkOptions = (update: OperationUpdate): void => {
  const { Type, Action, StepOptions, WaitOptions, CallbackOptions, Payload, Error: error } = update;
  if (Action === 'SUCCEED' && error !== undefined) throw invalid('Cannot provide an Error for SUCCEED action.');
  if (Action === 'FAIL' && Payload !== undefined) throw invalid('Cannot provide a Payload for FAIL action.');
  if (Action === 'RETRY') checkSeconds('stepOptions.nextAttemptDelaySeconds', StepOptions?.NextAttemptDelaySeconds, 1);
  if (Action !== 'START') return;
  if (Type === 'WAIT') checkSeconds('waitOptions.waitSeconds', WaitOptions?.WaitSeconds, 1);
  if (Type === 'CALLBACK') {
    checkSeconds('callbackOptions.timeoutSeconds', CallbackOptions?.TimeoutSeconds ?? 0, 0);
    checkSeconds('callbackOptions.heartbeatTimeoutSeconds', CallbackOptions?.HeartbeatTimeoutSeconds ?? 0, 0);
  }
};

/** An operation's state after the earlier updates of the same checkpoint. */
interface Known {
  readonly type: StoredOperation['type'];
  readonly status: Status;
  readonly name?: string | undefined;
  readonly parentId?: string | undefined;
}

const checkUpdate = (update: OperationUpdate, current: Known | undefined): void => {
  const { Type = '', Action, Name, ParentId } = update;
  const actions = transitions[Type];
  // No local function calls another one from within an execution.
  if (actions === undefined) throw invalid(`The local stack does not support operations of type ${Type}.`);
  const allowed = Action && actions[Action];
  if (allowed === undefined) throw invalid('Invalid action for the given operation type.');
  if (current !== undefined) {
    if (current.type !== Type) throw invalid('Inconsistent operation type.');
    if (Name !== undefined && Name !== current.name) throw invalid('Inconsistent operation name.');
    if (ParentId !== undefined && ParentId !== current.parentId) throw invalid('Inconsistent parent operation id.');
  }
  if (!allowed.includes(current?.status ?? 'new')) {
    throw invalid(`Invalid current ${Type} state to ${Action}: ${current?.status ?? 'none'}.`);
  }
};

/**
 * Checks all updates of a checkpoint before any is applied, since either all or none are.
 * @throws LambdaError for updates that Lambda would refuse
 */
export const checkUpdates = (
  updates: readonly OperationUpdate[],
  operations: ReadonlyMap<string, StoredOperation>,
): void => {
  if (updates.slice(0, -1).some(({ Type }) => Type === 'EXECUTION')) {
    throw invalid('EXECUTION checkpoint must be the last update.');
  }
  const made = new Map<string, Known>();
  const known = (id: string): Known | undefined => made.get(id) ?? operations.get(id);
  const last = new Map<string, OperationUpdate>();
  for (const update of updates) {
    checkNames(update);
    const { Id = '', ParentId, Name, Type, Action } = update;
    const before = last.get(Id);
    const isEndOfStart = before?.Action === 'START' && Action !== 'START' && /^(STEP|CONTEXT)$/.test(before.Type ?? '');
    if (before !== undefined && !isEndOfStart)
      throw invalid('Cannot update the same operation twice in a single request.');
    if (ParentId !== undefined && known(ParentId)?.type !== 'CONTEXT') throw invalid('Invalid parent operation id.');
    checkUpdate(update, known(Id));
    checkSizes(update);
    checkOptions(update);
    last.set(Id, update);
    if (Type !== undefined) made.set(Id, { type: Type, status: 'STARTED', name: Name, parentId: ParentId });
  }
};
