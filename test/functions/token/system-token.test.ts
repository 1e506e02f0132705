import { importJWK, SignJWT } from 'jose';
import { facadeOf } from '../../../functions/discovery/facade.ts';
import { discoveryHandler } from '../../../functions/discovery/handler.ts';
import { payerStatement } from '../../../functions/discovery/payer-statement.ts';
import { authenticateSystem } from '../../../functions/shared/partner/authenticate-system.ts';
import { registryOf } from '../../../functions/shared/registry/registry.ts';
import type { PayerExchange, RegistryData } from '../../../functions/shared/registry/types.ts';
import { tokenHandler } from '../../../functions/token/handler.ts';
import { apiEvent, call, startMs, testDeps } from '../../support/gateway.ts';
import { bodyOf, es384Jwk, localRegistry } from '../../support/login.ts';

/*
 * Expected values: RFC 6749 §4.4 and §5, RFC 7009, RFC 7662, RFC 8707, and SMART App Launch 2.2, "Backend Services".
 */
const origin = 'http://localhost:3000';
const planKey = es384Jwk('plan-1');
const npi = 'http://hl7.org/fhir/sid/us-npi';
const asked: PayerExchange = {
  clientId: 'gateway-as-a-plan',
  assertionAlgorithm: 'ES384',
  publicKeys: [es384Jwk('exchange-1').publicJwk],
  scopes: ['system/Group.rs'],
  identifiers: [{ system: npi, value: '1234567893' }],
};

const local = localRegistry();
const { identityAudiences = [], ...anyPartner } = local.partners[0]!;
const presenter = { identityAudiences };
const planOf = (clientId: string) => ({
  ...anyPartner,
  clientId,
  clientAuthentication: ['private_key_jwt', 'client_secret_post'] as const,
  jwks: [planKey.publicJwk],
  exchange: { identifiers: [{ system: npi, value: '1245319599' }] },
});
const { exchange: _identifiers, ...app } = planOf('app');
const data: RegistryData = {
  ...local,
  payers: local.payers.map(({ exchange: _exchange, identitySignIn: _identity, ...payer }) => ({
    ...payer,
    ...(payer.id === 'northwind' ? {} : { exchange: asked }),
  })),
  partners: [
    ...local.partners,
    planOf('plan'),
    planOf('rival'),
    app,
    { ...app, ...presenter, clientId: 'presenter' },
    { ...planOf('both'), ...presenter },
  ],
};

/** What is sent; undefined leaves a field out. */
type Form = Readonly<Record<string, string | undefined>>;
interface How {
  readonly as?: string;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly endpoint?: string;
}
const noAssertion: Form = { client_assertion: undefined, client_assertion_type: undefined };

let assertions = 0;

const world = (stage: { exchanges?: boolean; identities?: boolean; registry?: RegistryData } = {}) => {
  const { exchanges = true, identities = false, registry = data } = stage;
  const test = testDeps({ registry });
  const table = { client: test.dynamo.client, name: 'Exchanges' };
  const over = (changed: RegistryData) => ({
    ...test.deps,
    exchanges: table,
    registry: registryOf(changed, test.stops, test.deps.clock.now),
  });
  const identity = { ...table, providers: [] } as never;
  const deps = { ...over(registry), exchanges: exchanges ? table : undefined, ...(identities ? { identity } : {}) };
  const handler = tokenHandler(deps);
  const assertion = async (clientId: string, claims: object) =>
    new SignJWT({
      iss: clientId,
      sub: clientId,
      aud: `${origin}/oauth2/token`,
      jti: `assertion-${(assertions += 1)}`,
      exp: test.deps.clock.now() / 1000 + 200,
      ...claims,
    })
      .setProtectedHeader({ alg: 'ES384', kid: 'plan-1' })
      .sign(await importJWK(planKey.privateJwk, 'ES384'));
  const post = async (form: Form, { as = 'plan', claims = {}, endpoint = 'token' }: How = {}) => {
    const whole: Form = {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await assertion(as, claims),
      ...form,
    };
    const sent = Object.fromEntries(Object.entries(whole).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]])));
    const answer = await call(handler, apiEvent(`/oauth2/${endpoint}`, { method: 'POST', form: sent }));
    return { status: answer.statusCode, body: { ...bodyOf(answer) } as Partial<Record<string, unknown>> };
  };
  const good = { grant_type: 'client_credentials', scope: 'system/*.rs', resource: `${origin}/r4/demo-health-plan` };
  const ask = (change: Form = {}, how: How = {}) => post({ ...good, ...change }, how);
  const token = async (): Promise<string> => {
    const { status, body } = await ask();
    expect(status).toBe(200);
    return String(body['access_token']);
  };
  const open = (shown: unknown, payer = 'demo-health-plan', changed = registry, options = {}) =>
    authenticateSystem(
      over(changed),
      apiEvent('/r4/{payer}/{proxy+}', { path: { payer }, headers: { Authorization: `Bearer ${String(shown)}` } }),
      {},
      options,
    );
  return { ...test, post, ask, token, open, tokens: () => [...test.dynamo.items('Exchanges').values()] };
};

