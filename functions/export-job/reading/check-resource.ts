import { writtenId } from '../../shared/fhir/fhir-id.ts';
import { isObject, objectsIn, type JsonObject } from '../../shared/json/json-object.ts';
import type { AnswerBases } from '../../shared/registry/fhir-bases.ts';
import { isResourceType } from '../../shared/scopes/resource-types.ts';
import { elementsAbout, elementsAtSource, elementsElsewhere, elementsOfParts } from './about.ts';
import type { PageResource } from './page-resource.ts';
import { parseReference, typeIn, type AwaitUrn, type FullUrls } from './references.ts';

/** The rules for what belongs in the record. */
export interface RecordRules extends AnswerBases {
  /** The patient's id at the payer. */
  readonly patient: string;
  /** The same person's other ids there. @default none */
  readonly linked?: readonly string[];
  /** The ids of many patients, each of whom counts as the member. @default none */
  readonly members?: Pick<ReadonlySet<string>, 'has'>;
  /** The resources of the same page, by the URNs under which it has them. @default none */
  readonly fullUrls?: FullUrls | undefined;
  /** Notes a URN that the page has not named so far, and its type, if that is said. @default a URN is reported */
  readonly awaitUrn?: AwaitUrn | undefined;
  /** Whether a resource type was asked for and is within scope. */
  readonly isWanted: (type: string) => boolean;
  /** In a former plan's files: whether a resource of a wanted type comes if another refers to it. @default it does */
  readonly isAsked?: ((type: string) => boolean) | undefined;
}

/**
 * What to do with a resource:
 * - `keep`: it belongs in the record
 * - `outcome`: an OperationOutcome, the payer's remark on its own answer
 * - `notWanted`: a type that was not asked for, or is not within scope
 * - `notFhir`: not a resource type of R4
 * - `otherPatient`: another patient, or a resource that is about other patients only
 * - `unknownPatient`: it names whom it is about, but not in a way that can be compared with the member; or it holds resources
 *   where R4 has none, so that nobody can tell
 */
export type ResourceVerdict = 'keep' | 'outcome' | 'notWanted' | 'notFhir' | 'otherPatient' | 'unknownPatient';

/** Whom an element or a resource is about. */
type About = 'member' | 'other' | 'unknown' | 'nobody';

/** The same of a reference: `somebody` is a patient who cannot be compared with the member, `unknown` may be no patient. */
type Named = About | 'somebody';

/** A resource, and how references within it and around it are resolved. */
interface Holder {
  readonly resource: JsonObject;
  /** The resource of the same document that a text refers to. */
  readonly resolve: (reference: string) => JsonObject | undefined;
}

type Whose = Omit<RecordRules, 'isWanted' | 'isAsked'>;

/** Where an element of R4 may hold more of its kind. */
const nestedIn: Readonly<Record<string, readonly string[]>> = {
  action: ['action'],
  item: ['item', 'answer'],
  parameter: ['part'],
  provision: ['provision'],
  section: ['section'],
  term: ['group'],
};

/** Values without lists and empty ones. */
const flat = (values: readonly unknown[]): readonly unknown[] =>
  values.flat(Infinity).filter((value) => value !== undefined && value !== null);

const memberOf = (value: unknown, name: string): unknown => (isObject(value) ? value[name] : value);

/** With what is held at any depth. Each value is looked at once, however deep it is. */
const withNested = (values: readonly unknown[], names: readonly string[]): readonly unknown[] => {
  const all = [...values];
  for (const value of all) {
    if (!isObject(value)) continue;
    for (const name of names) for (const held of flat([value[name]])) all.push(held);
  }
  return all;
};

const pathNames = new Map<string, readonly string[]>();

/** The names in a path of the tables of elements. */
const namesIn = (path: string): readonly string[] => {
  const known = pathNames.get(path) ?? path.split('.');
  pathNames.set(path, known);
  return known;
};

const none: readonly unknown[] = [];

