import { isObject, type JsonObject } from '../../shared/json/json-object.ts';
import { namesOf } from '../../shared/json/names.ts';
import { parseOnceEach } from '../../shared/json/repeated-member.ts';
import { nextToken, readTokens, takeChunk, token, type JsonTokens } from '../../shared/json/tokens.ts';
import { withoutBom } from '../../shared/plain-text.ts';

const [data, resourceType] = [1, 2];
const names = namesOf({ data });
const kindNames = namesOf({ resourceType });

/** The most bytes of a Binary beside its data: labels, a security context, extensions. */
const mostBeside = 1024 * 1024;

/** Characters. No type has a longer name. */
const longestType = 4096;

/** The beginning of an escape that the end of a piece has cut. */
const cutEscape = /\\(?:u[0-9a-fA-F]{0,3})?$/;

const openingBrace = 0x7b;

/** Begins null. */
const letterN = 0x6e;

/** RFC 4648 §4, which is R4's: another alphabet, such as base64url's, is refused (§3.3). Padding may be missing. */
const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** The content of a Binary that comes as a resource, in base64 in its `data` (https://hl7.org/fhir/R4/binary.html). */
export interface BinaryData {
  /** The next bytes of the content. @throws SyntaxError if they are not base64 */
  readonly push: (chunk: Uint8Array) => Uint8Array;
  /** Whether the JSON is whole. */
  readonly isWhole: () => boolean;
  /** Whether it had no more than one `data`, and that is a text. */
  readonly isPlain: () => boolean;
  /** The Binary without its data. Undefined if it is too long, is not JSON, or has a member twice: then nobody can tell whose it is. */
  readonly beside: () => JsonObject | undefined;
}

/** Recognizes a document's type while its bytes arrive. */
export interface KindWatch {
  readonly push: (chunk: Uint8Array) => void;
  /** The resource type that a document of JSON has; empty if it has none; undefined while that is not known. */
  readonly kind: () => string | undefined;
}

/** A string of JSON in latin1, as the bytes came; as it is spelled if it cannot be read. */
const readText = (spelled: string): string => {
  try {
    return String(JSON.parse(Buffer.from(spelled, 'latin1').toString()));
  } catch {
    return spelled;
  }
};

/** Adds a piece of a string to a list of strings, in the spelling of the JSON, with their quotes. */
const addPiece = (list: string[], { characters, start, end, isFirst }: JsonTokens): void => {
  const before = isFirst ? '' : (list.pop() ?? '');
  list.push((before + characters.slice(start, end)).slice(0, longestType));
};

/** Finds the resource type of a document, which may be anything. */
export const watchKind = (): KindWatch => {
  const tokens = readTokens(kindNames);
  tokens.reportsBrackets = true;
  let isBegun = false;
  let found: string | undefined;
  const types: string[] = [];
  return {
    push: (chunk) => {
      if (found !== undefined) return;
      takeChunk(tokens, chunk);
      for (let kind = nextToken(tokens); kind !== token.none && found === undefined; kind = nextToken(tokens)) {
        if (kind === token.gap) continue;
        if (!isBegun && (kind !== token.opening || tokens.chunk[tokens.start] !== openingBrace)) found = '';
        isBegun = true;
        if (kind === token.closing && tokens.level === 0) found = '';
        if (kind !== token.text || tokens.name !== resourceType || tokens.level !== 1) continue;
        addPiece(types, tokens);
        if (tokens.isLast) found = readText(types[0]!);
      }
    },
    kind: () => found,
  };
};

/** Whether a token is the `data` of a Binary, or begins it, and that is neither a text nor null. */
const isOtherData = (kind: number, tokens: JsonTokens): boolean => {
  if (tokens.name !== data || tokens.level !== 1) return false;
  return kind === token.opening || (kind === token.scalar && tokens.isFirst && tokens.chunk[tokens.start] !== letterN);
};

/** Reads a Binary's content while its bytes arrive, in little memory. */
export const readBinaryData = (): BinaryData => {
  const tokens = readTokens(names);
  tokens.reportsBrackets = true;
  let found = 0;
  let isOpen = true;
  /** What is not decoded yet: a part of an escape, and less than four characters of base64. */
  let spelled = '';
  let text = '';
  let isPadded = false;
  /** What is around the data. */
  const outside: string[] = [];
  let outsideLength = 0;
  const keep = (characters: string): void => {
    outsideLength += characters.length;
    if (characters !== '' && outsideLength <= mostBeside) outside.push(characters);
  };

  const decode = (piece: string, isLast: boolean): Buffer => {
    const whole = spelled + piece;
    const cut = isLast ? '' : (cutEscape.exec(whole)?.[0] ?? '');
    spelled = cut;
    const decoded = JSON.parse(`"${whole.slice(0, whole.length - cut.length)}"`) as string;
    text += decoded.replaceAll(/\s/g, '');
    const now = text.slice(0, isLast ? text.length : text.length - (text.length % 4));
    text = text.slice(now.length);
    // A character that is left alone has six bits of a byte.
    const isCut = now.startsWith('=') || (isLast && now.replace(/=+$/, '').length % 4 === 1);
    if (!base64.test(now) || isCut || (isPadded && now !== '')) throw new SyntaxError('not base64');
    isPadded ||= now.endsWith('=');
    return Buffer.from(now, 'base64');
  };

  return {
    push: (chunk) => {
      takeChunk(tokens, chunk);
      const pieces: Buffer[] = [];
      let kept = 0;
      for (let kind = nextToken(tokens); kind !== token.none; kind = nextToken(tokens)) {
        if (kind === token.closing && tokens.level === 0) isOpen = false;
        if (isOtherData(kind, tokens)) found = 2;
        if (kind !== token.text) continue;
        if (tokens.name !== data || tokens.level !== 1) continue;
        if (tokens.isFirst) found += 1;
        const from = tokens.isFirst ? tokens.start + 1 : tokens.start;
        const to = tokens.isLast ? tokens.end - 1 : tokens.end;
        keep(tokens.characters.slice(kept, from));
        kept = to;
        pieces.push(decode(tokens.characters.slice(from, to), tokens.isLast));
      }
      keep(tokens.characters.slice(kept));
      return Buffer.concat(pieces);
    },
    isWhole: () => !isOpen,
    isPlain: () => found <= 1,
    beside: () => {
      const whole = withoutBom(Buffer.from(outside.join(''), 'latin1').toString());
      const binary = outsideLength > mostBeside ? undefined : parseOnceEach(whole);
      return isObject(binary) ? binary : undefined;
    },
  };
};
