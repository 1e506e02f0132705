import { isComplete } from '../../../functions/shared/exports/manifest.ts';
import type { exportWorld, WorldOptions } from '../../support/export-world.ts';

/** What an export says of itself once it has ended. An outcome is written with its count, such as `complete 1`. */
export const endOf = async (world: ReturnType<typeof exportWorld>) => {
  const { manifest, errors } = await world.record();
  return {
    status: (await world.item())?.status,
    complete: isComplete(manifest),
    outcomes: Object.fromEntries(manifest.outcomes.map(({ type, outcome, count }) => [type, `${outcome} ${count}`])),
    reasons: Object.fromEntries(manifest.outcomes.map(({ type, reason }) => [type, reason])),
    errors,
  };
};

/** A payer that is read with these searches. */
export const byType = (...searches: readonly string[]): WorldOptions => ({
  profile: { everything: false, wholeRecord: { searches } },
});
