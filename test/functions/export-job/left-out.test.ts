import {
  exportWorld,
  fhir,
  memberPatient,
  observation,
  pageOf,
  type PayerScript,
  type Sent,
  type WorldOptions,
} from '../../support/export-world.ts';
import { byType, endOf } from './end-of.ts';

const run = async (payer: PayerScript, options: WorldOptions = {}) => {
  const world = exportWorld({ payer, ...options });
  await world.run();
  return endOf(world);
};

/** A payer that is searched by type, with one answer to the search for documents. */
const documents = (sent: Sent) =>
  run(
    ({ path }) => (path.startsWith('/DocumentReference') ? sent : pageOf([])),
    byType('DocumentReference', 'Condition'),
  );

const sentAs = (entry: string): Sent => ({
  ...pageOf([]),
  body: `{"resourceType":"Bundle","type":"searchset","entry":[${entry}]}`,
});

const data = `"content":[{"attachment":{"data":"${'QUJD'.repeat(2_750_000)}"}}]`;
const [type, id] = ['"resourceType":"DocumentReference"', '"id":"d"'];

describe('a resource that is left out makes its type incomplete', () => {
  it.each([
    ['over 10 MB with its type first', [type, id, data], 'DocumentReference/d on page 1'],
    ['over 10 MB with its type in the middle', [id, type, data], 'DocumentReference/d on page 1'],
    ['over 10 MB with its type last', [data, id, type], 'A resource on page 1 of DocumentReference'],
    ['over 10 MB with its id last', [type, data, id], 'A resource of type DocumentReference on page 1'],
  ])('%s', async (_, members, what) => {
    const made = await documents(sentAs(`{"resource":{${members.join(',')}}}`));

    expect(made).toMatchObject({ status: 'failed', complete: false });
    expect(made.outcomes).toEqual({
      Patient: 'complete 0',
      DocumentReference: 'incomplete 0',
      Condition: 'complete 0',
    });
    expect(made.errors).toEqual([`${what} is left out: it is larger than 10 MB, where clients stop reading a line.`]);
  });

  it.each([
    ['without a type', `{"resource":{${id}}}`, 'it is not a FHIR resource'],
    ['that is no object', '{"resource":"d"}', 'it is not a FHIR resource'],
    ['that is null', '{"resource":null}', 'it is not a FHIR resource'],
    ['of which there is only the status', '{"fullUrl":"x","response":{"status":"403"}}', 'its entry has no resource'],
    ['of which there is nothing', '{}', 'its entry has no resource'],
    ['whose entry is null', 'null', 'its entry has no resource'],
    ['whose entry is a text', '"d"', 'its entry has no resource'],
    [
      'of a type that FHIR does not have',
      `{"resource":{"resourceType":"documentreference",${id}}}`,
      'its type is not one of FHIR R4',
    ],
    [
      'that cannot be parsed, of a type that FHIR does not have',
      `{"resource":{"resourceType":"Document",${id},"a":tru}}`,
      'it is not valid JSON',
    ],
    [
      'beside another in the same entry',
      `{"resource":{${type},${id}},"resource":{${type},"id":"e"}}`,
      'it has the same member twice, so that its meaning is not certain',
    ],
    [
      'with two types',
      `{"resource":{"resourceType":"Condition",${id},${type}}}`,
      'it has the same member twice, so that its meaning is not certain',
    ],
  ])('%s', async (_, entry, why) => {
    const made = await documents(sentAs(entry));

    expect(made).toMatchObject({ status: 'failed', complete: false });
    expect(made.outcomes).toEqual({
      Patient: 'complete 0',
      DocumentReference: 'incomplete 0',
      Condition: 'complete 0',
    });
    expect(made.errors).toEqual([`A resource on page 1 of DocumentReference is left out: ${why}.`]);
  });

  it('and every type, if $everything returned it and its type is not known', async () => {
    const made = await run(() => pageOf([memberPatient, { id: 'd' }]));

    expect(made).toMatchObject({ status: 'partial', complete: false });
    expect(made.outcomes).toMatchObject({ Patient: 'incomplete 1', Observation: 'incomplete 0' });
    expect(made.errors).toEqual(['A resource on page 1 of $everything is left out: it is not a FHIR resource.']);
  });
});

describe('a resource that the record refers to', () => {
  it.each([
    [
      'an OperationOutcome',
      fhir({ resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'not-found' }] }),
      0,
    ],
    ['another resource', fhir({ resourceType: 'Practitioner', id: 'other' }), 1],
    ['one of another type', fhir({ resourceType: 'Location', id: 'one' }), 0],
    ['one without an id', fhir({ resourceType: 'Practitioner' }), 1],
    ['a Bundle with it', pageOf([{ resourceType: 'Practitioner', id: 'one' }]), 0],
  ])('is missing if the payer sends %s', async (_, sent, count) => {
    const made = await run(({ path }) =>
      path.startsWith('/Practitioner/')
        ? sent
        : pageOf([memberPatient, observation(1, { performer: [{ reference: 'Practitioner/one' }] })]),
    );

    expect(made).toMatchObject({
      status: 'partial',
      complete: false,
      outcomes: { Practitioner: `incomplete ${count}` },
    });
    expect(made.errors).toContain(
      'Practitioner/one, which the record refers to, could not be read: the payer answered with another resource.',
    );
  });

  it('is missing if its id cannot be asked for, and named once', async () => {
    const refers = { performer: [{ reference: 'Practitioner/a%2Fb' }, { reference: 'Practitioner/a%2Fb' }] };
    const made = await run(() => pageOf([memberPatient, observation(1, refers), observation(2, refers)]));

    expect(made).toMatchObject({ status: 'partial', complete: false, outcomes: { Practitioner: 'incomplete 0' } });
    expect(made.errors).toEqual([
      'A resource of type Practitioner, which the record refers to, was not read: its id has characters that cannot be asked for.',
    ]);
  });

  it('is not also said to be unread if it came and is left out', async () => {
    const made = await run(({ path }) =>
      path.startsWith('/RelatedPerson/')
        ? fhir({ resourceType: 'RelatedPerson', id: 'one', patient: { reference: 'Patient/somebody' } })
        : pageOf([memberPatient, observation(1, { performer: [{ reference: 'RelatedPerson/one' }] })]),
    );

    expect(made.errors).toEqual(['A resource of type RelatedPerson is left out: it is about another patient.']);
  });
});
