/*
 * Which updates a checkpoint may have, by the constraints of
 * https://docs.aws.amazon.com/lambda/latest/api/API_OperationUpdate.html and the options that it names.
 */
import type { OperationUpdate } from '@aws/durable-execution-sdk-js';
import { checkUpdates } from '../../sandbox/aws/durable/check-updates.ts';
import type { StoredOperation } from '../../sandbox/aws/durable/operations.ts';

type Kind = 'STEP' | 'CONTEXT' | 'WAIT' | 'CALLBACK' | 'EXECUTION';
type Action = 'START' | 'SUCCEED' | 'FAIL' | 'RETRY' | 'CANCEL';
type Before = StoredOperation['status'] | 'new';

const stored = (type: Kind, status: StoredOperation['status']): StoredOperation => ({
  id: 'a',
  type,
  status,
  name: 'named',
  startedAt: 0,
});
const update = (Type: Kind, Action: Action, more: object = {}): OperationUpdate => ({
  Id: 'a',
  Type,
  Action,
  ...(Type === 'WAIT' && Action === 'START' && { WaitOptions: { WaitSeconds: 1 } }),
  ...(Action === 'RETRY' && { StepOptions: { NextAttemptDelaySeconds: 1 } }),
  ...more,
});
const check = (updates: readonly OperationUpdate[], before: readonly StoredOperation[] = []): string => {
  try {
    checkUpdates(updates, new Map(before.map((operation) => [operation.id, operation])));
    return 'taken';
  } catch (error) {
    return (error as Error).name;
  }
};
const refused = 'InvalidParameterValueException';
const malformed = 'ValidationException';

