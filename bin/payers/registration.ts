import type { StageConfig } from '../../config/stage.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { callbackUri } from '../../functions/shared/registry/urls.ts';

/** What the payer has to register for the gateway. */
export interface Registration {
  readonly redirectUri: string;
  /** Where the payer finds our public keys, for `private_key_jwt` and for assertions with identity tokens. */
  readonly jwksUrl?: string;
}

/** Stands for an origin that only the deployed stack knows. */
const unknownOrigin = '{origin}';

/** @param origin if it is unknown, `{origin}` is written instead */
export const registrationOf = (
  origin: string | undefined,
  { id, clientAuthentication, identitySignIn }: Pick<Payer, 'id' | 'clientAuthentication' | 'identitySignIn'>,
): Registration => ({
  redirectUri: callbackUri(origin ?? unknownOrigin, id),
  ...(clientAuthentication === 'private_key_jwt' || identitySignIn !== undefined
    ? { jwksUrl: `${origin ?? unknownOrigin}/oauth2/jwks/${id}` }
    : {}),
});

/** Says where to find an origin that is the API's own URL; `undefined` if the origin is known. */
export const originHint = (origin: string | undefined, { stage }: Pick<StageConfig, 'stage'>): string | undefined =>
  origin === undefined
    ? `${unknownOrigin} is the output Origin of the stack p2p-gateway-${stage} (cdk deploy prints it); --origin URL fills it in`
    : undefined;
