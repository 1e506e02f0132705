import { base64url, nowSeconds, type Deps } from '../deps.ts';
import { GatewayError, unavailable } from '../errors.ts';
import { raise, raiseOf, type RequestRecord } from '../record/request-record.ts';
import type { Payer } from '../registry/types.ts';
import { sealIvBytes } from '../store/crypto.ts';
import type { Table } from '../store/dynamo.ts';
import { isLive, sealPayerTokens, unsealPayerTokens, type Grant, type PayerTokens } from '../store/grant.ts';
import { getGrant, releaseLease, revoke, storePayerTokens, takeLease } from '../store/grants.ts';
import { refreshAtPayer, revokeAtPayer, type PayerClientDeps, type RefreshedTokens } from './client.ts';
import { PayerError, readFailure } from './errors.ts';
import { patientId } from './patient-id.ts';

/** What refreshing payer tokens takes. */
export interface PayerTokenDeps extends PayerClientDeps, Pick<Deps, 'randomBytes'> {
  readonly grants: Table;
  /** Waits; passed in so that tests need not. */
  readonly sleep: (ms: number) => Promise<void>;
}

/** The record of the request that needs payer tokens: it hears of a failed refresh also where that is got over. */
type Requester = Pick<RequestRecord, 'requestId' | 'signals'>;

/** A grant opened with the key that its bearer carries. */
export interface OpenGrant {
  readonly grant: Grant;
  readonly grantKey: Uint8Array;
  readonly tokens: PayerTokens;
}

const refreshEarlySeconds = 60;
/** Well above the two tries that a refresh may take at the payer. */
const leaseMs = 30_000;
const waitMs = 150;
const storeAgainMs = 500;
const longestWaitMs = 22_000;

const ended = (detail: string): GatewayError =>
  new GatewayError('invalid_token', 'This access has ended. Ask the member to connect again.', { detail });

const hasEnded = (error: unknown): boolean => error instanceof GatewayError && error.code === 'invalid_token';

/**
 * Opens a grant's payer tokens.
 * @throws GatewayError `invalid_token` where the key is not this grant's
 */
export const openGrant = (grant: Grant, grantKey: Uint8Array): OpenGrant => {
  try {
    return { grant, grantKey, tokens: unsealPayerTokens(grant, grantKey) };
  } catch {
    throw ended('the token does not open its grant');
  }
};

const rereadGrant = async (deps: PayerTokenDeps, { grant, grantKey }: OpenGrant): Promise<OpenGrant> => {
  const now = await getGrant(deps.grants, grant.grantId);
  if (now === undefined || !isLive(now, nowSeconds(deps.clock))) throw ended('the grant ended meanwhile');
  return openGrant(now, grantKey);
};

/** The lease on a refresh that we hold. */
interface Held {
  readonly requestId: string;
  readonly old: PayerTokens & { readonly refreshToken: string };
  readonly untilMs: number;
}

/** Stores new payer tokens as long as the lease lasts: with the old refresh token used up, they are all there is. */
const storeInLease = async (
  deps: PayerTokenDeps,
  grant: Grant,
  sealed: Uint8Array,
  { requestId, untilMs }: Held,
): Promise<boolean> => {
  for (;;) {
    try {
      return await storePayerTokens(deps.grants, grant, { sealed, now: nowSeconds(deps.clock), requestId });
    } catch (error) {
      if (deps.clock.now() + storeAgainMs > untilMs) throw error;
      await deps.sleep(storeAgainMs);
    }
  }
};

/** Whether a refresh brought tokens for another member. Where it names nobody, nothing has changed. */
const isAboutAnother = (payer: Payer, grant: Grant, { patient }: RefreshedTokens): boolean => {
  if (payer.patientFrom !== 'token' || grant.patient === undefined) return false;
  const named = patientId(payer, patient);
  return named !== undefined && named !== grant.patient;
};

/** The payer has mistaken the member. Nothing of what it answered is used or kept, and the grant ends. */
const endMistaken = async (
  deps: PayerTokenDeps,
  payer: Payer,
  { grant: { grantId, payerVersion } }: OpenGrant,
  tokens: PayerTokens,
  record: Requester,
): Promise<never> => {
  const { requestId } = record;
  const revocation = { now: nowSeconds(deps.clock), requestId, payerVersion };
  const isEnded = await revoke(deps.grants, grantId, 'otherPatient', revocation);
  await revokeAtPayer(deps, payer, tokens);
  raise(record, 'refreshFailed');
  if (isEnded) throw ended('the payer refreshed to another patient: grant revoked');
  throw new PayerError('nonsense', 'the refreshed tokens are about another patient');
};

