import { decodeJwt } from 'jose';
import { base64url } from '../base64url.ts';
import { nowSeconds } from '../clock.ts';
import { asGatewayError, GatewayError, unavailable } from '../errors.ts';
import { raise, raiseSignalOf, type RequestRecord } from '../record/request-record.ts';
import { identityProfile } from '../registry/profile.ts';
import type { Payer } from '../registry/types.ts';
import { ignoredWords } from '../scopes/log-scopes.ts';
import { scopeAtPayer } from '../scopes/scope-at-payer.ts';
import { writeScopes, type Scopes } from '../scopes/scopes.ts';
import { sealIvBytes } from '../store/crypto.ts';
import type { Table } from '../store/dynamo.ts';
import { isLive, sealPayerTokens, type Grant, type PayerTokens } from '../store/grant-item.ts';
import { getGrant, releaseLease, revoke, storePayerTokens, takeLease } from '../store/grants.ts';
import { refreshAtPayer, revokeAtPayer, type PayerClientDeps, type RefreshedTokens } from './client.ts';
import { failureAtRead, PayerError } from './errors.ts';
import { accessEnded, openGrant, type OpenGrant } from './open-grant.ts';
import { patientId, patientMemberOf } from './patient-id.ts';
import { isAmbiguousJwt, memberOf } from './token-answer.ts';

/*
 * Payer tokens are refreshed once for all requests that need it at the same time:
 *
 *   takeLease ─┬─ ours ──────► askPayer ─┬─ new tokens ──► storeTokens ─┬─ stored ────► done
 *       ▲      │                         │                              └─ refused ───► useStored ─┬─► done
 *       │      │                         │                                                        └─► ended
 *       │      │                         ├─ refused ──────► confirmRefusal ─┬─ newer tokens are stored ─► done
 *       │      │                         │                                  ├─ by invalid_grant ─► ended
 *       │      │                         │                                  └─ in other words ─► reconnect
 *       │      │                         └─ another patient ─► endMistaken ─► ended
 *       │      ├─ another's, and the old token is still good ─► done, with the old token
 *       │      └─ another's ─► waitForHolder ─┬─ newer tokens are stored ─► done
 *       └──────────────────── lease is over ──┘
 *
 * Correctness does not rest on the lease. Tokens are stored only if the version that was read is still current, and
 * only a refusal of the current version ends a grant. Any other failure while the lease is held releases the lease and
 * leaves the grant as it was (`giveUp`). After a refusal in other words than `invalid_grant`, which may be a mistake of the payer's, the
 * lease stays for five minutes: nobody asks the payer again, and whoever waits for the lease gets the same answer.
 */

/** What a refresh of payer tokens needs. */
export interface PayerTokenDeps extends PayerClientDeps {
  readonly randomBytes: (size: number) => Uint8Array;
  readonly grants: Table;
  /** Waits; passed in so that tests need not wait. */
  readonly sleep: (ms: number) => Promise<void>;
}

/** The record of the request that needs payer tokens. It notes a failed refresh even if the request goes on. */
type Requester = Pick<RequestRecord, 'requestId' | 'signals' | 'detail'>;

const refreshEarlySeconds = 60;
/** Well above the time of the two tries that a refresh may take. */
const leaseMs = 30_000;
const waitMs = 150;
const storeAgainMs = 500;
const longestWaitMs = 22_000;

/** What all states of one refresh share. */
interface Refresh {
  readonly deps: PayerTokenDeps;
  readonly payer: Payer;
  readonly open: OpenGrant;
  readonly old: PayerTokens & { readonly refreshToken: string };
  readonly record: Requester;
  /** Whether the old token is still valid, so that a request that cannot refresh goes on with it. */
  readonly usable: boolean;
}

/** The lease that this request holds. */
interface Lease {
  readonly owner: string;
  readonly untilMs: number;
}

type State =
  | { readonly name: 'takeLease' }
  | { readonly name: 'waitForHolder' }
  | { readonly name: 'askPayer'; readonly lease: Lease }
  | { readonly name: 'storeTokens'; readonly lease: Lease; readonly refreshed: RefreshedTokens }
  | { readonly name: 'useStored'; readonly lease: Lease; readonly unstored: PayerTokens }
  | { readonly name: 'confirmRefusal'; readonly lease: Lease; readonly refusal: PayerError }
  | { readonly name: 'endMistaken'; readonly lease: Lease; readonly mistaken: PayerTokens; readonly another: string }
  | { readonly name: 'done'; readonly open: OpenGrant };

