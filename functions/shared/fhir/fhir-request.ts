import type { ReadAccess } from '../registry/scopes.ts';

/** A decoded query or form parameter: name and value. */
export type Parameter = readonly [name: string, value: string];

/** https://hl7.org/fhir/R4/http.html; `page` is a page of an earlier request, by a link of the payer's. */
type Interaction =
  | 'read'
  | 'vread'
  | 'history-instance'
  | 'history-type'
  | 'search-type'
  | 'search-compartment'
  | 'search-system'
  | 'everything'
  | 'page';

/** Access that a request needs to a resource type. */
export interface TypeNeed {
  /** A resource type, or `*` where any may be returned. */
  readonly type: string;
  readonly needs: ReadAccess;
}

/** A checked request: only `parseFhirRequest` and `pageRequest` make one. */
export interface FhirRequest {
  readonly interaction: Interaction;
  readonly method: 'GET' | 'POST';
  /** The path's first type; none at base level. */
  readonly resourceType?: string;
  /** The path's resource id. */
  readonly id?: string;
  /** Whose search parameters the request's are: resource types, or `*`. */
  readonly searched: readonly string[];
  /** Every type that can be returned, or that the payer looks into to answer. */
  readonly types: readonly TypeNeed[];
  /** Path below the base, safe to be joined by slashes as it is. */
  readonly segments: readonly string[];
  readonly query: readonly Parameter[];
  /** Present with POST. */
  readonly form?: readonly Parameter[];
  /** Present with a page: what follows the payer's base as the payer wrote it, and what of it nobody but the payer knows. */
  readonly page?: { readonly rest: string; readonly unknown: readonly string[] };
}

/** Whether a request reads one resource, or one version of it. */
export const readsOne = ({ interaction }: Pick<FhirRequest, 'interaction'>): boolean =>
  interaction === 'read' || interaction === 'vread';

/**
 * Whether a request reads one Binary: the only kind whose answer may be anything but FHIR JSON, and be asked for in any
 * format (https://hl7.org/fhir/R4/binary.html#rest). A search for Binaries is a Bundle like any other.
 */
export const isDocument = (request: Pick<FhirRequest, 'interaction' | 'resourceType'>): boolean =>
  request.resourceType === 'Binary' && readsOne(request);

/** One need for each type. */
export const mergeNeeds = (needs: readonly TypeNeed[]): TypeNeed[] => {
  const merged = new Map<string, TypeNeed['needs']>();
  for (const { type, needs: letters } of needs) {
    const known = merged.get(type);
    merged.set(type, known === undefined || known === letters ? letters : 'rs');
  }
  return [...merged].map(([type, letters]) => ({ type, needs: letters }));
};
