/** A request to a payer: the part of `fetch`'s options that we need. */
export interface PayerRequest {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'DELETE';
  readonly headers?: Record<string, string>;
  readonly body?: string | undefined;
  /** Redirects are never followed. The field lets `fetch` stand in. */
  readonly redirect?: 'manual';
  readonly signal?: AbortSignal;
  /** Whether it spends something that works only once, such as a code. @default false */
  readonly oneTime?: boolean;
}

/** The bytes of a body, decompressed. Iteration throws if the body does not end as its framing and coding say. */
export interface PayerBody extends AsyncIterable<Uint8Array> {
  /** Discards a body that nobody will read. */
  readonly cancel: () => Promise<void>;
}

/** A payer's answer: the part of a `Response` that we need. A real one would load undici. */
export interface PayerResponse {
  readonly status: number;
  readonly headers: { readonly get: (name: string) => string | null };
  readonly body: PayerBody | null;
}

/** The payer's HTTP, passed in so that tests can stand in for a payer. */
export type PayerHttp = (input: string | URL, init?: PayerRequest) => Promise<PayerResponse>;
