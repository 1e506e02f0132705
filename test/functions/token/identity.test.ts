import { setTimeout as after } from 'node:timers/promises';
import { decodeJwt, decodeProtectedHeader, generateKeyPair } from 'jose';
import { describeGrantEvent } from '../../../functions/audit/describe-grant-event.ts';
import type { StreamImage } from '../../../functions/audit/stream-image.ts';
import { connectionsHandler } from '../../../functions/connections/handler.ts';
import { organizationOf } from '../../../functions/discovery/brands/organization.ts';
import { directoryEntryOf } from '../../../functions/shared/registry/entry-items.ts';
import { formTokenOf, putMemberSession } from '../../../functions/shared/store/member-sessions.ts';
import { apiEvent, call as callHandler, startMs } from '../../support/gateway.ts';
import {
  assertionOf,
  assertionType,
  cmsSmartOf,
  identityToken,
  identityWorld,
  issuer,
  nested,
  nextProviderKey,
  origin,
  planted,
  providerKey,
} from '../../support/identity.ts';
import { bodyOf } from '../../support/login.ts';
import { documentRequest, partnerRequest, readRequest, type PartnerEndpoint } from '../../support/login/requests.ts';
import { answer, answerText } from '../../support/payer/answers.ts';
import { badRequest } from '../../support/payer/blue-button.ts';
import { words } from '../../support/words.ts';
import { ask, handlersOf } from '../../support/world/handlers.ts';

const now = startMs / 1000;
type Response = Awaited<ReturnType<ReturnType<typeof identityWorld>['identify']>>;

let world: ReturnType<typeof identityWorld>;
beforeEach(() => {
  world = identityWorld();
});

const told = (response: Response) => {
  const { error, error_description: sentence } = bodyOf(response);
  return [response.statusCode, error, sentence];
};

/** A refusal before the payer is asked, which leaves nothing behind and says nothing of the identity. */
const expectRefused = (response: Response, error: string, sentence: unknown, status = 400): void => {
  expect(told(response)).toEqual([status, error, sentence]);
  expectNothingDone(response.body);
};

const expectNothingDone = (...texts: string[]): void => {
  expect([world.asked, world.grants()]).toEqual([[], []]);
  expectNoIdentity(...texts);
};

const atGreen = { form: { resource: `${origin}/r4/green` } };

const stamp = (at: number) => ({
  user_action: 'approved',
  user_action_timestamp: new Date(at * 1000).toISOString(),
});
const attested = (attestation: unknown) => ({ consent_attestation: attestation });

const digits = [planted.ssn, planted.mbi, planted.birthdate];
const names = [planted.given, planted.family, planted.street, 'subject-of-wilhelmina', 'Quahog'];

const expectNoIdentity = (...texts: string[]): void => {
  const all = [world.written(), ...texts].join('\n');
  for (const word of [...names, ...digits]) {
    for (const spelled of [word, Buffer.from(word).toString('base64url'), encodeURIComponent(word)]) {
      expect(all).not.toContain(spelled);
    }
  }
};

