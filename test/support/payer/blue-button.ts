/**
 * The checks of Blue Button's token endpoint for an app with a member's identity token, from its documentation and its
 * server's public code (CMSgov/bluebutton-web-server, apps/dot_ext/views/authorization.py, August 2026). Not from our client.
 * `test/sandbox/identity.test.ts` asks this and the sandbox's payer the same; there are its boundaries.
 */
import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { decodeProtectedHeader, jwtVerify, type JWTPayload, type JWTVerifyOptions } from 'jose';
import { answer, type PayerAnswer } from './answers.ts';

/** A member as the payer knows them. */
export interface KnownMember {
  readonly id: string;
  readonly given: string;
  readonly family: string;
  readonly birthdate: string;
  readonly street?: string;
  readonly ssn?: string;
  readonly mbi?: string;
}

type NamedKeys = readonly (JsonWebKey & { readonly kid?: string })[];

interface Options {
  readonly clientId: string;
  readonly tokenEndpoint: string;
  readonly clientKeys: NamedKeys;
  /** Of each identity provider, by issuer. */
  readonly providerKeys: () => Readonly<Record<string, NamedKeys>>;
  readonly members: readonly KnownMember[];
  readonly scopes: readonly string[];
  /** Epoch milliseconds. */
  readonly now: () => number;
}

class Refused extends Error {}
const requireThat = (holds: unknown, why: string): void => {
  if (holds !== true) throw new Refused(why);
};

const plain = (value: unknown): string =>
  typeof value === 'string' ? value.trim().replaceAll(/\s+/g, ' ').toLowerCase() : '';

interface Street {
  readonly street_address?: string;
}

/** The ways to match; exactly one member counts. */
const matches = (claims: JWTPayload, member: KnownMember): boolean => {
  const is = (value: unknown, known: string | undefined): boolean =>
    known !== undefined && plain(value) === plain(known);
  const { address, historical_address: earlier = [] } = claims as { address?: Street; historical_address?: Street[] };
  const isNamed = is(claims['given_name'], member.given) && is(claims['birthdate'], member.birthdate);
  const lives = [address, ...earlier].some((one) => is(one?.street_address?.split('\n')[0], member.street));
  const isFamily = is(claims['family_name'], member.family);
  return (
    isNamed && (is(claims['mbi'], member.mbi) || (isFamily && (lives || is(claims['ssn_itin_short'], member.ssn))))
  );
};

const partOf = (jwt: string, index: number): { readonly iss?: string } | undefined => {
  try {
    return JSON.parse(Buffer.from(jwt.split('.')[index] ?? '', 'base64url').toString()) as { readonly iss?: string };
  } catch {
    return undefined;
  }
};

export const badRequest = (): PayerAnswer => answer(400, { status_code: 400, message: 'Bad request' });
const notFound = (): PayerAnswer =>
  answer(401, { status_code: 401, message: 'ERROR: Your patient data cannot be found at this time.' });
const oauth = (status: number, error: string, description: string): PayerAnswer =>
  answer(status, { status_code: status, error, error_description: description });

