import { intersectScopes, isAboutMembers } from '../partner/scopes.ts';
import { parseScopes, type Scopes } from '../registry/scopes.ts';
import type { Payer } from '../registry/types.ts';

/**
 * What a payer gives of a partner's scope. A payer that answers without a scope granted what we asked it for (RFC 6749
 * §5.1); before it has answered that is the most that can come of it.
 *
 * Where neither our request nor the answer is about resources (we asked for no scope, or in words of the payer's own),
 * there is nothing to compare with: the payer grants what it always does, which it enforces itself, and the partner
 * keeps what it asked for.
 * @param answered the `scope` of the payer's token answer
 */
export const scopeAtPayer = ({ scopes }: Pick<Payer, 'scopes'>, requested: Scopes, answered: Scopes = []): Scopes => {
  const asked = parseScopes(scopes);
  const granted = answered.length === 0 ? asked : answered;
  if (![...asked, ...granted].some(isAboutMembers)) return requested;
  return intersectScopes(granted, requested);
};
