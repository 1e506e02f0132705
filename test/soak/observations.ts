import type { Sample } from './statistics.ts';

/** What is done to the gateway; each is one request. */
export type Step = 'authorize' | 'callback' | 'redeem' | 'refresh' | 'read' | 'revoke' | 'introspect';

/** Steps that call no payer, so that its faults do not affect their times. */
export const ownSteps: ReadonlySet<Step> = new Set(['authorize', 'redeem', 'refresh', 'introspect']);

/** How a step ended: `payer` is an answer that says that the payer failed. */
export type Ending = 'ok' | 'payer' | 'lost' | 'unexpected';

/** A finished step. */
export interface Observed extends Sample {
  readonly step: Step;
  readonly ending: Ending;
}

/** Everything that was seen, in order. */
export interface Observations {
  readonly steps: Observed[];
  /** Grants that ended although no one revoked them: those whose rotation the payer's fault lost, and others. */
  readonly lost: { named: number; unnamed: number };
  /** The unexpected answers, and how many of each. */
  readonly unexpected: Map<string, number>;
  /** Operations that were not started, since too many were in progress. */
  notBegun: number;
  /** Megabytes held after a collection, by process: `fetch`, `fetch 2` and so on. */
  readonly memory: Map<string, Sample[]>;
  /** Processes that no longer existed when they were checked again. */
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

/** Adds one to a count. */
export const countUnexpected = ({ unexpected }: Observations, what: string): void =>
  void unexpected.set(what, (unexpected.get(what) ?? 0) + 1);
