import { isUnreadable, notText, type PayerWords } from './payer-words.ts';
import type { Scopes } from './scopes.ts';

/** What scopes are made of. Other words may be anything that a payer knows of a member. */
const scopeForm = /^[\w./*:?=&|-]{1,60}$/;

/**
 * A payer's words as a log line shows them, for the operator: those that look like scopes, and how many others.
 * @param counted shows none: a payer that was sent an identity may repeat it
 */
export const logScopes = (scopes: Scopes, { counted }: { readonly counted: boolean }): string => {
  const words = scopes.map(({ word }) => word).filter((word) => !counted && (scopeForm.test(word) || word === notText));
  const others = scopes.length - words.length;
  const number = others === 1 ? '1 word that is not shown' : `${others} words that are not shown`;
  if (words.length === 0) return number;
  const quoted = JSON.stringify(words.join(' ').slice(0, 200));
  return others === 0 ? quoted : `${quoted} and ${number}`;
};

/** A remark for the log: which words of a payer's scope cannot be read. */
export const ignoredWords = (
  payer: PayerWords,
  scope: Scopes = [],
  shown: Parameters<typeof logScopes>[1],
): string | undefined => {
  const ignored = scope.filter(isUnreadable(payer));
  return ignored.length === 0 ? undefined : `ignored in the payer's scope: ${logScopes(ignored, shown)}`;
};
