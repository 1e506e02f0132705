import {
  covers,
  hold,
  parseScope,
  readAccessOf,
  type ResourceScope,
  type Scope,
  type Scopes,
} from '../../functions/shared/registry/scopes.ts';

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

/**
 * The scopes to ask a payer for, from its scopes and capabilities (SMART App Launch 2.2 §8.1.4); all if it lists
 * neither.
 */
export const scopesFor = (
  listed: readonly string[] | undefined,
  capabilities: readonly string[] | undefined,
): string[] => {
  const knows = (scope: string, capability: string): boolean =>
    (listed === undefined && capabilities === undefined) ||
    listed?.includes(scope) === true ||
    capabilities?.includes(capability) === true;
  const reading =
    listed?.find((scope) => scope === 'patient/*.rs') ??
    listed?.find((scope) => scope === 'patient/*.read') ??
    (capabilities?.includes('permission-v1') === true && !capabilities.includes('permission-v2')
      ? 'patient/*.read'
      : 'patient/*.rs');
  return [
    ...(knows('launch/patient', 'context-standalone-patient') ? ['launch/patient'] : []),
    reading,
    ...(knows('offline_access', 'permission-offline') ? ['offline_access'] : []),
  ];
};
