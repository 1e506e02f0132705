import { nowSeconds } from '../../shared/clock.ts';
import type { Deps } from '../../shared/deps.ts';
import { longestReadingSeconds } from '../../shared/exports/longest-export.ts';
import type { Export } from '../../shared/store/export-item.ts';

/** The seconds that an export still has for reading and waiting. Zero or less means that its time is up. */
export const secondsLeft = ({ clock }: Pick<Deps, 'clock'>, { startedAt }: Pick<Export, 'startedAt'>): number =>
  startedAt + longestReadingSeconds - nowSeconds(clock);
