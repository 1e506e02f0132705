import { namesOf } from '../../shared/json/names.ts';
import { nextToken, readTokens, takeChunk, token } from '../../shared/json/tokens.ts';

const names = namesOf({ data: 1 });

/** The beginning of an escape that the end of a piece has cut. */
const cutEscape = /\\(?:u[0-9a-fA-F]{0,3})?$/;

const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** The content of a Binary that comes as a resource, in base64 in its `data` (https://hl7.org/fhir/R4/binary.html). */
export interface BinaryData {
  /** The next bytes of the content. @throws SyntaxError if they are not base64 */
  readonly push: (chunk: Uint8Array) => Uint8Array;
  /** Whether the JSON is whole and had one `data`. */
  readonly isWhole: () => boolean;
}

/** Reads a Binary's content while its bytes arrive, in little memory. */
export const readBinaryData = (): BinaryData => {
  const tokens = readTokens(names);
  let found = 0;
  let isOpen = true;
  /** What is not decoded yet: a part of an escape, and less than four characters of base64. */
  let spelled = '';
  let text = '';
  let isPadded = false;

  const decode = (piece: string, isLast: boolean): Buffer => {
    const whole = spelled + piece;
    const cut = isLast ? '' : (cutEscape.exec(whole)?.[0] ?? '');
    spelled = cut;
    const decoded = JSON.parse(`"${whole.slice(0, whole.length - cut.length)}"`) as string;
    text += decoded.replaceAll(/\s/g, '');
    const now = text.slice(0, isLast ? text.length : text.length - (text.length % 4));
    text = text.slice(now.length);
    if (!base64.test(now) || (isPadded && now !== '')) throw new SyntaxError('not base64');
    isPadded ||= now.endsWith('=');
    return Buffer.from(now, 'base64');
  };

  return {
    push: (chunk) => {
      takeChunk(tokens, chunk);
      const pieces: Buffer[] = [];
      for (let kind = nextToken(tokens); kind !== token.none; kind = nextToken(tokens)) {
        if (kind === token.closing && tokens.level === 0) isOpen = false;
        if (kind !== token.text || tokens.name === 0 || tokens.level !== 1) continue;
        if (tokens.isFirst) found += 1;
        const from = tokens.isFirst ? tokens.start + 1 : tokens.start;
        pieces.push(decode(tokens.characters.slice(from, tokens.isLast ? tokens.end - 1 : tokens.end), tokens.isLast));
      }
      return Buffer.concat(pieces);
    },
    isWhole: () => !isOpen && found === 1,
  };
};
