import { nowSeconds } from '../../shared/clock.ts';
import { scopeNow } from '../../shared/partner/live-grant.ts';
import { answerBases, baseUrlOf } from '../../shared/registry/fhir-bases.ts';
import type { Partner, Payer } from '../../shared/registry/types.ts';
import { intersectScopes } from '../../shared/scopes/limit-scopes.ts';
import { parseScopes, type Scopes } from '../../shared/scopes/scopes.ts';
import type { Export } from '../../shared/store/export-item.ts';
import type { Buffers } from '../buffers.ts';
import type { JobDeps } from '../deps.ts';
import { makeExchangeLeg, type ExchangeLeg } from '../exchange/exchange-leg.ts';
import { getRunning, type Job } from '../job.ts';
import { partWriter, type PartWriter } from '../parts.ts';
import { wantedOf, type Wanted } from '../plan/wanted.ts';
import type { RecordRules } from '../reading/check-resource.ts';
import { createProblemList, type ProblemList } from '../reading/problem-list.ts';
import { seenNames, type SeenNames } from '../reading/seen-names.ts';
import { heldWriter, readHeldLines, type HeldLine, type HeldWriter } from '../state/held-lines.ts';
import { readStateFile, referredIn } from '../state/state-file.ts';
import type { Declared, EarlyResource, JobState, Known, Task, WrittenAttachment } from '../state/state.ts';
import { askPayer, type Answer, type Asking } from './ask-payer.ts';
import type { Allowed } from './check-allowed.ts';
import { stopForToken, type Stop } from './stop.ts';

/** One leg of an export: what it may read, how it asks, what was read before it, and what it adds. */
export interface Leg {
  readonly deps: JobDeps;
  readonly item: Export;
  readonly payer: Payer;
  /** Identifies the leg in the log and the audit. */
  readonly requestId: string;
  /** What the export may read now. */
  readonly wanted: Wanted;
  readonly wantedAtKickOff: Wanted;
  /** As the payer's first base has them. */
  readonly rules: RecordRules;
  readonly calls: Calls;
  readonly before: Omit<JobState, 'seen'>;
  readonly seen: SeenNames;
  /** What the next leg begins with. Each step changes it in place. */
  readonly next: Next;
  readonly referred: Referred;
  readonly held: Held;
  readonly attachments: Attachments;
  /** Whether the export may read Binaries now, whichever types it was asked for. */
  readonly mayReadBinary: boolean;
  readonly parts: PartWriter;
  /** Bytes of NDJSON and of attachments so far. */
  readonly bytes: () => number;
  readonly problems: ProblemList;
  readonly buffers: Buffers;
  /** Set for an exchange. */
  readonly exchange: ExchangeLeg | undefined;
}

/** How a leg asks its payer, and how long. */
interface Calls extends Pick<Asking, 'isStillThere' | 'stopped'> {
  /** Requests what is below the base that has a type, in its turn. @param rest path and query */
  readonly ask: (type: string | undefined, rest: string, what?: 'search' | 'page') => Promise<Answer>;
  /** Requests an attachment, in its turn. @param url below the payer's base */
  readonly askDocument: (url: string, accept: string) => Promise<Answer>;
  /** Whether the leg has read enough. */
  readonly isFull: () => boolean;
  /** Why no further request may begin: the leg has read enough, or the payer's token ends soon. */
  readonly whyNot: () => Stop | undefined;
}