/** The values at a path, including those inside lists along it. What is not an object ends the path, and is a value. */
export const valuesAt = (resource: JsonObject, path: string): readonly unknown[] => {
  const names = namesIn(path);
  const [first = ''] = names;
  const outer = resource[first] ?? null;
  // Most elements are absent from most resources, and a file may have millions of these.
  if (outer === null) return none;
  if (names.length === 1 && !Array.isArray(outer) && !(first in nestedIn)) return [outer];
  return names.reduce<readonly unknown[]>(
    (found, name) => {
      const values = flat(found.map((value) => memberOf(value, name)));
      return values.length > 0 && name in nestedIn ? withNested(values, nestedIn[name]!) : values;
    },
    [resource],
  );
};

const aboutPatient = (given: unknown, { patient, linked = [], members }: Whose): About => {
  const id = writtenId(given);
  return id === patient || linked.some((one) => one === id) || members?.has(id as string) === true ? 'member' : 'other';
};

/**
 * What an identifier or a name alone says: nothing that can be compared with the member. The search that brought it proves
 * nothing either, since a payer may ignore a parameter. Only its type may show that it is no patient.
 */
const aboutUnreferred = ({ type }: JsonObject): About =>
  typeof type === 'string' && isResourceType(type) && type !== 'Patient' ? 'nobody' : 'unknown';

/**
 * Whom a reference is to that leads to no patient. If its type says that it does, it contradicts itself
 * (https://hl7.org/fhir/R4/references.html#Reference.type), and a patient's record must not depend on which is right.
 */
const aboutNoPatient = ({ type }: JsonObject): Named =>
  typeof type === 'string' && /(?:^|\/)Patient$/.test(type) ? 'somebody' : 'nobody';

const aboutReference = (value: unknown, { resolve }: Holder, whose: Whose): Named => {
  if (!isObject(value)) return 'unknown';
  const { reference } = value;
  if (reference === undefined || reference === null) return aboutUnreferred(value);
  if (typeof reference !== 'string') return 'unknown';
  const parsed = parseReference(reference, whose);
  if (parsed !== undefined && parsed.type !== 'Patient') return aboutNoPatient(value);
  // On another server, the same id may belong to anyone.
  if (parsed !== undefined) return parsed.isOwn ? aboutPatient(parsed.id, whose) : 'somebody';
  const resolved = resolve(reference);
  if (resolved === undefined) return typeIn(reference) === 'Patient' ? 'somebody' : 'unknown';
  if (resolved['resourceType'] !== 'Patient') return aboutNoPatient(value);
  // A contained Patient has an id of its own, whoever it is.
  return reference.startsWith('#') ? 'unknown' : aboutPatient(resolved['id'], whose);
};

/** Those who have a part in a resource may be others beside the member. */
const memberFirst: readonly Named[] = ['member', 'other', 'somebody', 'unknown'];
/** What is about others beside the member, as an appointment of two, has their names. One without an id may be a practitioner. */
const othersFirst: readonly Named[] = ['other', 'somebody', 'member', 'unknown'];
/** Who is in a group, or the same as a person, is a patient. */
const othersAndUnknownFirst: readonly Named[] = ['other', 'somebody', 'unknown', 'member'];

const listsOfPatients: ReadonlySet<string> = new Set(['member.entity', 'link.target']);

const orderAbout = (path: string): readonly Named[] =>
  listsOfPatients.has(path) ? othersAndUnknownFirst : othersFirst;

const aboutElement = (
  path: string,
  holder: Holder,
  whose: Whose,
  {
    order = memberFirst,
    counts = () => true,
  }: { readonly order?: readonly Named[]; readonly counts?: (value: unknown) => boolean } = {},
): About => {
  const values = valuesAt(holder.resource, path);
  if (values.length === 0) return 'nobody';
  const found = new Set(values.filter(counts).map((value) => aboutReference(value, holder, whose)));
  const about = order.find((one) => found.has(one)) ?? 'nobody';
  return about === 'somebody' ? 'unknown' : about;
};

