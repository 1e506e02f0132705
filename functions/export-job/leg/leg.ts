import type { watchStops } from '../../shared/partner/watch-stops.ts';
import { baseUrlOf } from '../../shared/registry/fhir-bases.ts';
import type { Payer } from '../../shared/registry/types.ts';
import type { Export } from '../../shared/store/export-item.ts';
import type { noteProgress } from '../../shared/store/exports.ts';
import type { Buffers } from '../job/buffers.ts';
import type { JobDeps } from '../job/deps.ts';
import { getRunning, type Job } from '../job/job.ts';
import { partWriter, type PartWriter } from '../job/parts.ts';
import type { RecordRules } from '../reading/check-resource.ts';
import { createProblemList, type ProblemList } from '../reading/problem-list.ts';
import type { Problem } from '../reading/problems.ts';
import { seenNames, type SeenNames } from '../reading/seen-names.ts';
import { heldWriter, readHeldLines, type HeldLine, type HeldWriter } from '../state/held-lines.ts';
import { openKnown, type NextKnown } from '../state/next-known.ts';
import type { Delta, JobState, Task, WrittenAttachment } from '../state/state.ts';
import type { Answer, Asking } from './ask-payer.ts';
import type { LegStop } from './leg-stop.ts';

/** One leg of an export: how it asks, what was read before it, and what it adds. */
export interface Leg {
  readonly deps: JobDeps;
  readonly item: Export;
  readonly payer: Payer;
  /** Identifies the leg in the log and the audit. */
  readonly requestId: string;
  /** As the payer's first base has them. */
  readonly rules: RecordRules;
  readonly calls: Calls;
  readonly before: Omit<JobState, 'seen'>;
  readonly seen: SeenNames;
  /** What the next leg begins with. Each step changes it in place. */
  readonly next: NextKnown;
  readonly held: Held;
  readonly attachments: Attachments;
  /** In an exchange: leaves out waiting lines about members who may no longer be exported. @default none */
  readonly leaving?: HeldLeaving | undefined;
  /** Whether the scope covers reads of Binaries now, whichever types were asked for; `lost` if it only did at the kick-off. */
  readonly binaries: 'covered' | 'lost' | 'beyond';
  readonly parts: PartWriter;
  /** Bytes of NDJSON and of attachments so far. */
  readonly bytes: () => number;
  readonly problems: ProblemList;
  readonly buffers: Buffers;
}

/** How a leg asks its payer, and how long. */
export interface Calls extends Pick<Asking, 'isStillThere' | 'stopped'> {
  /** The monotonic time after which no request begins. */
  readonly untilAt: number;
  /** Requests an attachment, in its turn. @param url below the payer's base */
  readonly askDocument: (url: string, accept: string) => Promise<Answer>;
  /** Whether the leg has read enough. */
  readonly isFull: () => boolean;
  /** Why no further request may begin: the leg has read enough, or the payer's token ends soon. */
  readonly whyNot: () => LegStop | undefined;
}

/** A leg of a record or of an exchange, and what each of them decides. */
export interface Started {
  readonly leg: Leg;
  /** Reads the queue until it is done, or the leg stops. */
  readonly read: () => Promise<LegStop>;
  /** What else stops the leg. */
  readonly watched: Pick<Parameters<typeof watchStops>[1], 'grant' | 'checkScope' | 'findEnd'>;
  /** What this kind of leg adds to the state that other kinds do not. */
  readonly added: () => Pick<Delta, 'referred' | 'files'>;
  /** What a former plan says of its progress. @default nothing */
  readonly progress?: () => Pick<Parameters<typeof noteProgress>[2], 'payerProgress' | 'pollAgainAt'>;
}

/** The attachments that came, each with its place among all of the export. */
interface Attachments {
  /** Those that this leg has written. */
  readonly written: WrittenAttachment[];
  readonly count: () => number;
  /** @param from the URL that was asked */
  readonly find: (from: string) => { readonly at: number; readonly one: WrittenAttachment } | undefined;
  readonly add: (one: WrittenAttachment) => void;
}

