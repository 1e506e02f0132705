import { afterBase } from '../../shared/fhir/base-url-prefix.ts';
import { isResourceType } from '../../shared/scopes/resource-types.ts';

/** A literal reference (https://hl7.org/fhir/R4/references.html#literal), parsed. */
export interface Reference {
  readonly type: string;
  readonly id: string;
  /** Whether it is relative or below one of the payer's bases. If not, it is on another server. */
  readonly isOwn: boolean;
}

const form = /^(?<base>.*\/)?(?<type>[A-Za-z]+)\/(?<id>[^/?#|\s\\]{1,128})(?:\/_history\/[^/?#|\s\\]+)?$/;

/**
 * Parses a reference to a resource. Undefined for a contained resource (`#…`), a URN, a search, or invalid text.
 * @param bases the payer's bases, without trailing slashes
 */
export const parseReference = (text: string, bases: readonly string[]): Reference | undefined => {
  const { base = '', type = '', id = '' } = form.exec(text)?.groups ?? {};
  if (!isResourceType(type) || id === '.' || id === '..') return undefined;
  if (base === '' || base === '/') return { type, id, isOwn: true };
  if (!/^https?:/i.test(base)) return undefined;
  return { type, id, isOwn: bases.some((own) => afterBase(text, own) === `/${text.slice(base.length)}`) };
};