/** In which states each action may come; all others refuse it. */
const allowed: Readonly<Record<Kind, Partial<Record<Action, readonly Before[]>>>> = {
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
const kinds = ['STEP', 'CONTEXT', 'WAIT', 'CALLBACK', 'EXECUTION'] as const;
const actions = ['START', 'SUCCEED', 'FAIL', 'RETRY', 'CANCEL'] as const;
const states = ['new', 'STARTED', 'PENDING', 'READY', 'SUCCEEDED', 'FAILED', 'CANCELLED'] as const;

describe('updates of a durable execution', () => {
  it.each(kinds.flatMap((kind) => actions.map((action) => [kind, action] as const)))(
    'an operation of type %s takes %s in the states that allow it, and in no other',
    (kind, action) => {
      const taken = states.filter((state) => {
        const before = state === 'new' ? [] : [stored(kind, state)];
        return check([update(kind, action)], before) === 'taken';
      });
      expect(taken).toEqual(states.filter((state) => allowed[kind][action]?.includes(state) === true));
    },
  );

  it.each<[parameter: string, legal: readonly OperationUpdate[], illegal: readonly OperationUpdate[]]>([
    [
      'an id of 1 to 64 letters, digits, hyphens and underscores',
      ['a', 'x'.repeat(64), 'A-b_9'].map((Id) => update('STEP', 'START', { Id })),
      ['', 'x'.repeat(65), 'a b', 'a/b', 'é'].map((Id) => update('STEP', 'START', { Id })),
    ],
    [
      'a name of 1 to 256 printable characters',
      [' ', '~', 'x'.repeat(256)].map((Name) => update('STEP', 'START', { Name })),
      ['', 'x'.repeat(257), 'é', 'a\n'].map((Name) => update('STEP', 'START', { Name })),
    ],
    [
      'a subtype of 1 to 32 letters, hyphens and underscores',
      ['a', 'x'.repeat(32), 'A-b_c'].map((SubType) => update('STEP', 'START', { SubType })),
      ['', 'x'.repeat(33), 'a1', 'a b'].map((SubType) => update('STEP', 'START', { SubType })),
    ],
    [
      'a wait of 1 to 31,622,400 whole seconds',
      [1, 31_622_400].map((WaitSeconds) => update('WAIT', 'START', { WaitOptions: { WaitSeconds } })),
      [0, 31_622_401, 1.5, undefined].map((WaitSeconds) => update('WAIT', 'START', { WaitOptions: { WaitSeconds } })),
    ],
    [
      'a delay of a retry of 1 to 31,622,400 whole seconds',
      [1, 31_622_400].map((seconds) => update('STEP', 'RETRY', { StepOptions: { NextAttemptDelaySeconds: seconds } })),
      [0, 31_622_401, 1.5, undefined].map((seconds) =>
        update('STEP', 'RETRY', { StepOptions: { NextAttemptDelaySeconds: seconds } }),
      ),
    ],
    ...(['TimeoutSeconds', 'HeartbeatTimeoutSeconds'] as const).map(
      (name): [string, OperationUpdate[], OperationUpdate[]] => [
        `${name} of a callback of 0 to 31,622,400 whole seconds`,
        [0, 31_622_400, undefined].map((seconds) =>
          update('CALLBACK', 'START', { CallbackOptions: { [name]: seconds } }),
        ),
        [-1, 31_622_401, 1.5].map((seconds) => update('CALLBACK', 'START', { CallbackOptions: { [name]: seconds } })),
      ],
    ),
  ])('an operation has %s', (_what, legal, illegal) => {
    expect(legal.map((one) => check([one]))).toEqual(legal.map(() => 'taken'));
    expect(illegal.map((one) => check([one]))).toEqual(illegal.map(() => malformed));
  });

  it.each<[what: string, outcome: string, updates: readonly OperationUpdate[], stands?: readonly StoredOperation[]]>([
    ['with a payload of 256 KB is taken', 'taken', [update('STEP', 'SUCCEED', { Payload: 'é'.repeat(131_072) })]],
    [
      'with a payload of a byte more is refused',
      refused,
      [update('STEP', 'SUCCEED', { Payload: 'x'.repeat(262_145) })],
    ],
    [
      'with an error of 32 KB is taken',
      'taken',
      [update('STEP', 'FAIL', { Error: { ErrorMessage: 'x'.repeat(32_749) } })],
    ],
    [
      'with an error of a byte more is refused',
      refused,
      [update('STEP', 'FAIL', { Error: { ErrorMessage: 'x'.repeat(32_750) } })],
    ],
    ['that succeeds with an error is refused', refused, [update('STEP', 'SUCCEED', { Error: { ErrorMessage: 'x' } })]],
    ['that fails with a payload is refused', refused, [update('STEP', 'FAIL', { Payload: '1' })]],
    [
      'of a type that the local stack lacks is refused',
      refused,
      [{ Id: 'a', Type: 'CHAINED_INVOKE', Action: 'START' }],
    ],
    ['that changes its type is refused', refused, [update('STEP', 'SUCCEED')], [stored('CONTEXT', 'STARTED')]],
    [
      'that keeps its name is taken',
      'taken',
      [update('STEP', 'SUCCEED', { Name: 'named' })],
      [stored('STEP', 'STARTED')],
    ],
    [
      'that changes its name is refused',
      refused,
      [update('STEP', 'SUCCEED', { Name: 'b' })],
      [stored('STEP', 'STARTED')],
    ],
    [
      'within a context is taken',
      'taken',
      [update('CONTEXT', 'START'), update('STEP', 'START', { Id: 'b', ParentId: 'a' })],
    ],
    [
      'within a step is refused',
      refused,
      [update('STEP', 'START'), update('STEP', 'START', { Id: 'b', ParentId: 'a' })],
    ],
    ['within nothing is refused', refused, [update('STEP', 'START', { ParentId: 'none' })]],
    [
      'that changes its parent is refused',
      refused,
      [update('STEP', 'SUCCEED', { ParentId: 'c' })],
      [stored('STEP', 'STARTED'), { ...stored('CONTEXT', 'STARTED'), id: 'c' }],
    ],
    ['that starts and ends in one request is taken', 'taken', [update('STEP', 'START'), update('STEP', 'SUCCEED')]],
    ['that is a wait and does so is refused', refused, [update('WAIT', 'START'), update('WAIT', 'CANCEL')]],
    ['that starts twice in one request is refused', refused, [update('STEP', 'START'), update('STEP', 'START')]],
    ['that ends twice in one request is refused', refused, [update('STEP', 'SUCCEED'), update('STEP', 'SUCCEED')]],
    [
      'that is the execution is taken as the last update',
      'taken',
      [update('STEP', 'SUCCEED'), update('EXECUTION', 'SUCCEED', { Id: 'b' })],
    ],
    [
      'that is the execution is refused as an earlier one',
      refused,
      [update('EXECUTION', 'SUCCEED', { Id: 'b' }), update('STEP', 'SUCCEED')],
    ],
  ])('an operation %s', (_what, outcome, updates, ...stands) => {
    expect(check(updates, ...stands)).toBe(outcome);
  });
});
