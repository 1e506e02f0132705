import type { Deps } from '../shared/deps.ts';
import { GatewayError } from '../shared/errors.ts';
import type { RequestParameters } from '../shared/http/api.ts';
import type { RequestRecord } from '../shared/record/request-record.ts';
import { checkNotBlocked } from '../shared/registry/require-payer.ts';
import type { Partner } from '../shared/registry/types.ts';

/**
 * The client whose payers are asked for, if the request names one.
 * @throws GatewayError `invalid_request` if there is none of this name, `unauthorized_client` if it is blocked
 */
export const requireClient = async (
  registry: Deps['registry'],
  { values, repeated }: RequestParameters,
  record: Pick<RequestRecord, 'partner'>,
): Promise<Partner | undefined> => {
  if (repeated.has('client_id')) {
    throw new GatewayError('invalid_request', 'client_id must not be sent more than once.');
  }
  const clientId = values.get('client_id');
  if (clientId === undefined) return undefined;
  const partner = await registry.partner(clientId, { evenIfBlocked: true });
  if (partner === undefined) {
    throw new GatewayError(
      'invalid_request',
      'No app with this client_id is registered. Send a registered client_id, or none for every health plan.',
    );
  }
  record.partner = clientId;
  await checkNotBlocked(registry, clientId);
  return partner;
};
