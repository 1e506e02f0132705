import type { GatewayError } from '../../shared/errors.ts';
import { checkFormat } from '../../shared/fhir/check-search.ts';
import type { Parameter } from '../../shared/fhir/fhir-request.ts';
import { quoteName, type AddedParameters } from '../../shared/fhir/known-parameters.ts';
import { parseRecordSearch, readRecordSearch } from '../../shared/fhir/record-search.ts';
import { malformed, notSupported } from '../../shared/fhir/refusals.ts';
import { typesByPatient } from '../../shared/fhir/search-by-patient.ts';
import { readInstant } from '../../shared/instant.ts';
import { isPlainText } from '../../shared/plain-text.ts';
import { isResourceType } from '../../shared/scopes/resource-types.ts';
import type { AskedTypes } from '../../shared/store/asked-types.ts';

/** What a kick-off asks for. */
export interface Asked extends AskedTypes {
  /** FHIR instant. */
  readonly since?: string;
  /** References to the patients whose records are wanted; usually none. */
  readonly patients: readonly string[];
  /** Names of parameters that were ignored, since the caller asked for lenient handling. */
  readonly ignored: readonly string[];
}

interface Options {
  /** `Prefer: handling=lenient`. */
  readonly lenient: boolean;
  /** Bulk Data allows `patient` in a body only. */
  readonly inBody: boolean;
  /** Search parameters that the payer adds. */
  readonly searchParameters: AddedParameters;
  /** Whether the gateway itself searches what `_typeFilter` asks for, for one patient. A former plan searches as it likes. */
  readonly byPatient: boolean;
}

/** The formats of an export's files: three names of one. */
export const outputFormats = ['application/fhir+ndjson', 'application/ndjson', 'ndjson'];

/** The most names of ignored parameters that an answer lists. */
const mostIgnored = 20;

/** A plus sign that a client forgets to encode arrives as a space. */
const withPlus = (value: string): string => value.trim().replaceAll(' ', '+');

const refused = (name: string, why: string): GatewayError =>
  notSupported(`${quoteName(name)} ${why}`, { detail: 'a parameter that an export does not take' });

const wrong = (name: string, why: string): GatewayError => malformed(`${name} ${why}`);

interface Draft {
  types: string[] | undefined;
  since: string | undefined;
  until: string | undefined;
  filters: string[];
  patients: string[];
  ignored: Set<string>;
}

const readOutputFormat = (value: string): void => {
  if (!outputFormats.includes(withPlus(value).toLowerCase())) {
    throw notSupported(`_outputFormat can be ${outputFormats.join(' or ')}.`);
  }
};

const readTypes = (value: string, draft: Draft): void => {
  for (const type of value.split(',').map((one) => one.trim())) {
    if (type === '') throw wrong('_type', 'has an empty item. Name types, or leave it out for all.');
    if (!isResourceType(type))
      throw wrong('_type', `names ${quoteName(type)}, which is not a resource type of FHIR R4.`);
    draft.types = [...new Set([...(draft.types ?? []), type])];
  }
};

const instantOf = (name: '_since' | '_until', value: string, known: string | undefined): string => {
  const instant = withPlus(value);
  if (readInstant(instant) === undefined) throw wrong(name, 'must be an instant, such as 2026-01-31T00:00:00Z.');
  if (known !== undefined && known !== instant) throw wrong(name, 'must not be sent more than once.');
  return instant;
};

/** The most searches in `_typeFilter`, and the characters of each. */
const mostFilters = 50;
const longestFilter = 1000;

/** What a search of an export may not have: it would return more than its matches, or change the answer's form. */
const notInFilters = /^_(?:include|revinclude|sort|summary|elements|count)\b/;

/**
 * Why an export cannot have a search; undefined if it can. A search is of one type, by parameters that the gateway knows to be
 * of that type: one that a payer might ignore would give more than was asked.
 */
