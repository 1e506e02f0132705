/**
 * What the examples of this folder hold in place of one's own. Production takes none of it, but in the example itself
 * (`leftovers.ts`).
 */
import type { PublicJwk } from '../functions/shared/registry/types.ts';

/** An account id that AWS's own documentation uses. */
export const exampleAccount = '111122223333';

/** A hosted zone that belongs to nobody. */
export const exampleHostedZoneId = 'Z0123456789ABCDEFGHIJ';

/** The hash of 32 random bytes that were thrown away, so nobody can sign in with it. */
export const exampleSecretHash = 'cM1_XkJEYR8nJWplsL_WvLlXVV15HRROrt2ngtF1QSE';

/** SHA-256 of `demo-partner-secret`, which is no secret: the README prints it. */
export const publishedSecretHash = 'N2Zj40bTKWhIB4X-2vK_Rp0LOgaUmgXVWDWg97wdBhg';

/** Stands for the client id of a payer that has not registered the gateway yet. No partner may read from it. */
export const pendingClientId = 'pending-registration';

/** The public half of a pair that was thrown away. */
export const examplePublicKey: PublicJwk = {
  kty: 'EC',
  crv: 'P-384',
  kid: 'example-1',
  alg: 'ES384',
  use: 'sig',
  x: 'ckZaeyUT8sL8MjgxpcuvPIWc2_0UJu9qFhXwg8UvPsFU2KThMz_dLlGTywOrthEP',
  y: 'YgRECkcZRqS8QQNjvt_L5YpSwtkKpadtbsnxEBpHShuRwrRp_kgwTOwpQo-JR7Ba',
};

/** Whether a host's name is one that belongs to nobody (RFC 2606). */
export const isExampleHost = (host: string): boolean =>
  /(^|\.)(example|example\.(com|net|org)|test|invalid)$/.test(host);
