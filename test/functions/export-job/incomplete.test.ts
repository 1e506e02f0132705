import { checkTypes } from '../../../functions/export/ended-export.ts';
import { parseScopes } from '../../../functions/shared/scopes/scopes.ts';
import {
  exportWorld,
  fhir,
  memberPatient,
  observation,
  pageOf,
  statementOf,
  type PayerScript,
  type Sent,
  type WorldOptions,
} from '../../support/export-world.ts';
import { words } from '../../support/words.ts';
import { byType, endOf, runToEnd, type World } from './end-of.ts';

type Pages = Readonly<Record<string, Sent | (() => Sent)>>;

/** Answers with what stands at the first path that begins so, else with an empty page. */
const answers =
  (pages: Pages): PayerScript =>
  ({ path }) => {
    const found = Object.entries(pages).find(([begins]) => path.startsWith(begins))?.[1] ?? pageOf([]);
    return typeof found === 'function' ? found() : found;
  };

const runWith = (options: WorldOptions, pages: Pages) => runToEnd(() => answers(pages), options);
const run = (pages: Pages) => runWith({}, pages);
const scoped = (scope: string, ...searches: readonly string[]): WorldOptions => ({ ...byType(...searches), scope });

const ofMember = { subject: { reference: 'Patient/member-1' } };
const seenBy = (...names: readonly string[]) => ({ performer: names.map((reference) => ({ reference })) });

/** What a search of Patients, or of Observations, finds; of Observations the first, changed. */
const patients = { '/Patient?': pageOf([memberPatient]) };
const observations = (more: object = {}) => ({ '/Observation?': pageOf([observation(1, more)]) });
/** A payer with $everything of a Patient and an Observation, changed. */
const everything = (more: object) => ({ '/Patient/': pageOf([memberPatient, observation(1, more)]) });
const practitioner = (id: string, more: object = {}) => fhir({ resourceType: 'Practitioner', id, ...more });

const busyFor = (seconds: string): Sent => ({ status: 429, headers: { 'retry-after': seconds } });
const throttled = busyFor('60');

describe('an export that ends while it follows references', () => {
  const record = {
    ...everything(seenBy('Practitioner/1', 'Practitioner/2', 'Practitioner/3', 'Organization/1')),
    '/Practitioner/1': practitioner('1'),
  };
  const outcomes = {
    Patient: 'complete 1',
    Observation: 'complete 1',
    Practitioner: 'incomplete 1',
    Organization: 'notRead 0',
  };
  const notRead = { status: 'partial', complete: false, outcomes };
  const sentences = (why: string) => [
    `The record refers to 2 resources of type Practitioner that were not read: ${why}.`,
    `The record refers to 1 resource of type Organization that was not read: ${why}.`,
  ];

  it('because the payer refuses every token there says how many of each type are missing', async () => {
    const names = ['one', ...Array(102).keys()].map((id) => `Practitioner/${id}`);
    const made = await run({
      ...everything(seenBy(...names, 'Organization/1')),
      '/Practitioner/one': practitioner('one'),
      '/Practitioner/': { status: 401 },
    });

    expect(made).toMatchObject(notRead);
    expect(made.errors.slice(-2)).toEqual(sentences('the payer refuses the access tokens that it has just issued'));
    expect(made.reasons['Organization']).toBe(made.errors.at(-1));
    expect(made.errors).toHaveLength(102);
    expect(new Set(made.world.asked.map(({ token }) => token)).size).toBe(3);
  });

  it('because nobody polls when the token ends says so', async () => {
    const world = exportWorld({ tokenLives: 300 });
    world.answerWith(answers({ ...record, '/Practitioner/2': busyFor('600') }));
    await world.kickOff();
    await world.durable.finish(world.start());

    const made = await endOf(world);
    expect(made).toMatchObject(notRead);
    expect(made.errors).toEqual(sentences("the payer's access token ended, and no poll renewed it within a day"));
  });

  it('because its time is over says so, and counts what an earlier execution found', async () => {
    const pages = { ...record, '/Practitioner/2': busyFor('3600') };
    const made = await runWith({ deps: { mostOperations: 12 } }, pages);

    expect(made.world.durable.engine.executions().length).toBeGreaterThan(1);
    expect(made).toMatchObject(notRead);
    expect(made.errors).toEqual(sentences('the payer asked for a longer wait than the export has time for'));
  });

  it('makes what only references bring incomplete, since what was not read may refer to more', async () => {
    const made = await runWith(
      scoped(
        'patient/Patient.rs patient/Observation.rs patient/Encounter.rs patient/Practitioner.rs patient/Location.rs',
        'Patient',
        'Observation',
        'Encounter',
      ),
      { ...patients, ...observations(), '/Encounter?': busyFor('200000') },
    );

    const reason = (type: string) =>
      `${type} is not complete: the payer asked for a longer wait than the export has time for.`;
    expect(made.outcomes).toMatchObject({ Encounter: 'notRead 0', Practitioner: 'notRead 0', Location: 'notRead 0' });
    expect(made.reasons['Location']).toBe(reason('Location'));
  });

  it('counts no resource that a search has returned, and none that the scope does not cover', async () => {
    const made = await runWith(
      scoped(
        'patient/Patient.rs patient/Observation.rs patient/Encounter.rs patient/Practitioner.r',
        'Patient',
        'Observation',
        'Encounter',
      ),
      {
        ...patients,
        ...observations(seenBy('Practitioner/1', 'Encounter/1', 'Organization/1', 'Encounter/2')),
        '/Encounter?': pageOf([{ resourceType: 'Encounter', id: '1', ...ofMember }]),
        '/Practitioner/1': busyFor('200000'),
      },
    );

    expect(made.outcomes).toEqual({
      Patient: 'complete 1',
      Observation: 'complete 1',
      Encounter: 'incomplete 1',
      Organization: 'refusedByScope 0',
      Practitioner: 'notRead 0',
    });
  });
});

