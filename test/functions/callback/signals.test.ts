import { GatewayError } from '../../../functions/shared/errors.ts';
import { metric, signalsOf } from '../../support/embedded-metrics.ts';
import { gateway, northwindTokens } from '../../support/login.ts';

type Test = ReturnType<typeof gateway>;

/** The log line of a payer's return. */
const lineOf = async (test: Test, change: Record<string, string> = {}, payer = 'northwind'): Promise<string> => {
  const { state, cookie } = await test.start({}, { payer });
  await test.callback({ ...test.fromPayer(state), ...change }, { cookie, payer });
  return test.lines.at(-1) ?? '';
};
const answering = (answer: (url: string) => Response | Error): Test => {
  const test = gateway();
  test.payer.http = async (url) => {
    const given = answer(String(url));
    if (given instanceof Error) throw given;
    return given;
  };
  return test;
};
const counted = (outcome: string) => ({
  [`step=callback outcome=${outcome}`]: 1,
  ...(outcome === 'failed' ? { 'payer=northwind step=callback outcome=failed': 1 } : {}),
});

describe('what a login counts', () => {
  it('is a success, without a signal', async () => {
    const line = await lineOf(gateway());

    expect(metric(line, 'requests')).toEqual(counted('ok'));
    expect(signalsOf(line)).toEqual([]);
  });

  it.each([
    ['access_denied', 'refused', []],
    ['temporarily_unavailable', 'failed', ['payerDown']],
    ['server_error', 'failed', ['payerDown']],
    ['consent_required', 'failed', []],
  ])('is %s from the payer as %s with %j', async (error, outcome, signals) => {
    const line = await lineOf(gateway(), { error, code: '' });

    expect(metric(line, 'requests')).toEqual(counted(outcome));
    expect(signalsOf(line)).toEqual(signals);
  });

  it('is a payer that sends neither code nor error as one that cannot be used', async () => {
    expect(signalsOf(await lineOf(gateway(), { code: '' }))).toEqual(['payerDown']);
  });

  it.each([
    ['a 500', () => new Response('', { status: 500 }), ['payerDown']],
    ['a time-out', () => new DOMException('x', 'TimeoutError') as Error, ['payerDown']],
    ['a refused connection', () => new TypeError('fetch failed'), ['payerDown']],
    ['HTML', () => new Response('<html>'), ['payerDown']],
    ['invalid_client', () => Response.json({ error: 'invalid_client' }, { status: 401 }), ['secretMissing']],
    ['invalid_grant', () => Response.json({ error: 'invalid_grant' }, { status: 400 }), []],
  ])('is %s from the token endpoint as a failure with its signal', async (_, answer, signals) => {
    const line = await lineOf(answering(answer));

    expect(metric(line, 'requests')).toEqual(counted('failed'));
    expect(signalsOf(line)).toEqual(signals);
  });

  it('is a secret that is missing, or of another kind than the profile, as secretMissing', async () => {
    const missing = gateway();
    missing.secrets['northwind'] = new GatewayError('temporarily_unavailable', '', { signal: 'secretMissing' });
    const unfit = gateway();
    unfit.secrets['northwind'] = { client_secret: 'secret' };

    expect(signalsOf(await lineOf(missing))).toEqual(['secretMissing']);
    expect(signalsOf(await lineOf(unfit))).toEqual(['secretMissing']);
  });

  it.each([
    ['does not answer', () => new TypeError('fetch failed', { cause: new Error('x') }), ['payerDown']],
    ['names nobody', () => Response.json({ resourceType: 'Bundle' }), []],
  ])('is a patient search that %s as a failure', async (_, answer, signals) => {
    const test = answering((url) => (url.endsWith('/Patient') ? answer() : Response.json(northwindTokens)));

    const line = await lineOf(test, {}, 'demo-health-plan');

    expect(JSON.parse(line)).toMatchObject({ outcome: 'failed' });
    expect(signalsOf(line)).toEqual(signals);
  });
});

it('makes no metric for a payer that only the path names', async () => {
  const test = gateway();

  await test.authorize({}, { payer: 'no-such-payer' });
  await test.callback({ state: 's' }, { payer: 'no-such-payer' });

  expect(test.lines).toHaveLength(2);
  expect(test.lines.join()).not.toContain('no-such-payer');
  expect(metric(test.lines[0] ?? '', 'requests')).toEqual({ 'step=authorize outcome=refused': 1 });
  expect(metric(test.lines[1] ?? '', 'requests')).toEqual({ 'step=callback outcome=refused': 1 });
});
