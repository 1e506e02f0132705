import { UnsecuredJWT } from 'jose';
import { nowSeconds } from '../../../../functions/shared/clock.ts';
import { GatewayError, type Signal } from '../../../../functions/shared/errors.ts';
import { openGrant, type OpenGrant } from '../../../../functions/shared/payer/open-grant.ts';
import { ensureFreshPayerTokens, refreshPayerTokens } from '../../../../functions/shared/payer/refresh-tokens.ts';
import type { Payer } from '../../../../functions/shared/registry/types.ts';
import { writeScopes } from '../../../../functions/shared/scopes/scopes.ts';
import { revoke, takeLease } from '../../../../functions/shared/store/grants.ts';
import type { FetchGateway, TestGrant } from '../../../support/fetch-gateway.ts';
import { startMs } from '../../../support/gateway.ts';
import { formOf, throttled } from '../../../support/login.ts';
import { agedGrant, answers, fresh, freshToken, intercepted, northwind, opened, rotated } from './aged-grant.ts';

const sentForms = (test: FetchGateway, path = '/oauth2/token') =>
  test.payer.requests.filter(({ url }) => url.endsWith(path)).map(({ init }) => Object.fromEntries(formOf(init)));

/** A payer that answers the refresh well, after this has happened. */
const answersAfter = (happening: () => void) => () => {
  happening();
  return answers(rotated)();
};
/** A payer that refreshes just when the partner revokes the grant. */
const revokedMeanwhile = (test: FetchGateway, grantId: string): void => {
  test.payer.http = async (input) => {
    if (!String(input).endsWith('/token')) return Response.json({});
    await revoke(test.deps.grants, grantId, 'byPartner', { now: nowSeconds(test.deps.clock), requestId: 'other' });
    return Response.json(rotated);
  };
};
/** Another process has stored new payer tokens. */
const movedOn = (test: FetchGateway, { grantId }: TestGrant): void => {
  const items = test.dynamo.items('Grants');
  items.set(grantId, { ...items.get(grantId), payerVersion: { N: '2' } });
};

/** An `id_token` as it is written, with these claims. */
const idToken = (claims: object): string => new UnsecuredJWT({ ...claims }).encode();
const claimedTwice = Buffer.from('{"fhirUser":"Patient/patient-2","fhirUser":"Patient/patient-1"}').toString(
  'base64url',
);
const twoPatients = idToken({}).replace(/\.[^.]*\./, `.${claimedTwice}.`);

const ended = {
  status: 401,
  code: 'invalid_token',
  publicMessage: 'This access has ended. Ask the member to connect again.',
};
const reconnect = {
  status: 403,
  code: 'reconnect',
  publicMessage: 'The health plan no longer accepts this access. Ask the member to connect again.',
};

