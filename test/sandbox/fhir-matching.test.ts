import { fhirBase } from '../../sandbox/payer/data/record.ts';
import { dateMatcher } from '../../sandbox/payer/fhir/dates.ts';
import { searchParametersOf } from '../../sandbox/payer/fhir/definitions.ts';
import { splitValues } from '../../sandbox/payer/fhir/filter.ts';
import { included } from '../../sandbox/payer/fhir/include.ts';
import { matcher } from '../../sandbox/payer/fhir/match.ts';
import { readQuery } from '../../sandbox/payer/fhir/query.ts';
import { loadViews, onlyTypes } from '../../sandbox/payer/fhir/records.ts';
import { storeResource } from '../../sandbox/payer/fhir/resource.ts';
import { page } from '../../sandbox/payer/fhir/search.ts';
import { sorted } from '../../sandbox/payer/fhir/sort.ts';
import { words } from '../support/words.ts';

const base = 'http://127.0.0.1:1/r4';

/** A day compared with a period, as https://hl7.org/fhir/R4/search.html#prefix defines it. */
describe('a date in a search', () => {
  const day = '2015-03-10';
  const march = { start: '2015-03-01', end: '2015-03-31' };
  it.each<[found: unknown, by: string, notBy: string]>([
    [
      day,
      '2015-03-10 2015-03 ge2015-03-10 le2015-03-10',
      'ne2015-03-10 gt2015-03-10 lt2015-03-10 sa2015-03-10 eb2015-03-10',
    ],
    // A period that extends beyond the day on both sides is both after and before it.
    [march, '2015-03 ne2015-03-10 gt2015-03-10 lt2015-03-10 ap2015-03-10', '2015-03-10 sa2015-03-10 eb2015-03-10'],
    // Within the day it is neither after nor before it.
    ['2015-03-10T12:00:00Z', '2015-03-10 ge2015-03-10', 'sa2015-03-10 eb2015-03-10 gt2015-03-10 lt2015-03-10'],
    ['2015-03-09', 'lt2015-03-10 eb2015-03-10', 'ge2015-03-10'],
    ['2015-03-11', 'gt2015-03-10 sa2015-03-10', 'le2015-03-10 ap2015-03-10'],
    ['2015-12-31T23:59:59Z', '2015', ''],
    ['2016-01-01', '', '2015'],
    ['2015-12-31', '2015-12', ''],
    ['2015-03-10T23:59:30Z', '2015-03-10', ''],
    ['2015-03-11T00:00:00Z', '', '2015-03-10'],
    ['2015-03-10T10:00:59Z', '2015-03-10T10:00', ''],
    ['2015-03-10T10:01:00Z', '', '2015-03-10T10:00'],
    ['2015-03-10T05:00:00-05:00', '2015-03-10T10:00:00Z', ''],
    ['2015-03-10T15:30:00+05:30', '2015-03-10T10:00:00Z', ''],
    // Without an end it continues forever, and without a start it has always been.
    [{ start: '2015-03-01' }, 'ge2030', ''],
    [{ start: '2014-03-01' }, '', 'eb2015'],
    [{ end: '2015-03-01' }, 'lt1990', ''],
    [undefined, '', '2015-03-10'],
    [{}, '', '2015-03-10'],
    [{ event: ['2015-03-20', '2015-03-02'] }, '2015-03', ''],
    [{ event: ['2015-03-20', '2015-04-02'] }, '', '2015-03'],
  ])('%j is found by "%s" and not by "%s"', (found, by, notBy) => {
    const wanted = `${by} ${notBy}`.trim().split(/ +/);
    expect(wanted.filter((asked) => dateMatcher(asked)(found)).join(' ')).toBe(by);
  });

  it.each(['', 'ge', 'xx2015', '2015-3', '10/03/2015', '2015-03-10T10'])('"%s" is refused', (asked) => {
    expect(() => dateMatcher(asked)).toThrow('is not a date');
  });
});