describe("a partner with its member's identity token", () => {
  it('gets the tokens of a grant in one call, and the payer is asked once', async () => {
    const response = await world.identify();

    expect(response.statusCode).toBe(200);
    expect(bodyOf(response)).toEqual({
      access_token: expect.stringMatching(/^p2pa_/),
      refresh_token: expect.stringMatching(/^p2pr_/),
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'launch/patient patient/Patient.rs patient/Coverage.rs offline_access',
      patient: 'bb-1',
      grant_id: expect.any(String),
    });
    expect(world.asked.map(({ payer }) => payer)).toEqual(['blue']);
    expectNoIdentity(response.body);
    expect(world.lastLine()).toMatchObject({ step: 'identity', partner: 'portal', payer: 'blue', status: 200 });
    const attestedAt = { N: String(Math.floor((startMs - 31_000) / 1000)) };
    expect(world.grants()[0]).toMatchObject({ via: { S: 'identity' }, attestedAt });
  });

  it("sends the payer an assertion of the gateway's own, with what the partner's says", async () => {
    const idToken = await identityToken();
    const sent = cmsSmartOf(idToken, { consent_policy: ['https://policy.example.org/1'] });

    await world.post(world.formFor(await assertionOf(sent)));

    const form = world.asked[0]!.form;
    const assertion = form.get('client_assertion')!;
    expect(Object.fromEntries(form)).toEqual({
      grant_type: 'client_credentials',
      client_id: 'gateway',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
      scope: 'launch/patient patient/Patient.read patient/Coverage.read',
    });
    expect(decodeProtectedHeader(assertion)).toEqual({ alg: 'ES384', kid: 'gateway-1', typ: 'JWT' });
    expect(decodeJwt(assertion)).toMatchObject({
      iss: 'gateway',
      sub: 'gateway',
      aud: 'https://blue.example.org/v3/o/token/',
      extensions: { cms_smart: sent },
    });
  });

  it('may use the same token at each payer once', async () => {
    const idToken = await identityToken();
    const cmsSmart = cmsSmartOf(idToken);

    expect((await world.identify(idToken, { cmsSmart })).statusCode).toBe(200);
    expect((await world.identify(idToken, { ...atGreen, cmsSmart })).statusCode).toBe(200);
    expect(told(await world.identify(idToken, { cmsSmart }))).toEqual([
      400,
      'invalid_grant',
      'The id_token: its jti was used at this health plan before; identify the member again.',
    ]);
    expect(world.asked.map(({ payer }) => payer)).toEqual(['blue', 'green']);
  });

  it('may not use an approval from before the member stopped the app', async () => {
    await world.identify(undefined, atGreen);
    const [memberIndex, secret] = [String(world.grants()[0]!['memberIndex']!.S), 'A'.repeat(43)];
    const made = { secret, now, iv: Buffer.alloc(12) };
    await putMemberSession(world.deps.loginAttempts, { payer: 'green', patient: 'bb-1', memberIndex }, made);
    const form = { act: 'end', app: 'portal', form_token: formTokenOf(secret, { forms: 0 }) };
    const headers = { Cookie: `__Host-p2p-member=${secret}`, 'Sec-Fetch-Site': 'same-origin' };
    const post = apiEvent('/connections/{payer}', { method: 'POST', path: { payer: 'green' }, form, headers });
    expect((await callHandler(connectionsHandler(world.deps), post)).headers['Location']).toContain('ended=');

    expect(told(await world.identify(undefined, atGreen))).toEqual([
      400,
      'invalid_grant',
      'The member stopped this app after the approval in cms_smart, or at most 30 seconds before it; ask for approval again. Identify the member again, and try with the new token.',
    ]);
    expect(world.revoked).toHaveLength(1);
    expect((await world.identify()).statusCode).toBe(200);
    // The partner's clock may be up to 30 seconds ahead, so what it calls this time may be from before the stop.
    const approvedAt = (seconds: number) => ({ ...atGreen, cmsSmart: attested(stamp(now + seconds)) });
    world.passSeconds(60);
    expect(told(await world.identify(undefined, approvedAt(30))).slice(0, 2)).toEqual([400, 'invalid_grant']);
    expect((await world.identify(undefined, approvedAt(31))).statusCode).toBe(200);
  });

  it('gets the part of the scope that the payer granted', async () => {
    const given = { access_token: 'a', patient: 'bb-1', token_type: 'Bearer', expires_in: 3600 };
    for (const [scope, granted] of [
      ['launch/patient patient/Patient.read', 'launch/patient patient/Patient.rs'],
      ['patient/Coverage.rs?status=active nonsense', 'launch/patient patient/Coverage.rs?status=active'],
    ]) {
      world.script.answer = async () => answer(200, { ...given, scope });
      expect(bodyOf(await world.identify())).toMatchObject({ scope: granted });
    }
  });

  it('may present two members who approved at one time, if their approvals differ in more, in whatever order', async () => {
    const { user_action_timestamp: at } = cmsSmartOf('').consent_attestation;
    const of = (first: object, last: object = {}) =>
      world.identify(undefined, {
        cmsSmart: attested({ ...first, user_action: 'approved', user_action_timestamp: at, ...last }),
      });
    expect((await of({ id: 'a', seen: true })).statusCode).toBe(200);
    expect((await of({ id: 'b', seen: true })).statusCode).toBe(200);
    expect((await of({ seen: true }, { id: 'b' })).statusCode).toBe(400);
  });

  it('may not copy an approval to another token', async () => {
    const cmsSmart = { consent_attestation: cmsSmartOf('').consent_attestation };
    await world.identify(undefined, { cmsSmart });

    expect(told(await world.identify(undefined, { cmsSmart }))).toEqual([
      400,
      'invalid_grant',
      expect.stringContaining('consent_attestation was used with another id_token'),
    ]);
    expect(world.asked).toHaveLength(1);
  });

  it.each([
    ['iat', 1],
    ['auth_time', 2],
  ])('is held back until %s, %d s ahead, is past', async (name, ahead) => {
    const response = await world.identify(await identityToken({ [name]: now + ahead }));

    expect(response.statusCode).toBe(200);
    expect(world.deps.clock.now()).toBe(startMs + ahead * 1000);
  });

  it.each([3, 30])('is told to wait for one that is %d s ahead, and nothing is spent', async (ahead) => {
    const idToken = await identityToken({ iat: now + ahead });
    const early = await world.identify(idToken);

    expect([early.statusCode, early.headers['Retry-After']]).toEqual([429, String(ahead)]);
    expectNothingDone();
    world.passSeconds(ahead);
    expect((await world.identify(idToken)).statusCode).toBe(200);
  });

  it.each([
    ['of one token once', 1],
    ['of its own tokens ten times', 40],
  ])('is held back %s at the same time, however many calls there are', async (_what, tokens) => {
    const calls = { held: 0, answered: 0 };
    world.deps.identity.sleep = async () => {
      calls.held += 1;
      while (calls.held + calls.answered < 40) await after(5);
      if (world.deps.clock.now() === startMs) world.passSeconds(1);
    };
    const all = await Promise.all(Array.from({ length: tokens }, () => identityToken({ iat: now + 1 })));

    const answers = await Promise.all(
      Array.from({ length: 40 }, async (_, call) => {
        const answered = await world.identify(all[call % tokens]);
        calls.answered += 1;
        return answered;
      }),
    );

    expect([calls.held, world.asked.length]).toEqual([Math.min(tokens, 10), Math.min(tokens, 10)]);
    const over = all.length === 1 ? [] : answers.map(told).filter(([status]) => status !== 200);
    const sentence =
      'An app may make ten calls at a time to this health plan, and have ten members not found in a minute; wait a moment.';
    expect(over).toEqual(over.map(() => [429, 'too_many_requests', sentence]));
  });
});

it('a grant by an identity token is read, refreshed, introspected, stopped, audited and revoked as any other', async () => {
  const handlers = handlersOf(world.deps);
  const as = async (endpoint: PartnerEndpoint, form: Record<string, string>) => {
    const assertion = { client_assertion: await world.sign(), client_assertion_type: assertionType };
    const { body } = await ask(handlers, partnerRequest(endpoint, { ...form, ...assertion }));
    return JSON.parse(body) as Record<string, unknown>;
  };
  const read = (token: unknown) => ask(handlers, readRequest('blue', 'Patient/bb-1', String(token)));
  const made = bodyOf(await world.identify()) as unknown as Record<string, string>;
  const [grant] = world.grants();

  expect(await as('introspect', { token: made['access_token']! })).toMatchObject({ active: true, patient: 'bb-1' });
  expect([(await read(made['access_token'])).status, world.asked.length]).toEqual([200, 1]);
  // The payer's token ends after an hour, and the refresh there takes the client secret.
  world.passSeconds(3590);
  const next = await as('token', { grant_type: 'refresh_token', refresh_token: made['refresh_token']! });
  expect((await read(next['access_token'])).status).toBe(200);
  expect(world.asked.map(({ form }) => form.get('grant_type'))).toEqual(['client_credentials', 'refresh_token']);
  expect(world.bearer.current).toBe('access-bb-1-refreshed');

  world.stops.set('payer#blue', { at: now, by: 'arn', reason: 'x' });
  expect((await read(next['access_token'])).status).toBe(503);
  world.stops.clear();
  expect(await as('revoke', { token: String(next['refresh_token']) })).toEqual({});
  expect((await read(next['access_token'])).status).toBe(401);

  const created = world.dynamo.puts('Grants').find((item) => item['payer'] !== undefined);
  const event = JSON.stringify(describeGrantEvent(created as StreamImage, 'test', now));
  for (const fact of [issuer, 'identity', '2026-06-01T11:59:']) expect(event).toContain(fact);
  expect(grant).toMatchObject({ memberIndex: { S: expect.any(String) } });
  expectNoIdentity(event);
});

