import { isObject, objectsIn } from '../../shared/json-object.ts';
import { isResourceType } from '../../shared/scopes/resource-types.ts';
import { elementsAbout, elementsAtSource, elementsOfParts } from './about.ts';
import { namesNobody, patientsOf, valuesAt, type RecordRules } from './check-resource.ts';
import type { PageResource } from './page-resource.ts';
import type { Problem } from './problems.ts';
import { isUrn, parseReference, typeIn } from './references.ts';
import type { SeenNames } from './seen-names.ts';

/*
 * A resource that names no patient is whose the resources are that it refers to: a Provenance is about its target, an Observation belongs
 * to its encounter. If one of these is another patient's, so is this one. If none is the member's, it needs to have come in a way that
 * says so: in a search that was surely limited to the member, or since the member's record refers to it. What it refers to may be received
 * later, so it waits until everything has been read.
 */

/** Types that name no patient in R4, and hang on what does: `EnrollmentResponse.request`, `Slot.schedule`, `DeviceMetric.source`. */
const hanging: ReadonlySet<string> = new Set(['Bundle', 'DeviceMetric', 'EnrollmentResponse', 'Slot']);

/** Types of things, which R4 puts into no patient's compartment. Without a patient they are nobody's. */
const things: ReadonlySet<string> = new Set(['Device', 'DeviceMetric']);

/** Whether resources of a type may be a patient's. Those of any other, such as Practitioner or Medication, are nobody's. */
export const mayBePatients = (type: string): boolean =>
  hanging.has(type) ||
  elementsAbout(type).length > 0 ||
  elementsAtSource(type).length > 0 ||
  elementsOfParts(type).length > 0;

/** For types that need not name a patient in R4: the elements that say which resource they are about, by an identifier alone too. */
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
 * How a resource came: `surely` for the member, `referred` if something in the record refers to it, or in a search that is the member's
 * if the job has seen this name.
 */
export type Came = 'surely' | 'referred' | RestrictedName;

type RestrictedName = `restricted ${string}`;

/** The name under which a search is seen whose first page says that it was limited to the member. */
export const restricted = (type: string, mark: number): RestrictedName => `restricted ${type} ${mark}`;

/** What a resource without a patient refers to, how it came, and what to report if it belongs to another patient. */
export interface HangsOn {
  /** `Type/id` of each resource that may be a patient's. */
  readonly names: readonly string[];
  /** Those types of `names` that were never asked for. */
  readonly unasked?: readonly string[];
  /** It refers to something that nobody can ask for. */
  readonly isBeyond?: true;
  /** Without a patient it is nobody's, and needs not show whose it is. */
  readonly isThing?: true;
  readonly came?: Came;
  readonly problem: Problem;
}

type Hanging = Omit<HangsOn, 'problem'>;

/** A resource of this name belongs to another patient. @param name its identity */
export const anothers = (name: string): string => `another's ${name}`;

/** A resource of this name is the member's, though it is not in the record, or was taken for another patient's. */
const members = (name: string): string => `member's after all ${name}`;

/** A resource of this name names nobody, and waits. */
const waiting = (name: string): string => `waits ${name}`;

/** A resource of this name waited, and nothing shows whose it is. */
const unknowns = (name: string): string => `nobody knows whose ${name}`;

/** A resource of this name is in the record, and nobody's. */
const nobodys = (name: string): string => `nobody's ${name}`;

/** Only resources that wait refer to the one of this name, or one that is the member's does as well. */
const unsure = (name: string): string => `unsure reference ${name}`;
const sure = (name: string): string => `sure reference ${name}`;

/** Notes that a resource is in the record after all, if it was left out before as another patient's. */
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

/** Notes a reference. @param isUnsure whether the resource that has it waits */
export const noteReference = (seen: SeenNames, name: string, isUnsure: boolean): void => {
  if (!isUnsure && seen.has(unsure(name))) seen.add(sure(name));
  if (isUnsure && !seen.has(name) && !seen.has(`reference ${name}`)) seen.add(unsure(name));
};

/** Where a resource comes from is not known until the end, so this may be `absent` now and be known later. */
type Status = 'member' | 'other' | 'waits' | 'nobody' | 'absent';

const statusOf = (seen: Pick<SeenNames, 'has'>, name: string): Status => {
  if (seen.has(members(name))) return 'member';
  if (seen.has(anothers(name))) return 'other';
  if (seen.has(nobodys(name))) return 'nobody';
  if (seen.has(unknowns(name)) || !seen.has(name)) return 'absent';
  return seen.has(waiting(name)) ? 'waits' : 'member';
};

const typeOfName = (name: string): string => name.slice(0, name.indexOf('/'));

/** Whether a resource that waits is referred to by others that wait alone. */
const isUnsure = (seen: Pick<SeenNames, 'has'>, name: string): boolean =>
  seen.has(unsure(name)) && !seen.has(sure(name));

