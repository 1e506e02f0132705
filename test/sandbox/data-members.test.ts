import { changeRecord } from '../../sandbox/payer/data/changes.ts';
import { generateRecords } from '../../sandbox/payer/data/generate.ts';
import { memberKeys, testMembers } from '../../sandbox/payer/data/member-list.ts';
import type { MemberKey, PayerId } from '../../sandbox/payer/data/member-list.ts';
import { fhirBase } from '../../sandbox/payer/data/record.ts';
import type { MemberRecord } from '../../sandbox/payer/data/record.ts';
import { loadViews } from '../../sandbox/payer/fhir/records.ts';

interface Resource extends Record<string, unknown> {
  readonly resourceType: string;
  readonly id: string;
  readonly meta: {
    readonly versionId: string;
    readonly lastUpdated: string;
    readonly security?: readonly { readonly code: string }[];
  };
}

/** Every string anywhere in a value. */
const strings = (value: unknown): string[] => {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(strings) : [];
};

const byPayer = { 'demo-health-plan': generateRecords(), northwind: generateRecords(1, 'northwind') } as const;

const recordFor = (key: MemberKey, payer: PayerId = 'demo-health-plan'): MemberRecord => {
  const record = byPayer[payer].find(({ member }) => member.memberId === testMembers[key].memberId);
  if (!record) throw new Error(`${payer} has no record of ${key}`);
  return record;
};
const parse = ({ resources }: MemberRecord): Resource[] => resources.map((text) => JSON.parse(text) as Resource);
const resourcesOf = (key: MemberKey, payer?: PayerId): Resource[] => parse(recordFor(key, payer));
const ofType = (resources: readonly Resource[], type: string) =>
  resources.filter(({ resourceType }) => resourceType === type);
const countOf = (resources: readonly Resource[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { resourceType } of resources) counts[resourceType] = (counts[resourceType] ?? 0) + 1;
  return counts;
};

describe.each(memberKeys)('the member %s', (key) => {
  it('is listed as the record says, and refers only to what is there', () => {
    const resources = resourcesOf(key);
    const there = new Set(resources.map(({ resourceType, id }) => `${resourceType}/${id}`));
    const references = resources
      .flatMap(strings)
      .map((text) => text.replace(`${fhirBase}/`, ''))
      .filter((text) => /^[A-Z][A-Za-z]+\/[0-9a-f-]{36}$/.test(text));
    const { firstName, lastName, birthDate } = testMembers[key];

    expect(there.size).toBe(resources.length);
    expect(references.filter((reference) => !there.has(reference))).toEqual([]);
    expect(ofType(resources, 'Patient')).toEqual([
      expect.objectContaining({
        birthDate,
        name: [expect.objectContaining({ family: lastName, given: [firstName] })],
      }),
    ]);
  });
});

describe('the members with data into 2026', () => {
  it('have none from after September 2026, and were stored at different times', () => {
    const current = memberKeys.filter((key) => key !== 'clinical' && key !== 'large');
    const dates = current
      .flatMap((key) => resourcesOf(key).flatMap(strings))
      .filter((text) => /^\d{4}-\d\d-\d\d/.test(text));
    const stored = (key: MemberKey) => new Set(resourcesOf(key).map(({ meta }) => meta.lastUpdated.slice(0, 10)));

    expect(dates.filter((date) => date >= '2026-01').length).toBeGreaterThan(50);
    expect(dates.filter((date) => date >= '2026-10')).toEqual([]);
    expect(stored('claims').size).toBeGreaterThan(20);
    expect(stored('history').size).toBeGreaterThan(20);
  });
});

describe('the member with claims', () => {
  it('has claims of all four kinds, whose amounts add up, and clinical data, and the payer serves all of it', () => {
    const resources = resourcesOf('claims');
    const claims = ofType(resources, 'ExplanationOfBenefit') as (Resource & {
      type: { coding: [{ code: string }] };
      item: { adjudication: { category: { coding: [{ code: string }] }; amount?: { value: number } }[] }[];
      total: { category: { coding: [{ code: string }] }; amount: { value: number } }[];
    })[];
    const kinds = claims.map(({ type }) => type.coding[0].code);
    const wrong = claims.filter(({ item, total }) =>
      total.some(({ category, amount }) => {
        const lines = item.flatMap(({ adjudication }) =>
          adjudication.filter((one) => one.category.coding[0].code === category.coding[0].code),
        );
        const sum = lines.reduce((cents, one) => cents + Math.round((one.amount?.value ?? 0) * 100), 0);
        return sum !== Math.round(amount.value * 100);
      }),
    );

    expect(new Set(kinds)).toEqual(new Set(['professional', 'institutional', 'pharmacy', 'oral']));
    expect(wrong).toEqual([]);
    expect(countOf(resources)).toMatchObject({ Coverage: 2, ExplanationOfBenefit: 61, PractitionerRole: 2 });
    expect(Object.keys(countOf(resources))).toEqual(
      expect.arrayContaining(['Condition', 'Encounter', 'MedicationRequest', 'Observation', 'DiagnosticReport']),
    );
    const record = recordFor('claims');
    expect(loadViews([record], 'https://payer.test/r4').get(record.patientId)?.resources.size).toBe(resources.length);
  });
});

