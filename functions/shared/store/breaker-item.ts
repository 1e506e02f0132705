import { sha256 } from './crypto.ts';

/*
 * The breaker of one payer, an item of Limits that all environments share:
 *
 *               calls of five grants and            openUntilMs            one call wins
 *               two partners get no answer            is over             a conditional write
 *   closed ───────────────────────────────► open ───────────────► half-open ────────────────► probing
 *     ▲                                      ▲                                                │  │
 *     │                                      └── no answer: twice as long, at most 5 minutes ─┘  │
 *     └──────────────────────── the first byte of any call ──────────────────────────────────────┘
 *
 * It protects capacity, not data: a state that is missed, lost or seen late costs a few calls that wait.
 */

/** A breaker as it is stored. Times are epoch milliseconds of the shared clock. */
export interface Breaker {
  /** When the first of the marks was made. */
  readonly lateSinceMs?: number | undefined;
  /** Short hashes of the grants and partners whose calls wait. */
  readonly lateGrants: readonly string[];
  readonly latePartners: readonly string[];
  /** Until then every call is refused. */
  readonly openUntilMs?: number | undefined;
  /** How long it was opened for, in milliseconds. */
  readonly openForMs?: number | undefined;
  /** The request that is the probe, and until when it may take. */
  readonly probeBy?: string | undefined;
  readonly probeUntilMs?: number | undefined;
}

/** The times of a breaker, in milliseconds. */
export interface BreakerTimes {
  /** A call without an answer is late after this long, or after a sixth of the payer's own limit if that is longer. */
  readonly lateMs: number;
  /** Marks count together for this long. */
  readonly windowMs: number;
  /** How old an environment's knowledge of a breaker may be. */
  readonly knownForMs: number;
  /**
   * How long marks must stand before they open a breaker. By then every environment to which the payer answers has
   * looked, knows of the marks and removes them.
   */
  readonly standMs: number;
  /** How long it opens at first, and at most. */
  readonly firstOpenMs: number;
  readonly longestOpenMs: number;
  /** How long a probe may take before its call leaves, to refresh payer tokens. */
  readonly refreshMs: number;
  /** How far the clocks of two environments may be apart. */
  readonly clockErrorMs: number;
}

export const usualTimes: BreakerTimes = {
  lateMs: 10_000,
  windowMs: 60_000,
  knownForMs: 5000,
  standMs: 7000,
  firstOpenMs: 30_000,
  longestOpenMs: 300_000,
  refreshMs: 30_000,
  clockErrorMs: 2000,
};

/** How many grants and partners must wait at the same time before a breaker opens. */
export const grantsToOpen = 5;
const partnersToOpen = 2;

/** A closed breaker that nobody has marked. */
export const closedBreaker: Breaker = { lateGrants: [], latePartners: [] };

/** What a breaker decides about a call. */
export type BreakerState = 'closed' | 'open' | 'halfOpen' | 'probing';

/** The longest that a function runs. */
const longestProbeMs = 15 * 60_000;

/** The state of a breaker. An `openUntilMs` that nobody can have written counts as over. */
export const stateOf = (
  { openUntilMs, probeUntilMs = -Infinity }: Breaker,
  nowMs: number,
  { longestOpenMs, clockErrorMs }: BreakerTimes,
): BreakerState => {
  if (openUntilMs === undefined) return 'closed';
  if (openUntilMs > nowMs && openUntilMs <= nowMs + longestOpenMs + clockErrorMs) return 'open';
  return probeUntilMs > nowMs && probeUntilMs <= nowMs + longestProbeMs ? 'probing' : 'halfOpen';
};

/** Whether marks were made that still count. */
export const isMarked = ({ lateSinceMs }: Breaker, nowMs: number, { windowMs, clockErrorMs }: BreakerTimes): boolean =>
  lateSinceMs !== undefined && lateSinceMs > nowMs - windowMs && lateSinceMs <= nowMs + clockErrorMs;

/** A call that waits: short hashes of its grant and its partner. */
export interface Mark {
  readonly grant: string;
  readonly partner: string;
}

/** 48 bits: enough to count distinct ones, too few to identify anything. */
const shortHash = (text: string): string => sha256(text).slice(0, 8);

export const markOf = ({ grantId, partner }: { readonly grantId: string; readonly partner: string }): Mark => ({
  grant: shortHash(grantId),
  partner: shortHash(partner),
});

/**
 * What a late call does: mark the breaker, open it, or neither. Marks of an earlier window are replaced. Sets are no
 * larger than they must be.
 */
export const stepOf = (
  breaker: Breaker,
  { grant, partner }: Mark,
  nowMs: number,
  times: BreakerTimes,
): 'mark' | 'open' | 'none' => {
  const { openUntilMs, lateSinceMs = 0, lateGrants, latePartners } = breaker;
  if (openUntilMs !== undefined) return 'none';
  if (!isMarked(breaker, nowMs, times)) return 'mark';
  const isNew =
    (lateGrants.length < grantsToOpen && !lateGrants.includes(grant)) ||
    (latePartners.length < partnersToOpen && !latePartners.includes(partner));
  if (isNew) return 'mark';
  const areEnough = lateGrants.length >= grantsToOpen && latePartners.length >= partnersToOpen;
  return areEnough && nowMs - lateSinceMs >= times.standMs ? 'open' : 'none';
};
