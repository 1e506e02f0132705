import { anyType } from '../../functions/shared/scopes/resource-types.ts';
import {
  covers,
  hold,
  isReading,
  namesType,
  parseScope,
  readAccessOf,
  type ResourceScope,
  type Scope,
  type Scopes,
} from '../../functions/shared/scopes/scopes.ts';

const isAboutPatient = (scope: Scope): scope is ResourceScope =>
  scope.kind === 'resource' && scope.context === 'patient';

/** Whether a scope has the syntax of SMART v1; a v1 server need not know v2. */
const isV1 = ({ permissions }: ResourceScope): boolean => permissions === 'read' || permissions === '*';

/** Whether a payer that lists these scopes accepts this one: it is listed, or listed scopes of its version cover it. */
const isTaken = (scope: ResourceScope, listed: readonly ResourceScope[]): boolean => {
  if (listed.some(({ word }) => word === scope.word)) return true;
  const access = readAccessOf(scope);
  const comparable = listed.filter((one) => isV1(one) === isV1(scope) && one.filter === scope.filter);
  return access !== undefined && covers(hold(comparable), scope.type, access);
};

/**
 * Compares `scopes_supported` with the scopes that the gateway asks for. A server need not list every scope that it
 * accepts (RFC 8414 §2), and large ones list no read scope at all. So the list says something only if it has read
 * scopes but not ours.
 * @returns what differs and what to do, or undefined
 */
export const compareScopes = (
  listed: readonly string[] | undefined,
  asked: readonly string[],
): readonly [text: string, todo: string] | undefined => {
  const reading = (listed ?? []).map(parseScope).filter(isAboutPatient);
  const lacking = asked
    .map(parseScope)
    .filter(isAboutPatient)
    .filter((scope) => !isTaken(scope, reading));
  if (reading.length === 0 || lacking.length === 0) return undefined;
  const more = reading.length > 6 ? ` and ${reading.length - 6} more` : '';
  const inList = (scopes: Scopes): string => scopes.map(({ word }) => word).join(', ');
  return [
    `scopes_supported lacks ${inList(lacking)} (it has ${inList(reading.slice(0, 6))}${more})`,
    'write the scopes that the payer lists, or ask the payer whether it accepts ours',
  ];
};

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
  const all = ['patient/*.rs', 'patient/*.read'].find((scope) => listed?.includes(scope));
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
