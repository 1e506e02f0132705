import type { MemberRecord } from '../data/record.ts';
import { fhirBase } from '../data/record.ts';
import { patientCompartment } from '../fhir/definitions.ts';
import { filter, type Filter } from '../fhir/filter.ts';
import { badRequest, unsupported } from '../fhir/outcome.ts';
import { loadViews, type MemberView } from '../fhir/records.ts';
import type { StoredResource } from '../fhir/resource.ts';
import { withoutMoney } from './basis.ts';
import { generatedAt, type Generated } from './generated.ts';
import { keptLines, type LineSource } from './lines.ts';

/** What an export asks for, of each of its members, who are in `patientIds`. */
export interface Wanted {
  readonly patientIds: readonly string[];
  /** Epoch milliseconds; a resource that was stored at this moment is left out. */
  readonly since?: number | undefined;
  /** Epoch milliseconds. */
  readonly until?: number | undefined;
  readonly types?: readonly string[] | undefined;
  /** Searches such as `Encounter?date=ge2024-01-01`. */
  readonly typeFilters?: readonly string[];
}

/** Outside the patients' compartments. */
const furtherTypes = new Set(['Location', 'Medication', 'Organization', 'Practitioner', 'PractitionerRole']);

/** Whether this payer exports such resources by name. A document's content is in its DocumentReference. */
export const isExported = (type: string): boolean => patientCompartment().has(type) || furtherTypes.has(type);

/** The records of members, as one plan hands them to another. */
export const contentOf = (records: readonly MemberRecord[], generated: Generated, baseUrl: string) => {
  let loaded: ReadonlyMap<string, MemberView> | undefined;
  const viewOf = (patientId: string): MemberView | undefined => {
    loaded ??= loadViews(records, baseUrl);
    return loaded.get(patientId);
  };

  /** The lines of each type, sorted by type. What two members refer to comes once. */
  return (wanted: Wanted): ReadonlyMap<string, readonly LineSource[]> => {
    const kept = new Map<string, Map<string, string>>();
    const made: (readonly [string, LineSource])[] = [];
    const isWanted = selection(wanted);
    for (const patientId of wanted.patientIds) {
      const view = viewOf(patientId);
      if (view === undefined) continue;
      const passes = filtersOf(view, baseUrl, wanted.typeFilters ?? []);
      for (const resource of view.resources.values()) {
        const { resourceType, meta } = resource.body;
        if (resourceType === 'Binary' || !isWanted(resourceType, meta.lastUpdated)) continue;
        if (!passes(resource)) continue;
        const ofType = kept.get(resourceType) ?? new Map<string, string>();
        kept.set(resourceType, ofType.set(resource.reference, withContent(withoutMoney(resource.text), view)));
      }
      const { onTheFly } = view;
      if (onTheFly === undefined) continue;
      const text = (index: number): string => onTheFly.text(index).replaceAll(fhirBase, baseUrl);
      const { meta } = JSON.parse(text(0)) as StoredResource['body'];
      if (!isWanted(onTheFly.resourceType, meta.lastUpdated)) continue;
      if (wanted.typeFilters?.some((search) => search.startsWith(`${onTheFly.resourceType}?`)) === true) {
        throw unsupported(`One of these members has too many resources of ${onTheFly.resourceType} to filter`);
      }
      made.push([onTheFly.resourceType, { count: onTheFly.count, text }]);
    }
    made.push(...generated.lines(wanted.patientIds).filter(([type]) => isWanted(type, generatedAt)));
    const all = [...[...kept].map(([type, texts]) => [type, keptLines([...texts.values()])] as const), ...made];
    const byType = Map.groupBy(all, ([type]) => type);
    return new Map(
      [...byType].sort(([a], [b]) => a.localeCompare(b)).map(([type, of]) => [type, of.map(([, source]) => source)]),
    );
  };
};

const selection =
  ({ since, until, types }: Wanted) =>
  (type: string, lastUpdated: string): boolean => {
    const at = Date.parse(lastUpdated);
    return (
      (types === undefined || types.includes(type)) &&
      (since === undefined || at > since) &&
      (until === undefined || at < until)
    );
  };

/** Whether the law specially protects a part of a record: its label says that it is restricted. */
export const isSensitive = ({ resources }: Pick<MemberRecord, 'resources'>): boolean =>
  resources.some((text) => /"security":\[\{[^\]]*"code":"[RV]"/.test(text));

/** Puts the text of a document's Binary in place of its URL, since a system token cannot read that URL. */
const withContent = (text: string, view: MemberView): string =>
  text.replaceAll(/"url":"[^"]*\/(Binary\/[^"/]+)"/g, (whole, reference: string) => {
    const binary = view.resources.get(reference);
    return binary === undefined ? whole : `"data":"${String(binary.body['data'])}"`;
  });

/** A search may be given several times for one type; a resource passes if it matches one of them. */
const filtersOf = (view: MemberView, baseUrl: string, searches: readonly string[]): Filter => {
  const parsed = searches.map((search) => {
    const [type = '', query = ''] = search.split('?');
    if (!isExported(type) || query === '') throw badRequest(`_typeFilter ${search} is no search of a type`);
    const each = [...new URLSearchParams(query)].map(([name, value]) => filter({ view, baseUrl }, type, name, value));
    return { type, matches: (resource: StoredResource) => each.every((one) => one(resource)) };
  });
  return (resource) => {
    const own = parsed.filter(({ type }) => type === resource.body.resourceType);
    return own.length === 0 || own.some(({ matches }) => matches(resource));
  };
};
