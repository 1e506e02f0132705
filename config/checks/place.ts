/** Where a stage is, and what must be there too. */
import type { StageConfig } from '../stage.ts';
import { availabilityZone, regionOfZone } from './existing-rules.ts';
import { areSound, problem, type Context } from './fields.ts';

/** The stage's region and account, each unless it has a problem, which is reported once. */
export const placeOf = (
  { region, account }: StageConfig,
  context: Context,
): Pick<StageConfig, 'region' | 'account'> => ({
  region: areSound(context, ['region']) ? region : undefined,
  account: areSound(context, ['account']) ? account : undefined,
});

/** Reports an availability zone that is not in the stage's region. */
export const checkZone = (
  context: Context,
  path: readonly PropertyKey[],
  zone: string,
  region: string | undefined,
): void => {
  if (region === undefined || availabilityZone(zone) !== undefined || regionOfZone(zone) === region) return;
  problem(context, path, `is in another region; write a zone of ${region}, the stage's region`);
};
