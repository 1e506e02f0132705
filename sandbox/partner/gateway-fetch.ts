import { setTimeout as sleep } from 'node:timers/promises';
import type { Send } from './exports.ts';
import type { GatewayClient, Tokens } from './gateway-client.ts';
import type { Read } from './record.ts';
import type { Connection } from './sessions.ts';

const renewBeforeMs = 30_000;
const mostTries = 4;
const readTimeoutMs = 60_000;

/** How a request behaves when the gateway asks to wait. */
interface Patience {
  /** Longer waits are not waited for: the answer is returned as it is. */
  readonly longestWaitSeconds: number;
  readonly signal?: AbortSignal;
}

/** While a member waits for a page. */
const forAPage: Patience = { longestWaitSeconds: 5 };

/** Renews the tokens. All requests that need new ones wait for the same answer, since a refresh token is used once. */
const renew = async (gateway: GatewayClient, payerId: string, connection: Connection): Promise<Tokens> => {
  connection.renewing ??= gateway.renew(payerId, connection.tokens).finally(() => (connection.renewing = undefined));
  connection.tokens = await connection.renewing;
  return connection.tokens;
};

const freshTokens = async (gateway: GatewayClient, payerId: string, connection: Connection): Promise<Tokens> => {
  const { tokens, renewing } = connection;
  const endsSoon = tokens.expiresAtMs - renewBeforeMs < Date.now() && tokens.refreshToken !== undefined;
  return endsSoon || renewing !== undefined ? renew(gateway, payerId, connection) : tokens;
};

/** How long the answer asks to wait; undefined if it does not say. */
const waitOf = ({ status, headers }: Response): number | undefined => {
  const after = headers.get('retry-after');
  // A 429 with a location is an answer: the export that it names runs already.
  if ((status !== 429 && status !== 503) || after === null || headers.has('content-location')) return undefined;
  const seconds = /^\d+$/.test(after) ? Number(after) : (Date.parse(after) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
};

/**
 * Sends requests with the connection's access token. The token is renewed before it ends and, once, after a 401. A 429
 * or 503 with `Retry-After` is sent again, up to three times. Every other answer is returned.
 */
export const gatewaySend = (
  { gateway, gatewayOrigin }: { readonly gateway: GatewayClient; readonly gatewayOrigin: string },
  payerId: string,
  connection: Connection,
  { longestWaitSeconds, signal }: Patience = forAPage,
): Send => {
  return async (url, { method = 'GET', headers = {}, timeoutMs } = {}) => {
    // The token is sent only to the server that it was issued for, whatever a link says.
    if (!url.startsWith(`${gatewayOrigin}/`)) throw new TypeError('A link leads to another server');
    const signals = [signal, timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs)];
    const sendWith = ({ accessToken }: Tokens): Promise<Response> =>
      fetch(url, {
        method,
        headers: { ...headers, authorization: `Bearer ${accessToken}` },
        redirect: 'manual',
        signal: AbortSignal.any(signals.filter((one) => one !== undefined)),
      });
    let renewed = false;
    for (let tries = 1; ; tries += 1) {
      const tokens = await freshTokens(gateway, payerId, connection);
      const answer = await sendWith(tokens);
      if (answer.status === 401 && !renewed && tokens.refreshToken !== undefined) {
        renewed = true;
        // Unless another request has renewed them in the meantime.
        if (connection.tokens === tokens) await renew(gateway, payerId, connection);
      } else {
        const wait = waitOf(answer);
        if (wait === undefined || wait > longestWaitSeconds || tries >= mostTries) return answer;
        await sleep(wait * 1000, undefined, { signal });
      }
      await answer.body?.cancel();
    }
  };
};

/** Reads FHIR JSON with {@link gatewaySend}. */
export const readerOf =
  (send: Send): Read =>
  async (url) => {
    const answer = await send(url, { headers: { accept: 'application/fhir+json' }, timeoutMs: readTimeoutMs });
    return { status: answer.status, text: await answer.text() };
  };