it('a payer that takes identity tokens says so in its discovery documents and in the directory, and another does not', async () => {
  const handlers = handlersOf(world.deps);
  const capability = `${origin}/capabilities/identity-sign-in`;
  const read = async (payer: string, document: string) =>
    JSON.parse((await ask(handlers, documentRequest(payer, document))).body) as Record<string, string[]>;
  const types = ['authorization_code', 'refresh_token'];

  for (const document of ['.well-known/smart-configuration', '.well-known/oauth-authorization-server']) {
    expect((await read('blue', document))['grant_types_supported']).toEqual([...types, 'client_credentials']);
    expect((await read('northwind', document))['grant_types_supported']).toEqual(types);
  }
  expect((await read('blue', '.well-known/smart-configuration'))['capabilities']).toContain(capability);
  expect((await read('northwind', '.well-known/smart-configuration'))['capabilities']).not.toContain(capability);
  const saying = world.data.payers.filter((payer) =>
    organizationOf(origin, directoryEntryOf(payer, [])).extension.some(({ url }) => url === capability),
  );
  expect(saying.map(({ id }) => id)).toEqual(['demo-health-plan', 'blue', 'green']);
});

it("a payer's profile may allow an older sign-in at the provider, and shorter grants", async () => {
  world = identityWorld({ longestAuthAge: 3600, consentLifetime: 86_400 });
  world.script.answer = async () => answer(200, { access_token: 'a', refresh_token: 'r', patient: 'bb-1' });

  expect((await world.identify(await identityToken({ auth_time: now - 3601 }))).statusCode).toBe(400);
  expect((await world.identify(await identityToken({ auth_time: now - 3600 }))).statusCode).toBe(200);
  expect(world.grants()[0]).toMatchObject({ endsAt: { N: String(now + 86_400) } });
});

const form = (text: string) => `The id_token: ${text}.`;
const again = 'identify the member again';
type Change = Readonly<Record<string, unknown>>;

