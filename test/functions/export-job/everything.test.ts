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
import { byType, runWith } from './end-of.ts';

describe('an export by $everything', () => {
  it('gives every resource of every page once, in files by type', async () => {
    const world = exportWorld();
    world.answerWith(({ path }) => {
      if (path.includes('page=3')) return pageOf([observation(3)]);
      if (path.includes('page=2'))
        return pageOf([observation(2), observation(1)], `${world.base}?page=3`, { total: 4 });
      return pageOf([memberPatient, observation(1)], `${world.base}?page=2`);
    });

    const { status, result } = await world.run();

    expect({ status, result }).toEqual({ status: 'SUCCEEDED', result: { status: 'completed', resources: 4 } });
    const { resources, errors, manifest } = await world.record();
    expect(resources['Patient']!.map(({ id }) => id)).toEqual(['member-1']);
    expect(resources['Observation']!.map(({ id }) => id)).toEqual(['o-1', 'o-2', 'o-3']);
    expect(errors).toEqual([]);
    expect(manifest.outcomes.map(({ type, outcome, count }) => [type, outcome, count])).toEqual([
      ['Patient', 'complete', 1],
      ['Observation', 'complete', 3],
    ]);
    expect(world.asked.map(({ path }) => path)).toEqual(['/Patient/member-1/$everything', '?page=2', '?page=3']);
  });
});

it('an export says in one Provenance from whom, when and of whom its record is, and what is missing', async () => {
  const world = exportWorld({ startMs: Date.parse('2026-01-01T10:00:00Z') });
  world.answerWith(async ({ path }) => {
    if (path.includes('page=2')) return { status: 403 };
    await world.durable.sleep(5000);
    const { body, headers } = pageOf([memberPatient], `${world.base}?page=2`);
    return { body: body!, headers: { ...headers, date: 'Thu, 01 Jan 2026 10:00:15 GMT' } };
  });

  await world.run();

  const [provenance, ...others] = (await world.record()).resources['Provenance']!;
  expect(others).toEqual([]);
  const facade = 'http://localhost:3000/r4/northwind';
  expect(provenance).toMatchObject({
    target: [{ reference: `${facade}/Patient/member-1` }],
    occurredPeriod: { start: '2026-01-01T10:00:00.000Z', end: '2026-01-01T10:00:05.000Z' },
    recorded: '2026-01-01T10:00:05.000Z',
    agent: [
      { who: { identifier: { value: 'http://localhost:3000' } } },
      { who: { identifier: { value: facade }, display: world.payer.displayName } },
    ],
    text: { div: expect.stringContaining('<li>Page 2 of $everything could not be read: ') as string },
  });
});

describe('while it reads everything', () => {
  it('the export says how many resources the payer has, then how many types are done, of those that it searches', async () => {
    const world = exportWorld({ statement: statementOf({ Observation: [], Goal: [], Claim: [] }) });
    const seen: unknown[] = [];
    const waited = new Set<string>();
    world.answerWith(async ({ path }) => {
      if (path.includes('$everything')) return pageOf([memberPatient], `${world.base}?page=2`, { total: 2 });
      const name = path.replace(/\?.*patient=.*/, '');
      if (waited.has(name)) return pageOf(name === '?page=2' ? [observation(1)] : []);
      waited.add(name);
      // Longer than a leg waits, so that the leg ends before each of these.
      const { resourcesTotal, typesDone, typesTotal } = (await world.item())!;
      seen.push([name, resourcesTotal, typesDone, typesTotal]);
      return { status: 429, headers: { 'retry-after': '60' } };
    });

    await world.run();

    expect(seen).toEqual([
      ['?page=2', undefined, undefined, undefined],
      ['/Goal', 2, 0, 3],
      ['/Claim', undefined, 1, 3],
    ]);
    expect(await world.item()).toMatchObject({ typesDone: 3, typesTotal: 3 });
  });
});

/** A payer with this answer to `$everything`, which also answers searches for Patient and Observation. */
const worldWith = (everything: (page: number) => Sent, options: WorldOptions = {}) => {
  const world = exportWorld(options);
  world.answerWith(({ path }) => {
    if (path.includes('$everything')) return everything(1);
    if (path.startsWith('?page=2')) return everything(2);
    if (path.startsWith('/Goal') && options.statement !== undefined) return { status: 403 };
    if (path.startsWith('/Patient')) return pageOf([memberPatient]);
    return pageOf(path.startsWith('/Observation') ? [observation(1)] : []);
  });
  return world;
};

