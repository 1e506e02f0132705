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
    const [sentence, detail] =
      iss === undefined
        ? ['The answer has no iss, which this health plan sends.', 'iss is missing']
        : ['The iss in the answer is not the issuer of this health plan.', 'iss is another issuer'];
    throw new GatewayError('invalid_request', sentence, { detail, page: 'wrongAnswer' });
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
    throw new GatewayError(
      'invalid_request',
      'No sign-in in progress matches this link: its state is missing or was not issued here.',
      { detail: 'malformed state', page: 'notBegunHere' },
    );
  }
  checkIssuer(payer, request.values.get('iss'));
  return { payer, state, values: request.values };
};