/**
 * Refreshes payer tokens once for all requests that need it at the same time. A failure that says nothing about the
 * grant leaves the grant as it was.
 * @param usable the old token is still valid, so a request that cannot refresh goes on with it
 * @throws GatewayError `invalid_token` if the grant has ended, a payer failure otherwise
 */
export const refreshPayerTokens = async (
  deps: PayerTokenDeps,
  payer: Payer,
  open: OpenGrant,
  record: Requester,
  { usable = false }: { usable?: boolean } = {},
): Promise<OpenGrant> => {
  const { refreshToken } = open.tokens;
  if (refreshToken === undefined) {
    await rereadGrant(deps, open);
    throw reconnectNeeded('the payer gave no refresh token');
  }
  const refresh: Refresh = { deps, payer, open, old: { ...open.tokens, refreshToken }, record, usable };
  let state: State = { name: 'takeLease' };
  while (state.name !== 'done') {
    try {
      state = await leave(state, refresh);
    } catch (error) {
      if (!('lease' in state) || hasEnded(error)) throw error;
      state = await giveUp(refresh, state.lease, error);
    }
  }
  return state.open;
};

/** Runs a state's step and returns the next state. */
const leave = (state: Exclude<State, { name: 'done' }>, refresh: Refresh): Promise<State> => {
  switch (state.name) {
    case 'takeLease':
      return takeLeaseOrWait(refresh);
    case 'waitForHolder':
      return waitForHolder(refresh);
    case 'askPayer':
      return askPayer(refresh, state.lease);
    case 'storeTokens':
      return storeTokens(refresh, state.lease, state.refreshed);
    case 'useStored':
      return useStored(refresh, state.unstored);
    case 'confirmRefusal':
      return confirmRefusal(refresh, state.refusal);
    case 'endMistaken':
      return endMistaken(refresh, state);
  }
};

const done = (open: OpenGrant): State => ({ name: 'done', open });

const takeLeaseOrWait = async ({ deps, open, record, usable }: Refresh): Promise<State> => {
  const nowMs = deps.clock.now();
  const lease = { owner: `${record.requestId}.${base64url(deps.randomBytes(9))}`, untilMs: nowMs + leaseMs };
  try {
    if (await takeLease(deps.grants, open.grant, { ...lease, nowMs })) return { name: 'askPayer', lease };
  } catch (error) {
    if (!usable) throw error;
  }
  return usable ? done(open) : { name: 'waitForHolder' };
};

const waitForHolder = async ({ deps, open }: Refresh): Promise<State> => {
  const startedAt = deps.clock.monotonic();
  while (deps.clock.monotonic() - startedAt < longestWaitMs) {
    await deps.sleep(waitMs);
    const current = await rereadGrant(deps, open);
    if (current.grant.payerVersion !== open.grant.payerVersion) return done(current);
    if ((current.grant.leaseUntilMs ?? 0) < deps.clock.now()) return { name: 'takeLease' };
    if (wasRefused(current)) throw reconnectNeeded('the payer refused this access within the last five minutes');
  }
  throw unavailable('another refresh of the payer tokens takes too long');
};

const askPayer = async ({ deps, payer, open, old }: Refresh, lease: Lease): Promise<State> => {
  try {
    const refreshed = await refreshAtPayer(deps, payer, old);
    const another = namedAnother(payer, open, refreshed);
    if (another !== undefined) return { name: 'endMistaken', lease, mistaken: refreshed.tokens, another };
    return { name: 'storeTokens', lease, refreshed };
  } catch (error) {
    if (!(error instanceof PayerError) || !isRefusal(payer, error)) throw error;
    return { name: 'confirmRefusal', lease, refusal: error };
  }
};

/**
 * Whether a payer refuses the refresh token. If our request names no scope, `invalid_scope` means that the payer no longer gives the scope
 * of the member's sign-in.
 */
const isRefusal = ({ quirks }: Payer, { failure }: PayerError): boolean =>
  failure === 'invalid_grant' ||
  failure === 'refused' ||
  (failure === 'invalid_scope' && quirks.extraRefreshParameters?.['scope'] === undefined);

/**
 * The grant's scope after a refresh: never more than before, whatever the payer answers (RFC 6749 §6). An answer without a
 * scope changes nothing (§5.1).
 */
const narrowed = (payer: Payer, { scope }: Grant, answered: Scopes | undefined): Scopes =>
  answered === undefined ? scope : scopeAtPayer(payer, scope, answered);

