import { fhirBases } from './fhir-bases.ts';
import type { Payer } from './types.ts';

/** The FHIR base URL of a payer's facade, which is its issuer too: clients compare `iss` with the base. */
export const facadeBase = (origin: string, payerId: string): string => `${origin}/r4/${payerId}`;

/** A base as a client names it, in SMART's `aud` or in `resource` (RFC 8707): one trailing slash makes no difference. */
export const namedBase = (text: string): string => (text.endsWith('/') ? text.slice(0, -1) : text);

/** The authorization endpoint of a payer's facade. */
export const authorizeUrl = (origin: string, payerId: string): string => `${origin}/oauth2/authorize/${payerId}`;

/** Where a member sees which apps may read the record at a payer. */
export const connectionsUrl = (
  origin: string,
  payerId: string,
  query: Readonly<Record<string, string | undefined>> = {},
): string => {
  const pairs = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return `${origin}/connections/${payerId}${pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`}`;
};

/** The token endpoint, which all facades share. */
export const tokenUrl = (origin: string): string => `${origin}/oauth2/token`;

/** The gateway's redirect URI at a payer: the same at authorize and at token (RFC 6749 §4.1.3). */
export const callbackUri = (origin: string, payerId: string): string => `${origin}/oauth2/callback/${payerId}`;

/** Every spelling of each of the payer's own FHIR base URLs. */
export const payerBases = (payer: Payer): string[] => fhirBases(payer).flatMap(({ bases }) => bases);
