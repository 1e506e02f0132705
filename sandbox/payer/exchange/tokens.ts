import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { decodeJwt } from 'jose';
import { sendJson } from '../http.ts';
import { onceEach, readSigned } from '../identity/signed.ts';
import type { FormerPlanOptions } from './options.ts';

/** What a scope opens. */
export type Opened = 'match' | 'groups';

/** Seconds that an access token lives, and the most that an assertion may. */
const fiveMinutes = 300;

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** What PDex proposes: the canonical URL of the operation, and SMART's scopes of Groups, also narrowed to matched ones. */
const matchScope = 'http://hl7.org/fhir/us/davinci-pdex/OperationDefinition/BulkMemberMatch';
const groupScope =
  /^system[/.]Group\.(?:u|rs?|s)(?:\?code=http:\/\/hl7\.org\/fhir\/us\/davinci-pdex\/(?:ValueSet\/PDexMultiMemberMatchResultVS|CodeSystem\/PdexMultiMemberMatchResultCS)\|match)?$/;

const openedBy = (scope: string): Opened | undefined => {
  if (scope === matchScope) return 'match';
  return groupScope.test(scope) ? 'groups' : undefined;
};

/** Access tokens of backend services, as SMART 2.2 and RFC 7523 have them. They are kept in memory. */
export const backendTokens = (
  { clientId, clientKeys }: Pick<FormerPlanOptions, 'clientId' | 'clientKeys'>,
  tokenEndpoint: string,
  now: () => number,
) => {
  const spend = onceEach(now);
  const issued = new Map<string, { readonly scopes: readonly string[]; readonly endsAtMs: number }>();

  /** @throws if the assertion is not this client's, or was used before */
  const checkAssertion = async (assertion: string): Promise<void> => {
    const claims = await readSigned(assertion, clientKeys, {
      algorithms: ['RS384', 'ES384'],
      issuer: clientId,
      subject: clientId,
      audience: tokenEndpoint,
      requiredClaims: ['jti', 'exp'],
      currentDate: new Date(now()),
    });
    if (typeof claims.jti !== 'string' || claims.jti === '') throw new TypeError('jti is no text');
    if (typeof claims.aud !== 'string') throw new TypeError('aud is the token endpoint and nothing else');
    if ((claims.exp ?? 0) - now() / 1000 > fiveMinutes) throw new TypeError('exp is more than five minutes away');
    spend(claims);
  };

  const refuse = (res: ServerResponse, status: number, error: string, error_description: string): void =>
    sendJson(res, status, { error, error_description }, { 'cache-control': 'no-store' });

  return {
    /** Whether a token request is this client's, by what its assertion says of itself. */
    isAsked: (form: URLSearchParams): boolean => {
      try {
        return decodeJwt(form.get('client_assertion') ?? '').iss === clientId;
      } catch {
        return false;
      }
    },

    /** Answers a token request: 200, 400 or 401. */
    async answer(form: URLSearchParams, res: ServerResponse): Promise<void> {
      if (form.get('client_assertion_type') !== assertionType) {
        return refuse(res, 400, 'invalid_request', 'client_assertion_type is not RFC 7523’s');
      }
      try {
        await checkAssertion(form.get('client_assertion') ?? '');
      } catch {
        return refuse(res, 401, 'invalid_client', 'The assertion is not this client’s, or was used before.');
      }
      const scopes = (form.get('scope') ?? '').split(' ').filter((scope) => scope !== '');
      if (scopes.length === 0) return refuse(res, 400, 'invalid_request', 'scope is missing');
      if (scopes.some((scope) => openedBy(scope) === undefined)) {
        return refuse(res, 400, 'invalid_scope', 'Only the scopes of a match and of Groups are known here.');
      }
      const token = randomBytes(32).toString('base64url');
      issued.set(token, { scopes, endsAtMs: now() + fiveMinutes * 1000 });
      const answer = { access_token: token, token_type: 'bearer', expires_in: fiveMinutes, scope: scopes.join(' ') };
      sendJson(res, 200, answer, { 'cache-control': 'no-store' });
    },

    /** What a token opens; undefined if it is unknown or has ended. */
    openedBy(token: string): ReadonlySet<Opened> | undefined {
      for (const [known, { endsAtMs }] of issued) if (endsAtMs <= now()) issued.delete(known);
      const found = issued.get(token);
      return found && new Set(found.scopes.flatMap((scope) => openedBy(scope) ?? []));
    },
  };
};