const storeTokens = async (refresh: Refresh, lease: Lease, refreshed: RefreshedTokens): Promise<State> => {
  const { deps, payer, open, record } = refresh;
  const { tokens, problem } = refreshed;
  const { grant, grantKey } = open;
  const profile = grant.via === 'identity' ? identityProfile(payer) : payer;
  const scope = narrowed(profile, grant, refreshed.scope);
  const iv = deps.randomBytes(sealIvBytes);
  const sealed = sealPayerTokens(tokens, { grant: { ...grant, scope }, grantKey, iv });
  const change = writeScopes(scope) === writeScopes(grant.scope) ? {} : { scope };
  if (!(await storeInLease(refresh, lease, { sealed, ...change })))
    return { name: 'useStored', lease, unstored: tokens };
  if (problem !== undefined) throw problem;
  // The operator should see why access was lost.
  if (change.scope !== undefined)
    record.detail = ignoredWords(profile, refreshed.scope, { counted: grant.via === 'identity' }) ?? record.detail;
  const next = { ...grant, scope, sealedPayerTokens: sealed, payerVersion: grant.payerVersion + 1 };
  return done({ grant: next, grantKey, tokens });
};

/** Retries while the lease lasts: the old refresh token is spent, so the new tokens are all there is. */
const storeInLease = async (
  { deps, open, record }: Refresh,
  lease: Lease,
  renewed: { readonly sealed: Uint8Array; readonly scope?: Scopes },
): Promise<boolean> => {
  for (;;) {
    try {
      const now = nowSeconds(deps.clock);
      return await storePayerTokens(deps.grants, open.grant, { ...renewed, now, requestId: record.requestId });
    } catch (error) {
      if (deps.clock.now() + storeAgainMs > lease.untilMs) throw error;
      await deps.sleep(storeAgainMs);
    }
  }
};

/** Another refresh was quicker, or the grant was revoked in the meantime. What is stored counts. */
const useStored = async ({ deps, payer, open }: Refresh, unstored: PayerTokens): Promise<State> => {
  try {
    return done(await rereadGrant(deps, open));
  } catch (error) {
    // Revoked in the meantime: nobody will ever use the tokens that the payer has just issued. If the read failed instead,
    // they may be the stored ones, from a write whose answer was lost.
    if (hasEnded(error)) await revokeAtPayer(deps, payer, unstored);
    throw error;
  }
};

/** A refusal counts only if the refused version is still the current one. `invalid_grant` ends the grant then. */
const confirmRefusal = async ({ deps, open, record }: Refresh, { failure, detail }: PayerError): Promise<State> => {
  const current = await rereadGrant(deps, open);
  const { grantId, payerVersion } = open.grant;
  if (current.grant.payerVersion !== payerVersion) return done(current);
  if (failure !== 'invalid_grant') throw reconnectNeeded(detail);
  const revocation = { now: nowSeconds(deps.clock), requestId: record.requestId, payerVersion };
  if (await revoke(deps.grants, grantId, 'refusedByPayer', revocation)) {
    raise(record, 'refreshFailed');
    throw accessEnded('the payer refused its refresh token: grant revoked');
  }
  return done(await rereadGrant(deps, open));
};

/** The payer answered for another member. Nothing of its answer is used or kept, and the grant ends. */
const endMistaken = async (
  { deps, payer, open, record }: Refresh,
  { mistaken, another }: Extract<State, { name: 'endMistaken' }>,
): Promise<never> => {
  const { grantId, payerVersion } = open.grant;
  const revocation = { now: nowSeconds(deps.clock), requestId: record.requestId, payerVersion };
  const isEnded = await revoke(deps.grants, grantId, 'otherPatient', revocation);
  await revokeAtPayer(deps, payer, mistaken);
  raise(record, 'refreshFailed');
  if (isEnded) throw accessEnded(`the payer refreshed to ${another}: grant revoked`);
  throw new PayerError('nonsense', `the refreshed tokens are about ${another}`);
};

/** Releases the lease, or keeps it after a refusal, and notes the failure. Throws it, unless the old token is still valid. */
const giveUp = async (refresh: Refresh, lease: Lease, error: unknown): Promise<State> => {
  const { deps, open, record, usable } = refresh;
  if (error instanceof GatewayError && error.code === 'reconnect') {
    await noteRefusal(deps, { open, held: lease.owner }, record);
  } else {
    await releaseLease(deps.grants, open.grant.grantId, lease.owner).catch(() => undefined);
    raise(record, 'refreshFailed');
  }
  const failure = error instanceof PayerError ? failureAtRead(error) : error;
  raiseSignalOf(record, failure);
  if (!usable) throw failure;
  // The read may still succeed. Its log line must say why an alarm counts it.
  record.detail = asGatewayError(failure).detail ?? 'the payer tokens were not refreshed';
  return done(open);
};

