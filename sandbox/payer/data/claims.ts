import { c4bb, ref } from './builder.ts';
import type { Fields, RecordBuilder } from './builder.ts';
import type { Care } from './care.ts';
import { concept, decimal, systems } from './codes.ts';
import type { Concept } from './codes.ts';
import { addTo } from './time.ts';
import type { Visit } from './visits.ts';

/** A code and its name. */
export type Named = readonly [code: string, name: string];

/** One line of a claim. All other amounts are computed from what the provider charged. */
interface ClaimLine {
  readonly what: Concept;
  /** What the provider charged, in US dollars. */
  readonly submitted: number;
  /** What the member pays, in US dollars. */
  readonly copay: number;
}

/** The fields that all kinds of claims have. */
interface ClaimBasis {
  readonly coverage: string;
  /** `YYYY-MM-DD`, the first day and, if it is another, the last. */
  readonly start: string;
  readonly end?: string;
  readonly lines: readonly ClaimLine[];
}

export type Claim = ClaimBasis &
  (
    | { readonly kind: 'pharmacy'; readonly daysSupply: number; readonly refill: number }
    | {
        readonly kind: 'professional' | 'inpatient' | 'outpatient' | 'oral';
        readonly provider: string;
        readonly by: string;
        /** ICD-10-CM. */
        readonly diagnoses: readonly [Named, ...Named[]];
        /** ICD-10-PCS, of an inpatient stay. */
        readonly procedure?: Named;
      }
  );

const carin = 'http://hl7.org/fhir/us/carin-bb/CodeSystem';
const status = `${carin}/C4BBPayerAdjudicationStatus`;

/** The member of the plan, or someone in their household. */
export const addCoverage = (
  record: RecordBuilder,
  plan: string,
  name: string,
  subscriber: { readonly id: string; readonly reference: string; readonly relationship: 'self' | 'child' },
  start: string,
): string => {
  const relationships = 'http://terminology.hl7.org/CodeSystem/subscriber-relationship';
  const classes = 'http://terminology.hl7.org/CodeSystem/coverage-class';
  const self = subscriber.relationship === 'self';
  return record.add('Coverage', c4bb('Coverage'), {
    identifier: [
      {
        type: concept(systems.identifierType, 'MB', 'Member Number'),
        system: 'https://health-plan.example/member-id',
        value: `${subscriber.id}${self ? '' : '-02'}`,
        assigner: ref(plan),
      },
    ],
    status: 'active',
    policyHolder: ref(subscriber.reference),
    subscriber: ref(subscriber.reference),
    subscriberId: subscriber.id,
    beneficiary: ref(record.patient),
    dependent: self ? '01' : '02',
    relationship: self ? concept(relationships, 'self', 'Self') : concept(relationships, 'child', 'Child'),
    period: { start },
    payor: [ref(plan)],
    class: [
      { type: concept(classes, 'group', 'Group'), value: 'SANDBOX-1', name: 'Sandbox employer' },
      { type: concept(classes, 'plan', 'Plan'), value: name.toUpperCase().replaceAll(' ', '-'), name },
    ],
  });
};

/**
 * The American Medical Association (CPT), the American Dental Association (CDT), the NUBC and the NCPDP license their
 * codes. HL7’s own examples write `Dummy` for them, and so does this sandbox. The text says what it stands for.
 */
export const licensed = {
  cpt: (text: string): Concept => concept('http://www.ama-assn.org/go/cpt', 'Dummy', undefined, text),
  cdt: (text: string): Concept => concept('http://www.ada.org/cdt', 'Dummy', undefined, text),
  nubc: (list: string, text: string): Concept =>
    concept(`https://www.nubc.org/CodeSystem/${list}`, 'Dummy', undefined, text),
  ncpdp: (list: string, text: string): Concept =>
    concept(`http://terminology.hl7.org/CodeSystem/${list}`, 'Dummy', undefined, text),
} as const;

export const hcpcs = (code: string, name: string): Concept => concept(systems.hcpcs, code, name, name);
const ndc = (code: string, name: string): Concept => concept(systems.ndc, code, name, name);

/** The package that HL7’s CARIN examples dispense. */
export const prozac = ndc('0777-3105-02', 'Prozac, 100 CAPSULE in 1 BOTTLE (0777-3105-02) (package)');