describe('the child', () => {
  it('is covered by the plan of the member with claims', () => {
    const resources = resourcesOf('child');
    const [coverage] = ofType(resources, 'Coverage') as (Resource & { subscriber: { reference: string } })[];
    const parent = resources.find(({ resourceType, id }) => `${resourceType}/${id}` === coverage?.subscriber.reference);

    expect(coverage).toMatchObject({
      subscriberId: testMembers.claims.memberId,
      relationship: { coding: [{ code: 'child' }] },
    });
    expect(parent).toMatchObject({ resourceType: 'RelatedPerson', name: [{ given: [testMembers.claims.firstName] }] });
  });
});

describe('the member with a long history', () => {
  it('has thirty years of visits, and medicines that are still taken', () => {
    const resources = resourcesOf('history');
    const years = ofType(resources, 'Encounter').map(({ period }) => (period as { start: string }).start.slice(0, 4));
    const active = ofType(resources, 'MedicationRequest').filter(({ status }) => status === 'active');

    expect(new Set(years).size).toBe(31);
    expect(active).toHaveLength(5);
  });
});

describe('the member of two plans', () => {
  it('has records that overlap under different ids, and differ', () => {
    const here = resourcesOf('two-plans');
    const there = resourcesOf('two-plans', 'northwind');
    const ids = new Set(here.map(({ id }) => id));
    const codesOf = (resources: readonly Resource[], type: string) =>
      ofType(resources, type).flatMap(({ code }) => strings(code));
    const years = (resources: readonly Resource[]) =>
      ofType(resources, 'Encounter').map(({ period }) => (period as { start: string }).start.slice(0, 4));

    expect(there.filter(({ id }) => ids.has(id))).toEqual([]);
    expect(codesOf(here, 'Condition')).toEqual(codesOf(there, 'Condition'));
    expect(codesOf(here, 'AllergyIntolerance')).toEqual(codesOf(there, 'AllergyIntolerance'));
    expect(years(here)).toEqual(['2020', '2021', '2022', '2023']);
    expect(years(there)).toEqual(['2023', '2024', '2025', '2026']);
  });

  it('is the only one whose record depends on the payer', () => {
    const others = memberKeys.filter((key) => key !== 'two-plans');
    for (const key of others) expect(recordFor(key, 'northwind').resources).toEqual(recordFor(key).resources);
  });
});

describe('the member with sensitive data', () => {
  it('has a label for each topic on its conditions, orders, notes and visits', () => {
    const labeled = resourcesOf('sensitive').filter(({ meta }) => meta.security);
    const labels = new Set(labeled.flatMap(({ meta }) => meta.security?.map(({ code }) => code) ?? []));

    expect(labels).toEqual(new Set(['R', 'MH', 'SUD', 'HIV']));
    expect(countOf(labeled)).toMatchObject({
      Condition: 3,
      MedicationRequest: 2,
      DocumentReference: 3,
      Binary: 3,
      Encounter: 3,
    });
  });
});

describe('the bare member', () => {
  it('has nothing but a Patient', () => {
    expect(countOf(resourcesOf('bare'))).toEqual({ Patient: 1 });
  });
});

describe('the member with all types', () => {
  it('has each type of a patient’s data that PDex 2.0.0 names, and the payer serves it', () => {
    const types = `AllergyIntolerance CarePlan CareTeam Condition Coverage Device DiagnosticReport DocumentReference
      Encounter ExplanationOfBenefit Goal Immunization Location Medication MedicationDispense MedicationRequest
      Observation Organization Patient Practitioner PractitionerRole Procedure Provenance QuestionnaireResponse
      RelatedPerson ServiceRequest Specimen`;
    const record = recordFor('all-types');
    const visible = loadViews([record], 'https://payer.test/r4').get(record.patientId)?.resources.values() ?? [];
    const served = Array.from(visible, ({ body }) => body.resourceType);
    expect(served).toEqual(expect.arrayContaining(types.split(/\s+/)));
    expect(ofType(resourcesOf('all-types'), 'ExplanationOfBenefit').map(({ use }) => use)).toEqual([
      'claim',
      'preauthorization',
    ]);
  });
});

describe('a change of a record', () => {
  const now = Date.UTC(2026, 9, 2, 12);

  it('gives a few resources a new version and the time of the change, and nothing else', () => {
    const before = resourcesOf('claims');
    const { record, changed } = changeRecord(recordFor('claims'), now);
    const after = parse(record);
    const different = after.filter((resource, index) => JSON.stringify(resource) !== JSON.stringify(before[index]));

    expect(different.map(({ resourceType, id }) => `${resourceType}/${id}`)).toEqual(changed);
    expect(countOf(different)).toEqual({ Patient: 1, Observation: 2 });
    for (const { meta } of different) {
      expect(meta).toMatchObject({ versionId: '2', lastUpdated: '2026-10-02T12:00:00.000Z' });
    }
    expect(ofType(different, 'Observation').map(({ status }) => status)).toEqual(['amended', 'amended']);
  });

  it('keeps the zeros of decimals, and goes on with the next version', () => {
    const once = changeRecord(recordFor('clinical'), now).record;
    const twice = changeRecord(once, now + 1000).record;
    const decimals = (record: MemberRecord) => record.resources.join('\n').match(/":-?\d+\.\d+/g);

    expect(decimals(twice)).toEqual(decimals(recordFor('clinical')));
    expect(ofType(parse(twice), 'Patient')[0]?.meta.versionId).toBe('3');
  });

  it('changes the Patient where there is nothing else', () => {
    expect(changeRecord(recordFor('bare'), now).changed).toEqual([`Patient/${recordFor('bare').patientId}`]);
  });
});
