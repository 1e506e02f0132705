import { createHash } from 'node:crypto';
import { answer, oauthError, sendBack } from './answers.ts';
import type { Endpoint, Outcome, PayerAnswer, PayerRequest, Script } from './answers.ts';
import { isAuthenticated, registrations, wrongsOfSignIn, type GatewayClient, type Registrations } from './clients.ts';

/** What a payer did with a login's tokens after the code exchange; `lost` is a rotation whose answer never arrived. */
type PayerEvent = 'rotated' | 'lost' | 'down' | 'refused' | 'revoked';

/** One member's login at a payer: its tokens, as the payer knows them. */
export interface Login {
  readonly payer: string;
  readonly patient: string;
  /** How many seconds an access token lives. */
  readonly lives: number;
  /** Whether it gets refresh tokens. */
  readonly renews: boolean;
  readonly redirectUri: string;
  readonly challenge: string | null;
  scope: string;
  code: string | undefined;
  /** Access tokens that arrived, each with its expiry in epoch seconds. */
  readonly access: Map<string, number>;
  refresh: string | undefined;
  /** Replaced refresh tokens, and how many times each may still be sent: once if the gateway never got the answer. */
  readonly used: Map<string, number>;
  ended: boolean;
  events: PayerEvent[];
}

/** Who signs in. */
export type Member = Pick<Login, 'patient' | 'lives' | 'renews'>;

type GrantType = 'authorization_code' | 'refresh_token';
type Scripts = Partial<Record<Endpoint, Script | Outcome>>;

interface Options {
  /** Epoch milliseconds. */
  readonly nowMs: () => number;
  readonly mint: (kind: 'code' | 'access' | 'refresh') => string;
  /** What the FHIR API answers; without a login, what it tells everyone. */
  readonly record: (request: PayerRequest, login?: Login) => PayerAnswer;
  /** Who signs in if a test names no one. */
  readonly member: () => Member;
  /** What a token answer has in addition to the usual members, or instead of them. */
  readonly tokenAnswer?: (login: Login) => Readonly<Record<string, unknown>>;
  /** Whether a new access token ends the previous one. @default false */
  readonly newestOnly?: boolean;
  /** Whether every request is kept. @default true */
  readonly remembers?: boolean;
  readonly onRequest?: (request: PayerRequest) => void;
}

/**
 * Payers that enforce everything that they agreed on with the gateway: client authentication, redirect URI, PKCE,
 * one-time codes and refresh tokens, the scopes of a read. A reused refresh token ends its login (RFC 9700 §4.14.2).
 * Scripts provide faults and odd answers; tokens that a script's answer names count as issued.
 */
export interface StrictPayers extends Omit<Registrations, 'client'> {
  /** Everything that the gateway did and no payer should have to accept. */
  readonly misuse: string[];
  /** How many times each grant type was answered with tokens. */
  readonly issued: Readonly<Record<GrantType, number>>;
  /** Whether refresh tokens are replaced; a test may change it. */
  readonly rotation: { on: boolean };
  readonly logins: () => readonly Login[];
  /** How many times the record was read with an access token from a refresh. */
  readonly readRefreshed: () => number;
  /** Requests since the last {@link StrictPayers.reset}. */
  readonly requests: (payer: string, endpoint: Endpoint) => readonly PayerRequest[];
  /** Replaces parts of one payer's behavior. */
  readonly script: (payer: string, change: Scripts) => void;
  /** Forgets scripts and requests; logins stay. */
  readonly reset: () => void;
  /** Handles a request; `lost` is called if the answer could not be delivered. */
  readonly handle: (request: PayerRequest, member?: Member) => Promise<{ outcome: Outcome; lost: () => void }>;
}

const defaultScope = 'launch/patient patient/*.rs offline_access';
const challengeOf = (verifier: string | null): string | null =>
  verifier === null ? null : createHash('sha256').update(verifier).digest('base64url');

