import { GatewayError } from '../../../functions/shared/errors.ts';
import { revoke } from '../../../functions/shared/store/grants.ts';
import { fetchGateway, fhir, issueOf, read } from '../../support/fetch-gateway.ts';
import { startMs } from '../../support/gateway.ts';
import { withoutPartner, withPartner } from '../../support/login.ts';
import { reference } from '../../support/reference.ts';

type Test = ReturnType<typeof fetchGateway>;
type Told = readonly [status: number, code: string, text: string, error: string, detail?: string];

/** Reads, and returns what the partner and the log were told about the refusal. */
const toldOf = async (test: Test, reading: ReturnType<typeof read>): Promise<Told> => {
  const answer = await reading;
  const { code, diagnostics } = issueOf(answer);
  expect(answer.json()).toEqual({
    resourceType: 'OperationOutcome',
    issue: [
      {
        severity: 'error',
        code,
        details: { text: diagnostics },
        diagnostics: `${diagnostics} (reference ${reference})`,
      },
    ],
  });
  const { error, detail } = test.log().at(-1) as { error: string; detail?: string };
  const told = [answer.statusCode, code, diagnostics, error] as const;
  return detail === diagnostics ? told : [...told, String(detail)];
};

const readOnly = 'This server is read-only: GET, or POST to {type}/_search and Patient/$export.';
const form = (name: string, value: string) => ({ method: 'POST', form: { [name]: value } });

describe('a refused request tells the partner and the log why', () => {
  const inForm = 'Send the access token in the Authorization header only.';
  it.each<[title: string, path: string, options: Parameters<typeof read>[3], told: Told]>([
    ['a write', 'Patient', { method: 'DELETE' }, [405, 'not-supported', readOnly, 'method_not_allowed']],
    [
      'a write by POST',
      'Patient',
      { method: 'POST', form: '{}' },
      [405, 'not-supported', readOnly, 'method_not_allowed'],
    ],
    [
      'a write in a form',
      'Patient/_search',
      form('_method', 'PUT'),
      [405, 'not-supported', readOnly, 'method_not_allowed'],
    ],
    ['a token in a form', 'Patient/_search', form('access_token', 'x'), [400, 'invalid', inForm, 'invalid_request']],
    ['a malformed path', 'Patient/%', {}, [400, 'invalid', 'The path is not well-formed.', 'invalid_request']],
    [
      'a path that FHIR does not have',
      'Patient/..',
      {},
      [400, 'invalid', 'The path is not a FHIR read or search.', 'invalid_request'],
    ],
    [
      'another type than JSON',
      'Patient',
      { headers: { Accept: 'text/html' } },
      [406, 'invalid', 'Only application/fhir+json can be given.', 'invalid_request'],
    ],
    [
      'another payer',
      'Patient',
      { payer: 'nowhere' },
      [404, 'not-found', 'There is no such health plan here.', 'not_found'],
    ],
    [
      'a token in the query',
      'Patient',
      { query: 'access_token=x' },
      [401, 'invalid', 'Send the access token in the Authorization header, never in the query.', 'invalid_request'],
    ],
    [
      'no token',
      'Patient',
      { headers: { Authorization: '' } },
      [401, 'invalid', 'Send an access token: Authorization: Bearer ….', 'invalid_request'],
    ],
  ])('%s', async (_title, path, options, told) => {
    const test = fetchGateway();
    const { token } = await test.grant();

    expect(await toldOf(test, read(test.deps, path, token, options))).toEqual(told);
  });
});

describe('an unusable token gets the same answer for every cause, and the log says which', () => {
  const publicMessage = 'The access token is unknown, expired or revoked.';
  it.each<[detail: string, ask: (test: Test, token: string, grantId: string) => ReturnType<typeof read>]>([
    ['damaged, or no access token of ours', (test) => read(test.deps, 'Patient', 'x')],
    [
      'no such grant',
      (test, token, grantId) => {
        test.dynamo.items('Grants').delete(grantId);
        return read(test.deps, 'Patient', token);
      },
    ],
    ["another payer's grant", (test, token) => read(test.deps, 'Patient', token, { payer: 'demo-health-plan' })],
    [
      'the config no longer allows this grant',
      (test, token) => read(test.reconfigured(withoutPartner('demo-partner')), 'Patient', token),
    ],
    [
      'the config no longer allows this grant',
      (test, token) => {
        const change = withPartner('demo-partner', { payers: ['demo-health-plan'] });
        return read(test.reconfigured(change), 'Patient', token);
      },
    ],
    [
      'the grant has ended',
      async (test, token, grantId) => {
        const request = { now: startMs / 1000, requestId: 'revocation' };
        await revoke(test.deps.grants, grantId, 'byPartner', request);
        return read(test.deps, 'Patient', token);
      },
    ],
  ])('%s', async (detail, ask) => {
    const test = fetchGateway();
    const { token, grantId } = await test.grant();

    const asking = ask(test, token, grantId);

    expect(await toldOf(test, asking)).toEqual([401, 'login', publicMessage, 'invalid_token', detail]);
    const challenge = `Bearer error="invalid_token", error_description="${publicMessage}"`;
    expect((await asking).headers).toMatchObject({ 'WWW-Authenticate': challenge, 'Cache-Control': 'no-store' });
    expect(test.payer.requests).toEqual([]);
  });
});

