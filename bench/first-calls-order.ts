import type { Recording } from './calls.ts';
import type { Sample } from './measure.ts';
import type { Plant } from './plant.ts';
import type { Spent } from './profile.ts';
import type { Prepared } from './requests.ts';
import type { Tables } from './world.ts';

/** What a new process does first: requests to a gateway, or the calls of their floor. */
export type FirstCalls = {
  /** @default false */
  readonly isProfiled?: boolean;
} & (
  | {
      readonly kind: 'ours';
      readonly tables: Tables;
      readonly registry: string;
      readonly requests: readonly Prepared[];
      /** @default nothing is planted */
      readonly plant?: Plant | undefined;
    }
  | { readonly kind: 'floor'; readonly recordings: readonly Recording[] }
);

/** What they took together; if they were profiled, what the time went into. */
export type FirstCallsTook = Sample | Spent;
