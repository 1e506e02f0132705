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

/** A page that names how many there are. */
const pageNaming = (total: number, resources: readonly object[]) => pageOf(resources, undefined, { total });
/** The same, of entries that may be marked as included. */
const entriesNaming = (total: number, ...entry: readonly object[]) => fhir({ resourceType: 'Bundle', total, entry });
const plain = (resource: object) => ({ resource });
const included = (resource: object) => ({ resource, search: { mode: 'include' } });
const cutAt = (page: Sent, end: number): Sent => ({ ...page, cut: true, body: page.body!.slice(0, end) });
const ofSomebody = { subject: { reference: 'Patient/somebody' } };
const anotherLeftOut = 'A resource of type Observation on page 1 is left out: it is about another patient.';

const short = (named: number, came: number, type = 'Observation') => [
  `The payer named ${named} resources of ${type}, and ${came} came.`,
];

describe('a search whose payer named more resources than came is incomplete', () => {
  it('if paging without a stable order brought half of them twice', async () => {
    const half = observations(0, 50);
    const pages = [pageNaming(100, half), pageNaming(100, half)];
    const made = await run(paging({ '/Observation?': pages }), byType('Observation'));

    expect(made).toMatchObject({ complete: false, outcomes: { Observation: 'incomplete 50' } });
    expect(made.errors).toEqual(short(100, 50));
  });

  it('if $everything brought some of them twice, in another leg and another execution', async () => {
    const waited = new Set<string>();
    const pages = Array.from({ length: 12 }, (_, at) => {
      const from = at % 2 === 0 ? at * 5 : at * 5 - 5;
      return pageNaming(120, observations(from, from + 10));
    });
    const made = await run(
      (base) => (asked) => {
        if (asked.path.startsWith('/Observation?')) return { status: 403 };
        if (waited.has(asked.path)) return paging({ '/Patient/member-1/$everything?': pages })(base)(asked);
        waited.add(asked.path);
        return { status: 429, headers: { 'retry-after': '60' } };
      },
      // Without the Patient, nothing is asked for but $everything, and the search that the payer refuses.
      { deps: { mostOperations: 12 }, types: ['Observation'] },
    );

    expect(made.world.durable.engine.executions().length).toBeGreaterThan(1);
    expect(made).toMatchObject({ complete: false, outcomes: { Observation: 'incomplete 60' } });
    expect(made.errors).toEqual([...short(120, 60, '$everything'), 'The payer refused Observation with status 403.']);
  });

  it('if one of them is an OperationOutcome that does not say so', async () => {
    const remark = { resourceType: 'OperationOutcome', issue: [{ severity: 'warning', code: 'informational' }] };
    const page = entriesNaming(2, plain(observation(1)), plain(remark));
    const made = await run(paging({ '/Observation?': [page] }), byType('Observation'));

    expect(made).toMatchObject({ complete: false, outcomes: { Observation: 'incomplete 1' } });
    expect(made.errors).toContain(short(2, 1)[0]);
  });

  it.each([
    ["another patient's", observations(0, 50, ofSomebody)],
    ['of a type that was not asked for', observations(0, 50, { resourceType: 'Condition' })],
    [
      'without an id',
      Array.from({ length: 50 }, (_, at) => ({ resourceType: 'Condition', code: { text: String(at) } })),
    ],
    ['of a type that FHIR does not have', observations(0, 50, { resourceType: 'observation' })],
  ])('if resources came twice that are %s', async (_, twice) => {
    const pages = [pageNaming(101, [memberPatient, ...twice]), pageNaming(101, twice)];
    const made = await run(paging({ '/Patient/': pages }), { types: ['Patient', 'Observation'] });

    expect(made.complete).toBe(false);
    expect(made.errors).toContain(short(101, 51, '$everything')[0]);
  });

  const eob = { resourceType: 'ExplanationOfBenefit', id: 'e', patient: { reference: 'Patient/member-1' } };
  const after = { meta: { lastUpdated: '2026-02-01T00:00:00Z' } };
  const ofFirst = { resourceType: 'Provenance', id: 'p', target: [{ reference: 'Observation/o-0' }] };
  const mayCountAll = " If its totals count these too, its profile can say so, as wholeRecord.totals: 'meaningless'.";
  const oneInPlace = { everything: false, wholeRecord: { substitute: 'ExplanationOfBenefit?_include=*' } };

  it.each<[string, Record<string, unknown>, readonly object[], string, WorldOptions]>([
    [
      'and the others are of types that a search in place of $everything includes without a mark',
      { ExplanationOfBenefit: 'incomplete 1' },
      [eob, ...observations(0, 2)].map(plain),
      'The payer named 3 resources of ExplanationOfBenefit, and 1 came.',
      { profile: oneInPlace },
    ],
    [
      'which are counted apart from those that it marks as included',
      { Observation: 'incomplete 3' },
      [plain(observation(1)), ...observations(2, 4).map(included)],
      `The payer named 3 resources of Observation, and 1 came, and 2 that it marks as included.${mayCountAll}`,
      byType('Observation?_include=Observation:has-member'),
    ],
    [
      'and nobody knows whether it counts the Provenances that it was asked to bring',
      { Observation: 'incomplete 2' },
      [...observations(0, 2).map(plain), included(ofFirst)],
      `The payer named 3 resources of Observation, and 2 came, and 1 that it marks as included.${mayCountAll}`,
      {
        statement: fhir({
          resourceType: 'CapabilityStatement',
          rest: [{ mode: 'server', resource: [{ type: 'Observation', searchRevInclude: ['Provenance:target'] }] }],
        }),
        profile: { everything: false },
      },
    ],
    [
      'and nobody knows whether $everything counts what it includes, since it marks several as found',
      { Observation: 'incomplete 2' },
      [...observations(0, 2).map(plain), included(ofFirst)],
      `The payer named 3 resources of $everything, and 2 came, and 1 that it marks as included.${mayCountAll}`,
      {},
    ],
    [
      'which are counted apart from those that changed after the end that was asked for',
      { Observation: 'incomplete 1' },
      [observation(1), observation(2, after)].map(plain),
      'The payer named 3 resources of Observation, and 1 came, and 1 that changed after the end that was asked for.',
      { ...byType('Observation'), until: '2026-01-01T00:00:00Z' },
    ],
  ])('%s', async (_, outcomes, entry, sentence, options) => {
    const page = entriesNaming(3, ...entry);
    const made = await run(
      paging({ '/ExplanationOfBenefit?': [page], '/Observation?': [page], '/Patient/': [page] }),
      options,
    );

    expect(made.outcomes).toMatchObject(outcomes);
    expect(made.errors).toContain(sentence);
  });

  it('though a resource that it includes is left out, which does not match', async () => {
    const practitioner = { resourceType: 'Practitioner', id: 'p', text: 'x'.repeat(1_100_000) };
    const page = entriesNaming(2, plain(observation(1)), included(practitioner));
    const made = await run(paging({ '/Observation?': [page] }), byType('Observation'));

    expect(made.outcomes).toMatchObject({ Observation: 'incomplete 1', Practitioner: 'incomplete 0' });
  });
});

