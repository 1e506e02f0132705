import type { Deps } from '../shared/deps.ts';
import { GatewayError } from '../shared/errors.ts';
import type { RequestParameters } from '../shared/http/api.ts';
import { mayReadFrom } from '../shared/registry/profile.ts';
import type { Partner, Payer } from '../shared/registry/types.ts';
import { facadeBase, namedBase } from '../shared/registry/urls.ts';

const invalidTarget = (sentence: string, detail?: string): GatewayError =>
  new GatewayError('invalid_target', sentence, { detail });

/**
 * RFC 8707 §2 lets a client name several resources. A call of `client_credentials` is for one payer only.
 * @throws GatewayError `invalid_target`
 */
export const checkOneResource = ({ repeated }: Pick<RequestParameters, 'repeated'>): void => {
  if (repeated.has('resource')) throw invalidTarget('resource appears twice; make one call for each health plan.');
};

/** What the payer of a call must have, and how one that does not is refused. */
interface Target<Wanted extends Payer> {
  readonly takes: (payer: Payer) => payer is Wanted;
  /** A sentence. */
  readonly otherwise: string;
  /** Gets the payer's id once the registry knows it. */
  readonly note: (payerId: string) => void;
}

/**
 * Finds the payer that `resource` names (RFC 8707).
 * @throws GatewayError `invalid_target`, `unauthorized_client`, `temporarily_unavailable` if the payer is paused
 */
export const requireTarget = async <Wanted extends Payer>(
  { registry, origin }: Pick<Deps, 'registry' | 'origin'>,
  { values }: RequestParameters,
  partner: Partner,
  { takes, otherwise, note }: Target<Wanted>,
): Promise<Wanted> => {
  const bases = facadeBase(origin, '');
  const named = values.get('resource');
  if (named === undefined) throw invalidTarget(`resource is missing: write ${bases} and the health plan's id.`);
  const resource = namedBase(named);
  const id = resource.startsWith(bases) ? resource.slice(bases.length) : '';
  const payer = id === '' ? undefined : await registry.payer(id, { evenIfPaused: true });
  if (payer === undefined) {
    throw invalidTarget(
      `resource must be ${bases} and the id of one of this gateway's health plans.`,
      'resource: no such payer',
    );
  }
  note(payer.id);
  if (!mayReadFrom(partner, payer.id)) {
    throw new GatewayError('unauthorized_client', 'This app may not read from this health plan.');
  }
  if (!takes(payer)) throw invalidTarget(otherwise);
  await registry.payer(payer.id);
  return payer;
};
