import * as fc from 'fast-check';
import { GatewayError } from '../../functions/shared/errors.ts';
import { openGrant } from '../../functions/shared/payer/open-grant.ts';
import { readAccessToken } from '../../functions/shared/store/bearers.ts';
import { readGrant } from '../../functions/shared/store/grant-item.ts';
import { agedGrant, fresh, opened } from '../functions/shared/payer/aged-grant.ts';
import { bodyOf, gateway, sentBack } from '../support/login.ts';
import { holds } from './seeded.ts';

/** A member of a token answer as it is written, and its meaning; undefined if it has none. */
interface Member<T> {
  readonly json: string | undefined;
  readonly means: T | undefined;
}

const left: Member<never> = { json: undefined, means: undefined };
const written = <T>(value: unknown, means?: T): Member<T> => ({ json: JSON.stringify(value), means });
const nothing = (...values: readonly unknown[]): Member<never>[] => values.map((value) => written<never>(value));
const any = (...kinds: readonly string[]): fc.Arbitrary<Member<never>> =>
  fc
    .jsonValue({ maxDepth: 2 })
    .filter((value) => !kinds.includes(Array.isArray(value) ? 'array' : typeof value))
    .map((value) => written<never>(value));
/** Mostly values that a payer might write, and sometimes any JSON. */
const oneOf = <T>(members: readonly Member<T>[], other?: fc.Arbitrary<Member<never>>): fc.Arbitrary<Member<T>> =>
  other === undefined
    ? fc.constantFrom(...members)
    : fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...members) }, { weight: 1, arbitrary: other });

const good = ['access-canary', 'a', '~!"\\{}', 'x'.repeat(32_768)];
const accessToken = oneOf<string>(
  [
    ...[...good, ...good, ...good, ...good, ...good].map((token) => written(token, token)),
    left,
    ...nothing('', ' ', 'access canary', 'canary\r\nX-Canary: 1', 'canaryé', 'canary\0', ' canary', 'x'.repeat(32_769)),
  ],
  any('string'),
);
/** The meaning is whether the token can be used. */
const tokenType = oneOf<false>(
  [
    left,
    ...nothing('Bearer', 'bearer', 'BearerToken', '', 'JWT', 5, null),
    ...['DPoP', 'mac', 'PoP '].map((type) => written(type, false as const)),
  ],
  any('string'),
);
const refreshToken = oneOf<string>(
  [
    left,
    ...['refresh-canary', 'refresh canary é', '"\\'].map((token) => written(token, token)),
    ...nothing('', ' ', null),
  ],
  any('string'),
);
const expiresIn = oneOf<number>(
  [
    left,
    ...[1, 59, 3600, 3600.9, 31_622_400].map((life) => written(life, Math.floor(life))),
    written('300', 300),
    ...nothing('never', '', -1, 0, 0.9, 31_622_401, 1e99, null, '-5', '1e9', 'canary'),
    { json: '1e999', means: undefined },
  ],
  any('number', 'string'),
);
/** The meaning is whether the scope allows any read; undefined if it says nothing. */
const scope = oneOf<boolean>([
  ...Array.from({ length: 16 }, () => left),
  ...['launch/patient patient/*.rs offline_access', 'user/*.read', ['patient/*.rs', 'x'], '\tpatient/*.cruds\n'].map(
    (one) => written(one, true),
  ),
  written('patient/Claim.rs '.repeat(6000), true),
  // The log has these words, for the operator.
  ...['openid records', ['records'], 'patient/*.write'].map((one) => written(one, false)),
  ...['', ' ', [], [5], ['openid', { canary: 1 }], {}, 5, true].map((one) => written(one, false)),
  ...nothing(null),
]);
const usual = 'patient-1';
const patient = oneOf<string>(
  [
    ...['patient-1', 'Patient/patient-1', 'http://127.0.0.1:3003/r4/Patient/patient-1/_history/2'].map((one) =>
      written(one, usual),
    ),
    ...Array.from({ length: 12 }, () => written(usual, usual)),
    written('canary-2', 'canary-2'),
    written('Patient/canary-2', 'canary-2'),
    written(7, '7'),
    left,
    ...nothing('', ' ', 'a canary', 'https://canary.example/Patient/patient-1', 1.5, -7, 1e300, null),
  ],
  any('string', 'number'),
);
const deciding = '"access_token":5,"patient":{"canary":1},"scope":null,';
const junk = oneOf<string>([
  left,
  written('x', '"id_token":5,'),
  written('x', '"id_token":"eyJhbGciOiJub25lIn0.e30.","error":"canary","error_description":{},'),
  written('x', deciding),
  written('x', '"__proto__":{"access_token":"canary"},"constructor":1,"toString":"canary",'),
  written('x', `"deep":${'['.repeat(20_000)}${']'.repeat(20_000)},`),
]);
const envelope = fc.record({
  before: fc.constantFrom('', '', '\uFEFF', ' \r\n'),
  status: fc.constantFrom(200, 200, 201),
  type: fc.constantFrom('application/json', 'text/plain', 'text/html; charset=latin1', undefined),
});
const answers = fc.record({ accessToken, tokenType, refreshToken, expiresIn, scope, patient, junk, envelope });
type Answer = typeof answers extends fc.Arbitrary<infer T> ? T : never;

const names = {
  accessToken: 'access_token',
  tokenType: 'token_type',
  refreshToken: 'refresh_token',
  expiresIn: 'expires_in',
  scope: 'scope',
  patient: 'patient',
} as const;

