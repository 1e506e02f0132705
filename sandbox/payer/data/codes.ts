/** A FHIR CodeableConcept with one or more codings. */
export interface Concept {
  readonly coding: readonly { readonly system: string; readonly code: string; readonly display?: string }[];
  readonly text?: string;
}

const hl7 = 'http://terminology.hl7.org/CodeSystem';

/** Code systems by the names that people use for them. */
export const systems = {
  loinc: 'http://loinc.org',
  snomed: 'http://snomed.info/sct',
  rxnorm: 'http://www.nlm.nih.gov/research/umls/rxnorm',
  icd10: 'http://hl7.org/fhir/sid/icd-10-cm',
  icd10pcs: 'http://www.cms.gov/Medicare/Coding/ICD10',
  ndc: 'http://hl7.org/fhir/sid/ndc',
  hcpcs: 'https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets',
  placeOfService: 'https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set',
  cvx: 'http://hl7.org/fhir/sid/cvx',
  ucum: 'http://unitsofmeasure.org',
  nucc: 'http://nucc.org/provider-taxonomy',
  npi: 'http://hl7.org/fhir/sid/us-npi',
  nullFlavor: `${hl7}/v3-NullFlavor`,
  observationCategory: `${hl7}/observation-category`,
  conditionCategory: `${hl7}/condition-category`,
  conditionClinical: `${hl7}/condition-clinical`,
  conditionVerification: `${hl7}/condition-ver-status`,
  allergyClinical: `${hl7}/allergyintolerance-clinical`,
  allergyVerification: `${hl7}/allergyintolerance-verification`,
  adjudication: `${hl7}/adjudication`,
  confidentiality: `${hl7}/v3-Confidentiality`,
  interpretation: `${hl7}/v3-ObservationInterpretation`,
  actCode: `${hl7}/v3-ActCode`,
  actSite: `${hl7}/v3-ActSite`,
  routeOfAdministration: `${hl7}/v3-RouteOfAdministration`,
  participationType: `${hl7}/v3-ParticipationType`,
  diagnosticService: `${hl7}/v2-0074`,
  identifierType: `${hl7}/v2-0203`,
  roleCode: `${hl7}/v3-RoleCode`,
  usCore: 'http://hl7.org/fhir/us/core/CodeSystem',
} as const;

export const concept = (system: string, code: string, display?: string, text?: string): Concept => {
  return { coding: [{ system, code, ...(display && { display }) }], ...(text && { text }) };
};

export const loinc = (code: string, display: string): Concept => concept(systems.loinc, code, display, display);
export const snomed = (code: string, display: string): Concept => concept(systems.snomed, code, display, display);
export const rxnorm = (code: string, display: string): Concept => concept(systems.rxnorm, code, display, display);

/** A FHIR Quantity in UCUM units, written with `digits` decimals, zeros included. */
export const quantity = (value: number, digits: number, code: string, unit = code): Record<string, unknown> => {
  return { value: decimal(value, digits), unit, system: systems.ucum, code };
};

// JSON.rawJSON (ES2026) is in Node 22 and later, but not yet in TypeScript's library.
const { rawJSON } = JSON as typeof JSON & { rawJSON: (this: void, text: string) => unknown };

/** A number whose text keeps its trailing zeros: FHIR decimals carry their precision. */
export const decimal = (value: number, digits: number): unknown => {
  return rawJSON(value.toFixed(digits));
};
