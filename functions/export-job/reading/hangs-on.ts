import { isObject, objectsIn } from '../../shared/json/json-object.ts';
import { isResourceType } from '../../shared/scopes/resource-types.ts';
import { elementsAbout, elementsAtSource, elementsOfParts } from './about.ts';
import { namesNobody, patientsOf, valuesAt, type RecordRules } from './check-resource.ts';
import type { PageResource } from './page-resource.ts';
import type { Problem } from './problems.ts';
import { isUrn, parseReference, typeIn } from './references.ts';
import type { SeenNames } from './seen-names.ts';

/*
 * A resource that names no patient belongs to the patient of the resources that it refers to: a Provenance is about its target, an
 * Observation belongs to its encounter. If one of these belongs to another patient, so does the resource. If none belongs to the member,
 * the way it came must show that it is the member's: an answer that was clearly limited to the member and has nothing of another patient's, or
 * a reference from the member's record. What it refers to, or another patient's, may arrive later, so the resource waits until everything has been read.
 */

/** Types that name no patient in R4, and hang on what does: `EnrollmentResponse.request`, `Slot.schedule`, `DeviceMetric.source`. */
const hanging: ReadonlySet<string> = new Set(['Bundle', 'DeviceMetric', 'EnrollmentResponse', 'Slot']);

/** Types of things, which R4 puts into no patient's compartment. Without a patient they belong to no one. */
const things: ReadonlySet<string> = new Set(['Device', 'DeviceMetric']);

/** Whether resources of a type can belong to a patient. Those of other types, such as Practitioner or Medication, cannot. */
export const mayBePatients = (type: string): boolean =>
  hanging.has(type) ||
  elementsAbout(type).length > 0 ||
  elementsAtSource(type).length > 0 ||
  elementsOfParts(type).length > 0;

/** For types that need not name a patient in R4: the elements that say what they are about, even by an identifier alone. */
const targetElements: Readonly<Record<string, readonly string[]>> = {
  AuditEvent: ['entity.what'],
  Communication: ['about', 'encounter'],
  CommunicationRequest: ['about', 'encounter'],
  Composition: ['encounter', 'section.entry'],
  DetectedIssue: ['implicated'],
  DiagnosticReport: ['encounter', 'result'],
  DocumentManifest: ['content'],
  DocumentReference: ['context.encounter', 'context.related'],
  EnrollmentResponse: ['request'],
  Linkage: ['item.resource'],
  List: ['encounter', 'entry.item'],
  MedicationDispense: ['authorizingPrescription', 'context'],
  MessageHeader: ['focus'],
  Observation: ['encounter', 'focus', 'hasMember'],
  PaymentNotice: ['request', 'response'],
  PaymentReconciliation: ['detail.request', 'detail.response', 'request'],
  Provenance: ['target'],
  Task: ['encounter', 'focus'],
  VerificationResult: ['target'],
};

/**
 * How a resource came: `referred` if something in the record refers to it. Any other value is the name of an answer, which was limited to the
 * member if the job has seen that name.
 */
export type Came = 'referred' | RestrictedName;

type RestrictedName = `restricted ${string}`;

/** The name to mark as seen when a search's first page shows that it was limited to the member. */
export const restricted = (type: string, mark: number): RestrictedName => `restricted ${type} ${mark}`;

/** The name of the files of a Group, to mark as seen when the whole Group was asked for. */
export const ofWholeGroup = restricted('whole Group', 0);

const isRestricted = (came: Came | undefined): came is RestrictedName => came?.startsWith('restricted ') === true;

/** The searches of one type are one: a payer that ignores whom one of them is for ignores it in the others, too. */
const disproved = (came: RestrictedName): string => `not ${came.replace(/ \d+$/, '')}`;

/** Notes that another patient's resource came as one of the member's. So the answer was not for the member alone. */
export const disprove = (seen: Pick<SeenNames, 'add'>, came: Came | undefined): void => {
  if (isRestricted(came)) seen.add(disproved(came));
};

/** What a resource without a patient refers to, how it came, and what to report if it belongs to another patient. */
export interface HangsOn {
  /** `Type/id` of each resource that it refers to and that can belong to a patient. */
  readonly names: readonly string[];
  /**
   * The types among `names` that a former plan was not asked for, so that they need not come. In a record, what is beyond `_type` or the scope
   * may be anybody's.
   */
  readonly unasked?: readonly string[];
  /** It refers to something that cannot be requested. */
  readonly isBeyond?: true;
  /** It is a thing, which without a patient belongs to no one, so nothing needs to show whose it is. */
  readonly isThing?: true;
  readonly came?: Came;
  readonly problem: Problem;
}

