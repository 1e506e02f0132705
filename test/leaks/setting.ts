import type { assertionForm, GatewayRequest } from '../support/login/requests.ts';
import type { Line } from '../support/login/steps.ts';
import type { Garden } from './garden.ts';
import type { CanaryPayers } from './payer.ts';
import type { Place } from './places.ts';

/** An answer; header names are in lower case. */
export interface GatewayAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly string[];
  readonly body: string;
}

/** A gateway with a garden around it: everything it says is recorded, in process or over the local stack. */
export interface Setting {
  readonly garden: Garden;
  readonly payer: CanaryPayers;
  readonly partnerSecret: string;
  /** Northwind's own name, which its redirects contain. */
  readonly issuer: string;
  /** The partner's assertion, signed for the token endpoint. */
  readonly assertion: () => ReturnType<typeof assertionForm>;
  readonly send: (request: GatewayRequest) => Promise<GatewayAnswer>;
  readonly signIn: Line<GatewayAnswer>['signIn'];
}

/** The place of an answer. */
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
  if (status === 400 && route === '/r4/{payer}/{proxy+}' && / is not a parameter of /.test(body))
    return 'parameter refusal';
  // A function that failed before it answered has status 0.
  if (status >= 400 || status === 0) return 'error answer';
  if (route.startsWith('/oauth2/authorize')) return 'consent page';
  if (route === '/oauth2/token') return 'token answer';
  return route.startsWith('/r4/') && !route.includes('well-known') && !route.endsWith('/metadata')
    ? 'read answer'
    : 'other answer';
};

/** Records an answer at its place. */
export const seeAnswer = (garden: Garden, request: GatewayRequest, answer: GatewayAnswer): void => {
  garden.see(placeOf(request, answer), JSON.stringify(answer.headers), answer.cookies.join('\n'), answer.body);
};