/** Whether a reference points to the payer's own server, or cannot be parsed. A copy, a name or another server's id is not. */
const isOfPayer =
  (whose: Whose) =>
  (value: unknown): boolean => {
    if (!isObject(value)) return true;
    const { reference } = value;
    if (typeof reference !== 'string') return (reference ?? null) !== null;
    return !reference.startsWith('#') && parseReference(reference, whose)?.isOwn !== false;
  };

/** The resources that a Bundle or a Parameters resource holds. */
const heldBy = ({ resource, resolve }: Holder): readonly Holder[] => {
  if (resource['resourceType'] === 'Bundle') {
    const entries = objectsIn(resource['entry']);
    const byUrl = new Map(entries.map(({ fullUrl, resource: held }) => [fullUrl, held]));
    const within = (reference: string): JsonObject | undefined => {
      const held = byUrl.get(reference);
      return isObject(held) ? held : resolve(reference);
    };
    return entries.flatMap(({ resource: held, response }) =>
      [held, isObject(response) ? response['outcome'] : undefined]
        .filter(isObject)
        .map((one) => ({ resource: one, resolve: within })),
    );
  }
  const parametersOf = (list: unknown): readonly JsonObject[] => {
    const all = objectsIn(list);
    for (const { part } of all) for (const one of objectsIn(part)) all.push(one);
    return all;
  };
  const heldIn = (holders: readonly JsonObject[]): readonly Holder[] =>
    holders
      .map(({ resource: held }) => held)
      .filter(isObject)
      .map((held) => ({ resource: held, resolve }));
  return resource['resourceType'] === 'Parameters' ? heldIn(parametersOf(resource['parameter'])) : [];
};

/** A list of objects, or nothing; undefined for any other value, which might hold what nobody looks at. */
const wellFormed = (value: unknown): readonly JsonObject[] | undefined => {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) && value.every((one) => isObject(one) || one === null) ? objectsIn(value) : undefined;
};

/** Whether what holds resources has the JSON types of R4, as deep as it goes. */
const holdsAsFhir = (resource: JsonObject): boolean => {
  const isResource = (value: unknown): boolean =>
    isObject(value) && isResourceType(String(value['resourceType'])) && holdsAsFhir(value);
  const isResourceOrNone = (value: unknown): boolean => (value ?? undefined) === undefined || isResource(value);
  const isParameter = ({ resource: held, part }: JsonObject): boolean =>
    isResourceOrNone(held) && wellFormed(part)?.every(isParameter) === true;
  const isEntry = ({ resource: held, response }: JsonObject): boolean =>
    isResourceOrNone(held) &&
    ((response ?? undefined) === undefined || (isObject(response) && isResourceOrNone(response['outcome'])));
  return (
    wellFormed(resource['contained'])?.every(isResource) === true &&
    (resource['resourceType'] !== 'Bundle' || wellFormed(resource['entry'])?.every(isEntry) === true) &&
    (resource['resourceType'] !== 'Parameters' || wellFormed(resource['parameter'])?.every(isParameter) === true)
  );
};

/** How many objects have a `resourceType` where R4 allows one, including the resource itself, which {@link holdsAsFhir}. */
const countTyped = (resource: JsonObject): number => {
  const held = [
    ...objectsIn(resource['contained']),
    ...heldBy({ resource, resolve: () => undefined }).map(({ resource: one }) => one),
  ];
  const instances = resource['resourceType'] === 'ExampleScenario' ? objectsIn(resource['instance']) : [];
  const named = instances.filter(({ resourceType }) => typeof resourceType === 'string').length;
  return held.reduce((sum, one) => sum + countTyped(one), 1 + named);
};

/** Finds contained resources by references such as `#a`; of two with one id the first. Both may be many, so they are looked through once. */
const containedByReference = (contained: readonly JsonObject[]): Holder['resolve'] => {
  let found: Map<string, JsonObject> | undefined;
  return (reference) => {
    found ??= new Map(contained.toReversed().map((one) => [`#${String(one['id'])}`, one]));
    return found.get(reference);
  };
};

/**
 * A resource is about someone else if one element says so, or one of the resources that it holds. A contained resource is a
 * part of it, whoever it is about (https://hl7.org/fhir/R4/references.html#contained): it decides only where nothing else does.
 */
