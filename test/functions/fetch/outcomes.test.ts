import { base64url } from '../../../functions/shared/base64url.ts';
import { GatewayError } from '../../../functions/shared/errors.ts';
import { writeBearer } from '../../../functions/shared/store/bearers.ts';
import { revoke } from '../../../functions/shared/store/grants.ts';
import { fetchGateway, fhir, issueOf, read, type TestGrant } from '../../support/fetch-gateway.ts';
import { startMs } from '../../support/gateway.ts';
import { throttled, withoutPartner, withPartner } from '../../support/login.ts';
import { reference } from '../../support/reference.ts';

type Test = ReturnType<typeof fetchGateway>;
type Reading = ReturnType<typeof read>;
type Options = Parameters<typeof read>[3];

/** Reads, and returns what the partner and the log were told about the refusal, and whom the log names. */
const toldOf = async (test: Test, reading: Reading) => {
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
  expect(answer.headers['Cache-Control']).toBe('no-store');
  const { error, detail, payer, partner, grantId } = test.log().at(-1) as Record<string, string | undefined>;
  const text = diagnostics.replaceAll(/"[^"]*"/g, '"…"');
  const told = [answer.statusCode, code, text, error, detail === diagnostics ? text : detail];
  return { told, named: { payer, partner, grantId } };
};

const form = (name: string, value: string) => ({ method: 'POST', form: { [name]: value } });
const readOnly = 'This server is read-only: GET, or POST to {type}/_search and Patient/$export.';
const payer = 'northwind';
const partner = 'demo-partner';
const asks =
  (path: string, options?: Options) =>
  (test: Test, { token }: TestGrant): Reading =>
    read(test.deps, path, token, options);
const search = (query: string) => asks('Observation', { query });
/** A search that the payer answers this way. */
const answering =
  (answer: () => Response | Promise<Response>) =>
  async (test: Test, { token }: TestGrant) => {
    test.payer.http = async () => answer();
    return read(test.deps, 'Observation', token);
  };
const status = (code: number) => answering(() => new Response('', { status: code }));
const failing = (error: Error) =>
  answering(async () => {
    throw error;
  });
const withGrant = (options: Parameters<Test['grant']>[0], answer?: () => Response) => async (test: Test) => {
  const { token } = await test.grant(options);
  if (answer !== undefined) test.payer.http = async () => answer();
  return read(test.deps, 'Observation', token);
};

