/** A request to a payer: what `fetch` takes, as far as it is needed. */
export interface PayerRequest {
  readonly method?: 'GET' | 'HEAD' | 'POST';
  readonly headers?: Record<string, string>;
  readonly body?: string | undefined;
  /** Redirects are never followed; here so that `fetch` can stand in. */
  readonly redirect?: 'manual';
  readonly signal?: AbortSignal;
  /** Whether it uses something up that is good for one request, such as a code. @default false */
  readonly oneTime?: boolean;
}

/** The bytes of a body, decompressed. They throw where the body does not end as its framing and coding say. */
export interface PayerBody extends AsyncIterable<Uint8Array> {
  /** Lets go of a body that nobody will read. */
  readonly cancel: () => Promise<void>;
}

/** A payer's answer: what is needed of a `Response`, which would load undici. */
export interface PayerResponse {
  readonly status: number;
  readonly headers: { readonly get: (name: string) => string | null };
  readonly body: PayerBody | null;
}

/** The payer's HTTP; passed in so that tests stand in for a payer. */
export type PayerHttp = (input: string | URL, init?: PayerRequest) => Promise<PayerResponse>;
