import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { throughBreaker } from '../../../../functions/fetch/breaker/breakers.ts';
import { lateMsOf, noteFailure, type GuardedCall } from '../../../../functions/fetch/breaker/environment.ts';
import { refuseAtOpen, refuseBesideProbe, refuseWaiting } from '../../../../functions/fetch/breaker/refuse.ts';
import { markOrOpen } from '../../../../functions/fetch/breaker/watch-call.ts';
import { GatewayError } from '../../../../functions/shared/errors.ts';
import { firstByteMsOf } from '../../../../functions/shared/payer/answers.ts';
import type { Payer } from '../../../../functions/shared/registry/types.ts';
import { closedBreaker, usualTimes } from '../../../../functions/shared/store/breaker-item.ts';
import { memoryDynamo } from '../../../support/memory-dynamo.ts';

const now = 1_780_315_200_000;
const open = (forMs: number) => ({ ...closedBreaker, openUntilMs: now + forMs });
const payer = (timeToFirstByte?: number) =>
  ({ id: 'northwind', quirks: timeToFirstByte === undefined ? {} : { timeToFirstByte } }) as Payer;

describe('a call that a breaker refuses', () => {
  it.each([
    ['while it is open', () => refuseAtOpen(open(30_000), now), 30, 'open'],
    ['in its last millisecond', () => refuseAtOpen(open(1), now), 1, 'open'],
    ['after its time by another clock', () => refuseAtOpen(open(-5000), now), 1, 'open'],
    ['beside its probe', () => refuseBesideProbe(10_000), 10, 'its probe is under way'],
    ['while it waited', () => refuseWaiting(open(12_001), now), 13, 'opened while the call waited'],
  ])('%s counts as a failure of the payer, and says when to ask again', (_when, make, seconds, why) => {
    expect(make()).toMatchObject({
      code: 'temporarily_unavailable',
      status: 503,
      publicMessage: 'The health plan does not answer at the moment. Please try again later.',
      retryAfterSeconds: seconds,
      detail: `breaker: ${why}`,
      signal: 'payerDown',
    });
  });
});

it('a payer has ten seconds, or a sixth of what its profile allows if that is more', () => {
  expect([firstByteMsOf(payer()), firstByteMsOf(payer(90))]).toEqual([60_000, 90_000]);
  expect([undefined, 30, 60, 61, 90, 120].map((seconds) => lateMsOf(payer(seconds), usualTimes))).toEqual([
    10_000,
    10_000,
    10_000,
    61_000 / 6,
    15_000,
    20_000,
  ]);
});

it('a table that is out of reach is counted, and does not hide why the read failed', () => {
  const record: GuardedCall['record'] = {
    requestId: 'request-1',
    detail: 'payer answered 500',
    signals: ['payerDown'],
  };

  noteFailure(record, 'TimeoutError');

  expect(record).toMatchObject({ detail: 'payer answered 500', signals: ['payerDown', 'limitsDown'] });
});

it('a late call that finds the breaker changed each time reads it anew, consistently, and gives up after four tries', async () => {
  const dynamo = memoryDynamo();
  dynamo.standIn('UpdateItem', () =>
    Promise.reject(new ConditionalCheckFailedException({ message: 'x', $metadata: {} })),
  );
  const clock = { now: () => now, monotonic: () => now };
  const limits = { client: dynamo.client, name: 'Limits' };
  const environment = { limits, clock, times: usualTimes, known: () => closedBreaker, note: () => undefined };
  const late: GuardedCall = {
    payer: payer(),
    grant: { grantId: 'g', partner: 'p' },
    record: { requestId: 'request-1' },
  };

  expect(await markOrOpen(environment, late)).toBe(false);

  const sent = dynamo.sent();
  expect(sent.filter(({ input }) => 'UpdateExpression' in input)).toHaveLength(4);
  const consistent = sent.flatMap(({ input }) => ('ConsistentRead' in input ? [input.ConsistentRead] : []));
  expect(consistent).toEqual([true, true, true, true]);
});

describe('a call through a breaker', () => {
  const call: GuardedCall = {
    payer: payer(),
    grant: { grantId: 'g', partner: 'p' },
    record: { requestId: 'request-1' },
  };
  const run = async (work: () => Promise<string>) => {
    const told: string[] = [];
    const note = (what: string) => async (): Promise<void> => void told.push(what);
    const watch = {
      sent: () => undefined,
      answered: note('answered'),
      unanswered: note('unanswered'),
      end: note('end'),
    };
    const breakers = { look: () => undefined, admit: async () => watch };
    const result = await throughBreaker({ breakers }, call, work).catch((error: unknown) => error);
    return { told, result };
  };

  it('ends once, and gives what the call gives', async () => {
    expect(await run(async () => 'answer')).toEqual({ told: ['end'], result: 'answer' });
  });

  it.each([
    ['payer_timeout', ['unanswered', 'end']],
    ['payer_error', ['end']],
    ['invalid_token', ['end']],
  ] as const)('that fails with %s tells it %j, and fails as the call did', async (code, expected) => {
    const error = new GatewayError(code, 'x');

    expect(await run(() => Promise.reject(error))).toEqual({ told: expected, result: error });
  });

  it('that fails in another way only ends', async () => {
    const error = new Error('payer_timeout');

    expect(await run(() => Promise.reject(error))).toEqual({ told: ['end'], result: error });
  });
});
