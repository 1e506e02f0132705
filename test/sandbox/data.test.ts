import { readFileSync } from 'node:fs';
import { generateRecords } from '../../sandbox/payer/data/generate.ts';
import { fhirBase } from '../../sandbox/payer/data/record.ts';

interface Resource extends Record<string, unknown> {
  readonly resourceType: string;
  readonly id: string;
}

/** Every string in a value, at any depth. */
const strings = (value: unknown): string[] => {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(strings) : [];
};

const [member1, member2] = generateRecords();
if (!member1 || !member2) throw new Error('two members expected');
const resources = member1.resources.map((text) => JSON.parse(text) as Resource);
const byReference = new Map(resources.map((resource) => [`${resource.resourceType}/${resource.id}`, resource]));

describe('Test Member 1', () => {
  it('is the member on the reference page', () => {
    expect(member1.member).toEqual({
      firstName: 'Mayte822',
      lastName: 'Venegas795',
      birthDate: '2011-01-04',
      memberId: '01-testmemid',
      postalCode: '02116',
    });
    expect(byReference.get(`Patient/${member1.patientId}`)).toMatchObject({
      birthDate: '2011-01-04',
      name: [{ family: 'Venegas795', given: ['Mayte822'] }],
      identifier: [{ value: '01-testmemid' }],
    });
  });

  it.each(['demo-health-plan', 'northwind'])(
    'has as many resources of each type as the Postman environment of %s says',
    (payer) => {
      const file = new URL(`../../docs/postman/${payer}.postman_environment.json`, import.meta.url);
      const { values } = JSON.parse(readFileSync(file, 'utf8')) as { values: { key: string; value: string }[] };
      const counts = JSON.parse(values.find(({ key }) => key === 'counts')?.value ?? '') as Record<string, number>;
      const counted = Object.keys(counts).map((type) => [
        type,
        resources.filter((one) => one.resourceType === type).length,
      ]);
      expect(Object.fromEntries(counted)).toEqual(counts);
    },
  );

  it('has about 350 clinical resources of at least twelve types, and no claims', () => {
    const types = new Set(resources.map(({ resourceType }) => resourceType));
    expect(resources.length).toBeGreaterThan(320);
    expect(resources.length).toBeLessThan(380);
    expect(types.size).toBeGreaterThanOrEqual(12);
    expect(types).not.toContain('Coverage');
    expect(types).not.toContain('ExplanationOfBenefit');
  });

  it('is more than five years old, in every resource', () => {
    const dates = resources.flatMap(strings).filter((text) => /^\d{4}-\d\d-\d\d/.test(text));
    expect(dates.length).toBeGreaterThan(1000);
    expect(dates.filter((date) => date >= '2021')).toEqual([]);
    expect(dates.filter((date) => date < '2011-01-04')).toEqual([]);
  });

  it('keeps trailing zeros of decimals', () => {
    const decimals = member1.resources.join('\n').match(/:-?\d+\.\d+/g) ?? [];
    expect(decimals).toContain(':1.00');
    expect(decimals).toContain(':0.50');
    expect(decimals.filter((decimal) => decimal.endsWith('0')).length).toBeGreaterThan(50);
  });

  it('refers only to resources that exist, relatively and absolutely', () => {
    const references = resources.flatMap(strings).filter((text) => /(^|\/)[A-Z][A-Za-z]+\/[0-9a-f-]{36}$/.test(text));
    const absolute = references.filter((reference) => reference.startsWith(`${fhirBase}/`));
    const local = references.map((reference) => reference.replace(`${fhirBase}/`, ''));
    expect(local.filter((reference) => !byReference.has(reference))).toEqual([]);
    expect(absolute.length).toBeGreaterThan(20);
    expect(absolute.length).toBeLessThan(references.length);
  });

  it('has notes whose absolute URLs point to Binaries', () => {
    const urls = resources
      .filter(({ resourceType }) => resourceType === 'DocumentReference')
      .map(({ content }) => (content as [{ attachment: { url: string; size: number } }])[0].attachment);
    expect(urls.length).toBeGreaterThan(0);
    for (const { url, size } of urls) {
      expect(url).toMatch(/^\{\{fhirBase\}\}\/Binary\//);
      const binary = byReference.get(url.replace(`${fhirBase}/`, ''));
      expect(Buffer.from(String(binary?.['data']), 'base64')).toHaveLength(size);
    }
  });

  it('has unique ids', () => {
    expect(byReference.size).toBe(resources.length);
  });
});

describe('the generator', () => {
  it('writes the same texts for the same seed, and different ones for another', () => {
    expect(generateRecords(7)[0]).toEqual(generateRecords(7)[0]);
    expect(generateRecords(7)[0]?.resources[0]).not.toEqual(generateRecords(8)[0]?.resources[0]);
  });
});

describe('the member with the large record', () => {
  it('is a different member, whose readings are made on request', () => {
    expect(member2.member).toMatchObject({ firstName: 'Large123', lastName: 'Record456', birthDate: '1970-02-03' });
    const { onTheFly } = member2;
    const { id } = JSON.parse(onTheFly?.text(41) ?? '') as Resource;
    expect(onTheFly?.indexOf(id)).toBe(41);
    expect(onTheFly?.indexOf('glucose-999999')).toBeUndefined();
    expect(onTheFly?.indexOf('glucose-1')).toBeUndefined();
    expect(onTheFly?.indexOf(member2.patientId)).toBeUndefined();
  });
});
