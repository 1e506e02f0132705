import type { Places } from '../../shared/fhir/last-page.ts';
import {
  answersSearch,
  holdsNothing,
  isEmpty,
  isKnownMember,
  saidCount,
  saidLinks,
  saidMode,
  type EntryMode,
  type SaidLinks,
} from '../../shared/fhir/said.ts';
import { openArray, openObject } from '../../shared/json/bytes.ts';
import { isObject, type JsonObject } from '../../shared/json/json-object.ts';
import { repeatedMember } from '../../shared/json/repeated-member.ts';
import { nextToken, readTokens, stray, takeChunk, token } from '../../shared/json/tokens.ts';
import { keepValues } from './keep-value.ts';
import { readKept, type PageResource, type SkippedResource } from './page-resource.ts';
import { isUrn } from './references.ts';
import { saysWithheld } from './says-withheld.ts';
import { UnreadablePage } from './unreadable-page.ts';

/**
 * Why a page is not surely understood: it is a Bundle of another `type` than an answer to a search, or has a `member` that R4 does not have, and
 * that may hold entries, pages or a count, or a `long` one; or its HTTP headers say a count that cannot be read, or have a `warning`.
 */
export type Odd = 'type' | 'member' | 'long' | 'header' | 'warning';

/** Facts about a whole page. Its `self` link has the parameters that the payer used. */
export interface PageInfo extends Places {
  /** The URLs of its `next` links. A link without a URL gives an empty string. */
  readonly next: readonly string[];
  /** How many resources match the search, according to the payer. */
  readonly total: number | undefined;
  /** What the page has of these, and nobody can read. */
  readonly unreadable?: 'links' | 'total' | undefined;
  /** Why the page may be, or may contain, something other than what was read. */
  readonly odd?: Odd | undefined;
  /** What the payer remarks on the page as a whole, as R5 has it (https://hl7.org/fhir/R5/bundle-definitions.html#Bundle.issues). */
  readonly remarks?: JsonObject | undefined;
  /** How many resources there are according to the page's HTTP headers. */
  readonly headerTotal?: number | undefined;
  /** How many entries the page has. */
  readonly entries: number;
  /** The page is labeled as one from which something was withheld. */
  readonly isWithheld?: true;
}

/**
 * Splits one answer into its resources while its bytes arrive. It takes one pass and linear time, and holds one resource
 * at most. If a page turns out to be unreadable, the resources taken before that are still complete.
 */
export interface BundleSplitter {
  /** Reads on, and hands over each resource that these bytes complete. @throws UnreadablePage */
  readonly push: (chunk: Uint8Array) => void;
  /** The URLs of the `next` links, once they are known. Many servers send them before the entries. */
  readonly links: () => readonly string[] | undefined;
  /** Call this when the answer has ended. @throws UnreadablePage if its JSON is incomplete, or is not a Bundle */
  readonly end: () => PageInfo;
}

/** Memory that every page is read into, one page at a time. */
export interface PageRoom {
  /** Holds one resource at a time. One with more bytes is skipped. */
  readonly resource: Buffer;
  /** Holds one key at a time, or one of the page's own values, such as its links. */
  readonly member: Buffer;
}

/** What stands beside a resource in its entry. */
interface Beside {
  /** The payer's remark on it. */
  readonly outcome?: JsonObject;
}

export interface SplitOptions {
  /** The kind of answer: a Bundle with resources in its entries, or one resource that was read by its id. */
  readonly of: 'search' | 'read';
  readonly room: PageRoom;
  /** @default {@link pageBounds} */
  readonly bounds?: PageBounds;
  /** Called with each resource. Its `line` is only valid during the call: the next resource overwrites its memory. */
  readonly take: (resource: (PageResource | SkippedResource) & Beside) => void;
}

/** Clients of bulk exports stop reading a line at this length. */
export const mostResourceBytes = 10_000_000;
/** The longest spelling of `resourceType`: each letter as `\u0061`, and two quotes. */
const mostKeyBytes = 12 * 6 + 2;
/** The longest value that is read from the Bundle's own members, such as its links. */
const mostMemberBytes = 64 * 1024;

/** The most that is read of a page: far more than any payer's has, and few enough that every page ends. */
export interface PageBounds {
  readonly entries: number;
  /** Of the Bundle itself. */
  readonly members: number;
  readonly bytes: number;
}

export const pageBounds: PageBounds = { entries: 1_000_000, members: 1000, bytes: 2_000_000_000 };

export const makePageRoom = (mostBytes = mostResourceBytes): PageRoom => ({
  resource: Buffer.allocUnsafeSlow(mostBytes),
  member: Buffer.allocUnsafeSlow(mostMemberBytes),
});

/** Of `null`, which some payers write if a page has no entries. */
const nullByte = 0x6e;

