import { GatewayError } from '../errors.ts';
import { anyType, isResourceType, resourceTypeOf } from '../scopes/resource-types.ts';
import { afterBase } from './base-url-prefix.ts';
import type { FhirRequest } from './fhir-request.ts';
import { parseSearchPath, type SearchPath } from './search-path.ts';
import { searchTargets } from './search-targets.ts';

/** Who a request may name, and how. */
interface Member {
  readonly id: string;
  readonly ownBases: readonly string[];
}

const patient = 'Patient';

/** Parameters that mean the patient, even on types to which only the payer has added them. */
const alwaysPatient = new Set(['patient', 'subject']);

/** A patient named in a value: `Patient/…` anywhere, or in any letter case at the start of an item. */
const namedPatient = [/(?<![A-Za-z0-9_-])Patient\/+([^/?#|,$\s]*)/g, /(?<=^|[,|$\s])\/*patient\/+([^/?#|,$\s]*)/gi];

/** No server decodes more than twice. */
const maxDecodings = 3;

const anotherPatient = () =>
  new GatewayError('access_denied', 'This access token is for one member; the request names another patient.');
const unverifiable = () =>
  new GatewayError(
    'access_denied',
    'This access token is for one member, and the gateway cannot tell whom this search names. Name the member by id, as in patient={id}.',
  );

const canBePatient = (types: readonly string[]) => types.includes(patient) || types.includes(anyType);

/** Items of a list. An escaped comma also separates: no id has one, and not every server honors the escape. */
const itemsOf = (value: string) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

/** A reference without its base and the slash after it; undefined for a URL that is not below one of the own bases. */
const relative = (item: string, { ownBases }: Member): string | undefined => {
  if (!item.includes(':')) return item;
  for (const base of ownBases) {
    const rest = afterBase(item, base);
    if (rest?.startsWith('/')) return rest.slice(1);
  }
  return undefined;
};

/** Whether a reference is to the member, or certainly not to a patient. */
const isHarmless = (item: string, member: Member): boolean => {
  const reference = relative(item, member);
  if (reference === member.id) return item === reference;
  const match = reference?.match(/^([A-Za-z]+)\/([^/?#|\s\\]+)(?:\/_history\/[^/?#|\s\\]+)?$/);
  if (!match) return false;
  const [type, id] = match.slice(1) as [string, string];
  return type === patient ? id === member.id : isResourceType(type);
};

/** Percent-decodes what can be decoded: a malformed rest must not hide what precedes it. */
export const decodedOnce = (text: string) =>
  text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (bytes) => Buffer.from(bytes.replaceAll('%', ''), 'hex').toString('utf8'));

/** What a payer may read in a value: as it is, decoded once more, and twice more. Some read a backslash as a slash. */
const spellingsOf = (value: string): Set<string> => {
  const spellings = new Set<string>();
  let spelling = value;
  for (let round = 0; round <= maxDecodings; round++) {
    spellings.add(spelling.replaceAll('\\', '/'));
    spelling = decodedOnce(spelling);
  }
  return spellings;
};

/** Replaces each of the own bases, in any letter case, with a comma, which starts an item. */
const withoutBases = (text: string, bases: readonly string[]) =>
  bases.reduce((rest, base) => rest.replaceAll(new RegExp(base.replace(/[^\w/-]/g, '\\$&'), 'gi'), ','), text);

/** Refuses a value that names another patient outright, in any parameter, even if encoded several times. */
const checkNamedPatients = (value: string, member: Member): void => {
  for (const spelling of spellingsOf(value)) {
    const text = withoutBases(spelling, member.ownBases);
    for (const pattern of namedPatient) {
      for (const [, id] of text.matchAll(pattern)) if (id !== '' && id !== member.id) throw anotherPatient();
    }
  }
};

/** Whether a parameter only asks if a value is present. */
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
    // Values that name a patient despite the modifier were refused earlier. A payer may ignore a type that R4 does not
    // allow here.
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

/** Whether a parameter of a search can name a patient, by its name or by its value. */
export const canNamePatient = (name: string, value: string, searched: readonly string[]): boolean => {
  const path = parseSearchPath(name, searched);
  const { consulted, on, code } = path;
  if (consulted.some(canBePatient) || isPatientReference(path)) return true;
  if (['_id', 'identifier'].includes(code) && canBePatient(on)) return true;
  return [...spellingsOf(value)].some((text) => namedPatient.some((pattern) => text.search(pattern) >= 0));
};

/** Checks one parameter of a search. */
const checkParameter = (name: string, value: string, searched: readonly string[], member: Member): void => {
  checkNamedPatients(value, member);
  const path = parseSearchPath(name, searched);
  const intoPatient = path.consulted.findIndex(canBePatient);
  if (intoPatient >= 0) {
    // Any condition on a patient along the chain could match another patient; only the member's id proves who is meant.
    const isLast = intoPatient === path.consulted.length - 1;
    if (!isLast || path.code !== '_id' || path.modifier !== undefined) throw unverifiable();
  }
  if (path.code === '_id' && canBePatient(path.on)) checkIds(path, value, member);
  else if (path.code === 'identifier' && canBePatient(path.on) && !isMissing(path, value)) throw unverifiable();
  else if (isPatientReference(path)) checkReference(path, value, member);
};

/**
 * Checks that a request names no patient but the grant's, in its path or in any parameter that can name one, however
 * spelled.
 * @param patientId the grant's patient
 * @param ownBases FHIR base URLs below which a reference may lie: the gateway's for this payer, the payer's, its
 * aliases
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