describe('when payer tokens are refreshed', () => {
  it('uses a token that is valid for more than a minute as it is, without any call', async () => {
    const { test, before } = await agedGrant(239);

    expect(await freshToken(test, before)).toBe('payer-access-1');
    expect(test.dynamo.calls()).toEqual([]);
    expect(test.payer.requests).toEqual([]);
  });

  it('uses a token of unknown lifetime until the payer refuses it', async () => {
    const tokens = { accessToken: 'payer-access-1', refreshToken: 'payer-refresh-1' };
    const { test, before } = await agedGrant(24 * 3600, { tokens });

    expect(await freshToken(test, before)).toBe('payer-access-1');
  });

  it('refreshes a minute before the end: one write for the lease, one for the new tokens', async () => {
    const { test, grant, before } = await agedGrant(240);
    test.payer.http = answers(rotated);

    const after = await fresh(test, before);

    expect(test.dynamo.calls()).toEqual(['UpdateItem', 'UpdateItem']);
    expect(sentForms(test)).toEqual([
      expect.objectContaining({ grant_type: 'refresh_token', refresh_token: 'payer-refresh-1' }),
    ]);
    const expiresAt = nowSeconds(test.deps.clock) + 300;
    expect(after.tokens).toEqual({ accessToken: 'payer-access-2', refreshToken: 'payer-refresh-2', expiresAt });
    expect(after).toEqual(opened(grant));
    expect(after.grant.payerVersion).toBe(2);
    expect(grant.stored().leaseOwner).toBeUndefined();
  });

  it('narrows the grant to what the payer still grants: not to less if it names no scope, and never to more again', async () => {
    const { test, grant, before } = await agedGrant(250);
    const scopesAfter = async (open: OpenGrant, scope: string | undefined) => {
      test.payer.http = answers({ ...rotated, scope });
      const after = await fresh(test, open);
      test.passSeconds(250);
      expect(after.grant.scope).toEqual(grant.stored().scope);
      return { after, scope: writeScopes(after.grant.scope.filter(({ kind }) => kind === 'resource')) };
    };

    const unnamed = await scopesAfter(before, undefined);
    expect(unnamed.scope).toBe('patient/*.rs');
    const narrowed = await scopesAfter(unnamed.after, 'patient/Patient.rs patient/Observation.rs?category=laboratory');
    expect(narrowed.scope).toBe('patient/Patient.rs patient/Observation.rs?category=laboratory');
    const widened = await scopesAfter(narrowed.after, 'patient/*.rs');
    expect(widened.scope).toBe('patient/Patient.rs patient/Observation.rs?category=laboratory');
    expect((await scopesAfter(widened.after, undefined)).scope).toBe(widened.scope);
  });

  // As at a login.
  it.each([
    ['names none of the resources that we asked for', {}, 'openid', ''],
    ['names no resources, and was asked for none', { scopes: [] }, 'openid', 'patient/*.rs'],
    ['names no resources, which means all at this payer', { grantedScope: 'asRequested' }, 'openid', 'patient/*.rs'],
    ['has what cannot be read, and we asked for none', { scopes: [] }, 'openid patient.claims.read', ''],
    ['has what cannot be read', { grantedScope: 'asRequested' }, 'openid https://plan.example/patient/Claim.rs', ''],
    ['is a list with what is no text', { scopes: [] }, ['openid', { resource: 'Observation' }], ''],
    ['is a list in a list', { grantedScope: 'asRequested' }, ['openid', ['patient/Observation.rs']], ''],
    ['is neither a text nor a list', { grantedScope: 'asRequested' }, { resource: 'Observation' }, ''],
    ['has words that the profile names', { scopes: [], ownScopes: ['claims.all'] }, 'claims.all', 'patient/*.rs'],
    ['is empty', {}, '', ''],
    ['is empty, and we asked for none (RFC 6749 §3.3)', { scopes: [] }, ' ', ''],
    ['is empty, which means all at this payer', { scopes: [], grantedScope: 'asRequested' }, '', 'patient/*.rs'],
  ] as const)('narrows the grant to what is left, if the scope %s', async (_, profile, scope, left) => {
    const { test, before } = await agedGrant(250);
    test.payer.http = answers({ ...rotated, scope });

    const after = await ensureFreshPayerTokens(test.deps, { ...(await northwind(test)), ...profile }, before, {
      requestId: 'request-a',
    });

    expect(test.payer.requests).toHaveLength(1);
    expect(writeScopes(after.grant.scope.filter(({ kind }) => kind === 'resource'))).toBe(left);
  });

  it('narrows a grant by identity by the scopes of such sign-ins, not of those in a browser', async () => {
    const signIn = { issuers: [], assertionAlgorithm: 'ES384', scopes: ['patient/*.rs'], noMatch: [] } as const;
    for (const [via, left] of [
      ['identity', ''],
      [undefined, 'patient/*.rs'],
    ] as const) {
      const { test, before } = await agedGrant(250);
      test.payer.http = answers({ ...rotated, scope: 'openid' });
      const open = { ...before, grant: { ...before.grant, ...(via === undefined ? {} : { via }) } };
      const payer = { ...(await northwind(test)), scopes: [], identitySignIn: signIn };

      const after = await ensureFreshPayerTokens(test.deps, payer, open, { requestId: 'request-a' });

      expect(writeScopes(after.grant.scope.filter(({ kind }) => kind === 'resource'))).toBe(left);
    }
  });

  it('says in the log which words of the payer’s scope were ignored, if that narrows the grant', async () => {
    for (const [via, said] of [
      [undefined, '"patient.claims.read https://plan.example/x" and 1 word that is not shown'],
      ['identity', '3 words that are not shown'],
    ] as const) {
      const { test, before } = await agedGrant(250);
      const remarks: unknown[] = [];
      const refreshed = async (open: OpenGrant, scope: string) => {
        test.payer.http = answers({ ...rotated, scope });
        const record: { requestId: string; detail?: string } = { requestId: 'request-a' };
        const after = await ensureFreshPayerTokens(test.deps, await northwind(test), open, record);
        test.passSeconds(250);
        remarks.push(record.detail);
        return after;
      };
      const first = { ...before, grant: { ...before.grant, ...(via === undefined ? {} : { via }) } };

      const narrowed = await refreshed(first, 'user/Claim.r openid patient.claims.read https://plan.example/x "Ann"');
      await refreshed(narrowed, 'user/Claim.r openid patient.claims.read');

      expect(remarks).toEqual([`ignored in the payer's scope: ${said}`, undefined]);
    }
  });

  it('keeps the old refresh token if the payer gives no new one', async () => {
    const { test, grant, before } = await agedGrant(250);
    test.payer.http = answers({ access_token: 'payer-access-2', token_type: 'Bearer', expires_in: 300 });

    await fresh(test, before);

    expect(grant.payerTokens().refreshToken).toBe('payer-refresh-1');
  });

  it('uses a token that cannot be refreshed until it expires, then asks to reconnect', async () => {
    const tokens = { accessToken: 'payer-access-1', expiresAt: startMs / 1000 + 30 };
    const { test, grant, before } = await agedGrant(29, { tokens });

    expect(await freshToken(test, before)).toBe('payer-access-1');
    test.passSeconds(1);
    await expect(fresh(test, before)).rejects.toMatchObject({
      ...reconnect,
      detail: 'the payer token has expired and cannot be refreshed',
    });
    expect(grant.stored().revokedAt).toBeUndefined();
  });

  it('asks to reconnect if the payer refuses a token that cannot be refreshed', async () => {
    const { test, before } = await agedGrant(0, { tokens: { accessToken: 'payer-access-1' } });

    const refreshing = refreshPayerTokens(test.deps, await northwind(test), before, { requestId: 'request-a' });

    await expect(refreshing).rejects.toMatchObject({ ...reconnect, detail: 'the payer gave no refresh token' });
  });

  it('opens no grant with the key of another', async () => {
    const { test, grant } = await agedGrant(0);
    const other = await test.grant();

    expect(() => openGrant(grant.stored(), other.grantKey)).toThrow(expect.objectContaining(ended));
  });
});