const profiles = {
  professional: 'ExplanationOfBenefit-Professional-NonClinician',
  inpatient: 'ExplanationOfBenefit-Inpatient-Institutional',
  outpatient: 'ExplanationOfBenefit-Outpatient-Institutional',
  pharmacy: 'ExplanationOfBenefit-Pharmacy',
  oral: 'ExplanationOfBenefit-Oral',
} as const;

const claimTypes = {
  professional: ['professional', 'Professional'],
  inpatient: ['institutional', 'Institutional'],
  outpatient: ['institutional', 'Institutional'],
  pharmacy: ['pharmacy', 'Pharmacy'],
  oral: ['oral', 'Oral'],
} as const;

/** Adds the claim for a visit to the member's doctor at the clinic. */
export const addOfficeClaim = (
  record: RecordBuilder,
  care: Care,
  visit: Visit,
  claim: Pick<ClaimBasis, 'coverage' | 'lines'> & { readonly diagnoses: readonly [Named, ...Named[]] },
): string =>
  addClaim(record, care, {
    kind: 'professional',
    provider: care.clinic,
    by: care.doctor,
    start: visit.date,
    ...claim,
  });

/** Adds an adjudicated claim. */
export const addClaim = (record: RecordBuilder, care: Care, claim: Claim): string => {
  const { kind, start, end = start, lines, coverage } = claim;
  const institutional = kind === 'inpatient' || kind === 'outpatient';
  const [type, typeName] = claimTypes[kind];
  const paidOn = addTo(end, 0, 12);
  return record.add('ExplanationOfBenefit', c4bb(profiles[kind]), {
    identifier: [
      {
        type: concept(`${carin}/C4BBIdentifierType`, 'uc', 'Unique Claim ID'),
        system: 'https://health-plan.example/claim',
        value: `${kind.toUpperCase()}-${start.replaceAll('-', '')}`,
      },
    ],
    status: 'active',
    type: concept('http://terminology.hl7.org/CodeSystem/claim-type', type, typeName),
    ...(institutional && { subType: subType(kind) }),
    use: 'claim',
    patient: ref(record.patient),
    billablePeriod: { start, end },
    created: paidOn,
    insurer: ref(care.plan),
    provider: ref(claim.kind === 'pharmacy' ? care.pharmacy : claim.provider),
    outcome: 'complete',
    ...(claim.kind !== 'pharmacy' && { careTeam: [careTeamMember(claim.by, institutional)] }),
    supportingInfo: supportingInfo(claim).map((info, index) => Object.assign({ sequence: index + 1 }, info)),
    ...(claim.kind !== 'pharmacy' && { diagnosis: diagnoses(claim) }),
    ...(claim.kind === 'inpatient' && claim.procedure && { procedure: [procedure(claim.procedure, start)] }),
    insurance: [{ focal: true, coverage: ref(coverage) }],
    item: lines.map((line, index) => ({ sequence: index + 1, ...item(claim, line) })),
    adjudication: headerAdjudication(kind),
    total: totals(lines),
    payment: {
      type: concept(status, 'paid', 'Paid'),
      date: paidOn,
      amount: dollars(lines.reduce((sum, line) => sum + paid(line), 0)),
    },
  });
};

const dollars = (value: number): Fields => ({ value: decimal(value, 2), currency: 'USD' });

/** The plan's negotiated price is seven tenths of the charge. */
const eligible = ({ submitted }: ClaimLine): number => Math.round(submitted * 70) / 100;
const paid = (line: ClaimLine): number => eligible(line) - line.copay;

const amounts: readonly (readonly [system: string, code: string, display: string, of: (line: ClaimLine) => number])[] =
  [
    [systems.adjudication, 'submitted', 'Submitted Amount', ({ submitted }) => submitted],
    [systems.adjudication, 'eligible', 'Eligible Amount', eligible],
    [systems.adjudication, 'copay', 'CoPay', ({ copay }) => copay],
    [`${carin}/C4BBAdjudication`, 'paidtoprovider', 'Paid to provider', paid],
  ];

const totals = (lines: readonly ClaimLine[]): Fields[] =>
  amounts.map(([system, code, display, of]) => ({
    category: concept(system, code, display),
    amount: dollars(lines.reduce((sum, line) => sum + of(line), 0)),
  }));