/** What a good answer says that arrives whole; undefined of every other. */
const saidBy = (outcome: Outcome): Readonly<Record<string, unknown>> | undefined => {
  if (typeof outcome === 'string' || 'write' in outcome || outcome.cut === true || outcome.status !== 200)
    return undefined;
  try {
    const said = JSON.parse(outcome.body ?? '') as unknown;
    return typeof said === 'object' && said !== null ? (said as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
};

const isToken = (value: unknown): value is string => typeof value === 'string' && value !== '';
const statusOf = (outcome: Outcome): number => (typeof outcome === 'string' || 'write' in outcome ? 0 : outcome.status);

/** Whether a read of this path is within the scopes. */
const isWithin = (scope: string, path: string): boolean => {
  const [, type] = /^\/([A-Z]\w*)/.exec(path) ?? [];
  return (
    type === undefined ||
    scope.split(' ').some((one) => one.startsWith('patient/*.') || one.startsWith(`patient/${type}.`))
  );
};

/** Makes them. */
export const strictPayers = (options: Options): StrictPayers => {
  const { nowMs, mint, record, member: usualMember, tokenAnswer = () => ({}) } = options;
  const { newestOnly = false, remembers = true, onRequest = () => undefined } = options;
  const { client, ...registered } = registrations();
  const scripts = new Map<string, Scripts>();
  const logins: Login[] = [];
  const byToken = new Map<string, Login>();
  const spentCodes = new Set<string>();
  const refreshed = new Set<string>();
  const misuse: string[] = [];
  const issued = { authorization_code: 0, refresh_token: 0 };
  const rotation = { on: true };
  let readRefreshed = 0;
  let requests: PayerRequest[] = [];

  const known = (login: Login, token: string): string => {
    byToken.set(token, login);
    return token;
  };

  const signIn = (request: PayerRequest, who: Member = usualMember()): PayerAnswer => {
    const gateway = client(request.payer);
    if (gateway === undefined) return answer(404, {});
    const wrongs = wrongsOfSignIn(request, gateway);
    misuse.push(...wrongs);
    if (wrongs.length > 0) return answer(400, wrongs);
    const asked = request.url.searchParams;
    const login: Login = {
      payer: request.payer,
      ...who,
      redirectUri: asked.get('redirect_uri') ?? '',
      challenge: asked.get('code_challenge'),
      scope: asked.get('scope') ?? defaultScope,
      code: mint('code'),
      access: new Map(),
      refresh: undefined,
      used: new Map(),
      ended: false,
      events: [],
    };
    logins.push(login);
    const code = known(login, login.code ?? '');
    const { sendsIss, issuer = '' } = gateway.profile;
    return sendBack(request, { code, ...(sendsIss ? { iss: issuer } : {}) });
  };

  const issue = (login: Login, { profile }: GatewayClient): PayerAnswer => {
    const access = known(login, mint('access'));
    if (login.renews && (login.refresh === undefined || rotation.on)) login.refresh = known(login, mint('refresh'));
    return answer(200, {
      access_token: access,
      ...(login.refresh === undefined ? {} : { refresh_token: login.refresh }),
      token_type: 'Bearer',
      expires_in: login.lives,
      scope: login.scope,
      ...(profile.patientFrom === 'token' ? { patient: login.patient } : {}),
      ...tokenAnswer(login),
    });
  };

  const exchange = ({ payer, form }: PayerRequest, gateway: GatewayClient): PayerAnswer => {
    const login = byToken.get(form.get('code') ?? '');
    if (login?.payer !== payer) {
      misuse.push('showed a code that this payer never gave');
      return oauthError('invalid_grant');
    }
    if (login.code === undefined) return oauthError('invalid_grant');
    login.code = undefined;
    const wrongs = [
      ...(form.get('redirect_uri') === (gateway.profile.quirks.redirectUriAtToken ? login.redirectUri : null)
        ? []
        : ['redeemed a code with a wrong redirect_uri']),
      ...(challengeOf(form.get('code_verifier')) === login.challenge
        ? []
        : ['redeemed a code with a wrong code_verifier']),
    ];
    misuse.push(...wrongs);
    return wrongs.length > 0 ? oauthError('invalid_grant') : issue(login, gateway);
  };

  const refuse = (login: Login): PayerAnswer => {
    login.ended = true;
    login.events.push('refused');
    return oauthError('invalid_grant');
  };
  const refresh = ({ payer, form }: PayerRequest, gateway: GatewayClient): PayerAnswer => {
    const token = form.get('refresh_token') ?? '';
    const login = byToken.get(token);
    if (login?.payer !== payer) {
      misuse.push('showed a refresh token that this payer never gave');
      return oauthError('invalid_grant');
    }
    const mayBeShown = login.used.get(token);
    if (mayBeShown === 0) misuse.push('showed a replaced refresh token though the answer had arrived');
    if (mayBeShown !== undefined) login.used.set(token, 0);
    if (login.ended || mayBeShown !== undefined) return refuse(login);
    if (rotation.on) login.used.set(token, 0);
    return issue(login, gateway);
  };

  /** The old refresh token may come once more, since that is how the gateway learns of the loss. */
  const loseRotation = (login: Login, shown: string): void => {
    login.used.set(shown, 1);
    login.events.push('lost');
  };

  /** The tokens in an answer count as issued, whoever wrote the answer. */
  const keepIssued = (
    login: Login,
    { access_token: access, refresh_token: next, expires_in: lives, scope }: Readonly<Record<string, unknown>>,
    shown: string | undefined,
  ): void => {
    if (newestOnly) login.access.clear();
    if (isToken(access)) {
      const endsAt = typeof lives === 'number' && lives > 0 ? nowMs() / 1000 + lives : Infinity;
      login.access.set(known(login, access), endsAt);
      if (shown !== undefined) refreshed.add(access);
    }
    if (isToken(next)) login.refresh = known(login, next);
    else login.refresh = shown;
    if (shown !== undefined && login.refresh === shown) login.used.delete(shown);
    else if (shown !== undefined) login.used.set(shown, login.used.get(shown) ?? 0);
    if (isToken(scope)) login.scope = scope;
  };

  const token = async (
    request: PayerRequest,
    act: (usual: () => Promise<PayerAnswer>) => Promise<Outcome>,
  ): Promise<{ outcome: Outcome; lost: () => void }> => {
    const { payer, form } = request;
    const gateway = client(payer);
    const isRefresh = form.get('grant_type') === 'refresh_token';
    const shown = form.get(isRefresh ? 'refresh_token' : 'code') ?? '';
    if (!isRefresh && spentCodes.has(shown)) misuse.push('sent a code twice');
    if (!isRefresh) spentCodes.add(shown);
    let hasIssued = false;
    const outcome = await act(async () => {
      if (gateway === undefined || !(await isAuthenticated(request, gateway, nowMs())))
        return oauthError('invalid_client', 401);
      const given = isRefresh ? refresh(request, gateway) : exchange(request, gateway);
      hasIssued = given.status === 200;
      return given;
    });
    // A payer that does not know the client has not looked at the code.
    if (statusOf(outcome) === 401) spentCodes.delete(shown);
    const login = byToken.get(shown);
    const said = saidBy(outcome);
    if (login === undefined) return { outcome, lost: () => undefined };
    if (said !== undefined) {
      keepIssued(login, said, isRefresh ? shown : undefined);
      issued[isRefresh ? 'refresh_token' : 'authorization_code'] += 1;
      if (isRefresh) login.events.push('rotated');
    } else if (isRefresh && hasIssued) loseRotation(login, shown);
    else if (isRefresh && statusOf(outcome) >= 500) login.events.push('down');
    const lost = (): void => {
      if (isRefresh && said !== undefined && login.used.has(shown)) loseRotation(login, shown);
    };
    return { outcome, lost };
  };

  const revoke = async (request: PayerRequest): Promise<PayerAnswer> => {
    const gateway = client(request.payer);
    if (gateway === undefined || !(await isAuthenticated(request, gateway, nowMs())))
      return oauthError('invalid_client', 401);
    const shown = request.form.get('token') ?? '';
    const login = byToken.get(shown);
    // A replaced token ends nothing, or a gateway that revokes too little would go unnoticed.
    if (login !== undefined && (login.refresh === shown || login.access.has(shown) || login.used.get(shown) === 1)) {
      login.ended = true;
      login.events.push('revoked');
    }
    return { status: 200 };
  };

  const read = (request: PayerRequest): PayerAnswer => {
    if (request.path === '/metadata') return record(request);
    const [, shown = ''] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? [];
    const login = byToken.get(shown);
    if (login?.payer !== request.payer || login.ended || (login.access.get(shown) ?? 0) <= nowMs() / 1000) {
      return answer(401, {});
    }
    if (!isWithin(login.scope, request.path)) {
      misuse.push(`read ${request.path} beyond the scopes`);
      return answer(403, {});
    }
    if (refreshed.has(shown)) readRefreshed += 1;
    return record(request, login);
  };

  const handle: StrictPayers['handle'] = async (request, who) => {
    onRequest(request);
    if (remembers) requests.push(request);
    const script = scripts.get(request.payer)?.[request.endpoint];
    const act = async (usual: () => Promise<PayerAnswer>): Promise<Outcome> => {
      if (script === undefined) return usual();
      return typeof script === 'function' ? script(request, usual) : script;
    };
    if (request.endpoint === 'token') return token(request, act);
    const usual = {
      authorize: async () => signIn(request, who),
      revoke: () => revoke(request),
      r4: async () => read(request),
    }[request.endpoint];
    return { outcome: await act(usual), lost: () => undefined };
  };

  return {
    ...registered,
    misuse,
    issued,
    rotation,
    logins: () => logins,
    readRefreshed: () => readRefreshed,
    requests: (payer, endpoint) => requests.filter((one) => one.payer === payer && one.endpoint === endpoint),
    script: (payer, change) => void scripts.set(payer, { ...scripts.get(payer), ...change }),
    reset: () => {
      scripts.clear();
      requests = [];
    },
    handle,
  };
};