describe('a request that the payer refuses with 401, whatever the token,', () => {
  const refused = 'The payer refused Observation with status 401.';
  const unread = 'Practitioner/1, which the record refers to, could not be read: the payer answered with status 401.';
  it.each([
    ['a search', '/Observation?', { Observation: 'refusedByPayer 0' }, refused],
    ['a resource', '/Practitioner/1', { Practitioner: 'incomplete 1' }, unread],
  ])('is named, and the rest is read: %s', async (_, begins, lacks, sentence) => {
    const made = await runWith(byType('Patient', 'Observation', 'Encounter'), {
      ...patients,
      ...observations(),
      '/Encounter?': pageOf([
        { resourceType: 'Encounter', id: '1', ...ofMember, ...seenBy('Practitioner/1', 'Practitioner/2') },
      ]),
      '/Practitioner/2': practitioner('2'),
      [begins]: { status: 401 },
    });

    expect(made.outcomes).toMatchObject({ Patient: 'complete 1', Encounter: 'complete 1', ...lacks });
    expect(made.errors).toContain(sentence);
    expect(made.ids).toContain('2');
    const tokens = made.world.asked.filter(({ path }) => path.startsWith(begins)).map(({ token }) => token);
    expect(tokens).toEqual(['Bearer token-1', 'Bearer token-2', 'Bearer token-3']);
  });
});

