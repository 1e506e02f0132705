import { intersectScopes } from './limit-scopes.ts';
import { isUnreadable, type PayerWords } from './payer-words.ts';
import { parseScopes, type Scope, type Scopes } from './scopes.ts';

/** What a profile says of the payer's scopes. */
export interface PayerScopes extends PayerWords {
  readonly grantedScope?: 'asRequested' | undefined;
}

const isAboutResources = ({ kind }: Scope): boolean => kind === 'resource';

/**
 * The part of a partner's scope that a payer grants. A payer that answers without a scope granted what we asked for
 * (RFC 6749 §5.1). Before it answers, that is the most it can grant. A scope without a word (§3.3 has none) grants nothing.
 *
 * If neither our request nor the answer names resources (we asked for no scope, or for scopes of the payer's own),
 * there is nothing to compare. The payer grants and enforces what it always does, and the partner keeps what it asked
 * for. The profile may say the same of a payer that was asked for resources and answers with words of its own only,
 * or with none. A word that cannot be read may name resources, so it leaves no more than the words that can.
 * @param answered the `scope` of the payer's token answer; undefined if it has none
 */
export const scopeAtPayer = (payer: PayerScopes, requested: Scopes, answered?: Scopes): Scopes => {
  const asked = parseScopes(payer.scopes);
  const namesResources = asked.some(isAboutResources);
  const namesNone = answered?.some((scope) => isAboutResources(scope) || isUnreadable(payer)(scope)) !== true;
  const isAsAsked = answered === undefined || (payer.grantedScope === 'asRequested' && namesNone);
  if (!namesResources && (isAsAsked || (namesNone && answered.length > 0))) return requested;
  return intersectScopes(isAsAsked ? asked : answered, requested);
};