const aboutResource = (outer: Holder, whose: Whose): About => {
  const { resource } = outer;
  const type = String(resource['resourceType']);
  if (type === 'Patient') return aboutPatient(resource['id'], whose);
  const contained = objectsIn(resource['contained']);
  const within = containedByReference(contained);
  const holder: Holder = { resource, resolve: (reference) => within(reference) ?? outer.resolve(reference) };
  const found = new Set([
    ...elementsAbout(type).map((path) => aboutElement(path, holder, whose, { order: orderAbout(path) })),
    ...elementsAtSource(type)
      .map((path) => aboutElement(path, holder, whose, { counts: isOfPayer(whose) }))
      .filter((about) => about !== 'member'),
    ...elementsElsewhere(type)
      .map((path) => aboutElement(path, holder, whose))
      .filter((about) => about !== 'member'),
    ...heldBy(holder).map((held) => aboutResource(held, whose)),
  ]);
  const about = (['other', 'unknown', 'member'] as const).find((one) => found.has(one));
  if (about !== undefined) return about;
  // A contained Patient has an id of its own, so only a reference to another patient outside the resource counts.
  const isOthers = contained
    .filter(({ resourceType }) => resourceType !== 'Patient')
    .some((held) => aboutResource({ resource: held, resolve: holder.resolve }, whose) === 'other');
  if (isOthers) return 'other';
  // It names nobody, so it is in the compartments of those who have a part in it.
  // An author or an agent is often only a name.
  const isReferred = (value: unknown): boolean => !isObject(value) || (value['reference'] ?? null) !== null;
  const parts = new Set(
    [...elementsAtSource(type), ...elementsOfParts(type)].map((path) =>
      aboutElement(path, holder, whose, { counts: isReferred }),
    ),
  );
  if (contained.some(({ resourceType }) => resourceType === 'Patient')) parts.add('unknown');
  return (['member', 'other', 'unknown'] as const).find((one) => parts.has(one)) ?? 'nobody';
};

/** Whether it is a Patient that does not say whose it is. */
export const isPatientWithoutId = ({ resourceType, id }: JsonObject): boolean =>
  resourceType === 'Patient' && (typeof writtenId(id) !== 'string' || id === '');

/** Whether a resource is about another patient, or about someone who cannot be compared with the member; undefined if not. */
export const aboutAnother = (resource: JsonObject, whose: Whose): 'otherPatient' | 'unknownPatient' | undefined => {
  const about = aboutResource({ resource, resolve: (reference) => whose.fullUrls?.get(reference) }, whose);
  if (about === 'other') return isPatientWithoutId(resource) ? 'unknownPatient' : 'otherPatient';
  return about === 'unknown' || !holdsAsFhir(resource) ? 'unknownPatient' : undefined;
};

/** Whether nothing in a resource says which patient it is about, or who has a part in it. */
export const namesNobody = (resource: JsonObject, whose: Whose): boolean =>
  aboutResource({ resource, resolve: (reference) => whose.fullUrls?.get(reference) }, whose) === 'nobody';

/** A resource, and all that it holds as a Bundle or Parameters. */
const withHeld = (holder: Holder): readonly Holder[] => [holder, ...heldBy(holder).flatMap(withHeld)];

/** The elements of a type that may refer to a patient. */
const elementsNaming = ({ resource }: Holder): readonly string[] => {
  const type = String(resource['resourceType']);
  return [...elementsAbout(type), ...elementsElsewhere(type), ...elementsOfParts(type)];
};

/**
 * Whether a resource that is about another patient names the member, too, itself or in what it holds: who receives it, pays for it, or takes
 * part.
 */
export const namesMember = ({ resource }: Pick<PageResource, 'resource'>, whose: Whose): boolean =>
  withHeld({ resource, resolve: () => undefined }).some((holder) =>
    elementsNaming(holder).some((path) => aboutElement(path, holder, whose) === 'member'),
  );