/** Whose a resource without a patient is: `nobody` for a thing, `unknown` if nothing shows it. */
export type Whose = 'member' | 'other' | 'nobody' | 'unknown';

/** What is known of a resource without a patient. */
export interface Evidence {
  /** It refers to what is another patient's. */
  readonly isAnothers: boolean;
  /** It refers to what is the member's, or what is the member's refers to it. */
  readonly isMembers: boolean;
  /** It came in a way that says that it is the member's, and nothing that it refers to is missing. */
  readonly isGiven: boolean;
  /** More may become known, as it depends on others that wait. */
  readonly isOpen: boolean;
}

/** What is known of a resource by what it refers to, and by how it came. @param name its identity */
export const evidenceOf = (hangsOn: Hanging, name: string, seen: Pick<SeenNames, 'has'>): Evidence => {
  const { names, unasked = [], isBeyond, came } = hangsOn;
  const all = names.map((one) => [one, statusOf(seen, one)] as const);
  const has = (status: Status): boolean => all.some(([, found]) => found === status);
  const isReferred = came === 'referred' && !isUnsure(seen, name);
  const isLacking = isBeyond ?? all.some(([one, found]) => found === 'absent' && !unasked.includes(typeOfName(one)));
  const isMembers = has('member') || isReferred;
  const isOpen = has('waits') || (came === 'referred' && !isMembers);
  const isOfMember = came === 'surely' || (came !== undefined && came !== 'referred' && seen.has(came));
  return { isAnothers: has('other'), isMembers, isGiven: isOfMember && !isLacking, isOpen };
};

/** Whose a resource is by what is known, if nothing that it waits for says otherwise. */
export const whoseBy = ({ isThing }: Hanging, { isAnothers, isMembers, isGiven }: Evidence): Whose => {
  if (isAnothers) return 'other';
  if (isThing === true) return 'nobody';
  return isMembers || isGiven ? 'member' : 'unknown';
};

/** Whose a resource is that waited, once everything has been read and settled. */
export const whoseIs = (hangsOn: HangsOn, name: string, seen: Pick<SeenNames, 'has'>): Whose => {
  if (seen.has(unknowns(name))) return 'unknown';
  const status = statusOf(seen, name);
  if (seen.has(waiting(name)) && status !== 'waits' && status !== 'absent') return status;
  const evidence = evidenceOf(hangsOn, name, seen);
  return evidence.isOpen && !evidence.isAnothers ? 'unknown' : whoseBy(hangsOn, evidence);
};

/** Notes whose a resource is that waited. */
export const noteWhose = (seen: SeenNames, name: string, { names }: Hanging, whose: Whose): void => {
  const tag = { member: members, other: anothers, nobody: nobodys, unknown: unknowns }[whose];
  if (seen.has(waiting(name))) seen.add(tag(name));
  if (whose === 'member') for (const one of names) noteReference(seen, one, false);
};

/** The names of the resources that a Bundle holds, which it needs not get from elsewhere. */
const heldNames = ({ type, resource }: Pick<PageResource, 'type' | 'resource'>): ReadonlySet<unknown> => {
  const entries = type === 'Bundle' ? objectsIn(resource['entry']) : [];
  const held = entries.map((entry) => entry['resource']).filter(isObject);
  return new Set([
    ...entries.map(({ fullUrl }) => fullUrl),
    ...held.map(({ resourceType, id }) => `${String(resourceType)}/${String(id)}`),
  ]);
};

const isPatientData = (type: string | undefined): boolean => type === undefined || mayBePatients(type);

/** Whether an element that says what a resource is about names that by an identifier alone. */
const isIdentified = (value: unknown): boolean => {
  if (!isObject(value) || typeof value['reference'] === 'string' || !isObject(value['identifier'])) return false;
  const { type } = value;
  return isPatientData(typeof type === 'string' && isResourceType(type) ? type : undefined);
};

/** What a resource refers to that may be a patient's. */
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

/** Whether nothing in a resource names a patient, and it may be a patient's. */
const isNameless = (given: PageResource, rules: RecordRules): boolean =>
  mayBePatients(given.type) && patientsOf(given, rules).length === 0 && namesNobody(given.resource, rules);

/**
 * What a resource hangs on that waits until everything has been read; undefined if it is the member's, or nobody's.
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
  const unasked = new Set(
    targets.names.map(typeOfName).filter((type) => !rules.isWanted(type) || rules.isAsked?.(type) === false),
  );
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
  if (isKnown && (whose === 'member' || whose === 'nobody')) return undefined;
  if (name.includes('/') && seen.has(name)) seen.add(waiting(name));
  return hangsOn;
};

/** What to report of a resource that is left out. */
export const problemOfHanging = ({ problem }: HangsOn, whose: Whose): Problem => {
  if (whose === 'other') return problem;
  if (problem.kind === 'fileLines') return { ...problem, why: 'nameless' };
  const { page } = problem as { readonly page?: number };
  return { kind: 'unknownPatient', type: problem.type, ...(page !== undefined && { page }), isNameless: true };
};
