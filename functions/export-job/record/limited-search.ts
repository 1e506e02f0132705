import { parametersAbout } from '../reading/about.ts';

/** What a search asked for. */
interface Asked {
  readonly type: string;
  /** The URL that was requested. */
  readonly url: string;
  /** Its parameters were in a body, so a link without any says nothing. */
  readonly isPost: boolean;
  /** The member's ids. */
  readonly patients: readonly string[];
}

/** Whether a parameter's value is one of the ids, or a reference to one. */
const names = (value: string, patients: readonly string[]): boolean =>
  value.split(',').some((one) => patients.includes(one.replace(/^.*\bPatient\//, '').trim()));

const withoutModifier = (name: string): string => name.replace(/[:.].*$/, '');

/**
 * Whether a search was limited to the member, by the link of its first page to itself: it has the parameters that were used
 * (https://hl7.org/fhir/R4/search.html#conformance).
 * @returns undefined if the link is no search of the type, or does not tell
 */
export const isLimited = (self: string | undefined, { type, url, isPost, patients }: Asked): boolean | undefined => {
  if (self === undefined || !URL.canParse(self, url)) return undefined;
  const used = new URL(self, url);
  const segments = used.pathname.split('/').filter((segment) => segment !== '' && segment !== '_search');
  if (segments.at(-1) !== type || (isPost && used.search === '')) return undefined;
  if (segments.at(-3) === 'Patient' && patients.includes(segments.at(-2)!)) return true;
  const asked = [...new URL(url).searchParams].filter(([, value]) => names(value, patients)).map(([name]) => name);
  const limiting = new Set(['patient', 'subject', ...parametersAbout(type), ...asked]);
  return [...used.searchParams].some(([name, value]) => limiting.has(withoutModifier(name)) && names(value, patients));
};