type Hanging = Omit<HangsOn, 'problem'>;

/** The resource with this name belongs to another patient. @param name its identity */
export const anothers = (name: string): string => `another's ${name}`;

/** The resource with this name is the member's, although it is not in the record or was first taken for another patient's. */
const members = (name: string): string => `member's after all ${name}`;

/** The resource with this name names no patient, and waits. */
const waiting = (name: string): string => `waits ${name}`;

/** The resource with this name waited, and nothing shows whose it is. */
const unknowns = (name: string): string => `nobody knows whose ${name}`;

/** The resource with this name is in the record and belongs to no one. */
const nobodys = (name: string): string => `nobody's ${name}`;

/** Only a request for the whole of a Group shows that the resource with this name is a member's. */
const byGroup = (name: string): string => `by its Group ${name}`;

/** `unsure`: only waiting resources refer to the one with this name. `sure`: one of the member's resources does, too. */
const unsure = (name: string): string => `unsure reference ${name}`;
const sure = (name: string): string => `sure reference ${name}`;

/** Notes that a resource is in the record after all, if it was first left out as another patient's. */
export const noteMembers = (seen: SeenNames, name: string): void => {
  if (seen.has(anothers(name))) seen.add(members(name));
};

/** Notes a resource of the member that is not put into the record, such as one that is older than what was asked for. */
export const noteBeside = (
  { type, id, resource }: Pick<PageResource, 'type' | 'id' | 'resource'>,
  rules: RecordRules,
  seen: SeenNames,
): void => {
  const isMembers = id !== undefined && mayBePatients(type) && !namesNobody(resource, rules);
  if (isMembers) seen.add(members(`${type}/${id}`));
};

/** Notes a reference. @param isUnsure whether the resource that refers is still waiting */
export const noteReference = (seen: SeenNames, name: string, isUnsure: boolean): void => {
  if (!isUnsure && seen.has(unsure(name))) seen.add(sure(name));
  if (isUnsure && !seen.has(name) && !seen.has(`reference ${name}`)) seen.add(unsure(name));
};

/** A resource that is `absent` now may still arrive. */
type Status = 'member' | 'other' | 'waits' | 'nobody' | 'absent';

const statusOf = (seen: Pick<SeenNames, 'has'>, name: string): Status => {
  if (seen.has(members(name))) return 'member';
  if (seen.has(anothers(name))) return 'other';
  if (seen.has(nobodys(name))) return 'nobody';
  if (seen.has(unknowns(name)) || !seen.has(name)) return 'absent';
  return seen.has(waiting(name)) ? 'waits' : 'member';
};

const typeOfName = (name: string): string => name.slice(0, name.indexOf('/'));

/** Whether only waiting resources refer to this one. */
const isUnsure = (seen: Pick<SeenNames, 'has'>, name: string): boolean =>
  seen.has(unsure(name)) && !seen.has(sure(name));

/** The owner of a resource without a patient: `nobody` for a thing, `unknown` if nothing shows it. */
export type Whose = 'member' | 'other' | 'nobody' | 'unknown';

/** What is known of a resource without a patient. */
export interface Evidence {
  /** It refers to a resource of another patient. */
  readonly isAnothers: boolean;
  /** It refers to a resource of the member's, or one of the member's resources refers to it. */
  readonly isMembers: boolean;
  /** Something that it refers to itself is missing, or nobody knows whose it is. */
  readonly isLacking: boolean;
  /** The way it came shows that it is the member's, and it is not lacking. */
  readonly isGiven: boolean;
  /** It depends on other waiting resources, so more may become known. */
  readonly isOpen: boolean;
}

/** Whether only the way it came shows that a resource is the member's, which another patient's in the same answer would disprove. */
export const isOnlyGiven = ({ isMembers, isGiven, isOpen }: Evidence): boolean => isGiven && !isMembers && !isOpen;