describe('an export by $everything from a payer that says which types it has', () => {
  const claim = { resourceType: 'Claim', id: 'c', patient: { reference: 'Patient/member-1' } };
  const declaredTypes = statementOf({ Patient: ['_id'], Observation: ['patient'], Claim: ['patient'] });
  const declared = (claims: Sent, everything: Sent, statement = declaredTypes) =>
    runWith({ statement }, ({ path }) =>
      path.includes('$everything') ? everything : path.startsWith('/Claim?') ? claims : pageOf([]),
    );

  it('searches each of which nothing came', async () => {
    const made = await declared(pageOf([claim]), pageOf([memberPatient, observation(1)]));

    expect(made.outcomes).toEqual({ Patient: 'complete 1', Observation: 'complete 1', Claim: 'complete 1' });
    expect(made.world.asked.map(({ path }) => path)).toEqual([
      '/Patient/member-1/$everything',
      '/Claim?patient=member-1',
    ]);
  });

  it.each([
    ['can read what the payer has', { status: 404 }],
    ['knows it, since its statement lists no types', statementOf({})],
    [
      'knows it, since its statement lists them twice',
      { ...declaredTypes, body: declaredTypes.body!.replace('{', '{"rest":[],').replace('"Claim"', '"Flag"') },
    ],
  ])("searches each that may be a patient's if nobody %s", async (_, statement) => {
    const made = await declared(pageOf([claim]), pageOf([memberPatient, observation(1)]), statement);

    expect(made.outcomes).toMatchObject({ Observation: 'complete 1', Claim: 'complete 1', Provenance: 'incomplete 0' });
  });

  const account = { resourceType: 'Account', id: 'a', subject: [{ reference: 'Patient/member-1' }] };
  const claims = { statement: statementOf({ Patient: ['_id'], Claim: ['patient'] }) };
  const inPlace = { profile: { everything: false, wholeRecord: { substitute: 'Claim?_include=*' } } };
  it.each<[string, WorldOptions]>([
    ['by _type', { types: ['Patient', 'Claim', 'Account'] }],
    ['by the scope', { scope: 'patient/*.rs patient/Account.rs' }],
    ['by _type, after a search in place of $everything', { types: ['Claim', 'Account'], ...inPlace }],
    ['by the scope, after a search in place of $everything', { scope: 'patient/*.rs patient/Account.rs', ...inPlace }],
  ])('searches each that is named though the payer does not declare it: %s', async (_, options) => {
    const answers = async (accounts: Sent) =>
      runWith({ ...claims, ...options }, ({ path }) => {
        if (path.includes('$everything')) return pageOf([memberPatient, claim]);
        if (path.startsWith('/Patient?')) return pageOf([memberPatient]);
        if (path.startsWith('/Claim?')) return pageOf([claim]);
        return path.startsWith('/Account?') ? accounts : pageOf([]);
      });

    expect(await answers(pageOf([account]))).toMatchObject({ complete: true, outcomes: { Account: 'complete 1' } });
    expect(await answers({ status: 404 })).toMatchObject({
      complete: false,
      outcomes: { Account: 'refusedByPayer 0', Claim: 'complete 1' },
    });
  });

  it('names each of which nothing came and that it may not search', async () => {
    const made = await declared({ status: 403 }, pageOf([memberPatient, observation(1)]));

    expect(made).toMatchObject({ complete: false, outcomes: { Claim: 'refusedByPayer 0' } });
    expect(made.reasons['Claim']).toBe('The payer refused Claim with status 403.');
  });

  const outcomeOf = (code: string) => ({ resourceType: 'OperationOutcome', issue: [{ severity: 'error', code }] });

  it.each<[string, Sent]>([
    ['a remark says so', pageOf([memberPatient, observation(1), outcomeOf('incomplete')])],
    ['its total does', pageOf([memberPatient, observation(1)], undefined, { total: 4 })],
    ['a page cannot be read', pageOf([memberPatient, observation(1)], 'https://elsewhere.example/page')],
    ['it is withheld', fhir(outcomeOf('suppressed'))],
  ])(
    'searches each if something is missing, and is not complete, since nobody knows what: %s',
    async (_, everything) => {
      const searched = ({ path }: { readonly path: string }): Sent => {
        if (path.includes('$everything')) return everything;
        if (path.startsWith('/Claim?')) return pageOf([claim]);
        return pageOf(path.startsWith('/Patient') ? [memberPatient] : path.startsWith('/Obs') ? [observation(1)] : []);
      };
      const statement = declaredTypes;
      const made = await runWith({ statement }, searched);

      expect(made).toMatchObject({ complete: false, outcomes: { Observation: 'complete 1', Claim: 'complete 1' } });
      expect(made.errors).toHaveLength(1);
      const asked = await runWith({ statement, types: ['Patient', 'Claim'] }, searched);
      expect(asked.complete).toBe(true);
    },
  );
});

describe('a type that the payer does not declare, and that no one names,', () => {
  const declared = statementOf({ Patient: ['_id'], Observation: ['patient'] });
  it.each([
    [404, undefined, declared],
    [404, undefined, { status: 404 }],
    [400, 'The payer refused Goal with status 400.', declared],
    [405, 'The payer refused Goal with status 405.', { status: 404 }],
  ])(
    'is left out of the account if its search is answered with %s, and nothing else',
    async (status, reason, statement) => {
      const { complete, reasons } = await runWith({ statement, profile: { everything: false } }, ({ path }) =>
        path.startsWith('/Goal') ? { status } : pageOf(path.startsWith('/Patient') ? [memberPatient] : []),
      );

      expect([complete, reasons['Goal']]).toEqual([reason === undefined, reason]);
    },
  );
});

const nothingFound = fhir({ resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'not-found' }] });
it.each<[string, Sent, Sent?]>([
  ['404', { status: 404 }],
  ['404, not-found,', { ...nothingFound, status: 404 }],
  ['404, also of a type that it declares,', { status: 404 }, statementOf({ Observation: ['patient'] })],
])(
  'an export of what changed is not complete if the payer answers %s to everything',
  async (_, answer, statement = { status: 404 }) => {
    const made = await runWith({ statement, since: '2026-01-01T00:00:00Z' }, () => answer);

    expect(made).toMatchObject({ status: 'failed', complete: false, outcomes: { Observation: 'notRead 0' } });
    // Nothing was refused (https://hl7.org/fhir/R4/http.html#search: 404 is for a type that a server does not have).
    expect(made.reasons['Observation']).toBe(
      "The payer answered a search of Observation with status 404, and gave nothing of the member's: it may not have the type, have none of it, or not know the member.",
    );
  },
);

