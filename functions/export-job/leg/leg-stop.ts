import { nowSeconds } from '../../shared/clock.ts';
import type { Deps } from '../../shared/deps.ts';
import { longestReadingSeconds } from '../../shared/exports/longest-export.ts';
import type { Export } from '../../shared/store/export-item.ts';
import type { NotReadReason } from '../reading/problems.ts';

/** The payer's token of this version ends soon, or was refused. A poll may bring a newer one for so many seconds. */
interface TokenStop {
  readonly kind: 'token';
  readonly version: number;
  readonly seconds: number;
}

/** Why a leg stops reading. */
export type LegStop =
  /** It has read enough, or was stopped for a reason that the next leg finds out: whether to wait or to end. */
  | { readonly kind: 'go'; readonly why?: string }
  | { readonly kind: 'wait'; readonly seconds: number; readonly why: WaitReason }
  | TokenStop
  /** The rest of the record is not read. */
  | { readonly kind: 'bound'; readonly why: NotReadReason }
  /** The export was deleted or replaced, or has ended. */
  | { readonly kind: 'gone' }
  /** Nothing is left to read. */
  | { readonly kind: 'finish' };

type WaitReason =
  'throttled' | 'failed' | 'clientRefused' | 'payerBusy' | 'paced' | 'payerPaused' | 'payerDown' | 'invocation';

/** How long an export waits for a poll to bring a newer token, in seconds. */
export const longestTokenWait = 24 * 60 * 60;

/** The seconds that an export still has for reading and waiting. Zero or less means that its time is up. */
export const secondsLeft = ({ clock }: Pick<Deps, 'clock'>, { startedAt }: Pick<Export, 'startedAt'>): number =>
  startedAt + longestReadingSeconds - nowSeconds(clock);

/** Stops a leg until there is a newer token: for a day, or until the export's time is over. */
export const stopForToken = (
  deps: Pick<Deps, 'clock'>,
  item: Pick<Export, 'payerVersion' | 'startedAt'>,
): TokenStop => ({
  kind: 'token',
  version: item.payerVersion,
  seconds: Math.max(1, Math.min(longestTokenWait, secondsLeft(deps, item))),
});