/** What its references, and the way it came, tell about a resource. @param name its identity */
export const evidenceOf = (hangsOn: Hanging, name: string, seen: Pick<SeenNames, 'has'>): Evidence => {
  const { names, unasked = [], isBeyond, came } = hangsOn;
  const all = names.map((one) => [one, statusOf(seen, one)] as const);
  const has = (status: Status): boolean => all.some(([, found]) => found === status);
  const isReferred = came === 'referred' && !isUnsure(seen, name);
  // What came without being asked for, and whose nobody knows, is no member's.
  const isExcused = (one: string): boolean => unasked.includes(typeOfName(one)) && !seen.has(unknowns(one));
  const isLacking = isBeyond ?? all.some(([one, found]) => found === 'absent' && !isExcused(one));
  const isMembers = has('member') || isReferred;
  const isOpen = has('waits') || (came === 'referred' && !isMembers);
  const isOfMember = isRestricted(came) && seen.has(came) && !seen.has(disproved(came));
  return { isAnothers: has('other'), isMembers, isLacking, isGiven: isOfMember && !isLacking, isOpen };
};

/** The owner of a resource as far as is known, unless something that it waits for says otherwise. */
export const whoseBy = ({ isThing }: Hanging, { isAnothers, isMembers, isGiven }: Evidence): Whose => {
  if (isAnothers) return 'other';
  if (isThing === true) return 'nobody';
  return isMembers || isGiven ? 'member' : 'unknown';
};

/** The owner of a waiting resource, once everything has been read and settled. */
export const whoseIs = (hangsOn: HangsOn, name: string, seen: Pick<SeenNames, 'has'>): Whose => {
  if (seen.has(unknowns(name))) return 'unknown';
  const status = statusOf(seen, name);
  if (seen.has(waiting(name)) && status !== 'waits' && status !== 'absent') return status;
  const evidence = evidenceOf(hangsOn, name, seen);
  return evidence.isOpen && !evidence.isAnothers ? 'unknown' : whoseBy(hangsOn, evidence);
};

/** Records the owner of a waiting resource. */
export const noteWhose = (seen: SeenNames, name: string, { names }: Hanging, whose: Whose): void => {
  const tag = { member: members, other: anothers, nobody: nobodys, unknown: unknowns }[whose];
  if (seen.has(waiting(name))) seen.add(tag(name));
  if (whose === 'member') for (const one of names) noteReference(seen, one, false);
};

/** The names of the resources inside a Bundle. References to these need no other request. */
const heldNames = ({ type, resource }: Pick<PageResource, 'type' | 'resource'>): ReadonlySet<unknown> => {
  const entries = type === 'Bundle' ? objectsIn(resource['entry']) : [];
  const held = entries.map((entry) => entry['resource']).filter(isObject);
  return new Set([
    ...entries.map(({ fullUrl }) => fullUrl),
    ...held.map(({ resourceType, id }) => `${String(resourceType)}/${String(id)}`),
  ]);
};

const isPatientData = (type: string | undefined): boolean => type === undefined || mayBePatients(type);

/** Whether an element identifies what the resource is about by an identifier alone. */
const isIdentified = (value: unknown): boolean => {
  if (!isObject(value) || typeof value['reference'] === 'string' || !isObject(value['identifier'])) return false;
  const { type } = value;
  return isPatientData(typeof type === 'string' && isResourceType(type) ? type : undefined);
};

/** The resources that a resource refers to and that can belong to a patient. */
const targetsOf = (
  { type, id, resource, references, said, hasMoreReferences }: PageResource,
  rules: RecordRules,
): Pick<HangsOn, 'names' | 'isBeyond'> => {
  const held = heldNames({ type, resource });
  const names = new Set<string>();
  let isBeyond =
    hasMoreReferences || (targetElements[type] ?? []).some((path) => valuesAt(resource, path).some(isIdentified));
  for (const text of references) {
    const known = isUrn(text) ? rules.fullUrls?.get(text) : undefined;
    const parsed = known === undefined ? parseReference(text, rules) : undefined;
    const target =
      known === undefined ? (parsed?.type ?? typeIn(text) ?? said?.get(text)) : String(known['resourceType']);
    if (text.startsWith('#') || held.has(text) || target === 'Patient' || !isPatientData(target)) continue;
    const name = `${target}/${known === undefined ? parsed?.id : String(known['id'])}`;
    if (known !== undefined || parsed?.isOwn === true) {
      if (!held.has(name) && name !== `${type}/${id}`) names.add(name);
    } else isBeyond = true;
  }
  return { names: [...names], ...(isBeyond && { isBeyond }) };
};