/** An OperationOutcome with these codes, in place of what was asked for. */
const refusal = (status: number, ...codes: readonly string[]): Sent => {
  const issue = codes.map((code) => ({ severity: 'error', code }));
  return { ...fhir({ resourceType: 'OperationOutcome', issue }), status };
};

describe('what only names the member as its sender, at a payer whose statement cannot be read,', () => {
  const sent = { resourceType: 'Communication', id: 'c', sender: { reference: 'Patient/member-1' } };
  const others = { resourceType: 'Communication', id: 'o', subject: { reference: 'Patient/other' } };
  const remark = (severity: string) => ({
    resourceType: 'OperationOutcome',
    issue: [{ severity, code: 'not-supported' }],
  });
  it.each<[string, Sent, string]>([
    ['comes', pageOf([sent]), 'complete 1'],
    ['is nothing that is missing if the payer does not know the parameter', { status: 400 }, 'complete 0'],
    ['nor if it answers 404', { status: 404 }, 'complete 0'],
    ['is missing if the payer refuses it', { status: 403 }, 'refusedByPayer 0'],
    [
      "is nothing that is missing if the payer ignores the parameter, and gives others'",
      pageOf([others]),
      'complete 0',
    ],
    ['nor if it remarks that it ignores it', pageOf([remark('warning')]), 'complete 0'],
    ['nor if it says that it does not know it with status 200', fhir(remark('error')), 'complete 0'],
    ['is missing if it says with status 200 that it may not give it', refusal(200, 'forbidden'), 'refusedByPayer 0'],
  ])('%s', async (_, answer, outcome) => {
    const made = await runWith(
      { statement: { status: 404 }, profile: { everything: false }, types: ['Patient', 'Communication'] },
      ({ path }) => (path.includes('sender=') ? answer : pageOf(path.startsWith('/Patient') ? [memberPatient] : [])),
    );

    expect(made.outcomes['Communication']).toBe(outcome);
  });

  const unread = (more: object) => ({
    resourceType: 'Communication',
    id: 'u',
    subject: { identifier: { value: '7' } },
    ...more,
  });
  it.each([
    ['it names the member', { sender: { reference: 'Patient/member-1' } }, 'incomplete 0', ''],
    [
      'only named if it does not: the payer may have ignored the parameter',
      {},
      'complete 0',
      ' It does not name the member, in answer to a search by a parameter that the payer may not know.',
    ],
  ])('is missing if whom it is about cannot be read, and %s', async (_, more, outcome, said) => {
    const made = await runWith(
      { statement: { status: 404 }, profile: { everything: false }, types: ['Patient', 'Communication'] },
      ({ path }) =>
        pageOf(path.startsWith('/Patient') ? [memberPatient] : path.includes('sender=') ? [unread(more)] : []),
    );

    expect(made.outcomes['Communication']).toBe(outcome);
    expect(made.errors).toEqual([
      `A resource of type Communication on page 1 is left out: whom it is about cannot be read.${said}`,
    ]);
  });

  it("is nothing that is missing if the payer gives others' before the member's Patient", async () => {
    const made = await runWith(
      { statement: { status: 404 }, profile: { everything: false }, types: ['Patient', 'Communication'] },
      ({ path }) =>
        path.startsWith('/Patient/') ? fhir(memberPatient) : pageOf(path.includes('sender=') ? [others] : []),
    );

    expect(made).toMatchObject({ complete: true, errors: [] });
  });
});