describe('an id_token is refused before the payer is asked, and nothing of it is kept, if', () => {
  const malformed: readonly (readonly [claim: string, value: unknown, sentence: string])[] = [
    ['sub', 'x'.repeat(256), 'sub has more than 255 characters'],
    ['jti', 'x'.repeat(256), 'jti has more than 255 characters'],
    ['given_name', 'x'.repeat(256), 'given_name has more than 255 characters'],
    ['family_name', 'Квак', 'family_name has letters other than Latin ones (up to U+017F)'],
    ['given_name', 'Ā\u0180', 'given_name has letters other than Latin ones (up to U+017F)'],
    ['birthdate', '11/23/1947', 'birthdate must be a date as YYYY-MM-DD'],
    ['birthdate', '1947-02-30', 'birthdate must be a date as YYYY-MM-DD'],
    ['aud', ['portal-at-csp', 7], 'aud has an entry that must be a string'],
    ['exp', 1e300, 'exp is no time in epoch seconds'],
    ['iat', String(now), 'iat must be a number'],
    ['ssn_itin_short', '123456789', 'ssn_itin_short has more than 4 characters'],
    ['ssn_itin_short', 'abcd', 'ssn_itin_short must be the last four digits'],
    ['address', { street_address: 7 }, 'address has a street_address that must be a string'],
  ];
  const refused: readonly (readonly [claim: string, value: unknown, sentence: string])[] = [
    ['iss', 'https://idp.elsewhere.example', 'iss is not an identity provider that this health plan accepts here'],
    ['aud', 'rival-at-csp', 'aud does not name this app; it was issued to another'],
    ['aud', ['a', 'b'], 'aud does not name this app; it was issued to another'],
    ['aud', ['portal-at-csp', 'rival-at-csp'], 'aud names several apps, so azp must be there and name this one'],
    ['azp', 'rival-at-csp', 'aud or azp does not name this app; it was issued to another'],
    ['exp', now, `exp has passed; ${again}`],
    ['iat', now - 301, `iat is more than 300 seconds ago; ${again}`],
    ['iat', now + 31, 'iat is more than 30 seconds ahead; check the clock'],
    ['auth_time', now - 301, `auth_time is more than 300 seconds ago; ${again}`],
    ['auth_time', now + 31, 'auth_time is more than 30 seconds ahead; check the clock'],
    ['auth_time', now + 600, 'auth_time is more than 30 seconds ahead; check the clock'],
    ['nbf', now + 31, 'nbf is more than 30 seconds ahead; check the clock'],
    ['identity_assurance_level', 1, 'identity_assurance_level is below 2; the member has to prove who they are first'],
  ];

  it.each([
    ...malformed.map((row) => ({ error: 'invalid_request', row })),
    ...refused.map((row) => ({ error: 'invalid_grant', row })),
  ])('$row.0 is $row.1', async ({ error, row: [claim, value, sentence] }) => {
    expectRefused(await world.identify(await identityToken({ [claim]: value })), error, form(sentence));
  });

  it.each<[claims: Change]>([
    [{ exp: now + 1 }],
    [{ iat: now - 300 }],
    [{ auth_time: now - 300 }],
    [{ aud: ['portal-at-csp', 'portal-at-csp'] }],
    [{ aud: ['rival-at-csp', 'portal-at-csp'], azp: 'portal-at-csp' }],
    [{ identity_assurance_level: 3 }],
    [{ given_name: planted.given.toUpperCase() }],
  ])('not: it has %j', async (claims) => {
    expect((await world.identify(await identityToken(claims))).statusCode).toBe(200);
  });

  const encoded = (value: unknown): string =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
  const headerOf = (change: Change) => encoded({ alg: 'RS256', kid: 'csp-1', typ: 'JWT', ...change });
  const payload = encoded({ iss: issuer });
  const notSigned = 'The id_token is not a signed JWT.';
  const notByKey = form('its signature is not by a key of its issuer');
  const typeWrong = form('typ must be "JWT"');
  const withHeader = (header: Change) => () => identityToken({}, { header });
  const signedByOwnKey = async () => {
    const { privateKey: key } = await generateKeyPair('RS256');
    return identityToken({}, { header: { jwk: { kty: 'RSA' }, jku: 'https://attacker.example/keys' }, key });
  };
  const hmacWithPublicKey = () =>
    identityToken({}, { header: { alg: 'HS256' }, key: Buffer.from(JSON.stringify(providerKey.jwk)) });
  /** The parts of a good token, and of another, put together anew. */
  type Parts = readonly (string | undefined)[];
  const rebuilt = (parts: (good: Parts, other: Parts) => Parts) => async () => {
    const other = await identityToken({ given_name: 'Other' });
    return parts((await identityToken()).split('.'), other.split('.')).join('.');
  };

  it.each<[what: string, token: () => string | Promise<string>, sentence: string]>([
    ['it is signed with HS256 and the public key', hmacWithPublicKey, form('alg must be RS256')],
    ['its alg is none', rebuilt((good) => [headerOf({ alg: 'none' }), good[1], 'x']), form('alg must be RS256')],
    ['it has no signature', rebuilt((good) => [...good.slice(0, 2), '']), notSigned],
    ['it is encrypted', () => 'a.b.c.d.e', notSigned],
    ['its header is no object', () => `${encoded('[]')}.${payload}.x`, notSigned],
    ['its payload is no JSON', () => `${headerOf({})}.${encoded('x')}.x`, notSigned],
    ['its typ is that of an access token', withHeader({ typ: 'at+jwt' }), typeWrong],
    ['its typ is in lower case', withHeader({ typ: 'jwt' }), typeWrong],
    [
      'it has an extension',
      rebuilt((good) => [headerOf({ crit: ['b64'], b64: false }), good[1], good[2]]),
      form('crit is there, but no extension is known here'),
    ],
    [
      'its payload is not encoded',
      rebuilt((good) => [headerOf({ b64: false }), good[1], good[2]]),
      form('b64 must not be there, or be true'),
    ],
    ['it has no typ', withHeader({ typ: undefined }), form('typ is missing')],
    ['it has no kid', withHeader({ kid: undefined }), form('kid is missing')],
    ['it is signed by a key that it brings along', signedByOwnKey, notByKey],
    ['its claims were changed', rebuilt((good, other) => [good[0], other[1], good[2]]), notByKey],
    [
      'a claim appears twice',
      () => `${headerOf({})}.${encoded(`{"iss":"${issuer}","birthdate":"1","birthdate":"2"}`)}.x`,
      form('birthdate appears twice'),
    ],
    [
      'a header appears twice',
      () => `${encoded('{"alg":"RS256","alg":"none"}')}.${payload}.x`,
      form('alg appears twice'),
    ],
    [
      'a member with a name of its own appears twice',
      () => `${headerOf({})}.${encoded(`{"${planted.family}":1,"${planted.family}":2}`)}.x`,
      form('a member appears twice'),
    ],
  ])('%s', async (_what, token, sentence) => {
    const response = await world.identify(await token());

    expect(bodyOf(response).error_description).toBe(sentence);
    expectNothingDone(response.body);
  });
});