/** Whether a resource says that it is about the member, by the id that searches are for. */
export const isAboutMember = ({ type, resource }: Pick<PageResource, 'type' | 'resource'>, whose: Whose): boolean =>
  elementsAbout(type).some(
    (path) => aboutElement(path, { resource, resolve: () => undefined }, { ...whose, linked: [] }) === 'member',
  );

/** Whether a resource, or one that it holds, names a patient on another server, or on the payer's own by a base that the profile does not have. */
export const namesPatientElsewhere = ({ resource }: Pick<PageResource, 'resource'>, whose: AnswerBases): boolean =>
  withHeld({ resource, resolve: () => undefined })
    .flatMap((holder) => elementsNaming(holder).flatMap((path) => valuesAt(holder.resource, path)))
    .some((value) => {
      const text = isObject(value) ? value['reference'] : undefined;
      const parsed = typeof text === 'string' ? parseReference(text, whose) : undefined;
      return parsed?.type === 'Patient' && !parsed.isOwn;
    });

/** The ids of the patients whom a resource is about, or who have a part in it if it says of nobody that it is about them. */
export const patientsOf = (
  { type, resource }: Pick<PageResource, 'type' | 'resource'>,
  whose: AnswerBases,
): string[] => {
  const ownId = writtenId(resource['id']);
  if (type === 'Patient') return typeof ownId === 'string' ? [ownId] : [];
  const holder: Holder = { resource, resolve: () => undefined };
  const idsAt = (paths: readonly string[]): string[] => {
    const ids: string[] = [];
    for (const path of paths) {
      for (const value of valuesAt(resource, path)) {
        const text = isObject(value) ? value['reference'] : undefined;
        const parsed = typeof text === 'string' ? parseReference(text, whose) : undefined;
        if (parsed?.type === 'Patient' && parsed.isOwn) ids.push(parsed.id);
      }
    }
    return ids;
  };
  const own = [
    ...idsAt([...elementsAbout(type), ...elementsElsewhere(type)]),
    ...heldBy(holder).flatMap((held) =>
      patientsOf({ type: String(held.resource['resourceType']), resource: held.resource }, whose),
    ),
  ];
  return own.length > 0 ? own : idsAt([...elementsAtSource(type), ...elementsOfParts(type)]);
};

/** The ids of the patients with whom the member is compared to say whom a resource is about, without the member's. */
export const othersComparedIn = (resource: JsonObject, whose: Whose): readonly string[] => {
  const ids = new Set<string>();
  const note = (id: unknown): boolean => {
    ids.add(String(id));
    return false;
  };
  aboutAnother(resource, { ...whose, members: { has: note } });
  return [...ids];
};

/** The most other ids of one person, whatever copies of the Patient say: more than any payer merges. */
export const mostLinked = 20;

/**
 * The other ids of a Patient's person at the payer, as this Patient says: a `link` is to "another patient resource that
 * concerns the same actual person" (https://hl7.org/fhir/R4/patient-definitions.html#Patient.link). `seealso` is left out,
 * since it says least: a suspected duplicate is linked so, too.
 */
export const linkedPatients = ({ resource }: Pick<PageResource, 'resource'>, answer: AnswerBases): string[] =>
  objectsIn(resource['link'])
    .filter(({ type }) => type === 'replaces' || type === 'replaced-by' || type === 'refer')
    .flatMap(({ other }) => {
      const text = isObject(other) ? other['reference'] : undefined;
      const linked = typeof text === 'string' ? parseReference(text, answer) : undefined;
      return linked?.type === 'Patient' && linked.isOwn ? [linked.id] : [];
    })
    .slice(0, mostLinked);

/** Decides whether a resource belongs in the record. */
export const checkResource = (
  { type, resource, resources }: Pick<PageResource, 'type' | 'resource' | 'resources'>,
  rules: RecordRules,
): ResourceVerdict => {
  if (type === 'OperationOutcome') return 'outcome';
  if (!isResourceType(type)) return 'notFhir';
  if (!rules.isWanted(type)) return 'notWanted';
  const another = aboutAnother(resource, rules);
  if (another !== undefined) return another;
  return resources === 1 || resources === countTyped(resource) ? 'keep' : 'unknownPatient';
};