describe('a payer that mistakes the member', () => {
  // What a sign-in refuses as no patient's id is no reason to trust a refresh.
  const unread = [
    'https://other.example/r4/Patient/patient-1',
    ['patient-1'],
    { id: 'patient-2' },
    'patient-1,patient-2',
    'patient-1 ',
    true,
    'null',
    'Patient/undefined',
  ];
  const others = ['patient-2', 'Patient/patient-2', 2].map((patient) => ({ patient, is: 'another patient' }));
  it.each([...others, ...unread.map((patient) => ({ patient, is: 'a patient that cannot be read' }))])(
    'ends the grant if a refresh is about $patient, $is: nothing of the answer is kept, and it is revoked',
    async ({ patient, is }) => {
      const { test, grant, before } = await agedGrant(301);
      test.payer.http = answers({ ...rotated, patient });

      await expect(fresh(test, before)).rejects.toMatchObject({
        ...ended,
        detail: `the payer refreshed to ${is}: grant revoked`,
      });

      expect(grant.stored().revokedAt).toBeDefined();
      expect(grant.stored().sealedPayerTokens).toHaveLength(0);
      expect(test.dynamo.items('Grants').get(grant.grantId)?.['lastEvent']?.M?.['reason']).toEqual({
        S: 'otherPatient',
      });
      expect(sentForms(test, '/oauth2/revoke')).toEqual([expect.objectContaining({ token: 'payer-refresh-2' })]);
    },
  );

  it('ends it even if the old token is valid for another minute', async () => {
    const { test, grant, before } = await agedGrant(240);
    test.payer.http = answers({ ...rotated, patient: 'patient-2' });

    await expect(fresh(test, before)).rejects.toMatchObject(ended);
    expect(grant.stored().revokedAt).toBeDefined();
  });

  it('ends nothing if another refresh was stored in the meantime', async () => {
    const { test, grant, before } = await agedGrant(301);
    test.payer.http = async (input) => {
      if (String(input).endsWith('/token')) movedOn(test, grant);
      return Response.json({ ...rotated, patient: 'patient-2' });
    };

    await expect(fresh(test, before)).rejects.toMatchObject({
      status: 502,
      code: 'payer_error',
      detail: 'the refreshed tokens are about another patient',
    });
    expect(grant.stored().revokedAt).toBeUndefined();
    expect(sentForms(test, '/oauth2/revoke')).toHaveLength(1);
  });

  it.each([['patient-1'], ['Patient/patient-1/_history/3'], [undefined], [null], ['']])(
    'continues if a refresh names %j',
    async (patient) => {
      const { test, before } = await agedGrant(301);
      test.payer.http = answers({ ...rotated, patient });

      expect(await freshToken(test, before)).toBe('payer-access-2');
    },
  );

  // OpenID Connect Core §12.2: whose it is must be the same as at sign-in. It need not be there.
  it.each([
    ['of another patient', idToken({ fhirUser: 'Patient/patient-2' }), false],
    ['of no patient', idToken({ fhirUser: 'Practitioner/patient-1' }), false],
    ['that cannot be read', 'x.y', false],
    ['of two patients', twoPatients, false],
    ['that is no text', { fhirUser: 'Patient/patient-1' }, false],
    ['of the same patient', idToken({ fhirUser: 'Patient/patient-1' }), true],
    ['without the claim', idToken({ sub: 'x' }), true],
    ['that is missing', undefined, true],
    ['that is null', null, true],
  ])('compares an id_token %s, if the profile says id_token', async (_, id_token, isSame) => {
    const { test, grant, before } = await agedGrant(301);
    test.payer.http = answers({ ...rotated, id_token, patient: 'another-kind-of-id' });
    const payer: Payer = { ...(await northwind(test)), patientFrom: 'id_token' };

    const refreshed = ensureFreshPayerTokens(test.deps, payer, before, { requestId: 'request-a' });

    await (isSame ? refreshed : expect(refreshed).rejects.toMatchObject(ended));
    expect(grant.stored().revokedAt === undefined).toBe(isSame);
  });

  it.each(['search', 'userinfo', 'none'] as const)(
    'ignores the patient of a token answer if the profile says %s',
    async (patientFrom) => {
      const { test, before } = await agedGrant(301);
      test.payer.http = answers({ ...rotated, patient: 'patient-2' });
      const payer = { ...(await northwind(test)), patientFrom };

      const { tokens } = await ensureFreshPayerTokens(test.deps, payer, before, { requestId: 'request-a' });

      expect(tokens.accessToken).toBe('payer-access-2');
    },
  );
});

