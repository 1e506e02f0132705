import { chartsOf, latestOf, topicsOf } from '../../sandbox/partner/store/charts.ts';
import { claimsOf, sumsOf } from '../../sandbox/partner/store/claims.ts';
import { allLines, countsIn, entriesAbout, entriesOf, nameOfReference } from '../../sandbox/partner/store/lists.ts';
import { openStore, type RecordStore } from '../../sandbox/partner/store/store.ts';
import { rangesOf, timelineOf } from '../../sandbox/partner/store/timeline.ts';

let store: RecordStore;
beforeEach(() => {
  store = openStore();
});
afterEach(() => store.close());

/** Adds resources by their JSON, and ends the import. */
const filled = (...texts: readonly string[]): RecordStore => {
  for (const text of texts) store.add(text);
  store.finish();
  return store;
};

const weight = (id: number | string, date: string, value: string, unit = 'kg') =>
  `{"resourceType":"Observation","id":"${id}","code":{"coding":[{"system":"http://loinc.org","code":"29463-7"}],"text":"Body weight"},` +
  `"effectiveDateTime":"${date}","valueQuantity":{"value":${value},"unit":"${unit}"}}`;

describe('the store of a record', () => {
  it('keeps each resource once, the latest, in the text that the payer wrote', () => {
    const { db } = filled(
      weight(1, '2020-01-01', '71.0'),
      weight(2, '2020-01-02', '72.00'),
      weight(1, '2020-01-03', '70.50'),
    );

    expect(countsIn(db)).toEqual([{ type: 'Observation', count: 2 }]);
    expect([...allLines(db)]).toEqual([
      `${weight(2, '2020-01-02', '72.00')}\n`,
      `${weight(1, '2020-01-03', '70.50')}\n`,
    ]);
    expect(entriesOf(db, 'Observation', 1).rows.map(({ detail }) => detail)).toEqual(['70.50 kg', '72.00 kg']);
    const [chart] = chartsOf(db, 'http://loinc.org|29463-7');
    expect(chart?.curves[0]?.points.map(({ value }) => value)).toEqual([72, 70.5]);
  });

  it('gives a list page by page, the newest first, and says whether there is more', () => {
    const { db } = filled(...Array.from({ length: 5 }, (_none, index) => weight(index, `2020-01-0${index + 1}`, '70')));
    const ids = (page: number) => entriesOf(db, 'Observation', page, 2).rows.map(({ id }) => id);

    expect([ids(1), ids(2), ids(3)]).toEqual([['4', '3'], ['2', '1'], ['0']]);
    expect([1, 2, 3].map((page) => entriesOf(db, 'Observation', page, 2).hasMore)).toEqual([true, true, false]);
  });

  it('gives fifty rows of a type, a kind, the timeline or claims on a page, and thirty kinds of results', () => {
    const numbers = Array.from({ length: 51 }, (_none, index) => index);
    const { db } = filled(
      ...numbers.map((index) => weight(index, new Date(Date.UTC(2020, 0, 1 + index)).toISOString(), '70')),
      ...numbers
        .slice(0, 30)
        .map((index) => `{"resourceType":"Observation","id":"k${index}","code":{"text":"Kind ${index}"}}`),
      ...numbers.map((index) => `{"resourceType":"ExplanationOfBenefit","id":"${index}","created":"2020-01-01"}`),
    );
    const lists = [
      (page: number) => entriesOf(db, 'ExplanationOfBenefit', page),
      (page: number) => entriesAbout(db, 'http://loinc.org|29463-7', page),
      (page: number) => timelineOf(db, ['Observation'], page),
      (page: number) => claimsOf(db, page),
      (page: number) => topicsOf(db, page),
    ];

    const shown = lists.map((list) => [1, 2].map((page) => [list(page).rows.length, list(page).hasMore]));

    const fifty = [
      [50, true],
      [1, false],
    ];
    expect(shown).toEqual([
      fifty,
      fifty,
      fifty,
      fifty,
      [
        [30, true],
        [1, false],
      ],
    ]);
  });

  it('names a medicine by the Medication that comes after the prescription', () => {
    const { db } = filled(
      '{"resourceType":"MedicationRequest","id":"r","status":"active","medicationReference":{"reference":"http://gateway/r4/x/Medication/m"}}',
      '{"resourceType":"Medication","id":"m","code":{"text":"Ibuprofen"}}',
    );

    expect(entriesOf(db, 'MedicationRequest', 1).rows[0]?.title).toBe('Ibuprofen');
  });

  it('writes the end of a condition as the pages write dates', () => {
    const resolved = '"clinicalStatus":{"coding":[{"code":"resolved"}]}';
    const { db } = filled(
      `{"resourceType":"Condition","id":"a",${resolved},"abatementDateTime":"2018-11-11T09:30:00Z","recordedDate":"2018-10-11"}`,
      `{"resourceType":"Condition","id":"b",${resolved},"abatementDateTime":"2017","recordedDate":"2016-10-11"}`,
    );

    expect(entriesOf(db, 'Condition', 1).rows.map(({ detail }) => detail)).toEqual([
      'Resolved · until Nov 11, 2018',
      'Resolved · until 2017',
    ]);
  });

  it('finds the name behind a reference', () => {
    const { db } = filled('{"resourceType":"Practitioner","id":"d","name":[{"given":["Testina"],"family":"Primary"}]}');

    expect(nameOfReference(db, { reference: 'https://gateway.example/r4/x/Practitioner/d' })).toBe('Testina Primary');
    expect(nameOfReference(db, { reference: 'Practitioner/d', display: 'Dr. P.' })).toBe('Dr. P.');
    expect(nameOfReference(db, { reference: 'Practitioner/other' })).toBe('');
  });
});