describe('a referenced resource', () => {
  const at = (lastUpdated: string) => ({ meta: { lastUpdated } });
  /** A page of resources, of which the last came with the others. */
  const pageWith = (resources: readonly object[], included: object) =>
    fhir({
      resourceType: 'Bundle',
      entry: [...resources.map((resource) => ({ resource })), { resource: included, search: { mode: 'include' } }],
    });

  it('that the payer refuses is missing, though two hundred before it do not exist', async () => {
    const names = Array.from({ length: 201 }, (_, id) => `Practitioner/${id}`);
    const made = await run({
      ...everything(seenBy(...names)),
      '/Practitioner/200': { status: 403 },
      '/Practitioner/': { status: 404 },
    });

    expect(made).toMatchObject({ status: 'partial', complete: false });
    expect(made.outcomes['Practitioner']).toBe('incomplete 0');
  });

  it.each([
    ['with a search of its own type', pageOf([]), 'incomplete 2'],
    ['with a search of its own type, and is a match of another page', pageOf([observation(2, ofMember)]), 'complete 2'],
  ])('that came %s', async (_, second, outcome) => {
    const first = ({ base }: World) =>
      fhir({
        resourceType: 'Bundle',
        link: [{ relation: 'next', url: `${base}/Observation?page=2` }],
        entry: [{ resource: observation(1) }, { resource: observation(2, ofMember), search: { mode: 'include' } }],
      });
    const made = await runToEnd(
      (world) => answers({ ...patients, '/Observation?page=2': second, '/Observation?': first(world) }),
      byType('Patient', 'Observation'),
    );

    expect(made.outcomes['Observation']).toBe(outcome);
    expect(made.errors).toEqual(
      outcome === 'complete 2' ? [] : [expect.stringContaining('of type Observation came with others only')],
    );
  });

  it.each([
    [404, 'complete 1'],
    [410, 'complete 1'],
    [400, 'incomplete 1'],
    [403, 'incomplete 1'],
  ])('that the payer answers with %i leaves its type %s', async (status, outcome) => {
    const made = await run({
      ...everything(seenBy('Practitioner/1', 'Practitioner/2')),
      '/Practitioner/1': practitioner('1'),
      '/Practitioner/2': { status },
    });

    expect(made.outcomes['Practitioner']).toBe(outcome);
    expect(made.errors).toEqual([
      `Practitioner/2, which the record refers to, could not be read: the payer answered with status ${status}.`,
    ]);
  });

  it.each([
    ['has a status of failure', { status: 500 }, 'the payer answered with status 500'],
    ['is a page', { body: '<html>', headers: { 'content-type': 'text/html' } }, 'the answer is not valid JSON'],
    [
      'is cut off',
      { body: '{"resourceType":"Practitioner",', headers: { 'content-type': 'application/fhir+json' } },
      'the answer ended early',
    ],
  ])('whose answer %s each time says so', async (_, answer, why) => {
    const made = await run({ ...everything(seenBy('Practitioner/1')), '/Practitioner/1': answer });

    expect(made.errors).toEqual([`Practitioner/1, which the record refers to, could not be read: ${why}.`]);
  });

  it('that is a Binary, which the payer gives as its content only, is named at once', async () => {
    const made = await run({
      ...everything(seenBy('Binary/1')),
      '/Binary/1': { headers: { 'content-type': 'application/pdf' }, body: '%PDF' },
    });

    expect(made.world.asked.filter(({ path }) => path === '/Binary/1')).toHaveLength(1);
    expect([made.complete, ...made.errors]).toEqual([
      false,
      'Binary/1, which the record refers to, could not be read: the payer answered with its content, and not with a resource.',
    ]);
  });

  it.each([
    ['if the scope covers no search of it', {}, "the access token's scope does not cover a search of it"],
    ['if the payer has no search of it', { scope: 'patient/*.rs' }, 'the payer has no search of it'],
  ])('brings its type, which is not complete %s', async (_, options, why) => {
    const made = await runWith(
      {
        ...byType('Patient', 'Observation'),
        scope: 'patient/Patient.rs patient/Observation.rs patient/CarePlan.r',
        ...options,
      },
      {
        ...patients,
        ...observations({ basedOn: [{ reference: 'CarePlan/1' }] }),
        '/CarePlan/1': fhir({ resourceType: 'CarePlan', id: '1' }),
      },
    );

    expect(made).toMatchObject({ complete: false, outcomes: { Observation: 'complete 1', CarePlan: 'incomplete 1' } });
    expect(made.reasons['CarePlan']).toBe(
      `CarePlan is not complete: ${why}. What other resources refer to or came with is in this export.`,
    );
  });

  it('and one that comes with others is left out if it is older than _since, and what it refers to is read', async () => {
    const since = '2026-01-01T00:00:00Z';
    const location = { resourceType: 'Location', id: '1', ...at('2025-12-31T23:59:59Z') };
    const made = await runWith(
      { ...byType('Patient', 'Observation'), since },
      {
        '/Observation?': pageWith(
          [observation(1, seenBy('Practitioner/old', 'Practitioner/same', 'Practitioner/unknown'))],
          location,
        ),
        '/Practitioner/old': practitioner('old', { ...at('2026-01-01T00:59:59+01:00'), ...seenBy('Practitioner/new') }),
        '/Practitioner/same': practitioner('same', at(since)),
        '/Practitioner/new': practitioner('new', at('2026-01-02T00:00:00Z')),
        '/Practitioner/unknown': practitioner('unknown'),
      },
    );

    expect(made.ids.toSorted()).toEqual(['new', 'o-1', 'same', 'unknown']);
    expect(made).toMatchObject({ complete: true, errors: [] });
  });

  it('and one that comes with others is left out beyond a search that was asked for, or after the end', async () => {
    const until = '2026-01-01T00:00:00Z';
    const encounter = (id: string) => ({ resourceType: 'Encounter', id, subject: { reference: 'Patient/member-1' } });
    const made = await runWith(
      { ...byType('Patient', 'Observation', 'Encounter'), until, filters: ['Encounter?date=ge2025'] },
      {
        '/Observation?': pageWith(
          [
            observation(1, seenBy('Practitioner/late', 'Practitioner/early')),
            observation(2, at('2026-01-02T00:00:00Z')),
          ],
          encounter('beyond'),
        ),
        '/Encounter?': pageOf([encounter('found')]),
        '/Practitioner/late': practitioner('late', at('2026-01-01T00:00:01Z')),
        '/Practitioner/early': practitioner('early', at(until)),
      },
    );

    expect(made.ids.toSorted()).toEqual(['early', 'found', 'o-1']);
    expect(made.errors).toEqual([]);
  });

  it('that is refused is missing, though the scope does not cover a search of its type', async () => {
    const made = await runWith(
      scoped('patient/Patient.rs patient/Encounter.rs patient/Goal.r', 'Patient', 'Encounter', 'Goal'),
      {
        ...patients,
        '/Encounter?': pageOf([{ resourceType: 'Encounter', id: '1', partOf: { reference: 'Goal/1' } }]),
        '/Goal/1': { status: 403 },
      },
    );

    expect(made).toMatchObject({ status: 'partial', complete: false });
    expect(made.outcomes['Goal']).toBe('incomplete 0');
  });

  it('that no search found is missing, if the scope covers searches of its type only', async () => {
    const made = await runWith(
      scoped('patient/Patient.rs patient/Observation.s patient/Provenance.rs', 'Patient', 'Observation'),
      {
        ...observations({ hasMember: [{ reference: 'Observation/o-2' }] }),
        '/Observation/o-2': { status: 500 },
      },
    );

    const reason = "Observation is not complete: the access token's scope does not cover reading what others refer to.";
    expect([made.outcomes['Observation'], made.reasons['Observation']]).toEqual(['incomplete 1', reason]);
    expect(made.errors).not.toContainEqual(expect.stringContaining('does not cover a search of Observation'));
  });

  it.each([{ since: '2026-01-01T00:00:00Z' }, { until: '2026-01-01T00:00:00Z' }])(
    'that no search found is not missing from what changed at some time, by the same scope (%j)',
    async (time) => {
      const made = await runWith(
        { ...scoped('patient/Patient.rs patient/Observation.s', 'Patient', 'Observation'), ...time },
        observations({ hasMember: [{ reference: 'Observation/o-2' }] }),
      );

      expect([made.outcomes['Observation'], made.errors]).toEqual(['complete 1', []]);
    },
  );

  it.each([
    [
      'covers searches of only',
      'patient/Practitioner.s',
      'incomplete 0',
      /does not cover reading what others refer to/,
    ],
    [
      'covers searches of only, as of all',
      'patient/*.s',
      'incomplete 0',
      /does not cover reading what others refer to/,
    ],
    ['does not cover', 'patient/Goal.rs', 'refusedByScope 0', /does not cover it/],
    [
      'covers, and the record does not refer to',
      'patient/Medication.r patient/Practitioner.r',
      'complete 1',
      undefined,
    ],
  ])('of a type that the scope %s is named', async (_, scope, outcome, why) => {
    const made = await runWith(scoped(`patient/Patient.rs patient/Observation.rs ${scope}`, 'Patient', 'Observation'), {
      ...patients,
      ...observations(seenBy('Practitioner/1', 'Practitioner/1')),
      '/Practitioner/1': practitioner('1'),
    });

    expect(made.outcomes['Practitioner']).toBe(outcome);
    expect(made.outcomes['Medication']).toBe(why === undefined ? 'complete 0' : undefined);
    expect(made.errors.filter((error) => error.startsWith('Practitioner'))).toEqual(
      why === undefined ? [] : [expect.stringMatching(why)],
    );
  });

  it('of a type that came with others, and that the scope does not cover, is named unless it was not asked for', async () => {
    const options = scoped('patient/Patient.rs patient/Observation.rs', 'Patient', 'Observation');
    const pages = { '/Observation?': pageWith([observation(1)], { resourceType: 'Practitioner', id: '1' }) };
    const made = await runWith(options, pages);
    const asked = await runWith({ ...options, types: ['Observation'] }, pages);

    expect(made.outcomes['Practitioner']).toBe('refusedByScope 0');
    expect(asked.outcomes).toEqual({ Observation: 'complete 1' });
  });
});

