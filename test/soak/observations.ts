import type { Sample } from './statistics.ts';

/** What is done to the gateway; each is one request to it. */
export type Step = 'authorize' | 'callback' | 'redeem' | 'refresh' | 'read' | 'revoke' | 'introspect';

/** Steps that need no payer, so that its faults are not in their times. */
export const ownSteps: ReadonlySet<Step> = new Set(['authorize', 'redeem', 'refresh', 'introspect']);

/** How a step ended: `payer` is an answer that says that the payer failed. */
export type Ending = 'ok' | 'payer' | 'lost' | 'unexpected';

/** One step that has ended. */
export interface Observed extends Sample {
  readonly step: Step;
  readonly ending: Ending;
}

/** Everything that was seen, in order. */
export interface Observations {
  readonly steps: Observed[];
  /** Grants that ended though nobody revoked them: those whose rotation the payer's fault swallowed, and others. */
  readonly lost: { named: number; unnamed: number };
  /** What an answer was where another was due, and how often. */
  readonly unexpected: Map<string, number>;
  /** Operations that were not begun, since too many were under way. */
  notBegun: number;
  /** Megabytes held after a collection, by process: `fetch`, `fetch 2` and so on. */
  readonly memory: Map<string, Sample[]>;
  /** Processes that were gone when they were looked at again. */
  readonly restarts: string[];
}

export const nothingSeen = (): Observations => ({
  steps: [],
  lost: { named: 0, unnamed: 0 },
  unexpected: new Map(),
  notBegun: 0,
  memory: new Map(),
  restarts: [],
});

/** Counts one more of a kind. */
export const countUnexpected = ({ unexpected }: Observations, what: string): void =>
  void unexpected.set(what, (unexpected.get(what) ?? 0) + 1);
