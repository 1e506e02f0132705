import { metric, signalsOf } from '../../support/embedded-metrics.ts';
import { fetchGateway, fhir, read } from '../../support/fetch-gateway.ts';

/** The log line of a read that a payer answers this way. */
const lineOf = async (answer: (url: string) => Response | Error, seconds = 0): Promise<string> => {
  const test = fetchGateway();
  const { token } = await test.grant();
  test.passSeconds(seconds);
  test.payer.http = async (url) => {
    const given = answer(String(url));
    if (given instanceof Error) throw given;
    return given;
  };
  await read(test.deps, 'Patient', token);
  return test.lines.at(-1) ?? '';
};

describe('what a read counts', () => {
  it.each([
    ['200', 'ok'],
    ['304', 'ok'],
    ['404', 'refused'],
    ['429', 'refused'],
  ])('is the payer’s %s as %s, without a signal', async (status, outcome) => {
    const line = await lineOf(() =>
      status === '304' ? new Response(null, { status: 304 }) : fhir({}, { status: Number(status) }),
    );

    expect(metric(line, 'requests')).toEqual({ [`step=fetch outcome=${outcome}`]: 1 });
    expect(JSON.parse(line)).toMatchObject({ payer: 'northwind', partner: 'demo-partner', outcome });
    expect(signalsOf(line)).toEqual([]);
  });

  it.each([
    ['a 500', () => new Response('', { status: 500 })],
    ['a 503 that asks to wait', () => new Response('', { status: 503 })],
    ['HTML', () => new Response('<html>', { headers: { 'content-type': 'text/html' } })],
    ['a redirect', () => new Response(null, { status: 302, headers: { location: 'https://elsewhere.example' } })],
    ['a refused connection', () => new TypeError('fetch failed')],
    ['a time-out', () => new DOMException('x', 'TimeoutError') as Error],
  ])('is %s as a failure of a payer that cannot be used', async (_, answer) => {
    const line = await lineOf(answer);

    expect(JSON.parse(line)).toMatchObject({ outcome: 'failed', level: 'error' });
    expect(metric(line, 'requests')).toEqual({
      'step=fetch outcome=failed': 1,
      'payer=northwind step=fetch outcome=failed': 1,
    });
    expect(metric(line, 'payerDown')).toEqual({ '': 1, 'payer=northwind': 1 });
  });

  it('is a refresh that failed, if the payer refuses the token that it has just given', async () => {
    const line = await lineOf((url) =>
      url.endsWith('/token')
        ? Response.json({ access_token: 'payer-access-2', expires_in: 300 })
        : new Response('', { status: 401 }),
    );

    expect(metric(line, 'refreshFailed')).toEqual({ '': 1 });
    expect(signalsOf(line)).toEqual(['refreshFailed']);
  });

  it('is a refresh of payer tokens that failed, in addition to the payer that is down', async () => {
    const line = await lineOf(() => new Response('', { status: 500 }), 301);

    expect(metric(line, 'refreshFailed')).toEqual({ '': 1 });
    expect(signalsOf(line)).toEqual(['refreshFailed', 'payerDown']);
  });
});

it('the line of a successful read says why a refresh before it failed', async () => {
  const test = fetchGateway();
  const { token } = await test.grant();
  // The old token is valid for another minute.
  test.passSeconds(250);
  test.payer.http = async (url) =>
    String(url).includes('/token')
      ? Response.json({ error: 'invalid_client' }, { status: 401 })
      : fhir({ resourceType: 'Patient', id: 'patient-1' });
  await read(test.deps, 'Patient', token);

  const line = test.lines.at(-1) ?? '';
  expect(signalsOf(line)).toEqual(['refreshFailed', 'secretMissing']);
  const record = JSON.parse(line) as Record<string, unknown>;
  expect(record).toMatchObject({
    status: 200,
    outcome: 'ok',
    level: 'info',
    detail: 'token endpoint answered 401 with an OAuth error (invalid_client)',
  });
  expect(record).not.toHaveProperty('error');
});

it('makes no metric for a payer that only the path names', async () => {
  const test = fetchGateway();

  await read(test.deps, 'Patient', undefined, { payer: 'no-such-payer' });

  expect(metric(test.lines[0] ?? '', 'requests')).toEqual({ 'step=fetch outcome=refused': 1 });
  expect(JSON.parse(test.lines[0] ?? '')).not.toHaveProperty('payer');
});
