import type { Sample } from './measure.ts';
import type { Tables } from './world.ts';

/** What a process that transfers is told. */
export interface TransferOrder {
  readonly kind: 'ours' | 'pipe' | 'parse';
  readonly accessToken: string;
  readonly payerBase: string;
  /** The gateway's FHIR base of the payer. */
  readonly facade: string;
  readonly tables: Tables;
  readonly registry: string;
  /** Entries of the search that is read. */
  readonly entries: number;
}

/** What it found: time of a second transfer, and how far its memory rose during the first. */
export interface TransferResult extends Sample {
  readonly grownMb: number;
}
