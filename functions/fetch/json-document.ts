import { space } from '../shared/json/bytes.ts';
import { stray, token, type JsonTokens } from '../shared/json/tokens.ts';
import { UnusableAnswer } from '../shared/payer/decode-body.ts';

/** Watches the tokens of an answer. */
export interface JsonDocument {
  /** @throws UnusableAnswer if they are not one JSON document, or more follows it */
  readonly watch: (kind: number, tokens: JsonTokens) => void;
  /** @throws UnusableAnswer if the document has not ended */
  readonly end: () => void;
}

const isControl = ({ chunk, start, end }: JsonTokens): boolean =>
  chunk.subarray(start, end).every((byte) => byte <= space);

/**
 * Checks that an answer is one JSON document from its first brace to its last. If a payer ends an answer by closing the
 * connection, or gives too small a length, there is no other sign that something is missing. It looks only at what is
 * outside all brackets, so it does not prove that the JSON can be parsed.
 */
export const jsonDocument = (): JsonDocument => {
  let isStarted = false;
  let hasEnded = false;
  return {
    watch(kind, tokens) {
      const { level, fault } = tokens;
      if (level > 0) return;
      const isMore = kind === token.text || (kind === token.scalar && !(hasEnded && isControl(tokens)));
      const isAgain = kind === token.opening && isStarted;
      const isStray = kind === token.closing ? level < 0 : fault === stray;
      if (isMore || isAgain || isStray) throw new UnusableAnswer('NOT_JSON');
      if (kind === token.opening) isStarted = true;
      if (kind === token.closing) hasEnded = true;
    },
    end() {
      if (!hasEnded) throw new UnusableAnswer('INCOMPLETE_JSON');
    },
  };
};
