import { isObject, objectsIn } from '../../shared/json/json-object.ts';

/** HL7's code system of such labels, by the names that R4, STU3 and HL7's registry of OIDs have for it. */
const observationValue: ReadonlySet<unknown> = new Set([
  'http://terminology.hl7.org/CodeSystem/v3-ObservationValue',
  'http://hl7.org/fhir/v3/ObservationValue',
  'urn:oid:2.16.840.1.113883.5.1063',
]);

/** What a label says of what lacks something: https://hl7.org/fhir/R4/security-labels.html */
const withheldCodes: ReadonlySet<unknown> = new Set(['ABSTRED', 'MASKED', 'REDACTED', 'SUBSETTED']);

/** Whether the meta of a page, or of a resource, has the payer's label that something was withheld. */
export const saysWithheld = (meta: unknown): boolean =>
  isObject(meta) &&
  [meta['security'], meta['tag']]
    .flatMap((labels) => objectsIn(isObject(labels) ? [labels] : labels))
    .some(({ system, code }) => observationValue.has(system) && withheldCodes.has(code));
