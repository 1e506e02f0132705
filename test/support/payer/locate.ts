import type { Payer } from '../../../functions/shared/registry/types.ts';
import type { Endpoint } from './answers.ts';

/** Which payer a URL belongs to, and which part of it. */
export interface Place {
  readonly payer: string;
  readonly endpoint: Endpoint;
  readonly path: string;
}

/** Finds the place by the payers' profiles. @returns undefined if the URL belongs to no payer */
export const locateBy =
  (profiles: readonly Payer[]) =>
  ({ origin, pathname }: URL): Place | undefined => {
    const address = `${origin}${pathname}`;
    for (const { id, authorizationEndpoint, tokenEndpoint, revocationEndpoint, fhirBaseUrl } of profiles) {
      const endpoints = { authorize: authorizationEndpoint, token: tokenEndpoint, revoke: revocationEndpoint } as const;
      for (const endpoint of ['authorize', 'token', 'revoke'] as const) {
        if (address === endpoints[endpoint]) return { payer: id, endpoint, path: '' };
      }
      if (address === fhirBaseUrl || address.startsWith(`${fhirBaseUrl}/`)) {
        return { payer: id, endpoint: 'r4', path: address.slice(fhirBaseUrl.length) };
      }
    }
    return undefined;
  };
