import { hash } from 'node:crypto';
import { nowSeconds } from '../../shared/clock.ts';
import { GatewayError, unavailable } from '../../shared/errors.ts';
import { auditAsked, type AuditedMember } from '../../shared/exchanges/audit-exchange.ts';
import { sealInput, type ExchangeInput } from '../../shared/exchanges/input.ts';
import { exportIdBytes, makeExportId } from '../../shared/exports/export-id.ts';
import { longestExportSeconds } from '../../shared/exports/longest-export.ts';
import { exportPublicKey } from '../../shared/exports/sealing-key.ts';
import { exportUrl } from '../../shared/exports/urls.ts';
import type { ApiResponse } from '../../shared/http/api.ts';
import { auditRead } from '../../shared/record/audit-read.ts';
import { parseScopes } from '../../shared/scopes/scopes.ts';
import { countRunning, noteEnded, noteRunning, putInput } from '../../shared/store/exchanges.ts';
import { boundOf, isOverdue } from '../../shared/store/export-item.ts';
import { getExport, putExport, type NewExport } from '../../shared/store/exports.ts';
import { askAgainSeconds, isRunning, started } from '../kick-off/kick-off-answers.ts';
import { ownerOf, type Asking } from './asking.ts';

const daySeconds = 24 * 3600;

/** What is asked. */
interface Question {
  readonly input: ExchangeInput;
  /** What makes the question: the same one is not asked twice at a time. */
  readonly about: string;
  /** The kick-off's URL without its query, which may name members: only what is sealed has that. */
  readonly url: string;
}

/** Names a question in the table, in the place of a grant's id: one item for each. */
const questionId = ({ partner, payer }: Asking, { input, about }: Question): string =>
  hash('sha256', JSON.stringify([payer.id, partner.clientId, input.kind, about]), 'buffer')
    .subarray(0, 16)
    .toString('base64url');

/** @throws GatewayError 429 with the URL of the running exchange of the same question */
const checkNotRunning = async ({ deps }: Asking, grantId: string): Promise<void> => {
  const last = await getExport(deps.exports, grantId);
  if (last?.status !== 'running' || isOverdue(last, nowSeconds(deps.clock))) return;
  throw isRunning('This exchange', exportUrl(deps.origin, last));
};

const tooMany = (most: number): GatewayError =>
  new GatewayError(
    'too_many_requests',
    `${most} exchanges of this app are running at this health plan. Wait until one has ended, or delete one.`,
    { retryAfterSeconds: askAgainSeconds, detail: 'too many running exchanges' },
  );

/** Takes a place among the running exchanges. Two that come at once may both be refused, and never are too many let in. */
const takePlace = async (asking: Asking, { exportId, expiresAt }: NewExport): Promise<void> => {
  const { exchanges, clock, mostRunning } = asking.deps;
  const owner = ownerOf(asking);
  await noteRunning(exchanges, owner, { exportId, expiresAt });
  if ((await countRunning(exchanges, owner, nowSeconds(clock))) <= mostRunning) return;
  await noteEnded(exchanges, owner, exportId);
  throw tooMany(mostRunning);
};

/** Makes the item and the input of an exchange. Its files open with a key that is bound to partner and exchange. */
const make = async ({ deps, context, partner, payer }: Asking, question: Question, grantId: string) => {
  const { clock, randomBytes, sealForJob, groupDays } = deps;
  const now = nowSeconds(clock);
  const exportId = makeExportId(grantId, randomBytes(exportIdBytes));
  const privateKey = randomBytes(32);
  const grantEndsAt = now + groupDays * daySeconds;
  const asked = {
    grantId,
    exportId,
    payer: payer.id,
    partner: partner.clientId,
    patient: '',
    request: question.url,
    requestId: context.record.requestId,
    scope: parseScopes('system/*.rs'),
    exchange: question.input.kind,
    ...(question.input.kind === 'group' ? { group: question.input.group } : {}),
    recipient: exportPublicKey(privateKey),
    exportSecret: new Uint8Array(),
    startedAt: now,
    grantEndsAt,
  };
  const bound = boundOf(asked);
  const { inputKey, input } = await sealInput({ randomBytes, sealForJob }, exportId, question.input, bound);
  const item: NewExport = {
    ...asked,
    fileKey: await sealForJob({ export: exportId, partner: partner.clientId }, 'file key', privateKey, bound),
    inputKey,
    payerVersion: 0,
    expiresAt: Math.min(grantEndsAt, now + longestExportSeconds),
  };
  return { item, input };
};

/** Everyone who is asked for and under which consent, and who is left out and why. */
const audited = (input: ExchangeInput): AuditedMember[] =>
  input.kind === 'match'
    ? input.members.map(({ patient, consent: { id, hash: of } }) => ({
        submitted: patient,
        consent: { id, hash: of },
        outcome: 'asked',
      }))
    : [...input.members.map((member) => ({ ...member, why: 'asked' })), ...input.leftOut].map(
        ({ submitted, reference, consent: { id, hash: of }, why }) => ({
          submitted,
          reference,
          consent: { id, hash: of },
          outcome: why,
        }),
      );

/** Writes who is asked for to the audit, then what is asked, then the item. Returns false if the same question runs; the place is given back then, and after a failure. */
const write = async (asking: Asking, question: Question, item: NewExport, input: Uint8Array): Promise<boolean> => {
  const { exchanges, exports } = asking.deps;
  const owner = ownerOf(asking);
  const { exportId, expiresAt } = item;
  const giveBack = (): Promise<void> => noteEnded(exchanges, owner, exportId);
  try {
    await auditAsked(asking.deps, { ...item, exchange: question.input.kind }, audited(question.input));
    await putInput(exchanges, owner, { exportId, input, expiresAt });
    if (await putExport(exports, item)) return true;
  } catch (error) {
    // The place ends by itself if it cannot be given back.
    await giveBack().catch(() => undefined);
    throw error;
  }
  await giveBack();
  return false;
};

/**
 * Starts an exchange. What is asked is written first and the item last, in one conditional write, whose stream starts the job:
 * what is written before it is of no use without it, and expires.
 * @throws GatewayError
 */
export const startExchange = async (asking: Asking, question: Question): Promise<ApiResponse> => {
  const { deps, context } = asking;
  const grantId = questionId(asking, question);
  await checkNotRunning(asking, grantId);
  const { item, input } = await make(asking, question, grantId);
  context.record.exchange = item.exportId;
  const audit = auditRead(deps, context, undefined);
  await audit.begin();
  await takePlace(asking, item);
  if (await write(asking, question, item, input)) {
    return started('The exchange', exportUrl(deps.origin, item), question.input.ignored ?? []);
  }
  await checkNotRunning(asking, grantId);
  throw unavailable('the running export is gone');
};