/** The Bundle's own members that are read, and those of an OperationOutcome in its place. */
const readMembers: ReadonlySet<string> = new Set(['resourceType', 'type', 'total', 'link', 'meta', 'issue', 'issues']);
const readOfEntry: ReadonlySet<string> = new Set(['search', 'fullUrl', 'response']);

/** As many bytes as say whether a value is empty or `false`, and whether it is a list or an object. */
const fewBytes = 5;

// How many brackets are open around what is read.
const aroundBundle = 0;
const inBundle = 1;
const inEntries = 2;
const inEntry = 3;

const parseOrUnreadable = (bytes: Buffer): unknown => {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new UnreadablePage('notJson');
  }
};

/** @throws UnreadablePage, too, if an object in the value has a member twice */
const parseOnceEachOrUnreadable = (bytes: Buffer): unknown => {
  const value = parseOrUnreadable(bytes);
  if (typeof value === 'object' && repeatedMember(bytes.toString('utf8')) !== undefined) {
    throw new UnreadablePage('repeatedKey');
  }
  return value;
};

/** https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.response.outcome */
const outcomeIn = (response: unknown): JsonObject | undefined =>
  isObject(response) && isObject(response['outcome']) ? response['outcome'] : undefined;

export const createBundleSplitter = ({ of, room, take, bounds = pageBounds }: SplitOptions): BundleSplitter => {
  const tokens = readTokens();
  const resources = keepValues(room.resource);
  const members = keepValues(room.member);
  /** Keeps the current name or value; undefined between values. */
  let keeper: typeof members | undefined;
  let isName = false;
  /** Where the current name or value is. */
  let level = aroundBundle;
  const seenKeys = new Set<string>();
  /** Of the current entry: those that decide what its resource means. */
  const entryKeys = new Set<string>();
  let key = '';
  let hasEnded = false;
  let resourceType: unknown;
  let links: SaidLinks | undefined;
  let total: ReturnType<typeof saidCount>;
  let remarks: JsonObject | undefined;
  let odd: Odd | undefined;
  let entries = 0;
  let isWithheld = false;
  let pageBytes = 0;
  let resource: ReturnType<typeof readKept> | undefined;
  let mode: EntryMode = 'match';
  /** What the payer remarks beside the resource. */
  let outcome: JsonObject | undefined;
  /** Empty for one that cannot count. */
  let fullUrl: string | undefined;

  /** How many bytes of a member's value to keep. */
  const wantedBytes = (): number => {
    if (level === inEntries) return 0;
    if ((level === inBundle ? readMembers : readOfEntry).has(key)) return mostMemberBytes;
    return isKnownMember(level === inBundle ? 'bundle' : 'entry', key) ? 0 : fewBytes;
  };

  /** Notes a member that R4 does not have, if it holds something. */
  const noteUnknown = (): void => {
    if (members.isTooLarge() || !holdsNothing(key, members.kept().toString('latin1'))) odd ??= 'member';
  };

  /** What is remarked on the page. Remarks that are too long to be read are remarks. */
  const readRemarks = (): JsonObject | undefined => {
    if (members.isTooLarge()) return {};
    const said = parseOnceEachOrUnreadable(members.kept());
    if (isEmpty(JSON.stringify(said))) return undefined;
    return key === 'issues' && isObject(said) ? said : { issue: said };
  };

  const endMember = (): void => {
    if (!isKnownMember('bundle', key)) noteUnknown();
    if (key === 'issue' || key === 'issues') remarks ??= readRemarks();
    if (key === 'type' && (members.isTooLarge() || !answersSearch(parseOrUnreadable(members.kept())))) odd = 'type';
    if (members.isTooLarge()) {
      if (key === 'link') throw new UnreadablePage('linksTooLong');
      if (key === 'total') total = 'unreadable';
      if (key === 'meta') odd = 'long';
      return;
    }
    if (key === 'resourceType') resourceType = parseOrUnreadable(members.kept());
    if (key === 'total') total = saidCount(parseOrUnreadable(members.kept()));
    if (key === 'meta') isWithheld = saysWithheld(parseOnceEachOrUnreadable(members.kept()));
    if (key === 'link') links = saidLinks(parseOnceEachOrUnreadable(members.kept()));
  };

  const endEntryMember = (): void => {
    // Text and numbers are about the entry.
    if (!isKnownMember('entry', key) && /^[[{]/.test(members.kept().toString('latin1'))) noteUnknown();
    if ((key === 'search' || key === 'response') && members.isTooLarge()) odd = 'long';
    else if (key === 'search') mode = saidMode(parseOnceEachOrUnreadable(members.kept()));
    else if (key === 'response') outcome = outcomeIn(parseOnceEachOrUnreadable(members.kept()));
    if (key === 'fullUrl') {
      const said = members.isTooLarge() ? '' : parseOrUnreadable(members.kept());
      fullUrl = fullUrl === undefined && typeof said === 'string' && isUrn(said) ? said : '';
    }
    if (key !== 'resource') return;
    const isRepeated = resource !== undefined;
    resource = readKept(resources);
    if (isRepeated) resource = { skipped: 'repeatedKey' };
  };

  const endEntry = (): void => {
    entries++;
    if (entries > bounds.entries) throw new UnreadablePage('tooManyEntries');
    take({
      ...(resource ?? { skipped: 'noResource' }),
      mode,
      ...(fullUrl !== undefined && fullUrl !== '' && { fullUrl }),
      ...(outcome !== undefined && { outcome }),
    });
    resource = undefined;
    outcome = undefined;
    fullUrl = undefined;
    mode = 'match';
    entryKeys.clear();
  };

  const endName = (): void => {
    const name = members.isTooLarge() ? '' : parseOrUnreadable(members.kept());
    key = typeof name === 'string' ? name : '';
    if (level !== inBundle || key === '') {
      if (entryKeys.has(key)) throw new UnreadablePage('repeatedKey');
      if (key === 'search' || key === 'response') entryKeys.add(key);
      return;
    }
    if (seenKeys.has(key)) throw new UnreadablePage('repeatedKey');
    if (seenKeys.size === bounds.members) throw new UnreadablePage('tooManyMembers');
    seenKeys.add(key);
  };

  const endValue = (): void => {
    if (level === aroundBundle) {
      resource = readKept(resources);
      hasEnded = true;
      endEntry();
    } else if (level === inBundle) endMember();
    else if (level === inEntry) endEntryMember();
    else endEntry();
  };

  /** Whether a value is only the brackets around the entries, or around what an entry has. */
  const isEntered = (kind: number): boolean => {
    const byte = tokens.chunk[tokens.start];
    if (of === 'read') return false;
    if (level === aroundBundle) return true;
    if (level === inEntries) return byte === openObject;
    const isList = level === inBundle && key === 'entry' && (resourceType === undefined || resourceType === 'Bundle');
    if (isList && byte !== openArray && byte !== nullByte) throw new UnreadablePage('notList');
    return isList && kind === token.opening;
  };

  /** Starts with a token that is not inside a name or a value. */
  const start = (kind: number): void => {
    level = tokens.level;
    if (hasEnded || (level === aroundBundle && tokens.chunk[tokens.start] !== openObject)) {
      throw new UnreadablePage('notJson');
    }
    isName = kind === token.text && !tokens.isMember && level !== inEntries;
    if (!isName && isEntered(kind)) return;
    const isResource = of === 'read' || (level === inEntry && key === 'resource');
    keeper = isResource && !isName ? resources : members;
    keeper.begin(isName ? mostKeyBytes : isResource ? room.resource.length : wantedBytes());
  };

  const close = (): void => {
    if (tokens.level === inEntries) endEntry();
    if (tokens.level === aroundBundle) hasEnded = true;
  };

  const end = (): void => {
    keeper?.end(tokens);
    keeper = undefined;
    if (isName) endName();
    else endValue();
  };

  /** Whether the current token is the last of the name or value that is kept. */
  const isItsEnd = (kind: number): boolean =>
    tokens.level === level &&
    (kind === token.closing || ((kind === token.text || kind === token.scalar) && tokens.isLast));

  return {
    push(bytes) {
      if (bytes.length === 0) return;
      pageBytes += bytes.length;
      if (pageBytes > bounds.bytes) throw new UnreadablePage('tooLarge');
      takeChunk(tokens, bytes);
      keeper?.goOn();
      for (;;) {
        const kind = nextToken(tokens);
        if (keeper === undefined) {
          if (tokens.fault === stray) throw new UnreadablePage('notJson');
          if (kind === token.none) break;
          if (kind === token.gap) continue;
          if (kind === token.closing) {
            close();
            continue;
          }
          start(kind);
        }
        if (keeper === undefined) continue;
        keeper.take(kind, tokens);
        if (kind === token.none) break;
        if (isItsEnd(kind)) end();
      }
    },

    links: () => links?.next,

    end() {
      if (!hasEnded) throw new UnreadablePage('truncated');
      if (of === 'search' && resourceType !== 'Bundle') {
        throw new UnreadablePage(
          'notBundle',
          resourceType === 'OperationOutcome' ? { resourceType, issue: remarks?.['issue'] } : undefined,
        );
      }
      const { next = [], isUnreadable = false, ...places } = links ?? {};
      const count = total === 'unreadable' ? undefined : total;
      const unreadable = isUnreadable && next.length === 0 ? 'links' : total === 'unreadable' ? 'total' : undefined;
      return {
        next,
        ...places,
        total: count,
        entries,
        ...(unreadable && { unreadable }),
        ...(odd && { odd }),
        ...(remarks && { remarks }),
        ...(isWithheld && { isWithheld }),
      };
    },
  };
};