// https://hl7.org/fhir/us/core/StructureDefinition-us-core-provenance.html
describe("the Provenances of the member's resources", () => {
  const provenance = (id: string, target: string) => ({
    resourceType: 'Provenance',
    id,
    target: [{ reference: target }],
  });
  const [ofPatient, ofObservation] = [provenance('p', 'Patient/member-1'), provenance('o', 'Observation/o-1')];
  const brought = '_revinclude=Provenance:target';
  const declares = (...types: readonly string[]): Sent => {
    const resource = ['Patient', 'Observation', 'Provenance'].map((type) =>
      Object.assign({ type }, types.includes(type) && { searchRevInclude: ['Provenance:target'] }),
    );
    return fhir({ resourceType: 'CapabilityStatement', rest: [{ mode: 'server', resource }] });
  };
  const withIncluded = (resource: object, included: object): Sent =>
    fhir({
      resourceType: 'Bundle',
      type: 'searchset',
      total: 1,
      entry: [{ resource }, { resource: included, search: { mode: 'include' } }],
    });
  const run = (statement: Sent, options: WorldOptions = {}, refused = 'none', status = 400) =>
    runWith(
      { statement, types: ['Patient', 'Observation', 'Provenance'], profile: { everything: false }, ...options },
      ({ path }) => {
        if (path.includes('$everything')) return pageOf([memberPatient, observation(1)]);
        if (path.includes(refused)) return { status };
        if (path.startsWith('/Provenance')) return pageOf([ofPatient]);
        const isPatient = path.startsWith('/Patient');
        const resource = isPatient ? memberPatient : observation(1);
        if (!path.includes(brought)) return pageOf([resource]);
        return withIncluded(resource, isPatient ? ofPatient : ofObservation);
      },
    );
  const idsOf = ({ lines }: Awaited<ReturnType<typeof run>>): readonly string[] =>
    lines.flatMap((line) => /"resourceType":"Provenance","id":"(\w)"/.exec(line)?.[1] ?? []);

  it.each([
    ['by the searches that bring them', {}],
    ['after $everything, if that brought none', { profile: { everything: true } }],
    ['with a time', { since: '2020-01-01T00:00:00Z' }],
  ])('come once, and are complete: %s', async (_, options) => {
    const made = await run(declares('Patient', 'Observation'), options);

    expect(made).toMatchObject({ complete: true, outcomes: { Observation: 'complete 1', Provenance: 'complete 2' } });
    expect(idsOf(made).toSorted()).toEqual(['o', 'p']);
  });

  it('are complete if the payer does not know a parameter of one search of what they are about', async () => {
    const communication = { resourceType: 'Communication', id: 'c', subject: { reference: 'Patient/member-1' } };
    const resource = ['Patient', 'Communication', 'Provenance'].map((type) => ({
      type,
      searchRevInclude: ['Provenance:target'],
    }));
    // What it imports may declare more.
    const imports = ['https://payer.example/more'];
    const made = await runWith(
      {
        statement: fhir({ resourceType: 'CapabilityStatement', imports, rest: [{ mode: 'server', resource }] }),
        types: ['Patient', 'Communication', 'Provenance'],
        profile: { everything: false },
      },
      ({ path }) => {
        if (path.startsWith('/Provenance')) return pageOf([ofPatient]);
        if (path.startsWith('/Patient')) return withIncluded(memberPatient, ofPatient);
        if (/[?&](?:sender|recipient)=/.test(path)) return { status: 400 };
        return withIncluded(communication, provenance('o', 'Communication/c'));
      },
    );

    expect(made.world.asked.some(({ path }) => path.includes('sender='))).toBe(true);
    expect(made).toMatchObject({ complete: true, outcomes: { Communication: 'complete 1', Provenance: 'complete 2' } });
  });

  // What `_since` and `_until` ask of each resource is when the payer last changed it (https://hl7.org/fhir/R4/search.html#lastUpdated).
  const [before, time, after] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z'];
  it.each([
    ['_since, and they are from before', { since: time }, after, before],
    ['_until, and they are from after', { until: time }, before, after],
  ])('do not come with %s what they are about: nothing is missing', async (_, times, ofTarget, own) => {
    const at = (lastUpdated: string) => ({ meta: { lastUpdated } });
    const made = await runWith(
      {
        statement: declares('Patient', 'Observation'),
        types: ['Patient', 'Observation', 'Provenance'],
        profile: { everything: false },
        ...times,
      },
      ({ path }) => {
        if (path.startsWith('/Provenance')) return pageOf([ofPatient]);
        if (path.startsWith('/Patient')) return withIncluded(memberPatient, ofPatient);
        return withIncluded(observation(1, at(ofTarget)), { ...ofObservation, ...at(own) });
      },
    );

    expect(idsOf(made)).toEqual(['p']);
    expect(made).toMatchObject({ complete: true, errors: [], outcomes: { Provenance: 'complete 1' } });
  });

  it('are complete without a search of their own, which US Core does not ask for', async () => {
    const made = await run(declares('Patient', 'Observation'), {}, '/Provenance', 403);

    expect(made).toMatchObject({ complete: true, outcomes: { Provenance: 'complete 2' } });
  });

  // https://hl7.org/fhir/R4/http.html#search, and R4's issue types: https://hl7.org/fhir/R4/valueset-issue-type.html
  it.each<[string, Sent, string]>([
    ['400', { status: 400 }, 'complete 0'],
    ['404', { status: 404 }, 'complete 0'],
    ['not-supported', refusal(200, 'not-supported'), 'complete 0'],
    ['401', { status: 401 }, 'refusedByPayer 0'],
    ['403', { status: 403 }, 'refusedByPayer 0'],
    ['451', { status: 451 }, 'refusedByPayer 0'],
    ['forbidden', refusal(200, 'forbidden'), 'refusedByPayer 0'],
    ['suppressed', refusal(200, 'suppressed'), 'refusedByPayer 0'],
    ['security, beside not-supported', refusal(200, 'not-supported', 'security'), 'refusedByPayer 0'],
    ['a code that R4 does not have', refusal(200, 'made-up'), 'refusedByPayer 0'],
  ])('of which none came are judged by how the payer refuses their own search: %s', async (_, answer, outcome) => {
    const made = await runWith(
      {
        statement: declares('Patient', 'Observation'),
        types: ['Patient', 'Observation', 'Provenance'],
        profile: { everything: false },
      },
      ({ path }) => {
        if (path.startsWith('/Provenance')) return answer;
        return pageOf([path.startsWith('/Patient') ? memberPatient : observation(1)]);
      },
    );

    expect(made.outcomes).toEqual({ Patient: 'complete 1', Observation: 'complete 1', Provenance: outcome });
  });

  it.each<[string, Sent]>([
    ['404', { status: 404, headers: { 'content-type': 'text/html' }, body: 'no' }],
    ['404, not-supported', { ...refusal(200, 'not-supported'), status: 404 }],
    ['404, not-found', { ...refusal(200, 'not-found'), status: 404 }],
    ['400', { status: 400 }],
    ['not-supported', refusal(200, 'not-supported')],
  ])(
    'may be missing if no statement could be read, though the payer answers their own search %s',
    async (_, answer) => {
      const made = await runWith({ statement: { status: 404 }, profile: { everything: false } }, ({ path }) => {
        if (path.startsWith('/Provenance')) return answer;
        if (path.startsWith('/Patient')) return pageOf([memberPatient]);
        return path.startsWith('/Observation') ? pageOf([observation(1)]) : { status: 404 };
      });

      expect(made.outcomes).toEqual({ Patient: 'complete 1', Observation: 'complete 1', Provenance: 'incomplete 0' });
      expect(made.errors).toEqual([
        'Provenance is not complete: a search by patient finds those of the Patient only, and no CapabilityStatement that the gateway could read says whether a search of Observation brings theirs (_revinclude=Provenance:target).',
      ]);
    },
  );

  it.each([
    [
      'the payer does not declare that a search brings them',
      'Patient',
      'none',
      'does not declare that a search of Observation',
    ],
    [
      'the payer refuses such a search, which is asked without',
      'Observation',
      brought,
      'a search of Observation that brings theirs failed',
    ],
  ])('are incomplete if %s', async (_, type, refused, why) => {
    const made = await run(declares(type), {}, refused);

    expect(made.outcomes).toEqual({ Patient: 'complete 1', Observation: 'complete 1', Provenance: 'incomplete 1' });
    expect(made.reasons['Provenance']).toContain(why);
  });

  const suppressed = { resourceType: 'OperationOutcome', issue: [{ severity: 'warning', code: 'suppressed' }] };
  const subsetted = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' };
  it.each<[string, object]>([
    ['by a remark', { entry: [{ resource: suppressed, search: { mode: 'outcome' } }] }],
    ['by a label of the page', { entry: [], meta: { tag: [subsetted] } }],
  ])(
    'are incomplete if a search that does not bring them found nothing, and kept something back: %s',
    async (_, page) => {
      const made = await runWith(
        {
          statement: declares('Patient'),
          types: ['Patient', 'Observation', 'Provenance'],
          profile: { everything: false },
        },
        ({ path }) => {
          if (path.startsWith('/Provenance')) return pageOf([ofPatient]);
          if (path.startsWith('/Patient')) return withIncluded(memberPatient, ofPatient);
          return fhir({ resourceType: 'Bundle', type: 'searchset', ...page });
        },
      );

      expect(made.outcomes).toMatchObject({ Provenance: 'incomplete 1' });
    },
  );

  it('are incomplete without a statement that says whether a search brings them', async () => {
    const made = await run({ status: 404 });

    expect(made.outcomes).toMatchObject({ Observation: 'complete 1', Provenance: 'incomplete 1' });
    expect(made.reasons['Provenance']).toContain(
      'no CapabilityStatement that the gateway could read says whether a search of Observation brings theirs',
    );
  });

  it.each([
    ['names the parameters that were used, and not that one', '/Observation?patient=member-1', 'incomplete 1'],
    ['names that one, too', `/Observation?patient=member-1&${brought}`, 'complete 1'],
    ['does not say that the search was for the member', '/Observation', 'complete 1'],
  ])('of a search that brought none are judged by its self link, which %s', async (_, self, outcome) => {
    const made = await runWith(
      {
        statement: declares('Patient', 'Observation'),
        types: ['Patient', 'Observation', 'Provenance'],
        profile: { everything: false },
      },
      ({ path }, { base }) => {
        if (path.startsWith('/Provenance')) return pageOf([ofPatient]);
        if (path.startsWith('/Patient')) return withIncluded(memberPatient, ofPatient);
        return pageOf([observation(1)], undefined, { link: [{ relation: 'self', url: base + self }] });
      },
    );

    expect(made.outcomes['Provenance']).toBe(outcome);
    if (outcome !== 'complete 1')
      expect(made.reasons['Provenance']).toContain(
        `the payer does not say that a search of Observation brought theirs (${brought})`,
      );
  });

  const notFound = (path: string): Sent =>
    path.startsWith('/Patient') ? refusal(403, 'forbidden') : refusal(404, 'not-found');
  it.each<[string, Sent, string, (path: string) => Sent | undefined, object?]>([
    [
      'the payer brings none, says 404 if it finds none, and gives the Patient to no search',
      declares(),
      'the payer does not declare that a search of Observation brings theirs',
      (path) => (/^\/(?:Patient\?|Provenance)/.test(path) ? notFound(path) : undefined),
    ],
    [
      'the search that brings them is refused',
      declares('Patient', 'Observation'),
      'a search of Observation that brings theirs did not end',
      (path) => (path.startsWith('/Observation') ? { status: 403 } : undefined),
    ],
    [
      'the search that brings them is never answered',
      declares('Patient', 'Observation'),
      'a search of Observation that brings theirs did not end',
      (path) => (path.startsWith('/Observation') ? { status: 500 } : undefined),
    ],
    [
      'the scope covers no search of what they are about',
      declares('Patient', 'Observation'),
      "the access token's scope does not cover a search of Observation, which brings theirs",
      () => undefined,
      { scope: 'patient/Patient.rs patient/Observation.r patient/Provenance.rs' },
    ],
    [
      'what they are about came by a reference only, though its search had ended',
      declares('Patient', 'Observation'),
      'a search of Observation that brings theirs did not find all',
      (path) => {
        if (path.startsWith('/Observation?'))
          return pageOf([observation(1, { hasMember: [{ reference: 'Observation/o-2' }] })]);
        return path === '/Observation/o-2' ? fhir(observation(2)) : undefined;
      },
    ],
  ])('are incomplete if %s', async (_, statement, why, answer, options = {}) => {
    const usual: PayerScript = ({ path }) => {
      if (path === '/Patient/member-1') return fhir(memberPatient);
      if (path.startsWith('/Patient')) return withIncluded(memberPatient, ofPatient);
      return pageOf([path.startsWith('/Provenance') ? ofPatient : observation(1)]);
    };
    const made = await runWith(
      { statement, types: ['Patient', 'Observation', 'Provenance'], profile: { everything: false }, ...options },
      (asked) => answer(asked.path) ?? usual(asked),
    );

    expect(made.outcomes['Provenance']).toMatch(/^incomplete/);
    expect(made.reasons['Provenance']).toContain(why);
  });

  it.each([
    [
      'the payer granted only a part of what they are about',
      'the payer granted only a part of Observation',
      { scope: 'patient/Patient.rs patient/Observation.rs?category=laboratory patient/Provenance.rs' },
    ],
    [
      'the profile searches only a part of it',
      'the gateway searches this payer for a part of Observation only',
      { profile: { everything: false, wholeRecord: { searches: ['Observation?category=laboratory'] } } },
    ],
  ])('are incomplete if %s', async (_, why, options) => {
    const made = await run(declares('Patient', 'Observation'), options);

    expect(made.outcomes).toMatchObject({ Observation: 'incomplete 1', Provenance: 'incomplete 2' });
    expect(made.reasons['Provenance']).toBe(
      `Provenance is not complete: a search by patient finds those of the Patient only, and ${why}.`,
    );
  });

  // `$everything` brought the Observation. It is searched for its Provenances only.
  it.each<[string, Sent]>([
    ['400', refusal(400, 'not-supported')],
    ['403', refusal(403, 'forbidden')],
    ['404', { status: 404 }],
    ['500', { status: 500 }],
    ['200 with an OperationOutcome', refusal(200, 'not-supported')],
  ])(
    'alone are incomplete if the payer answers %s to the search that brings them after $everything',
    async (_, answer) => {
      const made = await runWith(
        { statement: declares('Observation'), types: ['Patient', 'Observation', 'Provenance'] },
        ({ path }) => {
          if (path.includes('$everything')) return pageOf([memberPatient, observation(1)]);
          return path.startsWith('/Observation') ? answer : pageOf([]);
        },
      );

      expect(made.outcomes).toEqual({ Patient: 'complete 1', Observation: 'complete 1', Provenance: 'incomplete 0' });
      expect(made.reasons['Provenance']).toContain('that brings theirs');
      expect(made.world.asked.some(({ path }) => path === '/Observation?patient=member-1')).toBe(false);
    },
  );

  it('are complete though a search by another parameter, after $everything, is answered 404 since it finds nothing', async () => {
    const communication = { resourceType: 'Communication', id: 'c', subject: { reference: 'Patient/member-1' } };
    const searchParam = [{ name: 'patient' }, { name: 'sender' }];
    const resource = [{ type: 'Communication', searchParam, searchRevInclude: ['Provenance:target'] }];
    const made = await runWith(
      {
        statement: fhir({ resourceType: 'CapabilityStatement', rest: [{ mode: 'server', resource }] }),
        types: ['Patient', 'Communication', 'Provenance'],
      },
      ({ path }) => {
        if (path.includes('$everything')) return pageOf([memberPatient, communication]);
        if (path.startsWith('/Communication?patient')) return pageOf([communication]);
        return path.includes('sender=') ? refusal(404, 'not-found') : pageOf([]);
      },
    );

    expect(made.outcomes).toMatchObject({ Communication: 'complete 1', Provenance: 'complete 0' });
  });

  // The payer has Provenances: it declares that a search brings them.
  it.each<[string, Sent | undefined, string]>([
    ['refuses the search that brings them', { status: 400 }, 'a search of Observation that brings theirs failed'],
    ['never answers the search that brings them', { status: 500 }, 'a search of Observation that brings theirs failed'],
    [
      'leaves that out of its self link',
      undefined,
      'the payer does not say that a search of Observation brought theirs',
    ],
  ])('are named as missing though the payer lists no such resource, if it %s', async (_, answer, why) => {
    const resource = ['Patient', 'Observation'].map((type) => ({ type, searchRevInclude: ['Provenance:target'] }));
    const made = await runWith(
      {
        statement: fhir({ resourceType: 'CapabilityStatement', rest: [{ mode: 'server', resource }] }),
        profile: { everything: false },
      },
      ({ path }, { base }) => {
        if (path.startsWith('/Patient')) return pageOf([memberPatient]);
        if (answer !== undefined && path.includes(brought)) return answer;
        const self = `${base}/Observation?patient=member-1`;
        return pageOf([observation(1)], undefined, { link: [{ relation: 'self', url: self }] });
      },
    );

    expect(made.complete).toBe(false);
    expect(made.outcomes).toMatchObject({ Observation: 'complete 1', Provenance: 'incomplete 0' });
    expect(made.reasons['Provenance']).toContain(why);
  });

  it('are incomplete if nothing else was asked for', async () => {
    const made = await run(declares('Patient', 'Observation'), { types: ['Provenance'] });

    expect(made.outcomes).toEqual({ Provenance: 'incomplete 1' });
  });
});

