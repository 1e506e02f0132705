import { GatewayError } from '../shared/errors.ts';
import type { FhirRequest } from '../shared/fhir/fhir-request.ts';
import { heldByPartner } from '../shared/scopes/limit-scopes.ts';
import { anyType } from '../shared/scopes/resource-types.ts';
import { covers, type ReadAccess, type Scopes } from '../shared/scopes/scopes.ts';

const acts: Readonly<Record<ReadAccess, string>> = { r: 'reading', s: 'searching', rs: 'reading and searching' };

const insufficientScope = (message: string) => new GatewayError('insufficient_scope', message);

/**
 * Checks that the access token's scope covers everything that the request can return.
 * @throws GatewayError `insufficient_scope`
 */
export const checkScopes = (request: FhirRequest, scope: Scopes): void => {
  const held = heldByPartner(scope);
  // A page may need no type of its own, but it needs some right to read.
  if (held.size === 0) throw insufficientScope('The access token allows no FHIR resources.');
  for (const { type, needs } of request.types) {
    if (covers(held, type, needs)) continue;
    const what = type === anyType ? 'all resource types' : type;
    throw insufficientScope(`The access token does not permit ${acts[needs]} ${what}, which this request can return.`);
  }
};
