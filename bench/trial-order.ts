import type { Trial } from './world.ts';

/** Which parts a trial measures, and how. */
export interface TrialOrder extends Trial {
  readonly parts: readonly string[];
}