describe('one of the member’s that came by a reference only', () => {
  const missed =
    'Observation/o-9 came only because the record refers to it: a search of Observation had ended without it';
  const report = { resourceType: 'DiagnosticReport', id: 'd', subject: { reference: 'Patient/member-1' } };
  const run = (nine: object, options: WorldOptions = {}) =>
    runWith({ ...byType('Patient', 'Observation', 'DiagnosticReport'), ...options }, ({ path }) => {
      if (path === '/Observation/o-9') return fhir({ ...observation(9), ...nine });
      if (path.startsWith('/DiagnosticReport'))
        return pageOf([{ ...report, result: [{ reference: 'Observation/o-9' }] }]);
      return pageOf([path.startsWith('/Observation') ? observation(1) : memberPatient]);
    });

  it('makes its type incomplete: the search that had ended did not find all', async () => {
    const made = await run({});

    expect(made).toMatchObject({ complete: false, outcomes: { Observation: 'incomplete 2' } });
    expect(made.reasons['Observation']).toContain(missed);
  });

  it.each([
    ['was limited by a time', {}, { since: '2020-01-01T00:00:00Z' }],
    [
      'was granted in part',
      {},
      { scope: 'patient/Patient.rs patient/DiagnosticReport.rs patient/Observation.rs?category=laboratory' },
    ],
    ['is for what names a patient', { subject: undefined }, {}],
    ['covers a part only', {}, byType('Patient', 'Observation?category=laboratory', 'DiagnosticReport')],
  ])('says nothing of a search that %s', async (_, nine, options) => {
    const made = await run(nine, options);

    expect(made.ids).toContain('o-9');
    expect(made.errors.join()).not.toContain(missed);
  });
});

