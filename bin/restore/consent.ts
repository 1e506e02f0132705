import { Refusal } from '../shared/errors.ts';
import type { RestoreDeps } from './deps.ts';
import type { RestoreCommand } from './flags.ts';

/** @throws Refusal if nobody agrees */
export const requireConsent = async (
  question: string,
  { yes }: Pick<RestoreCommand, 'yes'>,
  { ask }: Pick<RestoreDeps, 'ask'>,
): Promise<void> => {
  if (yes) return;
  if (ask === undefined) throw new Refusal(`${question} To go on, give --yes. Nothing was changed.`);
  if ((await ask(`${question} Type yes to go on: `)) !== 'yes') throw new Refusal('Nothing was changed.');
};
