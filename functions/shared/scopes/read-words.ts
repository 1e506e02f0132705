import { anyType, isResourceType, resourceTypeOf } from './resource-types.ts';
import { parseScope, type Scopes } from './scopes.ts';

/*
 * Reads scopes as payers write them, in their answers and, as a profile lists them, in our requests to them.
 */

/** A filter (SMART App Launch 2.2, "Finer-grained resource constraints") may have commas and escapes of its own. */
const hasFilter = (text: string): boolean => text.includes('?');

/** A text that was percent-encoded as a whole: it has no blank of its own. A plus is a blank then, as in a form. */
const decoded = (text: string): string => {
  if (hasFilter(text) || /\s/.test(text.trim()) || !/%[\da-f]{2}/i.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
};

/** Words are apart by blanks, or by commas up to a word's filter. A comma at a word's end is no part of its filter. */
const wordsIn = (text: string): string[] =>
  decoded(text)
    .split(/,?\s+|,$/)
    .flatMap((word) => word.match(/[^,?]*\?.*|[^,?]+/g) ?? []);

const resourceForm = /^(patient|user|system)\/([^.?]*)(\.[^?]*)?(\?.*)?$/is;

/**
 * Epic's words for reading a type by id and for searching it (https://fhir.epic.com/Documentation?docId=oauth2, read on
 * 2026-12-03). The context is the member's whose sign-in it is.
 */
const epicForm = /^([A-Z]\w+)\.(read|search)$/i;

/**
 * Microsoft's words, since a scope of Entra ID has no `/` and no `*`: `patient.Patient.read`, `user.all.read`, `launch.patient`
 * (https://github.com/Azure-Samples/azure-health-data-and-ai-samples, smartonfhir-oncg10-consolidated, read on 2026-12-04).
 */
const microsoftForm = /^(patient|user|system)\.([A-Z]\w+)\.(\w+)$/i;

/** A word in SMART's spelling, where it differs in upper and lower case only, or is one of Epic's or Microsoft's. */
const inSmartSpelling = (word: string): string => {
  const [, epicType = '', act = ''] = epicForm.exec(word) ?? [];
  if (isResourceType(epicType)) return `patient/${epicType}.${act.charAt(0).toLowerCase()}`;
  const [, of = '', microsoftType = '', may = ''] = microsoftForm.exec(word) ?? [];
  const named = microsoftType.toLowerCase() === 'all' ? anyType : resourceTypeOf(microsoftType);
  if (named !== undefined) return inSmartSpelling(`${of}/${named}.${may}`);
  const [, context = '', type = '', permissions = '', filter = ''] = resourceForm.exec(word) ?? [];
  if (context === '') return word;
  const inCase = resourceTypeOf(type) ?? type;
  return `${context.toLowerCase()}/${inCase}${permissions.toLowerCase()}${filter}`;
};

/** The words of a text or a list, each as far as it means one thing. A word that cannot be read stays as it is. */
export const readWords = (texts: readonly string[]): readonly string[] => [
  ...new Set(texts.flatMap(wordsIn).map(inSmartSpelling)),
];

const read = new WeakMap<readonly string[], Scopes>();

/** The scopes that a profile lists. A list is read once. */
export const readListed = (texts: readonly string[]): Scopes => {
  const known = read.get(texts) ?? readWords(texts).map(parseScope);
  read.set(texts, known);
  return known;
};
