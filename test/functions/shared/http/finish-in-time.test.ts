import { jest } from '@jest/globals';
import { finishInTime } from '../../../../functions/shared/http/finish-in-time.ts';
import { startMs } from '../../../support/gateway.ts';
import { basic, bodyOf, gateway, northwindTokens, sentBack } from '../../../support/login.ts';

const never = (): Promise<never> => new Promise(() => undefined);
const left = (ms: number) => ({ getRemainingTimeInMillis: () => ms });

describe('the time of a buffered answer', () => {
  beforeEach(
    () => void jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'], now: startMs }),
  );
  afterEach(() => void jest.useRealTimers());

  it('ends four seconds before API Gateway’s 29 s, with 503 and Retry-After', async () => {
    const answer = finishInTime(left(29_000), never).catch((error: unknown) => error);

    await jest.advanceTimersByTimeAsync(24_999);
    expect(jest.getTimerCount()).toBe(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(await answer).toMatchObject({
      code: 'temporarily_unavailable',
      status: 503,
      retryAfterSeconds: 5,
      detail: 'time budget is over',
    });
  });

  it('does not affect steps that end earlier: their result or error is passed on, and no timer is left', async () => {
    expect(await finishInTime(left(29_000), async () => 'done')).toBe('done');
    await expect(finishInTime(left(29_000), () => Promise.reject(new Error('theirs')))).rejects.toThrow('theirs');
    expect(jest.getTimerCount()).toBe(0);
  });

  it('applies to the token endpoint: OAuth JSON', async () => {
    const test = gateway();
    const pair = await test.connect();
    test.payer.http = never;

    const answer = test.revoke({ token: pair.access_token }, basic());
    await jest.advanceTimersByTimeAsync(25_000);

    const response = await answer;
    expect([response.statusCode, response.headers['Retry-After'], bodyOf(response).error]).toEqual([
      503,
      '5',
      'temporarily_unavailable',
    ]);
  });

  it('applies to the callback: the browser goes back to the partner with error, state and iss', async () => {
    const test = gateway();
    const { state, cookie } = await test.start();
    // The tokens came without a patient scope, so the payer is asked to revoke them, but does not answer.
    test.payer.http = (input) =>
      String(input).endsWith('/revoke') ? never() : Promise.resolve(Response.json({ ...northwindTokens, scope: 'x' }));

    const answer = test.callback(test.fromPayer(state), { cookie });
    await jest.advanceTimersByTimeAsync(25_000);

    expect(sentBack(await answer)).toMatchObject({
      error: 'temporarily_unavailable',
      state: 'partner-state',
      iss: 'http://localhost:3000/r4/northwind',
    });
  });
});
