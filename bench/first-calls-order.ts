import type { Recording } from './calls.ts';
import type { Sample } from './measure.ts';
import type { Prepared } from './requests.ts';
import type { Tables } from './world.ts';

/** What a new process does first: requests to a gateway, or the calls of their floor. */
export type FirstCalls =
  | {
      readonly kind: 'ours';
      readonly tables: Tables;
      readonly registry: string;
      readonly requests: readonly Prepared[];
    }
  | { readonly kind: 'floor'; readonly recordings: readonly Recording[] };

/** What they took together. */
export type FirstCallsTook = Sample;
