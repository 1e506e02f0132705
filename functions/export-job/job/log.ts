import { nowSeconds } from '../../shared/clock.ts';
import { causeOf, GatewayError, type Signal } from '../../shared/errors.ts';
import { grantOfExport } from '../../shared/exports/export-id.ts';
import { embeddedMetrics, requestMetrics } from '../../shared/metrics/metrics.ts';
import type { Export } from '../../shared/store/export-item.ts';
import type { JobDeps } from './deps.ts';

/**
 * Describes an error for the engine's history and the log. Our own errors give their private detail, which holds no
 * token and nothing from a record. Other errors give their names only.
 */
export const sayCause = (error: unknown): string =>
  error instanceof GatewayError ? (error.detail ?? error.code) : causeOf(error);

/**
 * Why an export may never read again. Who was removed: the partner from the registry, or this payer from those that it may
 * read from; or the payer. Such an export did not fail.
 */
const neverReasons = ['grantEnded', 'partnerBlocked', 'partnerRemoved', 'payerRemoved'] as const;

export type NeverReason = (typeof neverReasons)[number];

const ended: ReadonlySet<string | undefined> = new Set(neverReasons);

type LogDeps = Pick<JobDeps, 'clock' | 'registry' | 'writeLog'>;

/** Which export a line is about. All but its grant is unknown if its item could not be read. */
type Logged = Pick<Export, 'grantId'> & Partial<Pick<Export, 'payer' | 'partner' | 'requestId'>>;

const lineOf = ({ clock }: LogDeps, { grantId, payer, partner }: Logged) => ({
  time: new Date(clock.now()).toISOString(),
  function: 'export-job',
  grantId,
  payer,
  partner,
});

/**
 * How many calls have failed when a leg stops to wait after a failure: shorter waits are inside it. Reads of members ring by
 * themselves that a payer is down; a former plan may get nothing but exchanges.
 */
const failedCalls = 3;

const downOf = ({ clock, registry }: LogDeps, { exchange }: Export, detail: string | undefined) =>
  exchange === undefined || detail !== 'failed'
    ? {}
    : embeddedMetrics(registry.stage, clock.now(), [
        { dimensions: [[], ['payer']], metrics: { payerDown: failedCalls } },
      ]);

/**
 * Writes the log line of a leg. It has counts, and nothing from the record. Of an exchange whose payer fails it has the metric
 * `payerDown` too, as requests to the payer have.
 */
export const writeLeg = (
  deps: LogDeps,
  item: Export,
  leg: {
    readonly requestId: string;
    readonly next: string;
    readonly detail?: string;
    readonly pages: number;
    readonly resources: number;
    readonly bytes: number;
    readonly ms: number;
  },
): void =>
  deps.writeLog(JSON.stringify({ level: 'info', ...lineOf(deps, item), ...leg, ...downOf(deps, item, leg.detail) }));

interface Fault {
  readonly detail: string;
  readonly signal?: Signal | undefined;
  /** The step of the job that failed. A request's line has its own `step`. */
  readonly jobStep?: string;
}

/** Writes the log line of a fault that is tried again, with the metric of its signal. */
export const writeFault = (deps: LogDeps, item: Logged, { detail, signal, jobStep }: Fault): void => {
  const { clock, registry, writeLog } = deps;
  const { payer, requestId } = item;
  const signals = signal === undefined ? [] : [signal];
  const metrics = requestMetrics(registry.stage, clock.now(), {
    ...(payer === undefined ? {} : { payer }),
    outcome: 'failed',
    ms: 0,
    signals,
  });
  writeLog(JSON.stringify({ level: 'error', ...lineOf(deps, item), requestId, jobStep, detail, ...metrics }));
};

/**
 * Logs why a step failed, so that whoever is on call need not wait until its last try. Returns the error to rethrow, with a message that is
 * safe to store.
 * @param failed `item`: undefined if it could not be read, or is gone
 */
export const loggedCause = (
  deps: LogDeps,
  {
    exportId,
    jobStep,
    item,
  }: { readonly exportId: string; readonly jobStep: string; readonly item?: Export | undefined },
  error: unknown,
): Error => {
  const signal = error instanceof GatewayError ? error.signal : undefined;
  const detail = sayCause(error);
  writeFault(deps, item ?? { grantId: grantOfExport(exportId) ?? '' }, { detail, signal, jobStep });
  return new Error(detail);
};

/**
 * Writes the log line of an export's end, with its metrics:
 *
 * | metric            | dimension sets |
 * | ----------------- | -------------- |
 * | `exports`         | outcome        |
 * | `exportResources` | none           |
 * | `exportMs`        | none           |
 * | `exportFailed`    | none; a signal |
 */
export const writeEnd = (
  deps: LogDeps,
  item: Export,
  { status, resources, why }: { readonly status: string; readonly resources: number; readonly why: string | undefined },
): void => {
  const { clock, registry, writeLog } = deps;
  const seconds = nowSeconds(clock) - item.startedAt;
  const isFailure = status === 'failed' && !ended.has(why);
  writeLog(
    JSON.stringify({
      level: isFailure ? 'error' : 'info',
      ...lineOf(deps, item),
      requestId: item.requestId,
      outcome: status,
      ...(why === undefined ? {} : { detail: why }),
      resources,
      seconds,
      ...embeddedMetrics(registry.stage, clock.now(), [
        { dimensions: [['outcome']], metrics: { exports: 1 } },
        {
          dimensions: [[]],
          metrics: {
            exportResources: resources,
            exportMs: seconds * 1000,
            exportFailed: isFailure ? 1 : undefined,
          },
        },
      ]),
    }),
  );
};