it("a remark of the payer's that something is missing is not hidden by two hundred that say nothing", async () => {
  const remark = (severity: string) => ({ resourceType: 'OperationOutcome', issue: [{ severity, code: 'not-found' }] });
  const world = exportWorld();
  world.answerWith(({ path }) => {
    const page = Number(/page=(\d+)/.exec(path)?.[1] ?? 1);
    if (page === 202) return pageOf([memberPatient, observation(page), remark('error')]);
    return pageOf([observation(page), remark('information')], `${world.base}?page=${page + 1}`);
  });
  await world.run();

  const made = await endOf(world);
  expect(made).toMatchObject({ status: 'partial', complete: false });
  expect(made.errors).toHaveLength(202);
  expect(made.errors.at(-1)).toBe('1 more problem of this kind with $everything is not listed.');
});

describe("a partner's scopes that are narrowed while an export runs", () => {
  /** A payer that asks once to wait before it answers a path that begins so. */
  const waitsBefore = (begins: string, pages: Parameters<typeof answers>[0]): PayerScript => {
    let hasWaited = false;
    const answer = answers(pages);
    return (asked) => {
      if (hasWaited || !asked.path.startsWith(begins)) return answer(asked);
      hasWaited = true;
      return throttled;
    };
  };

  /** An export that waits before this path, is changed meanwhile, and runs to its end. */
  const changed = async (
    begins: string,
    change: (world: World) => void,
    options: WorldOptions,
    pages: Pages | ((base: string) => Pages),
  ) => {
    const world = exportWorld(options);
    world.answerWith(waitsBefore(begins, typeof pages === 'function' ? pages(world.base) : pages));
    await world.kickOff();
    const arn = world.start();
    await world.durable.untilPaused();
    change(world);
    await world.durable.finish(arn);
    return { paths: world.asked.map(({ path }) => path), ...(await endOf(world)) };
  };

  const byPayer = ({ dynamo, grantId }: World, scope: string): void => {
    const grants = dynamo.items('Grants');
    grants.set(grantId, { ...grants.get(grantId), scope: { S: scope } });
  };
  const to =
    (scopes: string) =>
    ({ narrowTo }: World): void =>
      narrowTo(...words(scopes));
  const both = 'patient/Patient.rs patient/Observation.rs';
  const searched = byType('Patient', 'Observation');

  /** Changed when its Patient has been read, and before its Observations are. */
  const changedHalfway = (change: (world: World) => void) =>
    changed('/Observation', change, searched, { ...patients, ...observations() });

  it('count as narrowed by the payer too', async () => {
    const left = `${both}?category=laboratory`;
    const { world, outcomes, manifest } = await changedHalfway((one) => byPayer(one, left));

    expect(outcomes).toEqual({ Patient: 'complete 1', Observation: 'incomplete 1' });
    const item = (await world.item())!;
    const publicMessage =
      'The access token no longer allows all that this export has: Observation (now a part of it only). If a refresh brings no more, start another export.';
    expect(() => checkTypes({ manifest, item }, parseScopes(left))).toThrow(expect.objectContaining({ publicMessage }));
  });

  it('leave a type in part that had been read so, though they no longer cover it', async () => {
    const scope = 'patient/Patient.rs patient/Observation.rs?category=laboratory patient/Condition.rs';
    const options = { scope, ...byType('Patient', 'Observation', 'Condition') };
    const toPatient = (world: World): void => byPayer(world, 'patient/Patient.rs patient/Condition.rs');
    const made = await changed('/Condition', toPatient, options, { ...patients, ...observations() });

    expect(made.outcomes).toEqual({ Patient: 'complete 1', Condition: 'complete 0', Observation: 'incomplete 1' });
  });

  it.each([
    ['the payer', (world: World) => byPayer(world, both)],
    ['the operator', to(both)],
  ])('keep the Provenance out if they no longer cover it, so that they open the export: by %s', async (_, change) => {
    const { world, manifest } = await changedHalfway(change);

    const item = (await world.item())!;
    expect(() => checkTypes({ manifest, item }, parseScopes(both))).not.toThrow();
    expect(manifest.files.map(({ type }) => type)).toEqual(['Patient', 'Observation']);
  });

  it('leave out a type that was not read yet, without a request for it', async () => {
    const change = to('launch/patient patient/Patient.rs patient/Condition.rs');
    const options = byType('Patient', 'Condition', 'Observation');
    const made = await changed('/Condition', change, options, { ...patients, ...observations() });

    expect(made.paths.filter((path) => path.startsWith('/Observation'))).toEqual([]);
    expect(made.outcomes).toEqual({ Patient: 'complete 1', Condition: 'complete 0', Observation: 'notRead 0' });
    expect(made.errors).toEqual(['Observation is not complete: the app lost the scope for it while the export ran.']);
  });

  it('end a search in its midst, and what came of it is not complete', async () => {
    const made = await changed('/Observation?page=2', to('patient/Patient.rs'), searched, (base) => ({
      ...patients,
      '/Observation?page=2': pageOf([observation(2)]),
      '/Observation?': pageOf([observation(1)], `${base}/Observation?patient=member-1&page=2`),
    }));

    expect(made).toMatchObject({ status: 'partial', complete: false });
    expect(made.outcomes).toEqual({ Patient: 'complete 1', Observation: 'incomplete 1' });
  });

  const withGoals = { statement: statementOf({ Goal: [] }) };

  it('end $everything in its midst, and no type looks complete', async () => {
    const made = await changed('?page=2', to(both), withGoals, (base) => ({
      '/Patient/': pageOf([memberPatient, observation(1)], `${base}?page=2`),
      '?page=2': pageOf([observation(2)]),
    }));

    expect(made.paths.filter((path) => path === '?page=2')).toHaveLength(1);
    expect(made).toMatchObject({ status: 'partial', complete: false });
    expect(Object.values(made.outcomes)).not.toContain('complete 1');
    expect(made.outcomes).toMatchObject({ Patient: 'incomplete 1', Observation: 'incomplete 1', Goal: 'notRead 0' });
  });

  it('make an export that has not begun to read $everything search by type', async () => {
    const made = await changed('/Patient/', to(both), withGoals, { ...patients, ...observations() });

    const paths = ['/Patient/member-1/$everything', '/Patient?_id=member-1', '/Observation?patient=member-1'];
    expect(made.paths).toEqual(paths);
    expect(made.outcomes).toMatchObject({ Patient: 'complete 1', Observation: 'complete 1', Goal: 'notRead 0' });
  });

  it.each([
    ['by type', { everything: false, wholeRecord: { searches: ['Patient', 'Observation'] } }, ''],
    ['by $everything', { everything: true }, ' patient/*.rs'],
  ])('leave out what they lose before the searches are planned, and name it: %s', async (_, profile, more) => {
    const scope = `${both} patient/Account.rs${more}`;
    const made = await changed(
      '/metadata',
      to('patient/Patient.rs'),
      { scope, profile, statement: 'fromScript' },
      { ...patients, '/metadata': statementOf({ Patient: ['_id'], Observation: ['patient'] }) },
    );

    expect(made).toMatchObject({ status: 'partial', complete: false });
    expect(made.outcomes).toMatchObject({ Patient: 'complete 1', Observation: 'notRead 0', Account: 'notRead 0' });
    expect(made.reasons['Account']).toBe(
      'Account is not complete: the app lost the scope for it while the export ran.',
    );
  });

  const specimens = ['1', '2'].map((id) => ({ resourceType: 'Specimen', id }));
  it.each<[string, string, string, Pages, string]>([
    [
      'of which a search of another type brings resources',
      'Specimen',
      '/Observation?',
      { '/Observation?': pageOf([observation(1), ...specimens]) },
      'Observation?_include=Observation:specimen',
    ],
    [
      'to which the record refers',
      'Practitioner',
      '/Practitioner/1',
      observations(seenBy('Practitioner/1', 'Practitioner/2')),
      'Observation',
    ],
    [
      'to which the record refers only after that',
      'Practitioner',
      '/Observation?',
      observations(seenBy('Practitioner/1', 'Practitioner/2')),
      'Observation',
    ],
    [
      'to which the record refers only after that, elsewhere',
      'Practitioner',
      '/Observation?',
      observations(seenBy('https://elsewhere.example/Practitioner/1')),
      'Observation',
    ],
  ])('name a type %s', async (_, type, begins, pages, search) => {
    const made = await changed(begins, to(both), byType('Patient', search), { ...patients, ...pages });

    expect(made.outcomes).toEqual({ Patient: 'complete 1', Observation: 'complete 1', [type]: 'notRead 0' });
    expect(made.errors).toHaveLength(1);
  });

  it.each([
    ['if it had come', '1', 'complete 1'],
    ['unless it had come', '2', 'incomplete 1'],
  ])('leave a type that was read complete, though the record refers to one after that, %s', async (_, id, outcome) => {
    const made = await changed('/Observation?', to(both), byType('Patient', 'Encounter', 'Observation'), {
      ...patients,
      '/Encounter?': pageOf([{ resourceType: 'Encounter', id: '1', ...ofMember }]),
      ...observations({ encounter: { reference: `Encounter/${id}` } }),
    });

    expect(made.outcomes).toEqual({ Patient: 'complete 1', Observation: 'complete 1', Encounter: outcome });
  });

  it('end the asking for the Provenances of what is searched after that, which are missing', async () => {
    const resource = [{ type: 'Observation', searchRevInclude: ['Provenance:target'] }];
    const statement = fhir({ resourceType: 'CapabilityStatement', rest: [{ mode: 'server', resource }] });
    const options = { ...searched, statement };
    const made = await changed('/Observation?', to(both), options, { ...patients, ...observations() });

    expect(made.paths.filter((path) => path.startsWith('/Observation'))).toEqual([
      '/Observation?patient=member-1&_revinclude=Provenance:target',
      '/Observation?patient=member-1',
    ]);
    expect(made.outcomes).toMatchObject({ Observation: 'complete 1', Provenance: 'notRead 0' });
  });

  it('leave out attachments that had not come, and the type that has them is not complete', async () => {
    const document = {
      resourceType: 'DocumentReference',
      id: '1',
      ...ofMember,
      content: [{ attachment: { url: 'Binary/1' } }],
    };
    const made = await changed(
      '/Binary/1',
      to('patient/Patient.rs patient/DocumentReference.rs'),
      byType('Patient', 'DocumentReference'),
      { ...patients, '/DocumentReference?': pageOf([document]) },
    );

    expect(made.paths.filter((path) => path.startsWith('/Binary'))).toEqual(['/Binary/1']);
    expect(made.outcomes).toEqual({ Patient: 'complete 1', DocumentReference: 'incomplete 1' });
    expect(made.errors).toEqual([
      'Attachments of DocumentReference are missing: the app lost the scope for Binary while the export ran.',
    ]);
  });
});