const of = (type: string, code: string) => {
  const parameter = searchParametersOf(type).get(code);
  if (parameter === undefined) throw new Error(`no parameter ${code}`);
  return parameter;
};
const matches = (type: string, name: string, asked: string, value: unknown): boolean => {
  const [code = '', modifier] = name.split(':');
  return matcher(of(type, code), modifier, asked, base)(value);
};

describe('a value in a search', () => {
  const ofSystem = { coding: [{ system: 'http://loinc.org', code: '8302-2' }] };
  const noSystem = { coding: [{ code: '8302-2' }] };
  it.each<[asked: string, value: unknown, found: boolean]>([
    ['8302-2', ofSystem, true],
    ['8302', ofSystem, false],
    ['http://loinc.org|8302-2', ofSystem, true],
    ['http://loinc.org|', ofSystem, true],
    ['http://snomed.info/sct|', ofSystem, false],
    ['http://loinc.org|8302-2', noSystem, false],
    ['|8302-2', noSystem, true],
    ['|8302-2', ofSystem, false],
  ])('token %s in %j: %j', (asked, value, found) => {
    expect(matches('Observation', 'code', asked, value)).toBe(found);
  });

  const pounds = (value: number) => ({ value, system: 'http://unitsofmeasure.org', code: 'kg', unit: 'kilogram' });
  it.each<[asked: string, found: number[], notFound: number[]]>([
    ['5.4', [5.35, 5.44], [5.45, 5.34]],
    ['5', [5.49], [5.5]],
    ['5.40', [5.404], [5.41]],
    ['ne5.4', [5.5], [5.4]],
    ['gt5.4', [5.5], [5.4]],
    ['ge5.4', [5.4], [5.3]],
    ['lt5.4', [5.3], [5.4]],
    ['le5.4', [5.4], [5.5]],
    ['sa5.4', [5.5], []],
    ['eb5.4', [5.3], []],
    ['ap100', [109], [111]],
    ['ap-100', [-95], []],
    ['5.4||kg', [5.4], []],
    ['5.4||kilogram', [5.4], []],
    ['5.4||lb', [], [5.4]],
    ['5.4|http://unitsofmeasure.org|kg', [5.4], []],
    ['5.4|http://example.org|kg', [], [5.4]],
  ])('quantity %s finds %j and not %j', (asked, found, notFound) => {
    const finds = (value: number) => matches('Observation', 'value-quantity', asked, pounds(value));
    expect([...found, ...notFound].filter(finds)).toEqual(found);
  });

  it.each<[name: string, asked: string, reference: string, found: boolean]>([
    ['subject', 'Patient/1', 'Patient/1', true],
    ['subject', '1', 'Patient/1', true],
    ['subject', '1', 'Patient/11', false],
    ['subject', 'Patient/1', 'Patient/11', false],
    ['subject', 'ent/1', 'Patient/1', false],
    ['subject', `${base}/Patient/1`, 'Patient/1', true],
    ['subject', 'http://elsewhere/r4/Patient/1', 'Patient/1', false],
    ['subject:Patient', '1', 'Patient/1', true],
    ['subject:Group', '1', 'Patient/1', false],
  ])('reference %s=%s and %s: %j', (name, asked, reference, found) => {
    expect(matches('Observation', name, asked, { reference })).toBe(found);
  });

  const núñez = { use: 'official', family: 'Núñez', given: ['Ana'], period: { start: '2001' } };
  it.each<[name: string, asked: string, found: boolean]>([
    ['name', 'NUN', true],
    ['name', 'ñez', false],
    ['name:contains', 'ñez', true],
    ['name:exact', 'Núñez', true],
    ['name:exact', 'nunez', false],
    ['name', 'ana', true],
    // What is not a word of a name.
    ['name', 'official', false],
    ['name', '2001', false],
  ])('string %s=%s: %j', (name, asked, found) => {
    expect(matches('Patient', name, asked, núñez)).toBe(found);
  });

  it('is split at commas, except at escaped ones', () => {
    expect(splitValues(String.raw`a,b\,c,d\|e\$f\\g`)).toEqual(['a', 'b,c', String.raw`d|e$f\g`]);
    expect(splitValues(',a,,b,')).toEqual(['a', 'b']);
  });
});

