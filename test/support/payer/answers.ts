import type { IncomingHttpHeaders, ServerResponse } from 'node:http';

/** What a payer is asked for. */
export type Endpoint = 'authorize' | 'token' | 'revoke' | 'r4';

/** A request that reached a payer. */
export interface PayerRequest {
  readonly payer: string;
  readonly endpoint: Endpoint;
  readonly method: string;
  readonly url: URL;
  /** Below the FHIR base; starts with a slash, or is empty. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly form: URLSearchParams;
}

/** A payer's answer. */
export interface PayerAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The connection breaks after the body so far. */
  readonly cut?: boolean;
}

/** An answer that a test writes to the connection itself; only for payers over HTTP. */
interface ByHand {
  readonly write: (response: ServerResponse) => unknown;
}

/** The outcome of a request. */
export type Outcome = PayerAnswer | ByHand | 'no answer' | 'reset';

/** What a payer does with a request in a test; `usual` does what it would do otherwise. */
export type Script = (request: PayerRequest, usual: () => Promise<PayerAnswer>) => Outcome | Promise<Outcome>;

/** A JSON answer. */
export const answer = (
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): PayerAnswer => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(value),
});

/** A text answer of any type. */
export const answerText = (
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): PayerAnswer => ({ status, headers, body });

export const answerFhir = (value: unknown): PayerAnswer =>
  answer(200, value, { 'content-type': 'application/fhir+json' });

export const oauthError = (error: string, status = 400): PayerAnswer => answer(status, { error });

export const byHand = (write: ByHand['write']): Outcome => ({ write });

/** Sends the browser back to the gateway with these parameters. */
export const sendBack = ({ url }: PayerRequest, parameters: Readonly<Record<string, string>>): PayerAnswer => {
  const back = new URL(url.searchParams.get('redirect_uri') ?? '');
  const state = url.searchParams.get('state') ?? '';
  for (const [name, value] of Object.entries({ state, ...parameters })) back.searchParams.set(name, value);
  return { status: 302, headers: { location: back.href } };
};

/** The usual tokens in a different answer; the payer has issued the tokens that the answer names. */
export const tokens =
  (change: Readonly<Record<string, unknown>> = {}): Script =>
  async (_request, usual) => {
    const given = await usual();
    return given.status === 200 ? answer(200, { ...(JSON.parse(given.body ?? '{}') as object), ...change }) : given;
  };

/** Issues tokens in an answer that never arrives. */
export const loseTokens: Script = async (_request, usual) => {
  const given = await usual();
  return given.status === 200 ? 'reset' : given;
};

/** A searchset. */
export const bundleOf = (...resources: readonly object[]): object => ({
  resourceType: 'Bundle',
  type: 'searchset',
  entry: resources.map((resource) => ({ resource, search: { mode: 'match' } })),
});
