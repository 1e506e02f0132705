import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { CryptoKey } from 'jose';
import * as oauth from 'oauth4webapi';
import { createWalker, signInAsMember } from '../../sandbox/payer/walk.ts';
import { member1, parameter, post, readFhir, runPayer } from './payer-fixture.ts';
import type { Answer, RunningPayer } from './payer-fixture.ts';

const clientId = 'gateway-at-northwind';
const verifier = 'v'.repeat(43);
const challenge = createHash('sha256').update(verifier).digest('base64url');
const scope = 'launch/patient patient/*.rs offline_access';

let payer: RunningPayer;
let keys: Readonly<Record<'ES384' | 'RS384' | 'ES256', CryptoKey>>;

beforeAll(async () => {
  const es384 = await generateKeyPair('ES384');
  const rs384 = await generateKeyPair('RS384');
  const es256 = await generateKeyPair('ES256');
  keys = { ES384: es384.privateKey, RS384: rs384.privateKey, ES256: es256.privateKey };
  const jwks = [
    { ...(await exportJWK(es384.publicKey)), kty: 'EC', kid: 'ES384' },
    { ...(await exportJWK(rs384.publicKey)), kty: 'RSA', kid: 'RS384' },
    { ...(await exportJWK(es256.publicKey)), kty: 'EC', kid: 'ES256' },
  ];
  payer = await runPayer({ preset: 'smart', displayName: 'Northwind Health', clientId, client: { jwks } });
});
afterAll(() => payer.close());

const authorizeUrl = (changes: Readonly<Record<string, string | undefined>> = {}, at: RunningPayer = payer): string => {
  const query: Record<string, string | undefined> = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: at.redirectUri,
    scope,
    state: 'state-1',
    aud: `${at.url}/r4`,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...changes,
  };
  const kept = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return `${at.url}/oauth2/authorize?${new URLSearchParams(kept).toString()}`;
};

const assertion = (alg: keyof typeof keys = 'ES384', audience = `${payer.url}/oauth2/token`): Promise<string> => {
  return new SignJWT()
    .setProtectedHeader({ alg, kid: alg })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(audience)
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime('2m')
    .sign(keys[alg]);
};

const authenticated = async (path: string, form: Readonly<Record<string, string>>, jwt?: string): Promise<Answer> => {
  return post(payer.url + path, {
    client_id: clientId,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: jwt ?? (await assertion()),
    ...form,
  });
};

const redeem = (location: string, changes: Readonly<Record<string, string>> = {}, jwt?: string): Promise<Answer> => {
  const form = {
    grant_type: 'authorization_code',
    code: parameter(location, 'code') ?? '',
    redirect_uri: payer.redirectUri,
    code_verifier: verifier,
  };
  return authenticated('/oauth2/token', { ...form, ...changes }, jwt);
};

const refresh = (token: unknown): Promise<Answer> => {
  return authenticated('/oauth2/token', { grant_type: 'refresh_token', refresh_token: String(token) });
};

/** Where an authorize request that is refused at once leads, or the page that it ends at. */
const refusal = async (url: string): Promise<string> => {
  const stop = await createWalker(payer.url).open(url);
  return 'location' in stop ? stop.location : `page: ${stop.page.html}`;
};