// https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.response.outcome
it('a remark beside a resource counts as one among them', async () => {
  const outcome = { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'incomplete' }] };
  const entry = [{ resource: memberPatient }, { resource: observation(1), response: { status: '206', outcome } }];
  const made = await runWith({}, () => fhir({ resourceType: 'Bundle', type: 'searchset', entry }));

  expect(made).toMatchObject({ complete: false, outcomes: { Observation: 'incomplete 1' } });
});

describe("the member's Patient", () => {
  const readById: PayerScript = ({ path }) => {
    if (path === '/Patient/member-1') return fhir(memberPatient);
    return path.startsWith('/Patient') ? { status: 400 } : pageOf([]);
  };
  const statement = statementOf({ Patient: ['_id'], Observation: ['patient'] });

  it.each([
    ['the payer takes no search of it', 'patient/*.rs'],
    ['the scope permits no search of it', 'patient/Patient.r patient/Observation.rs'],
    ['no answer to a search of it can be read', 'patient/*.rs', { status: 500 }],
    ['a search of it is answered with the Patient itself', 'patient/*.rs', fhir(memberPatient)],
    ['a search of it is answered in XML', 'patient/*.rs', { headers: { 'content-type': 'application/fhir+xml' } }],
  ])('is read by its id if %s', async (_, scope, searched = { status: 400 }) => {
    const payer: PayerScript = (asked) => (asked.path.startsWith('/Patient?') ? searched : readById(asked));
    const made = await runWith({ scope, statement, profile: { everything: false } }, payer);

    expect(made).toMatchObject({ complete: true, outcomes: { Patient: 'complete 1', Observation: 'complete 0' } });
  });

  it('is not complete if it does not come that way either', async () => {
    const refuses: PayerScript = ({ path }) => (path.startsWith('/Patient') ? { status: 403 } : pageOf([]));
    const made = await runWith({ statement, profile: { everything: false } }, refuses);

    expect(made).toMatchObject({ complete: false, outcomes: { Patient: 'incomplete 0' } });
    const options = { statement, profile: { everything: false }, filters: ['Patient?gender=female'] };
    const filtered = await runWith(options, readById);
    expect(filtered).toMatchObject({ complete: false, outcomes: { Patient: 'refusedByPayer 0' } });
  });
});

