/** The parts of FHIR R4 resources that the pages show. Numbers keep their source text, see {@link parseFhir}. */
export interface Resource {
  readonly resourceType: string;
  readonly id?: string;
  readonly [element: string]: unknown;
}

/** A page of a search or of `$everything`. */
export interface Bundle extends Resource {
  readonly link?: readonly { readonly relation: string; readonly url: string }[];
  readonly entry?: readonly {
    readonly fullUrl?: string;
    readonly resource?: Resource;
    readonly search?: { readonly mode?: string };
  }[];
}

export interface Observation extends Resource {
  readonly code?: CodeableConcept;
  readonly component?: readonly Observation[];
}

export interface CodeableConcept {
  readonly text?: string;
  readonly coding?: readonly { readonly system?: string; readonly display?: string; readonly code?: string }[];
}

export interface Quantity {
  readonly comparator?: string;
  readonly value?: string;
  readonly unit?: string;
  readonly code?: string;
}

const numbersAsWritten: Reviver = (_key, value, context) => (typeof value === 'number' ? context.source : value);

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/**
 * Parses FHIR JSON and keeps every number as the payer's text. `1.00` is more precise than `1`
 * (https://hl7.org/fhir/R4/datatypes.html#decimal), and `JSON.parse` alone would lose it.
 */
export const parseFhir = (text: string): Resource => {
  return JSON.parse(text, numbersAsWritten as (key: string, value: unknown) => unknown) as Resource;
};

/** The member's name for display, from the first `HumanName` that has one. */
export const nameOf = (patient: Resource): string => {
  const names = (patient['name'] ?? []) as readonly { text?: string; given?: readonly string[]; family?: string }[];
  const [name] = names;
  return name?.text ?? [...(name?.given ?? []), name?.family].filter(Boolean).join(' ');
};

/** What an Observation is about. */
export const titleOf = (observation: Observation): string => {
  return textOf(observation.code) ?? 'Unnamed measurement';
};

/** An Observation's value with its unit, its components' values (one line each), or why there is none. */
export const valueOf = (observation: Observation): string => {
  const own = ownValueOf(observation);
  if (own !== undefined) return own;
  const components = (observation.component ?? []).map((part) => `${titleOf(part)}: ${valueOf(part)}`);
  if (components.length > 0) return components.join('\n');
  return textOf(observation['dataAbsentReason'] as CodeableConcept | undefined) ?? 'No value recorded';
};

/** UCUM codes that some payers put into `unit`, and the symbols that a person expects. */
const plainUnits: Readonly<Record<string, string>> = {
  Cel: '°C',
  '[degF]': '°F',
  'kg/m2': 'kg/m²',
  'mm[Hg]': 'mmHg',
  '/min': 'per minute',
};

/** A quantity's unit for display. */
export const unitOf = ({ unit, code }: Quantity): string => {
  const written = unit ?? code ?? '';
  return plainUnits[written] ?? written;
};

const ownValueOf = (observation: Observation): string | undefined => {
  const quantity = observation['valueQuantity'] as Quantity | undefined;
  if (quantity) {
    return `${quantity.comparator ?? ''}${quantity.value ?? ''} ${unitOf(quantity)}`.trim();
  }
  const concept = textOf(observation['valueCodeableConcept'] as CodeableConcept | undefined);
  if (concept !== undefined) return concept;
  const plain = observation['valueString'] ?? observation['valueInteger'] ?? observation['valueDateTime'];
  if (typeof plain === 'string') return plain;
  const flag = observation['valueBoolean'];
  return typeof flag === 'boolean' ? (flag ? 'Yes' : 'No') : undefined;
};

/** When an Observation was made, in FHIR's format (`2014-05-01T08:00:00Z`); empty if it does not say. */
export const dateOf = (observation: Observation): string => {
  const period = observation['effectivePeriod'] as { start?: string } | undefined;
  const date =
    observation['effectiveDateTime'] ?? period?.start ?? observation['effectiveInstant'] ?? observation['issued'];
  return typeof date === 'string' ? date : '';
};

/** A concept's own text, else the name of its first coding. */
export const textOf = (concept: CodeableConcept | undefined): string | undefined => {
  const [coding] = concept?.coding ?? [];
  return concept?.text ?? coding?.display ?? coding?.code;
};

interface RawJson {
  readonly rawJSON: (text: string) => unknown;
}

const numbersUnchanged: Reviver = (_key, value, { source }) =>
  typeof value === 'number' && source !== undefined ? (JSON as unknown as RawJson).rawJSON(source) : value;

/** The texts of a Bundle's resources, with every number as the payer wrote it. An outcome of the search is left out. */
export const resourceTexts = (bundle: string): readonly string[] => {
  const { entry = [] } = JSON.parse(bundle, numbersUnchanged as (key: string, value: unknown) => unknown) as Bundle;
  const found = entry.filter(({ search }) => search?.mode !== 'outcome').flatMap(({ resource }) => resource ?? []);
  return found.map((resource) => JSON.stringify(resource));
};

/** A resource's JSON with line breaks, for a person, and with every number as the payer wrote it. */
export const resourceText = (json: string): string =>
  JSON.stringify(JSON.parse(json, numbersUnchanged as (key: string, value: unknown) => unknown), undefined, 2);