describe('a type that was asked for', () => {
  const asking = (types: string, scope?: string): WorldOptions => ({
    ...byType('Patient', 'Observation'),
    types: words(types),
    ...(scope === undefined ? {} : { scope }),
  });

  it('and that no search finds is not read, and nothing is complete', async () => {
    const made = await runWith(asking('Practitioner'), {});

    const errors = ['Practitioner is not read: no search finds those of a member, and none came by reference.'];
    expect(made).toMatchObject({ status: 'failed', complete: false, outcomes: { Practitioner: 'notRead 0' }, errors });
    expect(made.world.asked).toEqual([]);
  });

  it.each([
    ['by searches', byType('Patient', 'Observation'), { '/Observation?': pageOf([observation(1)]) }],
    ['by $everything', {}, { '/Patient/': pageOf([observation(1)]) }],
  ])(
    'and that no search finds is complete with none, like one that the scope names, if what may refer to one was read: %s',
    async (_, options, pages) => {
      const asked = { ...options, types: words('Observation Practitioner') };
      const outcomes = { Observation: 'complete 1', Practitioner: 'complete 0' };

      expect(await runWith(asked, pages)).toMatchObject({ status: 'completed', complete: true, errors: [], outcomes });
      const since = { ...asked, since: '2026-01-31T00:00:00Z' };
      expect(await runWith(since, pages)).toMatchObject({ status: 'completed', complete: true, errors: [], outcomes });
    },
  );

  it('and that no search finds may be missing if what may refer to one was not read to its end', async () => {
    const made = await runWith(asking('Observation Practitioner'), { '/Observation?': { status: 403 } });

    expect(made.outcomes).toEqual({ Observation: 'refusedByPayer 0', Practitioner: 'incomplete 0' });
    expect(made.reasons['Practitioner']).toBe(
      'Practitioner may be missing: the record was not read to its end, and what did not come may refer to it.',
    );
  });

  it('and that no search finds is complete if it comes by reference', async () => {
    const options = asking('Observation Practitioner', 'patient/Observation.rs patient/Practitioner.r');
    const pages = { ...observations(seenBy('Practitioner/1')), '/Practitioner/1': practitioner('1') };
    const made = await runWith(options, pages);

    expect(made).toMatchObject({ status: 'completed', complete: true, errors: [] });
    expect(made.outcomes).toEqual({ Observation: 'complete 1', Practitioner: 'complete 1' });
  });

  it('and that no search finds is not complete by a scope without reading', async () => {
    const options = asking('Observation Practitioner', 'patient/Observation.rs patient/Practitioner.s');
    const made = await runWith(options, observations());

    expect(made.outcomes).toEqual({ Observation: 'complete 1', Practitioner: 'incomplete 0' });
    expect(made.complete).toBe(false);
  });
});

