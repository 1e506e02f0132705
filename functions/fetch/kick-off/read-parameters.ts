import type { GatewayError } from '../../shared/errors.ts';
import { checkFormat } from '../../shared/fhir/check-search.ts';
import type { Parameter } from '../../shared/fhir/fhir-request.ts';
import { quoteName } from '../../shared/fhir/known-parameters.ts';
import { malformed, notSupported } from '../../shared/fhir/refusals.ts';
import { isResourceType } from '../../shared/scopes/resource-types.ts';

/** What a kick-off asks for. */
export interface Asked {
  /** Undefined for all. */
  readonly types?: readonly string[];
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
}

/** The formats of an export's files: three names of one. */
export const outputFormats = ['application/fhir+ndjson', 'application/ndjson', 'ndjson'];

/** The most names of ignored parameters that an answer lists. */
const mostIgnored = 20;

/** https://hl7.org/fhir/R4/datatypes.html#instant */
const instantForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/** A plus sign that a client forgets to encode arrives as a space. */
const withPlus = (value: string): string => value.trim().replaceAll(' ', '+');

const refused = (name: string, why: string): GatewayError =>
  notSupported(`${quoteName(name)} ${why}`, { detail: 'a parameter that an export does not take' });

const wrong = (name: string, why: string): GatewayError => malformed(`${name} ${why}`);

interface Draft {
  types: string[] | undefined;
  since: string | undefined;
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
    if (type === '') continue;
    if (!isResourceType(type))
      throw wrong('_type', `names ${quoteName(type)}, which is not a resource type of FHIR R4.`);
    draft.types = [...new Set([...(draft.types ?? []), type])];
  }
};

const readSince = (value: string, draft: Draft): void => {
  const instant = withPlus(value);
  if (!instantForm.test(instant) || Number.isNaN(Date.parse(instant))) {
    throw wrong('_since', 'must be an instant, such as 2026-01-31T00:00:00Z.');
  }
  if (draft.since !== undefined && draft.since !== instant) throw wrong('_since', 'must not be sent more than once.');
  draft.since = instant;
};

const readOne = (name: string, value: string, draft: Draft, { inBody, lenient }: Options): void => {
  switch (name) {
    case '_outputFormat':
      return readOutputFormat(value);
    case '_type':
      return readTypes(value, draft);
    case '_since':
      return readSince(value, draft);
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
        throw refused(name, 'is not supported in an export. Leave it out, or send Prefer: handling=lenient.');
      if (draft.ignored.size < mostIgnored) draft.ignored.add(quoteName(name).slice(1, -1));
  }
};

/**
 * Reads the parameters of a kick-off.
 * @throws GatewayError 400 that names the parameter at fault. For a lenient caller unknown parameters are ignored, and
 * the answer lists them. An invalid value is always refused, since without it the export would be a different one
 */
export const readKickOffParameters = (pairs: readonly Parameter[], options: Options): Asked => {
  const draft: Draft = { types: undefined, since: undefined, patients: [], ignored: new Set() };
  for (const [name, value] of pairs) readOne(name, value, draft, options);
  return {
    ...(draft.types === undefined ? {} : { types: draft.types }),
    ...(draft.since === undefined ? {} : { since: draft.since }),
    patients: draft.patients,
    ignored: [...draft.ignored],
  };
};