describe("a payer's failure tells the partner and the log what it was", () => {
  const unusable = 'The health plan gave an answer that cannot be used.';
  const wait = 'The health plan asks to wait before the next request.';
  it.each<[title: string, respond: () => Response, told: Told]>([
    [
      'a 500',
      () => new Response('', { status: 500 }),
      [502, 'exception', unusable, 'payer_error', 'payer answered 500'],
    ],
    [
      'a redirect',
      () => new Response(null, { status: 302 }),
      [502, 'exception', unusable, 'payer_error', 'payer answered 302'],
    ],
    [
      'HTML',
      () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
      [502, 'exception', unusable, 'payer_error', 'wrong content type'],
    ],
    [
      'a 429',
      () => new Response('', { status: 429 }),
      [429, 'throttled', wait, 'too_many_requests', 'payer answered 429'],
    ],
    [
      'a 503',
      () => new Response('', { status: 503 }),
      [503, 'transient', wait, 'temporarily_unavailable', 'payer answered 503'],
    ],
  ])('%s', async (_title, respond, told) => {
    const test = fetchGateway();
    const { token } = await test.grant();
    test.payer.http = async () => respond();

    expect(await toldOf(test, read(test.deps, 'Patient', token))).toEqual(told);
  });

  it('a 401 to a token that it has just issued', async () => {
    const test = fetchGateway();
    const { token } = await test.grant();
    test.payer.http = async (input) =>
      String(input).endsWith('/token')
        ? Response.json({ access_token: 'payer-access-2', expires_in: 300 })
        : new Response('', { status: 401 });

    expect(await toldOf(test, read(test.deps, 'Patient', token))).toEqual([
      403,
      'forbidden',
      'The health plan no longer accepts this access. Ask the member to connect again.',
      'reconnect',
      'the payer refuses a token that it has just refreshed',
    ]);
  });
});

describe('the headers of a refusal', () => {
  const basic = {
    'Content-Type': 'application/fhir+json; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    RateLimit: '"partner";r=99;t=1',
    'RateLimit-Policy': '"partner";q=100;w=2',
    Vary: 'Origin',
  };
  it.each([
    ['a path that FHIR does not have', 'Patient/..'],
    ['an unknown type', 'NoSuchType'],
    ['another patient', 'Patient/patient-2'],
  ])('are these and no others: %s', async (_title, path) => {
    const test = fetchGateway();
    const { token } = await test.grant();

    expect((await read(test.deps, path, token)).headers).toEqual(basic);
  });

  it('contain no character that would end the description in a challenge', async () => {
    const test = fetchGateway();
    const { token } = await test.grant();
    const takeTurn = () => Promise.reject(new GatewayError('invalid_token', 'a "quoted\\" text', { status: 401 }));

    const answer = await read({ ...test.deps, takeTurn }, 'Patient', token);

    expect(answer.headers['WWW-Authenticate']).toBe('Bearer error="invalid_token", error_description="a quoted text"');
  });
});

it('calls a refusal "processing" if FHIR has no code for it', async () => {
  const test = fetchGateway();
  const { token } = await test.grant();
  const takeTurn = () => Promise.reject(new GatewayError('unsupported_grant_type', 'Not this.'));

  expect(await toldOf(test, read({ ...test.deps, takeTurn }, 'Patient', token))).toEqual([
    400,
    'processing',
    'Not this.',
    'unsupported_grant_type',
  ]);
});

it.each([
  ['Patient/patient-1', '', 'read Patient'],
  ['Patient/patient-1/_history/2', '', 'vread Patient'],
  ['Observation', 'code=a', 'search-type Observation'],
  ['Patient/patient-1/Observation', '', 'search-compartment Patient Observation'],
  ['Patient/patient-1/*', '', 'search-compartment Patient'],
  ['', '_id=1', 'search-system'],
])('logs for %s?%s what kind of read it was', async (path, query, interaction) => {
  const test = fetchGateway();
  const { token } = await test.grant();
  test.payer.http = async () => fhir({});

  await read(test.deps, path, token, { query });

  expect(test.log()).toMatchObject([{ interaction }]);
});

it('logs how long the payer took, also if it failed', async () => {
  const test = fetchGateway();
  const { token } = await test.grant();
  const took = async (answer: () => Response): Promise<unknown> => {
    test.payer.http = async () => {
      test.passSeconds(1.2344);
      return answer();
    };
    await read(test.deps, 'Patient', token);
    return test.log().at(-1)?.['payerMs'];
  };
  const broken = (): never => {
    throw new TypeError('fetch failed');
  };

  expect([await took(() => fhir({})), await took(broken)]).toEqual([1234, 1234]);
});