/** The lines that wait for their attachments. */
interface Held extends HeldWriter {
  /** The lines of a file, one of earlier legs' or one that this leg has put. @throws whatever the bucket throws */
  readonly read: (name: string) => Promise<readonly HeldLine[]>;
}

/** Waiting lines that are left out, since they are about members who may no longer be exported. */
export interface HeldLeaving {
  readonly isLeftOut: (held: HeldLine) => boolean;
  /** Counts a line as left out. */
  readonly leaveOut: (held: HeldLine) => void;
  /** Counts a line that is written, if it would be left out as soon as more is known. */
  readonly noteWritten: (held: HeldLine) => void;
  /** Reports the lines that were left out since the last call. */
  readonly takeProblems: () => readonly Problem[];
}

/** After this many milliseconds, or this many bytes of NDJSON, a leg begins no further request. */
export interface LegBounds {
  readonly readMs: number;
  readonly bytes: number;
}

/** A leg before it is known whom it asks, and for what. */
export interface BegunLeg extends Omit<Leg, 'payer' | 'rules' | 'binaries' | 'leaving' | 'calls'> {
  readonly calls: Omit<Calls, 'askDocument'>;
}

/** The base to ask for a type, without trailing slashes. */
export const askedBase = (payer: Payer, type?: string): string => baseUrlOf(payer, type).replace(/\/+$/, '');

const attachmentsAfter = (before: readonly WrittenAttachment[]): Attachments => {
  const found = new Map(before.map((one, at) => [one.from, { at, one }]));
  const written: WrittenAttachment[] = [];
  return {
    written,
    count: () => found.size,
    find: (from) => found.get(from),
    add: (one) => {
      found.set(one.from, { at: found.size, one });
      written.push(one);
    },
  };
};

/** A UUID of version 4 (RFC 9562 §5.4). @param random 16 bytes */
export const uuidOf = (random: Uint8Array): string => {
  const bytes = Buffer.from(random);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
};

/** Begins a leg. @param most after which it begins no further request; one that has begun may still wait for its turn */
export const beginLeg = async (
  job: Job,
  item: Export,
  state: JobState,
  { most, stopped }: { readonly most: LegBounds; readonly stopped: AbortSignal },
): Promise<BegunLeg> => {
  const { deps, buffers } = job;
  const { clock } = deps;
  const parts = partWriter(deps, item.exportId, item.recipient, buffers);
  const attachments = attachmentsAfter(state.attachments);
  const bytes = (): number => attachments.written.reduce((sum, one) => sum + one.bytes, parts.bytes());
  const stateKey = await job.stateKey(item);
  const { seen, ...before } = state;
  const untilAt = clock.monotonic() + most.readMs;
  const isFull = (): boolean => clock.monotonic() >= untilAt || bytes() >= most.bytes;
  return {
    deps,
    item,
    requestId: uuidOf(deps.randomBytes(16)),
    calls: {
      isStillThere: async () => (await getRunning(deps, item.exportId)) !== undefined,
      stopped,
      untilAt,
      isFull,
      whyNot: () => (isFull() ? { kind: 'go' } : undefined),
    },
    before,
    seen: seenNames(seen, stateKey),
    next: openKnown(state.known),
    held: {
      ...heldWriter(deps, item.exportId, stateKey),
      read: (name) => readHeldLines(deps, stateKey, name),
    },
    attachments,
    parts,
    bytes,
    problems: createProblemList(state.known.reported),
    buffers,
  };
};

/** The counters of a request that has not been tried. */
export const fresh = { tries: 0, waits: 0, refusals: 0 };

/** Replaces the first task of the queue. */
export const updateTask = <T extends Task>({ next }: Leg, task: T, change: Partial<T>): T => {
  const changed = { ...task, ...change };
  next.queue[0] = changed;
  return changed;
};