it('an export of which the scope let nothing be read is not completed', async () => {
  const made = await runWith(scoped('patient/Goal.r', 'Patient', 'Goal'), {});

  expect(made).toMatchObject({ status: 'failed', complete: false });
  expect(made.outcomes).toEqual({ Patient: 'refusedByScope 0', Goal: 'incomplete 0' });
});

describe('what _typeFilter asks of a payer', () => {
  const asked = {
    ...byType('Observation'),
    types: ['Observation'],
    filters: ['Observation?category=laboratory&_sort=date'],
  };
  const used = '/Observation?patient=member-1';
  it.each([
    ['and its self link leaves out is named, though nothing is missing', used, 1],
    ['and its self link has is used, however it is written', `${used}&category:in=laboratory`, 0],
    ['may be used, if the self link does not have the member either', '/Observation?_count=10', 0],
    ['may be used, if no self link says it', undefined, 0],
  ])('%s', async (_, self, times) => {
    const entry = [{ resource: observation(1) }];
    const made = await runToEnd(
      ({ base }) =>
        () => {
          const link = self === undefined ? [] : [{ relation: 'self', url: `${base}${self}` }];
          return fhir({ resourceType: 'Bundle', type: 'searchset', link, entry });
        },
      asked,
    );

    expect(made.outcomes).toEqual({ Observation: 'complete 1' });
    const said =
      "The payer's own link says that it searched Observation without all that _typeFilter asks for. What came may be beyond that.";
    expect(made.errors).toEqual(Array(times).fill(said));
  });
});

