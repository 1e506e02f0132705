import type { JsonObject } from '../../shared/json/json-object.ts';

/** Why a page cannot be read. */
export type PageFault =
  /** The page ended before its JSON was complete, or was empty. */
  | 'truncated'
  /** Its HTTP cannot be read, such as a content coding that was not asked for. */
  | 'unusable'
  | 'notJson'
  /** It declares another charset. */
  | 'notUtf8'
  /** It declares another media type than FHIR's JSON. */
  | 'mediaType'
  /** Valid JSON, but not a Bundle. */
  | 'notBundle'
  /** A Bundle whose entries are not a list. */
  | 'notList'
  /** Its links are too long to be read, so the next page is unknown. */
  | 'linksTooLong'
  /** The Bundle has the same member twice. Parsers disagree on which one counts. */
  | 'repeatedKey'
  | BoundFault;

/** The page is larger than any is read: in bytes, in entries or in members of its own. */
type BoundFault = 'tooLarge' | 'tooManyEntries' | 'tooManyMembers';

export const boundFaults: ReadonlySet<PageFault> = new Set<BoundFault>([
  'tooLarge',
  'tooManyEntries',
  'tooManyMembers',
]);

/** A page that cannot be read. The message never quotes the payer's bytes. */
export class UnreadablePage extends Error {
  override readonly name = 'UnreadablePage';
  readonly fault: PageFault;
  /** The OperationOutcome that the payer sent in place of a Bundle, with no more than its issues. */
  readonly outcome: JsonObject | undefined;

  constructor(fault: PageFault, outcome?: JsonObject) {
    super(fault);
    this.fault = fault;
    this.outcome = outcome;
  }
}
