import type { Payer } from '../../shared/registry/types.ts';
import type { Export } from '../../shared/store/export-item.ts';
import type { JobDeps } from '../deps.ts';
import type { PartWriter } from '../parts.ts';
import type { Declared } from '../plan/declared.ts';
import type { Wanted } from '../plan/wanted.ts';
import type { RecordRules } from '../reading/check-resource.ts';
import type { ProblemList } from '../reading/problem-list.ts';
import type { NotReadReason } from '../reading/problems.ts';
import type { PageRoom } from '../reading/split-bundle.ts';
import type { StateKey } from '../state/memory.ts';
import type { JobState, Task } from '../state/state.ts';
import { secondsLeft } from './seconds-left.ts';

/** What a leg needs to read, and what it collects. */
export interface Leg {
  readonly deps: JobDeps;
  readonly item: Export;
  readonly payer: Payer;
  /** The facade's base for this payer. */
  readonly facade: string;
  readonly accessToken: string;
  readonly isStillThere: () => Promise<boolean>;
  /** Aborted, with a GatewayError, when the partner, the payer, the grant or the export is stopped or ends meanwhile. */
  readonly stopped: AbortSignal;
  readonly stop: (reason: Error) => void;
  /** What the export may read now. */
  readonly wanted: Wanted;
  readonly wantedAtKickOff: Wanted;
  readonly rules: RecordRules;
  readonly stateKey: StateKey;
  readonly state: JobState;
  /** The tag of an identity, a reference or a page. */
  readonly tagOf: (identity: string) => Uint8Array;
  readonly parts: PartWriter;
  readonly pageRoom: PageRoom;
  /** Whether the leg has read enough. */
  readonly isFull: () => boolean;
  /** Whether the payer's token ends soon. */
  readonly isTokenEnding: () => boolean;
  /** The monotonic time after which a request stops asking for its turn. */
  readonly untilAt: number;
  /** Identifies the leg in the log and the audit. */
  readonly requestId: string;
  readonly queue: Task[];
  /** The types whose search was planned. */
  readonly planned: string[];
  /** What the payer declares; undefined if that is not known. */
  declared: Declared | undefined;
  /** As in the state. */
  readonly finished: Set<string>;
  readonly withEverything: Set<string>;
  /** The types of which this leg brought resources. */
  readonly came: Set<string>;
  readonly problems: ProblemList;
  readonly referred: string[];
  /** How many resources of each type the record refers to beyond those that an export reads. */
  readonly unread: Map<string, number>;
  transactionTime: string | undefined;
  pages: number;
  resources: number;
  references: number;
}

/** The payer's token of this version ends soon, or was refused. A poll may bring a newer one for so many seconds. */
interface TokenStop {
  readonly kind: 'token';
  readonly version: number;
  readonly seconds: number;
}

/** Why a leg stops reading. */
export type Stop =
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

/** How long an export waits for a poll to bring a newer token, in seconds. */
export const longestTokenWait = 24 * 60 * 60;

/** Stops a leg until there is a newer token: for a day, or until the export's time is over. */
export const stopForToken = ({ deps, item }: Leg): TokenStop => ({
  kind: 'token',
  version: item.payerVersion,
  seconds: Math.max(1, Math.min(longestTokenWait, secondsLeft(deps, item))),
});

type WaitReason = 'throttled' | 'failed' | 'paced' | 'payerPaused' | 'payerDown' | 'invocation';

/** The counters of a request that has not been tried. */
export const fresh = { tries: 0, waits: 0, refusals: 0 };

/** Adds each item. An argument for each, as of `push(...items)`, would overflow the stack. */
export const append = <T>(items: T[], more: Iterable<T>): void => {
  for (const one of more) items.push(one);
};

/** Replaces the first task of the queue. */
export const updateTask = <T extends Task>(leg: Leg, task: T, change: Partial<T>): T => {
  const changed = { ...task, ...change };
  leg.queue[0] = changed;
  return changed;
};