const discriminated = (code: string, display: string): Fields => ({
  category: concept(`${carin}/C4BBAdjudicationDiscriminator`, code, display),
  reason: concept(status, 'innetwork', 'In Network'),
});
const billing = discriminated('billingnetworkstatus', 'Billing Network Status');
const rendering = discriminated('renderingnetworkstatus', 'Rendering Network Status');
const payment = discriminated('benefitpaymentstatus', 'Benefit Payment Status');

const headerAdjudication = (kind: Claim['kind']): Fields[] => {
  if (kind === 'professional') return [billing, rendering];
  return kind === 'oral' ? [billing, rendering, payment] : [billing, payment];
};

const item = (claim: Claim, line: ClaimLine): Fields => {
  const { kind, start } = claim;
  const byLine = kind === 'professional' || kind === 'oral';
  return {
    ...(kind !== 'pharmacy' && { diagnosisSequence: [1] }),
    ...((kind === 'inpatient' || kind === 'outpatient') && {
      revenue: licensed.nubc('RevenueCodes', line.what.text ?? ''),
    }),
    productOrService: line.what,
    servicedDate: start,
    ...(byLine && { locationCodeableConcept: concept(systems.placeOfService, '11', 'Office') }),
    quantity: { value: 1 },
    adjudication: [
      ...amounts.map(([system, code, display, of]) => ({
        category: concept(system, code, display),
        amount: dollars(of(line)),
      })),
      ...(byLine ? [payment] : []),
    ],
  };
};

const subType = (kind: string): Concept => {
  return concept(`${carin}/C4BBInstitutionalClaimSubType`, kind, kind === 'inpatient' ? 'Inpatient' : 'Outpatient');
};

const careTeamMember = (practitioner: string, institutional: boolean): Fields => {
  const roles = `${carin}/C4BBClaimCareTeamRole`;
  const role = institutional
    ? concept(roles, 'attending', 'Attending')
    : concept(roles, 'rendering', 'Rendering provider');
  return { sequence: 1, provider: ref(practitioner), role };
};

const diagnoses = ({ diagnoses: named, kind }: Exclude<Claim, { kind: 'pharmacy' }>): Fields[] => {
  const hl7Types = 'http://terminology.hl7.org/CodeSystem/ex-diagnosistype';
  const carinTypes = `${carin}/C4BBClaimDiagnosisType`;
  const further = kind === 'professional' || kind === 'oral' ? ['secondary', 'Secondary'] : ['other', 'Other'];
  return named.map(([code, display], index) => ({
    sequence: index + 1,
    diagnosisCodeableConcept: concept(systems.icd10, code, display, display),
    type: [
      index === 0
        ? concept(hl7Types, 'principal', 'Principal Diagnosis')
        : concept(carinTypes, further[0] ?? '', further[1]),
    ],
  }));
};

const procedure = ([code, display]: Named, date: string): Fields => ({
  sequence: 1,
  type: [concept(`${carin}/C4BBClaimProcedureType`, 'principal', 'Principal')],
  date,
  procedureCodeableConcept: concept(systems.icd10pcs, code, display, display),
});

const supportingInfo = (claim: Claim): Fields[] => {
  const info = (code: string, display: string, fields: Fields): Fields => ({
    category: concept(`${carin}/C4BBSupportingInfoType`, code, display),
    ...fields,
  });
  const { start, end = start } = claim;
  const received = info('clmrecvddate', 'Claim Received Date', { timingDate: addTo(end, 0, 5) });
  if (claim.kind === 'pharmacy') {
    const daw = licensed.ncpdp('NCPDPDispensedAsWrittenOrProductSelectionCode', 'No product selection indicated');
    return [
      received,
      info('dayssupply', 'Days Supply', { valueQuantity: { value: claim.daysSupply } }),
      info('dawcode', 'DAW (Dispense As Written) Code', { code: daw }),
      info('refillnum', 'Refill Number', { valueQuantity: { value: claim.refill } }),
      info('refillsauthorized', 'Refills Authorized', { valueQuantity: { value: 11 } }),
    ];
  }
  if (claim.kind === 'inpatient') {
    return [received, info('admissionperiod', 'Admission Period', { timingPeriod: { start, end } })];
  }
  if (claim.kind === 'outpatient') {
    const bill = licensed.nubc('TypeOfBill', 'Hospital outpatient, admit through discharge');
    return [received, info('typeofbill', 'Type of Bill', { code: bill })];
  }
  return [received, info('servicefacility', 'Service Facility', { valueReference: ref(claim.provider) })];
};