describe("a plan's system token", () => {
  it('is issued for one payer and five minutes, without member, grant and refresh token', async () => {
    const test = world();

    const { status, body } = await test.ask();

    const access_token = expect.stringMatching(/^p2ps_/);
    expect(status).toBe(200);
    expect(body).toEqual({ access_token, token_type: 'Bearer', expires_in: 300, scope: 'system/*.rs' });
    expect(test.dynamo.items('Grants').size).toBe(1); // The spent assertion.
    expect(JSON.stringify(test.tokens())).not.toContain(body['access_token']);
    expect(test.lastLine()).toMatchObject({ step: 'system', partner: 'plan', payer: 'demo-health-plan', status: 200 });
  });

  it('opens exchanges of its partner at its payer until five minutes have passed', async () => {
    const test = world();
    const token = await test.token();

    const { partner, payer } = await test.open(token);
    const opened = [partner.clientId, payer.id, payer.exchange.clientId];
    expect(opened).toEqual(['plan', 'demo-health-plan', 'gateway-as-a-plan']);
    await expect(test.open(token, 'northwind')).rejects.toMatchObject({ status: 401, code: 'invalid_token' });
    await expect(test.open(token, 'nobody')).rejects.toMatchObject({ status: 404 });
    for (const other of ['', `${token}A`, 'p2ps_x', token.replace('p2ps_', 'p2pa_')]) {
      await expect(test.open(other)).rejects.toMatchObject({ status: 401 });
    }
    const { body } = await test.ask({ resource: `${origin}/r4/demo-health-plan/` });
    await test.open(body['access_token']);
    test.passSeconds(299);
    await test.open(token);
    test.passSeconds(1);
    await expect(test.open(token)).rejects.toMatchObject({ status: 401, code: 'invalid_token' });
  });

  const payersNotAsked = data.payers.map(({ exchange: _exchange, ...payer }) => payer);
  it.each<[what: string, change: Partial<RegistryData>]>([
    ['the partner may no longer ask', { partners: [...local.partners, { ...app, clientId: 'plan' }] }],
    ['the partner is gone', { partners: local.partners }],
    ['the payer is no longer asked', { payers: payersNotAsked }],
    ['the partner may no longer read from the payer', { partners: [{ ...planOf('plan'), payers: ['northwind'] }] }],
  ])('opens nothing once %s', async (_what, change) => {
    const test = world();
    const token = await test.token();

    const opened = test.open(token, 'demo-health-plan', { ...data, ...change });
    await expect(opened).rejects.toMatchObject({ status: 401 });
  });

  it('opens nothing while its partner is blocked or its payer paused, but for what a pause allows', async () => {
    const test = world();
    const token = await test.token();
    const stop = { at: startMs / 1000, by: 'o', reason: 'r' };

    test.stops.set('payer#demo-health-plan', stop);
    await expect(test.open(token)).rejects.toMatchObject({ status: 503, stop: 'pause' });
    await test.open(token, 'demo-health-plan', data, { evenIfPaused: true });
    expect((await test.ask()).status).toBe(503);
    test.stops.delete('payer#demo-health-plan');
    test.stops.set('partner#plan', stop);
    await expect(test.open(token)).rejects.toMatchObject({ status: 403, stop: 'block' });
    expect((await test.ask()).body['error']).toBe('unauthorized_client');
  });

  const secret = { client_id: 'plan', client_secret: 'demo-partner-secret' };
  const identity = { extensions: { cms_smart: {} } };
  it.each<[what: string, error: string, change: Form, how?: How]>([
    ['another scope', 'invalid_scope', { scope: 'system/Patient.rs' }],
    ['a scope of SMART 1', 'invalid_scope', { scope: 'system/*.read' }],
    ["a member's scope", 'invalid_scope', { scope: 'patient/*.rs' }],
    ['a scope more', 'invalid_scope', { scope: 'system/*.rs patient/*.rs' }],
    ['no scope', 'invalid_scope', { scope: undefined }],
    ['no payer', 'invalid_target', { resource: undefined }],
    ['a payer that is not here', 'invalid_target', { resource: `${origin}/r4/nobody` }],
    ['a payer that is not asked', 'invalid_target', { resource: `${origin}/r4/northwind` }],
    ['a partner that is no plan', 'unauthorized_client', {}, { as: 'app' }],
    ['a secret in place of a key', 'invalid_client', { ...noAssertion, ...secret }],
    ['no client', 'invalid_client', noAssertion],
    ['an identity token, which this stage does not take', 'invalid_request', {}, { claims: identity }],
  ])('is refused for %s, and nothing is written', async (_what, error, change, how = {}) => {
    const test = world();

    const { status, body } = await test.ask(change, how);

    expect([status, body['error']]).toEqual([error === 'invalid_client' ? 401 : 400, error]);
    expect(test.lastLine()).toMatchObject({ step: 'system', status });
    expect(test.tokens()).toEqual([]);
  });

  const forMember = 'launch/patient patient/*.rs offline_access';
  const place = "among the client assertion's claims (its payload, not its header), as extensions.cms_smart.";
  const lacks = `The client assertion has no extensions.cms_smart. Write the member's identity token ${place}`;
  const claims = { cms_smart: {}, extensions: { cmsSmart: {} } };
  const belongs = `A member's identity token belongs ${place}`;
  const noPlan = `This app is not registered to ask former plans for records. ${belongs}`;
  const neither =
    "This app is registered neither to ask former plans for records nor to present its members' identity tokens.";
  it.each<[as: string, scope: string | undefined, error: string, sentence: string]>([
    ['presenter', forMember, 'invalid_request', lacks],
    ['presenter', undefined, 'invalid_request', lacks],
    ['presenter', 'system/*.rs', 'unauthorized_client', noPlan],
    ['both', 'launch/patient', 'invalid_request', lacks],
    ['plan', forMember, 'invalid_scope', `scope must be system/*.rs. ${belongs}`],
    ['app', forMember, 'unauthorized_client', neither],
    ['app', 'system/*.rs', 'unauthorized_client', neither],
  ])('is refused for %s with scope %s and misplaced cms_smart as %s, which says where it belongs', async (...row) => {
    const [as, scope, error, sentence] = row;
    const test = world({ identities: true });

    const { status, body } = await test.ask({ scope }, { as, claims });

    expect([status, body['error'], body['error_description']]).toEqual([400, error, sentence]);
    expect(test.tokens()).toEqual([]);
  });

  it('is not known in a stage without exchanges', async () => {
    const test = world({ exchanges: false });

    expect((await test.ask()).body['error']).toBe('unsupported_grant_type');
    const token = await world().token();
    expect((await test.post({ token }, { endpoint: 'introspect' })).body).toEqual({ active: false });
    expect(test.dynamo.calls().filter((name) => name !== 'PutItem')).toEqual([]);
  });

  it('is shown to its own client only, and ends by revocation', async () => {
    const test = world();
    const token = await test.token();
    const introspect = (as = 'plan') => test.post({ token }, { endpoint: 'introspect', as });
    const revoke = (as = 'plan') => test.post({ token }, { endpoint: 'revoke', as });

    expect((await introspect()).body).toEqual({
      active: true,
      scope: 'system/*.rs',
      client_id: 'plan',
      exp: startMs / 1000 + 300,
      iss: `${origin}/r4/demo-health-plan`,
    });
    expect((await introspect('rival')).body).toEqual({ active: false });
    expect((await revoke('rival')).body['error']).toBe('invalid_grant');
    await test.open(token);
    expect(await revoke()).toEqual({ status: 200, body: {} });
    await expect(test.open(token)).rejects.toMatchObject({ status: 401 });
    expect(await revoke()).toEqual({ status: 200, body: {} });
    expect((await introspect()).body).toEqual({ active: false });
    expect((await test.post({ token, ...noAssertion }, { endpoint: 'revoke' })).status).toBe(401);
  });

  it('needs an assertion of its own each time', async () => {
    const test = world();
    const jti = { claims: { jti: 'the-same' } };

    expect((await test.ask({}, jti)).status).toBe(200);
    expect((await test.ask({}, jti)).body['error']).toBe('invalid_client');
    expect(test.tokens()).toHaveLength(1);
  });
});