const problemOfFilter = (
  text: string,
  { searchParameters: added, byPatient }: Pick<Options, 'searchParameters' | 'byPatient'>,
): string | undefined => {
  const { type, parameters } = parseRecordSearch(text);
  if (text.length > longestFilter) return `has a search over ${longestFilter} characters.`;
  if (!isPlainText(text)) return 'has characters that cannot be used here.';
  if (!isResourceType(type) || parameters.length === 0) {
    return 'must be searches of resource types, such as Observation?date=ge2020.';
  }
  if (byPatient && !typesByPatient().includes(type)) {
    return `cannot search ${type}: no search finds those of one member. They come if the record refers to them.`;
  }
  const read = readRecordSearch(text, added);
  const isOfTypeOnly =
    'needs' in read && read.needs.length === 1 && !parameters.some(([name]) => notInFilters.test(name));
  return isOfTypeOnly
    ? undefined
    : `can search ${type} by its own parameters only: those of R4, the guides or the payer, without a patient and without chains.`;
};

/** Searches, separated by commas: one before a type's name. Any other comma is part of a value. */
const readFilters = (value: string, draft: Draft, options: Options): void => {
  for (const text of value.split(/,(?=\s*[A-Z][A-Za-z]+\?)/).map((one) => one.trim())) {
    const problem = problemOfFilter(text, options);
    if (problem !== undefined) throw refused('_typeFilter', problem);
    if (!draft.filters.includes(text)) draft.filters.push(text);
  }
  if (draft.filters.length > mostFilters) throw wrong('_typeFilter', `can have ${mostFilters} searches.`);
};

/** A search of a type that is not asked for is a mistake, whichever of the two it is in. */
const checkFilters = ({ types, filters }: Draft): void => {
  const other = filters.map((text) => parseRecordSearch(text).type).find((type) => types?.includes(type) === false);
  if (other !== undefined) throw wrong('_typeFilter', `searches ${quoteName(other)}, which _type does not name.`);
};

const known: ReadonlySet<string> = new Set(
  '_outputFormat _type _since _until _typeFilter _format _pretty patient'.split(' '),
);

const readOne = (name: string, value: string, draft: Draft, options: Options): void => {
  const { inBody, lenient } = options;
  if (value.trim() === '' && known.has(name)) throw wrong(name, 'is empty. Give it a value, or leave it out.');
  switch (name) {
    case '_outputFormat':
      return readOutputFormat(value);
    case '_type':
      return readTypes(value, draft);
    case '_since':
      draft.since = instantOf(name, value, draft.since);
      return;
    case '_until':
      draft.until = instantOf(name, value, draft.until);
      return;
    case '_typeFilter':
      return readFilters(value, draft, options);
    case '_format':
      return checkFormat(value);
    case '_pretty':
      return;
    case 'patient':
      if (!inBody) throw refused(name, 'can be sent in a Parameters body by POST only.');
      draft.patients.push(value);
      return;
    default:
      if (!lenient)
        throw refused(
          name,
          draft.filters.length > 0
            ? 'is not supported in an export. If it belongs to _typeFilter, encode that whole value: & is %26.'
            : 'is not supported in an export. Leave it out, or send Prefer: handling=lenient.',
        );
      if (draft.ignored.size < mostIgnored) draft.ignored.add(quoteName(name).slice(1, -1));
  }
};

/**
 * Reads the parameters of a kick-off.
 * @throws GatewayError 400 that names the parameter at fault. For a lenient caller unknown parameters are ignored, and
 * the answer lists them. An invalid value is always refused, since without it the export would be a different one
 */
export const readKickOffParameters = (pairs: readonly Parameter[], options: Options): Asked => {
  const draft: Draft = {
    types: undefined,
    since: undefined,
    until: undefined,
    filters: [],
    patients: [],
    ignored: new Set(),
  };
  for (const [name, value] of pairs) readOne(name, value, draft, options);
  checkFilters(draft);
  return {
    ...(draft.types === undefined ? {} : { types: draft.types }),
    ...(draft.since === undefined ? {} : { since: draft.since }),
    ...(draft.until === undefined ? {} : { until: draft.until }),
    ...(draft.filters.length === 0 ? {} : { filters: draft.filters }),
    patients: draft.patients,
    ignored: [...draft.ignored],
  };
};