describe('a refused request tells the partner and the log why, and the log names its grant', () => {
  const onlyInHeader = 'Send the access token in the Authorization header only.';
  const onlyJson = 'Only JSON can be asked for in _format.';
  const onlyFhirJson = 'This server returns application/fhir+json only.';
  const uncheckable = 'The gateway cannot check "…"; use search parameters.';
  const payerRefused = 'The health plan refused the request';
  const tooLate = 'The health plan did not answer in time.';
  const overLimit = 'over the limit of a streamed answer';
  const revoked = 'the payer refused its refresh token: grant revoked';
  const expired = 'the payer token has expired';
  const refusedConnection = Object.assign(new Error(), { code: 'ECONNREFUSED' });
  const noOperation = 'Of the operations only Patient/{id}/$everything and Patient/$export are supported.';
  const notHere = '"…" is not a parameter of Observation here.';
  const noPage = `${notHere} To read further pages, follow the links of the Bundle as they are.`;
  const noChain = `${notHere} In a chain every type it can lead to must have the parameter: name the type, as in subject:Patient.name.`;
  const otherPage = 'This page link is damaged or was made for another sign-in. Start the search again.';
  const beside = '"…" cannot stand beside _link. Follow a page link as it is.';
  const another = 'This access token is for one member; the request names another patient.';
  const cannotTell =
    'This access token is for one member, and the gateway cannot tell whom this search names. Name the member by id, as in patient={id}.';
  const tooSmall = 'The access token does not permit searching Observation, which this request can return.';
  const unusable = 'The health plan gave an answer that cannot be used.';
  const wait = 'The health plan asks to wait before the next request.';
  const away = 'The health plan is not available at the moment.';
  const tooLarge =
    'The answer is larger than 200 MB, the most that the gateway can pass on. Ask for less at once: one resource type, or a smaller _count.';
  const ended = 'This access has ended. Ask the member to connect again.';
  const reconnect = 'The health plan no longer accepts this access. Ask the member to connect again.';
  const old = { accessToken: 'a', expiresAt: 1 };
  const stale = { ...old, refreshToken: 'r' };
  const huge = { headers: { 'content-length': String(300 * 1024 * 1024) } };
  const oauthError = () => Response.json({ error: 'invalid_grant' }, { status: 400 });
  const newToken = { access_token: 'payer-access-2', expires_in: 300 };
  const stillRefused = async (input: string | URL) =>
    String(input).endsWith('/token') ? Response.json(newToken) : new Response('', { status: 401 });

  const invalid = [400, 'invalid', 'invalid_request'] as const;
  const unsupported = [400, 'not-supported', 'invalid_request'] as const;
  const unknown = [404, 'not-supported', 'invalid_request'] as const;
  const notAllowed = [405, 'not-supported', 'method_not_allowed'] as const;
  const otherFormat = [406, 'not-supported', 'invalid_request'] as const;
  const otherAccept = [406, 'invalid', 'invalid_request'] as const;
  const denied = [403, 'forbidden', 'access_denied'] as const;
  const outOfScope = [403, 'forbidden', 'insufficient_scope'] as const;
  const late = [504, 'timeout', 'payer_timeout'] as const;
  const failed = [502, 'exception', 'payer_error'] as const;
  const isAway = [503, 'transient', 'temporarily_unavailable'] as const;
  const slowDown = [429, 'throttled', 'too_many_requests'] as const;
  const connectAgain = [403, 'forbidden', 'reconnect'] as const;

  type Refuse = (test: Test, grant: TestGrant) => Reading;
  type Kind = readonly [status: number, code: string, error: string | undefined];
  it.each<[title: string, Kind, text: string, Refuse, detail?: string]>([
    ['a write in a form', notAllowed, readOnly, asks('Patient/_search', form('_method', 'PUT'))],
    ['a write by POST', notAllowed, readOnly, asks('Patient', { method: 'POST', form: '{}' })],
    ['a token in a form', invalid, onlyInHeader, asks('Patient/_search', form('access_token', 'x'))],
    ['a malformed path', invalid, 'The path is not well-formed.', asks('Patient/%')],
    ['a path that leads upward', invalid, 'The path is not a FHIR read or search.', asks('Patient/..')],
    ['an id with a blank', invalid, 'The path is not a FHIR read or search.', asks('Patient/a b')],
    ['no type', unknown, 'Name a resource type below this base URL.', asks('')],
    ['an unknown type', unknown, 'FHIR R4 has no such resource type.', asks('Unknown'), 'unknown type of R4'],
    ['a long path', unknown, 'This server has no such path.', asks('Patient/a/_history/1/2')],
    ['an operation', notAllowed, noOperation, asks('$export')],
    ['_search by GET', notAllowed, 'Use POST for _search, or leave it out.', asks('Observation/_search')],
    ['another format', otherFormat, onlyJson, asks('Observation', { query: '_format=xml' })],
    ['a type other than JSON', otherAccept, onlyFhirJson, asks('Patient', { headers: { Accept: 'text/html' } })],
    ['an unknown parameter', unsupported, notHere, search('x=1'), 'unknown parameter of Observation'],
    ['a made-up page', unsupported, noPage, search('page=2'), 'unknown paging of Observation'],
    ['an unknown chain', unsupported, noChain, search('x.y=1'), 'unknown chain or modifier of Observation'],
    ['_filter', unsupported, uncheckable, search('_filter=x'), '_filter or _query'],
    ["another grant's page link", invalid, otherPage, asks('', { query: '_link=x' })],
    [
      'more than a page link',
      unsupported,
      beside,
      asks('', { query: '_link=x&x=1' }),
      'a parameter beside a page link',
    ],
    ['another patient', denied, another, asks('Patient/other')],
    ['a patient by name', denied, cannotTell, asks('Patient', { query: 'identifier=x' })],
    ['a scope that is too small', outOfScope, tooSmall, withGrant({ scope: 'patient/Condition.rs' })],
    [
      'a scope without a type',
      outOfScope,
      'The access token allows no FHIR resources.',
      withGrant({ scope: 'openid' }),
    ],
    ['a stopped payer', isAway, away, failing(refusedConnection), 'FHIR API: Error:ECONNREFUSED'],
    ['a slow payer', late, tooLate, failing(new DOMException('x', 'TimeoutError')), 'FHIR API: TimeoutError'],
    ['a 500', failed, unusable, status(500), 'payer answered 500'],
    ['a redirect', failed, unusable, status(302), 'payer answered 302'],
    ['a page', failed, unusable, answering(() => new Response('<html>')), 'wrong content type'],
    ['a 429', slowDown, wait, status(429), 'payer answered 429'],
    ['a 503', isAway, wait, status(503), 'payer answered 503'],
    ['a 403', [403, 'forbidden', undefined], `${payerRefused} (403).`, status(403), 'payer answered 403'],
    ['a 404', [404, 'not-found', undefined], `${payerRefused} (404).`, status(404), 'payer answered 404'],
    ['a large answer', [502, 'too-costly', 'answer_too_large'], tooLarge, answering(() => fhir('{}', huge)), overLimit],
    ['a refused refresh', [401, 'login', 'invalid_token'], ended, withGrant({ tokens: stale }, oauthError), revoked],
    ['no refresh', connectAgain, reconnect, withGrant({ tokens: old }), `${expired} and cannot be refreshed`],
    [
      'a 401 to a token that the payer has just issued',
      connectAgain,
      reconnect,
      (test, { token }) => {
        test.payer.http = stillRefused;
        return read(test.deps, 'Patient', token);
      },
      'the payer refuses a token that it has just refreshed',
    ],
    [
      'an audit that is down',
      isAway,
      'The service is briefly unavailable. Please try again.',
      (test, { token }) => {
        test.payer.http = async () => fhir({});
        return read({ ...test.deps, openGate: () => Promise.reject(throttled()) }, 'Observation', token);
      },
      'gate: ProvisionedThroughputExceededException',
    ],
  ])('%s', async (_title, [statusCode, code, error], text, refuse, detail = text) => {
    const test = fetchGateway();
    const grant = await test.grant();

    const found = await toldOf(test, refuse(test, grant));

    const [grantId] = [...test.dynamo.items('Grants').keys()].slice(-1);
    expect(found).toEqual({ told: [statusCode, code, text, error, detail], named: { payer, partner, grantId } });
  });
});