describe('Northwind Health, a SMART App Launch 2.2 server', () => {
  it('goes from authorize to tokens, with iss, the patient and the whole scope', async () => {
    const location = await signInAsMember(authorizeUrl(), member1);
    expect(parameter(location, 'iss')).toBe(payer.url);
    expect(parameter(location, 'state')).toBe('state-1');

    const { status, headers, body } = await redeem(location);

    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 300,
      scope,
      patient: expect.any(String),
    });
    const patients = await readFhir(payer, 'Patient', String(body.access_token));
    expect(patients.body).toMatchObject({ entry: [{ resource: { id: body.patient } }] });
  });

  it('accepts RS384 as well, refuses ES256, and refuses a replayed assertion', async () => {
    const location = await signInAsMember(authorizeUrl(), member1);
    const weak = await redeem(location, {}, await assertion('ES256'));
    expect([weak.status, weak.body.error]).toEqual([401, 'invalid_client']);

    const jwt = await assertion('RS384', payer.url);
    const first = await redeem(location, {}, jwt);
    const again = await authenticated(
      '/oauth2/token',
      { grant_type: 'refresh_token', refresh_token: String(first.body.refresh_token) },
      jwt,
    );

    expect(first.status).toBe(200);
    expect([again.status, again.body.error]).toEqual([401, 'invalid_client']);
  });

  it('refuses an authorize request without PKCE, or with a method other than S256', async () => {
    const bare = await refusal(authorizeUrl({ code_challenge: undefined, code_challenge_method: undefined }));
    const plain = await refusal(authorizeUrl({ code_challenge_method: 'plain' }));

    for (const location of [bare, plain]) {
      expect(parameter(location, 'error')).toBe('invalid_request');
      expect(parameter(location, 'state')).toBe('state-1');
      expect(parameter(location, 'iss')).toBe(payer.url);
    }
  });

  it('refuses a missing aud, or one that is not its FHIR base, and accepts the base with a trailing slash', async () => {
    const missing = await refusal(authorizeUrl({ aud: undefined }));
    const other = await refusal(authorizeUrl({ aud: 'https://other.example/r4' }));

    expect([missing, other].map((location) => parameter(location, 'error'))).toEqual([
      'invalid_request',
      'invalid_request',
    ]);
    expect(await refusal(authorizeUrl({ aud: `${payer.url}/r4/` }))).toContain('<h1>Sign in</h1>');
  });

  it('refuses a request without any scope that it knows', async () => {
    const location = await refusal(authorizeUrl({ scope: 'user/*.cruds' }));

    expect(parameter(location, 'error')).toBe('invalid_scope');
  });

  it('accepts the authorize request as a POST', async () => {
    const url = new URL(authorizeUrl());
    const walker = createWalker(payer.url);
    const html = `<form action="${url.pathname}"><input name="response_type"></form>`;

    const stop = await walker.submit({ url: payer.url, status: 200, html }, Object.fromEntries(url.searchParams));

    expect(stop).toMatchObject({ page: { status: 200, html: expect.stringContaining('<h1>Sign in</h1>') } });
  });

  it('keeps a code after a wrong verifier, or a wrong or missing redirect URI', async () => {
    const location = await signInAsMember(authorizeUrl(), member1);

    const refused = [
      await redeem(location, { code_verifier: 'w'.repeat(43) }),
      await redeem(location, { redirect_uri: 'https://other.example/' }),
      await redeem(location, { redirect_uri: '' }),
    ];

    expect(refused.map(({ body }) => body.error)).toEqual(['invalid_grant', 'invalid_grant', 'invalid_request']);
    expect((await redeem(location)).status).toBe(200);
    expect((await redeem(location)).body.error).toBe('invalid_grant');
  });

  it('rotates refresh tokens, keeps patient and scope, and ends the grant on a replay', async () => {
    const first = await redeem(await signInAsMember(authorizeUrl(), member1));
    const second = await refresh(first.body.refresh_token);
    expect(second.body).toMatchObject({ scope, patient: first.body.patient, expires_in: 300 });
    expect(second.body.refresh_token).not.toBe(first.body.refresh_token);

    const replay = await refresh(first.body.refresh_token);

    expect([replay.status, replay.body.error]).toEqual([400, 'invalid_grant']);
    expect((await refresh(second.body.refresh_token)).body.error).toBe('invalid_grant');
  });

  it('gives no refresh token without offline_access, and no patient without launch/patient', async () => {
    const { body } = await redeem(await signInAsMember(authorizeUrl({ scope: 'patient/*.rs' }), member1));

    expect(Object.keys(body).sort()).toEqual(['access_token', 'expires_in', 'scope', 'token_type']);
  });

  it('revokes the whole grant with the refresh token, and accepts a repeat', async () => {
    const { body } = await redeem(await signInAsMember(authorizeUrl(), member1));

    const revoked = await authenticated('/oauth2/revoke', { token: String(body.refresh_token) });
    const again = await authenticated('/oauth2/revoke', { token: String(body.refresh_token) });

    expect([revoked.status, again.status]).toEqual([200, 200]);
    expect((await readFhir(payer, 'Patient', String(body.access_token))).status).toBe(401);
    expect((await refresh(body.refresh_token)).body.error).toBe('invalid_grant');
  });

  it('returns a denial as access_denied, with iss', async () => {
    const location = await signInAsMember(authorizeUrl(), member1, { decision: 'deny' });

    expect(parameter(location, 'error')).toBe('access_denied');
    expect(parameter(location, 'iss')).toBe(payer.url);
  });

  it('publishes RFC 8414 metadata that oauth4webapi accepts, matching SMART configuration, and its keys', async () => {
    const response = await oauth.discoveryRequest(new URL(payer.url), {
      algorithm: 'oauth2',
      [oauth.allowInsecureRequests]: true,
    });
    const metadata = await oauth.processDiscoveryResponse(new URL(payer.url), response);
    const smart = (await (await fetch(`${payer.url}/r4/.well-known/smart-configuration`)).json()) as typeof metadata;
    const jwks = (await (await fetch(String(metadata.jwks_uri))).json()) as { keys: Record<string, unknown>[] };

    expect(metadata.authorization_response_iss_parameter_supported).toBe(true);
    for (const name of ['authorization_endpoint', 'token_endpoint', 'revocation_endpoint'] as const) {
      expect(smart[name]).toBe(metadata[name]);
    }
    expect(smart).not.toHaveProperty('issuer');
    const more = /pushed_authorization|end_session|dpop|userinfo|device_authorization|introspection|registration/;
    expect(Object.keys(metadata).filter((name) => more.test(name))).toEqual([]);
    expect(smart.capabilities).toEqual(expect.arrayContaining(['launch-standalone', 'context-standalone-patient']));
    expect(jwks.keys).toHaveLength(1);
    expect(jwks.keys[0]).not.toHaveProperty('d');
  });
});

