import { GatewayError } from '../errors.ts';
import { header, type ApiEvent } from './api.ts';

/** Bytes. Far above any legitimate form: the longest hold an assertion, or a search by hundreds of ids. */
const longestForm = 65_536;

const tooLong = (): GatewayError =>
  new GatewayError('invalid_request', `The form is longer than ${longestForm} bytes. Send less, or ask in parts.`, {
    status: 413,
  });

/** The body as text. Nothing beyond the limit is decoded. */
const readBodyText = ({ body, isBase64Encoded }: ApiEvent): string => {
  const sent = body ?? '';
  // Four characters of base64 are three bytes.
  if (sent.length > (isBase64Encoded ? (longestForm / 3) * 4 + 4 : longestForm)) throw tooLong();
  const bytes = Buffer.from(sent, isBase64Encoded ? 'base64' : 'utf8');
  if (bytes.length > longestForm) throw tooLong();
  return isBase64Encoded ? bytes.toString('utf8') : sent;
};

const decoded = (text: string): string =>
  text
    .replaceAll('+', ' ')
    // A malformed escape stands for itself, and bytes that are not UTF-8 become U+FFFD.
    .replaceAll(/(?:%[0-9a-f]{2})+/gi, (bytes) => Buffer.from(bytes.replaceAll('%', ''), 'hex').toString('utf8'));

/**
 * Parses `application/x-www-form-urlencoded` (https://url.spec.whatwg.org/#urlencoded-parsing) into pairs.
 * `URLSearchParams` does the same, but in quadratic time if many names have no value.
 */
export const parseForm = (text: string): [string, string][] =>
  text.split('&').flatMap((pair): [string, string][] => {
    if (pair === '') return [];
    const equals = pair.indexOf('=');
    return equals < 0 ? [[decoded(pair), '']] : [[decoded(pair.slice(0, equals)), decoded(pair.slice(equals + 1))]];
  });

/**
 * A form body as pairs.
 * @throws GatewayError `invalid_request`: 400 for another content type (RFC 6749 §3.2), 413 over 64 KB
 */
export const readFormPairs = (event: ApiEvent): [string, string][] => {
  const mediaType = header(event, 'content-type')?.split(';')[0]!.trim().toLowerCase();
  if (mediaType !== 'application/x-www-form-urlencoded') {
    throw new GatewayError('invalid_request', 'Send the parameters as application/x-www-form-urlencoded.');
  }
  return parseForm(readBodyText(event));
};