describe('a search in place of $everything', () => {
  it('is named as what it is if it fails', async () => {
    const made = await runWith(
      {
        statement: statementOf({ Patient: ['_id'], Goal: ['patient'] }),
        profile: { wholeRecord: { substitute: 'ExplanationOfBenefit?_include=*' } },
      },
      ({ path }, { base }) => {
        if (path.includes('page=2')) return { status: 403 };
        const next = `${base}/ExplanationOfBenefit?patient=member-1&page=2`;
        if (path.startsWith('/Explanation')) return pageOf([], next);
        return pageOf(path.startsWith('/Patient') ? [memberPatient] : []);
      },
    );

    const said =
      'Page 2 of ExplanationOfBenefit could not be read: the payer answered with status 403. Resources may be missing.';
    expect(made.errors).toEqual([said]);
    expect(made.reasons['ExplanationOfBenefit']).toBe(said);
    expect(made).toMatchObject({ complete: false, outcomes: { ExplanationOfBenefit: 'incomplete 0' } });
    expect(made.lines.join()).not.toContain('$everything');
  });

  it.each([
    ['none of it', {}, { ExplanationOfBenefit: 'complete 0', Patient: 'complete 1' }],
    ['what was not asked for', { types: ['Patient'] }, { Patient: 'complete 1' }],
  ])('names its type, which the payer does not declare, if that finds %s', async (_, asked, outcomes) => {
    const made = await runWith(
      {
        statement: statementOf({ Patient: ['_id'] }),
        profile: { wholeRecord: { substitute: 'ExplanationOfBenefit?_include=*' } },
        ...asked,
      },
      ({ path }) => pageOf(path.startsWith('/Patient') ? [memberPatient] : []),
    );

    expect(made).toMatchObject({ complete: true, errors: [] });
    expect(made.outcomes).toEqual(outcomes);
  });

  it('is one of its own type: what it includes of another is searched', async () => {
    const coverage = (id: string) => ({ resourceType: 'Coverage', id, beneficiary: { reference: 'Patient/member-1' } });
    const claim = { resourceType: 'ExplanationOfBenefit', id: 'e', patient: { reference: 'Patient/member-1' } };
    const made = await runWith(
      {
        statement: statementOf({ Patient: ['_id'], Coverage: ['patient'], ExplanationOfBenefit: ['patient'] }),
        profile: { wholeRecord: { substitute: 'ExplanationOfBenefit?_include=*' } },
      },
      ({ path }) => {
        if (path.startsWith('/Coverage')) return pageOf([coverage('1'), coverage('2')]);
        if (path.startsWith('/Patient')) return pageOf([memberPatient]);
        return pageOf([claim, coverage('1')]);
      },
    );

    expect(made.outcomes).toEqual({
      Patient: 'complete 1',
      ExplanationOfBenefit: 'complete 1',
      Coverage: 'complete 2',
    });
  });
});

