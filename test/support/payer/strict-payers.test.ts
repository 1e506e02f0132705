import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { SignJWT, type JWTPayload } from 'jose';
import { smart } from '../../../config/presets.ts';
import type { Payer } from '../../../functions/shared/registry/types.ts';
import { challengeOf } from '../login/requests.ts';
import { answerFhir, type PayerAnswer } from './answers.ts';
import { requestOf, signInAt } from './in-process.ts';
import { strictPayers } from './strict-payers.ts';

const keys = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const profileOf = (id: string): Payer => {
  const origin = `https://${id}.test`;
  return smart({
    id,
    displayName: id,
    clientId: `gateway-at-${id}`,
    fhirBaseUrl: `${origin}/r4`,
    issuer: origin,
    authorizationEndpoint: `${origin}/authorize`,
    tokenEndpoint: `${origin}/token`,
    revocationEndpoint: `${origin}/revoke`,
    ...(id === 'keyed' ? { publicKeys: [{ ...keys.publicKey.export({ format: 'jwk' }), kty: 'EC', kid: 'k' }] } : {}),
  });
};
const keyed = profileOf('keyed');
const plain = profileOf('plain');
const verifier = 'v'.repeat(43);
const startMs = Date.UTC(2026, 5, 1);

/** The text of an answer, read. */
type Told = Readonly<Record<string, string>>;
type Form = Readonly<Record<string, string>>;

