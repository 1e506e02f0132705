import { readListed } from './read-words.ts';
import { resourceTypes } from './resource-types.ts';
import { hasWord, isReading, isWriting, namesType, type Scope, type Scopes } from './scopes.ts';

/** What a profile says of the words in a payer's scope. */
export interface PayerWords {
  readonly scopes: readonly string[];
  readonly ownScopes?: readonly string[] | undefined;
}

/**
 * Stands for what is no text in a payer's scope: it may limit what the payer granted. No word has blanks, so no profile can say that it
 * names no resources.
 */
export const notText = 'not a text';

/** Scopes of SMART App Launch 2.2 and of OpenID Connect that name no resource. */
export const wordScopes =
  'launch launch/patient launch/encounter openid fhirUser profile email address phone offline_access online_access'.split(
    ' ',
  );

/** These, and 1upHealth's `user` (https://docs.oneupdocs.com/docs/api/user-management/guide, read on 2026-12-03). */
const knownWords: ReadonlySet<string> = new Set([...wordScopes, 'user'].map((word) => word.toLowerCase()));

/** Launch contexts (https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html) may be of other types. Microsoft writes `launch.patient`. */
const launchContext = /^launch[/.][a-z]+$/i;

/** A word of a payer's own, such as `records`. A damaged resource scope has other characters, or a name of SMART's or FHIR's. */
const plainWord = /^[a-z]+(?:[_-][a-z]+)*$/;
const resourceName = new RegExp(`patient|user|system|${resourceTypes.join('|')}`, 'i');

/** A word that says that nothing is granted, such as `none` or `access_denied`, or that a server writes where it has no value. */
const nothing = /(?:^|[_-])(?:no(?:t|ne|thing)?|null|nil|undefined|empty|false|denied|revoked)(?:[_-]|$)/i;

const namesNoResources = ({ ownScopes = [] }: Pick<PayerWords, 'ownScopes'>, word: string): boolean =>
  knownWords.has(word.toLowerCase()) ||
  launchContext.test(word) ||
  hasWord(readListed(ownScopes), word) ||
  (plainWord.test(word) && !resourceName.test(word) && !nothing.test(word));

/** The words in a profile's `scopes` of which nobody says that they name no resources, such as `claims.all`. */
export const unclearIn = (payer: PayerWords): Scopes =>
  readListed(payer.scopes).filter((scope) => scope.kind !== 'resource' && !namesNoResources(payer, scope.word));

/**
 * Tells which scopes of a payer's answer to a member's sign-in cannot be read: those that are neither about the member's
 * resources nor surely about none. They may limit what the payer granted, so they grant nothing.
 */
export const isUnreadable =
  (payer: PayerWords) =>
  (scope: Scope): boolean =>
    scope.kind === 'resource'
      ? scope.context === 'system' || !namesType(scope) || !(isReading(scope) || isWriting(scope))
      : !hasWord(readListed(payer.scopes), scope.word) && !namesNoResources(payer, scope.word);
