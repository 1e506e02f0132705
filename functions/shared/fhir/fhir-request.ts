import type { ReadAccess } from '../scopes/scopes.ts';

/** A decoded query or form parameter: name and value. */
export type Parameter = readonly [name: string, value: string];

/** https://hl7.org/fhir/R4/http.html; `page` is a page of an earlier request, reached by the payer's link. */
type Interaction =
  | 'read'
  | 'vread'
  | 'history-instance'
  | 'history-type'
  | 'search-type'
  | 'search-compartment'
  | 'search-system'
  | 'everything'
  | 'operation'
  | 'page';

/** The access that a request needs to a resource type. */
export interface TypeNeed {
  /** A resource type, or `*` if any type may be returned. */
  readonly type: string;
  readonly needs: ReadAccess;
}

/** A checked request. Only `parseFhirRequest` and `pageRequest` make one. */
export interface FhirRequest {
  readonly interaction: Interaction;
  readonly method: 'GET' | 'POST';
  /** The first type in the path; none at base level. */
  readonly resourceType?: string;
  /** The resource id in the path. */
  readonly id?: string;
  /** The resource types whose search parameters apply, or `*`. */
  readonly searched: readonly string[];
  /** Every type that the payer may return, or must search to answer. */
  readonly types: readonly TypeNeed[];
  /** Path below the base, safe to join with slashes. */
  readonly segments: readonly string[];
  readonly query: readonly Parameter[];
  /** Present with POST. */
  readonly form?: readonly Parameter[];
  /**
   * Only for a page: what follows the payer's base, as the payer wrote it, and which parts only the payer understands. `base`
   * is a further base of the payer's, if it is below one.
   */
  readonly page?: { readonly base?: string; readonly rest: string; readonly unknown: readonly string[] };
}

/** Whether a request reads one resource, or one version of it. */
export const readsOne = ({ interaction }: Pick<FhirRequest, 'interaction'>): boolean =>
  interaction === 'read' || interaction === 'vread';

/**
 * Whether a request reads one Binary. Only such an answer may be something other than FHIR JSON, and only such a
 * request may ask for any format (https://hl7.org/fhir/R4/binary.html#rest). A search for Binaries returns a Bundle as
 * usual.
 */
export const isDocument = (request: Pick<FhirRequest, 'interaction' | 'resourceType'>): boolean =>
  request.resourceType === 'Binary' && readsOne(request);

/** One entry per type. */
export const mergeNeeds = (needs: readonly TypeNeed[]): TypeNeed[] => {
  const merged = new Map<string, TypeNeed['needs']>();
  for (const { type, needs: letters } of needs) {
    const known = merged.get(type);
    merged.set(type, known === undefined || known === letters ? letters : 'rs');
  }
  return [...merged].map(([type, letters]) => ({ type, needs: letters }));
};