describe('a request that is refused before its grant is known', () => {
  const inQuery = 'Send the access token in the Authorization header, never in the query.';
  const noToken =
    'Send an access token: Authorization: Bearer …. Only metadata, .well-known/smart-configuration and .well-known/oauth-authorization-server need none.';
  const write = [405, 'not-supported', readOnly, 'method_not_allowed'] as const;
  const nowhere = [404, 'not-found', 'There is no such health plan here.', 'not_found'] as const;
  it.each<[what: string, known: string | undefined, Options, told: readonly [number, string, string, string]]>([
    ['a write', payer, { method: 'DELETE' }, write],
    ['an unknown payer', undefined, { payer: 'nowhere' }, nowhere],
    ['a token in the query', payer, { query: 'access_token=x' }, [401, 'invalid', inQuery, 'invalid_request']],
    ['no token', payer, { headers: { Authorization: '' } }, [401, 'invalid', noToken, 'invalid_request']],
  ])('for %s tells the partner and the log why, and the log names %s alone', async (_what, known, options, told) => {
    const test = fetchGateway();
    const { token } = await test.grant();

    const found = await toldOf(test, read(test.deps, 'Patient', token, options));

    expect(found).toEqual({ told: [...told, told[2]], named: { payer: known } });
  });

  it.each(['openid-configuration', 'udap'])(
    'for .well-known/%s, asked without a token, names what there is',
    async (name) => {
      const test = fetchGateway();
      const headers = { Authorization: '' };

      const found = await toldOf(test, read(test.deps, `.well-known/${name}`, '', { headers }));

      const noDocument =
        'There is no such document. There are metadata, .well-known/smart-configuration and .well-known/oauth-authorization-server.';
      const told = [404, 'not-found', noDocument, 'not_found', noDocument];
      expect(found).toEqual({ told, named: { payer } });
    },
  );

  it('by a table that is down is 503, and the log says so', async () => {
    const test = fetchGateway();
    const { token } = await test.grant();
    test.dynamo.failNext('GetItem', throttled());

    const refused = read(test.deps, 'Patient', token);

    const text = 'The service is briefly unavailable. Please try again.';
    const detail = 'dynamodb: ProvisionedThroughputExceededException';
    expect(await toldOf(test, refused)).toEqual({
      told: [503, 'transient', text, 'temporarily_unavailable', detail],
      named: { payer },
    });
    expect((await refused).headers['Retry-After']).toBe('5');
    expect(test.payer.requests).toEqual([]);
  });
});

