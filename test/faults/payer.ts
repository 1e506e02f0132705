import type { HttpAnswer } from './dynamo.ts';

/** What only a member's record has: where it is in an answer, health data has left the gateway. */
export const healthMarker = 'Chalmers';

/** How a payer fails by itself, apart from the proxy's faults. */
interface PayerMood {
  /** The client secret that it takes. */
  secret: string;
  /** Its token endpoint is out of order. */
  tokenEndpointDown: boolean;
  /** It names no patient when it is asked. */
  namesNoPatient: boolean;
  /** It gives no new refresh token, and takes the old one again. */
  keepsRefreshTokens: boolean;
}

/** A strict payer: codes and refresh tokens are good once, and a used refresh token kills what came of its login. */
export interface ScriptedPayer {
  readonly mood: PayerMood;
  readonly answer: (request: { method: string; path: string; authorization: string; body: string }) => HttpAnswer;
  /** How often each grant type was answered with tokens. */
  readonly issued: { authorization_code: number; refresh_token: number };
  readonly revoked: () => number;
  /** How often the record was read with an access token that a refresh had given. */
  readonly readRefreshed: () => number;
  /** Logins whose tokens are still good. */
  readonly alive: () => number;
  /** From here on these access tokens are refused, as if they had expired early. */
  readonly expireAccessTokens: () => void;
  /** The member took the consent back: refresh tokens are refused. */
  readonly forgetLogins: () => void;
}

interface Login {
  access: string;
  refresh: string;
  dead: boolean;
}

const json = (status: number, value: unknown, type = 'application/json'): HttpAnswer => ({
  status,
  headers: { 'content-type': type },
  body: Buffer.from(JSON.stringify(value)),
});

const fhir = (value: unknown): HttpAnswer => json(200, value, 'application/fhir+json');
const refused = (error: string, status = 400): HttpAnswer => json(status, { error });

const patients = (base: string, none: boolean): HttpAnswer =>
  fhir({
    resourceType: 'Bundle',
    type: 'searchset',
    entry: none
      ? []
      : [
          {
            fullUrl: `${base}/Patient/patient-1`,
            resource: { resourceType: 'Patient', id: 'patient-1', name: [{ family: healthMarker }] },
            search: { mode: 'match' },
          },
        ],
  });

const statement = fhir({
  resourceType: 'CapabilityStatement',
  status: 'active',
  kind: 'instance',
  fhirVersion: '4.0.1',
  format: ['json'],
  rest: [{ mode: 'server', resource: [{ type: 'Patient', interaction: [{ code: 'read' }] }] }],
});

/** Makes a payer. @param base its FHIR base URL */
export const scriptedPayer = (base: string): ScriptedPayer => {
  const mood: PayerMood = {
    secret: 'payer-secret-1',
    tokenEndpointDown: false,
    namesNoPatient: false,
    keepsRefreshTokens: false,
  };
  const issued = { authorization_code: 0, refresh_token: 0 };
  const logins: Login[] = [];
  const usedRefresh = new Map<string, Login>();
  const usedCodes = new Set<string>();
  const live = new Map<string, keyof typeof issued>();
  let readRefreshed = 0;
  let revocations = 0;
  let tokens = 0;

  const tokensOf = (login: Login, grantType: keyof typeof issued): HttpAnswer => {
    tokens += 1;
    login.access = `payer-access-${tokens}`;
    if (login.refresh === '' || !mood.keepsRefreshTokens) login.refresh = `payer-refresh-${tokens}`;
    live.set(login.access, grantType);
    issued[grantType] += 1;
    return json(200, {
      access_token: login.access,
      refresh_token: login.refresh,
      token_type: 'Bearer',
      expires_in: 300,
      scope: 'launch/patient patient/*.rs offline_access',
      patient: 'patient-1',
    });
  };
  const token = (form: URLSearchParams): HttpAnswer => {
    if (mood.tokenEndpointDown) return json(503, {});
    if (form.get('client_secret') !== mood.secret) return refused('invalid_client', 401);
    if (form.get('grant_type') === 'authorization_code') {
      const code = form.get('code') ?? '';
      if (usedCodes.has(code)) return refused('invalid_grant');
      usedCodes.add(code);
      const login = { access: '', refresh: '', dead: false };
      logins.push(login);
      return tokensOf(login, 'authorization_code');
    }
    const presented = form.get('refresh_token') ?? '';
    const reused = usedRefresh.get(presented);
    if (reused !== undefined) reused.dead = true;
    const login = logins.find(({ refresh, dead }) => refresh === presented && !dead);
    if (login === undefined) return refused('invalid_grant');
    if (!mood.keepsRefreshTokens) usedRefresh.set(presented, login);
    return tokensOf(login, 'refresh_token');
  };
  const revoke = (form: URLSearchParams): HttpAnswer => {
    const login = logins.find(({ access, refresh }) => [access, refresh].includes(form.get('token') ?? ''));
    if (login !== undefined) login.dead = true;
    revocations += 1;
    return json(200, {});
  };
  return {
    mood,
    issued,
    revoked: () => revocations,
    readRefreshed: () => readRefreshed,
    alive: () => logins.filter(({ dead }) => !dead).length,
    expireAccessTokens: () => live.clear(),
    forgetLogins: () => logins.forEach((login) => (login.dead = true)),
    answer: ({ method, path, authorization, body }) => {
      if (path === '/oauth2/token' && method === 'POST') return token(new URLSearchParams(body));
      if (path === '/oauth2/revoke' && method === 'POST') return revoke(new URLSearchParams(body));
      if (path === '/r4/metadata') return statement;
      const cameBy = live.get(authorization.replace('Bearer ', ''));
      if (cameBy === undefined) return json(401, {});
      if (cameBy === 'refresh_token') readRefreshed += 1;
      return patients(base, mood.namesNoPatient);
    },
  };
};
