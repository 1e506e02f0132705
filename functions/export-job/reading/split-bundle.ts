import * as json from '../../shared/fhir/json-bytes.ts';
import { isObject, objectsIn } from '../../shared/json-object.ts';
import { readKept, type EntryMode, type PageResource, type SkippedResource } from './page-resource.ts';
import { createValueScanner } from './scan-value.ts';
import { UnreadablePage } from './unreadable-page.ts';

/** Facts about a page as a whole. */
export interface PageInfo {
  /** The URLs of its `next` links. A link without a URL gives an empty string. */
  readonly next: readonly string[];
  /** How many resources match the search, according to the payer. */
  readonly total: number | undefined;
  /** How many entries the page has. */
  readonly entries: number;
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

export interface SplitOptions {
  /** The kind of answer: a Bundle with resources in its entries, or one resource that was read by its id. */
  readonly of: 'search' | 'read';
  readonly room: PageRoom;
  /** Called with each resource. Its `line` is only valid during the call: the next resource overwrites its memory. */
  readonly take: (resource: PageResource | SkippedResource) => void;
}

/** Clients of bulk exports stop reading a line at this length. */
const mostResourceBytes = 10_000_000;
const mostKeyBytes = 64;
/** The longest value that is read from the Bundle's own members, such as its links. */
const mostMemberBytes = 64 * 1024;

export const makePageRoom = (mostBytes = mostResourceBytes): PageRoom => ({
  resource: Buffer.allocUnsafeSlow(mostBytes),
  member: Buffer.allocUnsafeSlow(mostMemberBytes),
});

/** Of `null`, which some payers write if a page has no entries. */
const nullByte = 0x6e;

// Which object or array the next byte is in.
const inBundle = 0;
const inEntries = 1;
const inEntry = 2;

// What is expected at the next byte.
const document = 0;
const keyOrEnd = 1;
const nextKey = 2;
const insideKey = 3;
const colon = 4;
const value = 5;
const insideValue = 6;
const valueOrEnd = 7;
const commaOrEnd = 8;
const nothing = 9;

const parseOrUnreadable = (bytes: Buffer): unknown => {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new UnreadablePage('notJson');
  }
};

/** A count. Some payers write it as a text. */
const totalOf = (said: unknown): number | undefined => {
  const count = typeof said === 'string' && /^\d+$/.test(said) ? Number(said) : said;
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : undefined;
};