describe('the discovery of a payer that is asked as a former plan', () => {
  const read = async (payer: string, document: string) => {
    const test = testDeps({ registry: data });
    test.payer.http = () => Promise.resolve(new Response('', { status: 401 }));
    const deps = { ...test.deps, registry: registryOf(data, test.stops, test.deps.clock.now) };
    const event = apiEvent(`/r4/{payer}/${document}`, { path: { payer } });
    const { body } = await call(discoveryHandler(deps), event);
    return JSON.parse(body) as Record<string, unknown>;
  };
  const pdex = 'http://hl7.org/fhir/us/davinci-pdex/OperationDefinition/BulkMemberMatch';
  const atr = 'http://hl7.org/fhir/us/davinci-atr/OperationDefinition/davinci-data-export';

  it.each(['.well-known/smart-configuration', '.well-known/oauth-authorization-server'])(
    'has the grant type and scope of system tokens in %s, and of no other payer',
    async (document) => {
      const [asks, other] = [await read('demo-health-plan', document), await read('northwind', document)];

      expect(asks['grant_types_supported']).toContain('client_credentials');
      expect(asks['scopes_supported']).toContain('system/*.rs');
      expect(other['grant_types_supported']).not.toContain('client_credentials');
      expect(JSON.stringify(other)).not.toMatch(/system\/|davinci/);
      if (document.includes('smart')) expect(asks['capabilities']).toEqual(expect.arrayContaining([pdex, atr]));
    },
  );

  it('has both operations on Group, once, whether the payer states its own or not, and of no other payer', async () => {
    const states = await read('demo-health-plan', 'metadata');
    const payer = data.payers.find(({ id }) => id === 'demo-health-plan')!;
    const stated = ['read', 'search-type'].flatMap((code) =>
      ['Group', 'Patient'].map((type) => ({ type, interaction: [{ code }], operation: [{ name: 'x' }] })),
    );
    const own = { resourceType: 'CapabilityStatement', rest: [{ mode: 'server', resource: stated }] };
    const adapted = payerStatement(own, payer, facadeOf(origin, payer));

    const operations = [
      { name: 'bulk-member-match', definition: pdex },
      { name: 'davinci-data-export', definition: atr },
    ];
    for (const statement of [states, adapted]) {
      const [{ resource }] = statement!['rest'] as [{ resource: { type: string; operation: object[] }[] }];
      const types = resource.map(({ type }) => type);
      expect(types).toEqual([...new Set(types)]); // cpb-9
      const groups = resource.filter(({ type }) => type === 'Group');
      expect(groups.map(({ operation }) => operation)).toEqual([operations]);
    }
    expect(JSON.stringify(await read('northwind', 'metadata'))).not.toContain('davinci');
  });
});