describe('an access token of a refresh that cannot be used', () => {
  it('fails the read, keeps the new refresh token, and the next refresh recovers', async () => {
    const { test, grant, before } = await agedGrant(301);
    test.payer.http = answers({ ...rotated, access_token: 'a b' });

    await expect(fresh(test, before)).rejects.toMatchObject({ status: 502, code: 'payer_error' });

    const old = { accessToken: 'payer-access-1', expiresAt: startMs / 1000 + 300 };
    expect(grant.payerTokens()).toEqual({ ...old, refreshToken: 'payer-refresh-2' });
    expect(grant.stored().leaseOwner).toBeUndefined();
    test.payer.http = answers({ ...rotated, refresh_token: 'payer-refresh-3' });
    expect(await freshToken(test, opened(grant))).toBe('payer-access-2');
    expect(sentForms(test).map((form) => form['refresh_token'])).toEqual(['payer-refresh-1', 'payer-refresh-2']);
  });

  it('does not matter while the old one is valid', async () => {
    const { test, grant, before } = await agedGrant(250);
    test.payer.http = answers({ ...rotated, access_token: '' });

    expect(await freshToken(test, before)).toBe('payer-access-1');
    expect(grant.payerTokens().refreshToken).toBe('payer-refresh-2');
  });
});