const refusalMs = 5 * 60_000;

/** Owns a lease after the payer refused this request's refresh, or the token that came of it. */
const ownerAfterRefusal = ({ requestId }: Requester): string => `refused.${requestId}`;

const wasRefused = ({ grant }: OpenGrant): boolean => grant.leaseOwner?.startsWith('refused.') === true;

/**
 * Keeps others from asking the payer for five minutes, after it refused a refresh in other words than `invalid_grant`, or the token that it
 * had just given. Only the first of several refusals is counted, however often a partner asks.
 * @param open with the tokens that the payer refused
 * @param before the grant as the request found it
 * @param held the owner of the lease, if this request holds it
 */
export const noteRefusal = async (
  { clock, grants }: Pick<PayerTokenDeps, 'clock' | 'grants'>,
  { open, before = open, held }: { readonly open: OpenGrant; readonly before?: OpenGrant; readonly held?: string },
  record: Requester,
): Promise<void> => {
  const nowMs = clock.now();
  const lease = { owner: ownerAfterRefusal(record), from: held, nowMs, untilMs: nowMs + refusalMs };
  const isFirst = await takeLease(grants, open.grant, lease).catch(() => true);
  if (isFirst && !wasRefused(before)) raise(record, 'refreshFailed');
};

/**
 * Reads a grant again, to get tokens that another refresh has stored, or to find out whether the payer refused a token because
 * the grant has ended, which is a 401 (RFC 6750 §3.1).
 * @throws GatewayError `invalid_token` if the grant has ended
 */
export const rereadGrant = async (
  deps: Pick<PayerTokenDeps, 'clock' | 'grants'>,
  { grant, grantKey }: OpenGrant,
): Promise<OpenGrant> => {
  const now = await getGrant(deps.grants, grant.grantId);
  if (now === undefined || !isLive(now, nowSeconds(deps.clock))) throw accessEnded('the grant ended in the meantime');
  return openGrant(now, grantKey);
};

/**
 * What a refreshed `id_token` says in the payer's `patientMember`. It came from the token endpoint itself, and only compares (OpenID
 * Connect Core §3.1.3.7, §12.2). One that cannot be read is returned as it is.
 */
const claimed = (payer: Payer, idToken: unknown): unknown => {
  if ((idToken ?? '') === '') return undefined;
  try {
    const claims = decodeJwt(String(idToken));
    return isAmbiguousJwt(String(idToken)) ? { idToken } : memberOf(claims, patientMemberOf(payer));
  } catch {
    return { idToken };
  }
};

/**
 * Whom else a refresh returned tokens for, for the log: another member, or one who cannot be read. Undefined if for nobody else. An
 * answer without a patient changes nothing. A value that the sign-in does not use, such as the token answer's `patient` where a search
 * finds it, is not compared.
 */
const namedAnother = (
  payer: Payer,
  { grant }: OpenGrant,
  { patient, idToken }: RefreshedTokens,
): string | undefined => {
  const { patientFrom } = payer;
  if (grant.patient === undefined || (patientFrom !== 'token' && patientFrom !== 'id_token')) return undefined;
  const named = patientFrom === 'token' ? patient : claimed(payer, idToken);
  if ((named ?? '') === '') return undefined;
  const id = patientId(payer, named);
  if (id === grant.patient) return undefined;
  return id === undefined ? 'a patient that cannot be read' : 'another patient';
};

const hasEnded = (error: unknown): boolean => error instanceof GatewayError && error.code === 'invalid_token';

/**
 * Makes the error for a payer that permanently refuses its own token. A 401 would make clients retry forever, so it is
 * 403.
 */
export const reconnectNeeded = (detail: string): GatewayError =>
  new GatewayError('reconnect', 'The health plan no longer accepts this access. Ask the member to connect again.', {
    detail,
  });

/**
 * Returns payer tokens that are valid for a call, refreshed early if they are about to expire.
 * @throws as {@link refreshPayerTokens}
 */
export const ensureFreshPayerTokens = (
  deps: PayerTokenDeps,
  payer: Payer,
  open: OpenGrant,
  record: Requester,
): Promise<OpenGrant> | OpenGrant => {
  const { expiresAt, refreshToken } = open.tokens;
  const now = nowSeconds(deps.clock);
  if (expiresAt === undefined || expiresAt - now > refreshEarlySeconds) return open;
  const usable = expiresAt > now;
  if (refreshToken !== undefined) return refreshPayerTokens(deps, payer, open, record, { usable });
  if (usable) return open;
  throw reconnectNeeded('the payer token has expired and cannot be refreshed');
};
