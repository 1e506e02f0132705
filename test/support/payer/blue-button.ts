/**
 * The checks of Blue Button's token endpoint for an app with a member's identity token, from its documentation and its
 * server's public code (CMSgov/bluebutton-web-server, apps/dot_ext/views/authorization.py, August 2026). Not from our client.
 */
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose';
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

interface Options {
  readonly clientId: string;
  readonly tokenEndpoint: string;
  readonly clientKeys: JSONWebKeySet;
  /** Of each identity provider, by issuer. */
  readonly providerKeys: () => Readonly<Record<string, JSONWebKeySet>>;
  readonly members: readonly KnownMember[];
  readonly scopes: readonly string[];
  /** Epoch milliseconds. */
  readonly now: () => number;
}

class Refused extends Error {}
const requireThat = (holds: unknown, why: string): void => {
  if (holds !== true) throw new Refused(why);
};

const lower = (value: unknown): string => (typeof value === 'string' ? value.toLowerCase() : '');

/** The four ways to match; exactly one member counts. */
const matches = (claims: JWTPayload, member: KnownMember): boolean => {
  const has = (claim: string, value: string | undefined): boolean =>
    value !== undefined && lower(claims[claim]) === value.toLowerCase();
  const { street_address: street } = (claims['address'] ?? {}) as { readonly street_address?: string };
  const [given, family, born] = [
    has('given_name', member.given),
    has('family_name', member.family),
    has('birthdate', member.birthdate),
  ];
  const lives = member.street !== undefined && lower(street) === member.street.toLowerCase();
  return (
    (given && family && born && (lives || has('ssn_itin_short', member.ssn))) ||
    (given && born && has('mbi', member.mbi))
  );
};

export const badRequest = (): PayerAnswer => answer(400, { status_code: 400, message: 'Bad request' });
const notFound = (): PayerAnswer =>
  answer(401, { status_code: 401, message: 'The requested patient data could not be found.' });

export const blueButton = ({ clientId, tokenEndpoint, clientKeys, providerKeys, members, scopes, now }: Options) => {
  const seen = new Set<string>();
  const once = (iss: unknown, jti: unknown): boolean => {
    const key = JSON.stringify([iss, jti]);
    if (typeof jti !== 'string' || seen.has(key)) return false;
    seen.add(key);
    return true;
  };
  const seconds = (): number => now() / 1000;
  const notAheadNorOlder = (value: unknown, most: number): boolean =>
    typeof value === 'number' && value <= seconds() && seconds() - value <= most;

  const readAssertion = async (assertion: string): Promise<string> => {
    requireThat(decodeProtectedHeader(assertion).typ === 'JWT', 'typ');
    const { payload } = await jwtVerify(assertion, createLocalJWKSet(clientKeys), {
      algorithms: ['RS384', 'ES384'],
      issuer: clientId,
      subject: clientId,
      audience: tokenEndpoint,
      requiredClaims: ['iss', 'sub', 'aud', 'jti', 'exp', 'extensions'],
      currentDate: new Date(now()),
    });
    requireThat(once(payload.iss, payload.jti), 'jti');
    requireThat((payload.exp ?? Infinity) - seconds() <= 300, 'exp');
    const { cms_smart: cmsSmart } = payload['extensions'] as { readonly cms_smart: Record<string, unknown> };
    requireThat(cmsSmart['version'] === '1' && cmsSmart['purpose_of_use'] === 'PATRQT', 'cms_smart');
    return cmsSmart['id_token'] as string;
  };

  const readIdentity = async (token: string): Promise<JWTPayload> => {
    requireThat(decodeProtectedHeader(token).typ === 'JWT', 'typ');
    const claimed = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { readonly iss: string };
    const keys = providerKeys()[claimed.iss];
    if (keys === undefined) throw new Refused('iss');
    const names = 'iss sub aud jti exp iat identity_assurance_level auth_time family_name given_name birthdate';
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
      algorithms: ['RS256'],
      requiredClaims: names.split(' '),
      currentDate: new Date(now()),
    });
    for (const name of ['iat', 'auth_time']) requireThat(notAheadNorOlder(payload[name], 300), name);
    requireThat(once(payload.iss, payload.jti), 'jti');
    requireThat(Number(payload['identity_assurance_level']) >= 2, 'level');
    for (const name of ['family_name', 'given_name']) requireThat(/^[\0-\u017f]+$/u.test(String(payload[name])), name);
    requireThat(/^\d{4}-\d\d-\d\d$/.test(String(payload['birthdate'])), 'birthdate');
    return payload;
  };

  return async (form: URLSearchParams): Promise<PayerAnswer> => {
    const missing = ['scope', 'client_assertion_type', 'client_assertion'].filter((name) => !form.get(name));
    if (missing.length > 0) return answer(400, { status_code: 400, message: `Missing: ${missing.join(', ')}` });
    if (form.has('client_secret')) return answer(400, { error: 'invalid_request' });
    try {
      const identity = await readIdentity(await readAssertion(form.get('client_assertion')!));
      // Fails only now, when both jti are spent.
      requireThat(
        form
          .get('scope')!
          .split(' ')
          .every((scope) => scopes.includes(scope)),
        'scope',
      );
      const found = members.filter((member) => matches(identity, member));
      if (found.length !== 1) return notFound();
      return answer(200, {
        access_token: `access-${found[0]!.id}`,
        refresh_token: `refresh-${found[0]!.id}`,
        token_type: 'Bearer',
        expires_in: 3600,
        scope: form.get('scope'),
        patient: found[0]!.id,
      });
    } catch {
      return badRequest();
    }
  };
};
