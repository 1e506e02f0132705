import type { Clock } from '../shared/clock.ts';
import type { WriteLog } from '../shared/metrics/metrics.ts';
import type { RegistryData } from '../shared/registry/types.ts';
import type { Table } from '../shared/store/dynamo.ts';

/** What the function depends on. */
export interface FillDeps {
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly wait: (ms: number) => Promise<void>;
  /** PUTs a text to a URL. @returns the HTTP status */
  readonly put: (url: string, text: string) => Promise<number>;
  /** Opened and read only when it is needed: what goes wrong is then answered too. */
  readonly open: () => { readonly table: Table; readonly registry: RegistryData };
  readonly writeLog: WriteLog;
}