describe('what ends a grant', () => {
  it.each([400, 200])(
    'ends it on a confirmed invalid_grant of status %i, and the item keeps no payer tokens',
    async (status) => {
      const { test, grant, before } = await agedGrant(301);
      test.payer.http = answers({ error: 'invalid_grant' }, status);

      await expect(fresh(test, before)).rejects.toMatchObject({
        ...ended,
        detail: 'the payer refused its refresh token: grant revoked',
      });

      expect(grant.stored().revokedAt).toBe(nowSeconds(test.deps.clock));
      expect(grant.stored().sealedPayerTokens).toHaveLength(0);
      expect(test.dynamo.items('Grants').get(grant.grantId)?.['lastEvent']?.M?.['reason']).toEqual({
        S: 'refusedByPayer',
      });
      expect(sentForms(test)).toHaveLength(1);
    },
  );

  it('uses the tokens of another refresh if invalid_grant was about an older version, and writes nothing', async () => {
    const { test, grant, before } = await agedGrant(301);
    test.payer.http = async () => {
      // Another holder, whose lease has expired here, stores its tokens first.
      test.payer.http = answers(rotated);
      const item = test.dynamo.items('Grants').get(grant.grantId) ?? {};
      delete item['leaseOwner'];
      await fresh(test, opened(grant));
      test.dynamo.calls();
      return Response.json({ error: 'invalid_grant' }, { status: 400 });
    };

    expect(await freshToken(test, before)).toBe('payer-access-2');
    expect(grant.stored().revokedAt).toBeUndefined();
    expect(test.dynamo.calls()).toEqual(['GetItem']);
  });

  it('uses the tokens of another refresh that came between the second look and the end', async () => {
    const { test, grant, before } = await agedGrant(301);
    test.payer.http = answers({ error: 'invalid_grant' }, 400);
    const deps = intercepted(test, (update, send) => {
      if (update.includes('revokedAt')) movedOn(test, grant);
      return send();
    });

    const result = await ensureFreshPayerTokens(deps, await northwind(test), before, { requestId: 'request-a' });

    expect(result.grant.payerVersion).toBe(2);
    expect(grant.stored().revokedAt).toBeUndefined();
  });

  it.each([
    ['a 500', answers({}, 500), 503, 'temporarily_unavailable'],
    ['a 429', answers({}, 429), 503, 'temporarily_unavailable'],
    ['a broken connection', () => Promise.reject(new TypeError('fetch failed')), 503, 'temporarily_unavailable'],
    ['a time-out', () => Promise.reject(new DOMException('late', 'TimeoutError')), 504, 'payer_timeout'],
    ['HTML', () => Promise.resolve(new Response('<html>')), 502, 'payer_error'],
    ['truncated JSON', () => Promise.resolve(new Response('{"access_token":"')), 502, 'payer_error'],
    ['invalid_request of another status', answers({ error: 'invalid_request' }, 401), 502, 'payer_error'],
    ['a code of its own of another status', answers({ error: 'bad_refresh_token' }, 403), 502, 'payer_error'],
    ['what is no code', answers({ error: 'Bad Request' }, 400), 502, 'payer_error'],
    ['an error without a code', answers({ status_code: 400, message: 'x' }, 400), 502, 'payer_error'],
    [
      'invalid_client beside a refusal',
      answers({ error: 'invalid_client', code: 'access_denied' }, 400),
      503,
      'temporarily_unavailable',
    ],
    ['invalid_client, twice', answers({ error: 'invalid_client' }, 401), 503, 'temporarily_unavailable'],
    ['unauthorized_client, twice', answers({ error: 'unauthorized_client' }, 400), 503, 'temporarily_unavailable'],
    ['unsupported_grant_type', answers({ error: 'unsupported_grant_type' }, 400), 502, 'payer_error'],
    ['temporarily_unavailable', answers({ error: 'temporarily_unavailable' }, 400), 503, 'temporarily_unavailable'],
    ['server_error', answers({ error: 'server_error' }, 400), 503, 'temporarily_unavailable'],
  ] as const)('never ends it on %s, and releases the lease', async (_name, http, status, code) => {
    const { test, grant, before } = await agedGrant(301);
    test.payer.http = http;

    await expect(fresh(test, before)).rejects.toMatchObject({ status, code });

    expect(grant.stored().revokedAt).toBeUndefined();
    test.payer.http = answers(rotated);
    expect(await freshToken(test, opened(grant))).toBe('payer-access-2');
  });

  it('blames no member for a scope that the profile makes us ask for', async () => {
    const { test, before } = await agedGrant(301);
    test.payer.http = answers({ error: 'invalid_scope' }, 400);
    const payer = await northwind(test);
    const asking: Payer = {
      ...payer,
      quirks: { ...payer.quirks, extraRefreshParameters: { scope: 'patient/*.read' } },
    };

    await expect(ensureFreshPayerTokens(test.deps, asking, before, { requestId: 'request-a' })).rejects.toMatchObject({
      status: 502,
      detail: 'token endpoint answered 400 with an OAuth error (invalid_scope)',
    });
  });

  it('keeps what a refresh returned even if its expires_in is absurd, since the old refresh token is used up', async () => {
    const { test, grant, before } = await agedGrant(301);
    test.payer.http = answers({ ...rotated, expires_in: 1e12 });

    const { tokens } = await fresh(test, before);

    expect(tokens).toEqual({ accessToken: 'payer-access-2', refreshToken: 'payer-refresh-2' });
    expect(grant.stored().payerVersion).toBe(2);
  });

  it('uses a token to its last second while the payer cannot refresh, and not longer', async () => {
    const { test, grant, before } = await agedGrant(299);
    test.payer.http = answers({}, 500);

    expect(await freshToken(test, before)).toBe('payer-access-1');
    expect(grant.stored()).toMatchObject({ payerVersion: 1, leaseUntilMs: 0 });
    test.passSeconds(1);
    await expect(fresh(test, before)).rejects.toMatchObject({ status: 503 });
  });

  it('continues with a valid token if DynamoDB gives no lease', async () => {
    const { test, before } = await agedGrant(250);
    test.dynamo.failNext('UpdateItem', throttled());

    expect(await freshToken(test, before)).toBe('payer-access-1');
    expect(test.payer.requests).toEqual([]);
  });

  it('is 503 if the token has expired and DynamoDB gives no lease: the payer is not called', async () => {
    const { test, before } = await agedGrant(301);
    test.dynamo.failNext('UpdateItem', throttled());

    await expect(fresh(test, before)).rejects.toMatchObject({ status: 503, retryAfterSeconds: 5 });
    expect(test.payer.requests).toEqual([]);
  });

  it('tries to store new tokens until its lease ends, since the refresh token is used up, and never uses others', async () => {
    const { test, grant, before } = await agedGrant(301);
    const failing = (times: number) =>
      answersAfter(() => {
        for (let time = 0; time < times; time += 1) test.dynamo.failNext('UpdateItem', throttled());
      });
    const startedAt = test.deps.clock.now();
    // Twice a second, first at once and last when the lease ends; releasing the lease fails too.
    test.payer.http = failing(62);

    await expect(fresh(test, before)).rejects.toMatchObject({ status: 503 });
    expect(test.deps.clock.now() - startedAt).toBe(30_000);
    expect(grant.payerTokens().accessToken).toBe('payer-access-1');

    test.passSeconds(1);
    test.payer.http = failing(60);
    expect(await freshToken(test, before)).toBe('payer-access-2');
    expect(grant.payerTokens().refreshToken).toBe('payer-refresh-2');
  });

  it('releases the lease if DynamoDB fails while a refusal is confirmed, so no one waits for it', async () => {
    const { test, before } = await agedGrant(301);
    test.payer.http = () => {
      test.dynamo.failNext('GetItem', throttled());
      return answers({ error: 'invalid_grant' }, 400)();
    };

    await expect(fresh(test, before)).rejects.toMatchObject({ status: 503, retryAfterSeconds: 5 });
    test.payer.http = answers(rotated);
    test.dynamo.calls();
    expect(await freshToken(test, before)).toBe('payer-access-2');
    expect(test.dynamo.calls()).toEqual(['UpdateItem', 'UpdateItem']);
  });
});