const responseOf = (answer: Answer): Response => {
  const { before, status, type } = answer.envelope;
  const members = Object.entries(names).flatMap(([key, name]) => {
    const { json } = answer[key as keyof typeof names];
    return json === undefined ? [] : [`"${name}":${json}`];
  });
  const body = Buffer.from(`${before}{${answer.junk.means ?? ''}"z":0${members.map((one) => `,${one}`).join('')}}`);
  return new Response(body, { status, ...(type === undefined ? {} : { headers: { 'Content-Type': type } }) });
};

/** Whether it has a member twice that decides whose tokens these are, or what they open: then it is no answer. */
const isAmbiguous = ({ junk: { means }, ...answer }: Answer): boolean =>
  means === deciding && [answer.accessToken, answer.patient, answer.scope].some(({ json }) => json !== undefined);

const isUsable = (answer: Answer): boolean =>
  answer.accessToken.means !== undefined && answer.tokenType.means !== false && !isAmbiguous(answer);

/** Whether it names a patient other than the grant's, or in a way that cannot be read. */
const namesAnother = ({ patient: { json, means }, junk: other }: Answer): boolean =>
  json === undefined ? other.means === deciding : !['null', '""'].includes(json) && means !== usual;

const expectSilent = (lines: readonly string[], ...sent: readonly string[]): void => {
  if (/canary/i.test([...lines, ...sent].join('\n'))) throw new Error('something of the answer came out');
};

describe('a payer’s token answer, whatever its shape (RFC 6749 §5.1)', () => {
  it('gives a working grant for every usable access token, and a named error for everything else', async () => {
    const seen = { grants: 0, errors: 0 };
    await holds(
      answers,
      async (answer) => {
        const test = gateway();
        test.payer.http = async (url) => (String(url).endsWith('/token') ? responseOf(answer) : new Response(''));
        const { state, cookie } = await test.start();

        const response = await test.callback(test.fromPayer(state), { cookie });

        const back = sentBack(response);
        expectSilent(test.lines, response.headers['Location'] ?? '');
        if (!isUsable(answer) || answer.patient.means === undefined || answer.scope.means === false) {
          const nothingGranted = isUsable(answer) && answer.patient.means !== undefined;
          expect(back['error']).toBe(nothingGranted ? 'access_denied' : 'server_error');
          expect(test.dynamo.items('Grants').size).toBe(0);
          seen.errors += 1;
          return;
        }
        const { access_token: token, ...tokens } = bodyOf(await test.redeem(back['code'] ?? ''));
        const bearer = readAccessToken(token);
        if (bearer === undefined) throw new Error('no access token');
        const now = Math.floor(test.deps.clock.now() / 1000);
        expect(openGrant(readGrant(test.grant()), bearer.grantKey).tokens).toEqual({
          accessToken: answer.accessToken.means,
          ...(answer.refreshToken.means === undefined ? {} : { refreshToken: answer.refreshToken.means }),
          ...(answer.expiresIn.means === undefined ? {} : { expiresAt: now + answer.expiresIn.means }),
        });
        expect(tokens.patient).toBe(answer.patient.means);
        expect(tokens.expires_in).toBeGreaterThan(0);
        expect(tokens.scope).toMatch(/patient\/(?:\*|Claim)\.rs/);
        expect(tokens.scope.length).toBeLessThan(100);
        expect(tokens.refresh_token === undefined).toBe(answer.refreshToken.means === undefined);
        seen.grants += 1;
      },
      800,
    );
    expect(Math.min(seen.grants, seen.errors)).toBeGreaterThan(100);
  });

  it('never loses a grant to a refresh that returned something usable, and never gives it another member’s tokens', async () => {
    const seen = { refreshed: 0, kept: 0, ended: 0 };
    await holds(
      answers,
      async (answer) => {
        const { test, grant, before } = await agedGrant(301);
        test.payer.http = async (url) => (String(url).endsWith('/token') ? responseOf(answer) : new Response(''));

        const result = await fresh(test, before).catch((error: unknown) => error);

        expectSilent(test.lines, result instanceof GatewayError ? `${result.publicMessage} ${result.detail}` : '');
        const refreshed = (isAmbiguous(answer) ? undefined : answer.refreshToken.means) ?? 'payer-refresh-1';
        const stored = grant.stored();
        expect(stored.leaseUntilMs ?? 0).toBeLessThanOrEqual(test.deps.clock.now());
        if (namesAnother(answer) && !isAmbiguous(answer)) {
          if (!isUsable(answer) && answer.refreshToken.means === undefined) {
            expect(result).toMatchObject({ code: 'payer_error' });
            return;
          }
          expect(result).toMatchObject({ code: 'invalid_token', status: 401 });
          expect([stored.revokedAt === undefined, stored.sealedPayerTokens.length]).toEqual([false, 0]);
          seen.ended += 1;
          return;
        }
        expect(stored.revokedAt).toBeUndefined();
        if (!isUsable(answer)) {
          expect(result).toMatchObject({ code: 'payer_error', status: 502 });
          expect(grant.payerTokens()).toMatchObject({ accessToken: 'payer-access-1', refreshToken: refreshed });
          seen.kept += 1;
          return;
        }
        const { tokens } = opened(grant);
        expect(result).toMatchObject({ tokens });
        expect(tokens).toMatchObject({ accessToken: answer.accessToken.means, refreshToken: refreshed });
        seen.refreshed += 1;
      },
      600,
    );
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(40);
  });
});