/** Whether a resource can belong to a patient, but names none. */
const isNameless = (given: PageResource, rules: RecordRules): boolean =>
  mayBePatients(given.type) && patientsOf(given, rules).length === 0 && namesNobody(given.resource, rules);

/**
 * What a resource depends on while it waits until everything has been read; undefined if it is the member's, or belongs to no one.
 * @param nameOf its identity
 * @param came as in {@link HangsOn}
 */
export const hangingOf = (
  resource: PageResource,
  nameOf: (resource: PageResource) => string,
  { rules, seen, came }: { readonly rules: RecordRules; readonly seen: SeenNames; readonly came: Came | undefined },
): Hanging | undefined => {
  if (!isNameless(resource, rules)) return undefined;
  const name = nameOf(resource);
  const targets = targetsOf(resource, rules);
  const unasked = new Set(targets.names.map(typeOfName).filter((type) => rules.isAsked?.(type) === false));
  const hangsOn: Hanging = {
    ...targets,
    ...(unasked.size > 0 && { unasked: [...unasked] }),
    ...(things.has(resource.type) && { isThing: true as const }),
    ...(came !== undefined && { came }),
  };
  const evidence = evidenceOf(hangsOn, name, seen);
  const isKnown = !evidence.isOpen && targets.names.every((one) => ['member', 'nobody'].includes(statusOf(seen, one)));
  const whose = whoseBy(hangsOn, evidence);
  if (isKnown && whose === 'nobody' && name.includes('/')) seen.add(nobodys(name));
  // How it came no longer shows whose it is if another patient's comes, too.
  if (isKnown && (whose === 'nobody' || (whose === 'member' && evidence.isMembers))) return undefined;
  if (name.includes('/') && seen.has(name)) seen.add(waiting(name));
  return hangsOn;
};

/** Whether only a request for the whole of a Group shows that a resource without a patient is a member's: its own, or that of what it refers to. */
export const restsOnGroup = ({ names, isThing, came }: Hanging, seen: Pick<SeenNames, 'has'>): boolean =>
  isThing !== true &&
  (came === ofWholeGroup || names.some((one) => seen.has(byGroup(one)))) &&
  !names.some((one) => statusOf(seen, one) === 'member' && !seen.has(byGroup(one)));

/** The same for a resource as it comes. */
export const isByGroup = (
  resource: PageResource,
  { rules, seen, came }: { readonly rules: RecordRules; readonly seen: SeenNames; readonly came: Came | undefined },
): boolean =>
  isNameless(resource, rules) &&
  !things.has(resource.type) &&
  restsOnGroup({ ...targetsOf(resource, rules), ...(came !== undefined && { came }) }, seen);

/** Notes it, since what refers to the resource rests on the Group, too. */
export const noteByGroup = (seen: SeenNames, name: string): void => void seen.add(byGroup(name));

/** Notes that nobody knows whose a resource is that came and is left out, unless it came before. */
export const noteUnknown = (seen: SeenNames, name: string): void => {
  if (!seen.has(name)) seen.add(unknowns(name));
};

/**
 * Notes whose a resource is that came though nobody asked for its type. It tells whose those are that refer to it. It does not wait, so the
 * order of files decides: if it refers to what comes later, nobody knows whose it is, and what refers to it is left out. One that only the
 * way it came shows to be a member's is as if it had not come: what refers to it waits, and came so, too.
 */
export const noteUnasked = (
  resource: PageResource,
  name: string,
  how: { readonly rules: RecordRules; readonly seen: SeenNames; readonly came: Came | undefined },
): void => {
  const { seen } = how;
  if (!mayBePatients(resource.type)) return;
  const hangsOn = hangingOf(resource, () => name, how);
  if (hangsOn === undefined) {
    if (!seen.has(nobodys(name))) seen.add(members(name));
    return;
  }
  const isAllKnown = hangsOn.names.every((one) => statusOf(seen, one) === 'nobody');
  if (!isAllKnown || !isOnlyGiven(evidenceOf(hangsOn, name, seen))) noteUnknown(seen, name);
};

/** What to report of a resource that is left out. */
export const problemOfHanging = ({ problem }: HangsOn, whose: Whose): Problem => {
  if (whose === 'other' || problem.kind === 'unknownPatient') return problem;
  if (problem.kind === 'fileLines') return { ...problem, why: 'nameless' };
  const { page } = problem as { readonly page?: number };
  return { kind: 'unknownPatient', type: problem.type, ...(page !== undefined && { page }), isNameless: true };
};
