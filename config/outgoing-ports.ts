import type { Payer } from '../functions/shared/registry/types.ts';

/** The ports that functions connect to: 443, and every other port in the payers' URLs that they call. */
export const outgoingPorts = (payers: readonly Payer[]): number[] => {
  const called = payers.flatMap(({ fhirBaseUrl, authorizationEndpoint, tokenEndpoint, revocationEndpoint }) => [
    fhirBaseUrl,
    // The canary requests the sign-in page.
    authorizationEndpoint,
    tokenEndpoint,
    ...(revocationEndpoint === undefined ? [] : [revocationEndpoint]),
  ]);
  // A URL parser omits the scheme's default port.
  const ports = called.map((url) => new URL(url).port).filter((port) => port !== '');
  return [...new Set([443, ...ports.map(Number)])].sort((a, b) => a - b);
};