describe('a token at the wrong place is told so, which only its holder can hear', () => {
  it.each<[detail: string, text: string, ask: (test: Test, grant: TestGrant) => Reading]>([
    [
      "another payer's grant",
      'This access token is for another health plan. Use the base URL that the member signed in at.',
      asks('Patient', { payer: 'demo-health-plan' }),
    ],
    ...(['p2pr_x', 'p2pc_x'] as const).map((bearer): [string, string, (test: Test) => Reading] => [
      'damaged, or no access token of ours',
      'This is a refresh token or a code. Send the access token of the same token answer.',
      (test) => read(test.deps, 'Patient', bearer),
    ]),
  ])('%s: %s', async (detail, text, ask) => {
    const test = fetchGateway();
    const { told } = await toldOf(test, ask(test, await test.grant()));
    expect(told).toEqual([401, 'login', text, 'invalid_token', detail]);
    expect(test.payer.requests).toEqual([]);
  });
});

describe('an unusable token gets the same answer for every other cause, and the log says which', () => {
  const publicMessage = 'The access token is unknown, expired or revoked.';
  const forged = (grantId: string) =>
    writeBearer({ kind: 'access', grantId, grantKey: Buffer.alloc(32), secret: Buffer.alloc(32) });
  const elsewhere = withPartner(partner, { payers: ['demo-health-plan'] });
  const out = 'the config no longer allows this grant';
  it.each<[detail: string, names: 'the payer' | 'the grant', ask: (test: Test, grant: TestGrant) => Reading]>([
    ['damaged, or no access token of ours', 'the payer', (test) => read(test.deps, 'Patient', 'x')],
    ['no such grant', 'the payer', (test) => read(test.deps, 'Patient', forged(base64url(Buffer.alloc(16))))],
    [
      'no such grant',
      'the payer',
      (test, { token, grantId }) => {
        test.dynamo.items('Grants').delete(grantId);
        return read(test.deps, 'Patient', token);
      },
    ],
    ['no token of this grant', 'the payer', (test, { grantId }) => read(test.deps, 'Patient', forged(grantId))],
    [
      'replaced by later refreshes',
      'the grant',
      (test, { token, grantId }) => {
        Object.assign(test.dynamo.items('Grants').get(grantId) ?? {}, { accessHash: { S: 'x'.repeat(43) } });
        return read(test.deps, 'Patient', token);
      },
    ],
    [
      'expired',
      'the grant',
      (test, { token }) => {
        test.passSeconds(3600);
        return read(test.deps, 'Patient', token);
      },
    ],
    [out, 'the grant', (test, { token }) => read(test.reconfigured(withoutPartner(partner)), 'Patient', token)],
    [out, 'the grant', (test, { token }) => read(test.reconfigured(elsewhere), 'Patient', token)],
    [
      'the grant has ended',
      'the grant',
      async (test, { token, grantId }) => {
        await revoke(test.deps.grants, grantId, 'byPartner', { now: startMs / 1000, requestId: 'revocation' });
        return read(test.deps, 'Patient', token);
      },
    ],
  ])('%s, of %s', async (detail, names, ask) => {
    const test = fetchGateway();
    const grant = await test.grant();
    test.dynamo.calls();

    const asking = ask(test, grant);

    const { told, named } = await toldOf(test, asking);
    expect(told).toEqual([401, 'login', publicMessage, 'invalid_token', detail]);
    expect({ partner: named.partner, grantId: named.grantId }).toEqual(
      names === 'the grant' ? { partner, grantId: grant.grantId } : {},
    );
    expect(named.payer).toBe(payer);
    const challenge = `Bearer error="invalid_token", error_description="${publicMessage}"`;
    expect((await asking).headers).toMatchObject({ 'WWW-Authenticate': challenge });
    expect(test.payer.requests).toEqual([]);
    if (detail.startsWith('damaged')) expect(test.dynamo.calls()).toEqual([]);
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

  const { told } = await toldOf(test, read({ ...test.deps, takeTurn }, 'Patient', token));
  expect(told).toEqual([400, 'processing', 'Not this.', 'unsupported_grant_type', 'Not this.']);
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
