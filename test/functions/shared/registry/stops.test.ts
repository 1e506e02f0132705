import {
  blockedPartner,
  isBlocked,
  isEnd,
  isPaused,
  pausedPayer,
} from '../../../../functions/shared/registry/stops.ts';

const stop = { at: 1000, by: 'arn:aws:iam::111122223333:user/one', reason: 'a leak' };

describe('a pause', () => {
  it('holds until an operator ends it, or until its second has come', () => {
    expect(isPaused(undefined, 2000)).toBe(false);
    expect(isPaused(stop, 2000)).toBe(true);
    expect(isPaused({ ...stop, until: 2000 }, 1999.999)).toBe(true);
    expect(isPaused({ ...stop, until: 2000 }, 2000)).toBe(false);
    expect(isPaused({ ...stop, until: 900 }, 1000)).toBe(false);
  });

  it('tells when to ask again: in the second that it ends, at least one second, or after five minutes', () => {
    expect(pausedPayer(stop, 2000).retryAfterSeconds).toBe(300);
    expect(pausedPayer({ ...stop, until: 2090 }, 2000.5).retryAfterSeconds).toBe(90);
    expect(pausedPayer({ ...stop, until: 2000 }, 1999.999).retryAfterSeconds).toBe(1);
    expect(pausedPayer({ ...stop, until: 2000 }, 2000).retryAfterSeconds).toBe(1);
  });
});

it('a block holds until an operator ends it, whatever `until` someone wrote by hand', () => {
  expect(isBlocked(undefined)).toBe(false);
  expect(isBlocked(stop)).toBe(true);
  expect(isBlocked({ ...stop, until: 900 })).toBe(true);
});

it('a stop that is over in the second in which it began ends the one before, and holds nothing', () => {
  const end = { ...stop, until: stop.at };

  expect([isEnd(end), isPaused(end, 0), isBlocked(end)]).toEqual([true, false, false]);
  expect([isEnd(stop), isEnd({ ...stop, until: 1001 }), isEnd({ ...stop, until: 999 })]).toEqual([false, false, false]);
});

it('a stop whose time was damaged by hand ends nothing', () => {
  const damaged = { ...stop, at: 0, until: 0 };

  expect([isEnd(damaged), isBlocked(damaged), isPaused(damaged, -1)]).toEqual([false, true, true]);
});

it('both errors say to the caller and to the log what was stopped', () => {
  expect(blockedPartner()).toMatchObject({
    code: 'unauthorized_client',
    status: 403,
    publicMessage: 'This app has been blocked by the operator of this gateway.',
    detail: 'the partner is blocked',
    stop: 'block',
    retryAfterSeconds: undefined,
  });
  expect(pausedPayer(stop, 2000)).toMatchObject({
    code: 'temporarily_unavailable',
    status: 503,
    publicMessage: 'This health plan is paused by the operator of this gateway.',
    detail: 'the payer is paused',
    stop: 'pause',
  });
});

it('neither error tells who stopped it or why', () => {
  for (const error of [blockedPartner(), pausedPayer(stop, 2000)]) {
    expect(JSON.stringify([error, error.message, error.publicMessage, error.detail])).not.toMatch(/a leak|arn:aws/);
  }
});
