import { intersectScopes } from './limit-scopes.ts';
import { isUnreadable, unclearIn, type PayerWords } from './payer-words.ts';
import { readListed } from './read-words.ts';
import { hasWord, type Scope, type Scopes } from './scopes.ts';

/** What a profile says of the payer's scopes. */
export interface PayerScopes extends PayerWords {
  readonly grantedScope?: 'asRequested' | undefined;
}

const isAboutResources = ({ kind }: Scope): boolean => kind === 'resource';

/**
 * Whether an answer has all words of our request that may name resources. A payer that answers with words of its own only may have none of
 * them: it grants what it was asked for without saying so.
 */
const hasAllUnclear = (payer: PayerScopes, answered: Scopes): boolean => {
  const unclear = unclearIn(payer);
  const granted = unclear.filter(({ word }) => hasWord(answered, word));
  return granted.length === unclear.length || (granted.length === 0 && payer.grantedScope === 'asRequested');
};

/** Whether nothing in a payer's answer can limit what was asked for. */
const limitsNothing = (payer: PayerScopes, answered: Scopes): boolean =>
  !answered.some((scope) => isAboutResources(scope) || isUnreadable(payer)(scope)) && hasAllUnclear(payer, answered);

/**
 * The part of a partner's scope that a payer grants. A payer that answers without a scope granted what we asked for
 * (RFC 6749 §5.1). Before it answers, that is the most it can grant. A scope without a word (§3.3 has none) grants nothing.
 *
 * If neither our request nor the answer names resources (we asked for no scope, or for scopes of the payer's own),
 * there is nothing to compare. The payer grants and enforces what it always does, and the partner keeps what it asked
 * for. The profile may say the same of a payer that was asked for resources and answers with words of its own only,
 * or with none. A word that cannot be read may name resources, so it leaves no more than the words that can; so does an answer
 * without one of ours that may.
 * @param answered the `scope` of the payer's token answer; undefined if it has none
 */
export const scopeAtPayer = (payer: PayerScopes, requested: Scopes, answered?: Scopes): Scopes => {
  const asked = readListed(payer.scopes);
  const namesResources = asked.some(isAboutResources);
  const namesNone = answered === undefined || limitsNothing(payer, answered);
  const isAsAsked = answered === undefined || (payer.grantedScope === 'asRequested' && namesNone);
  if (!namesResources && (isAsAsked || (namesNone && answered.length > 0))) return requested;
  return intersectScopes(isAsAsked ? asked : answered, requested);
};
