import type { StageConfig } from '../../config/stage.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { callbackUri } from '../../functions/shared/registry/urls.ts';

/** What the payer must register of ours. */
export interface Registration {
  readonly redirectUri: string;
  /** Where the payer finds our public keys, for `private_key_jwt`. */
  readonly jwksUrl?: string;
}

/** In place of an origin that only the deployed stack knows. */
const unknownOrigin = '{origin}';

/** @param origin without one, `{origin}` stands in its place */
export const registrationOf = (
  origin: string | undefined,
  { id, clientAuthentication }: Pick<Payer, 'id' | 'clientAuthentication'>,
): Registration => ({
  redirectUri: callbackUri(origin ?? unknownOrigin, id),
  ...(clientAuthentication === 'private_key_jwt' ? { jwksUrl: `${origin ?? unknownOrigin}/oauth2/jwks/${id}` } : {}),
});

/** Where an origin is to be found that is the API's own URL; `undefined` where it is known. */
export const originHint = (origin: string | undefined, { stage }: Pick<StageConfig, 'stage'>): string | undefined =>
  origin === undefined
    ? `${unknownOrigin} is the output Origin of the stack p2p-gateway-${stage} (cdk deploy prints it); --origin URL puts it in`
    : undefined;