/** Refusals of a refresh token in other words than `invalid_grant`. */
const refusals: readonly (readonly [said: string, status: number, body: object])[] = [
  ['invalid_request, of a token that Blue Button deleted', 400, { status_code: 400, error: 'invalid_request' }],
  ['invalid_scope, which we did not ask for', 400, { error: 'invalid_scope' }],
  ['a code of its own', 400, { error: 'bad_refresh_token' }],
  ['invalid_token', 401, { error: 'invalid_token' }],
  ['invalid_token, as of an API gateway', 403, { fault: { detail: { errorcode: 'invalid_token' } } }],
  ['access_denied', 403, { error: 'access_denied' }],
  ['interaction_required', 400, { error: 'interaction_required' }],
  ['login_required', 400, { error: 'login_required', code: 'consent_required' }],
  ['consent_required', 400, { error: 'consent_required' }],
  ['expired_token', 400, { error: 'EXPIRED_TOKEN' }],
];

describe('a refresh that the payer refuses in other words', () => {
  const refresh = async (test: FetchGateway, open: OpenGrant, requestId: string) => {
    const record: { requestId: string; signals?: readonly Signal[]; detail?: string } = { requestId };
    const answer = await Promise.resolve(ensureFreshPayerTokens(test.deps, await northwind(test), open, record)).catch(
      (error: unknown) => error,
    );
    return { answer, signals: record.signals ?? [], detail: record.detail };
  };

  it.each(refusals)('(%s) asks to reconnect, keeps the grant, and never blames the payer', async (_, status, body) => {
    const { test, grant, before } = await agedGrant(301);
    test.payer.http = answers(body, status);

    const { answer, signals } = await refresh(test, before, 'request-a');

    expect(answer).toMatchObject({ ...reconnect, detail: expect.stringContaining(`answered ${status} with an OAuth`) });
    expect(signals).toEqual(['refreshFailed']);
    expect(grant.stored().revokedAt).toBeUndefined();
    expect(grant.payerTokens().refreshToken).toBe('payer-refresh-1');
  });

  it('is not asked again for five minutes, and is counted once, however often partners repeat', async () => {
    const { test, grant, before } = await agedGrant(301);
    test.payer.http = answers({ error: 'invalid_request' }, 400);
    const seen: unknown[] = [];
    for (const seconds of [0, 0, 299, 2, 299, 2]) {
      test.passSeconds(seconds);
      const { answer, signals } = await refresh(test, opened(grant), `request-${seen.length}`);
      expect(answer).toMatchObject(reconnect);
      seen.push([...signals, test.payer.requests.length]);
    }

    expect(seen).toEqual([['refreshFailed', 1], [1], [1], [2], [2], [3]]);
    expect(await refresh(test, before, 'request-late')).toMatchObject({ answer: reconnect, signals: [] });
    test.passSeconds(301);
    test.payer.http = answers(rotated);
    expect(await freshToken(test, opened(grant))).toBe('payer-access-2');
    expect(grant.stored().leaseOwner).toBeUndefined();
  });

  it('lets reads go on with a token that is still good, and says so in the log once', async () => {
    const { test, grant, before } = await agedGrant(250);
    test.payer.http = answers({ error: 'access_denied' }, 403);

    const first = await refresh(test, before, 'request-a');
    const next = await refresh(test, opened(grant), 'request-b');

    expect(first).toMatchObject({
      answer: { tokens: { accessToken: 'payer-access-1' } },
      signals: ['refreshFailed'],
      detail: 'token endpoint answered 403 with an OAuth error (access_denied)',
    });
    expect(next).toMatchObject({ answer: first.answer, signals: [], detail: undefined });
    expect(test.payer.requests).toHaveLength(1);
  });

  it('is told to those who wait for its holder, without another request', async () => {
    const { test, before, payer, holder } = await beingRefreshed(301);
    holder.catch(() => undefined);
    const others = Array.from({ length: 3 }, (_, index) => refresh(test, before, `other-${index}`));
    await test.deps.sleep(10);
    payer.answer({ error: 'invalid_request' }, 400);

    await expect(holder).rejects.toMatchObject(reconnect);
    for (const other of await Promise.all(others)) expect(other).toMatchObject({ answer: reconnect, signals: [] });
    expect(test.payer.requests).toHaveLength(1);
  });

  it('does not count if another refresh was stored in the meantime', async () => {
    const { test, grant, before } = await agedGrant(301);
    test.payer.http = async () => {
      movedOn(test, grant);
      return Response.json({ error: 'invalid_request' }, { status: 400 });
    };

    expect(await refresh(test, before, 'request-a')).toMatchObject({
      answer: { grant: { payerVersion: 2 } },
      signals: [],
    });
  });

  it('is 401 if the grant has ended', async () => {
    const { test, grant, before } = await agedGrant(301);
    test.payer.http = answers({ error: 'invalid_request' }, 400);
    await refresh(test, before, 'request-a');
    await revoke(test.deps.grants, grant.grantId, 'byPartner', {
      now: nowSeconds(test.deps.clock),
      requestId: 'other',
    });

    expect(await refresh(test, before, 'request-b')).toMatchObject({ answer: ended, signals: [] });
  });
});