describe("the partner's assertion is refused before the payer is asked, if", () => {
  const zone = 'must be a time with its zone, such as "2026-06-01T12:00:00.123Z"';
  const approved = stamp(now - 1);
  const twoCases = 'consent_attestation has two names that differ only in letter case';
  const oddText = 'consent_attestation has a control character, or half of a character';
  const deep = 'consent_attestation is nested more than 10 deep';
  const malformed: readonly (readonly [change: Change, sentence: string])[] = [
    [{ version: undefined }, 'version is missing'],
    [{ version: 1 }, 'version must be a string'],
    [{ version: '2' }, 'version must be "1"'],
    [{ purpose_of_use: 'TREAT' }, 'purpose_of_use must be "PATRQT"'],
    [{ id_token: undefined }, 'id_token is missing'],
    [{ id_token: '' }, 'id_token is empty'],
    [{ id_token: {} }, 'id_token must be a string'],
    [{ id_token: 'x'.repeat(16_385) }, 'id_token has more than 16384 characters'],
    [{ consent_policy: 'x' }, 'consent_policy must be a list'],
    [{ consent_policy: [] }, 'consent_policy is empty'],
    ...['https://a\u0000', 'https://a\ud800', 'https://a\u0085'].map(
      (policy) =>
        [{ consent_policy: [policy] }, 'consent_policy has a control character, or half of a character'] as const,
    ),
    [attested(undefined), 'consent_attestation is missing'],
    [attested('yes'), 'consent_attestation must be an object'],
    [attested({ user_action: 'seen' }), 'consent_attestation has a user_action that must be "approved"'],
    [
      attested({ ...approved, user_action_timestamp: '2026-06-01 12:00' }),
      `consent_attestation has a user_action_timestamp that ${zone}`,
    ],
    [
      attested({ ...approved, user_action_timestamp: '2026-02-30T12:00:00Z' }),
      `consent_attestation has a user_action_timestamp that ${zone}`,
    ],
    [attested({ ...approved, more: 'x'.repeat(2000) }), 'consent_attestation has more than 2000 characters'],
    [attested({ ...approved, USER_ACTION: 'denied' }), twoCases],
    [attested({ ...approved, form: [{ id: 1, Id: 2 }] }), twoCases],
    // Readers that fold letters by Unicode take these for `s` and `i`.
    [attested({ ...approved, uſer_action: 'denied' }), twoCases],
    [attested({ ...approved, user_actıon: 'denied' }), twoCases],
    [attested({ ...approved, more: [{ 'a\u0000': 1 }] }), oddText],
    [attested({ ...approved, more: 'half \ud800' }), oddText],
    [attested({ ...approved, more: nested }), deep],
    [attested({ ...approved, more: [[[[[[[[[[]]]]]]]]]] }), deep],
  ];
  it.each<[error: string, change: Change, sentence: string]>([
    ...malformed.map(([change, sentence]): [string, Change, string] => [
      'invalid_request',
      change,
      `cms_smart: ${sentence}.`,
    ]),
    [
      'invalid_grant',
      attested(stamp(now - 601)),
      'cms_smart: user_action_timestamp is more than 600 seconds ago; ask the member again.',
    ],
    [
      'invalid_grant',
      attested(stamp(now + 31)),
      'cms_smart: user_action_timestamp is more than 30 seconds ahead; check the clock.',
    ],
    [
      'invalid_request',
      { family_name: planted.family },
      'cms_smart has a member that is not known; it may have version, purpose_of_use, id_token, consent_policy, consent_attestation.',
    ],
  ])('%s: cms_smart with %j', async (error, cmsSmart, sentence) => {
    expectRefused(await world.identify(undefined, { cmsSmart }), error, sentence);
  });

  it.each<[change: Change, sentence: string]>([
    [{ extensions: undefined }, 'The client assertion: extensions is missing.'],
    [{ extensions: [] }, 'The client assertion: extensions must be an object.'],
    [{ extensions: {} }, 'The client assertion: extensions has a cms_smart that is missing.'],
  ])('its claims have %j', async (claims, sentence) => {
    expectRefused(await world.identify(undefined, { claims }), 'invalid_request', sentence);
  });

  // RFC 8259 §6: a parser may round a number or write it differently. The payer gets exactly what the partner signed, or nothing.
  it.each<[written: string, isPassedOn: boolean]>([
    ['{"a":[0,-1,12,0.5,1e+21],"text":"1.0, 1e999 \\" 1.00\\n\\t"}', true],
    ['9007199254740993', false],
    ['12345678901234567890', false],
    ['[{"a":1e999}]', false],
    ['{"a":{},"b":1.0}', false],
    ['-0', false],
  ])('its attestation has the number %s, if that cannot be passed on as it is', async (written, isPassedOn) => {
    const cmsSmart = cmsSmartOf(await identityToken());
    Object.assign(cmsSmart.consent_attestation, { more: 'WRITTEN' });
    const write = (all: Change): string =>
      JSON.stringify({ ...all, other: 'ROUNDED' })
        .replace('"WRITTEN"', written)
        .replace('"ROUNDED"', '1.0');

    const response = await world.post(world.formFor(await assertionOf(cmsSmart, {}, startMs, write)));

    const sentence =
      'cms_smart: consent_attestation has a number that cannot be passed on as it is written; write it shorter, such as 1 for 1.0, or as text.';
    if (!isPassedOn) return expectRefused(response, 'invalid_request', sentence);
    const [, claims = ''] = world.asked[0]!.form.get('client_assertion')!.split('.');
    expect(Buffer.from(claims, 'base64url').toString()).toContain(`"more":${written}`);
  });

  it('the payer wants a policy, and it names none or another', async () => {
    world = identityWorld({ consentPolicies: ['https://plan.example.org/policy'] });
    const identify = (policies: readonly string[] | undefined) =>
      world.identify(undefined, { cmsSmart: { consent_policy: policies } });

    for (const policies of [undefined, ['https://plan.example.org/policy', 'https://other.example.org']]) {
      expect(bodyOf(await identify(policies)).error).toBe('invalid_request');
    }
    expect((await identify(['https://plan.example.org/policy'])).statusCode).toBe(200);
  });
});

describe('a request with an identity token is refused, if', () => {
  const base = `${origin}/r4/`;
  it.each<[form: Record<string, string>, error: string, sentence: string]>([
    [{ resource: '' }, 'invalid_target', `resource is missing: write ${base} and the health plan's id.`],
    ...['https://blue.example.org/v3/fhir', `${base}blue//`, `${base}/blue`, base, `${base}elsewhere`, 'blue'].map(
      (resource): [Record<string, string>, string, string] => [
        { resource },
        'invalid_target',
        `resource must be ${base} and the id of one of this gateway's health plans.`,
      ],
    ),
    [
      { resource: `${base}northwind` },
      'invalid_target',
      'This health plan takes no identity tokens; send the member to its sign-in.',
    ],
    [{ resource: `${base}demo-health-plan` }, 'unauthorized_client', 'This app may not read from this health plan.'],
    [
      { scope: 'launch/patient' },
      'invalid_scope',
      'The scope launch/patient gives this app nothing to read. Ask for something to read that this app is registered for, such as patient/*.rs.',
    ],
  ])('its form has %j', async (change, error, sentence) => {
    expectRefused(await world.identify(undefined, { form: change }), error, sentence);
  });

  it('it names two resources', async () => {
    const pairs = new URLSearchParams(world.formFor(await assertionOf(cmsSmartOf(await identityToken()))));
    pairs.append('resource', `${base}green`);

    const sentence = 'resource appears twice; make one call for each health plan.';
    expectRefused(await world.post(pairs.toString()), 'invalid_target', sentence);
  });

  it('the partner may not present identities, or authenticates otherwise', async () => {
    const client = { client_id: 'demo-partner', client_secret: 'demo-partner-secret' };
    const response = await world.post({ grant_type: 'client_credentials', ...client });

    const sentence = 'client_credentials needs private_key_jwt: send a client_assertion.';
    expectRefused(response, 'invalid_client', sentence, 401);
  });

  it("it brings another app's token", async () => {
    const response = await world.identify(undefined, { claims: { sub: 'rival', iss: 'rival' } });

    expectRefused(response, 'invalid_grant', form('aud does not name this app; it was issued to another'));
  });

  it('the payer is paused, or the partner is blocked', async () => {
    const stop = { at: now, by: 'arn', reason: 'x' };
    world.stops.set('payer#blue', stop);
    expect((await world.identify()).statusCode).toBe(503);
    world.stops.set('partner#portal', stop);
    expect(bodyOf(await world.identify()).error).toBe('unauthorized_client');
    expectNothingDone();
  });
});

