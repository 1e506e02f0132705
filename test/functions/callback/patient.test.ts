import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import type { Payer } from '../../../functions/shared/registry/types.ts';
import { localData, startMs } from '../../support/gateway.ts';
import { formOf, gateway, localRegistry, northwindTokens, sentBack, withPayer } from '../../support/login.ts';

const base = localData().payers[1]!.fhirBaseUrl;
const keysUrl = 'http://127.0.0.1:3003/oauth2/jwks';
const userinfoUrl = 'http://127.0.0.1:3003/oauth2/userinfo';
const { patient: _, ...withoutPatient } = northwindTokens;

let key: { privateKey: CryptoKey; publicKey: CryptoKey };
beforeAll(async () => {
  key = await generateKeyPair('ES256', { extractable: true });
});

interface Answers {
  /** What is changed in the token answer. */
  readonly token?: object;
  readonly userinfo?: unknown;
  /** Claims of the `id_token`, beside the usual ones. */
  readonly claims?: object;
  /** The nonce that it repeats. @default what the gateway sent */
  readonly nonce?: string;
}

/** A sign-in at a payer with this profile, as far as the partner's redirect. */
const signIn = async (profile: Partial<Payer>, answers: Answers) => {
  const test = gateway({ registry: withPayer('northwind', profile)(localRegistry()) });
  const { state, cookie, response } = await test.start();
  const now = startMs / 1000;
  const usual = { iss: 'http://127.0.0.1:3003', aud: 'gateway-at-northwind', sub: 'login-1', iat: now, exp: now + 300 };
  const nonce = answers.nonce ?? sentBack(response)['nonce'];
  const signed = (): Promise<string> =>
    new SignJWT({ ...usual, nonce, ...answers.claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .sign(key.privateKey);
  test.payer.http = async (url) => {
    if (url === keysUrl) return Response.json({ keys: [{ ...(await exportJWK(key.publicKey)), kid: 'k' }] });
    if (url === userinfoUrl) return Response.json(answers.userinfo);
    const token = answers.claims === undefined ? {} : { id_token: await signed() };
    return Response.json({ ...withoutPatient, ...token, ...answers.token });
  };
  const back = sentBack(await test.callback(test.fromPayer(state), { cookie }));
  const revoked = test.payer.requests.filter(({ url }) => url.endsWith('/revoke')).map(({ init }) => formOf(init));
  return { ...test, back, revoked, sentNonce: sentBack(response)['nonce'] };
};

const patientOf = ({ grant }: Awaited<ReturnType<typeof signIn>>): unknown => grant()['patient'];
const userinfo: Partial<Payer> = { patientFrom: 'userinfo', userinfoEndpoint: userinfoUrl };
const idToken: Partial<Payer> = { patientFrom: 'id_token', jwksUri: keysUrl, scopes: ['openid', 'patient/*.rs'] };

describe('whose record it is comes from', () => {
  it.each<[string, Partial<Payer>, Answers, string]>([
    [
      'another member of the token answer',
      { patientMember: 'patient_id' },
      { token: { patient: 'p-other', patient_id: 'p-7' } },
      'p-7',
    ],
    ['fhirUser of the token answer', { patientMember: 'fhirUser' }, { token: { fhirUser: `${base}/Patient/7` } }, '7'],
    ['the userinfo answer', userinfo, { userinfo: { sub: 'x', patient: 'p-7' }, token: { patient: 'p-other' } }, 'p-7'],
    ['sub of the userinfo answer', { ...userinfo, patientMember: 'sub' }, { userinfo: { sub: '7' } }, '7'],
    ['fhirUser of the id_token', idToken, { claims: { fhirUser: `${base}/Patient/7` } }, '7'],
    ['a relative fhirUser of the id_token', idToken, { claims: { fhirUser: 'Patient/7' } }, '7'],
    [
      'another member of the id_token',
      { ...idToken, patientMember: 'https://plan.example/patient' },
      { claims: { 'https://plan.example/patient': '7' }, token: { patient: 'p-other' } },
      '7',
    ],
  ])('%s, as the profile says', async (_title, profile, answers, patient) => {
    expect(patientOf(await signIn(profile, answers))).toEqual({ S: patient });
  });
});

describe('a login ends, and its tokens are revoked at the payer, if', () => {
  it.each<[string, Partial<Payer>, Answers]>([
    ['the token answer lacks the member', { patientMember: 'patient_id' }, { token: { patient: 'p-7' } }],
    ['the userinfo answer lacks the member', userinfo, { userinfo: { sub: '7' } }],
    ['the userinfo answer is not an object', userinfo, { userinfo: ['7'] }],
    ['the userinfo answer names a group', userinfo, { userinfo: { patient: 'Group/7' } }],
    ['the member is inherited, not the payer’s', { patientMember: 'constructor' }, {}],
    ['fhirUser is a practitioner', idToken, { claims: { fhirUser: `${base}/Practitioner/7` } }],
    ['fhirUser is a related person', idToken, { claims: { fhirUser: 'RelatedPerson/7' } }],
    ['fhirUser is below another base', idToken, { claims: { fhirUser: 'https://evil.example/r4/Patient/7' } }],
    ['fhirUser only begins like the base', idToken, { claims: { fhirUser: `${base}-evil/Patient/7` } }],
    ['fhirUser says no type', idToken, { claims: { fhirUser: '7' } }],
    ['fhirUser is a number', idToken, { claims: { fhirUser: 7 } }],
    ['fhirUser leads elsewhere', idToken, { claims: { fhirUser: `${base}/Patient/../7` } }],
    ['there is no id_token', idToken, { token: { patient: 'p-7', fhirUser: 'Patient/7' } }],
    ['the id_token is of another sign-in', idToken, { claims: { fhirUser: 'Patient/7' }, nonce: 'another' }],
    ['the id_token has expired', idToken, { claims: { fhirUser: 'Patient/7', exp: 1 } }],
  ])('%s', async (_title, profile, answers) => {
    const { back, revoked, dynamo } = await signIn(profile, answers);

    expect(back).toMatchObject({
      error: 'server_error',
      error_description: 'The health plan did not say whose record this is.',
    });
    expect(revoked.map((form) => form.get('token'))).toEqual(['payer-refresh-token']);
    expect(dynamo.items('Grants').size).toBe(0);
  });
});

describe('a nonce', () => {
  it('is sent for an id_token only, and differs for each sign-in', async () => {
    const claims = { claims: { fhirUser: 'Patient/7' } };
    const [first, second] = [await signIn(idToken, claims), await signIn(idToken, claims)];
    const plain = await signIn({}, { token: { patient: 'p-1' } });

    expect(first.sentNonce).toMatch(/^[\w-]{43}$/);
    expect(second.sentNonce).not.toBe(first.sentNonce);
    expect(plain.sentNonce).toBeUndefined();
  });
});