describe('a search is complete if its resources are as many as the payer named', () => {
  it('though some came before, from other searches, as included or as found', async () => {
    const encounter = { resourceType: 'Encounter', id: 'e', subject: { reference: 'Patient/member-1' } };
    const [laboratory, vital] = ['Observation?category=laboratory', 'Observation?category=vital-signs'] as const;
    const pages = {
      '/Encounter?': [entriesNaming(1, plain(encounter), ...observations(1, 3).map(included))],
      '/Observation?patient=member-1&category=laboratory': [pageNaming(3, observations(1, 4))],
      '/Observation?patient=member-1&category=vital-signs': [
        entriesNaming(6, included(observation(5)), ...observations(1, 3).map(plain)),
        pageNaming(6, observations(3, 7)),
      ],
    };
    const wholeRecord = { searches: ['Encounter', laboratory, vital], exhaustive: ['Observation'] };
    const made = await run(paging(pages), { profile: { everything: false, wholeRecord } });

    expect(made.errors).toEqual([]);
    expect(made).toMatchObject({ complete: true, outcomes: { Encounter: 'complete 1', Observation: 'complete 6' } });
  });

  // R4 counts matches only, and the Patient is the only one here.
  it.each([
    ['all', 3, true],
    ['matches only', 1, true],
    ['more than came', 9, false],
    ['more matches than came', 2, false],
  ])(
    'where $everything marks some as included and its total counts %s, or else says so',
    async (_, total, complete) => {
      const page = entriesNaming(total, plain(memberPatient), ...observations(0, 2).map(included));
      const made = await run(paging({ '/Patient/': [page] }));

      const sentence = `The payer named ${total} resources of $everything, and 1 came, and 2 that it marks as included.`;
      expect(made).toMatchObject({ complete, errors: complete ? [] : [expect.stringContaining(sentence)] });
    },
  );

  it('though a page broke off and was read again, in the same leg or a later one', async () => {
    let tries = 0;
    const pages = [pageNaming(51, [memberPatient]), pageNaming(51, observations(0, 50))];
    const page = pages[1]!;
    const made = await run((base) => (asked) => {
      if (!asked.path.includes('page=2')) return paging({ '/Patient/': pages })(base)(asked);
      tries += 1;
      return tries === 4 ? page : cutAt(page, -1000 * tries);
    });

    expect(tries).toBe(4);
    expect(made.errors).toEqual([]);
    expect(made).toMatchObject({ complete: true, outcomes: { Observation: 'complete 50' } });
  });

  it("though another patient's came twice, on a page that broke off", async () => {
    let tries = 0;
    const page = pageNaming(3, [memberPatient, observation('theirs', ofSomebody), observation(1)]);
    const made = await run(() => () => {
      tries += 1;
      return tries === 1 ? cutAt(page, -10) : page;
    });

    expect(made.errors).toEqual([anotherLeftOut]);
    expect(made.outcomes).toMatchObject({ Patient: 'complete 1', Observation: 'incomplete 1' });
  });

  it("though another patient's came first in an $everything that broke off each time", async () => {
    const theirs = observation('theirs', ofSomebody);
    const searched = paging({ '/Observation?': [pageNaming(2, [theirs, observation(1)])] });
    const made = await run(
      (base) => (asked) => (asked.path.includes('$everything') ? cutAt(pageOf([theirs]), -1) : searched(base)(asked)),
      { types: ['Observation'] },
    );

    expect(made.errors).toEqual([anotherLeftOut]);
    expect(made.outcomes).toEqual({ Observation: 'incomplete 1' });
  });
});
