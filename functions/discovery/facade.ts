import type { Payer } from '../shared/registry/types.ts';
import { authorizeUrl, facadeBase, tokenUrl } from '../shared/registry/urls.ts';

/** The URLs of a payer's facade, as partner apps see it. */
export interface Facade {
  /** Both FHIR base URL and issuer. */
  readonly base: string;
  readonly authorize: string;
  readonly token: string;
  readonly revoke: string;
  readonly introspect: string;
}

/**
 * @param origin the public origin, without a trailing slash
 */
export const facadeOf = (origin: string, payer: Payer): Facade => ({
  base: facadeBase(origin, payer.id),
  authorize: authorizeUrl(origin, payer.id),
  token: tokenUrl(origin),
  revoke: `${origin}/oauth2/revoke`,
  introspect: `${origin}/oauth2/introspect`,
});