const refreshHeld = async (
  deps: PayerTokenDeps,
  payer: Payer,
  open: OpenGrant,
  held: Held,
  record: Requester,
): Promise<OpenGrant> => {
  const { grant, grantKey } = open;
  const answer = await refreshAtPayer(deps, payer, held.old);
  const { problem, tokens } = answer;
  if (isAboutAnother(payer, grant, answer)) return endMistaken(deps, payer, open, tokens, record);
  const sealed = sealPayerTokens(tokens, { grantId: grant.grantId, grantKey, iv: deps.randomBytes(sealIvBytes) });
  if (await storeInLease(deps, grant, sealed, held)) {
    if (problem !== undefined) throw problem;
    const next = { ...grant, sealedPayerTokens: sealed, payerVersion: grant.payerVersion + 1 };
    return { grant: next, grantKey, tokens };
  }
  try {
    return await rereadGrant(deps, open);
  } catch (error) {
    // Revoked meanwhile: nobody will ever use what the payer has just issued. After a read that failed they may be the
    // very tokens that were stored, by a write whose answer was lost.
    if (hasEnded(error)) await revokeAtPayer(deps, payer, tokens);
    throw error;
  }
};

/** On `invalid_grant` the grant is dead only if the version that was refused is still the current one. */
const afterRefusal = async (deps: PayerTokenDeps, open: OpenGrant, record: Requester): Promise<OpenGrant> => {
  const current = await rereadGrant(deps, open);
  if (current.grant.payerVersion !== open.grant.payerVersion) return current;
  const { grantId, payerVersion } = open.grant;
  const now = nowSeconds(deps.clock);
  const { requestId } = record;
  if (await revoke(deps.grants, grantId, 'refusedByPayer', { now, requestId, payerVersion })) {
    raise(record, 'refreshFailed');
    throw ended('the payer refused its refresh token: grant revoked');
  }
  return rereadGrant(deps, open);
};

/** Refreshes, or finds that the grant has ended. A refusal that cannot be confirmed is a failure like any other. */
const refreshOrEnd = async (
  deps: PayerTokenDeps,
  payer: Payer,
  open: OpenGrant,
  held: Held,
  record: Requester,
): Promise<OpenGrant> => {
  try {
    return await refreshHeld(deps, payer, open, held, record);
  } catch (error) {
    if (error instanceof PayerError && error.failure === 'invalid_grant') return afterRefusal(deps, open, record);
    throw error;
  }
};

const waitForHolder = async (deps: PayerTokenDeps, open: OpenGrant): Promise<OpenGrant | undefined> => {
  const startedAt = deps.clock.monotonic();
  while (deps.clock.monotonic() - startedAt < longestWaitMs) {
    await deps.sleep(waitMs);
    const current = await rereadGrant(deps, open);
    if (current.grant.payerVersion !== open.grant.payerVersion) return current;
    if ((current.grant.leaseUntilMs ?? 0) < deps.clock.now()) return undefined;
  }
  throw unavailable('another refresh of the payer tokens takes too long');
};

/**
 * Refreshes payer tokens once for all who ask at the same time. A failure that says nothing about the grant leaves the
 * grant as it was.
 * @param usable the token is still good, so whoever may not or cannot refresh goes on with it
 * @throws GatewayError `invalid_token` where the grant has ended, a payer failure otherwise
 */
export const refreshPayerTokens = async (
  deps: PayerTokenDeps,
  payer: Payer,
  open: OpenGrant,
  record: Requester,
  { usable = false }: { usable?: boolean } = {},
): Promise<OpenGrant> => {
  const { requestId } = record;
  const { refreshToken } = open.tokens;
  if (refreshToken === undefined) throw reconnect('the payer gave no refresh token');
  const nowMs = deps.clock.now();
  const owner = `${requestId}.${base64url(deps.randomBytes(9))}`;
  const untilMs = nowMs + leaseMs;
  const held = await takeLease(deps.grants, open.grant, { owner, nowMs, untilMs }).catch((error: unknown) => {
    if (usable) return false;
    throw error;
  });
  if (!held) {
    if (usable) return open;
    return (await waitForHolder(deps, open)) ?? refreshPayerTokens(deps, payer, open, record);
  }
  try {
    return await refreshOrEnd(deps, payer, open, { requestId, old: { ...open.tokens, refreshToken }, untilMs }, record);
  } catch (error) {
    if (hasEnded(error)) throw error;
    await releaseLease(deps.grants, open.grant.grantId, owner).catch(() => undefined);
    const failure = error instanceof PayerError ? readFailure(error) : error;
    raise(record, 'refreshFailed');
    raiseOf(record, failure);
    if (usable) return open;
    throw failure;
  }
};

/** The payer refuses its own token for good: a 401 of ours would send clients round for ever, so it is 403. */
export const reconnect = (detail: string): GatewayError =>
  new GatewayError('reconnect', 'The health plan no longer accepts this access. Ask the member to connect again.', {
    detail,
  });

/**
 * Payer tokens that are good for a call: refreshed early where they are about to expire.
 * @throws as {@link refreshPayerTokens}
 */
export const freshPayerTokens = (
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
  throw reconnect('the payer token has expired and cannot be refreshed');
};