describe('a search whose answer has, as one entry,', () => {
  const held = [{ resource: observation(1) }];
  const holders = {
    'a Bundle': { resourceType: 'Bundle', id: 'b', type: 'searchset', entry: held },
    'a Bundle without an id': { resourceType: 'Bundle', type: 'batch-response', entry: held },
    Parameters: { resourceType: 'Parameters', parameter: [{ name: 'return', ...held[0] }] },
  };
  const scopes = ['patient/*.rs', 'patient/Observation.rs'];
  it.each(Object.keys(holders).flatMap((what) => scopes.map((scope) => [what, scope] as const)))(
    '%s is not complete by a scope of %s: what it searched for may be in there',
    async (what, scope) => {
      const page = pageOf([holders[what as keyof typeof holders]]);
      const made = await runWith(
        { ...scoped(scope, 'Observation'), types: ['Observation', 'Bundle', 'Parameters'] },
        { '/Observation?': page },
      );

      expect(made.outcomes['Observation']).toBe('incomplete 0');
      expect(made.errors).toContain(
        'A resource on page 1 of Observation is left out: it is a Bundle or Parameters in place of the resources that were searched, which it may hold.',
      );
    },
  );
});

describe('a payer that knows the member by another id', () => {
  const theirs = (id: number) => observation(id, { subject: { reference: 'Patient/alias' } });

  it.each([
    ['gives nothing that names the member', [theirs(1)], 0],
    ['gives some that do', [theirs(1), observation(2)], 1],
  ])('%s: the type is incomplete', async (_, found, count) => {
    const made = await runWith(byType('Observation'), {
      '/Patient': pageOf([memberPatient]),
      '/Observation': pageOf(found),
    });
    expect(made.outcomes).toEqual({ Patient: 'complete 1', Observation: `incomplete ${count}` });
    expect(made.status).toBe('partial');
    expect(made.errors).toEqual(['A resource of type Observation on page 1 is left out: it is about another patient.']);
  });

  const recipient = [{ reference: 'Patient/member-1' }];

  it.each([
    ['of its search', 'Observation', {}, 'incomplete 1', ''],
    ['that came along', 'Communication', {}, 'complete 1', ''],
    ['that names the member', 'Communication', { recipient }, 'incomplete 1', ', and names the member'],
  ])("judges a type beside another's resource: %s", async (_, resourceType, more, outcome, says) => {
    const made = await runWith(byType('Observation', 'Communication'), {
      '/Patient': pageOf([memberPatient]),
      '/Observation': pageOf([observation(1), { ...theirs(2), resourceType, ...more }]),
      '/Communication': pageOf([{ resourceType: 'Communication', id: '1', recipient }]),
    });
    expect(made.outcomes).toMatchObject({ [resourceType]: outcome });
    const sentence = `A resource of type ${resourceType} on page 1 is left out: it is about another patient${says}.`;
    expect(made.errors).toEqual([sentence]);
    expect(made.lines.at(-1)).toContain(`<li>${sentence}</li>`);
  });

  it('and whose Patient says so: what is about that id comes, in each leg', async () => {
    const link = [{ type: 'replaces', other: { reference: 'Patient/alias' } }];
    const answered = [throttled, pageOf([theirs(1), observation(2)])];
    const made = await runWith(byType('Observation'), {
      '/Patient': pageOf([{ ...memberPatient, link }]),
      '/Observation': () => answered.shift()!,
    });
    expect(made).toMatchObject({ complete: true, errors: [] });
    expect(made.outcomes).toEqual({ Patient: 'complete 1', Observation: 'complete 2' });
  });

  const linked = { ...memberPatient, link: [{ type: 'refer', other: { reference: 'Patient/alias' } }] };
  const another = 'A resource of type Observation on page 1 is left out: it is about another patient.';
  const early =
    "A resource of type Observation on page 1 is left out: it came before the member's Patient, and is about another id, which may be the member's.";

  it.each<[string, readonly object[], readonly object[], number, readonly string[], number]>([
    ['is read again once the Patient says so', [theirs(1)], [linked], 2, [], 1],
    ['is not read again if it comes once more', [theirs(1)], [linked, theirs(1)], 2, [], 0],
    ['is not read again of another', [theirs(1)], [memberPatient], 1, [another], 0],
    ['is named if it does not come again', [theirs(3)], [linked], 1, [early], 1],
    ['is named beyond the bound', Array.from({ length: 501 }, (_, at) => theirs(at + 10)), [linked], 501, [early], 500],
  ])('gives it before the Patient: it %s', async (_, before, after, count, errors, reads) => {
    const pages = [pageOf(before, '?page=2'), throttled, pageOf([...after, observation(2)])];
    const made = await runToEnd(() => ({ path }) => {
      const id = /^\/Observation\/o-(\d+)$/.exec(path)?.[1];
      if (id !== undefined) return id === '3' ? { status: 404 } : fhir(theirs(Number(id)));
      return (path.includes('$everything') || path.includes('page=2') ? pages.shift() : undefined) ?? pageOf([]);
    });
    expect(made.errors).toEqual(errors);
    expect(made.outcomes).toMatchObject({ Observation: `${errors.length === 0 ? 'complete' : 'incomplete'} ${count}` });
    expect(made.world.asked.filter(({ path }) => path.startsWith('/Observation/'))).toHaveLength(reads);
  });
});

