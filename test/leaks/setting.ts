import type { Garden } from './garden.ts';
import type { Payer } from './payer.ts';
import type { Place } from './places.ts';

type Pairs = readonly (readonly [string, string])[];

/** One request to the gateway, whichever way it travels. */
export interface GatewayRequest {
  /** The route's pattern, such as `/oauth2/authorize/{payer}`. */
  readonly route: string;
  readonly method?: string;
  /** What stands in the pattern's places. */
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Pairs;
  readonly form?: Readonly<Record<string, string>> | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What came back; header names in lower case. */
export interface GatewayAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly string[];
  readonly body: string;
}

/** A gateway with a garden around it: what it says is seen, in process or over the local stack. */
export interface Setting {
  readonly garden: Garden;
  readonly payer: Payer;
  readonly partnerSecret: string;
  /** Northwind's own name, which its redirects carry. */
  readonly issuer: string;
  /** A client assertion of the partner's, for the token endpoint. */
  readonly assertion: () => Promise<string>;
  readonly send: (request: GatewayRequest) => Promise<GatewayAnswer>;
}

/** The place that an answer is. */
const placeOf = ({ route }: GatewayRequest, { status, headers, body }: GatewayAnswer): Place => {
  const { location } = headers;
  if (location !== undefined && status < 400) {
    const { searchParams, pathname } = new URL(location);
    if (searchParams.has('error')) return 'error redirect';
    return searchParams.has('code') || pathname.endsWith('/callback')
      ? 'redirect to the partner'
      : 'redirect to the payer';
  }
  if (status === 400 && route === '/oauth2/token' && body.startsWith('{"error":"invalid_scope"'))
    return 'scope refusal';
  if (status === 400 && route === '/r4/{payer}/{proxy+}' && / is no parameter of /.test(body))
    return 'parameter refusal';
  // A function that failed before it answered has status 0.
  if (status >= 400 || status === 0) return 'error answer';
  if (route.startsWith('/oauth2/authorize')) return 'consent page';
  if (route === '/oauth2/token') return 'token answer';
  return route.startsWith('/r4/') && !route.includes('well-known') && !route.endsWith('/metadata')
    ? 'read answer'
    : 'other answer';
};

/** Files an answer where it belongs. */
export const seeAnswer = (garden: Garden, request: GatewayRequest, answer: GatewayAnswer): void => {
  garden.see(placeOf(request, answer), JSON.stringify(answer.headers), answer.cookies.join('\n'), answer.body);
};
