import type { Sample } from './measure.ts';
import type { Tables } from './world.ts';

/** The arguments of a process that transfers. */
export interface TransferOrder {
  readonly kind: 'ours' | 'pipe' | 'parse';
  readonly accessToken: string;
  readonly payerBase: string;
  /** The gateway's FHIR base for the payer. */
  readonly facade: string;
  readonly tables: Tables;
  readonly registry: string;
  /** How many entries the search has. */
  readonly entries: number;
}

/** The result: the time of the second transfer, and the rise in memory during the first. */
export interface TransferResult extends Sample {
  readonly grownMb: number;
}
