import type { IncomingMessage, ServerResponse } from 'node:http';
import { decodeJwt } from 'jose';
import type { Provider } from 'oidc-provider';
import type { PublicJwk } from '../../../functions/shared/registry/types.ts';
import { keptMap, noRooms, type Rooms } from '../../state/room.ts';
import type { MemberRecord } from '../data/record.ts';
import { readForm, sendJson } from '../http.ts';
import { readAssertion } from './assertion.ts';
import { readIdToken } from './id-token.ts';
import { membersMatching } from './match.ts';
import { badRequest, noMatch, oauthError, Refusal } from './refusal.ts';
import { onceEach } from './signed.ts';

/** How a payer answers an app that presents its member's identity token. */
export interface IdentitySignIn {
  /** The keys that the gateway signs its assertions with here. */
  readonly clientKeys: readonly PublicJwk[];
  /** Where each identity provider that the payer trusts publishes its keys, by issuer. */
  readonly issuers: Readonly<Record<string, string>>;
  /** Whether the payer has enabled this for its client. @default true */
  readonly enabled?: boolean;
}

/** What the switches of a payer change here. */
type IdentityFault = 'no-match' | 'two-matches' | 'consent-expired' | 'stale-key' | 'slow-clock';

interface Setup extends IdentitySignIn {
  readonly provider: Provider;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly displayName: string;
  readonly tokenEndpoint: string;
  readonly scopes: readonly string[];
  readonly members: () => readonly MemberRecord[];
  readonly isOn: (fault: IdentityFault) => boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly accessTokenSeconds?: number | undefined;
  readonly rooms?: Rooms | undefined;
}

/** A payer's endpoints for such apps. Each answers the whole request. */
interface IdentityEndpoints {
  readonly token: (form: URLSearchParams, res: ServerResponse) => Promise<void>;
  /** Whether it refused a refresh: a token that the payer does not know has its own answer. */
  readonly refusesRefresh: (form: URLSearchParams, res: ServerResponse) => Promise<boolean>;
  readonly revoke: (req: IncomingMessage, res: ServerResponse) => Promise<void>;
}

const halfAnHour = 1800;
const day = 86_400;

/**
 * Answers in Blue Button's words, by the facts of its documentation and its server's code in August 2026: a missing field and
 * a client that is not enabled are named, whatever is wrong with a token is `Bad request`.
 */
export const identityEndpoints = (setup: Setup): IdentityEndpoints => {
  const { provider, clientId, scopes, members, isOn, enabled = true, rooms = noRooms } = setup;
  const now = (): number => setup.now() - (isOn('slow-clock') ? 600_000 : 0);
  const spend = onceEach(now);
  /** The grants that identity tokens made, by member. */
  const grants = keptMap<readonly string[]>(rooms('identity-grants'));

  const memberOf = async (assertion: string): Promise<MemberRecord> => {
    const idToken = await readAssertion(assertion, {
      clientId,
      tokenEndpoint: setup.tokenEndpoint,
      keys: isOn('stale-key') ? [] : setup.clientKeys,
      now,
      consentSeconds: isOn('consent-expired') ? -1 : day,
      spend,
    });
    const identity = await readIdToken(idToken, { issuers: setup.issuers, now, spend });
    const found = isOn('no-match') ? [] : membersMatching(members(), identity);
    const [member, second] = isOn('two-matches') ? [...found, ...found] : found;
    if (member === undefined || second !== undefined) throw noMatch();
    return member;
  };

  const issue = async ({ patientId }: MemberRecord, scope: string): Promise<object> => {
    const client = await provider.Client.find(clientId);
    if (client === undefined) throw badRequest();
    const grant = new provider.Grant({ accountId: patientId, clientId });
    grant.addOIDCScope(scope);
    const grantId = await grant.save();
    grants.set(patientId, [...(grants.get(patientId) ?? []), grantId]);
    const common = { client, accountId: patientId, grantId, gty: 'client_credentials', scope };
    const seconds = setup.accessTokenSeconds ?? halfAnHour;
    const accessToken = await new provider.AccessToken({ ...common, expiresIn: seconds }).save();
    const refreshToken = await new provider.RefreshToken({ ...common, expiresIn: day }).save();
    return {
      access_token: accessToken,
      expires_in: seconds,
      token_type: 'Bearer',
      scope,
      refresh_token: refreshToken,
      patient: patientId,
    };
  };

  const answerTo = async (form: URLSearchParams): Promise<object> => {
    requireClient(form, clientId);
    requireFields(form);
    if (!enabled) throw new Refusal(403, { message: notEnabled(setup.displayName) });
    const member = await memberOf(form.get('client_assertion') ?? '').catch((error: unknown) => {
      throw error instanceof Refusal ? error : badRequest();
    });
    return issue(member, scopeOf(form, scopes));
  };

  const endGrants = async (accountId: string): Promise<void> => {
    for (const grantId of grants.get(accountId) ?? []) {
      await provider.AccessToken.revokeByGrantId(grantId);
      await provider.RefreshToken.revokeByGrantId(grantId);
    }
    grants.delete(accountId);
  };

  return {
    token: (form, res) => answering(res, () => answerTo(form)),
    async refusesRefresh(form, res) {
      if ((await provider.RefreshToken.find(form.get('refresh_token') ?? '')) !== undefined) return false;
      sendJson(res, 403, { status_code: 403, message: 'Request denied' });
      return true;
    },
    revoke: (req, res) =>
      answering(res, async () => {
        const form = await readForm(req);
        const token = form?.get('token') ?? '';
        if (form?.get('client_id') !== clientId || form.get('client_secret') !== setup.clientSecret) {
          throw oauthError(401, 'invalid_client');
        }
        const known = (await provider.AccessToken.find(token)) ?? (await provider.RefreshToken.find(token));
        if (known !== undefined) await endGrants(known.accountId);
        return {};
      }),
  };
};