describe('a stop that comes during the call', () => {
  const stop = { at: now, by: 'arn', reason: 'x' };
  it.each([
    ['payer#blue', 503],
    ['partner#portal', 400],
  ])('is seen after a wait, so that the payer is not asked: %s', async (entry, status) => {
    world.deps.identity.sleep = async () => void world.stops.set(entry, stop);

    expect((await world.identify(await identityToken({ iat: now + 1 }))).statusCode).toBe(status);
    expect(world.asked).toEqual([]);
  });

  it.each(['payer#green', 'partner#portal'])(
    "while the payer answers revokes the payer's tokens: %s",
    async (entry) => {
      world.script.answer = async (usual) => {
        world.stops.set(entry, stop);
        return usual();
      };

      const response = await world.identify(undefined, atGreen);

      expect(bodyOf(response).access_token).toBeUndefined();
      expect(world.revoked).toHaveLength(1);
    },
  );
});

describe('what the payer answers', () => {
  const noMatch =
    'The health plan found no single member with this identity. Ask the member whether the plan has this name and address, or send them to its sign-in.';
  const refusal =
    'The health plan refused the request, or gave no answer that can be used. Identify the member again, and try with the new token.';
  const outage =
    'The health plan cannot be reached at the moment. Identify the member again, and try with the new token.';

  const address = { street_address: '1 Same Street' };
  it.each<[what: string, claims: Change]>([
    ['nobody', { family_name: 'Nobody' }],
    ['two members', { given_name: 'Ada', family_name: 'Doppler', birthdate: '1950-01-01', address }],
  ])('is "no match" for %s, in the same words, and no alarm', async (_who, claims) => {
    const response = await world.identify(await identityToken(claims));

    expect(told(response)).toEqual([400, 'invalid_grant', noMatch]);
    expect(world.lastLine()).toMatchObject({ error: 'invalid_grant', outcome: 'refused' });
    expect(world.lines.at(-1)).not.toMatch(/payerDown|secretMissing/);
    expect(world.grants()).toEqual([]);
    expectNoIdentity(response.body);
  });

  it('is "no match" ten times a minute, and then nobody is asked for this partner and payer', async () => {
    const miss = async () =>
      world.identify(await identityToken({ family_name: 'Nobody' }, { atMs: world.deps.clock.now() }));
    for (let guesses = 0; guesses < 10; guesses += 1) expect((await miss()).statusCode).toBe(400);

    const eleventh = await miss();

    expect([eleventh.statusCode, bodyOf(eleventh).error]).toEqual([429, 'too_many_requests']);
    expect(eleventh.headers['Retry-After']).toBe('6');
    expect((await world.identify()).statusCode).toBe(429);
    expect(world.asked).toHaveLength(10);
    expect((await world.identify(undefined, atGreen)).statusCode).toBe(200);
    world.passSeconds(6);
    expect((await miss()).statusCode).toBe(400);
    expect((await miss()).statusCode).toBe(429);
  });

  it('counts only "no match" towards that limit', async () => {
    for (let calls = 0; calls < 15; calls += 1) expect((await world.identify()).statusCode).toBe(200);
    world.script.answer = async () => badRequest();
    for (let calls = 0; calls < 15; calls += 1) expect((await world.identify()).statusCode).toBe(502);
  });

  const failed = [502, 'server_error', refusal];
  const closed = [503, 'temporarily_unavailable', outage];
  const quoting = Object.assign(new Error(`socket ${planted.family} ${planted.ssn}`), {
    cause: new Error(planted.birthdate),
  });
  it.each<[what: string, answers: () => ReturnType<typeof answer>, told: readonly unknown[], signal: string]>([
    ['400, a refusal or its own failure', badRequest, failed, ''],
    ['401 as OAuth has it', () => answer(401, { error: 'invalid_client' }), closed, 'secretMissing'],
    [
      '401 in words of "no match", with an error',
      () => answer(401, { error: 'access_denied', status_code: 401 }),
      failed,
      '',
    ],
    ['400 in words of "no match"', () => answer(400, { status_code: 401, message: 'x' }), failed, ''],
    ['401 of a server in front of it', () => answer(401, { message: 'x' }), failed, ''],
    ['401 without JSON', () => answerText(401, 'Unauthorized'), failed, ''],
    ['403: the client is not enabled', () => answer(403, { message: 'Request denied' }), closed, 'payerDown'],
    ['503', () => answer(503, {}), closed, 'payerDown'],
    ['no JSON', () => answerText(200, '<html>'), failed, 'payerDown'],
    ['no access token', () => answer(200, { patient: 'bb-1' }), failed, 'payerDown'],
    [
      'an error that quotes the request',
      () => {
        throw quoting;
      },
      closed,
      'payerDown',
    ],
  ])('fails the call, and the token is spent: %s', async (_what, answers, expected, signal) => {
    const idToken = await identityToken();
    world.script.answer = async () => answers();

    const response = await world.identify(idToken);

    expect(told(response)).toEqual(expected);
    expect(world.asked).toHaveLength(1);
    expect(world.grants()).toEqual([]);
    expectNoIdentity(response.body);
    for (const name of ['payerDown', 'secretMissing']) {
      expect(world.lines.at(-1)!.includes(`"${name}":1`)).toBe(name === signal);
    }
    delete world.script.answer;
    expect(bodyOf(await world.identify(idToken)).error_description).toContain('its jti was used');
  });

  it.each([planted.family, `patient/${planted.family}.rs ${planted.given}`])(
    'is not logged if its scope reads nothing, since it may repeat the identity: %s',
    async (scope) => {
      world.script.answer = async () => answer(200, { access_token: 'a', patient: 'bb-1', scope });

      const response = await world.identify();

      expect([response.statusCode, bodyOf(response).error]).toEqual([403, 'access_denied']);
      expect(world.lastLine()['detail']).toMatch(/^the payer granted \d words? that (?:is|are) not shown, /);
      expectNoIdentity(response.body);
    },
  );

  it.each([undefined, '../x', '-2+3'])('needs a patient, as any grant does: %s', async (patient) => {
    world.script.answer = async () =>
      answer(200, { access_token: 'a', expires_in: 60, scope: 'patient/Patient.read', patient });

    expect(told(await world.identify())).toEqual([
      502,
      'server_error',
      'The health plan did not say whose record this is. Identify the member again, and try with the new token.',
    ]);
    expect(world.grants()).toEqual([]);
  });

  const slow = () => Object.assign(new Error('slow down'), { name: 'ProvisionedThroughputExceededException' });
  const stopped = { at: now, by: 'arn', reason: 'x' };
  it.each<[what: string, fail: () => unknown, status: number]>([
    ['the grant cannot be written', () => world.dynamo.failNext('PutItem', slow()), 503],
    ['the app is blocked', () => world.stops.set('partner#portal', stopped), 400],
    ['the payer is paused', () => world.stops.set('payer#blue', stopped), 503],
    ['an unexpected error comes', () => (world.deps.identity.indexMember = () => Promise.reject(new TypeError())), 500],
  ])('is lost if %s after that, and the app is told to identify the member again', async (_what, fail, status) => {
    world.script.answer = async (usual) => {
      fail();
      return usual();
    };

    const [code, , sentence] = told(await world.identify());

    expect(code).toBe(status);
    expect(sentence).toMatch(/^(?!.*try again).*\. Identify the member again, and try with the new token\.$/);
  });

  it.each(['UpdateItem', 'PutItem'])(
    'is not asked for while %s fails, so that nothing is spent or counted',
    async (command) => {
      const failing = Object.assign(new Error('slow down'), { name: 'ProvisionedThroughputExceededException' });
      world.dynamo.failNext(command, failing);

      expect((await world.identify()).statusCode).toBe(503);
      expectNothingDone();
    },
  );
});

