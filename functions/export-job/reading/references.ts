import type { RecordRules } from './check-resource.ts';
import type { PageResource } from './page-resource.ts';
import { parseReference } from './reference.ts';

/** A resource that the record refers to. */
export interface ReferredResource {
  readonly type: string;
  readonly id: string;
  /** Whether it can be asked for. A payer might take another id for a path of its own. */
  readonly isReadable: boolean;
}

/** An id that can go into a read: FHIR's characters, and a few more that payers use. */
const readable = /^[A-Za-z0-9._~=:@+,-]{1,128}$/;

/**
 * The resources that a resource refers to, at this payer, of a wanted type, and never a patient. Each is returned once.
 * The caller checks whether it was already read.
 */
export const referredBy = (
  { references }: Pick<PageResource, 'references'>,
  { bases, isWanted }: Pick<RecordRules, 'bases' | 'isWanted'>,
): readonly ReferredResource[] => {
  const found = new Map<string, ReferredResource>();
  for (const text of references) {
    const parsed = parseReference(text, bases);
    if (parsed === undefined || !parsed.isOwn || parsed.type === 'Patient') continue;
    const { type, id } = parsed;
    if (isWanted(type)) found.set(`${type}/${id}`, { type, id, isReadable: readable.test(id) });
  }
  return [...found.values()];
};