const answering = async (res: ServerResponse, answer: () => Promise<object>): Promise<void> => {
  const headers = { 'cache-control': 'no-store' };
  try {
    sendJson(res, 200, await answer(), headers);
  } catch (error) {
    const { status, body } = error instanceof Refusal ? error : badRequest();
    sendJson(res, status, body, headers);
  }
};

/** The client is read in the assertion, before anything of it is checked. */
const requireClient = (form: URLSearchParams, clientId: string): void => {
  const named = form.get('client_id');
  const assertion = form.get('client_assertion');
  const issuer = assertion ? issuerOf(assertion) : undefined;
  if (named && issuer !== undefined && named !== issuer) {
    throw oauthError(400, 'invalid_request', 'client_id param did not match client_id in JWT');
  }
  const client = named || issuer;
  if (!client) throw oauthError(401, 'invalid_client', 'App id failed');
  if (client !== clientId) throw oauthError(400, 'invalid_client', 'Application does not exist (client_id)');
};

const issuerOf = (assertion: string): string | undefined => {
  try {
    return decodeJwt(assertion).iss;
  } catch {
    throw oauthError(400, 'invalid_request', 'Malformed client_assertion');
  }
};

const fields = ['grant_type', 'scope', 'client_assertion_type', 'client_assertion'];

const requireFields = (form: URLSearchParams): void => {
  const missing = fields.filter((name) => !form.get(name));
  if (missing.length > 0) throw new Refusal(400, { message: `Missing Required Parameter(s): ${missing.join(', ')}` });
  if (form.get('client_assertion_type') !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer') {
    throw oauthError(400, 'invalid_request', 'client_assertion_type was wrong');
  }
  if (form.get('client_secret')) {
    const problem = 'client_secret should not be included in client_credentials call';
    throw oauthError(400, 'invalid_request', problem);
  }
};

const notEnabled = (name: string): string =>
  `This application, ${name}, does not yet have access to this authorization method. If you are the app maintainer, please contact the API team.`;

/** What is asked for, without `openid`. Only what the payer lists is known, and both tokens are spent by now. */
const scopeOf = (form: URLSearchParams, known: readonly string[]): string => {
  const asked = (form.get('scope') ?? '').split(/\s+/).filter((word) => word !== '' && word !== 'openid');
  if (asked.length === 0 || asked.some((word) => !known.includes(word)))
    throw new Refusal(400, { error: 'invalid_scope', status_code: undefined });
  return asked.join(' ');
};
