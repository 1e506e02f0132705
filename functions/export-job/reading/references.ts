import { belowBase } from '../../shared/fhir/base-url-prefix.ts';
import type { JsonObject } from '../../shared/json/json-object.ts';
import { eachBase, isAt, type AnswerBases } from '../../shared/registry/fhir-bases.ts';
import { isResourceType, resourceTypeOf } from '../../shared/scopes/resource-types.ts';
import type { PageResource } from './page-resource.ts';
import { placeAtPayer } from './place-at-payer.ts';

/** A literal reference (https://hl7.org/fhir/R4/references.html#literal), parsed. */
interface Reference {
  readonly type: string;
  readonly id: string;
  /** Whether it is relative or below one of the payer's bases, and that one has its type. If not, it is on another server. */
  readonly isOwn: boolean;
}

/** Its base, its type and its id. Groups with names take half as long again. */
const form = /^(.*\/)?([A-Za-z]+)\/([^/?#|\s\\]{1,128})(?:\/_history\/[^/?#|\s\\]+)?\/?$/;

/** A character that means the same without percent-encoding (RFC 3986 §6.2.2.2). */
const needlessEncoding = /%(?:2[DE]|3\d|[46][1-9A-F]|[57][\dA]|5F|7E)/gi;

const withoutNeedlessEncoding = (text: string): string =>
  text.includes('%') ? text.replaceAll(needlessEncoding, (one) => decodeURIComponent(one)) : text;

const isOfPayer = (text: string, base: string, type: string, answer: AnswerBases): boolean => {
  const rest = `/${text.slice(base.length)}`;
  return eachBase(answer).some((one) => isAt(one, type) && one.bases.some((own) => belowBase(text, own) === rest));
};

/** A resource below a base, or one version of it. */
const oneBelow = /^\/(?<type>[A-Za-z]+)\/(?<id>[^/?#]{1,128})(?:\/_history\/[^/?#]+)?\/?$/;

/** A relative reference of several segments, or one with a server and no scheme. */
const parseAtBase = (text: string, type: string, id: string, answer: AnswerBases): Reference | undefined => {
  const place = placeAtPayer(text, answer);
  if (place === undefined) return undefined;
  if (place === 'elsewhere') return { type, id, isOwn: false };
  const below = oneBelow.exec(place.rest)?.groups;
  return below?.['type'] === type && withoutNeedlessEncoding(below['id']!) === id
    ? { type, id, isOwn: isAt(place.base, type) }
    : undefined;
};

/**
 * Parses a reference to a resource, with or without a slash at its end. Undefined for a contained resource (`#…`), a URN, a search, or invalid text.
 * @param answer the payer's bases; the one that gave the answer is that of relative references
 */
export const parseReference = (text: string, answer: AnswerBases): Reference | undefined => {
  const [, base = '', type = '', written = ''] = form.exec(text) ?? [];
  const id = withoutNeedlessEncoding(written);
  if (!isResourceType(type) || id === '.' || id === '..') return undefined;
  if (base === '' || base === '/') return { type, id, isOwn: isAt(answer, type) };
  if (!/^https?:/i.test(base)) return parseAtBase(text, type, id, answer);
  return { type, id, isOwn: isOfPayer(text, base, type, answer) };
};

/** A resource that the record refers to. */
export interface ReferredResource {
  /** Undefined if nothing says it. */
  readonly type: string | undefined;
  /** Undefined if the reference is in no form that can be read. */
  readonly id?: string;
  /** Why it cannot be requested; undefined if it can. A payer might mistake an unusual id for one of its own paths. */
  readonly why?: 'form' | 'elsewhere';
}

/** An id that can go into a read: FHIR's characters, and a few more that payers use. */
export const isReadableId = (id: string): boolean => /^[A-Za-z0-9._~=:@+,-]{1,128}$/.test(id);

/** Resources of a page, by the URNs under which it has them. */
export type FullUrls = Pick<ReadonlyMap<string, JsonObject | undefined>, 'get'>;

/** Takes a URN, and the type that it is of; undefined if nothing says it. */
export type AwaitUrn = (urn: string, type: string | undefined) => void;

export const isUrn = (text: string): boolean => /^urn:/i.test(text);

/** The type that a reference names which cannot be read, such as a search, or one in lower case. */
export const typeIn = (text: string): string | undefined => {
  const segments = text.replace(/^[a-z]+:\/\/[^/]*/i, '').split(/[/?#|\s\\]+/);
  return segments.findLast(isResourceType) ?? segments.map(resourceTypeOf).find((type) => type !== undefined);
};

const referredIn = (text: string, answer: AnswerBases, said: string | undefined): ReferredResource | undefined => {
  // A contained resource is a part of this one.
  if (text.startsWith('#')) return undefined;
  const parsed = parseReference(text, answer);
  if (parsed === undefined) return { type: typeIn(text) ?? said, why: 'form' };
  const { type, id, isOwn } = parsed;
  if (!isOwn) return { type, id, why: 'elsewhere' };
  return isReadableId(id) ? { type, id } : { type, id, why: 'form' };
};

/**
 * The resources of a wanted type that a resource refers to, except patients. Each is returned once. The caller checks whether it was
 * already read.
 * @param rules.fullUrls the resources of the same page, by URNs
 * @param rules.awaitUrn takes a URN that the page has not named so far
 * @param rules.noteUnwanted takes a resource of a type that is not wanted
 */
export const referredBy = (
  { references, said }: Pick<PageResource, 'references' | 'said'>,
  rules: AnswerBases & {
    readonly isWanted: (type: string) => boolean;
    readonly fullUrls?: FullUrls | undefined;
    readonly awaitUrn?: AwaitUrn | undefined;
    readonly noteUnwanted?: (referred: ReferredResource & { readonly type: string }) => void;
  },
): readonly ReferredResource[] => {
  const { isWanted, fullUrls, awaitUrn, noteUnwanted } = rules;
  const found = new Map<string, ReferredResource>();
  for (const text of references) {
    const urn = isUrn(text) ? fullUrls?.get(text) : undefined;
    // It is on the same page, and is judged there.
    if (urn !== undefined) continue;
    const referred = referredIn(text, rules, said?.get(text));
    if (referred?.type === 'Patient' || referred === undefined) continue;
    if (referred.type !== undefined && !isWanted(referred.type)) {
      noteUnwanted?.({ ...referred, type: referred.type });
      continue;
    }
    if (isUrn(text) && awaitUrn !== undefined) {
      awaitUrn(text, referred.type);
      continue;
    }
    const { type = '', id = '', why = '' } = referred;
    found.set(`${type}/${id} ${why}`, referred);
  }
  return [...found.values()];
};