describe('a refresh of payer tokens that failed is counted', () => {
  const signalsOf = async (test: FetchGateway, grant: OpenGrant): Promise<readonly Signal[]> => {
    const record: { requestId: string; signals?: readonly Signal[] } = { requestId: 'request-a' };
    await Promise.resolve(ensureFreshPayerTokens(test.deps, await northwind(test), grant, record)).catch(
      () => undefined,
    );
    return record.signals ?? [];
  };

  it.each([
    ['a payer that does not answer it', answers({}, 500), ['refreshFailed', 'payerDown']],
    ['a refused client', answers({ error: 'invalid_client' }, 401), ['refreshFailed', 'secretMissing']],
    ['a confirmed invalid_grant', answers({ error: 'invalid_grant' }, 400), ['refreshFailed']],
    ['nothing if all is well', answers(rotated), []],
  ])('with %s, whether the old token is valid or not', async (_, http, signals) => {
    for (const seconds of [250, 301]) {
      const { test, before } = await agedGrant(seconds);
      test.payer.http = http;
      expect(await signalsOf(test, before)).toEqual(signals);
    }
  });

  it('with a secret that is missing', async () => {
    const { test, before } = await agedGrant(250);
    test.secrets['northwind'] = new GatewayError('temporarily_unavailable', '', { signal: 'secretMissing' });

    expect(await signalsOf(test, before)).toEqual(['refreshFailed', 'secretMissing']);
  });

  it('but not if the grant was revoked in the meantime', async () => {
    const { test, grant, before } = await agedGrant(250);
    revokedMeanwhile(test, grant.grantId);

    expect(await signalsOf(test, before)).toEqual([]);
  });
});

describe('a grant that ends while its payer tokens are refreshed', () => {
  it.each([
    ['expired', 301],
    ['is still good', 250],
  ])('is 401 if the old token %s, and the new tokens are revoked at the payer', async (_name, seconds) => {
    const { test, grant, before } = await agedGrant(seconds);
    revokedMeanwhile(test, grant.grantId);

    await expect(fresh(test, before)).rejects.toMatchObject({ ...ended, detail: 'the grant ended in the meantime' });

    expect(sentForms(test, '/oauth2/revoke')).toEqual([expect.objectContaining({ token: 'payer-refresh-2' })]);
    expect(grant.stored().sealedPayerTokens).toHaveLength(0);
  });

  it('revokes nothing at the payer if it cannot be read who won, since they may be the stored ones', async () => {
    const { test, grant, before } = await agedGrant(301);
    test.payer.http = answersAfter(() => {
      movedOn(test, grant);
      test.dynamo.failNext('GetItem', throttled());
    });

    await expect(fresh(test, before)).rejects.toMatchObject({ status: 503 });
    expect(sentForms(test, '/oauth2/revoke')).toEqual([]);
  });

  it('is 401 if TTL removed it, and nothing comes back half-written', async () => {
    const { test, grant, before } = await agedGrant(301);
    test.payer.http = answers(rotated);
    test.dynamo.items('Grants').delete(grant.grantId);

    await expect(fresh(test, before)).rejects.toMatchObject({ status: 401 });
    expect(test.dynamo.items('Grants').size).toBe(0);
  });
});

/** A payer whose token endpoint answers when it is told to. */
const slowPayer = (test: FetchGateway) => {
  const waiting: ((response: Response) => void)[] = [];
  test.payer.http = () => new Promise((resolve) => waiting.push(resolve));
  return {
    asked: async (): Promise<void> => {
      while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
    },
    answer: (value: unknown = rotated, status = 200): void => waiting.shift()?.(Response.json(value, { status })),
  };
};

/** A grant that is being refreshed: the lease's holder waits for the payer. */
const beingRefreshed = async (seconds: number) => {
  const aged = await agedGrant(seconds);
  const payer = slowPayer(aged.test);
  const holder = freshToken(aged.test, aged.before, 'holder');
  await Promise.race([payer.asked(), holder]);
  return { ...aged, payer, holder };
};

/** Another process has the lease for this long. */
const leaseElsewhere = async (test: FetchGateway, grant: TestGrant, ms: number): Promise<void> => {
  const nowMs = test.deps.clock.now();
  await takeLease(test.deps.grants, grant.stored(), { owner: 'elsewhere', nowMs, untilMs: nowMs + ms });
  test.dynamo.calls();
};

