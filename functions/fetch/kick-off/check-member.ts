import { GatewayError } from '../../shared/errors.ts';
import { belowBase } from '../../shared/fhir/base-url-prefix.ts';
import type { Grant } from '../../shared/store/grant-item.ts';

const noMember = (): GatewayError =>
  new GatewayError(
    'invalid_request',
    'This access token is not bound to one member, so there is no record to export. Search each resource type instead.',
    { detail: 'a grant without a patient' },
  );

const anotherPatient = (): GatewayError =>
  new GatewayError('access_denied', 'This access token is for one member; the request names another patient.');

/**
 * The member whose record is exported: the grant's patient. The request may name no one else.
 * @param named ids, or references relative or below one of the bases
 * @throws GatewayError `invalid_request` if the grant has no member, `access_denied` for another patient
 */
export const requireMember = (
  { patient }: Pick<Grant, 'patient'>,
  named: readonly string[],
  bases: readonly string[],
): string => {
  if (patient === undefined) throw noMember();
  const spellings = new Set([patient, `Patient/${patient}`]);
  const isMember = (reference: string): boolean =>
    spellings.has(reference) || bases.some((base) => belowBase(reference, base) === `/Patient/${patient}`);
  if (!named.every(isMember)) throw anotherPatient();
  return patient;
};
