import { checkResource, type ResourceVerdict } from '../../../../functions/export-job/reading/check-resource.ts';
import { referredBy } from '../../../../functions/export-job/reading/references.ts';
import { unservedAttachments } from '../../../../functions/export-job/reading/rewrite-line.ts';
import { pageResource } from './bundles.ts';

const bases = ['https://payer.example/fhir', 'http://inside:8080/r4'];
const wanted = new Set(['Patient', 'Observation', 'Coverage', 'Group', 'Appointment', 'Provenance', 'Practitioner']);
const rules = { patient: 'member', bases, isWanted: (type: string) => wanted.has(type) };
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
    '#p',
    'urn:uuid:6e1b1a52-1b9f-4f3e-9d7d-1f8e0f1c5b11',
    'Group/other',
    'nonsense',
    7,
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

  it('keeps what names the member beside others, and what names a patient by an identifier only', () => {
    const references = (...ids: string[]) => ids.map((id) => ({ reference: `Patient/${id}` }));
    expect(verdict({ resourceType: 'Observation', subject: references('other', 'member') })).toBe('keep');
    expect(verdict({ resourceType: 'Observation', subject: references('other', 'another') })).toBe('otherPatient');
    expect(verdict({ resourceType: 'Observation', subject: { identifier: { value: 'other' } } })).toBe('keep');
    expect(verdict({ resourceType: 'Observation' })).toBe('keep');
  });

  it.each([
    [{ resourceType: 'Coverage', beneficiary: { reference: 'Patient/other' } }],
    [{ resourceType: 'Group', member: [{ entity: { reference: 'Patient/other' } }] }],
    [{ resourceType: 'Appointment', participant: [{ actor: { reference: 'Patient/other' } }, {}] }],
    [{ resourceType: 'Provenance', target: [{ reference: 'Patient/other' }] }],
    [{ resourceType: 'Observation', patient: { reference: 'Patient/other' } }],
  ])('knows the elements of each type that say whom it is about: %j', (resource) => {
    expect(verdict(resource)).toBe('otherPatient');
    expect(verdict(JSON.parse(JSON.stringify(resource).replace('other', 'member')) as typeof resource)).toBe('keep');
  });

  it('does not go by who wrote it, pays for it, or is subscribed', () => {
    const other = { reference: 'Patient/other' };
    expect(verdict({ resourceType: 'Coverage', beneficiary: { reference: 'Patient/member' }, subscriber: other })).toBe(
      'keep',
    );
    expect(verdict({ resourceType: 'Observation', performer: [other] })).toBe('keep');
  });

  it('keeps no patient but the member', () => {
    expect(verdict({ resourceType: 'Patient', id: 'member' })).toBe('keep');
    expect(verdict({ resourceType: 'Patient', id: 'other' })).toBe('otherPatient');
    expect(verdict({ resourceType: 'Patient' })).toBe('otherPatient');
  });

  it('keeps only wanted types, and reports what is not FHIR', () => {
    expect(verdict({ resourceType: 'Claim' })).toBe('notWanted');
    expect(verdict({ resourceType: 'Claimed' })).toBe('notFhir');
    expect(verdict({ resourceType: 'observation' })).toBe('notFhir');
    expect(verdict({ resourceType: 'OperationOutcome' })).toBe('outcome');
  });
});

describe('what a resource refers to', () => {
  const refers = (...references: string[]) =>
    referredBy(
      pageResource({ resourceType: 'Observation', a: references.map((reference) => ({ x: [{ reference }] })) }),
      rules,
    ).map(({ type, id, isReadable }) => `${type}/${id}${isReadable ? '' : ', which is not readable'}`);

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

  it.each(['a%2Fb', '$everything', '..%2FPatient%2Fother', 'a;b', 'é'])('is not read by an id like %s', (id) => {
    expect(refers(`Practitioner/${id}`)).toEqual([`Practitioner/${id}, which is not readable`]);
  });

  it.each([
    'Patient/other',
    'Patient/member',
    '#contained',
    'urn:uuid:6e1b1a52-1b9f-4f3e-9d7d-1f8e0f1c5b11',
    'https://elsewhere.example/Practitioner/1',
    'https://payer.example/fhirx/Practitioner/1',
    'https://payer.example/fhir/../Practitioner/1',
    'https://payer.example/fhir/Practitioner',
    'Practitioner?identifier=1',
    'Practitioner/..',
    'Practitioner/a b',
    'Claim/1',
    'Practitioners/1',
    'x/Practitioner/1',
  ])('is not read: %s', (reference) => {
    expect(refers(reference)).toEqual([]);
  });
});

it('counts the attachments that the gateway does not serve', () => {
  const attachment = (url: string) => ({ attachment: { url } });
  const resource = pageResource({
    resourceType: 'DocumentReference',
    content: [
      attachment('https://elsewhere.example/1'),
      attachment('https://payer.example/fhir/Binary/1'),
      attachment('http://inside:8080/r4/Binary/1?a'),
      attachment('Binary/2'),
      attachment('/Binary/2'),
      attachment('HTTP://other/2'),
      attachment('https://payer.example/fhir/DocumentReference/1/$content'),
      attachment('https://payer.example/fhir/binary/1'),
      attachment('https://payer.example/fhir/BinaryX/1'),
      attachment('https://PAYER.example/fhir/Binary/1'),
      attachment('DocumentReference/1/$content'),
      attachment('//elsewhere.example/Binary/1'),
      attachment('Binary'),
      attachment('data:text/plain,Hello'),
      attachment('#contained'),
    ],
    relatedArtifact: [{ document: { url: 'https://elsewhere.example/2' } }],
    extension: [{ url: 'https://hl7.example/definition', valueAttachment: { url: 'ftp://elsewhere.example' } }],
    presentedForm: [{ url: 'https://payer.example/fhirx/Binary/1' }],
  });
  expect(unservedAttachments(resource, { bases })).toBe(12);
});
