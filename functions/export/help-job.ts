import { nowSeconds } from '../shared/clock.ts';
import { asGatewayError } from '../shared/errors.ts';
import { writeJobCredentials } from '../shared/exports/job-credentials.ts';
import { requireOwnExport } from '../shared/exports/sealing-key.ts';
import type { Authenticated } from '../shared/partner/authenticate.ts';
import { takePartnerTurn, type RateLimitContext } from '../shared/partner/rate-limit.ts';
import { ensureFreshPayerTokens, refreshPayerTokens } from '../shared/payer/refresh-tokens.ts';
import { readSecretHeaders } from '../shared/payer/secrets.ts';
import { raiseSignalOf } from '../shared/record/request-record.ts';
import type { Export } from '../shared/store/export-item.ts';
import { giveToken, noteAwake, startAgain } from '../shared/store/exports.ts';
import type { ExportDeps } from './deps.ts';
import type { FoundExport } from './find-export.ts';
import { renewAheadSeconds } from './progress.ts';

/*
 * What a poll does for the job, since only a poll carries the key that opens the payer's tokens:
 *
 *   not begun after a minute ─► start it again
 *   waiting for a token ──────► give one newer than the refused one ─► wake it
 *   its token ends soon ──────► give a newer one
 *
 * A poll is answered whether or not this works. The next one tries again.
 */

/** How long the job may take to begin, in seconds. */
const beginsWithinSeconds = 60;

const isLateToBegin = ({ beganAt, startedAt, startAgainAt = startedAt }: Export, now: number): boolean =>
  beganAt === undefined && now - startAgainAt > beginsWithinSeconds;

/** Whether the job should get its next token now. A short-lived token is replaced in the second half of its life. */
const endsSoon = ({ payerTokenExpiresAt, payerTokenAt }: Export, now: number): boolean => {
  if (payerTokenExpiresAt === undefined) return false;
  const lives = payerTokenExpiresAt - (payerTokenAt ?? now);
  return payerTokenExpiresAt - now <= Math.min(2 * renewAheadSeconds, lives / 2);
};

/** The version that the job's next token must be newer than; undefined if the job needs no token now. */
const wantsNewerThan = (item: Export, { open }: Authenticated, now: number): number | undefined => {
  const { wanted, payerVersion } = item;
  if (wanted !== undefined) return payerVersion > wanted.refusedVersion ? undefined : wanted.refusedVersion;
  if (!endsSoon(item, now)) return undefined;
  const canRenew = open.tokens.refreshToken !== undefined || open.grant.payerVersion > payerVersion;
  return canRenew ? payerVersion : undefined;
};

/**
 * Gives the job a payer token newer than the version, and refreshes the grant's unless another read already has.
 * @throws GatewayError `server_error` if somebody changed the item, before anything is sealed anew
 */
const giveNewerToken = async (
  deps: ExportDeps,
  item: Export,
  { payer, open }: Authenticated,
  { record }: RateLimitContext,
  version: number,
): Promise<void> => {
  const boundTo = requireOwnExport(open.grantKey, open.grant, item);
  const usable = item.wanted === undefined;
  const { grant, tokens } =
    open.grant.payerVersion > version
      ? await ensureFreshPayerTokens(deps, payer, open, record)
      : await refreshPayerTokens(deps, payer, open, record, { usable });
  if (grant.payerVersion <= version) return;
  const { accessToken } = tokens;
  const credentials = {
    accessToken,
    secretHeaders: await readSecretHeaders(deps, payer),
    ...(boundTo === undefined ? {} : { boundTo }),
  };
  await giveToken(deps.exports, item, {
    payerToken: await deps.sealForJob(item.exportId, 'payer token', writeJobCredentials(credentials)),
    payerTokenExpiresAt: tokens.expiresAt,
    payerTokenAt: nowSeconds(deps.clock),
    payerVersion: grant.payerVersion,
  });
};

/** Wakes a waiting job. This is recorded only afterwards, so that the next poll repeats a message that failed. */
const wake = async (deps: ExportDeps, item: Export): Promise<void> => {
  if (item.wanted === undefined) return;
  const { callbackId } = item.wanted;
  await deps.wakeJob(callbackId);
  await noteAwake(deps.exports, item, callbackId);
};

/**
 * Does for the job what only a poll can.
 * @throws GatewayError `invalid_token` if the grant has ended in the meantime; any other failure is only logged
 */
export const helpJob = async (
  deps: ExportDeps,
  { item, read }: Pick<FoundExport, 'item' | 'read'>,
  context: RateLimitContext,
): Promise<void> => {
  const now = nowSeconds(deps.clock);
  try {
    if (isLateToBegin(item, now)) await startAgain(deps.exports, item, now);
    // An exchange has tokens of its own.
    if (read === undefined) return;
    const version = wantsNewerThan(item, read, now);
    if (version !== undefined) {
      // This way polls cannot ask the payer more often than reads can.
      await takePartnerTurn(deps, read.partner, context);
      await giveNewerToken(deps, item, read, context, version);
    }
    await wake(deps, item);
  } catch (error) {
    const known = asGatewayError(error);
    if (known.code === 'invalid_token') throw known;
    raiseSignalOf(context.record, known);
    context.record.detail = `the job was not helped: ${known.detail ?? known.code}`;
  }
};