const stored = (resourceType: string, id: string, more: object = {}) =>
  storeResource(
    JSON.stringify({ resourceType, id, meta: { versionId: '1', lastUpdated: '2020-01-01T00:00:00Z' }, ...more }),
    base,
  );

describe('a sort', () => {
  const observation = (id: string, effectiveDateTime?: string, status = 'final') =>
    stored('Observation', id, { status, ...(effectiveDateTime && { effectiveDateTime }) });
  const all = [
    observation('none'),
    observation('b', '2015-03-02'),
    observation('a', '2014'),
    observation('c', '2015-03-02', 'amended'),
  ];
  it.each([
    ['date', 'a b c none'],
    ['-date', 'b c a none'],
    ['-date,status', 'c b a none'],
    ['date,status', 'a c b none'],
    ['status,-date', 'c b a none'],
  ])('a sort by %s puts resources without a date last', (keys, order) => {
    const ids = sorted(all, 'Observation', keys.split(',')).map(({ body }) => body.id);
    expect(ids.join(' ')).toBe(order);
  });
});

describe('an include', () => {
  const view = {
    patientId: '1',
    resources: new Map(
      [
        stored('Patient', '1', { generalPractitioner: [{ reference: 'Practitioner/1' }] }),
        stored('Practitioner', '1'),
        stored('Encounter', '1', { subject: { reference: 'Patient/1' }, partOf: { reference: 'Encounter/1' } }),
        stored('Observation', '1', {
          subject: { reference: 'Patient/1' },
          encounter: { reference: 'Encounter/1' },
          performer: [{ reference: 'Practitioner/1' }],
        }),
      ].map((one) => [one.reference, one]),
    ),
  };
  const bring = (type: string, query: string): string => {
    const matched = [...view.resources.values()].filter(({ body }) => body.resourceType === type);
    return included(view, readQuery([...new URLSearchParams(query)]), matched)
      .map(({ reference }) => reference)
      .sort()
      .join(' ');
  };

  it.each([
    ['Observation', '_include=Observation:subject', 'Patient/1'],
    ['Observation', '_include=Observation:*', 'Encounter/1 Patient/1 Practitioner/1'],
    ['Observation', '_include=*', 'Encounter/1 Patient/1 Practitioner/1'],
    ['Observation', '_include=Encounter:subject', ''],
    ['Observation', '_include=Observation:subject:Group', ''],
    [
      'Observation',
      '_include=Observation:subject&_include:iterate=Patient:general-practitioner',
      'Patient/1 Practitioner/1',
    ],
    // Each match appears once, and circular references end.
    ['Encounter', '_include:iterate=Encounter:part-of', ''],
    ['Patient', '_revinclude=Observation:subject', 'Observation/1'],
    ['Patient', '_revinclude=Observation:encounter', ''],
    ['Encounter', '_revinclude=*:*', 'Observation/1'],
  ])('an include of %s with %s brings %s', (type, query, expected) => {
    expect(bring(type, query)).toBe(expected);
  });
});

