/**
 * Placeholders in this folder's examples. Production refuses them, except in the example itself
 * (`checks/leftovers.ts`).
 */
import { npiSystem } from '../functions/shared/fhir/npi.ts';
import type { Identifier, PublicJwk } from '../functions/shared/registry/types.ts';

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

const exampleKey = (x: string, y: string): PublicJwk => ({ ...examplePublicKey, x, y });

/** The same of three others, since no two payers or partners may have one key. */
export const exampleKeys = {
  exchange: exampleKey(
    'Ay7r-FYw_MBl5OriVsdMn3VX9-quKScxW0XGE-NEk0zus3iV68cbrjL5X5s5deOE',
    'iCH7m-ZI2TL4Ddq8A4RZce2x0eSnWYjOi3GKRCI6QJCWs9q8sCZimC3Xn19T0rlW',
  ),
  portal: exampleKey(
    'n7I8cDR0V7gMhIIMDvytzjcxqXCDVPM5IVqbh6Nfw0khrWyQfJmcrqJJER7633pm',
    'OzcV9fwPOglqrsNsZJ_suUF7D1ZBuMM6RLxvNzex_4a6C7RaOSjEtUBieiY8ul2A',
  ),
  enrollment: exampleKey(
    'qyQU5NA2Fh_8YTwCwXvQ1twFLmrvFW09TIwixLWkMC3rJ07Y6a11HMGnxhlcfkbE',
    'yrNQ5XD3BfU6u5WDMGufujvKiunqxLOjY9iN9MFrsOW5bML8VwL5huX_sHiKNMvW',
  ),
} as const;

/** A National Provider Identifier that no plan has: no real one begins with 8 or 9. */
const exampleNpi = (value: string): Identifier => ({ system: npiSystem, value });
export const exampleIdentifiers = { payer: exampleNpi('9400000011'), plan: exampleNpi('9800000017') } as const;

/** Whether a host name is reserved for examples (RFC 2606). */
export const isExampleHost = (host: string): boolean =>
  /(^|\.)(example|example\.(com|net|org)|test|invalid)$/.test(host);

/** A square, where a logo goes. */
export const exampleLogo = `data:image/svg+xml;base64,${Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><rect width="48" height="48" rx="11" fill="#4a5864"/></svg>',
).toString('base64')}`;

/** The logos of stage `local`, for the gateway's pages. The partners' files are in sandbox/partner/static. */
export const localLogos = {
  gateway:
    'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA0OCA0OCI+PHJlY3Qgd2lkdGg9IjQ4IiBoZWlnaHQ9IjQ4IiByeD0iMTEiIGZpbGw9IiMxYjI3MzMiLz48cGF0aCBkPSJNMTAgMjBoMjJsLTYtNk0zOCAyOEgxNmw2IDYiIGZpbGw9Im5vbmUiIHN0cm9rZT0iI2ZmZiIgc3Ryb2tlLXdpZHRoPSI0IiBzdHJva2UtbGluZWNhcD0icm91bmQiIHN0cm9rZS1saW5lam9pbj0icm91bmQiLz48L3N2Zz4=',
  demoPartner:
    'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA0OCA0OCI+PHJlY3Qgd2lkdGg9IjQ4IiBoZWlnaHQ9IjQ4IiByeD0iMTEiIGZpbGw9IiMwYjVjYWQiLz48cGF0aCBkPSJNOSAyNWg4bDQtMTAgNiAxOSA0LTloOCIgZmlsbD0ibm9uZSIgc3Ryb2tlPSIjZmZmIiBzdHJva2Utd2lkdGg9IjQiIHN0cm9rZS1saW5lY2FwPSJyb3VuZCIgc3Ryb2tlLWxpbmVqb2luPSJyb3VuZCIvPjwvc3ZnPg==',
  pocketRecord:
    'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA0OCA0OCI+PHJlY3Qgd2lkdGg9IjQ4IiBoZWlnaHQ9IjQ4IiByeD0iMTEiIGZpbGw9IiMxZDZmNDIiLz48cGF0aCBkPSJNMTIgMTVoMjR2MTFhMTIgMTIgMCAwIDEtMjQgMHoiIGZpbGw9Im5vbmUiIHN0cm9rZT0iI2ZmZiIgc3Ryb2tlLXdpZHRoPSI0IiBzdHJva2UtbGluZWpvaW49InJvdW5kIi8+PHBhdGggZD0iTTI0IDIwdjEwTTE5IDI1aDEwIiBzdHJva2U9IiNmZmYiIHN0cm9rZS13aWR0aD0iNCIgc3Ryb2tlLWxpbmVjYXA9InJvdW5kIi8+PC9zdmc+',
  trendJournal:
    'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA0OCA0OCI+PHJlY3Qgd2lkdGg9IjQ4IiBoZWlnaHQ9IjQ4IiByeD0iMTEiIGZpbGw9IiM2YjNmYTAiLz48cGF0aCBkPSJNMTMgMTF2MjZoMjQiIGZpbGw9Im5vbmUiIHN0cm9rZT0iI2ZmZiIgc3Ryb2tlLXdpZHRoPSI0IiBzdHJva2UtbGluZWNhcD0icm91bmQiIHN0cm9rZS1saW5lam9pbj0icm91bmQiLz48cGF0aCBkPSJtMTkgMjkgNi03IDQgNCA3LTEwIiBmaWxsPSJub25lIiBzdHJva2U9IiNmZmYiIHN0cm9rZS13aWR0aD0iNCIgc3Ryb2tlLWxpbmVjYXA9InJvdW5kIiBzdHJva2UtbGluZWpvaW49InJvdW5kIi8+PC9zdmc+',
} as const;
