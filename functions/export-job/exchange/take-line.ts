import { isFhirId } from '../../shared/fhir/fhir-id.ts';
import { objectsIn } from '../../shared/json/json-object.ts';
import { isAt } from '../../shared/registry/fhir-bases.ts';
import { isResourceType } from '../../shared/scopes/resource-types.ts';
import { attachmentsToFetch, keep } from '../leg/keep.ts';
import { elementsAbout, elementsAtSource, elementsElsewhere, elementsOfParts } from '../reading/about.ts';
import { checkResource, namesMember, namesPatientElsewhere, patientsOf } from '../reading/check-resource.ts';
import { contentMark } from '../reading/content-mark.ts';
import {
  anothers,
  disprove,
  isByGroup,
  mayBePatients,
  noteByGroup,
  noteUnasked,
  noteUnknown,
  ofWholeGroup,
} from '../reading/hangs-on.ts';
import { lastUpdated, type PageResource, type SkippedResource } from '../reading/page-resource.ts';
import type { LinesReason } from '../reading/problems.ts';
import { parseReference } from '../reading/references.ts';
import { identityOf } from '../reading/seen-names.ts';
import { membersOf, type LineTaking } from './line-rules.ts';
import { takeRemark } from './take-remark.ts';

/** Beyond this many resources, repeats are no longer recognized: a function's memory is limited. */
const mostTags = 5_000_000;

/** Of lines that are about another patient. */
const ofOthers: ReadonlySet<LinesReason> = new Set<LinesReason>([
  'stranger',
  'naming',
  'leftOut',
  'besideLeftOut',
  'otherMember',
]);

/**
 * Reports a line that cannot be passed on, only by a type of R4 and an id of FHIR: nobody can tell whose line it is, so any other
 * words may be about anybody. A Patient is named only if it is a member's.
 */
const skip = (
  { leg: { seen }, report, file, lines }: LineTaking,
  { skipped: reason, type, id = '' }: SkippedResource,
): void => {
  if (type === undefined || !isResourceType(type)) {
    report({ kind: 'entrySkipped', reason, file: file.number, type: file.type });
    return;
  }
  if (isFhirId(id) && seen.size() <= mostTags) noteUnknown(seen, `${type}/${id}`);
  const isNamed = type === 'Patient' ? lines.allowed.has(id) : isFhirId(id);
  report({ kind: 'resourceSkipped', reason, file: file.number, type, ...(isNamed ? { id } : {}) });
};

/** Whether a resource is new. Reports one that came before with different content, and counts an exact repeat. */
const isNew = ({ leg: { seen, problems }, file, count }: LineTaking, resource: PageResource): boolean => {
  const { type, id } = resource;
  if (seen.size() > mostTags) {
    count('uncompared', type);
    return true;
  }
  const mark = contentMark(resource);
  const earlier = seen.mark(identityOf(resource), mark);
  if (earlier === 0) return true;
  if (earlier === mark || id === undefined) count('repeated', type);
  else if (seen.add(`differs ${type}/${id}`)) problems.add({ kind: 'resourceDiffers', type, id, file: file.number });
  return false;
};

const compared = [elementsAbout, elementsAtSource, elementsElsewhere, elementsOfParts];

/** Whether {@link checkResource} has looked at an element, since R4 lets it refer to a patient there or within it. */
const isCompared = (type: string, name: string): boolean =>
  compared.some((elementsOf) => elementsOf(type).includes(name));

/**
 * The ids, at the payer, of the patients that a resource names in top-level elements where R4 has no patient, such as `Subject` or
 * `Device.owner`. An empty id stands for a patient on another server.
 */
const namedBeyondR4 = ({ type, resource }: PageResource, rules: LineTaking['rules']): readonly string[] =>
  Object.entries(resource).flatMap(([name, value]) => {
    if (typeof value !== 'object' || value === null) return [];
    return objectsIn([value].flat(Infinity)).flatMap(({ reference }) => {
      if (typeof reference !== 'string' || !/Patient/i.test(reference) || isCompared(type, name)) return [];
      const parsed = parseReference(reference, rules);
      return parsed?.type === 'Patient' ? [parsed.isOwn ? parsed.id : ''] : [];
    });
  });

/** Why a line is left out that belongs to the record but for what it names where R4 has no patient. */
const whyBeyondR4 = ({ rules, lines }: LineTaking, resource: PageResource): LinesReason | undefined => {
  const ids = namedBeyondR4(resource, rules).filter((id) => !lines.allowed.has(id));
  if (ids.length === 0) return undefined;
  const isKnown = ids.every((id) => lines.leftOut.has(id) || lines.others.has(id));
  if (patientsOf(resource, rules).length > 0) return isKnown ? 'besideLeftOut' : 'naming';
  if (!isKnown) return 'stranger';
  return ids.some((id) => lines.leftOut.has(id)) ? 'leftOut' : 'otherMember';
};

