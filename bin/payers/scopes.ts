import { isTaken, isV1 } from '../../functions/shared/payer/compare-scopes.ts';
import { anyType } from '../../functions/shared/scopes/resource-types.ts';
import { isAboutPatient, isReading, namesType, parseScope } from '../../functions/shared/scopes/scopes.ts';

/** Where a list of scopes comes from: the payer's list, or what SMART says that a server of its kind takes. */
export interface ProposedScopes {
  readonly scopes: readonly string[];
  readonly isListed: boolean;
}

/** The reads of single types among the scopes that a payer lists: v1's, or those of v2 if there are none. */
const readsByType = (listed: readonly string[]): string[] => {
  const reads = listed.map(parseScope).filter(isAboutPatient).filter(namesType).filter(isReading);
  const whole = reads.filter(({ filter, type }) => filter === undefined && type !== anyType);
  const v1 = whole.filter(isV1);
  return [...new Set((v1.length > 0 ? v1 : whole).map(({ word }) => word))];
};

/**
 * The scopes to ask a payer for, from its scopes and capabilities (SMART App Launch 2.2 §8.1.4); all if it lists
 * neither. A payer that lists reads of single types, but none of all types, gets those that it lists.
 */
export const scopesFor = (
  listed: readonly string[] | undefined,
  capabilities: readonly string[] | undefined,
): ProposedScopes => {
  const knows = (scope: string, capability: string): boolean =>
    (listed === undefined && capabilities === undefined) ||
    listed?.includes(scope) === true ||
    capabilities?.includes(capability) === true;
  const taken = (listed ?? []).map(parseScope).filter(isAboutPatient);
  const all = ['patient/*.rs', 'patient/*.read'].find((scope) =>
    [parseScope(scope)].filter(isAboutPatient).some((one) => isTaken(one, taken)),
  );
  const single = all === undefined ? readsByType(listed ?? []) : [];
  const usual =
    capabilities?.includes('permission-v1') === true && !capabilities.includes('permission-v2')
      ? 'patient/*.read'
      : 'patient/*.rs';
  const reading = all === undefined ? (single.length > 0 ? single : [usual]) : [all];
  return {
    scopes: [
      ...(knows('launch/patient', 'context-standalone-patient') ? ['launch/patient'] : []),
      ...reading,
      ...(knows('offline_access', 'permission-offline') ? ['offline_access'] : []),
    ],
    isListed: all !== undefined || single.length > 0,
  };
};
