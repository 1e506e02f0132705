import { metric, signalsOf } from '../../support/embedded-metrics.ts';
import { gateway, northwindTokens } from '../../support/login.ts';

type Test = ReturnType<typeof gateway>;

/** The log line of a payer's return. */
const lineOf = async (test: Test, payer = 'northwind'): Promise<string> => {
  const { state, cookie } = await test.start({}, { payer });
  await test.callback(test.fromPayer(state), { cookie, payer });
  return test.lines.at(-1) ?? '';
};
describe('what a login counts', () => {
  it('is a success, without a signal', async () => {
    const line = await lineOf(gateway());

    expect(metric(line, 'requests')).toEqual({ 'step=callback outcome=ok': 1 });
    expect(signalsOf(line)).toEqual([]);
  });

  it.each([
    ['does not answer', () => Promise.reject(new TypeError('fetch failed', { cause: new Error('x') })), ['payerDown']],
    ['names nobody', () => Response.json({ resourceType: 'Bundle' }), []],
  ])('is a patient search that %s as a failure', async (_, answer, signals) => {
    const test = gateway();
    test.payer.http = async (url) => (String(url).endsWith('/Patient') ? answer() : Response.json(northwindTokens));

    const line = await lineOf(test, 'demo-health-plan');

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
