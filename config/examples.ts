/**
 * Placeholders in this folder's examples. Production refuses them, except in the example itself
 * (`leftovers.ts`).
 */
import type { PublicJwk } from '../functions/shared/registry/types.ts';

/** An account id that AWS's own documentation uses. */
export const exampleAccount = '111122223333';

/** A hosted zone that does not exist. */
export const exampleHostedZoneId = 'Z0123456789ABCDEFGHIJ';

/** The hash of 32 discarded random bytes, so no one can sign in with it. */
export const exampleSecretHash = 'cM1_XkJEYR8nJWplsL_WvLlXVV15HRROrt2ngtF1QSE';

/** SHA-256 of `demo-partner-secret`, which is public: the README prints it. */
export const publishedSecretHash = 'N2Zj40bTKWhIB4X-2vK_Rp0LOgaUmgXVWDWg97wdBhg';

/** The public key of docs/examples/demo-partner-key.pem. That private key is published too, so it protects nothing. */
export const publishedPublicKey: PublicJwk = {
  kty: 'RSA',
  kid: 'demo-partner-1',
  alg: 'RS384',
  use: 'sig',
  e: 'AQAB',
  n: '0JswvnPMBcYZGyCnhoatKBy8IRZuHG9dpbS6dJS3eGE0hxIAgQqu3DNMfBhjGZtZSKfo4N5ewDZN08WVT0QPMNJeCGUgxDwqWbhxacz3EiBG91ww_tvl3YI89TO0CZlTrBbg1s6O8kobnkt8N8JdtMbOSoC2SXENnZqujEWYREcBP1OMy5uAuPghmf1wsubYKrHGA6o2W-olXiLKqVCA7TUSmyy1765UyoXyG6R1bEuMmhGi7q8_wqLnPXl7haLh_5zI14xyYojWSlxYixO4uaSddZ1koXg3ioOeHmuEykVWBJjDRa62UjiV41u86uEwL03-jcrTd4r2v2GakuSc0Q',
};

/** The public key of docs/examples/new-plan-key.pem. That private key is published too, so it protects nothing. */
export const publishedPlanKey: PublicJwk = {
  kty: 'EC',
  crv: 'P-384',
  kid: 'new-plan-1',
  alg: 'ES384',
  use: 'sig',
  x: '6lPM1mQOEa3avMZwBYhJKgl4Le2kh3j4Pn-llQVZSgUvvNLlMIOp_L0_7ZqNUtAr',
  y: 'PsdPfBs2o-0Xh3qKAU79Q8l5_fDTB_-pV-9z7XHAQfHTYbUbWeNZ4bGwF2pP9KW6',
};

/** A placeholder for the client id at a payer that has not registered the gateway yet. No partner may read from it. */
export const pendingClientId = 'pending-registration';

/** The public half of a discarded key pair. */
export const examplePublicKey: PublicJwk = {
  kty: 'EC',
  crv: 'P-384',
  kid: 'example-1',
  alg: 'ES384',
  use: 'sig',
  x: 'ckZaeyUT8sL8MjgxpcuvPIWc2_0UJu9qFhXwg8UvPsFU2KThMz_dLlGTywOrthEP',
  y: 'YgRECkcZRqS8QQNjvt_L5YpSwtkKpadtbsnxEBpHShuRwrRp_kgwTOwpQo-JR7Ba',
};

/** Whether a host name is reserved for examples (RFC 2606). */
export const isExampleHost = (host: string): boolean =>
  /(^|\.)(example|example\.(com|net|org)|test|invalid)$/.test(host);

/** A square, where a logo goes. */
export const exampleLogo = `data:image/svg+xml;base64,${Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><rect width="48" height="48" rx="11" fill="#4a5864"/></svg>',
).toString('base64')}`;
