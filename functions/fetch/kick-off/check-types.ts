import { GatewayError } from '../../shared/errors.ts';
import { typesInScope } from '../../shared/exports/scope.ts';
import { heldByPartner } from '../../shared/scopes/limit-scopes.ts';
import type { Scopes } from '../../shared/scopes/scopes.ts';

/**
 * Checks that the scope lets an export read something. Types beyond it are left out, and the manifest says so.
 * @param types undefined for all
 * @throws GatewayError `insufficient_scope`
 */
export const checkReadsSomeType = (types: readonly string[] | undefined, scope: Scopes): void => {
  if (heldByPartner(scope).size === 0) {
    throw new GatewayError('insufficient_scope', 'The access token allows no FHIR resources.');
  }
  if (types !== undefined && typesInScope(scope, types).length === 0) {
    throw new GatewayError('insufficient_scope', 'The access token allows none of the resource types in _type.');
  }
};
