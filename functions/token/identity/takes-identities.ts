import type { IdentitySignIn, Payer } from '../../shared/registry/types.ts';

/** A payer that takes identity tokens. */
export type IdentityPayer = Payer & { readonly identitySignIn: IdentitySignIn };

/** Whether a payer takes identity tokens. */
export const takesIdentities = (payer: Payer): payer is IdentityPayer => payer.identitySignIn !== undefined;