describe('the links of a page', () => {
  const linksAt = (count: number, total: number, offset: number): Record<string, string> => {
    const pageName = Buffer.from(`from ${offset}`).toString('base64url');
    const asked = `code=x&_count=${count}${offset > 0 ? `&_page=${pageName}` : ''}`;
    const { links } = page(base, 'Observation', readQuery([...new URLSearchParams(asked)]), total, []);
    return Object.fromEntries(
      links.map(({ relation, url }) => {
        const { searchParams } = new URL(url);
        expect([searchParams.get('code'), searchParams.get('_count')]).toEqual(['x', String(count)]);
        const name = searchParams.get('_page');
        return [relation, name === null ? 'from 0' : Buffer.from(name, 'base64url').toString()];
      }),
    );
  };

  it.each([
    [10, 25, 0, { self: 'from 0', next: 'from 10' }],
    [10, 25, 10, { self: 'from 10', previous: 'from 0', next: 'from 20' }],
    [10, 25, 20, { self: 'from 20', previous: 'from 10' }],
    [10, 20, 10, { self: 'from 10', previous: 'from 0' }],
    [10, 10, 0, { self: 'from 0' }],
    [10, 50, 30, { self: 'from 30', previous: 'from 20', next: 'from 40' }],
    [10, 25, 5, { self: 'from 5', previous: 'from 0', next: 'from 15' }],
    [0, 25, 0, { self: 'from 0' }],
  ])('the links of a page for %i of %i from %i', (count, total, offset, expected) => {
    expect(linksAt(count, total, offset)).toEqual(expected);
  });

  it('include only self if only a count was requested, and there are no entries', () => {
    const query = readQuery([['_summary', 'count']]);
    const { entries, links } = page(base, 'Observation', query, 500, [{ fullUrl: 'x', text: '{}', beside: {} }]);
    expect([...entries]).toEqual([]);
    expect(links).toEqual([{ relation: 'self', url: `${base}/Observation?_summary=count` }]);
  });
});

describe('what a member may see', () => {
  const text = (resourceType: string, id: string, more: object = {}): string =>
    JSON.stringify({ resourceType, id, meta: { versionId: '1', lastUpdated: '2020-01-01T00:00:00Z' }, ...more });
  const record = (patientId: string, resources: string[]) => ({ patientId, resources }) as never;

  it('is their compartment and the shared resources it refers to, but not what refers to it or belongs to another', () => {
    const views = loadViews(
      [
        record('1', [
          text('Patient', '1'),
          text('Observation', '1', {
            subject: { reference: 'Patient/1' },
            performer: [{ reference: 'Practitioner/1' }],
            // A wrong reference in a record does not open another record.
            hasMember: [{ reference: 'Observation/2' }],
          }),
          text('Practitioner', '1', { qualification: [{ issuer: { reference: 'Organization/1' } }] }),
          text('Organization', '1'),
          text('DocumentReference', '1', {
            subject: { reference: 'Patient/1' },
            content: [{ attachment: { url: `${fhirBase}/Binary/1` } }],
          }),
          text('Binary', '1'),
          text('PractitionerRole', '1', { practitioner: { reference: 'Practitioner/1' } }),
        ]),
        record('2', [text('Patient', '2'), text('Observation', '2', { subject: { reference: 'Patient/2' } })]),
      ],
      base,
    );
    const seen = (id: string): string[] => [...(views.get(id)?.resources.keys() ?? [])].sort();
    expect(seen('1')).toEqual(
      words('Binary/1 DocumentReference/1 Observation/1 Organization/1 Patient/1 Practitioner/1'),
    );
    expect(seen('2')).toEqual(['Observation/2', 'Patient/2']);
  });

  it('includes resources that are made on the fly, unless their type is left out', () => {
    const onTheFly = { resourceType: 'Observation', count: 9, text: () => '{}', indexOf: () => undefined };
    const records = [
      { patientId: '1', resources: [text('Patient', '1'), text('Observation', '1')], onTheFly },
    ] as never;
    const view = loadViews(records, base).get('1')!;

    expect(view.onTheFly).toBe(onTheFly);
    expect(onlyTypes(view, ['Observation']).onTheFly).toBe(onTheFly);
    const patient = onlyTypes(view, ['Patient']);
    expect([patient.patientId, [...patient.resources.keys()], patient.onTheFly]).toEqual([
      '1',
      ['Patient/1'],
      undefined,
    ]);
  });
});
