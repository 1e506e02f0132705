import { spanOf } from '../../shared/exchanges/group.ts';
import { parseRecordSearch } from '../../shared/fhir/record-search.ts';
import { isObject, objectsIn, type JsonObject } from '../../shared/json/json-object.ts';
import type { PageResource } from '../reading/page-resource.ts';

/*
 * A former plan may ignore a _typeFilter. What it gives shows that only where a filter is about a date that the resource has: the
 * dates of service and of recording below, as R4, US Core and CARIN search by them.
 */

/** Epoch milliseconds. */
type Span = NonNullable<ReturnType<typeof spanOf>>;

const elements: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  Condition: { 'recorded-date': ['recordedDate'], 'onset-date': ['onsetDateTime', 'onsetPeriod'] },
  DiagnosticReport: { date: ['effectiveDateTime', 'effectivePeriod'] },
  Encounter: { date: ['period'] },
  ExplanationOfBenefit: {
    created: ['created'],
    'service-date': ['billablePeriod', 'item.servicedDate', 'item.servicedPeriod'],
  },
  Immunization: { date: ['occurrenceDateTime'] },
  MedicationRequest: { authoredon: ['authoredOn'] },
  Observation: { date: ['effectiveDateTime', 'effectivePeriod', 'effectiveInstant'] },
  Procedure: { date: ['performedDateTime', 'performedPeriod'] },
};

const elementsOf = (type: string, parameter: string): readonly string[] =>
  parameter === '_lastUpdated' ? ['meta.lastUpdated'] : (elements[type]?.[parameter] ?? []);

/** A date without a time zone may be of any: the most that two can be apart, in milliseconds. */
const slackMs = 26 * 3_600_000;

/** Of a date, or of a period, which may be open; undefined if it cannot be read. */
const spanIn = (value: unknown): Span | undefined => {
  if (typeof value === 'string') return spanOf(value);
  if (!isObject(value)) return undefined;
  const [start, end] = [value['start'], value['end']].map((one) => (typeof one === 'string' ? spanOf(one) : undefined));
  return start === undefined && end === undefined
    ? undefined
    : { from: start?.from ?? -Infinity, before: end?.before ?? Infinity };
};

const valuesAt = (resource: JsonObject, path: string): readonly unknown[] => {
  const [name = '', inner] = path.split('.');
  const value = resource[name];
  if (inner === undefined) return value === undefined ? [] : [value];
  return (Array.isArray(value) ? objectsIn(value) : isObject(value) ? [value] : []).flatMap((one) => one[inner] ?? []);
};

/** Whether a date certainly does not match one value of a parameter. */
const isBeside = ({ from, before }: Span, asked: string): boolean => {
  const [, prefix = '', date = ''] = /^([a-z]{2})?(.*)$/.exec(asked) ?? [];
  const span = spanOf(date);
  if (span === undefined) return false;
  const isBefore = before <= span.from - slackMs;
  const isAfter = from >= span.before + slackMs;
  if (prefix === 'ge' || prefix === 'gt' || prefix === 'sa') return isBefore;
  if (prefix === 'le' || prefix === 'lt' || prefix === 'eb') return isAfter;
  return (prefix === '' || prefix === 'eq') && (isBefore || isAfter);
};

const isBeyondOne = (resource: JsonObject, type: string, [name, value]: readonly [string, string]): boolean => {
  const spans = elementsOf(type, name).flatMap((path) => valuesAt(resource, path).map(spanIn));
  return (
    spans.length > 0 &&
    spans.every((span) => span !== undefined && value.split(',').every((asked) => isBeside(span, asked)))
  );
};

/**
 * Makes a check for resources that certainly do not match any filter of their type.
 * @param filters as in `_typeFilter`, each `Type?name=value&…`
 */
export const beyondFilters = (
  filters: readonly string[] = [],
): ((resource: Pick<PageResource, 'type' | 'resource'>) => boolean) => {
  const byType = Map.groupBy(filters.map(parseRecordSearch), ({ type }) => type);
  return ({ type, resource }) =>
    byType.get(type)?.every(({ parameters }) => parameters.some((one) => isBeyondOne(resource, type, one))) ?? false;
};