/** Why a line does not belong to the record; undefined if it does. */
const whyLeftOut = (taking: LineTaking, resource: PageResource): LinesReason | 'notFhir' | 'outcome' | undefined => {
  const { rules, lines } = taking;
  const verdict = checkResource(resource, rules);
  switch (verdict) {
    case 'otherPatient': {
      const ids = patientsOf(resource, rules);
      const isLeftOut = ids.some((id) => lines.leftOut.has(id));
      const isOthers = ids.some((id) => lines.others.has(id));
      // A resource that holds others names members only inside them.
      const isMembers = ids.some((id) => lines.allowed.has(id)) || namesMember(resource, rules);
      if (isMembers) return isLeftOut || isOthers ? 'besideLeftOut' : 'naming';
      // Of a stranger and one who is left out, the stranger may be a member by another id.
      if (!ids.every((id) => lines.leftOut.has(id) || lines.others.has(id))) return 'stranger';
      if (isLeftOut) return 'leftOut';
      return isOthers ? 'otherMember' : 'stranger';
    }
    case 'unknownPatient':
      return namesPatientElsewhere(resource, rules) ? 'elsewhere' : 'unknown';
    case 'keep':
      return whyBeyondR4(taking, resource) ?? (lines.types?.has(resource.type) === false ? 'notAsked' : undefined);
    case 'notWanted':
      return 'notAsked';
    default:
      return verdict;
  }
};

/** Notes that a resource is beyond the times or the filters that were asked for. It stays: the payer gives it as a member's. */
const noteBeyond = ({ lines: { since, until, isBeyond }, count }: LineTaking, given: PageResource): void => {
  const { type, resource } = given;
  if (isBeyond(given)) count('beyond', type);
  if (since === undefined && until === undefined) return;
  const changed = lastUpdated(resource);
  if (since !== undefined && changed < since) count('older', type);
  if (until !== undefined && changed > until) count('newer', type);
};

const isFirst = ({ leg: { seen } }: LineTaking, resource: PageResource): boolean =>
  seen.size() > mostTags || !seen.has(identityOf(resource));

/**
 * Whether a resource comes for the first time, names no patient though it may be one's, and a member was lost before: what it refers to may be
 * that member's.
 */
const isNamelessSince = (taking: LineTaking, resource: PageResource, patients: readonly string[]): boolean => {
  if (taking.leg.next.cut.size === 0 || patients.length > 0 || !mayBePatients(resource.type)) return false;
  return isFirst(taking, resource);
};

/** Notes whose resource was left out, since what refers to it belongs to the same person. */
const noteLeftOut = ({ leg: { seen }, rules, came }: LineTaking, resource: PageResource, why: LinesReason): void => {
  const { type, id } = resource;
  if (id === undefined || seen.size() > mostTags) return;
  const name = `${type}/${id}`;
  if (ofOthers.has(why)) seen.add(anothers(name));
  else if (why === 'notAsked') noteUnasked(resource, name, { rules, seen, came });
  else noteUnknown(seen, name);
};

/**
 * Takes a line of a file into the record, or reports why it is left out.
 * @returns whether it is in the record
 */
export const takeLine = (taking: LineTaking, resource: PageResource | SkippedResource): boolean => {
  if (resource.skipped !== undefined) {
    skip(taking, resource);
    return false;
  }
  const { leg, rules, file, count, report } = taking;
  const { type } = resource;
  const why = whyLeftOut(taking, resource);
  if (why === 'outcome') return takeRemark(taking, resource);
  if (why === 'notFhir') {
    report({ kind: 'entrySkipped', reason: 'notFhir', file: file.number, type: file.type });
    return false;
  }
  if (why !== undefined) {
    // This shows that the plan's files are not limited to the Group.
    if (why === 'stranger') disprove(leg.seen, ofWholeGroup);
    noteLeftOut(taking, resource, why);
    count(why, type);
    return false;
  }
  const patients = patientsOf(resource, rules);
  if (isNamelessSince(taking, resource, patients)) {
    count('namelessSince', type);
    return false;
  }
  const restsOnGroup = patients.length === 0 && isByGroup(resource, { rules, seen: leg.seen, came: taking.came });
  if (restsOnGroup && taking.lines.isMixed() && isFirst(taking, resource)) {
    count('nameless', type);
    return false;
  }
  if (!isNew(taking, resource)) return false;
  const attachments = isAt(rules, type) ? attachmentsToFetch(taking, resource) : [];
  const hanging = { kind: 'fileLines', type, file: file.number, why: 'hanging', count: 1 } as const;
  const kept = keep(taking, resource, attachments, report, () => hanging);
  if (kept === 'tooLong') return false;
  if (restsOnGroup && leg.seen.size() <= mostTags) noteByGroup(leg.seen, identityOf(resource));
  noteBeyond(taking, resource);
  for (const member of membersOf(taking.lines, patients)) {
    leg.next.about.set(member, (leg.next.about.get(member) ?? 0) + 1);
    if (type === 'Patient' && resource.id === member) leg.next.ownPatients.add(member);
  }
  return true;
};
