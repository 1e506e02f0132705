import type { Deps } from '../shared/deps.ts';
import { GatewayError } from '../shared/errors.ts';
import { checkNotRepeated, type RequestParameters } from '../shared/http/api.ts';
import { requirePayer } from '../shared/registry/require-payer.ts';
import type { Payer } from '../shared/registry/types.ts';

/** A return from a payer, before the login attempt is known. */
export interface Callback {
  readonly payer: Payer;
  readonly state: string;
  readonly values: ReadonlyMap<string, string>;
}

/** RFC 9207 §2.4: if a payer sends `iss`, it must be present and be this payer's. */
const checkIssuer = ({ sendsIss, issuer }: Payer, iss: string | undefined): void => {
  if (sendsIss && iss !== issuer) {
    throw new GatewayError('invalid_request', 'The answer did not come from the health plan that was asked.', {
      detail: iss === undefined ? 'iss is missing' : 'iss is another issuer',
      page: 'wrongAnswer',
    });
  }
};

/**
 * Checks what can be checked without consuming anything: payer, form of the state, issuer.
 * @throws GatewayError `invalid_request`, shown as a page
 */
export const checkCallback = async (
  { registry }: Pick<Deps, 'registry'>,
  payerId: string,
  request: RequestParameters,
): Promise<Callback> => {
  const payer = await requirePayer(registry, payerId, { code: 'invalid_request', evenIfPaused: true });
  checkNotRepeated(request);
  const state = request.values.get('state')?.match(/^[A-Za-z0-9_-]{43}$/)?.[0];
  if (state === undefined) {
    throw new GatewayError('invalid_request', 'This sign-in is not one that began here.', {
      detail: 'malformed state',
      page: 'notBegunHere',
    });
  }
  checkIssuer(payer, request.values.get('iss'));
  return { payer, state, values: request.values };
};
