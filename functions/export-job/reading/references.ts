import { afterBase } from '../../shared/fhir/base-url-prefix.ts';
import { eachBase, isAt, type AnswerBases } from '../../shared/registry/fhir-bases.ts';
import { isResourceType } from '../../shared/scopes/resource-types.ts';
import type { PageResource } from './page-resource.ts';

/** A literal reference (https://hl7.org/fhir/R4/references.html#literal), parsed. */
interface Reference {
  readonly type: string;
  readonly id: string;
  /** Whether it is relative or below one of the payer's bases, and that one has its type. If not, it is on another server. */
  readonly isOwn: boolean;
}

const form = /^(?<base>.*\/)?(?<type>[A-Za-z]+)\/(?<id>[^/?#|\s\\]{1,128})(?:\/_history\/[^/?#|\s\\]+)?\/?$/;

const isOfPayer = (text: string, base: string, type: string, answer: AnswerBases): boolean => {
  const rest = `/${text.slice(base.length)}`;
  return eachBase(answer).some((one) => isAt(one, type) && one.bases.some((own) => afterBase(text, own) === rest));
};

/**
 * Parses a reference to a resource, with or without a slash at its end. Undefined for a contained resource (`#…`), a URN, a search, or invalid text.
 * @param answer the payer's bases; the one that gave the answer is that of relative references
 */
export const parseReference = (text: string, answer: AnswerBases): Reference | undefined => {
  const { base = '', type = '', id = '' } = form.exec(text)?.groups ?? {};
  if (!isResourceType(type) || id === '.' || id === '..') return undefined;
  if (base === '' || base === '/') return { type, id, isOwn: isAt(answer, type) };
  if (!/^https?:/i.test(base)) return undefined;
  return { type, id, isOwn: isOfPayer(text, base, type, answer) };
};

/** A resource that the record refers to. */
export interface ReferredResource {
  readonly type: string;
  /** Undefined if the reference is in no form that can be read. */
  readonly id?: string;
  /** Why it cannot be requested; undefined if it can. A payer might mistake an unusual id for one of its own paths. */
  readonly why?: 'form' | 'elsewhere';
}

/** An id that can go into a read: FHIR's characters, and a few more that payers use. */
export const isReadableId = (id: string): boolean => /^[A-Za-z0-9._~=:@+,-]{1,128}$/.test(id);

/** The type in a reference that is not a literal one, such as a search, or an id followed by a slash, a query or a fragment. */
const typed = /^(?:https?:\/\/[^?#]*\/|\/)?(?<type>[A-Za-z]+)[/?]/i;

const referredIn = (text: string, answer: AnswerBases): ReferredResource | undefined => {
  const parsed = parseReference(text, answer);
  if (parsed === undefined) {
    const type = typed.exec(text)?.groups?.['type'];
    return type !== undefined && isResourceType(type) ? { type, why: 'form' } : undefined;
  }
  const { type, id, isOwn } = parsed;
  if (!isOwn) return { type, id, why: 'elsewhere' };
  return isReadableId(id) ? { type, id } : { type, id, why: 'form' };
};

/**
 * The resources of a wanted type that a resource refers to, except patients. Each is returned once. A reference that names
 * no type, such as a URN, is skipped. The caller checks whether it was already read.
 */
export const referredBy = (
  { references }: Pick<PageResource, 'references'>,
  { isWanted, ...answer }: AnswerBases & { readonly isWanted: (type: string) => boolean },
): readonly ReferredResource[] => {
  const found = new Map<string, ReferredResource>();
  for (const text of references) {
    const referred = referredIn(text, answer);
    if (referred === undefined || referred.type === 'Patient' || !isWanted(referred.type)) continue;
    const { type, id = '', why = '' } = referred;
    found.set(`${type}/${id} ${why}`, referred);
  }
  return [...found.values()];
};
