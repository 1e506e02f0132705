import { words } from '../support/words.ts';

/** The parts of a profile that are adapted here. */
export interface Profile {
  readonly url: string;
  readonly version: string;
  readonly snapshot: { readonly element: readonly Element[] };
}

interface Element {
  readonly id: string;
  readonly constraint?: readonly { readonly expression: string }[];
  readonly patternCodeableConcept?: { readonly coding?: readonly { readonly version?: string }[] };
}

/** Rewrites what `@medplum/core` 5.2.13 gets wrong in a profile, without changing its meaning. */
export const adapt = <P extends Profile>(profile: P): P => {
  const element = boundSlicesLast(
    profile.snapshot.element
      .filter(({ id }) => isNoSliceInSlice({ id }) && !id.startsWith('Consent.policy:hrex'))
      .map(withKnownFunctions)
      .map(withInvariant)
      .map(withoutVersion),
  );
  return { ...profile, snapshot: { ...profile.snapshot, element } };
};

/**
 * `supportingInfo:clmrecvddate.timing[x]:timingDate`: it counts such a slice in every entry, even in entries of another
 * slice; `adjudication.extension:reviewAction` in all entries together; `entity.extension:matchedMember` in none.
 */
const isNoSliceInSlice = ({ id }: Pick<Element, 'id'>): boolean =>
  !/:.*\[x\]:|\.(?:adjudication\b.*|entity)\.extension:/.test(id);

/** CARIN 2.2.0 asks for codes of one version of their system by mistake; HL7 has taken it back (FHIR-56423). */
const withoutVersion = (element: Element): Element => {
  const { patternCodeableConcept } = element;
  if (!patternCodeableConcept?.coding) return element;
  const coding = patternCodeableConcept.coding.map(({ version: _version, ...rest }) => rest);
  return { ...element, patternCodeableConcept: { ...patternCodeableConcept, coding } };
};

/**
 * If only a binding tells a slice from the others, it matches every entry, so it must come after the slices with a
 * pattern.
 */
const boundSlicesLast = (elements: readonly Element[]): Element[] => {
  const sorted: Element[] = [];
  let held: Element[] = [];
  let base = '';
  for (const element of elements) {
    if (held.length > 0 && !element.id.startsWith(`${base}:`)) {
      sorted.push(...held);
      held = [];
    }
    const [before, after] = element.id.split(':adjudicationamounttype');
    if (after === undefined) {
      sorted.push(element);
    } else {
      base = before ?? '';
      held.push(element);
    }
  }
  return [...sorted, ...held];
};

const amounts = (system: string): string =>
  `coding.where(system = 'http://terminology.hl7.org/CodeSystem/adjudication' or system = '${system}').exists()`;
const transportation = words(`
  patientweight ambulancetransportreason transportationdistance roudtrippurpose stretcherpurpose pickuplocation
  dropofflocation
`);
const carin = 'http://hl7.org/fhir/us/carin-bb';
const pdex = 'http://hl7.org/fhir/us/davinci-pdex';

/** What `memberOf` asks of a concept, by value set. The misspelled one is as in PDex 2.0.0. */
const members: Readonly<Record<string, string>> = {
  [`${carin}/ValueSet/C4BBAdjudication`]: amounts(`${carin}/CodeSystem/C4BBAdjudication`),
  'http://hl7.org/fhir/us/davinc-pdex/ValueSet/PDEXAdjudication': amounts(`${pdex}/CodeSystem/PDexAdjudication`),
  [`${carin}/ValueSet/C4BBTransportationServiceCategories`]: `coding.where(${transportation.map((code) => `code = '${code}'`).join(' or ')}).exists()`,
  'http://cts.nlm.nih.gov/fhir/ValueSet/2.16.840.1.114222.4.11.1066': 'exists()',
};

/** It does not support `memberOf` or `%context`, and rejects `telecom or endpoint`. */
const withKnownFunctions = (element: Element): Element => {
  const constraint = element.constraint?.map((one) => ({
    ...one,
    expression: one.expression
      .replaceAll(/memberOf\('([^']+)'\)/g, (whole, url: string) => members[url] ?? whole)
      .replaceAll('%context.', '%resource.')
      .replace(/^\w+(?: or \w+)+$/, (names) =>
        names.replaceAll(/\w+/g, (name) => (name === 'or' ? name : `${name}.exists()`)),
      ),
  }));
  return constraint ? { ...element, constraint } : element;
};

const hrexPolicy = 'http://hl7.org/fhir/us/davinci-hrex/StructureDefinition-hrex-consent.html';

/** What it cannot read of HRex's Consent and PDex's Groups, as invariants: slices, and a pattern of a list. */
const invariants: Readonly<Record<string, string>> = {
  'Consent.policy': `%resource.policy.where(uri = '${hrexPolicy}#regular' or uri = '${hrexPolicy}#sensitive').count() = 1`,
  'Consent.provision.action':
    "coding.where(system = 'http://terminology.hl7.org/CodeSystem/consentaction' and code = 'disclose').exists()",
  'Group.member.entity': `extension.where(url = '${pdex}/StructureDefinition/base-ext-match-parameters').count() = 1`,
};

const withInvariant = (element: Element): Element => {
  const expression = invariants[element.id];
  if (expression === undefined) return element;
  const { patternCodeableConcept: _, constraint = [], ...rest } = element;
  const invariant = { key: 'adapted', severity: 'error', human: expression, expression };
  return { ...rest, constraint: [...constraint, invariant] };
};
