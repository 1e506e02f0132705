import { nowSeconds } from '../../shared/clock.ts';
import { scopeNow } from '../../shared/partner/live-grant.ts';
import { answerBases } from '../../shared/registry/fhir-bases.ts';
import type { Partner } from '../../shared/registry/types.ts';
import { intersectScopes } from '../../shared/scopes/limit-scopes.ts';
import type { Scopes } from '../../shared/scopes/scopes.ts';
import type { Export } from '../../shared/store/export-item.ts';
import type { Job } from '../job/job.ts';
import { askPayer, type Answer, type Asking } from '../leg/ask-payer.ts';
import type { Permitted } from '../leg/check-allowed.ts';
import { stopForToken } from '../leg/leg-stop.ts';
import { askedBase, beginLeg, type BegunLeg, type Calls, type Leg } from '../leg/leg.ts';
import { readStateFile, referredIn } from '../state/state-file.ts';
import type { JobState } from '../state/state.ts';
import { wantedOf, type Wanted } from './wanted.ts';

/** A leg that reads a member's record, with the member's token. */
export interface RecordLeg extends Leg {
  /** What the export is currently allowed to read. */
  readonly wanted: Wanted;
  readonly wantedAtKickOff: Wanted;
  readonly calls: RecordCalls;
  readonly referred: Referred;
}

interface RecordCalls extends Calls {
  /** Requests what is below the base that has a type, in its turn. @param rest path and query */
  readonly ask: (type: string | undefined, rest: string, what?: 'search' | 'page') => Promise<Answer>;
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

/** The most that a leg reads: milliseconds, and bytes of NDJSON. */
export const legBounds = { readMs: 20_000, bytes: 8 * 1024 * 1024 };

/** A token is not used in its last 60 seconds or, if it is short-lived, in the last half of its life. */
const tokenReserveSeconds = 60;

const tokenEndsAt = ({ payerTokenExpiresAt, payerTokenAt = 0 }: Export): number => {
  if (payerTokenExpiresAt === undefined) return Number.POSITIVE_INFINITY;
  return payerTokenExpiresAt - Math.min(tokenReserveSeconds, (payerTokenExpiresAt - payerTokenAt) / 2);
};

const callsOf = ({ deps, item, next, calls }: BegunLeg, asking: Asking): RecordCalls => {
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
  const { untilAt } = calls;
  const isFull = (): boolean => calls.isFull() || (isTriedAgain && isTokenTaken);
  return {
    ...calls,
    ask: (type, rest, what) =>
      askPayer(deps, asking, askedBase(asking.payer, type) + rest, untilAt, what).then(noteIfTaken),
    askDocument: (url, accept) => askPayer(deps, asking, url, untilAt, 'document', accept).then(noteIfTaken),
    isFull,
    whyNot: () => {
      if (isFull()) return { kind: 'go' };
      return tokenEndsAt(item) <= nowSeconds(deps.clock) ? stopForToken(deps, item) : undefined;
    },
  };
};

const referredOf = ({ deps, before: { referenceFiles } }: BegunLeg, stateKey: Uint8Array): Referred => {
  const names: string[] = [];
  return {
    names,
    unread: new Map(),
    // The file that this leg will write is the last of them.
    lists: () => referenceFiles.length + (names.length > 0 ? 1 : 0),
    list: async (at) => {
      const file = referenceFiles[at];
      return file === undefined ? names : referredIn(await readStateFile(deps, stateKey, file));
    },
  };
};

/** What an export may read now: what its token could at the kick-off, and payer and registration still permit. */
export const readableNow = ({ scope }: Pick<Export, 'scope'>, granted: Scopes, partner: Partner): Scopes =>
  scopeNow(intersectScopes(granted, scope), partner);

const binariesBy = (atKickOff: Scopes, now: Scopes): RecordLeg['binaries'] => {
  const mayRead = (scope: Scopes): boolean => wantedOf(scope, undefined).may('Binary', 'r');
  if (mayRead(now)) return 'covered';
  return mayRead(atKickOff) ? 'lost' : 'beyond';
};

export const makeRecordLeg = async (
  job: Job,
  item: Export,
  { partner, payer, granted }: Permitted,
  state: JobState,
  stopped: AbortSignal,
): Promise<RecordLeg> => {
  const leg = await beginLeg(job, item, state, { most: legBounds, stopped });
  const readable = readableNow(item, granted, partner);
  const wantedAtKickOff = wantedOf(item.scope, item.types);
  const readableTypes = wantedOf(readable, item.types);
  // The account also names the types that the scope named at the kick-off and no longer covers.
  const wanted = { ...readableTypes, named: [...new Set([...wantedAtKickOff.named, ...readableTypes.named])] };
  const asking = { payer, ...(await job.credentials(item)), ...leg.calls };
  return {
    ...leg,
    payer,
    wanted,
    wantedAtKickOff,
    binaries: binariesBy(item.scope, readable),
    rules: {
      patient: item.patient,
      isWanted: wanted.isWanted,
      linked: leg.next.linked,
      ...answerBases(payer),
    },
    calls: callsOf(leg, asking),
    referred: referredOf(leg, await job.stateKey(item)),
  };
};
