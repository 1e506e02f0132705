import { GatewayError } from '../errors.ts';
import { anyType } from '../registry/resource-types.ts';
import { afterBase } from './base-url-prefix.ts';
import type { FhirRequest } from './fhir-request.ts';
import { parseSearchPath, type SearchPath } from './search-path.ts';
import { resourceTypeOf, searchTargets } from './search-targets.ts';

/** Who may be named, and how. */
interface Member {
  readonly id: string;
  readonly ownBases: readonly string[];
}

const patient = 'Patient';

/** Parameters that mean the patient wherever a payer has added them to a type that lacks them in R4. */
const alwaysPatient = new Set(['patient', 'subject']);

/** A patient named in a value: by `Patient/…` anywhere, and in any case where an item begins with it. */
const namedPatient = [/(?<![A-Za-z0-9_-])Patient\/+([^/?#|,$\s]*)/g, /(?<=^|[,|$\s])\/*patient\/+([^/?#|,$\s]*)/gi];

/** Nobody decodes more often. */
const maxDecodings = 3;

const anotherPatient = () =>
  new GatewayError('access_denied', 'This access token is for one member; the request names another patient.');
const unverifiable = () =>
  new GatewayError(
    'access_denied',
    'This access token is for one member, and the gateway cannot tell whom this search names. Name the member by id, as in patient={id}.',
  );

const canBePatient = (types: readonly string[]) => types.includes(patient) || types.includes(anyType);

/** Items of a list. An escaped comma separates too: no id has one, and not every server honours the escape. */
const itemsOf = (value: string) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

/** A reference without its base and the slash behind it: undefined for a URL that is not below one of ours. */
const relative = (item: string, { ownBases }: Member): string | undefined => {
  if (!item.includes(':')) return item;
  for (const base of ownBases) {
    const rest = afterBase(item, base);
    if (rest?.startsWith('/')) return rest.slice(1);
  }
  return undefined;
};

/** Whether a reference's value is the member, or surely something else than a patient. */
const isHarmless = (item: string, member: Member): boolean => {
  const reference = relative(item, member);
  if (reference === member.id) return item === reference;
  const match = reference?.match(/^([A-Za-z]+)\/([^/?#|\s\\]+)(?:\/_history\/[^/?#|\s\\]+)?$/);
  if (!match) return false;
  const [type, id] = match.slice(1) as [string, string];
  return type === patient ? id === member.id : resourceTypeOf(type) === type;
};

/** Percent-decoded wherever that can be done: a malformed rest must not hide what stands before it. */
export const decodedOnce = (text: string) =>
  text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (bytes) => Buffer.from(bytes.replaceAll('%', ''), 'hex').toString('utf8'));

/** What a payer may read in a value: as it is, and decoded once more and again; a backslash is a slash to some. */
const spellingsOf = (value: string): Set<string> => {
  const spellings = new Set<string>();
  let spelling = value;
  for (let round = 0; round <= maxDecodings; round++) {
    spellings.add(spelling.replaceAll('\\', '/'));
    spelling = decodedOnce(spelling);
  }
  return spellings;
};

/** The text with a comma, which begins an item, for each base of ours in any case. */
const withoutBases = (text: string, bases: readonly string[]) =>
  bases.reduce((rest, base) => rest.replaceAll(new RegExp(base.replace(/[^\w/-]/g, '\\$&'), 'gi'), ','), text);

/** Refuses a patient that is named outright, in whatever parameter, also where a value was encoded several times. */
const checkNamedPatients = (value: string, member: Member): void => {
  for (const spelling of spellingsOf(value)) {
    const text = withoutBases(spelling, member.ownBases);
    for (const pattern of namedPatient) {
      for (const [, id] of text.matchAll(pattern)) if (id !== '' && id !== member.id) throw anotherPatient();
    }
  }
};

/** Whether a parameter only asks if there is a value. */
const isMissing = ({ modifier }: SearchPath, value: string) =>
  modifier === 'missing' && /^(?:true|false)?$/.test(value);

/** Checks a search for resources by their id. */
const checkIds = (path: SearchPath, value: string, member: Member): void => {
  if (isMissing(path, value)) return;
  if (path.modifier !== undefined) throw unverifiable();
  for (const item of itemsOf(value)) {
    if (item !== member.id && item !== `${patient}/${member.id}`) throw anotherPatient();
  }
};

/** Whether R4 lets a reference parameter point to a type. */
const leadsTo = (on: readonly string[], code: string, type: string) =>
  on.some((searched) => searchTargets(searched, code)?.some((target) => target === type || target === anyType));

/** Checks a reference that can lead to a patient. */
const checkReference = (path: SearchPath, value: string, member: Member): void => {
  if (isMissing(path, value)) return;
  const { on, code, modifier } = path;
  if (modifier !== undefined) {
    const type = resourceTypeOf(modifier);
    // Values that name a patient in spite of the modifier have been refused before. A type that R4 does not let stand
    // there is one that a payer may overlook.
    if (type !== undefined && type !== patient && leadsTo(on, code, type)) return;
    if (type !== patient) throw unverifiable();
  }
  for (const item of itemsOf(value)) if (!isHarmless(item, member)) throw anotherPatient();
};

const isPatientReference = ({ on, code }: SearchPath): boolean => {
  return on.some((type) => {
    const targets = searchTargets(type, code);
    return targets === undefined ? alwaysPatient.has(code) : canBePatient(targets);
  });
};

/** Checks one parameter of a search. */
const checkParameter = (name: string, value: string, searched: readonly string[], member: Member): void => {
  checkNamedPatients(value, member);
  const path = parseSearchPath(name, searched);
  const intoPatient = path.consulted.findIndex(canBePatient);
  if (intoPatient >= 0) {
    // Whatever is asked of a patient on the way could be asked of another; only the member's id proves whom it is about.
    const isLast = intoPatient === path.consulted.length - 1;
    if (!isLast || path.code !== '_id' || path.modifier !== undefined) throw unverifiable();
  }
  if (path.code === '_id' && canBePatient(path.on)) checkIds(path, value, member);
  else if (path.code === 'identifier' && canBePatient(path.on) && !isMissing(path, value)) throw unverifiable();
  else if (isPatientReference(path)) checkReference(path, value, member);
};

/**
 * Checks that a request names no other patient than the grant's: in its path, or in any parameter that can name one,
 * however it is spelled.
 * @param patientId the grant's patient
 * @param ownBases FHIR base URLs below which a reference may lie: the gateway's for this payer, the payer's, its aliases
 * @throws GatewayError `access_denied`
 */
export const checkPatient = (request: FhirRequest, patientId: string, ownBases: readonly string[]): void => {
  if (request.resourceType === patient && request.id !== undefined && request.id !== patientId) throw anotherPatient();
  const member = { id: patientId, ownBases };
  for (const text of request.page?.unknown ?? []) checkNamedPatients(text, member);
  for (const [name, value] of [...request.query, ...(request.form ?? [])]) {
    checkParameter(name, value, request.searched, member);
  }
};
