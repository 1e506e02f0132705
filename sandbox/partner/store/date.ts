import { dateOf } from '../fhir.ts';
import type { Resource } from '../fhir.ts';

/** Where the types say when something happened, the best first. A dot leads into a Period. */
const places = [
  'occurrenceDateTime',
  'performedDateTime',
  'performedPeriod.start',
  'onsetDateTime',
  'onsetPeriod.start',
  'authoredOn',
  'whenHandedOver',
  'whenPrepared',
  'effectiveDateTime',
  'effectivePeriod.start',
  'billablePeriod.start',
  'period.start',
  'date',
  'startDate',
  'authored',
  'recordedDate',
  'issued',
  'created',
];

/** When it happened, as FHIR wrote it; empty if it does not say. */
export const happenedOn = (resource: Resource): string => {
  if (resource.resourceType === 'Observation') return dateOf(resource);
  for (const place of places) {
    const [element = '', part] = place.split('.');
    const found = part === undefined ? resource[element] : (resource[element] as Record<string, unknown>)?.[part];
    if (typeof found === 'string') return found;
  }
  return '';
};