it('an export whose Patient never comes is not complete', async () => {
  const made = await runWith({}, ({ path }) =>
    path === '/Patient/member-1' ? { status: 404 } : pageOf([observation(1)]),
  );

  expect(made).toMatchObject({ complete: false, outcomes: { Patient: 'incomplete 0', Observation: 'complete 1' } });
  expect(made.errors).toEqual([
    'Patient/member-1 could not be read: the payer answered with status 404.',
    "The member's own Patient resource did not come.",
  ]);
});

it.each([
  ['whose $everything gives none', 1, false],
  ['whose $everything breaks off', 2, false],
  ['whose $everything breaks off on its first page', 1, true],
])('a Patient is read by its id at a payer that declares no search of it, and %s', async (_, pages, cut) => {
  const made = await runWith({ statement: statementOf({ Observation: ['patient'] }) }, ({ path }, { base }) => {
    if (path === '/Patient/member-1') return fhir(memberPatient);
    if (path.includes('page=2')) return { status: 403 };
    const page = pageOf([observation(1)], pages > 1 ? `${base}?page=2` : undefined);
    return cut ? { ...page, cut, body: page.body!.slice(0, -2) } : page;
  });

  expect(made.outcomes['Patient']).toBe(pages > 1 || cut ? 'incomplete 1' : 'complete 1');
});

it('a Patient that no search finds is read by its id', async () => {
  const made = await runWith(byType('Observation'), ({ path }) =>
    path === '/Patient/member-1' ? fhir(memberPatient) : pageOf(path.startsWith('/Patient') ? [] : [observation(1)]),
  );

  expect(made).toMatchObject({ complete: true, outcomes: { Patient: 'complete 1', Observation: 'complete 1' } });
});

describe('an export from a payer that declares $everything', () => {
  it.each([403, 404, 405, 501, 500])(
    'searches each type if that is answered with %i, and nothing is missing',
    async (status) => {
      const world = worldWith(() => ({ status, body: '{}' }));

      const { result } = await world.run();

      expect(result).toMatchObject({ status: 'completed' });
      const { resources, errors, manifest } = await world.record();
      expect(Object.keys(resources).sort()).toEqual(['Observation', 'Patient', 'Provenance']);
      expect(errors).toEqual([]);
      expect(manifest.outcomes.every(({ outcome }) => outcome === 'complete')).toBe(true);
      expect(manifest.outcomes.map(({ type }) => type)).not.toContain('$everything');
    },
  );

  it('searches each type if that gives a page that is no Bundle', async () => {
    const world = worldWith(() => ({ body: '<html>', headers: { 'content-type': 'text/html' } }));

    expect((await world.run()).result).toMatchObject({ status: 'completed' });
    expect((await world.record()).errors).toEqual([]);
  });

  it('searches each type if a later page cannot be read: only one that is read to its end is complete', async () => {
    const world = worldWith(
      (page) =>
        page === 1 ? pageOf([memberPatient, observation(1)], `${world.base}?page=2`) : { status: 500, body: '{}' },
      { statement: statementOf({ Patient: [], Observation: [], Goal: [] }) },
    );

    expect((await world.run()).result).toMatchObject({ status: 'partial' });
    const { manifest, errors } = await world.record();
    const outcomes = manifest.outcomes.map(({ type, outcome, count }) => `${type} ${outcome} ${count}`);
    expect(outcomes).toEqual(['Patient complete 1', 'Observation complete 1', 'Goal refusedByPayer 0']);
    expect(errors).toContain(
      'Page 2 of $everything could not be read: the payer answered with status 500. Resources may be missing.',
    );
  });
});

it.each([['text/plain; charset=utf-8'], ['application/json+fhir'], [undefined]])(
  'an export asks once for a statement of another media type (%s), and reads the record without it',
  async (type) => {
    const world = exportWorld({ statement: 'fromScript', profile: { everything: false }, scope: 'patient/*.rs' });
    let asked = 0;
    world.answerWith(({ path }) => {
      if (path !== '/metadata') return path.startsWith('/Patient') ? pageOf([memberPatient]) : pageOf([]);
      asked += 1;
      if (asked > 5) throw new Error('asked for again and again');
      return { ...statementOf({ Goal: [] }), headers: type === undefined ? {} : { 'content-type': type } };
    });

    await world.run();

    expect(asked).toBe(1);
    expect((await world.record()).resources['Patient']).toHaveLength(1);
  },
);

it.each<[string, Sent]>([
  ['its connection breaks', { body: '{"resourceType":', cut: true }],
  ['its JSON ends early', { body: '{"resourceType":' }],
])('an export asks again for a statement if %s', async (_why, broken) => {
  const world = exportWorld({ statement: 'fromScript', profile: { everything: false }, scope: 'patient/*.rs' });
  const goals = statementOf({ Goal: [] });
  let asked = 0;
  world.answerWith(({ path }) => {
    if (path !== '/metadata') return path.startsWith('/Patient') ? pageOf([memberPatient]) : pageOf([]);
    asked += 1;
    return asked === 1
      ? { headers: { 'content-type': 'application/fhir+json' }, ...broken }
      : // RFC 8259 §8.1: a reader may ignore a byte order mark.
        { ...goals, body: `\ufeff${goals.body}` };
  });

  await world.run();

  expect(asked).toBe(2);
  expect(world.asked.some(({ path }) => path.startsWith('/Flag'))).toBe(false);
});