describe('a timeline', () => {
  it('shows a day’s hundred readings as one event with their range', () => {
    const readings = Array.from({ length: 100 }, (_none, index) =>
      weight(index, '2020-01-02T10:00:00Z', String(60 + index)),
    );
    const { db } = filled(...readings, weight('x', '2020-01-01', '59'));
    const [first, second] = timelineOf(db, [], 1).rows;

    expect(first).toMatchObject({ day: '2020-01-02', count: 100, title: 'Body weight' });
    expect(rangesOf(db, first!)).toEqual([{ part: '', unit: 'kg', lowest: 60, highest: 159 }]);
    expect(second).toMatchObject({ day: '2020-01-01', count: 1, detail: '59 kg' });
  });

  it('has only the types that were asked for, and nothing that is no event', () => {
    const { db } = filled(
      weight(1, '2020-01-01', '70'),
      '{"resourceType":"Encounter","id":"e","type":[{"text":"Check up"}],"period":{"start":"2020-01-02"}}',
      '{"resourceType":"Provenance","id":"p","recorded":"2020-01-03","occurredDateTime":"2020-01-03"}',
      '{"resourceType":"Organization","id":"o","name":"Clinic"}',
      '{"resourceType":"Goal","id":"g","description":{"text":"Walk"}}',
    );

    expect(timelineOf(db, [], 1).rows.map(({ type }) => type)).toEqual(['Encounter', 'Observation']);
    expect(timelineOf(db, ['Observation'], 1).rows.map(({ type }) => type)).toEqual(['Observation']);
  });
});

describe('charts', () => {
  const pressure = (id: number, date: string, systolic: number, diastolic: number) =>
    `{"resourceType":"Observation","id":"${id}","code":{"text":"Blood pressure"},"effectiveDateTime":"${date}","component":[` +
    `{"code":{"text":"Systolic"},"valueQuantity":{"value":${systolic},"unit":"mmHg"}},` +
    `{"code":{"text":"Diastolic"},"valueQuantity":{"value":${diastolic},"unit":"mmHg"}}]}`;

  it('have a curve for each component', () => {
    const { db } = filled(pressure(1, '2020-01-01', 120, 80), pressure(2, '2020-02-01', 130, 85));
    const [chart] = chartsOf(db, 'Blood pressure');

    expect(chart?.curves.map(({ name, points }) => [name, points.map(({ value }) => value)])).toEqual([
      ['Diastolic', [80, 85]],
      ['Systolic', [120, 130]],
    ]);
  });

  it('never put two units into one curve, and need two readings at different times', () => {
    const { db } = filled(
      weight(1, '2020-01-01', '70'),
      weight(2, '2020-02-01', '71'),
      weight(3, '2020-03-01', '150', 'lb'),
      weight(4, '2020-01-01', '<5', 'kg').replace('"value":<5', '"value":5,"comparator":"<"'),
    );

    expect(
      chartsOf(db, 'http://loinc.org|29463-7').map(({ unit, curves }) => [unit, curves[0]?.points.length]),
    ).toEqual([['kg', 2]]);
  });

  it('sum up a sensor’s thousands of readings: no more points than a screen shows, with the lowest and the highest', () => {
    const start = Date.UTC(2019, 0, 1);
    const readings = Array.from({ length: 3000 }, (_none, index) =>
      weight(index, new Date(start + index * 3_600_000).toISOString(), String(100 + (index % 24))),
    );
    const { db } = filled(...readings);
    const [chart] = chartsOf(db, 'http://loinc.org|29463-7');
    const points = chart?.curves[0]?.points ?? [];

    expect(chart?.span).toBe('day');
    expect(points).toHaveLength(125);
    expect(points[0]).toEqual({ at: start + 43_200_000, value: 111.5, lowest: 100, highest: 123, count: 24 });
  });

  it('are listed with the latest value of each kind', () => {
    const { db } = filled(
      weight(1, '2020-01-01', '70'),
      weight(2, '2020-02-01', '71'),
      pressure(3, '2020-03-01', 120, 80),
    );

    expect(topicsOf(db, 1).rows.map(({ count, latest }) => [count, latest.detail])).toEqual([
      [2, '71 kg'],
      [1, 'Systolic: 120 mmHg\nDiastolic: 80 mmHg'],
    ]);
    expect(latestOf(db, 5).map(({ title }) => title)).toEqual(['Blood pressure', 'Body weight']);
  });
});

describe('the costs of claims', () => {
  const claim = (id: number, totals: Readonly<Record<string, string>>, currency = 'USD') =>
    JSON.stringify({
      resourceType: 'ExplanationOfBenefit',
      id: String(id),
      type: { text: 'Pharmacy' },
      billablePeriod: { start: `2026-01-0${id}` },
      total: Object.entries(totals).map(([code, value]) => ({
        category: { coding: [{ code }] },
        amount: { value: `#${value}#`, currency },
      })),
    }).replaceAll(/"#|#"/g, '');

  it('are exact to the cent, and summed for each currency', () => {
    const { db } = filled(
      claim(1, { submitted: '0.10', paidtoprovider: '0.07', copay: '0.03' }),
      claim(2, { submitted: '0.20', benefit: '0.20', memberliability: '0.00', copay: '0.05' }),
      claim(3, { submitted: '5' }, 'CAD'),
    );

    expect(sumsOf(db)).toEqual([
      { currency: 'CAD', count: 1, billed: 500, paid: null, owed: null },
      { currency: 'USD', count: 2, billed: 30, paid: 27, owed: 3 },
    ]);
    expect(claimsOf(db, 1).rows.map(({ id, owed }) => [id, owed])).toEqual([
      ['3', null],
      ['2', 0],
      ['1', 3],
    ]);
  });
});