/** Relations ignore case, and may be URLs (RFC 8288 §3.3). Some payers write a single link without a list. */
const nextLinks = (links: unknown): readonly string[] =>
  objectsIn(isObject(links) ? [links] : links).flatMap(({ relation, url }) => {
    if (typeof relation !== 'string' || !/(?:^|[/#])next$/i.test(relation.trim())) return [];
    return [typeof url === 'string' ? url : ''];
  });

const modeOf = (search: unknown): EntryMode => {
  const mode = isObject(search) ? search['mode'] : undefined;
  return mode === 'include' || mode === 'outcome' ? mode : 'match';
};

export const createBundleSplitter = ({ of, room, take }: SplitOptions): BundleSplitter => {
  const resources = createValueScanner(room.resource);
  const members = createValueScanner(room.member);
  /** Reads the current value. */
  let scanner = members;
  const seenKeys = new Set<string>();
  let level = inBundle;
  let expected = document;
  let key = '';
  let resourceType: unknown;
  let next: readonly string[] | undefined;
  let total: number | undefined;
  let entries = 0;
  let resource: ReturnType<typeof readKept> | undefined;
  let mode: EntryMode = 'match';

  /** How many bytes of a member's value to keep. */
  const wantedBytes = (): number => {
    const isRead = level === inBundle ? key === 'resourceType' || key === 'total' || key === 'link' : key === 'search';
    return isRead ? mostMemberBytes : 0;
  };

  const endMember = (): void => {
    if (scanner.isTooLarge()) {
      if (key === 'link') throw new UnreadablePage('linksTooLong');
      return;
    }
    if (key === 'resourceType') resourceType = parseOrUnreadable(scanner.kept());
    if (key === 'total') {
      total = totalOf(parseOrUnreadable(scanner.kept()));
    }
    if (key === 'link') next = nextLinks(parseOrUnreadable(scanner.kept()));
  };

  const endEntryMember = (): void => {
    if (key === 'search' && !scanner.isTooLarge()) mode = modeOf(parseOrUnreadable(scanner.kept()));
    if (key !== 'resource') return;
    const isRepeated = resource !== undefined;
    resource = readKept(resources);
    if (isRepeated) resource = { skipped: 'repeatedKey' };
  };

  const endEntry = (): void => {
    entries++;
    take({ ...(resource ?? { skipped: 'noResource' }), mode });
    resource = undefined;
    mode = 'match';
  };

  const endValue = (): void => {
    expected = commaOrEnd;
    if (of === 'read') {
      resource = readKept(resources);
      endEntry();
      expected = nothing;
    } else if (level === inBundle) endMember();
    else if (level === inEntry) endEntryMember();
    else endEntry();
  };

  const endKey = (): void => {
    const name = scanner.isTooLarge() ? '' : parseOrUnreadable(scanner.kept());
    key = typeof name === 'string' ? name : '';
    expected = colon;
    if (level !== inBundle || key === '') return;
    if (seenKeys.has(key)) throw new UnreadablePage('repeatedKey');
    seenKeys.add(key);
  };

  /** Starts the value whose first byte is at `at`. */
  const startValue = (byte: number, at: number): number => {
    const isBundle = resourceType === undefined || resourceType === 'Bundle';
    if (level === inBundle && key === 'entry' && byte === json.openArray && isBundle) {
      level = inEntries;
      expected = valueOrEnd;
      return at + 1;
    }
    if (level === inBundle && key === 'entry' && byte !== nullByte && isBundle) throw new UnreadablePage('notList');
    if (level === inEntries && byte === json.openObject) {
      level = inEntry;
      expected = keyOrEnd;
      return at + 1;
    }
    const isResource = of === 'read' || (level === inEntry && key === 'resource');
    scanner = isResource ? resources : members;
    scanner.begin(isResource ? room.resource.length : wantedBytes());
    expected = insideValue;
    return at;
  };

  const close = (byte: number, at: number): number => {
    if ((byte === json.closeArray) !== (level === inEntries)) throw new UnreadablePage('notJson');
    if (level === inEntry) endEntry();
    if (level === inBundle) {
      expected = nothing;
    } else {
      level--;
      expected = commaOrEnd;
    }
    return at + 1;
  };

  const startDocument = (byte: number, at: number): number => {
    if (byte !== json.openObject) throw new UnreadablePage('notJson');
    if (of === 'read') return startValue(byte, at);
    expected = keyOrEnd;
    return at + 1;
  };

  /** Reads one byte that is neither white space nor inside a key or a value. */
  const readToken = (byte: number, at: number): number => {
    const isEnd = byte === json.closeObject || byte === json.closeArray;
    if (expected === document) return startDocument(byte, at);
    if (isEnd && (expected === keyOrEnd || expected === valueOrEnd || expected === commaOrEnd)) return close(byte, at);
    if (expected === value || expected === valueOrEnd) return startValue(byte, at);
    if ((expected === keyOrEnd || expected === nextKey) && byte === json.quoteByte) {
      scanner = members;
      scanner.begin(mostKeyBytes);
      expected = insideKey;
      return at;
    }
    if (expected === colon && byte === json.colonByte) expected = value;
    else if (expected === commaOrEnd && byte === json.comma) expected = level === inEntries ? value : nextKey;
    else throw new UnreadablePage('notJson');
    return at + 1;
  };

  const isSkipped = (byte: number): boolean =>
    byte === 0x20 ||
    byte === 0x0a ||
    byte === 0x0d ||
    byte === 0x09 ||
    (expected === document && json.beforeJson[byte] === 1);

  return {
    push(bytes) {
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      let i = 0;
      while (i < chunk.length) {
        if (expected === insideKey || expected === insideValue) {
          i = scanner.read(chunk, i);
          if (!scanner.isDone()) break;
          if (expected === insideKey) endKey();
          else endValue();
        } else if (isSkipped(chunk[i]!)) i++;
        else i = readToken(chunk[i]!, i);
      }
    },

    links: () => next,

    end() {
      if (expected !== nothing) throw new UnreadablePage('truncated');
      if (of === 'search' && resourceType !== 'Bundle') {
        throw new UnreadablePage('notBundle', typeof resourceType === 'string' ? resourceType : undefined);
      }
      return { next: next ?? [], total, entries };
    },
  };
};
