import { nowSeconds } from '../../shared/clock.ts';
import { openInput, type ExchangeInput } from '../../shared/exchanges/input.ts';
import { grantOfExport } from '../../shared/exports/export-id.ts';
import { readJobCredentials, type JobCredentials } from '../../shared/exports/job-credentials.ts';
import { systemTokens, type SystemTokens } from '../../shared/payer/system-token.ts';
import { exchangeOwner } from '../../shared/store/exchange-items.ts';
import { getInput } from '../../shared/store/exchanges.ts';
import { isOverdue, type Export } from '../../shared/store/export-item.ts';
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
  /** The key of the job's state. @throws GatewayError `temporarily_unavailable` */
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

/** Caches the last box that was opened. A failure is not cached. */
const remembered = <T>(open: (box: Uint8Array) => Promise<T>): ((box: Uint8Array) => Promise<T>) => {
  let last: { readonly box: Buffer; readonly opened: Promise<T> } | undefined;
  return async (box) => {
    if (last?.box.equals(box) !== true) last = { box: Buffer.from(box), opened: open(box) };
    try {
      return await last.opened;
    } catch (error) {
      last = undefined;
      throw error;
    }
  };
};

const missing = (): Promise<never> => Promise.reject(new Error('the item has no such secret'));

/** What an exchange asks. @throws GatewayError `temporarily_unavailable` */
export const readInput = async (
  deps: JobDeps,
  { inputKey, ...item }: Pick<Export, 'exportId' | 'payer' | 'partner' | 'inputKey'>,
): Promise<ExchangeInput> => {
  if (inputKey === undefined) return missing();
  const input = await getInput(exchangeDeps(deps).table, exchangeOwner(item), item.exportId);
  return openInput(deps, item.exportId, { inputKey, input });
};

export const startJob = (deps: JobDeps, exportId: string, execution: Execution, remainingMs: () => number): Job => {
  const openKey = remembered((box) => deps.openInJob(exportId, 'state key', box));
  const openExchange = (item: Export) => remembered((inputKey) => readInput(deps, { ...item, inputKey }));
  let openInputOf: ReturnType<typeof openExchange> | undefined;
  const openToken = remembered(async (box) => readJobCredentials(await deps.openInJob(exportId, 'payer token', box)));
  return {
    deps,
    exportId,
    execution,
    memory: jobMemory(deps),
    buffers: deps.newBuffers(),
    stateKey: ({ stateKey }) => (stateKey === undefined ? missing() : openKey(stateKey)),
    input: (item) => {
      openInputOf ??= openExchange(item);
      return item.inputKey === undefined ? missing() : openInputOf(item.inputKey);
    },
    tokens: systemTokens({ ...deps, readExchangeSecret: (...which) => exchangeDeps(deps).readSecret(...which) }),
    credentials: ({ payerToken }) => (payerToken === undefined ? missing() : openToken(payerToken)),
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