export const blueButton = ({ clientId, tokenEndpoint, clientKeys, providerKeys, members, scopes, now }: Options) => {
  const spent = new Map<string, number>();
  const seconds = (): number => now() / 1000;
  /** A `jti` counts again after 300 seconds. */
  const spend = ({ iss, jti }: JWTPayload): void => {
    const key = `${iss}-${jti}`;
    requireThat((spent.get(key) ?? 0) <= seconds(), 'jti');
    spent.set(key, seconds() + 300);
  };
  const verified = async (jwt: string, keys: NamedKeys, options: JWTVerifyOptions): Promise<JWTPayload> => {
    const { kid, typ } = decodeProtectedHeader(jwt);
    const key = keys.find((one) => one.kid === kid && kid !== undefined);
    if (key === undefined) throw new Refused('kid');
    const at = { ...options, currentDate: new Date(now()) };
    const { payload } = await jwtVerify(jwt, createPublicKey({ key, format: 'jwk' }), at);
    requireThat(typ === 'JWT', 'typ');
    return payload;
  };

  const readAssertion = async (assertion: string): Promise<string> => {
    const payload = await verified(assertion, clientKeys, {
      // The code takes RS256 and RS512 too; its documentation does not.
      algorithms: ['RS384', 'ES384'],
      issuer: clientId,
      audience: tokenEndpoint,
      clockTolerance: 300,
      requiredClaims: ['iss', 'sub', 'aud', 'jti', 'exp', 'extensions'],
    });
    spend(payload);
    requireThat((payload.exp ?? Infinity) - seconds() <= 300, 'exp');
    requireThat(payload.iss === payload.sub, 'sub');
    const { cms_smart: cmsSmart } = payload['extensions'] as { readonly cms_smart: Record<string, unknown> };
    requireThat(cmsSmart['version'] === '1' && cmsSmart['purpose_of_use'] === 'PATRQT', 'cms_smart');
    return cmsSmart['id_token'] as string;
  };

  const readIdentity = async (token: string): Promise<JWTPayload> => {
    const keys = providerKeys()[String(partOf(token, 1)?.iss)];
    if (keys === undefined) throw new Refused('iss');
    const names = 'iss sub aud jti exp iat identity_assurance_level auth_time family_name given_name birthdate';
    const payload = await verified(token, keys, { algorithms: ['RS256'], requiredClaims: names.split(' ') });
    for (const at of [payload.iat, payload['auth_time']].map(Number))
      requireThat(at <= seconds() && seconds() - at <= 300, 'iat or auth_time');
    spend(payload);
    const { identity_assurance_level: level, family_name: family, given_name: given, birthdate } = payload;
    requireThat(typeof level === 'number' && level >= 2, 'level');
    for (const name of [family, given]) requireThat(/^[\0-\u017f]+$/u.test(String(name)), 'name');
    requireThat(/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/.test(String(birthdate)), 'birthdate');
    return payload;
  };

  /** What is wrong with the client or the form, which it says before it looks at either token. */
  const refusal = (form: URLSearchParams): PayerAnswer | undefined => {
    const [assertion, named] = [form.get('client_assertion'), form.get('client_id')];
    const claims = assertion ? partOf(assertion, 1) : {};
    if (claims === undefined) return oauth(400, 'invalid_request', 'Malformed client_assertion');
    if (named && assertion && named !== claims.iss)
      return oauth(400, 'invalid_request', 'client_id param did not match client_id in JWT');
    const client = named || claims.iss;
    if (!client) return oauth(401, 'invalid_client', 'App id failed');
    if (client !== clientId) return oauth(400, 'invalid_client', 'Application does not exist (client_id)');
    const required = ['grant_type', 'scope', 'client_assertion_type', 'client_assertion'];
    const missing = required.filter((name) => !form.get(name));
    const message = `Missing Required Parameter(s): ${missing.join(', ')}`;
    if (missing.length > 0) return answer(400, { status_code: 400, message });
    if (form.get('client_assertion_type') !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
      return oauth(400, 'invalid_request', 'client_assertion_type was wrong');
    return form.get('client_secret')
      ? oauth(400, 'invalid_request', 'client_secret should not be included in client_credentials call')
      : undefined;
  };

  return async (form: URLSearchParams): Promise<PayerAnswer> => {
    const refused = refusal(form);
    if (refused !== undefined) return refused;
    try {
      const identity = await readIdentity(await readAssertion(form.get('client_assertion')!));
      const [member, second] = members.filter((one) => matches(identity, one));
      if (member === undefined || second !== undefined) return notFound();
      // Looked at only now, when both jti are spent.
      const asked = form
        .get('scope')!
        .split(' ')
        .filter((scope) => scope !== 'openid');
      if (asked.length === 0 || !asked.every((scope) => scopes.includes(scope)))
        return answer(400, { error: 'invalid_scope' });
      return answer(200, {
        access_token: `access-${member.id}`,
        refresh_token: `refresh-${member.id}`,
        token_type: 'Bearer',
        expires_in: 3600,
        scope: asked.join(' '),
        patient: member.id,
      });
    } catch {
      return badRequest();
    }
  };
};