describe('the lease around a refresh of payer tokens', () => {
  it('lets others continue with the token that is still valid', async () => {
    const { test, before, payer, holder } = await beingRefreshed(250);

    expect(await freshToken(test, before, 'other')).toBe('payer-access-1');
    payer.answer();

    expect(await holder).toBe('payer-access-2');
    expect(test.payer.requests).toHaveLength(1);
  });

  it('makes others wait for its holder if the token has expired, and use its tokens', async () => {
    const { test, before, payer, holder } = await beingRefreshed(301);

    const others = Array.from({ length: 5 }, (_, index) => freshToken(test, before, `other-${index}`));
    await test.deps.sleep(10);
    payer.answer();

    expect(await Promise.all([holder, ...others])).toEqual(Array.from({ length: 6 }, () => 'payer-access-2'));
    expect(test.payer.requests).toHaveLength(1);
  });

  it('passes to one of those who wait as soon as its holder fails', async () => {
    const { test, before, payer, holder } = await beingRefreshed(301);

    const other = freshToken(test, before, 'other');
    await test.deps.sleep(10);
    payer.answer({}, 500);

    await expect(holder).rejects.toMatchObject({ status: 503 });
    await payer.asked();
    payer.answer();
    expect(await other).toBe('payer-access-2');
  });

  it('is taken over from a dead holder as soon as it has expired, and not at its last moment', async () => {
    const { test, grant, before } = await agedGrant(301);
    // The 33rd check, 150 ms after the one before it, comes at that moment.
    await leaseElsewhere(test, grant, 33 * 150);
    const startedAt = test.deps.clock.now();
    test.payer.http = answers(rotated);

    expect(await freshToken(test, before, 'heir')).toBe('payer-access-2');
    expect(test.deps.clock.now() - startedAt).toBe(34 * 150);
    const [refused, ...rest] = test.dynamo.calls();
    expect([refused, ...rest.filter((call) => call !== 'GetItem')]).toEqual(['UpdateItem', 'UpdateItem', 'UpdateItem']);
  });

  it('is waited for no longer than 22 s: then 503, and the payer was not asked', async () => {
    const { test, grant, before } = await agedGrant(301);
    await leaseElsewhere(test, grant, 30_000);
    const startedAt = test.deps.clock.now();

    await expect(fresh(test, before, 'late')).rejects.toMatchObject({
      status: 503,
      retryAfterSeconds: 5,
      detail: 'another refresh of the payer tokens takes too long',
    });
    expect(Math.floor((test.deps.clock.now() - startedAt) / 1000)).toBe(22);
    expect(test.payer.requests).toEqual([]);
  });

  it('is not looked at again after exactly 22 s', async () => {
    const { test, grant, before } = await agedGrant(301);
    await leaseElsewhere(test, grant, 30_000);
    const deps = { ...test.deps, sleep: () => Promise.resolve(test.passSeconds(11)) };

    const late = ensureFreshPayerTokens(deps, await northwind(test), before, { requestId: 'late' });

    await expect(late).rejects.toMatchObject({ status: 503 });
    expect(test.dynamo.calls()).toEqual(['UpdateItem', 'GetItem', 'GetItem']);
  });

  it('ends the wait with 401 if the grant is revoked in the meantime', async () => {
    const { test, grant, before } = await agedGrant(301);
    await leaseElsewhere(test, grant, 30_000);

    const waiting = fresh(test, before, 'waits');
    const items = test.dynamo.items('Grants');
    items.set(grant.grantId, { ...items.get(grant.grantId), revokedAt: { N: '1' } });

    await expect(waiting).rejects.toMatchObject({ status: 401, code: 'invalid_token' });
  });

  it('is not needed for correctness: the loser of the race to store uses the winner’s tokens', async () => {
    const { test, grant, before, payer, holder: loser } = await beingRefreshed(301);

    // The first holder's lease expired before its answer came.
    test.passSeconds(31);
    const winner = freshToken(test, before, 'winner');
    while (test.payer.requests.length < 2) await test.deps.sleep(1);
    payer.answer();
    payer.answer({ ...rotated, access_token: 'payer-access-3' });

    const [one, two] = await Promise.all([loser, winner]);
    expect(one).toBe(two);
    expect(grant.payerTokens().accessToken).toBe(one);
    expect(grant.stored().payerVersion).toBe(2);
    expect(test.payer.requests.filter(({ url }) => url.endsWith('/revoke'))).toEqual([]);
  });

  it('never leads to a second refresh of a token that has already been replaced', async () => {
    const { test, grant, before: stale } = await agedGrant(301);
    test.payer.http = answers(rotated);
    await fresh(test, opened(grant), 'first');

    const again = await refreshPayerTokens(test.deps, await northwind(test), stale, { requestId: 'second' });

    expect(again.tokens.accessToken).toBe('payer-access-2');
    expect(test.payer.requests).toHaveLength(1);
  });

  it('counts a store whose answer was lost, and which the SDK repeated, as made', async () => {
    const { test, grant, before } = await agedGrant(301);
    const deps = intercepted(test, async (update, send) => {
      if (update.includes('payerVersion = :next')) await send();
      return send();
    });
    test.payer.http = answers(rotated);

    const result = await ensureFreshPayerTokens(deps, await northwind(test), before, { requestId: 'request' });

    expect(result.tokens.accessToken).toBe('payer-access-2');
    expect(grant.stored()).toMatchObject({ payerVersion: 2 });
    expect(test.payer.requests).toHaveLength(1);
  });
});
