import type { Deps } from '../../shared/deps.ts';
import { GatewayError } from '../../shared/errors.ts';
import type { RequestParameters } from '../../shared/http/api.ts';
import { mayReadFrom } from '../../shared/registry/profile.ts';
import type { IdentitySignIn, Partner, Payer } from '../../shared/registry/types.ts';
import { facadeBase } from '../../shared/registry/urls.ts';

/** A payer that takes identity tokens. */
export type IdentityPayer = Payer & { readonly identitySignIn: IdentitySignIn };

const invalidTarget = (sentence: string, detail?: string): GatewayError =>
  new GatewayError('invalid_target', sentence, { detail });

/**
 * RFC 8707 §2 lets a client name several resources. An identity token goes to one payer only.
 * @throws GatewayError `invalid_target`
 */
export const checkOneResource = ({ repeated }: Pick<RequestParameters, 'repeated'>): void => {
  if (repeated.has('resource')) throw invalidTarget('resource is there twice; make one call for each health plan.');
};

const takesIdentities = (payer: Payer): payer is IdentityPayer => payer.identitySignIn !== undefined;

/**
 * Finds the payer that `resource` names, to which the identity token goes, and to no other.
 * @param note gets the payer once the registry knows it
 * @throws GatewayError `invalid_target`, `unauthorized_client`, `temporarily_unavailable` if the payer is paused
 */
export const requireIdentityPayer = async (
  { registry, origin }: Pick<Deps, 'registry' | 'origin'>,
  { values }: RequestParameters,
  partner: Partner,
  note: (payer: Payer) => void,
): Promise<IdentityPayer> => {
  const bases = facadeBase(origin, '');
  const resource = values.get('resource');
  if (resource === undefined) throw invalidTarget(`resource is missing: write ${bases} and the health plan's id.`);
  const id = resource.startsWith(bases) ? resource.slice(bases.length) : '';
  const payer = id === '' ? undefined : await registry.payer(id, { evenIfPaused: true });
  if (payer === undefined) {
    throw invalidTarget(
      `resource must be ${bases} and the id of a health plan that is here.`,
      'resource: no such payer',
    );
  }
  note(payer);
  if (!mayReadFrom(partner, payer.id)) {
    throw new GatewayError('unauthorized_client', 'This app may not read from this health plan.');
  }
  if (!takesIdentities(payer)) {
    throw invalidTarget('This health plan takes no identity tokens; send the member to its sign-in.');
  }
  await registry.payer(payer.id);
  return payer;
};