/** As in {@link Known}, where a set is a list, and a map an object. */
interface Next {
  readonly queue: Task[];
  readonly planned: string[];
  readonly finished: Set<string>;
  readonly withEverything: Set<string>;
  readonly linked: string[];
  readonly early: EarlyResource[];
  declared: Declared | undefined;
  refused: Known['refused'];
  transactionTime: string | undefined;
  linesTotal: number | undefined;
  readonly about: Map<string, number>;
  said: Known['said'];
  strangers: number | undefined;
  pages: number;
  resources: number;
  references: number;
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

/** The resources that the record refers to. */
interface Referred {
  /** Those that this leg was the first to find, as `Type/id`. */
  readonly names: string[];
  /** How many resources of each type there are beyond those that an export reads. */
  readonly unread: Map<string, number>;
  /** How many lists of names there are: one of each state file that has some, and this leg's. */
  readonly lists: () => number;
  /** @throws whatever the bucket throws */
  readonly list: (at: number) => Promise<readonly string[]>;
}

/**
 * After this many milliseconds or this many bytes of NDJSON, a leg begins no further request. A request that has begun may
 * still wait for its turn.
 */
export const legBounds = { readMs: 20_000, bytes: 8 * 1024 * 1024 };

/** A former plan's files have no pages, and may have 50 GB: a leg of an exchange ends by its time. */
const exchangeBounds = { ...legBounds, bytes: 1024 * 1024 * 1024 };

const boundsOf = ({ exchange }: Export): typeof legBounds => (exchange === undefined ? legBounds : exchangeBounds);

/** A token is not used in its last 60 seconds or, if it is short-lived, in the last half of its life. */
const tokenReserveSeconds = 60;

const tokenEndsAt = ({ payerTokenExpiresAt, payerTokenAt = 0 }: Export): number => {
  if (payerTokenExpiresAt === undefined) return Number.POSITIVE_INFINITY;
  return payerTokenExpiresAt - Math.min(tokenReserveSeconds, (payerTokenExpiresAt - payerTokenAt) / 2);
};

/** The base to ask for a type, without trailing slashes. */
export const askedBase = (payer: Payer, type?: string): string => baseUrlOf(payer, type).replace(/\/+$/, '');

const callsOf = (
  deps: JobDeps,
  item: Export,
  asking: Asking,
  { next, bytes, untilAt }: { readonly next: Next; readonly bytes: () => number; readonly untilAt: number },
): Calls => {
  const { isStillThere, stopped, payer } = asking;
  const most = boundsOf(item);
  /** Whether this leg tries a request again that was refused with 401. Once it is answered, that is to be committed. */
  const isTriedAgain = (next.queue[0]?.refusals ?? 0) > 0;
  let isTokenTaken = false;
  const noteIfTaken = (answer: Answer): Answer => {
    if (answer.kind === 'json' || answer.kind === 'refused') {
      next.refused = undefined;
      isTokenTaken = true;
    }
    return answer;
  };
  const isFull = (): boolean =>
    deps.clock.monotonic() >= untilAt || bytes() >= most.bytes || (isTriedAgain && isTokenTaken);
  return {
    isStillThere,
    stopped,
    ask: (type, rest, what) => askPayer(deps, asking, askedBase(payer, type) + rest, untilAt, what).then(noteIfTaken),
    askDocument: (url, accept) => askPayer(deps, asking, url, untilAt, 'document', accept).then(noteIfTaken),
    isFull,
    whyNot: () => {
      if (isFull()) return { kind: 'go' };
      return tokenEndsAt(item) <= nowSeconds(deps.clock) ? stopForToken(deps, item) : undefined;
    },
  };
};

const nextOf = ({
  queue,
  planned,
  finished,
  withEverything,
  linked = [],
  early = [],
  references = 0,
  ...known
}: Known): Next => ({
  queue: [...queue],
  planned: [...planned],
  finished: new Set(finished),
  withEverything: new Set(withEverything),
  linked: [...linked],
  early: [...early],
  declared: known.declared,
  refused: known.refused,
  transactionTime: known.transactionTime,
  linesTotal: known.linesTotal,
  about: new Map(Object.entries(known.about ?? {})),
  said: known.said,
  strangers: known.strangers,
  pages: known.pages,
  resources: known.resources,
  references,
});

const referredOf = (deps: JobDeps, stateKey: Uint8Array, files: readonly string[]): Referred => {
  const names: string[] = [];
  return {
    names,
    unread: new Map(),
    // The file that this leg will write is the last of them.
    lists: () => files.length + (names.length > 0 ? 1 : 0),
    list: async (at) => {
      const file = files[at];
      return file === undefined ? names : referredIn(await readStateFile(deps, stateKey, file));
    },
  };
};

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

/** An exchange has no scope: a former plan's files may have any type. */
const readsAll = parseScopes('user/*.rs');

/** What an export may read now: what its token could at the kick-off, and payer and registration still permit. */
export const readableNow = ({ scope }: Pick<Export, 'scope'>, granted: Scopes, partner: Partner): Scopes =>
  scopeNow(intersectScopes(granted, scope), partner);

/** @param stopped aborted when the leg may read no further */
export const makeLeg = async (
  job: Job,
  item: Export,
  { partner, payer: registered, granted }: Extract<Allowed, { kind: 'yes' }>,
  state: JobState,
  stopped: AbortSignal,
): Promise<Leg> => {
  const { deps, buffers } = job;
  const parts = partWriter(deps, item.exportId, item.recipient, buffers);
  const attachments = attachmentsAfter(state.attachments);
  const bytes = (): number => attachments.written.reduce((sum, one) => sum + one.bytes, parts.bytes());
  const stateKey = await job.stateKey(item);
  const isStillThere = async (): Promise<boolean> => (await getRunning(deps, item.exportId)) !== undefined;
  const { seen, ...before } = state;
  const next = nextOf(state.known);
  const untilAt = deps.clock.monotonic() + boundsOf(item).readMs;
  const exchange =
    item.exchange === undefined
      ? undefined
      : await makeExchangeLeg(job, item, {
          payer: registered,
          stateKey,
          links: next.linked,
          untilAt,
          isStillThere,
          stopped,
        });
  const payer = exchange?.plan ?? registered;
  const readable = exchange === undefined ? readableNow(item, granted, partner) : readsAll;
  const wanted = wantedOf(readable, exchange === undefined ? item.types : undefined);
  const asking = {
    payer,
    ...(exchange === undefined ? await job.credentials(item) : { accessToken: '', secretHeaders: {} }),
    isStillThere,
    stopped,
  };
  const calls = callsOf(deps, item, asking, { next, bytes, untilAt });
  return {
    deps,
    item,
    payer,
    requestId: uuidOf(deps.randomBytes(16)),
    wanted,
    wantedAtKickOff: exchange === undefined ? wantedOf(item.scope, item.types) : wanted,
    rules: {
      patient: item.patient,
      isWanted: exchange === undefined ? wanted.isWanted : () => true,
      ...(exchange?.lines === undefined ? { linked: next.linked } : { members: exchange.lines.ids }),
      ...answerBases(payer),
    },
    calls: exchange === undefined ? calls : { ...calls, askDocument: exchange.askDocument },
    before,
    seen: seenNames(seen, stateKey),
    next,
    referred: referredOf(deps, stateKey, state.referenceFiles),
    held: {
      ...heldWriter(deps, item.exportId, stateKey),
      read: (name) => readHeldLines(deps, stateKey, name),
    },
    attachments,
    mayReadBinary: wantedOf(readable, undefined).may('Binary', 'r'),
    parts,
    bytes,
    problems: createProblemList(state.known.reported),
    buffers,
    exchange,
  };
};