/** The fields of both tokens (the facts of Blue Button's documentation and the CMS specification), by what their values are. */
const fieldsOf = {
  'the id_token': {
    required: {
      text: words('iss sub aud jti family_name given_name birthdate'),
      number: words('exp iat auth_time identity_assurance_level'),
    },
    optional: {
      text: words('gender ssn_itin_short phone_number email mbi azp'),
      number: ['nbf'],
      flag: ['phone_number_verified'],
      object: ['address'],
      list: ['historical_address'],
    },
  },
  cms_smart: {
    required: { text: words('version purpose_of_use id_token'), object: ['consent_attestation'] },
    optional: { list: ['consent_policy'] },
  },
  'the client assertion': {
    required: { text: words('iss sub aud jti'), number: ['exp'], object: ['extensions'] },
    optional: { number: ['nbf'] },
  },
  consent_attestation: { required: { text: words('user_action user_action_timestamp') }, optional: {} },
};
type Holder = keyof typeof fieldsOf;
const huge = 'x'.repeat(6000);
/** Values of every type of JSON, empty and huge ones; each is wrong for a field whose kind is not its own. */
const wrong: readonly (readonly [kind: string, named: string, value: unknown])[] = [
  ['', 'null', null],
  ['number', 'a fraction', 0.5],
  ['number', 'a negative number', -1],
  ['', 'a huge number', 1e300],
  ['', 'an empty text', ''],
  ['', 'a blank text', '  '],
  ['', 'a huge text', huge],
  ['flag', 'true', true],
  ['list', 'a list', [7]],
  ['', 'an empty list', []],
  ['', 'a list of huge texts', [huge]],
  ['', 'a deep list', [[[[[[[[[[[[]]]]]]]]]]]]],
  ['object', 'an object', { x: 1 }],
];
const everyField = Object.entries(fieldsOf).flatMap(([holder, { required, optional }]) =>
  [required, optional].flatMap((kinds, index) =>
    Object.entries(kinds).flatMap(([kind, fields]) =>
      (fields as readonly string[]).map((name) => ({ holder: holder as Holder, name, kind, isOptional: index === 1 })),
    ),
  ),
);