describe('a type of which the payer granted only a part', () => {
  const pages = { '/Patient': pageOf([memberPatient, observation(1)]), ...observations() };

  it.each([
    ['searched', 'patient/Patient.rs patient/Observation.rs?category=laboratory', byType('Patient', 'Observation')],
    ['searched for each letter', 'patient/*.r patient/Patient.s patient/*.s?a=b', byType('Patient', 'Observation')],
    ['in $everything', 'patient/*.rs?_security:not=R patient/Patient.rs', {}],
  ])('is not complete if it is %s', async (_, scope, options) => {
    const made = await runWith({ scope, ...options }, pages);

    expect(made).toMatchObject({ status: 'partial', complete: false });
    expect(made.outcomes).toEqual({ Patient: 'complete 1', Observation: 'incomplete 1' });
    expect(made.errors).toEqual([
      "Observation is not complete: the payer granted only a part of it, as the access token's scope says.",
    ]);
  });
});

describe('a type that the profile searches by parameters that limit it', () => {
  const found = {
    '/Patient': pageOf([memberPatient]),
    '/Observation?patient=member-1&category=laboratory': pageOf([observation(1)]),
    '/Observation?patient=Patient/member-1': pageOf([observation(1)]),
    '/Observation?subject=Patient/member-1': pageOf([observation(1)]),
  };
  const world = (wholeRecord: object, options: WorldOptions = {}) =>
    runWith({ profile: { everything: false, wholeRecord }, ...options }, found);
  const searches = ['Patient', 'Observation?category=laboratory', 'Observation?category=vital-signs&_sort=date'];

  it.each<[string, object, WorldOptions]>([
    ['another search has none, but adds to it', { searches: [...searches, 'Observation?_sort=date'] }, {}],
    ['it is by another form of the usual parameter', { searches: ['Patient', 'Observation?patient={patient}'] }, {}],
    ['it is by the other usual parameter', { searches: ['Patient', 'Observation?subject={patient}'] }, {}],
    ['the profile says that these find all', { searches, exhaustive: ['Observation'] }, {}],
    [
      'only what one of them finds was asked for',
      { searches },
      { filters: ['Observation?category=laboratory&code=a'] },
    ],
  ])('is complete if %s', async (_, wholeRecord, options) => {
    const outcomes = { Observation: 'complete 1' };
    expect(await world(wholeRecord, options)).toMatchObject({ complete: true, outcomes });
  });

  it.each<[string, WorldOptions]>([
    ['', {}],
    [', whatever else was asked for', { filters: ['Observation?category=laboratory', 'Observation?code=a'] }],
  ])('is not complete otherwise, and its reason names them%s', async (_, options) => {
    const made = await world({ searches }, options);

    expect(made).toMatchObject({ status: 'partial', outcomes: { Observation: 'incomplete 1', Patient: 'complete 1' } });
    expect(made.reasons['Observation']).toBe(
      'Observation is not complete: the gateway searches this payer for a part of it only, by category=laboratory, category=vital-signs.',
    );
  });

  it('has another reason first if one of its searches is refused', async () => {
    const pages = { '/Patient': pageOf([memberPatient]), '/Observation': { status: 400 } };
    const made = await runWith(byType(...searches), pages);

    expect(made.outcomes['Observation']).toBe('refusedByPayer 0');
  });

  it('is not complete by a search in place of $everything either, unless a search of its own follows', async () => {
    const substitute = 'Observation?category=laboratory&_include=Observation:performer';
    const pages = { ...found, '/Observation': pageOf([observation(1), observation(2)]) };
    const profile = { everything: false, wholeRecord: { substitute } };

    const alone = await runWith({ profile, statement: statementOf({ Patient: ['_id'] }) }, pages);
    expect(alone.outcomes).toEqual({ Patient: 'complete 1', Observation: 'incomplete 1' });
    const followed = await runWith({ profile, statement: statementOf({ Observation: ['patient'] }) }, pages);
    expect(followed.outcomes).toEqual({ Patient: 'complete 1', Observation: 'complete 2' });
  });
});
