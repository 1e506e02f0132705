import {
  registrations,
  type Authorize,
  type Call,
  type Callback,
  type Introspect,
  type PartnerId,
  type PayerId,
  type Read,
  type Redeem,
  type Refresh,
  type Registration,
  type Revoke,
  type Thief,
} from './commands.ts';
import type { PayerSays } from './payer.ts';

/*
 * Grants as docs/partners/ promises them, without how the gateway stores them. `judge` compares an answer with the
 * promise and advances the model; it returns what is wrong, or undefined.
 */

/** What a caller got: the status, with the OAuth error if there is one, and the body or the redirect's parameters. */
export interface Answer {
  readonly outcome: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Which scope a refresh asks for. */
type Requested = 'narrow' | 'widen' | 'whole' | 'none';

interface Attempt extends Authorize {
  readonly granted: string;
  readonly expiresAt: number;
  used: boolean;
}
interface Access {
  readonly token: string;
  readonly expiresAt: number;
  readonly scope: string;
}
export interface Grant {
  readonly partner: PartnerId;
  readonly payer: PayerId;
  readonly patient: string;
  readonly scope: string;
  readonly pkce: boolean;
  readonly refreshable: boolean;
  readonly code: string;
  readonly codeExpiresAt: number;
  readonly endsAt: number;
  redeemed: boolean;
  /** Why it ended, if it did. */
  ended: string | undefined;
  /** Newest first: everything that was ever issued. */
  readonly access: Access[];
  readonly refresh: string[];
  /** Refresh tokens of the last rotation and its repeats: each may be used until one of them is. */
  current: string[];
  /** The refresh token that the last rotation used up. */
  previous: string | undefined;
  rotatedAt: number;
  /** Which scope the last rotation asked for. */
  rotatedFor: Requested;
  /** What a thief holds, newest first. */
  readonly stolen: string[];
  /** Whether the partner has refreshed with a token that no thief holds, since something was stolen from it. */
  movedOn: boolean;
}
export interface Model {
  /** Epoch seconds. */
  now: number;
  /** Partners that left the configuration, and payers that were taken from a partner (`partner payer`). */
  readonly out: Set<string>;
  /** What partners are registered for, if the configuration was changed. */
  readonly registered: Map<PartnerId, Registration>;
  readonly attempts: Attempt[];
  readonly grants: Grant[];
}

const loginLives = 1800;
const codeLives = 60;
const accessLives = 3600;
const grantLives = 90 * 86_400;
const grace: Record<PartnerId, number> = { 'demo-partner': 60, 'demo-app': 10 };
export const registeredScope = registrations.whole;
export const onlineScope = registrations.online;
export const narrowScope = 'patient/Observation.rs';

export const emptyModel = (now: number): Model => ({
  now,
  out: new Set(),
  registered: new Map(),
  attempts: [],
  grants: [],
});

const otherPartner = (partner: PartnerId): PartnerId => (partner === 'demo-app' ? 'demo-partner' : 'demo-app');

/** Which client a call names. */
export const caller = ({ partner }: Grant, { how }: { readonly how: string }): PartnerId =>
  how === 'otherClient' ? otherPartner(partner) : partner;

const is = (answer: Answer, ...promised: string[]): string | undefined =>
  promised.includes(answer.outcome) ? undefined : `promised is ${promised.join(' or ')}`;
const same = (what: string, got: unknown, promised: unknown): string | undefined =>
  got === promised ? undefined : `${what} is ${String(got)}, promised is ${String(promised)}`;
const sorted = (scope: unknown): string => String(scope).split(' ').sort().join(' ');
const first = (...complaints: (string | undefined)[]): string | undefined =>
  complaints.find((complaint) => complaint !== undefined);

const isAllowed = (model: Model, { partner, payer }: Pick<Grant, 'partner' | 'payer'>): boolean =>
  !model.out.has(partner) && !model.out.has(`${partner} ${payer}`);
const registeredNow = ({ registered }: Model, partner: PartnerId): string[] =>
  registrations[registered.get(partner) ?? 'whole'].split(' ');

/** Whether a scope allows any read. */
const reads = (scope: string): boolean => scope.split(' ').some((one) => one.startsWith('patient/'));
/** What the registration leaves of a scope now: of a wildcard, the types that it has. */
const leftOf = (model: Model, partner: PartnerId, scope: string): string => {
  const registered = registeredNow(model, partner);
  const left = scope.split(' ').flatMap((one) => {
    if (registered.includes(one) || (reads(one) && registered.includes('patient/*.rs'))) return [one];
    return one === 'patient/*.rs' ? registered.filter(reads) : [];
  });
  return left.join(' ');
};
/** A refresh token is good as long as the partner is registered for `offline_access`. */
const mayRefresh = (model: Model, { partner, refreshable }: Grant): boolean =>
  refreshable && registeredNow(model, partner).includes('offline_access');
const isLive = (model: Model, grant: Grant): boolean => grant.ended === undefined && model.now < grant.endsAt;
/** The current access token and the previous one, each until it expires. */
const opens = (model: Model, grant: Grant, age: number): boolean =>
  age < 2 && isLive(model, grant) && model.now < (grant.access[age]?.expiresAt ?? 0);
const inGrace = (model: Model, grant: Grant): boolean => model.now < grant.rotatedAt + grace[grant.partner];

/** A call, the position of its grant in the model, and the bearer that it presents or is forged from. */
export interface Aimed {
  readonly call: Call;
  readonly grant: number;
  readonly bearer: string;
  /** How many were issued after it. */
  readonly age: number;
}

const isOfRefresh = (call: Call): boolean => call.kind === 'refresh' || ('type' in call && call.type === 'refresh');
const bearersOf = ({ code, access, refresh, stolen }: Grant, call: Call): string[] => {
  if (call.kind === 'redeem') return [code];
  if (call.kind === 'thief') return stolen;
  return isOfRefresh(call) ? refresh : access.map(({ token }) => token);
};

/** Finds what a call is about, counted from the newest; undefined if no grant has what it needs. */
export const aim = ({ grants }: Model, call: Call): Aimed | undefined => {
  const fit = grants.filter((grant) => bearersOf(grant, call).length > 0);
  const grant = fit.at(-1 - (call.grant % Math.max(1, fit.length)));
  if (grant === undefined) return undefined;
  const bearers = bearersOf(grant, call);
  const age = 'age' in call && call.how !== 'widen' ? call.age % bearers.length : 0;
  return { call, grant: grants.indexOf(grant), bearer: bearers[age] ?? '', age };
};

/** Records a new pair: its times and scope, and that it is new. `held` is where its receiver keeps refresh tokens. */
const issue = (
  model: Model,
  grant: Grant,
  { scope, shown, held }: { scope: string; shown?: string; held: string[] },
  { body }: Answer,
): string | undefined => {
  const expiresAt = Math.min(model.now + accessLives, grant.endsAt);
  const [token, refresh] = [String(body['access_token']), body['refresh_token']];
  const isOld = model.grants.some((one) => one.access.some((access) => access.token === token));
  grant.redeemed = true;
  grant.rotatedAt = model.now;
  grant.access.unshift({ token, expiresAt, scope });
  grant.previous = shown;
  grant.current = typeof refresh === 'string' ? [refresh] : [];
  held.unshift(...grant.current);
  return first(
    same('expires_in', body['expires_in'], expiresAt - model.now),
    same('scope', sorted(body['scope']), sorted(scope)),
    same('patient', body['patient'], grant.patient),
    same('a refresh token', typeof refresh === 'string', mayRefresh(model, grant)),
    same('a token that was given before', isOld, false),
  );
};

const redeem = (model: Model, grant: Grant, { how }: Redeem, answer: Answer): string | undefined => {
  // If the login had no challenge, a missing verifier is right.
  if (how !== 'right' && !(how === 'noVerifier' && !grant.pkce)) return is(answer, '400 invalid_grant');
  const inTime = model.now < grant.codeExpiresAt;
  if (grant.redeemed && inTime) grant.ended ??= 'its code was redeemed twice';
  const good = !grant.redeemed && inTime && isLive(model, grant) && isAllowed(model, grant);
  if (!good) return is(answer, '400 invalid_grant');
  const scope = leftOf(model, grant.partner, grant.scope);
  if (!reads(scope)) return is(answer, '400 invalid_scope');
  return is(answer, '200') ?? issue(model, grant, { scope, held: grant.refresh }, answer);
};

/**
 * The pair that was issued before. A public client gets its own refresh token for each repeat, so that two holders of
 * one token diverge.
 */
const repeated = (model: Model, grant: Grant, held: string[], { body }: Answer): string | undefined => {
  const { access, patient, partner, refresh, stolen } = grant;
  const token = String(body['refresh_token']);
  const isNew = ![...refresh, ...stolen].includes(token);
  if (isNew) {
    grant.current.push(token);
    held.unshift(token);
  }
  return first(
    same('the same access token', body['access_token'] === access[0]?.token, true),
    partner === 'demo-app'
      ? same('a refresh token of its own', isNew, true)
      : same('the same refresh token', token === refresh[0], true),
    same('expires_in', body['expires_in'], (access[0]?.expiresAt ?? 0) - model.now),
    same('scope', sorted(body['scope']), sorted(leftOf(model, partner, access[0]?.scope ?? ''))),
    same('patient', body['patient'], patient),
  );
};

/**
 * Someone presents a refresh token, with everything that the client must prove: a new pair, the same pair again, or the
 * grant's end.
 */
const exchange = (
  model: Model,
  grant: Grant,
  {
    shown,
    scope,
    isRefused,
    held,
    requested,
  }: { shown: string; scope: string; isRefused: boolean; held: string[]; requested: Requested },
  answer: Answer,
): string | undefined => {
  if (grant.current.includes(shown)) {
    // A refusal for the scope uses nothing up. One that was replaced longer ago is judged whatever scope is requested.
    if (isRefused) return is(answer, '400 invalid_scope');
    grant.rotatedFor = requested;
    return is(answer, '200') ?? issue(model, grant, { scope, shown, held }, answer);
  }
  if (shown === grant.previous && inGrace(model, grant)) {
    // A repeat must ask for what the first call asked for, or for what it got.
    const issued = leftOf(model, grant.partner, grant.access[0]?.scope ?? '');
    const isAskedAgain = requested === grant.rotatedFor && reads(issued);
    if (!isAskedAgain && (isRefused || sorted(scope) !== sorted(issued))) return is(answer, '400 invalid_scope');
    return is(answer, '200') ?? repeated(model, grant, held, answer);
  }
  grant.ended = 'a used refresh token was shown';
  return is(answer, '400 invalid_grant');
};

/** A thief with a refresh token, and with nothing else that a partner has. */
const theft = (model: Model, grant: Grant, { how }: Thief, { bearer }: Aimed, answer: Answer): string | undefined => {
  if (how === 'introspect' || grant.partner === 'demo-partner') return is(answer, '401 invalid_client');
  if (!isLive(model, grant) || !isAllowed(model, grant)) return is(answer, '400 invalid_grant');
  if (!mayRefresh(model, grant)) return is(answer, '400 invalid_grant');
  const scope = leftOf(model, grant.partner, grant.scope);
  // The same for every token of the grant, so it does not reveal whether this one was rotated.
  if (!reads(scope)) return is(answer, '400 invalid_scope');
  const requested = how === 'widen' ? 'widen' : 'none';
  const shown = { shown: bearer, scope, isRefused: how === 'widen', held: grant.stolen, requested } as const;
  const complaint = exchange(model, grant, shown, answer);
  const follows = answer.outcome === '200' && grant.movedOn;
  return first(complaint, same('a thief who still follows the partner', follows, false));
};

const refresh = (
  model: Model,
  grant: Grant,
  { how }: Refresh,
  { bearer }: Aimed,
  answer: Answer,
): string | undefined => {
  if (how === 'noClient' && grant.partner === 'demo-partner')
    return is(answer, '401 invalid_client', '400 invalid_grant');
  const isForged = ['damaged', 'guessed', 'fromAccessToken', 'otherClient'].includes(how);
  if (isForged || !isLive(model, grant) || !isAllowed(model, grant)) return is(answer, '400 invalid_grant');
  if (!mayRefresh(model, grant)) return is(answer, '400 invalid_grant');
  const whole = leftOf(model, grant.partner, grant.scope);
  const asked = leftOf(model, grant.partner, narrowScope);
  // A refresh limits the registered scope to what was granted.
  const isHeld = /patient\/(?:\*|Observation)\.rs/.test(grant.scope);
  const scope = how === 'narrow' ? (isHeld ? asked : '') : whole;
  if (!reads(whole)) return is(answer, '400 invalid_scope');
  const isRefused = how === 'widen' || !reads(scope);
  // A token of the right family that was never issued to anyone.
  const shown = how === 'sameFamily' ? 'a token of nobody’s' : bearer;
  if (answer.outcome === '200' && !grant.stolen.includes(shown)) grant.movedOn = true;
  const requested = how === 'narrow' || how === 'widen' || how === 'whole' ? how : 'none';
  return exchange(model, grant, { shown, scope, isRefused, held: grant.refresh, requested }, answer);
};

const revoke = (model: Model, grant: Grant, call: Revoke, answer: Answer, payer: PayerSays): string | undefined => {
  if (call.how === 'otherClient') return is(answer, '200', '400 invalid_grant');
  const known = call.how === 'right' && (call.type === 'refresh' || opens(model, grant, call.age));
  if (!known || !isLive(model, grant)) return is(answer, '200');
  grant.ended = 'its partner revoked it';
  const isTold = grant.payer !== 'northwind' || payer.events.includes('revoked');
  return is(answer, '200') ?? same('the payer’s hearing of it', isTold, true);
};

const introspect = (model: Model, grant: Grant, call: Introspect, answer: Answer): string | undefined => {
  const { age } = call;
  const isRefresh = call.type === 'refresh';
  if (caller(grant, call) === 'demo-app') return is(answer, '401 invalid_client');
  const mine = call.how === 'right' && isLive(model, grant) && isAllowed(model, grant);
  const active = mine && (isRefresh ? age === 0 && mayRefresh(model, grant) : opens(model, grant, call.age));
  if (!active) return is(answer, '200') ?? same('the answer', JSON.stringify(answer.body), '{"active":false}');
  const { body } = answer;
  const left = leftOf(model, grant.partner, isRefresh ? grant.scope : (grant.access[age]?.scope ?? ''));
  return first(
    is(answer, '200'),
    same('active', body['active'], true),
    same('client_id', body['client_id'], grant.partner),
    same('patient', body['patient'], grant.patient),
    same('exp', body['exp'], isRefresh ? grant.endsAt : grant.access[age]?.expiresAt),
    same('scope', sorted(body['scope']), sorted(left)),
  );
};

const read = (model: Model, grant: Grant, call: Read, answer: Answer, payer: PayerSays): string | undefined => {
  const { age } = call;
  const isOurs = call.how === 'right' || call.how === 'otherPatient';
  const isRefused = payer.events.includes('refused');
  // Only a read whose token was valid asks the payer; this one may have begun before the concurrent call replaced that
  // token.
  if (call.how === 'right' && isRefused && payer.shared && answer.outcome === '401')
    grant.ended ??= 'the payer refused its refresh token';
  if (!isOurs || !opens(model, grant, call.age) || !isAllowed(model, grant)) return is(answer, '401');
  const left = leftOf(model, grant.partner, grant.access[age]?.scope ?? '');
  if (call.how === 'otherPatient' || !left.includes('patient/*.rs')) return is(answer, '403');
  if (isRefused) grant.ended ??= 'the payer refused its refresh token';
  // Beside the read whose refresh was refused, another one may have had its answer already.
  if (isRefused && (!payer.shared || answer.outcome === '401')) return is(answer, '401');
  if (!payer.good && !payer.renews) return is(answer, '403');
  if (!payer.good && payer.mood !== 'well') return is(answer, '502', '503', '504');
  return is(answer, '200') ?? same('the patient', answer.body['id'], grant.patient);
};

/** An answered call, and what the payer said in the meantime. */
export interface Answered {
  readonly aimed: Aimed;
  readonly answer: Answer;
  readonly payer: PayerSays;
}

/** Judges the answer to a call about a grant. */
export const judgeCall = (model: Model, { aimed, answer, payer }: Answered): string | undefined => {
  const grant = model.grants[aimed.grant];
  const { call } = aimed;
  if (grant === undefined) return 'there is no such grant';
  if (call.kind !== 'read' && model.out.has(caller(grant, call))) {
    return is(answer, '401 invalid_client', ...(call.how === 'noClient' ? ['400 invalid_grant'] : []));
  }
  const age = bearersOf(grant, call).indexOf(aimed.bearer);
  if (call.kind === 'redeem') return redeem(model, grant, call, answer);
  if (call.kind === 'refresh') return refresh(model, grant, call, aimed, answer);
  if (call.kind === 'thief') return theft(model, grant, call, aimed, answer);
  if (call.kind === 'revoke') return revoke(model, grant, { ...call, age }, answer, payer);
  if (call.kind === 'introspect') return introspect(model, grant, { ...call, age }, answer);
  return read(model, grant, { ...call, age }, answer, payer);
};

/** The answers to two concurrent calls must be possible for the calls one after the other, in either order. */
export const judgeTogether = (
  model: Model,
  calls: readonly Answered[],
): { readonly model: Model; readonly complaint: string | undefined } => {
  const orders = [calls, calls.toReversed()].map((order) => {
    const copy = structuredClone(model);
    return { model: copy, complaint: first(...order.map((answered) => judgeCall(copy, answered))) };
  });
  const fits = orders.find(({ complaint }) => complaint === undefined);
  return fits ?? { model, complaint: `in no order: ${orders.map(({ complaint }) => complaint).join('; ')}` };
};

/** Judges the answer to a browser that a partner sent. */
export const judgeAuthorize = (model: Model, call: Authorize, answer: Answer): string | undefined => {
  if (model.out.has(call.partner)) return is(answer, '400');
  if (!isAllowed(model, call)) return is(answer, '302 unauthorized_client');
  if (!call.pkce && call.partner === 'demo-app') return is(answer, '302 invalid_request');
  const asked = { none: registeredNow(model, call.partner).join(' '), offline: registeredScope, online: onlineScope };
  const granted = leftOf(model, call.partner, asked[call.scope]);
  model.attempts.push({ ...call, granted, expiresAt: model.now + loginLives, used: false });
  return is(answer, '302');
};

/** Judges the answer to a browser that returns from the payer; `patient` is who signed in there. */
export const judgeCallback = (
  model: Model,
  call: Callback,
  attempt: Attempt,
  answer: Answer,
  { patient, mood }: { readonly patient: string; readonly mood: PayerSays['mood'] },
): string | undefined => {
  const isHers = call.how === 'right' || call.how === 'denied';
  if (!isHers || attempt.used || model.now >= attempt.expiresAt) return is(answer, '400');
  attempt.used = true;
  if (!isAllowed(model, attempt)) return is(answer, '400');
  if (call.how === 'denied') return is(answer, '302 access_denied');
  if (mood !== 'well') return is(answer, '302 temporarily_unavailable', '302 server_error');
  const scope = call.renews ? attempt.granted : attempt.granted.replace(/ ?offline_access/, '');
  const endsAt = model.now + (call.renews ? grantLives : call.lives);
  model.grants.push({
    partner: attempt.partner,
    payer: attempt.payer,
    patient,
    scope,
    pkce: attempt.pkce,
    refreshable: call.renews && attempt.granted.includes('offline_access'),
    code: String(answer.body['code']),
    codeExpiresAt: Math.min(model.now + codeLives, endsAt),
    endsAt,
    redeemed: false,
    ended: undefined,
    access: [],
    refresh: [],
    current: [],
    previous: undefined,
    rotatedAt: 0,
    rotatedFor: 'none',
    stolen: [],
    movedOn: false,
  });
  return is(answer, '302');
};