describe('each field of both tokens', () => {
  /** The call with a field of another value; undefined leaves it out. */
  const withField = async (holder: Holder, name: string, value: unknown) => {
    if (holder === 'the id_token') return world.identify(await identityToken({ [name]: value }));
    if (holder === 'cms_smart') return world.identify(undefined, { cmsSmart: { [name]: value } });
    if (holder === 'the client assertion') return world.identify(undefined, { claims: { [name]: value } });
    const { consent_attestation: attestation } = cmsSmartOf('');
    return world.identify(undefined, { cmsSmart: { consent_attestation: { ...attestation, [name]: value } } });
  };

  it.each(everyField)('$name of $holder has one answer to each wrong value, which names it', async (field) => {
    const { holder, name, kind, isOptional } = field;
    // These take any value of their kind.
    const isFree = words('nbf address phone_number_verified').includes(name);
    const values = wrong.filter(([own]) => own !== kind || !isFree);
    for (const [, named, value] of isOptional ? values : [...values, ['', 'missing', undefined] as const]) {
      world = identityWorld();
      const given = name === 'id_token' && value === huge ? huge.repeat(3) : value;
      const response = await withField(holder, name, given);
      const [status, error, sentence = ''] = told(response);

      const status4 = holder === 'the client assertion' && error === 'invalid_client' ? 401 : 400;
      expect([named, status]).toEqual([named, status4]);
      // Who is nobody's client learns no more.
      const isUnknown = name === 'sub' && typeof value === 'string' && value !== '';
      if (holder !== 'the client assertion' || !isUnknown)
        expect([named, sentence]).toEqual([named, expect.stringMatching(`\\b${name}\\b`)]);
      expect(sentence).not.toContain('xxx');
      expectNothingDone(response.body);
    }
  });

  it.each(everyField.filter(({ isOptional }) => isOptional))(
    '$name of $holder may be missing',
    async ({ holder, name }) => {
      expect((await withField(holder, name, undefined)).statusCode).toBe(200);
    },
  );

  /** The JSON of an object with one of its members written twice, with the same value. */
  const twice = (object: Readonly<Record<string, unknown>>, name: string): string => {
    const member = `${JSON.stringify(name)}:${JSON.stringify(object[name] ?? ['https://policy.example.org'])}`;
    return `${JSON.stringify(object).slice(0, -1)},${member}${Object.hasOwn(object, name) ? '' : `,${member}`}}`;
  };

  it.each(everyField)('$name of $holder may not appear twice', async ({ holder, name }) => {
    const [head = '', payload = '', signature = ''] = (await identityToken()).split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
    const ofToken = Buffer.from(twice(claims, name)).toString('base64url');
    const cmsSmart = cmsSmartOf([head, holder === 'the id_token' ? ofToken : payload, signature].join('.'));
    const write = (all: Readonly<Record<string, unknown>>): string => {
      if (holder === 'the id_token') return JSON.stringify(all);
      if (holder === 'the client assertion') return twice({ nbf: now - 1, ...all }, name);
      const inner = holder === 'cms_smart' ? cmsSmart : cmsSmart.consent_attestation;
      return JSON.stringify(all).replace(JSON.stringify(inner), twice(inner, name));
    };
    const response = await world.post(world.formFor(await assertionOf(cmsSmart, {}, startMs, write)));

    const what = holder === 'the id_token' ? 'The id_token' : 'The client assertion';
    expectRefused(response, 'invalid_request', `${what}: ${name} appears twice.`);
  });

  it.each(words('grant_type client_assertion client_assertion_type scope client_id'))(
    '%s of the form may not appear twice',
    async (name) => {
      const fields = new URLSearchParams(
        world.formFor(await assertionOf(cmsSmartOf(await identityToken())), { client_id: 'portal' }),
      );
      fields.append(name, fields.get(name) ?? '');

      const sentence = `${name} must not be sent more than once.`;
      expectRefused(await world.post(fields.toString()), 'invalid_request', sentence);
    },
  );
});

describe("the identity provider's keys", () => {
  it('are read again for a key that is new, at most once in 30 seconds', async () => {
    await world.identify();
    const by = (kid: string) =>
      identityToken({}, { header: { kid }, key: nextProviderKey.privateKey, atMs: world.deps.clock.now() });
    expect(world.provider.reads).toBe(1);
    const justRead = "read just before, without the token's key";

    // Nobody may look now, so nobody can tell whether the key is the issuer's (RFC 6749 §5.2 keeps 400 for a grant that is invalid).
    const notNow = async (seconds: number, why: string): Promise<void> => {
      const response = await world.identify(await by('made-up'));
      // An app can send as many as it likes, so they must not count as server errors, which page the operator.
      const expected = why === justRead ? [429, 'too_many_requests'] : [503, 'temporarily_unavailable'];
      expect([response.statusCode, bodyOf(response).error]).toEqual(expected);
      expect(response.headers['Retry-After']).toBe(String(seconds));
      const detail = `keys of the identity provider: ${why}`;
      expect(world.lastLine()).toMatchObject({ outcome: why === justRead ? 'refused' : 'failed', detail });
    };
    await notNow(30, justRead);
    world.passSeconds(29);
    await notNow(1, justRead);
    expect(world.provider.reads).toBe(1);
    world.passSeconds(1);
    world.provider.isDown = true;
    await notNow(30, 'JWKS: TypeError:ECONNREFUSED');
    await notNow(30, 'JWKS: TypeError:ECONNREFUSED');
    expect(world.provider.reads).toBe(2);
    world.provider.isDown = false;
    world.passSeconds(30);
    expect(told(await world.identify(await by('made-up'))).slice(0, 2)).toEqual([400, 'invalid_grant']);
    expect(world.provider.reads).toBe(3);
    world.passSeconds(30);
    world.provider.keys.push(nextProviderKey.jwk);
    expect((await world.identify(await by('csp-2'))).statusCode).toBe(200);
    expect(world.provider.reads).toBe(4);
    for (let more = 0; more < 3; more += 1) await notNow(30, justRead);
    expect(world.provider.reads).toBe(4);
  });

  it('may be two under one kid: a token by either is believed, and one by neither is not', async () => {
    const by = async (key: CryptoKey) => identityToken({}, { key, atMs: world.deps.clock.now() });
    const { privateKey: other } = await generateKeyPair('RS256');
    world.provider.keys.push({ ...nextProviderKey.jwk, kid: 'csp-1' });
    const given = { access_token: 'a', patient: 'bb-1', token_type: 'Bearer', expires_in: 3600 };
    world.script.answer = async () => answer(200, given);

    for (const key of [providerKey.privateKey, nextProviderKey.privateKey])
      expect((await world.identify(await by(key))).statusCode).toBe(200);
    world.passSeconds(30);
    expect(told(await world.identify(await by(other))).slice(0, 2)).toEqual([400, 'invalid_grant']);
  });

  it('count for an hour while its host is down, and then none do', async () => {
    await world.identify();
    world.provider.isDown = true;

    world.passSeconds(3599);
    expect((await world.identify()).statusCode).toBe(200);
    world.passSeconds(1);
    const closed = await world.identify();

    expect([closed.statusCode, bodyOf(closed).error]).toEqual([503, 'temporarily_unavailable']);
    expectNoIdentity(closed.body);
    expect(world.asked).toHaveLength(2);
  });
});
