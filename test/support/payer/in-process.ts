import type { PayerHttp } from '../../../functions/shared/payer/http.ts';
import type { PayerAnswer, PayerRequest } from './answers.ts';
import type { Member, StrictPayers } from './strict-payers.ts';

type Locate = Pick<StrictPayers, 'locate'>;

const cutStream = (body: string): ReadableStream<Uint8Array> => {
  let isSent = false;
  return new ReadableStream({
    pull: (controller) => {
      if (isSent) return controller.error(new TypeError(`terminated after ${body}`, { cause: new Error(body) }));
      isSent = true;
      controller.enqueue(Buffer.from(body));
    },
  });
};

const responseOf = ({ status, headers = {}, body = '', cut = false }: PayerAnswer): Response =>
  new Response(cut ? cutStream(body) : [204, 304].includes(status) ? null : body, { status, headers });

/** What was asked, for an error that quotes everything it can. */
const quoteOf = ({ url, headers, body }: PayerRequest): string => `${url.href} ${body} ${JSON.stringify(headers)}`;

/** A request as a payer receives it. @throws TypeError if no payer is at its URL */
export const requestOf = (
  { locate }: Locate,
  input: string | URL,
  init: Parameters<PayerHttp>[1] = {},
): PayerRequest => {
  const url = new URL(input);
  const place = locate(url);
  if (place === undefined) throw new TypeError(`fetch failed: nobody at ${url.href}`);
  const { method = 'GET', body = '' } = init;
  const headers = Object.fromEntries(new Headers(init.headers));
  return { ...place, method, url, headers, body, form: new URLSearchParams(body) };
};

/**
 * The payers as the gateway's HTTP. If a payer does not answer, the errors are those of `fetch`, and quote the request.
 */
export const payerHttpOf =
  (payers: StrictPayers): PayerHttp =>
  async (input, init) => {
    const request = requestOf(payers, input, init);
    const { outcome } = await payers.handle(request);
    if (outcome === 'no answer') throw new DOMException(`timed out: ${quoteOf(request)}`, 'TimeoutError');
    if (outcome === 'reset') {
      const cause = Object.assign(new Error(quoteOf(request)), { code: 'ECONNRESET' });
      throw new TypeError(`fetch failed: ${quoteOf(request)}`, { cause });
    }
    if ('write' in outcome) throw new Error('an answer by hand needs a connection');
    return responseOf(outcome);
  };

/** Signs a member in at the payer that the gateway sent the browser to. @returns where the payer sends it back to */
export const signInAt =
  (payers: StrictPayers) =>
  async (payerUrl: string | URL, member?: Member): Promise<URL> => {
    const { outcome } = await payers.handle(requestOf(payers, payerUrl), member);
    const location = typeof outcome === 'string' || 'write' in outcome ? undefined : outcome.headers?.['location'];
    if (location === undefined) throw new Error(`no way back from the payer: ${JSON.stringify(outcome)}`);
    return new URL(location);
  };
