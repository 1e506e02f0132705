import { intersectScopes, isAboutMembers } from './limit-scopes.ts';
import { parseScopes, type Scopes } from './scopes.ts';

/**
 * The part of a partner's scope that a payer grants. A payer that answers without a scope granted what we asked for
 * (RFC 6749 §5.1). Before it answers, that is the most it can grant. A scope without a word (§3.3 has none) grants nothing.
 *
 * If neither our request nor the answer names resources (we asked for no scope, or for scopes of the payer's own),
 * there is nothing to compare. The payer grants and enforces what it always does, and the partner keeps what it asked
 * for. The profile may say the same of a payer that was asked for resources and answers with words of its own only,
 * or with none.
 * @param answered the `scope` of the payer's token answer; undefined if it has none
 */
export const scopeAtPayer = (
  { scopes, grantedScope }: { readonly scopes: readonly string[]; readonly grantedScope?: 'asRequested' | undefined },
  requested: Scopes,
  answered?: Scopes,
): Scopes => {
  const asked = parseScopes(scopes);
  const isAsAsked = grantedScope === 'asRequested' && answered?.some(({ kind }) => kind === 'resource') !== true;
  const granted = answered === undefined || isAsAsked ? asked : answered;
  if (answered?.length === 0 && !isAsAsked) return [];
  if (![...asked, ...granted].some(isAboutMembers)) return requested;
  return intersectScopes(granted, requested);
};
