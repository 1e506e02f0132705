import {
  fhir,
  memberPatient,
  observation,
  pageOf,
  type PayerScript,
  type Sent,
  type WorldOptions,
} from '../../support/export-world.ts';
import { byType, runToEnd } from './end-of.ts';

const run = (payer: (base: string) => PayerScript, options: WorldOptions = {}) =>
  runToEnd(({ base }) => payer(base), options);

const observations = (from: number, to: number, more: object = {}): readonly object[] =>
  Array.from({ length: to - from }, (_, at) => observation(from + at, more));

/** A payer that answers each search page by page, by the number in the URL. */
const paging =
  (searches: Readonly<Record<string, readonly Sent[]>>) =>
  (base: string): PayerScript =>
  ({ path }) => {
    const [found, pages] = Object.entries(searches).find(([begins]) => path.startsWith(begins)) ?? [
      path,
      [pageOf(path.startsWith('/Patient?') ? [memberPatient] : [])],
    ];
    const page = Number(/[?&]page=(\d+)/.exec(path)?.[1] ?? 1);
    const sent = pages[page - 1] ?? pageOf([]);
    const next = `${base}${found}${found.includes('?') ? '&' : '?'}page=${page + 1}`;
    if (page >= pages.length) return sent;
    return { ...sent, body: sent.body!.replace('"entry"', `"link":[{"relation":"next","url":"${next}"}],"entry"`) };
  };

const total = (count: number) => ({ total: count });
const short = (named: number, came: number, type = 'Observation') => [
  `The payer named ${named} resources of ${type}, and ${came} came.`,
];

describe('a search whose payer named more resources than came is incomplete', () => {
  it('if paging without a stable order brought half of them twice', async () => {
    const half = observations(0, 50);
    const made = await run(
      paging({ '/Observation?': [pageOf(half, undefined, total(100)), pageOf(half, undefined, total(100))] }),
      byType('Observation'),
    );

    expect(made).toMatchObject({ complete: false, outcomes: { Observation: 'incomplete 50' } });
    expect(made.errors).toEqual(short(100, 50));
  });

  it('if $everything brought some of them twice, in another leg and another execution', async () => {
    const waited = new Set<string>();
    const pages = Array.from({ length: 12 }, (_, at) =>
      pageOf(
        at % 2 === 0 ? observations(at * 5, at * 5 + 10) : observations(at * 5 - 5, at * 5 + 5),
        undefined,
        total(120),
      ),
    );
    const made = await run(
      (base) => (asked) => {
        if (waited.has(asked.path)) return paging({ '/Patient/member-1/$everything': pages })(base)(asked);
        waited.add(asked.path);
        return { status: 429, headers: { 'retry-after': '60' } };
      },
      { deps: { mostOperations: 12 } },
    );

    expect(made.world.durable.engine.executions().length).toBeGreaterThan(1);
    expect(made).toMatchObject({ complete: false, outcomes: { Observation: 'incomplete 60' } });
    expect(made.errors).toEqual(short(120, 60, '$everything'));
  });

  it('if one of them is an OperationOutcome that does not say so', async () => {
    const made = await run(
      paging({
        '/Observation?': [
          fhir({
            resourceType: 'Bundle',
            total: 2,
            entry: [
              { resource: observation(1) },
              {
                resource: { resourceType: 'OperationOutcome', issue: [{ severity: 'warning', code: 'informational' }] },
              },
            ],
          }),
        ],
      }),
      byType('Observation'),
    );

    expect(made).toMatchObject({ complete: false, outcomes: { Observation: 'incomplete 1' } });
    expect(made.errors).toContain(short(2, 1)[0]);
  });

  it.each([
    ["another patient's", observations(0, 50, { subject: { reference: 'Patient/somebody' } })],
    ['of a type that was not asked for', observations(0, 50, { resourceType: 'Condition' })],
    [
      'without an id',
      Array.from({ length: 50 }, (_, at) => ({ resourceType: 'Condition', code: { text: String(at) } })),
    ],
    ['of a type that FHIR does not have', observations(0, 50, { resourceType: 'observation' })],
  ])('if resources came twice that are %s', async (_, twice) => {
    const made = await run(
      paging({
        '/Patient/': [pageOf([memberPatient, ...twice], undefined, total(101)), pageOf(twice, undefined, total(101))],
      }),
      { types: ['Patient', 'Observation'] },
    );

    expect(made.complete).toBe(false);
    expect(made.errors).toContain(short(101, 51, '$everything')[0]);
  });

  const eob = { resourceType: 'ExplanationOfBenefit', id: 'e', patient: { reference: 'Patient/member-1' } };
  const after = { meta: { lastUpdated: '2026-02-01T00:00:00Z' } };
  const oneInPlace = { everything: false, wholeRecord: { substitute: 'ExplanationOfBenefit?_include=*' } };

  it.each<[string, Record<string, unknown>, readonly object[], string, WorldOptions]>([
    [
      'and the others are of types that a search in place of $everything includes without a mark',
      { ExplanationOfBenefit: 'incomplete 1' },
      [{ resource: eob }, ...observations(0, 2).map((resource) => ({ resource }))],
      'The payer named 3 resources of $everything, and 1 came.',
      { profile: oneInPlace },
    ],
    [
      'which are counted apart from those that it marks as included',
      { Observation: 'incomplete 3' },
      [
        { resource: observation(1) },
        ...observations(2, 4).map((resource) => ({ resource, search: { mode: 'include' } })),
      ],
      'The payer named 3 resources of Observation, and 1 came, and 2 that it marks as included.',
      byType('Observation?_include=Observation:has-member'),
    ],
    [
      'which are counted apart from those that changed after the end that was asked for',
      { Observation: 'incomplete 1' },
      [{ resource: observation(1) }, { resource: observation(2, after) }],
      'The payer named 3 resources of Observation, and 1 came, and 1 that changed after the end that was asked for.',
      { ...byType('Observation'), until: '2026-01-01T00:00:00Z' },
    ],
  ])('%s', async (_, outcomes, entry, sentence, options) => {
    const page = fhir({ resourceType: 'Bundle', total: 3, entry });
    const made = await run(paging({ '/ExplanationOfBenefit?': [page], '/Observation?': [page] }), options);

    expect(made.outcomes).toMatchObject(outcomes);
    expect(made.errors).toContain(sentence);
  });

  it('though a resource that it includes is left out, which does not match', async () => {
    const practitioner = { resourceType: 'Practitioner', id: 'p', text: 'x'.repeat(1_100_000) };
    const made = await run(
      paging({
        '/Observation?': [
          fhir({
            resourceType: 'Bundle',
            total: 2,
            entry: [{ resource: observation(1) }, { resource: practitioner, search: { mode: 'include' } }],
          }),
        ],
      }),
      byType('Observation'),
    );

    expect(made.outcomes).toMatchObject({ Observation: 'incomplete 1', Practitioner: 'incomplete 0' });
  });
});

