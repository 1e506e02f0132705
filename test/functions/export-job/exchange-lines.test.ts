import { UnusableAnswer } from '../../../functions/shared/payer/decode-body.ts';
import { exportWorld, type Sent } from '../../support/export-world.ts';
import {
  and,
  askedFor,
  consentEnded,
  ended,
  observation,
  observations,
  patient,
  patients,
  people,
  run,
  since,
  two,
  type Exchange,
} from './exchange-run.ts';
import { groupInput, type Plan } from './former-plan.ts';

describe('what comes of a Group', () => {
  const coverage = (id: string, of: string) => ({
    resourceType: 'Coverage',
    id,
    beneficiary: { reference: `Patient/${of}` },
  });
  const explanation = (id: string, ...dates: readonly string[]) => ({
    resourceType: 'ExplanationOfBenefit',
    id,
    patient: { reference: 'Patient/a' },
    item: dates.map((servicedDate) => ({ servicedDate })),
  });
  const bundleOf = (resource: object) => ({ resourceType: 'Bundle', entry: [{ resource }] });
  const updated = (id: string, day: string) => observation(id, 'a', { meta: { lastUpdated: `${day}T00:00:00Z` } });
  const longIds = ['i'.repeat(129), 'i'.repeat(255_000)];
  const redacted = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'REDACTED' };
  const withinLimits = (id: string): string =>
    `Nothing came about member ${id}, within the limits that were asked for.`;

  type Row = readonly [string, string, Plan & { readonly input?: Exchange }, readonly string[]];
  const row = (...cells: Row): Row => cells;
  /** A plan that a partner asks for something else than all of two members. */
  const asking = (input: Exchange, plan: Plan) => ({ input, ...plan });
  const limited = (asked: object, plan: Plan) => asking(groupInput(two, { asked }), plan);

  it.each<Row>([
    row('has lines about strangers', 'a b 1', and(observations('1 a', '2 x', '3 x')), [
      '2 resources of type Observation in file 2 are left out: they are about patients who are no members of the Group.',
    ]),
    row(
      'has lines about a member on another server',
      'a b 1',
      and(observations('1 a', { ...observation('x', ''), subject: { reference: 'https://other.example/Patient/b' } })),
      [
        "1 resource of type Observation in file 2 is left out: it is about a patient on another server, or on the payer's own by a name that its operator has not configured.",
      ],
    ),
    row(
      'has a line about a stranger in whose part a member is',
      'a b 2',
      and({
        type: 'Coverage',
        lines: [{ ...coverage('1', 'kid'), subscriber: { reference: 'Patient/a' } }, coverage('2', 'a')],
      }),
      [
        '1 resource of type Coverage in file 2 is left out: it is about a patient who is no member of the Group, and names a member.',
      ],
    ),
    row(
      'has a Bundle that holds in others a line about a stranger, in which a member takes part',
      'a b',
      and({
        type: 'Bundle',
        lines: [bundleOf(bundleOf(observation('1', 'x', { performer: [{ reference: 'Patient/a' }] })))],
      }),
      [
        '1 resource of type Bundle in file 2 is left out: it is about a patient who is no member of the Group, and names a member.',
      ],
    ),
    row(
      'has a Bundle of a line about a member on another server',
      'a b',
      and({
        type: 'Bundle',
        lines: [bundleOf({ ...observation('1', ''), subject: { reference: 'https://other.example/Patient/b' } })],
      }),
      [
        "1 resource of type Bundle in file 2 is left out: it is about a patient on another server, or on the payer's own by a name that its operator has not configured.",
      ],
    ),
    row(
      'has a Bundle of a stranger and a member whose consent has ended',
      'a',
      asking(
        groupInput([two[0]!, ended]),
        and({
          type: 'Bundle',
          lines: [{ resourceType: 'Bundle', entry: ['x', 'b'].map((id) => ({ resource: patient(id) })) }],
        }),
      ),
      [
        '1 resource of type Patient in file 1 is left out: it is about a member who is left out of this export.',
        '1 resource of type Bundle in file 2 is left out: it is about a patient who is no member of the Group.',
        consentEnded,
      ],
    ),
    row(
      'has a Bundle of a line of which only the performer is known, a member',
      'a b 1',
      and({
        type: 'Bundle',
        lines: [{ ...bundleOf({ resourceType: 'Observation', performer: [{ reference: 'Patient/a' }] }), id: '1' }],
      }),
      [],
    ),
    row(
      'has lines of a member of whom nobody asked',
      'a b 1',
      asking(groupInput(two, { others: ['Patient/c'] }), and(observations('1 a', '2 c'))),
      [
        '1 resource of type Observation in file 2 is left out: it is about a member of the Group whose record was not asked for.',
      ],
    ),
    row(
      'has lines that name a stranger where R4 has no patient, about a member or about nobody',
      'a b 3',
      and(
        observations(
          { ...observation('1', 'a'), Subject: { reference: 'Patient/x' } },
          { ...observation('4', 'a'), Subject: [[{ reference: 'Patient/x' }]] },
          { ...observation('2', 'a'), more: [{ reference: 'https://elsewhere.example/Patient/a' }] },
          { ...observation('3', 'a'), Subject: { reference: 'Patient/b' } },
        ),
        { type: 'Device', lines: [{ resourceType: 'Device', id: 'd', owner: { reference: 'Patient/x' } }] },
      ),
      [
        '3 resources of type Observation in file 2 are left out: they are about patients who are no members of the Group, and name members.',
        '1 resource of type Device in file 3 is left out: it is about a patient who is no member of the Group.',
      ],
    ),
    row(
      'has lines about whom nobody can tell',
      'a b',
      and(observations({ ...observation('1', 'a'), subject: { display: 'Somebody' } }), {
        type: 'Bundle',
        lines: [
          { resourceType: 'Bundle', id: '2', entry: { resource: patient('x') } },
          { resourceType: 'Bundle', entry: [{ request: { resource: patient('x') }, resource: patient('a') }] },
        ],
      }),
      ['1 resource of type Observation in file 2 is', '2 resources of type Bundle in file 3 are'].map(
        (which) => `${which} left out: whom ${which.startsWith('1') ? 'it is' : 'they are'} about cannot be read.`,
      ),
    ),
    row('has lines about a member whose consent has ended', 'a', asking(groupInput([two[0]!, ended]), and()), [
      '1 resource of type Patient in file 1 is left out: it is about a member who is left out of this export.',
      consentEnded,
    ]),
    row('has nothing about a member', 'a', { output: [patients('a')] }, ['Nothing came about member ours-b.']),
    row('has nothing new about a member', 'a', limited({ since }, { output: [patients('a')] }), [
      withinLimits('ours-b'),
    ]),
    row('has nothing new at all', '', limited({ since }, {}), [withinLimits('ours-a'), withinLimits('ours-b')]),
    ...[5, 1].map((count) =>
      row(`has ${count > 2 ? 'fewer' : 'more'} lines than the payer says`, 'a b', { output: [{ ...people, count }] }, [
        `File 1 (Patient) has 2 lines, and the payer names ${count}.`,
      ]),
    ),
    row(
      'has a resource twice, and one that differs',
      'a b',
      and({ type: 'Patient', lines: [patient('a'), { ...patient('b'), active: true }] }),
      [
        '1 resource of type Patient in file 2 came before, with the same content.',
        'Patient/b in file 2 came before with other content. Only the first is in this export.',
      ],
    ),
    row(
      'has lines that are no resources',
      'a b 1',
      and({
        type: 'Observation',
        lines: ['{"resourceType":', '{} {}', '[]', '{"resourceType":"Nothing"}', ' ', observation('1', 'a')],
      }),
      [
        ...Array.from({ length: 3 }, () => 'A resource in file 2 of Observation is left out: it is not valid JSON.'),
        'A resource in file 2 of Observation is left out: its type is not one of FHIR R4.',
      ],
    ),
    row(
      'says types and ids of its own making in lines that nobody can read',
      'a b',
      and({
        type: 'Observation',
        lines: [
          ...Array.from({ length: 3 }, (_, at) => `{"resourceType":"Jane.Roe.${at}","id":"1","id":"1"}`),
          ...['Jane.Roe', 'Jane_Roe', 'x'.repeat(65)].map(
            (id) => `{"resourceType":"Observation","id":"${id}","a":1,"a":1}`,
          ),
          ...['x', 'a'].map((id) => `{"resourceType":"Patient","id":"${id}","a":1,"a":1}`),
        ],
      }),
      [
        ...Array.from({ length: 3 }, () => 'A resource in file 2 of Observation'),
        'Observation/Jane.Roe in file 2',
        ...Array.from({ length: 2 }, () => 'A resource of type Observation in file 2'),
        'A resource of type Patient in file 2',
        'Patient/a in file 2',
      ].map((which) => `${which} is left out: it has the same member twice, so that its meaning is not certain.`),
    ),
    row(
      'has resources whose ids are longer than any that can be referred to, and says that it withheld some of them',
      `a b ${longIds.join(' ')}`,
      and(
        observations(
          ...longIds.map((id) => observation(id, 'a', { meta: { security: [redacted], note: 'x'.repeat(300_000) } })),
        ),
      ),
      longIds.map(() => "A resource of type Observation has the payer's label that something was withheld from it."),
    ),
    row(
      'ignores the types that were asked for',
      'a b',
      limited({ types: ['Patient', 'Condition'] }, and(observations('1 a'))),
      ['1 resource of type Observation in file 2 is left out: the type was not asked for.'],
    ),
    row(
      'ignores the times that were asked for',
      'a b 1 2 3',
      limited(
        { since, until: '2026-10-01T00:00:00Z' },
        and(observations(updated('1', '2025-01-01'), updated('2', '2026-06-01'), updated('3', '2026-11-01'))),
      ),
      ['newer than the end', 'older than the time'].map(
        (what) =>
          `1 resource of type Observation in file 2 is ${what} that was asked for, which the payer may have ignored.`,
      ),
    ),
    row(
      'ignores a filter that was asked for',
      'a b 1 2 3 4 5 6 7 8',
      limited(
        {
          typeFilters: [
            'Observation?date=ge2024-01-01',
            'Observation?date=ge2023&date=lt2025&code=1-2',
            'ExplanationOfBenefit?service-date=ge2024',
          ],
        },
        and(
          observations(
            observation('1', 'a', { effectiveDateTime: '2019-12-01' }),
            observation('2', 'a', { effectivePeriod: { start: '2019-01-01', end: '2024-06-01T00:00:00Z' } }),
            observation('3', 'a', { effectiveDateTime: '2023-12-31' }),
            observation('4', 'a', { effectiveDateTime: '2026' }),
            '5 a',
            observation('6', 'a', { effectiveDateTime: '2019-12-02', code: { coding: [{ code: '1-2' }] } }),
          ),
          {
            type: 'ExplanationOfBenefit',
            lines: [explanation('7', '2020-02-03', '2019-02-03'), explanation('8', '2020-02-03', '2025-02-03')],
          },
        ),
      ),
      ['2 resources of type Observation in file 2 are', '1 resource of type ExplanationOfBenefit in file 3 is'].map(
        (what) => `${what} not what _typeFilter asks for, which the payer may have ignored.`,
      ),
    ),
    row(
      'has an error file',
      'a b',
      {
        output: [people],
        error: [
          {
            type: 'OperationOutcome',
            lines: [
              {
                resourceType: 'OperationOutcome',
                issue: [{ severity: 'error', code: 'exception', diagnostics: 'Name' }],
              },
            ],
          },
        ],
      },
      ['The payer put a remark in file 1 of its errors: error, exception. Resources may be missing.'],
    ),
    row(
      'is on a server that the profile does not name',
      'a b',
      and({ ...observations(), url: 'https://files.example/1' }),
      ["File 2 (Observation) did not come whole: it is on a server that the payer's profile does not name."],
    ),
    row(
      'is at a URL whose origin alone is that of the payer',
      'a b',
      and({ ...observations(), url: `blob:${exportWorld().base}/files/output/1` }),
      ["File 2 (Observation) did not come whole: it is on a server that the payer's profile does not name."],
    ),
    row(
      'is refused, a redirect, or a page',
      'a b',
      {
        output: [people, ...['1 a', '2 a', '3 a'].map((line) => observations(line))],
        instead: ({ path }) =>
          new Map<string, Sent>([
            ['/files/output/1', { status: 403 }],
            ['/files/output/2', { status: 307, headers: { location: 'https://other.example/x' } }],
            ['/files/output/3', { headers: { 'content-type': 'text/html' }, body: '<html>' }],
          ]).get(path),
      },
      [
        'File 2 (Observation) did not come whole: the payer refused it with status 403.',
        'File 3 (Observation) did not come whole: the payer refused it with status 307.',
        'File 4 (Observation) did not come whole: the payer answered with something else in its place, such as a page of HTML.',
      ],
    ),
    row(
      'never comes whole',
      'a b',
      {
        output: [people],
        instead: ({ path }) =>
          path.startsWith('/files/')
            ? { body: `${people.lines.map((line) => `${JSON.stringify(line)}\n`).join('')}{`, cut: true }
            : undefined,
      },
      ['File 1 (Patient) did not come whole: the payer did not send it to the end.'],
    ),
    row(
      'has a coding that was not asked for',
      'a b',
      {
        output: [people, observations('1 a')],
        instead: ({ path }) =>
          path === '/files/output/1' ? Promise.reject(new UnusableAnswer('CONTENT_ENCODING')) : undefined,
      },
      [
        'File 2 (Observation) did not come whole: the response is not valid HTTP, its headers are too long, or its content encoding was not requested.',
      ],
    ),
    row(
      'has a manifest that goes on elsewhere',
      'a b',
      { ...and(), manifest: { link: [{ relation: 'next', url: 'https://x' }] } },
      ["The payer's manifest says that there are more files than it names."],
    ),
    ...[{ relation: 'NEXT', url: 'https://x' }, { next: 'https://x' }, [{ rel: 'next', url: 'https://x' }]].map(
      (link) =>
        row(
          `has a manifest that goes on elsewhere, as ${JSON.stringify(link)}`,
          'a b',
          { ...and(), manifest: { link } },
          ["The payer's manifest says that there are more files than it names."],
        ),
    ),
    ...[
      { outputs: [{ type: 'Observation', url: '/2' }] },
      { Output: [{ type: 'Observation', url: '/2' }] },
      { next: 'https://x' },
      { links: { next: 'https://x' } },
      { Link: [{ relation: 'next', url: 'https://x' }] },
      { issues: [{ severity: 'error', code: 'incomplete' }] },
      { outcome: [{ type: 'OperationOutcome', url: '/2' }] },
    ].map((manifest) =>
      row(`has a manifest with ${JSON.stringify(manifest)}`, 'a b', { ...and(), manifest }, [
        "The payer's manifest has a list or a URL that Bulk Data Access does not have there, so that there may be more files.",
      ]),
    ),
    row('has a manifest with files of files', 'a b', { output: [{ ...people, parts: ['/2'] }] }, [
      "The payer's manifest has a list or a URL that Bulk Data Access does not have there, so that there may be more files.",
    ]),
    row(
      'has a manifest that goes on by a header',
      'a b',
      { ...and(), manifestHeaders: { link: '<https://x>; rel="next"' } },
      ["The payer's manifest says that there are more files than it names."],
    ),
    row('has a manifest whose links nobody can read', 'a b', { ...and(), manifest: { link: ['https://x'] } }, [
      "The payer's manifest has links that cannot be read, so that there may be more files.",
    ]),
    ...[
      ['Bundle', { entry: ['a', 'b'].map((id) => ({ resource: patient(id) })) }] as const,
      [
        'Parameters',
        { parameter: ['1 b', '2 a'].map((line) => ({ name: 'x', resource: observations(line).lines[0] })) },
      ] as const,
      [
        'Bundle',
        { entry: [{ resource: observation('1', 'b', { performer: [{ reference: 'Patient/a' }] }) }] },
      ] as const,
    ].map(([type, held]) =>
      row(
        `has a ${type} of a member and of another, whose consent has ended`,
        'a',
        asking(groupInput([two[0]!, ended]), and({ type, lines: [{ resourceType: type, id: '1', ...held }] })),
        [
          '1 resource of type Patient in file 1 is left out: it is about a member who is left out of this export.',
          `1 resource of type ${type} in file 2 is left out: it names a member, and another who is left out of this export.`,
          consentEnded,
        ],
      ),
    ),
    row(
      'has a line of a member whose consent has ended, in whose part another is',
      'a',
      asking(
        groupInput([two[0]!, ended]),
        and({ type: 'Coverage', lines: [{ ...coverage('1', 'b'), subscriber: { reference: 'Patient/a' } }] }),
      ),
      [
        '1 resource of type Patient in file 1 is left out: it is about a member who is left out of this export.',
        '1 resource of type Coverage in file 2 is left out: it names a member, and another who is left out of this export.',
        consentEnded,
      ],
    ),
    row(
      'says as a text how many lines a file has',
      'a b',
      { output: [{ ...people, count: '3' as unknown as number }] },
      ['File 1 (Patient) has 2 lines, and the payer names 3.'],
    ),
    row(
      'says how many lines a file has in a form that nobody can read',
      'a b',
      { output: [{ ...people, count: 'two' as unknown as number }] },
      [
        "The payer's manifest says of file 1 (Patient) how many lines it has in a form that cannot be read. Some may be missing.",
      ],
    ),
  ])('%s, which is named', async (_, ids, { input = groupInput(two), ...plan }, errors) => {
    const made = await run(input, plan);

    expect(made.errors.toSorted()).toEqual(errors.toSorted());
    expect(made.ids.join(' ')).toBe(ids);
    const types = input.kind === 'group' ? (input.asked.types ?? []) : [];
    expect(Object.keys(made.outcomes)).toEqual(expect.arrayContaining([...types]));
    expect(askedFor(made.world, 'DELETE')).toHaveLength(1);
    const lack =
      /about (?:a patient|patients|whom)|names a member|cannot be read|did not come|other content|Nothing came about member \S+\.$/;
    if (lack.test(made.errors.join('\n'))) expect(made.complete).toBe(false);
  });
});