const setUp = () => {
  const clock = { ms: startMs };
  let minted = 0;
  const payers = strictPayers({
    nowMs: () => clock.ms,
    mint: (kind) => `${kind}-${(minted += 1)}`,
    record: () => answerFhir({ resourceType: 'Patient' }),
    member: () => ({ patient: 'patient-1', lives: 300, renews: true }),
  });
  payers.register('https://gateway.test', [keyed, plain], { plain: 'its-secret' });

  const send = async (url: string, init: Parameters<typeof requestOf>[2]) => {
    const { outcome, lost } = await payers.handle(requestOf(payers, url, init));
    const { status, body } = outcome as PayerAnswer;
    return { status, told: JSON.parse(body || '{}') as Told, lost };
  };
  const basic = (secret = 'its-secret', id = plain.clientId) =>
    `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
  const post = (url: string, form: Form, authorization = basic()) =>
    send(url, { method: 'POST', body: new URLSearchParams(form).toString(), headers: { authorization } });
  const asked = (change: Readonly<Record<string, string | undefined>> = {}) => {
    const parameters = {
      client_id: plain.clientId,
      redirect_uri: 'https://gateway.test/oauth2/callback/plain',
      response_type: 'code',
      aud: plain.fhirBaseUrl,
      scope: plain.scopes.join(' '),
      state: 's',
      code_challenge: challengeOf(verifier),
      code_challenge_method: 'S256',
      ...change,
    };
    const url = new URL(plain.authorizationEndpoint);
    for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value);
    return url;
  };
  const signIn = async (change?: Parameters<typeof asked>[0]): Promise<string> =>
    (await signInAt(payers)(asked(change))).searchParams.get('code') ?? '';
  const redemption = (code: string, change: Form = {}) => ({
    grant_type: 'authorization_code',
    code,
    redirect_uri: 'https://gateway.test/oauth2/callback/plain',
    code_verifier: verifier,
    ...change,
  });
  const redeem = (code: string, change?: Form) => post(plain.tokenEndpoint, redemption(code, change));
  const refresh = (token = '') => post(plain.tokenEndpoint, { grant_type: 'refresh_token', refresh_token: token });
  const read = (token: string | undefined, path = 'Patient', base = plain.fhirBaseUrl) =>
    send(`${base}/${path}`, { headers: { authorization: `Bearer ${token}` } });
  const connect = async (change?: Parameters<typeof asked>[0]): Promise<Told> =>
    (await redeem(await signIn(change))).told;
  return { payers, clock, basic, post, asked, signIn, redemption, redeem, refresh, read, connect };
};

/** A proof by the gateway's key, with what a test changes in it. */
const assertion = (change: JWTPayload = {}, key = keys.privateKey): Promise<string> =>
  new SignJWT({
    iss: keyed.clientId,
    sub: keyed.clientId,
    aud: keyed.tokenEndpoint,
    jti: randomUUID(),
    exp: startMs / 1000 + 200,
    ...change,
  })
    .setProtectedHeader({ alg: 'ES384', kid: 'k' })
    .sign(key);

describe('the strict payers', () => {
  it('have nothing to say of a gateway that does as agreed', async () => {
    const { payers, clock, refresh, read, connect, post } = setUp();
    const first = await connect();
    expect((await read(first['access_token'])).status).toBe(200);
    clock.ms += 300_000;
    const { told: second } = await refresh(first['refresh_token']);
    expect((await read(second['access_token'])).status).toBe(200);
    await post(plain.revocationEndpoint ?? '', { token: second['refresh_token'] ?? '' });
    expect((await read(second['access_token'])).status).toBe(401);
    expect(payers.misuse).toEqual([]);
  });

  it.each<[string, Readonly<Record<string, string | undefined>>]>([
    ['client_id', { client_id: 'another' }],
    ['redirect_uri', { redirect_uri: 'https://gateway.test/oauth2/callback/keyed' }],
    ['response_type', { response_type: undefined }],
    ['aud', { aud: `${plain.fhirBaseUrl}/` }],
    ['scope', { scope: 'patient/*.rs' }],
    ['code_challenge_method', { code_challenge_method: 'plain' }],
    ['code_challenge', { code_challenge: undefined }],
    ['state', { state: undefined }],
  ])('complain of a sign-in with a wrong %s, and let nobody in', async (name, change) => {
    const { payers, signIn } = setUp();
    await expect(signIn(change)).rejects.toThrow('no way back');
    expect(payers.misuse).toEqual([expect.stringMatching(new RegExp(` ${name}$`))]);
  });

  it('complain of a code that is sent twice, and give nothing for it', async () => {
    const { payers, signIn, redeem } = setUp();
    const code = await signIn();
    expect([(await redeem(code)).status, (await redeem(code)).status]).toEqual([200, 400]);
    expect(payers.misuse).toEqual(['sent a code twice']);
  });

  it.each<[string, Form, string]>([
    ['another verifier', { code_verifier: 'w'.repeat(43) }, 'redeemed a code with a wrong code_verifier'],
    ['another redirect_uri', { redirect_uri: 'https://gateway.test/' }, 'redeemed a code with a wrong redirect_uri'],
    ['a code that is none', { code: 'code-99' }, 'showed a code that this payer never gave'],
  ])('complain of a redemption with %s', async (_what, change, complaint) => {
    const { payers, signIn, redeem } = setUp();
    expect((await redeem(await signIn(), change)).status).toBe(400);
    expect(payers.misuse).toEqual([complaint]);
  });

  it('complain of a redemption without its verifier', async () => {
    const { payers, signIn, redemption, post } = setUp();
    const { code_verifier: _, ...without } = redemption(await signIn());
    expect((await post(plain.tokenEndpoint, without)).status).toBe(400);
    expect(payers.misuse).toEqual(['redeemed a code with a wrong code_verifier']);
  });

  it('complain of what one payer gave and another is shown', async () => {
    const { payers, signIn, redemption, post, connect, read } = setUp();
    const proof = async () => ({
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await assertion(),
    });
    const { access_token: access, refresh_token: token = '' } = await connect();
    await post(keyed.tokenEndpoint, { ...redemption(await signIn()), ...(await proof()) });
    await post(keyed.tokenEndpoint, { grant_type: 'refresh_token', refresh_token: token, ...(await proof()) });
    expect((await read(access, 'Patient', keyed.fhirBaseUrl)).status).toBe(401);
    expect(payers.misuse).toEqual([
      'showed a code that this payer never gave',
      'showed a refresh token that this payer never gave',
    ]);
  });

  it('complain of a replaced refresh token, and end its login', async () => {
    const { payers, refresh, read, connect } = setUp();
    const { refresh_token: old } = await connect();
    const { told } = await refresh(old);
    expect((await refresh(old)).status).toBe(400);
    expect((await read(told['access_token'])).status).toBe(401);
    expect(payers.misuse).toEqual(['showed a replaced refresh token though the answer had arrived']);
  });

  it('bear a replaced refresh token once where its answer was lost, and not again', async () => {
    const { payers, refresh, connect } = setUp();
    const { refresh_token: old } = await connect();
    (await refresh(old)).lost();
    await refresh(old);
    expect(payers.misuse).toEqual([]);
    await refresh(old);
    expect(payers.misuse).toHaveLength(1);
  });

  it('take an access token until its end, and no longer', async () => {
    const { clock, read, connect } = setUp();
    const { access_token: token } = await connect();
    clock.ms += 299_999;
    expect((await read(token)).status).toBe(200);
    clock.ms += 1;
    expect((await read(token)).status).toBe(401);
  });

  it('complain of a read beyond the scopes', async () => {
    const { payers, read, connect } = setUp();
    payers.register('https://gateway.test', [{ ...plain, scopes: ['patient/Patient.rs'] }], { plain: 'its-secret' });
    const { access_token: token } = await connect({ scope: 'patient/Patient.rs' });
    expect([(await read(token)).status, (await read(token, 'Observation')).status]).toEqual([200, 403]);
    expect(payers.misuse).toEqual(['read /Observation beyond the scopes']);
  });

  it.each<[string, { readonly secret?: string; readonly id?: string }]>([
    ['another secret', { secret: 'another' }],
    ['another client id', { id: 'another' }],
  ])('give no token for %s, and the code can still be used', async (_what, { secret, id }) => {
    const { signIn, redemption, redeem, post, basic } = setUp();
    const code = await signIn();
    expect((await post(plain.tokenEndpoint, redemption(code), basic(secret, id))).status).toBe(401);
    expect((await redeem(code)).status).toBe(200);
  });

  it.each<[string, number, () => Promise<string>]>([
    ['as agreed', 400, () => assertion()],
    ['for another audience', 401, () => assertion({ aud: 'https://keyed.test' })],
    ['of another issuer', 401, () => assertion({ iss: 'another' })],
    ['about another subject', 401, () => assertion({ sub: 'another' })],
    ['without an id', 401, () => assertion({ jti: undefined })],
    ['that has expired', 401, () => assertion({ exp: startMs / 1000 })],
    ['by another key', 401, () => assertion({}, generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey)],
  ])('judge a proof %s', async (_what, status, proof) => {
    const { post } = setUp();
    const answer = await post(keyed.tokenEndpoint, {
      grant_type: 'refresh_token',
      refresh_token: 'none',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await proof(),
    });
    // Who is known is told that the token is wrong.
    expect(answer.status).toBe(status);
  });
});
