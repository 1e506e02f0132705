import { parametersAbout } from '../reading/about.ts';

/** A search that was sent. */
interface Asked {
  readonly type: string;
  /** The URL that was requested. */
  readonly url: string;
  /** The member's ids. */
  readonly patients: readonly string[];
}

/** Whether a parameter's value is one of the ids, or a reference to one. Each of several values finds resources. */
const names = (value: string, patients: readonly string[]): boolean =>
  value.split(',').every((one) => patients.includes(one.replace(/^.*\bPatient\//, '').trim()));

const withoutModifier = (name: string): string => name.replace(/[:.].*$/, '');

/** The same if the modifier only names the type. With any other, such as `:not`, or in a chain, it may find others' resources. */
const withoutType = (name: string): string => name.replace(/:Patient$/, '');

/** Whether the `self` link of a search, which has the parameters that were used, has one that brings Provenances. */
export const saysProvenances = (self: string | undefined, url: string): boolean =>
  self !== undefined &&
  URL.canParse(self, url) &&
  [...new URL(self, url).searchParams].some(([name, value]) => withoutModifier(name) === '_revinclude' && value !== '');

/** Whether the `self` link of a search lacks one of these parameters although the gateway sent it: the payer did not use it. */
export const leavesOut = (self: string, url: string, parameters: readonly string[]): boolean => {
  const used = new Set([...new URL(self, url).searchParams.keys()].map(withoutModifier));
  return parameters.some((name) => !used.has(withoutModifier(name)));
};

/**
 * Whether the `self` link of a search's first page shows that the search was limited to the member: it has the parameters that were used
 * (https://hl7.org/fhir/R4/search.html#conformance).
 */
export const isLimited = (self: string | undefined, { type, url, patients }: Asked): boolean => {
  if (self === undefined || !URL.canParse(self, url)) return false;
  const used = new URL(self, url);
  const segments = used.pathname.split('/').filter((segment) => segment !== '' && segment !== '_search');
  if (segments.at(-1) !== type) return false;
  if (segments.at(-3) === 'Patient' && patients.includes(segments.at(-2)!)) return true;
  const asked = [...new URL(url).searchParams].filter(([, value]) => names(value, patients)).map(([name]) => name);
  const limiting = new Set(['patient', 'subject', ...parametersAbout(type), ...asked]);
  return [...used.searchParams].some(([name, value]) => limiting.has(withoutType(name)) && names(value, patients));
};
