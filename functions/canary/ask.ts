import type { Deps } from '../shared/deps.ts';
import { causeOf } from '../shared/errors.ts';
import type { PayerHttp, PayerResponse } from '../shared/payer/http.ts';
import type { Table } from '../shared/store/dynamo.ts';

/** What the canary depends on. */
export interface CanaryDeps extends Omit<Deps, 'payerHttp'> {
  /** Reaches the gateway's public origin and the payers. */
  readonly http: PayerHttp;
  /** Where the breakers of payers are. */
  readonly limits: Table;
}

/** Limit of each request, in milliseconds: a member would not wait longer for a page. */
export const timeoutMs = 8000;

/** Identifies the canary in a payer's log, so that its requests can be told from members'. */
export const userAgent = 'p2p-gateway-canary';

/** Something is wrong. The text is ours and never contains anything from the network. */
export class Finding extends Error {}

/** Not even an HTTP status came back. */
export class Silence extends Finding {}

export interface Question {
  /** The endpoint, for the finding. */
  readonly what: string;
  readonly url: string;
  /** @default a GET without extra headers */
  readonly init?: { readonly method: 'POST'; readonly body: string } | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/**
 * Asks one question, and reads the answer.
 * @throws Finding
 */
export const ask = async <T>(
  { http }: Pick<CanaryDeps, 'http'>,
  { what, url, init, headers }: Question,
  read: (response: PayerResponse) => Promise<T> | T,
): Promise<T> => {
  let isSilent = true;
  try {
    const response = await http(url, {
      ...init,
      headers: { ...headers, 'User-Agent': userAgent },
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    isSilent = false;
    try {
      return await read(response);
    } finally {
      // A body that was read has nothing left to cancel.
      await response.body?.cancel().catch(() => undefined);
    }
  } catch (error) {
    const message = `${what}: ${error instanceof Finding ? error.message : causeOf(error)}`;
    throw isSilent ? new Silence(message) : new Finding(message);
  }
};

export const expectThat = (holds: boolean, otherwise: string): void => {
  if (!holds) throw new Finding(otherwise);
};
