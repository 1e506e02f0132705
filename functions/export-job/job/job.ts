import { nowSeconds } from '../../shared/clock.ts';
import { openInput, type ExchangeInput } from '../../shared/exchanges/input.ts';
import { grantOfExport } from '../../shared/exports/export-id.ts';
import { readJobCredentials, type JobCredentials } from '../../shared/exports/job-credentials.ts';
import { systemTokens, type SystemTokens } from '../../shared/payer/system-token.ts';
import { exchangeOwner } from '../../shared/store/exchange-items.ts';
import { getInput } from '../../shared/store/exchanges.ts';
import {
  boundOf,
  exportChanged,
  isOverdue,
  rethrowAsChanged,
  type BoundExport,
  type Export,
} from '../../shared/store/export-item.ts';
import { getExport } from '../../shared/store/exports.ts';
import { jobMemory, type Memory } from '../state/memory.ts';
import type { Buffers } from './buffers.ts';
import { exchangeDeps, type JobDeps } from './deps.ts';

/** An execution of the job, and the one that it continues. */
export interface Execution {
  readonly arn: string;
  readonly after?: string | undefined;
}

/** One export in one process. It is discarded when the invocation ends. */
export interface Job {
  readonly deps: JobDeps;
  readonly exportId: string;
  readonly execution: Execution;
  readonly memory: Memory;
  readonly buffers: Buffers;
  /** The key of the job's state, for an item that nobody has changed. @throws GatewayError `temporarily_unavailable`, `server_error` */
  readonly stateKey: (item: Export) => Promise<Uint8Array>;
  /** What an exchange asks. @throws GatewayError `temporarily_unavailable` */
  readonly input: (item: Export) => Promise<ExchangeInput>;
  /** The gateway's own access tokens for former plans. */
  readonly tokens: SystemTokens;
  /** The payer's token, and what goes with it. @throws GatewayError `temporarily_unavailable` */
  readonly credentials: (item: Export) => Promise<JobCredentials>;
  /** The time left for the invocation, in milliseconds. */
  readonly remainingMs: () => number;
}

/**
 * Caches what was opened last, by the box and by all that it is bound to. A failure is not cached.
 * @throws GatewayError `server_error` if it does not open, and whatever `open` throws
 */
const remembered = <T>(
  open: (box: Uint8Array, item: Export) => Promise<T>,
): ((box: Uint8Array, item: Export) => Promise<T>) => {
  let last: { readonly box: Buffer; readonly bound: string; readonly opened: Promise<T> } | undefined;
  return async (box, item) => {
    const bound = boundOf(item);
    if (last?.box.equals(box) !== true || last.bound !== bound)
      last = { box: Buffer.from(box), bound, opened: open(box, item) };
    try {
      return await last.opened;
    } catch (error) {
      last = undefined;
      return rethrowAsChanged(error);
    }
  };
};

const missing = (): Promise<never> => Promise.reject(exportChanged());

/** What an exchange asks. @throws GatewayError `temporarily_unavailable` */
export const readInput = async (
  deps: JobDeps,
  { inputKey, ...item }: BoundExport & Pick<Export, 'inputKey'>,
): Promise<ExchangeInput> => {
  if (inputKey === undefined) return missing();
  const input = await getInput(exchangeDeps(deps).table, exchangeOwner(item), item.exportId);
  return openInput(deps, item.exportId, { inputKey, input }, boundOf(item));
};

/** The gateway's own tokens, kept for one invocation. */
export const systemTokensOf = (deps: JobDeps): SystemTokens =>
  systemTokens({ ...deps, readExchangeSecret: (...which) => exchangeDeps(deps).readSecret(...which) });

export const startJob = (deps: JobDeps, exportId: string, execution: Execution, remainingMs: () => number): Job => {
  // This version of the function made the key: an execution never changes its version.
  const openKey = remembered((box, item) => deps.openInJob(exportId, 'state key', box, boundOf(item)));
  const openExchange = remembered((_, item) => readInput(deps, item));
  const openToken = remembered(async (box, item) => {
    const { boundTo, ...credentials } = readJobCredentials(await deps.openInJob(exportId, 'payer token', box));
    // 0.2 bound a token to the export's id alone. Its exports are over three days after the upgrade.
    if (boundTo !== undefined && boundTo !== boundOf(item)) throw exportChanged();
    return credentials;
  });
  return {
    deps,
    exportId,
    execution,
    memory: jobMemory(deps),
    buffers: deps.newBuffers(),
    stateKey: (item) => (item.stateKey === undefined ? missing() : openKey(item.stateKey, item)),
    input: (item) => (item.inputKey === undefined ? missing() : openExchange(item.inputKey, item)),
    tokens: systemTokensOf(deps),
    credentials: (item) => (item.payerToken === undefined ? missing() : openToken(item.payerToken, item)),
    remainingMs,
  };
};

/** An export's item, if it is still this export's, is running and is not overdue. @throws GatewayError `temporarily_unavailable` */
export const getRunning = async ({ exports, clock }: JobDeps, exportId: string): Promise<Export | undefined> => {
  const item = await getExport(exports, grantOfExport(exportId) ?? '');
  return item?.exportId === exportId && item.status === 'running' && !isOverdue(item, nowSeconds(clock))
    ? item
    : undefined;
};
