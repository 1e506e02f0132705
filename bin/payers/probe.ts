import { causeOf } from '../../functions/shared/errors.ts';
import { parseObject, type JsonObject } from '../../functions/shared/json/json-object.ts';
import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import { readText } from '../../functions/shared/payer/read-text.ts';
import { answerMs } from '../shared/deadline.ts';
import { failureWords } from '../shared/failure-words.ts';
import { certificateFault } from './certificates.ts';

/** A payer's answer to one request. */
export interface Answer {
  readonly status: number;
  /** Where a redirect leads; it is not followed. */
  readonly location: string | undefined;
  readonly contentType: string;
  readonly challenge: string | null;
  readonly text: string;
  /** The body, if it is a JSON object. */
  readonly json: JsonObject | undefined;
}

/** An answer, or why there is none: the rest of a sentence, such as `refuses connections`. */
export type Probed = Answer | { readonly failure: string };

/** The most that the gateway reads of a payer's CapabilityStatement. */
const limitBytes = 5 * 1024 * 1024;

const failureOf = (error: unknown): string => {
  const cause = causeOf(error);
  const [what, todo] = certificateFault(cause) ?? [];
  return what === undefined
    ? (failureWords(cause) ?? `does not answer properly (${cause})`)
    : `is not trusted: its certificate ${what}; ${todo}`;
};

/** A request without credentials or cookies, and without parameters but those of `form`. */
interface ProbeRequest {
  readonly method?: 'GET' | 'POST';
  readonly accept: string;
  /** Post an empty JSON object, not an empty form. */
  readonly isJson?: boolean;
  /** @default empty */
  readonly form?: Readonly<Record<string, string>>;
}

/** Sends one request, without following redirects, within {@link answerMs}. It never throws. */
export const probe = async (
  http: PayerHttp,
  url: string,
  { method = 'GET', accept, isJson = false, form = {} }: ProbeRequest,
): Promise<Probed> => {
  const type = { 'Content-Type': isJson ? 'application/json' : 'application/x-www-form-urlencoded' };
  try {
    const response = await http(url, {
      method,
      headers: { Accept: accept, ...(method === 'POST' ? type : {}) },
      ...(method === 'POST' ? { body: isJson ? '{}' : new URLSearchParams(form).toString() } : {}),
      redirect: 'manual',
      signal: AbortSignal.timeout(answerMs),
    });
    const text = await readText(response, limitBytes);
    if (text === undefined) return { failure: `answers with more than ${limitBytes / 1024 / 1024} MB` };
    return {
      status: response.status,
      location: response.headers.get('location') ?? undefined,
      contentType: response.headers.get('content-type') ?? 'no content type',
      challenge: response.headers.get('www-authenticate'),
      text,
      json: parseObject(text),
    };
  } catch (error) {
    return { failure: failureOf(error) };
  }
};

export const isRedirect = ({ status }: Answer): boolean => status >= 300 && status < 400;