describe('an access token', () => {
  it('lives as long as configured', async () => {
    let aheadMs = 0;
    const brief = await runPayer({
      preset: 'oneUpDemo',
      displayName: 'Brief Health',
      clientId,
      client: { secret: 'its-secret' },
      accessTokenSeconds: 1,
      now: () => Date.now() + aheadMs,
    });
    const query = new URLSearchParams({ client_id: clientId, redirect_uri: brief.redirectUri });
    const location = await signInAsMember(`${brief.url}/oauth2/authorize/payer2payer?${query.toString()}`, member1);
    const { body } = await post(`${brief.url}/oauth2/token`, {
      client_id: clientId,
      client_secret: 'its-secret',
      grant_type: 'authorization_code',
      code: parameter(location, 'code') ?? '',
    });
    expect(body.expires_in).toBe(1);

    aheadMs = 1_500;

    expect((await readFhir(brief, 'Patient', String(body.access_token))).status).toBe(401);
    await brief.close();
  });
});

describe('closing a payer', () => {
  it('ends its open connections, even idle ones, and frees its port', async () => {
    const short = await runPayer({ preset: 'oneUpDemo', displayName: 'Short', clientId, client: { secret: 's' } });
    await (await fetch(short.url)).text();
    const silent = connect(Number(new URL(short.url).port), '127.0.0.1');
    await once(silent, 'connect');
    const ended = once(silent, 'close');

    await short.close();

    await ended;
    await expect(fetch(short.url)).rejects.toThrow();
  });
});
