import {
  covers,
  hold,
  isAboutPatient,
  parseScope,
  readAccessOf,
  type ResourceScope,
  type Scopes,
} from '../scopes/scopes.ts';
import type { Difference } from './difference.ts';

/** Whether a scope has the syntax of SMART v1; a v1 server need not know v2. */
export const isV1 = ({ permissions }: ResourceScope): boolean => permissions === 'read' || permissions === '*';

/** Whether a payer that lists these scopes accepts this one: it is listed, or listed scopes of its version cover it. */
export const isTaken = (scope: ResourceScope, listed: readonly ResourceScope[]): boolean => {
  if (listed.some(({ word }) => word === scope.word)) return true;
  const access = readAccessOf(scope);
  const comparable = listed.filter((one) => isV1(one) === isV1(scope) && one.filter === scope.filter);
  return access !== undefined && covers(hold(comparable), scope.type, access);
};

const wordsOf = (scopes: Scopes): string => scopes.map(({ word }) => word).join(', ');

/**
 * Compares `scopes_supported` with the scopes that the gateway asks for. A server need not list every scope that it
 * accepts (RFC 8414 §2), and large ones list no read scope at all. So the list says something only if it has read
 * scopes but not ours.
 * @returns what differs and what to do, or undefined
 */
export const compareScopes = (
  listed: readonly string[] | undefined,
  asked: readonly string[],
): Difference | undefined => {
  const reading = (listed ?? []).map(parseScope).filter(isAboutPatient);
  const lacking = asked
    .map(parseScope)
    .filter(isAboutPatient)
    .filter((scope) => !isTaken(scope, reading));
  if (reading.length === 0 || lacking.length === 0) return undefined;
  const has = `${wordsOf(reading.slice(0, 6))}${reading.length > 6 ? ` and ${reading.length - 6} more` : ''}`;
  return {
    field: 'scopes',
    ours: wordsOf(lacking),
    theirs: has,
    text: `scopes_supported lacks ${wordsOf(lacking)} (it has ${has})`,
    todo: 'write the scopes that the payer lists, or ask the payer whether it accepts ours',
  };
};
