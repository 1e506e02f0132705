import type { IdentitySignIn, Partner, Payer } from '../../shared/registry/types.ts';

/** A payer that takes identity tokens. */
export type IdentityPayer = Payer & { readonly identitySignIn: IdentitySignIn };

/** Whether a payer takes identity tokens. */
export const takesIdentities = (payer: Payer): payer is IdentityPayer => payer.identitySignIn !== undefined;

/** Whether a partner may present its members' identity tokens. */
export const mayPresent = ({ identityAudiences, consent }: Partner): boolean =>
  identityAudiences !== undefined && consent === 'partner';
