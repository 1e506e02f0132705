import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import type { Payer } from '../../../functions/shared/registry/types.ts';
import { signalsOf } from '../../support/embedded-metrics.ts';
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
  const line = JSON.parse(test.lines.at(-1) ?? '') as { detail?: string };
  return {
    ...test,
    back,
    revoked,
    line,
    signals: signalsOf(test.lines.at(-1)),
    sentNonce: sentBack(response)['nonce'],
  };
};

const patientOf = ({ grant }: Awaited<ReturnType<typeof signIn>>): unknown => grant()['patient'];
const userinfo: Partial<Payer> = { patientFrom: 'userinfo', userinfoEndpoint: userinfoUrl };
const idToken: Partial<Payer> = { patientFrom: 'id_token', jwksUri: keysUrl, scopes: ['openid', 'patient/*.rs'] };

describe('whose record it is comes from', () => {
  const both = { patient: 'p-other', patient_id: 'p-7' };
  it.each<[string, Partial<Payer>, Answers, string]>([
    ['another member of the token answer', { patientMember: 'patient_id' }, { token: both }, 'p-7'],
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

describe('a login ends, its tokens are revoked at the payer, and the log says why, if', () => {
  const userinfoNone = 'the userinfo answer names no patient, as patientFrom says it does';
  const idTokenNoId = 'the id_token names a patient without an id';
  const tokenNone = 'the token answer names no patient, as patientFrom says it does';
  const idTokenNone = 'the id_token names no patient, as patientFrom says it does';
  const userinfoNoId = 'the userinfo answer names a patient without an id';
  const noObject = 'userinfo endpoint answered without a JSON object';
  const fhirUser = 'Patient/7';
  const otherSignIn = { claims: { fhirUser }, nonce: 'another' };
  it.each<[string, Partial<Payer>, Answers, string]>([
    ['the token answer lacks the member', { patientMember: 'patient_id' }, { token: { patient: 'p-7' } }, tokenNone],
    ['the member is inherited, not the payer’s', { patientMember: 'constructor' }, {}, tokenNone],
    ['the userinfo answer lacks the member', userinfo, { userinfo: { sub: '7' } }, userinfoNone],
    ['the userinfo answer is not an object', userinfo, { userinfo: ['7'] }, noObject],
    ['the userinfo answer names a group', userinfo, { userinfo: { patient: 'Group/7' } }, userinfoNoId],
    ...(
      [
        ['is a practitioner', `${base}/Practitioner/7`],
        ['is a related person', 'RelatedPerson/7'],
        ['is below another base', 'https://evil.example/r4/Patient/7'],
        ['only begins like the base', `${base}-evil/Patient/7`],
        ['says no type', '7'],
        ['is the URN of a UUID', 'urn:uuid:0b6cbd01-0f2d-4a0c-9a34-3f5e3c0c9a10'],
        ['is a number', 7],
        ['leads elsewhere', `${base}/Patient/../7`],
      ] as const
    ).map(([what, user]): [string, Partial<Payer>, Answers, string] => [
      `fhirUser ${what}`,
      idToken,
      { claims: { fhirUser: user } },
      idTokenNoId,
    ]),
    ['the id_token lacks the member', idToken, { claims: {} }, idTokenNone],
    ['there is no id_token', idToken, { token: { patient: '7', fhirUser } }, 'id_token: the token answer has none'],
    ['the id_token is of another sign-in', idToken, otherSignIn, 'id_token: it belongs to another sign-in'],
    ['the id_token has expired', idToken, { claims: { fhirUser, exp: 1 } }, 'id_token: ERR_JWT_EXPIRED'],
  ])('%s', async (_title, profile, answers, detail) => {
    const { back, revoked, dynamo, line, signals } = await signIn(profile, answers);

    expect(back).toMatchObject({
      error: 'server_error',
      error_description: 'The health plan did not say whose record this is.',
    });
    expect(revoked.map((form) => form.get('token'))).toEqual(['payer-refresh-token']);
    expect(dynamo.items('Grants').size).toBe(0);
    expect(line.detail).toBe(detail);
    expect(signals).toEqual(['payerDown']);
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