describe('a search is complete if its resources are as many as the payer named', () => {
  it('though some came before, from other searches, as included or as found', async () => {
    const included = (resource: object) => ({ resource, search: { mode: 'include' } });
    const made = await run(
      paging({
        '/Encounter?': [
          fhir({
            resourceType: 'Bundle',
            total: 1,
            entry: [
              { resource: { resourceType: 'Encounter', id: 'e' } },
              included(observation(1)),
              included(observation(2)),
            ],
          }),
        ],
        '/Observation?patient=member-1&category=laboratory': [pageOf(observations(1, 4), undefined, total(3))],
        '/Observation?patient=member-1&category=vital-signs': [
          fhir({
            resourceType: 'Bundle',
            total: 6,
            entry: [included(observation(5)), ...observations(1, 3).map((resource) => ({ resource }))],
          }),
          pageOf(observations(3, 7), undefined, total(6)),
        ],
      }),
      {
        profile: {
          everything: false,
          wholeRecord: {
            searches: ['Encounter', 'Observation?category=laboratory', 'Observation?category=vital-signs'],
            exhaustive: ['Observation'],
          },
        },
      },
    );

    expect(made.errors).toEqual([]);
    expect(made).toMatchObject({ complete: true, outcomes: { Encounter: 'complete 1', Observation: 'complete 6' } });
  });

  // R4 counts only the matches of a search. Of an operation it does not say, and payers differ.
  it.each([
    ['all', total(3), []],
    ['matches only', total(1), []],
    [
      'more than came',
      total(9),
      ['The payer named 9 resources of $everything, and 1 came, and 2 that it marks as included.'],
    ],
    [
      'more matches than came',
      total(2),
      ['The payer named 2 resources of $everything, and 1 came, and 2 that it marks as included.'],
    ],
  ])('where $everything marks some as included and its total counts %s, or else says so', async (_, of, errors) => {
    const entry = [
      { resource: memberPatient },
      ...observations(0, 2).map((resource) => ({ resource, search: { mode: 'include' } })),
    ];
    const made = await run(paging({ '/Patient/': [fhir({ resourceType: 'Bundle', ...of, entry })] }));

    expect(made).toMatchObject({ complete: errors.length === 0, errors });
  });

  it('though a page broke off and was read again, in the same leg or a later one', async () => {
    let tries = 0;
    const page = pageOf(observations(0, 50), undefined, total(51));
    const made = await run((base) => (asked) => {
      if (!asked.path.includes('page=2')) {
        return paging({ '/Patient/': [pageOf([memberPatient], undefined, total(51)), page] })(base)(asked);
      }
      tries += 1;
      if (tries === 4) return page;
      return { ...page, cut: true, body: page.body!.slice(0, page.body!.length - 1000 * tries) };
    });

    expect(tries).toBe(4);
    expect(made.errors).toEqual([]);
    expect(made).toMatchObject({ complete: true, outcomes: { Observation: 'complete 50' } });
  });

  it("though another patient's came twice, on a page that broke off", async () => {
    let tries = 0;
    const theirs = observation('theirs', { subject: { reference: 'Patient/somebody' } });
    const page = pageOf([memberPatient, theirs, observation(1)], undefined, total(3));
    const made = await run(() => () => {
      tries += 1;
      return tries === 1 ? { ...page, cut: true, body: page.body!.slice(0, -10) } : page;
    });

    expect(made.errors).toEqual(['A resource of type Observation on page 1 is left out: it is about another patient.']);
    expect(made.outcomes).toMatchObject({ Patient: 'complete 1', Observation: 'incomplete 1' });
  });

  it("though another patient's came first in an $everything that broke off each time", async () => {
    const theirs = observation('theirs', { subject: { reference: 'Patient/somebody' } });
    const made = await run(
      (base) => (asked) =>
        asked.path.includes('$everything')
          ? { ...pageOf([theirs]), cut: true, body: pageOf([theirs]).body!.slice(0, -1) }
          : paging({ '/Observation?': [pageOf([theirs, observation(1)], undefined, total(2))] })(base)(asked),
      { types: ['Observation'] },
    );

    expect(made.errors).toEqual(['A resource of type Observation on page 1 is left out: it is about another patient.']);
    expect(made.outcomes).toEqual({ Observation: 'incomplete 1' });
  });
});
