import { withoutBom } from '../plain-text.ts';
import { PayerError, type Asked } from './errors.ts';
import type { PayerResponse } from './http.ts';

/**
 * The text of a body, or undefined if it is longer than the limit, so that a payer cannot fill the memory. A byte order mark is left out, which
 * a reader of JSON may ignore (RFC 8259 §8.1).
 */
export const readText = async (
  { body }: Pick<PayerResponse, 'body'>,
  limitBytes: number,
): Promise<string | undefined> => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    // Leaving the loop discards the rest.
    if (size > limitBytes) return undefined;
    chunks.push(chunk);
  }
  return withoutBom(Buffer.concat(chunks).toString('utf8'));
};

/** The text of a body. @throws PayerError if it is longer than the limit */
export const requireText = async (response: PayerResponse, limitBytes: number, asked: Asked): Promise<string> => {
  const text = await readText(response, limitBytes);
  if (text === undefined) throw new PayerError('nonsense', `${asked}: answer over ${limitBytes} bytes`);
  return text;
};
