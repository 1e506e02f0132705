import { jest } from '@jest/globals';
import { exchangeEnd } from '../../../functions/export-job/end/members-at-end.ts';
import { closeKnown, openKnown } from '../../../functions/export-job/state/next-known.ts';
import type { JobState, Known } from '../../../functions/export-job/state/state.ts';
import { nowSeconds } from '../../../functions/shared/clock.ts';
import { GatewayError } from '../../../functions/shared/errors.ts';
import type { GroupMember } from '../../../functions/shared/exchanges/group.ts';
import { payerDownThreshold } from '../../../functions/shared/metrics/metrics.ts';
import { UnusableAnswer } from '../../../functions/shared/payer/decode-body.ts';
import { entryIds } from '../../../functions/shared/registry/entry-items.ts';
import type { Payer } from '../../../functions/shared/registry/types.ts';
import { sha256 } from '../../../functions/shared/store/crypto.ts';
import { endMember, notePatients } from '../../../functions/shared/store/groups.ts';
import { LambdaError } from '../../../sandbox/aws/durable/errors.ts';
import { turns } from '../../support/eventually.ts';
import { exportWorld, type Sent, type WorldOptions } from '../../support/export-world.ts';
import { fakeIntervals } from '../../support/fake-timeouts.ts';
import { randomOf } from '../../support/random.ts';
import { words } from '../../support/words.ts';
import { endOf, type World } from './end-of.ts';
import {
  askedFor,
  cameOf,
  first,
  matched,
  observation,
  observations,
  owner,
  patient,
  patients,
  pickerOf,
  run,
  runningIn,
  second,
  seeds,
  three,
  tokenTimes,
  unusable,
  worldOf,
  type Exchange,
} from './exchange-run.ts';
import { groupInput, matchInput, memberOf, type Plan } from './former-plan.ts';

describe('a group export', () => {
  it('is asked as PDex says, read to the end, and deleted at the plan', async () => {
    const output = [
      { ...patients('a', 'b'), count: 2 },
      { ...observations('1 a', '2 b'), count: 2 },
      { type: 'Practitioner', lines: [{ resourceType: 'Practitioner', id: 'p' }] },
    ];
    const { world, errors, status, ids, outcomes } = await run(groupInput([memberOf('a'), memberOf('b')]), { output });

    expect({ errors, status, ids }).toEqual({ errors: [], status: 'completed', ids: ['a', 'b', '1', '2', 'p'] });
    expect(outcomes).toMatchObject({ Patient: 'complete 2', Observation: 'complete 2', Practitioner: 'complete 1' });
    expect(world.asked[0]).toMatchObject({ path: '/Group/g1/$davinci-data-export', method: 'POST' });
    expect(JSON.parse(world.asked[0]!.form!)).toEqual({
      resourceType: 'Parameters',
      parameter: [{ name: 'exportType', valueCanonical: 'hl7.fhir.us.davinci-pdex#payertopayer' }],
    });
    const [came] = world.dynamo.items('Audit').values();
    expect(came).toMatchObject({ type: { S: 'came' }, how: { S: 'completed' } });
    expect(cameOf(world)).toEqual(
      ['a', 'b'].map((id) => ({
        submitted: `ours-${id}`,
        reference: `Patient/${id}`,
        consent: { id: `consent-${id}`, hash: 'hash' },
        outcome: 'exported',
        resources: 2,
      })),
    );
    expect(runningIn(world)).toBe(0);
    const token = expect.stringMatching(/^Bearer system-/);
    expect(world.asked.at(-1)).toMatchObject({ path: '/status/1', method: 'DELETE', token });
  });
});

const two = [memberOf('a'), memberOf('b')];
const people = patients('a', 'b');
/** What another match notes that gives the id of the Group to others. */
const mixGroup = ({ exchanges, deps }: World) =>
  notePatients(exchanges, { payer: 'northwind', id: 'g1', patients: 'others', expiresAt: nowSeconds(deps.clock) });
const consentEnded = 'Member ours-b is left out: the consent has ended.';
const periodEnded = "Member ours-b is left out: the member's period in the payer's Group has ended.";
const lacksPatient = (member: string): string =>
  `The Patient of member ${member} did not come: none has the id that the payer gave for the member.`;
const onlyOfA = [{ name: 'patient', valueReference: { reference: 'Patient/a' } }];
/** Whose data alone was asked for. */
const namedIn = ({ asked }: World): unknown => JSON.parse(asked[0]!.form!).parameter.slice(1);

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
  const ended = memberOf('b', { consent: { id: 'c', hash: 'h', endsAt: '2026-11-26' } });
  const since = '2026-01-01T00:00:00Z';
  const longIds = ['i'.repeat(129), 'i'.repeat(255_000)];
  const deep = JSON.parse(`${'['.repeat(2000)}${']'.repeat(2000)}`) as unknown;
  const redacted = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'REDACTED' };
  const withinLimits = (id: string): string =>
    `Nothing came about member ${id}, within the limits that were asked for.`;

  type Row = readonly [string, string, Plan & { readonly input?: Exchange }, readonly string[]];
  const row = (...cells: Row): Row => cells;
  const and = (...output: NonNullable<Plan['output']>): Plan => ({ output: [people, ...output] });
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

  it.each<[string, readonly number[]]>([
    ['after', [0, 1]],
    ['before', [1, 0]],
  ])(
    'and says nothing of a patient is left out if it is about what is a stranger’s, in a file %s it',
    async (_, order) => {
      const target = (id: string, of: string) => ({
        resourceType: 'Provenance',
        id,
        target: [{ reference: `Observation/${of}` }],
      });
      const files = [
        { type: 'Observation', lines: [observation('1', 'a'), observation('x', 'stranger')] },
        { type: 'Provenance', lines: [target('p', '1'), target('q', 'x'), target('r', 'nowhere')] },
      ];
      const made = await run(groupInput(two), { output: [people, ...order.map((at) => files[at]!)] });

      const targets = made.lines.map((line) => /Observation\/(?:1|x|nowhere)/.exec(line)?.[0] ?? '');
      expect(targets.filter((one) => one !== '')).toEqual(['Observation/1']);
      expect(made.outcomes).toMatchObject({ Provenance: 'incomplete 1', Observation: 'incomplete 1' });
      const number = order.indexOf(1) + 2;
      expect(made.errors).toContain(
        `1 resource of type Provenance in file ${number} is left out: it is about a resource of a patient who is no member of the Group.`,
      );
      expect(made.errors).toContain(
        `1 resource of type Provenance in file ${number} is left out: it names no patient, and nothing shows that it is about a member of the Group.`,
      );
      expect(made.lines.some((line) => line.includes('3 lines came, and 1 of them are passed on'))).toBe(true);
    },
  );

  const named = (resourceType: string, id: string, more: object = {}) => ({ resourceType, id, ...more });
  const to = (type: string, id: string) => ({ reference: `${type}/${id}` });
  /** A line that becomes longer than clients can read only when its links are made absolute. */
  const growing = (resource: object) => {
    const extension = Array.from({ length: 200 }, () => ({ url: 'x', valueAttachment: { url: 'Binary/1' } }));
    const long = { ...resource, extension, note: [{ text: '' }] };
    return { ...long, note: [{ text: 'x'.repeat(999_900 - JSON.stringify(long).length) }] };
  };
  it.each<[string, readonly object[], string, Parameters<typeof groupInput>[1]?]>([
    [
      'a Provenance of a List that is too long',
      [
        growing(named('List', 'l', { entry: [{ item: to('Observation', 'no') }] })),
        named('Provenance', 'p', { target: [to('List', 'l')] }),
      ],
      '',
    ],
    ['a List of what was never sent', [named('List', 'l', { entry: [{ item: to('Observation', 'no') }] })], ''],
    [
      'a Provenance of such a List',
      [
        named('Provenance', 'p', { target: [to('List', 'l')] }),
        named('List', 'l', { entry: [{ item: to('Observation', 'x') }] }),
      ],
      '',
    ],
    [
      'a MedicationDispense of an Encounter',
      [
        named('MedicationDispense', 'm', { context: to('Encounter', 'e') }),
        named('Encounter', 'e', { subject: to('Patient', 'stranger') }),
      ],
      '',
    ],
    [
      'a PaymentNotice',
      [
        named('PaymentNotice', 'n', { request: to('Claim', 'c') }),
        named('Claim', 'c', { patient: to('Patient', 'stranger') }),
      ],
      '',
    ],
    [
      'a Group of members and others',
      [
        named('Group', 'g', {
          member: [{ entity: to('Patient', 'a') }, { entity: { ...to('Patient', 'stranger'), display: 'Bob' } }],
        }),
      ],
      '',
    ],
    [
      'a Group with an entry that cannot be read',
      [named('Group', 'g', { member: [{ entity: to('Patient', 'a') }, { entity: { display: 'Bob' } }] })],
      '',
    ],
    ['but not a List of nothing', [named('List', 'l')], 'l'],
    [
      'a List of nothing, where not all of the Group were asked for',
      [named('List', 'l')],
      '',
      { others: ['Patient/z'] },
    ],
    [
      'a List of nothing, where the gateway left entries of the Group out',
      [named('List', 'l')],
      '',
      { groupMembers: 3 },
    ],
    ['but not a Device of nobody’s', [named('Device', 'd')], 'd', { others: ['Patient/z'] }],
    [
      'but not what is about a member',
      [named('List', 'l', { entry: [{ item: to('Observation', '1') }] })],
      'l',
      { others: ['Patient/z'] },
    ],
  ])('and names nobody, or others too, is left out: %s', async (_, lines, given, more = {}) => {
    const others = [{ type: 'Observation', lines: [observation('1', 'a'), observation('x', 'stranger')] }];
    const output = [
      people,
      ...others,
      ...lines.map((line) => ({ type: (line as { resourceType: string }).resourceType, lines: [line] })),
    ];
    const made = await run(groupInput(two, more), { output });

    const ids = made.ids.filter((id) => !['a', 'b', '1'].includes(id));
    expect(made.lines.flatMap((line) => /^\{"resourceType":"Provenance","id":"p"/.exec(line) ?? [])).toEqual([]);
    expect(ids.join(' ')).toBe(given);
    if (given === '') expect(made.complete).toBe(false);
  });

  it('and names nobody is left out too, and members are asked for by name, if the id is also that of a Group of others', async () => {
    const world = worldOf(groupInput(two), { output: [people, { type: 'List', lines: [named('List', 'l')] }] });
    await world.kickOff();
    await mixGroup(world);
    await world.durable.finish(world.start());

    expect(await endOf(world)).toMatchObject({ ids: ['a', 'b'], outcomes: { List: 'incomplete 0' } });
    expect(namedIn(world)).toEqual([...onlyOfA, { name: 'patient', valueReference: { reference: 'Patient/b' } }]);
  });

  const [aboutList, aboutEncounter] = [{ target: [to('List', 'l')] }, { target: [to('Encounter', 'e')] }];
  const encounter = (of: string) =>
    named('Encounter', 'e', { subject: of === '' ? { display: 'Bob' } : to('Patient', of) });
  const list = named('List', 'l', { encounter: to('Encounter', 'e') });
  it.each<[string, object, readonly object[], boolean, { readonly since?: string }?]>([
    ['which did not come', aboutList, [], true],
    ['which is of a stranger’s', aboutList, [encounter('stranger'), list], false],
    ['which is of what never came', aboutList, [list], false],
    ['which is a member’s', aboutEncounter, [encounter('a')], true],
    ['of which nobody can tell whose it is', aboutEncounter, [encounter('')], false],
    ['which cannot be read', aboutEncounter, [named('Encounter', 'e', { extension: deep })], false],
    ['which is older, and of which nobody can tell whose it is', aboutEncounter, [encounter('')], false, { since }],
  ])('with a Provenance of a resource of a type that was not asked for, %s', async (_, of, lines, comes, more = {}) => {
    const types = more.since === undefined ? ['Provenance'] : ['Provenance', 'Encounter'];
    for (const order of [lines, lines.toReversed()]) {
      const files = order.map((line) => ({ type: (line as { resourceType: string }).resourceType, lines: [line] }));
      const output = [{ type: 'Provenance', lines: [named('Provenance', 'p', of)] }, ...files];
      const made = await run(groupInput(two, { asked: { types, ...more } }), { output });

      expect(made.lines.some((line) => line.includes('"id":"p"'))).toBe(comes);
      if (!comes) expect(made.outcomes['Provenance']).toBe('incomplete 0');
    }
  });

  it('without any Patient is not complete, unless it is of a part only', async () => {
    const output = [{ type: 'Observation', lines: [observation('1', 'a'), observation('2', 'b')] }];
    const made = await run(groupInput(two), { output });
    expect(made.outcomes).toEqual({ Observation: 'complete 2', Patient: 'incomplete 0' });
    expect(made.errors).toEqual(['No Patient came of any member.']);
    const asked = { since: '2026-01-01T00:00:00Z' };
    expect((await run(groupInput(two, { asked }), { output })).complete).toBe(true);
  });

  const photographed = { ...patient('b'), photo: [{ contentType: 'image/png', url: 'Binary/1' }] };
  it.each<[string, readonly object[], object, string, readonly string[]]>([
    ['of anybody else', [], {}, 'incomplete 1', ['']],
    ['but a Patient of another id', [patient('other')], {}, 'incomplete 1', ['is left out', '']],
    ['if all types but Patient are asked for', [], { types: ['Observation'] }, '', []],
    ['if Patient is asked for', [], { types: ['Patient', 'Observation'] }, 'incomplete 1', ['']],
    ['of what has changed', [], { since }, 'complete 1', []],
    ['by a filter of Patient', [], { typeFilters: ['Patient?active=true'] }, 'complete 1', []],
    ['unless it waits for its photograph', [photographed], {}, 'complete 2', []],
  ])('and has no Patient of a member is not complete: %s', async (_, more, asked, patientOutcome, errors) => {
    const types = (asked as { readonly types?: readonly string[] }).types ?? ['Patient'];
    const output = [
      ...(types.includes('Patient') ? [{ type: 'Patient', lines: [patient('a'), ...more] }] : []),
      observations('1 a', '2 b'),
    ];
    const made = await run(groupInput(two, { asked }), {
      output,
      instead: ({ path }) =>
        path === '/Binary/1' ? { headers: { 'content-type': 'image/png' }, body: 'photo' } : undefined,
    });

    expect(made.outcomes['Patient'] ?? '').toBe(patientOutcome);
    expect(made.errors).toEqual(
      errors.map((text) =>
        text === ''
          ? lacksPatient('ours-b')
          : '1 resource of type Patient in file 1 is left out: it is about a patient who is no member of the Group.',
      ),
    );
  });

  it('says nothing of single Patients in an export that an earlier version began, which did not note whose had come', async () => {
    const world = worldOf(groupInput(two), { output: [people, observations('1 a')] });
    await world.run();
    const item = (await world.item())!;
    const known = { queue: [], planned: [], reported: {}, pages: 0, resources: 3, bytes: 0, about: { a: 2, b: 1 } };
    const parts = [{ type: 'Patient', count: 1, object: 'x', bytes: 1 }];
    const endWith = (own: Pick<Known, 'ownPatients'>) =>
      exchangeEnd(item, groupInput(two), {
        state: {
          known: closeKnown(openKnown({ ...known, ...own }), { ...known, ...own }, known),
          problems: [],
          parts,
        } as unknown as JobState,
        left: [],
        whyNot: () => undefined,
      }).problems;

    expect(endWith({})).toEqual([]);
    expect(endWith({ ownPatients: ['a'] })).toMatchObject([{ kind: 'patientNotGiven', member: 'ours-b' }]);
  });

  it('is counted for each member, though the id be a name that every object has', async () => {
    const ids = ['constructor', 'toString', 'valueOf', 'a'];
    const members = ids.map((id) => memberOf(id));
    const { errors, world } = await run(groupInput(members), { output: [patients('constructor', 'a')] });

    expect(errors).toEqual(['toString', 'valueOf'].map((id) => `Nothing came about member ours-${id}.`));
    expect(cameOf(world).map(({ resources }) => resources)).toEqual([1, 0, 0, 1]);
  });

  it("about an id that a member's own Patient links to is left out and named, since an operator may have ended whose it is", async () => {
    const link = ['old', 'b', 'c'].map((id) => ({ type: 'replaces', other: { reference: `Patient/${id}` } }));
    const made = await run(groupInput([memberOf('a'), ended], { others: ['Patient/c'] }), {
      output: [
        { type: 'Patient', lines: [{ ...patient('a'), link }, patient('old')] },
        observations('0 old', '1 b', '2 c', '3 a'),
      ],
    });

    expect(made).toMatchObject({
      ids: ['a', '3'],
      outcomes: { Patient: 'incomplete 1', Observation: 'incomplete 1' },
      errors: expect.arrayContaining(
        ['Patient in file 1', 'Observation in file 2'].map(
          (where) => `1 resource of type ${where} is left out: it is about a patient who is no member of the Group.`,
        ),
      ),
    });
  });

  /** A plan that answers requests of this method or path so. */
  const answering = (which: string, answer: Sent): Plan => ({
    instead: ({ method, path }) => ([method, path].includes(which) ? answer : undefined),
  });
  it.each<[string, Plan, string, Partial<Payer>?]>([
    ['does not take the request', answering('POST', { status: 422 }), 'The payer refused the request with status 422.'],
    [
      'sends the request elsewhere',
      answering('POST', { status: 307, headers: { location: 'https://other.example' } }),
      'The payer refused the request with status 307.',
    ],
    [
      'does not answer',
      { instead: ({ method }) => (method === 'POST' ? Promise.reject(new Error('down')) : undefined) },
      'The payer did not answer the request.',
    ],
    ...[
      ['POST', 'The payer answered the request, but'],
      ['/status/1', 'The payer answered when it was asked for the status, but'],
    ].map(([which = '', said]): [string, Plan, string] => [
      `answers ${which} in a coding that was not asked for`,
      {
        instead: ({ method, path }) =>
          [method, path].includes(which) ? Promise.reject(new UnusableAnswer('CONTENT_ENCODING')) : undefined,
      },
      `${said} ${unusable}.`,
    ]),
    [
      'says nowhere to ask for the status',
      answering('POST', { status: 202 }),
      'The payer accepted the request, and did not say where to ask for its status.',
    ],
    [
      'has its status elsewhere',
      answering('POST', { status: 202, headers: { 'content-location': 'https://other.example/1' } }),
      "The payer's status is on a server that its profile does not name, so it was not asked.",
    ],
    [
      'has its status at a URL whose origin alone is its own',
      answering('POST', { status: 202, headers: { 'content-location': `blob:${exportWorld().base}/status/1` } }),
      "The payer's status is on a server that its profile does not name, so it was not asked.",
    ],
    ['fails', answering('/status/1', { status: 500 }), 'The payer ended the request with status 500.'],
    ['forgets the request', answering('/status/1', { status: 404 }), 'The payer ended the request with status 404.'],
    ['refuses every token', { instead: () => ({ status: 401 }) }, 'The payer refused the request with status 401.'],
    ['has no manifest', { manifest: { output: 'none' } }, "The payer's manifest could not be read."],
    ...['"output":[]', '"link":[]', '"error":[]', '"output":[{"type":"Patient","url":"x","url":"y"}]'].map(
      (member): [string, Plan, string] => [
        `has a member twice in its manifest, the second in ${member}`,
        answering('/status/1', {
          headers: { 'content-type': 'application/json' },
          body: `{"output":[],"link":[{"relation":"next"}],"error":[],${member}}`,
        }),
        "The payer's manifest could not be read.",
      ],
    ),
    [
      'has a manifest of a million values',
      { manifest: { x: Array(1e6).fill(0) } },
      "The payer's manifest could not be read.",
    ],
    [
      'works for too long',
      answering('/status/1', { status: 202, headers: { 'retry-after': '3600' } }),
      'The payer had not ended its work: the export took longer than it may.',
    ],
  ])('nothing comes of a plan that %s', async (_, plan, error) => {
    const made = await run(groupInput(two), { output: [people], ...plan });

    expect(made).toMatchObject({ errors: [error], status: 'failed', ids: [] });
    expect(made.world.asked.every(({ url }) => url.startsWith(made.world.base))).toBe(true);
  });

  const elsewhere = 'https://other.example';
  it.each([
    ['the status of an export', groupInput(two), 'statusOrigins', 'status is'],
    ['a file of an export', groupInput(two), 'fileOrigins', ''],
    ['a file of a match', three, 'fileOrigins', ''],
  ] as const)('nothing goes to a server of %s once the profile names it no longer', async (_, input, origins, what) => {
    const plan = ({ payer }: World): Plan => ({
      output: [{ type: 'Group', url: `${elsewhere}/file`, lines: [] }],
      instead: ({ method, url }): Sent | undefined => {
        if (method === 'POST' && origins === 'statusOrigins')
          return { status: 202, headers: { 'content-location': `${elsewhere}/status` } };
        if (!url.startsWith(elsewhere)) return undefined;
        const { [origins]: _no, ...left } = payer.exchange!;
        Object.assign(payer, { exchange: left });
        return { status: 503, headers: { 'retry-after': '600' } };
      },
    });
    const { world, errors } = await run(input, plan, { plan: { [origins]: [elsewhere] } });

    expect(world.asked.filter(({ url }) => url.startsWith(elsewhere))).toHaveLength(1);
    expect(errors[0]).toMatch(new RegExp(`${what}.* on a server that (?:its|the payer's) profile does not name`));
  });

  it('is asked of those alone whose consent still holds, and of nobody if there are none', async () => {
    const some = await run(groupInput([memberOf('a'), ended]), { output: [patients('a')] });
    const none = await run(groupInput([ended]), {});
    const byGet = await run(groupInput(two, { groupMembers: 3 }), {}, { plan: { exportMethod: 'GET' } });

    expect([byGet.world.asked, byGet.status]).toEqual([[], 'failed']);
    expect(namedIn(some.world)).toEqual(onlyOfA);
    expect(none.world.asked).toEqual([]);
    expect(none.errors).toEqual([
      'No member of the Group may be exported any more, so nothing was requested.',
      consentEnded,
    ]);
  });

  it('is asked of those alone whom the plan’s Group still has, by the periods that it gave', async () => {
    const past = memberOf('b', { until: '2026-11-26' });
    const some = await run(groupInput([memberOf('a', { until: '2026-11-27' }), past]), { output: [people] });
    const none = await run(groupInput([past]), {});

    expect(namedIn(some.world)).toEqual(onlyOfA);
    expect(some.ids).toEqual(['a']);
    expect(some.errors).toContain(periodEnded);
    expect(cameOf(some.world)).toMatchObject([{ outcome: 'exported' }, { outcome: 'notNow' }]);
    expect(none.world.asked).toEqual([]);
    expect(none.errors).toEqual([
      'No member of the Group may be exported any more, so nothing was requested.',
      periodEnded,
    ]);
  });

  it.each<[string, Sent]>([
    ['fails', { status: 503 }],
    ['asks to wait', { status: 429, headers: { 'retry-after': '600' } }],
    ['refuses a token, and the next one takes long', { status: 401 }],
  ])('is not asked again once a consent has ended, if the plan %s', async (_, answer) => {
    const endsAt = '2026-11-27T00:01:00Z';
    const consent = { id: 'c', hash: 'h', endsAt };
    const askedOf = async (exchange: Exchange) => {
      const sentMs: number[] = [];
      let tokensMs: readonly number[] = [];
      const made = await run(exchange, (world) => {
        const { deps } = world;
        tokensMs = tokenTimes(world);
        return {
          output: [patients('a')],
          instead: ({ form }) => {
            if (form === undefined || !/MemberBundle|Patient\/b/.test(form)) return undefined;
            sentMs.push(deps.clock.now());
            return deps.sleep(answer.status === 401 ? 61_000 : 1000).then(() => answer);
          },
        };
      });
      const isLate = (at: number): boolean => at >= Date.parse(endsAt);
      const [late, lateTokens] = [sentMs.filter(isLate), tokensMs.filter(isLate)];
      const came = cameOf(made.world).map(({ outcome }) => outcome);
      return { ...made, sent: sentMs.length > 0, late, lateTokens, came };
    };
    const input = matchInput('ours-a', 'ours-b') as Extract<Exchange, { kind: 'match' }>;
    const members = [input.members[0]!, { ...input.members[1]!, consent }];
    const match = await askedOf({ ...input, members });
    const group = await askedOf(groupInput([memberOf('a'), memberOf('b', { consent })], { groupMembers: 3 }));
    const inTime = memberOf('b', { until: endsAt });
    const byPeriod = await askedOf(groupInput([memberOf('a'), inTime], { groupMembers: 3 }));

    expect(match).toMatchObject({
      sent: true,
      late: [],
      lateTokens: [],
      status: 'failed',
      came: ['notNamed', 'consentEnded'],
    });
    expect(match.errors).toEqual([
      "A member's consent ended before the payer could be asked, so nothing was requested. Send the others again.",
      consentEnded,
    ]);
    expect(group).toMatchObject({ sent: true, late: [], ids: ['a'], came: ['exported', 'consentEnded'] });
    expect(byPeriod).toMatchObject({ sent: true, late: [], ids: ['a'], came: ['exported', 'notNow'] });
  });

  it('is read no further when nobody is left of whom it may be', async () => {
    const consent = { id: 'c', hash: 'h', endsAt: '2026-11-27T00:10:00Z' };
    const plan = { output: [people], busy: 100 };
    const { world, status, errors } = await run(groupInput([memberOf('a', { consent })]), plan);

    expect({ status, errors }).toEqual({
      status: 'failed',
      errors: [
        'Nobody of the Group may be exported any more, so the rest was not read.',
        'Member ours-a is left out: the consent has ended.',
      ],
    });
    expect(world.asked.filter(({ path }) => path.startsWith('/files'))).toEqual([]);
    expect(world.asked.length).toBeLessThan(30);
    expect(world.asked.at(-1)?.method).toBe('DELETE');
  });

  it.each(['ours-b', 'Patient/b', 'b'])('has no line of a member who is ended by %s', async (name) => {
    const endNow = ({ exchanges }: World) => endMember(exchanges, owner, 'g1', sha256(name));
    const before = worldOf(groupInput(two), { output: [patients('a')] });
    const during = worldOf(groupInput(two), (world) => ({
      output: [people],
      instead: ({ path }) => {
        if (path === '/status/1') void endNow(world);
        return undefined;
      },
    }));
    await before.kickOff();
    await endNow(before);
    await before.durable.finish(before.start());
    await during.kickOff();
    await during.durable.finish(during.start());

    expect(namedIn(before)).toEqual(onlyOfA);
    for (const world of [before, during]) {
      const { ids, errors } = await endOf(world);
      expect(ids).toEqual(['a']);
      expect(errors).toContain('Member ours-b is left out: the exchange was ended for this member.');
      expect(cameOf(world)).toMatchObject([
        { submitted: 'ours-a', outcome: 'exported' },
        { submitted: 'ours-b', outcome: 'ended' },
      ]);
    }
  });

  it('is passed on with its deletions, but for those of strangers', async () => {
    const deletion = (...urls: readonly string[]) => ({
      resourceType: 'Bundle',
      type: 'transaction',
      entry: urls.map((url) => ({ request: { method: 'DELETE', url } })),
    });
    const more = { extension: [{ url: 'urn:x', valueString: 'theirs' }], Resource: patient('theirs'), id: 'theirs' };
    const kept = deletion('Patient/a', 'Observation/9');
    const lines = (base: string) => [
      kept,
      {
        ...deletion(),
        ...more,
        meta: { tag: [{ display: 'theirs' }] },
        type: 'theirs',
        entry: [
          {
            ...more,
            fullUrl: 'https://other.example/Patient/theirs',
            search: { mode: 'match', ...more },
            request: { method: 'DELETE', url: `${base}/Observation/9/`, ifMatch: 'theirs', ...more },
          },
        ],
      },
      deletion('Observation/10', 'Patient/x', 'Observation/11', 'Observation/theirs', 'Encounter/1'),
      { ...deletion('Observation/12'), entry: [...deletion('Observation/12').entry, 'theirs', {}] },
      deletion('Observation/theirs'),
      deletion('Patient/x'),
      deletion('https://other'),
      deletion('https://other/Observation/9'),
      deletion('Observation/9/_history/1'),
      deletion('Observation/Jo%20Do'),
      { ...deletion(), entry: [{ resource: patient('x') }] },
      { ...deletion('Observation/9'), modifierExtension: [{ url: 'urn:not', valueBoolean: true }] },
    ];
    const types = ['Patient', 'Observation'];
    const { world, errors } = await run(groupInput(two, { asked: { types } }), ({ base }) => ({
      output: [people, observations('theirs x')],
      deleted: [{ type: 'Bundle', lines: lines(base) }],
    }));

    const passedOn = [
      kept,
      deletion('Observation/9'),
      deletion('Observation/10', 'Observation/11'),
      deletion('Observation/12'),
    ].map((line) => JSON.stringify(line));
    expect((await world.record()).deleted).toEqual(passedOn);
    const entries = (count: string): string =>
      `${count} left out: not a deletion of a resource of a type that was asked for, by its type and id, or about somebody else.`;
    expect(errors.filter((error) => error.includes('deletions'))).toEqual([
      entries('3 entries in file 1 of deletions are'),
      entries('2 entries in file 1 of deletions are'),
      ...Array.from({ length: 7 }, () => entries('1 entry in file 1 of deletions is')),
      'A line in file 1 of deletions is left out: it is no list of deletions.',
    ]);
  });

  // HAPI's text, the id of BCDA's job, Microsoft's empty list, and what Bulk Data 3.0 has.
  it.each([
    { msg: 'Export complete' },
    { JobID: 7 },
    { issues: [], deleted: null },
    { outputFormat: 'application/fhir+ndjson', outputOrganizedBy: '', extension: { 'https://plan.example/x': [1] } },
  ])('is all of them with a manifest that also has %j', async (manifest) => {
    const made = await run(groupInput(two), { output: [people], manifest });

    expect(made).toMatchObject({ complete: true, ids: ['a', 'b'], errors: [] });
  });

  const ahead = 'Thu, 31 Dec 2026 00:00:00 GMT';
  const none = 'Thu, 01 Jan 1970 00:00:00 GMT';
  const [request, hourBefore] = ['2026-11-27T00:00:00.000Z', '2026-11-26T23:00:00.000Z'];
  it.each([
    ['as the plan says', undefined, undefined, hourBefore],
    ['never later than our request', undefined, '2027-01-01T00:00:00Z', request],
    ['by our clock if the plan’s is ahead', ahead, '2027-01-01T00:00:00Z', request],
    ['by ours if both are beyond all dates', '+275000-01-01T00:00:00.000Z', '+275000-01-01T00:00:00Z', request],
    ['an hour before the start if the plan has no clock', none, '-200000-01-01T00:00:00Z', hourBefore],
    ['at the request if the manifest’s is before all dates', undefined, '-200000-01-01T00:00:00Z', request],
  ])('is as of a time: %s', async (_, date, transactionTime, expected) => {
    const manifest = transactionTime === undefined ? {} : { transactionTime };
    const made = await run(groupInput(two), { output: [people], manifest, date });

    expect(made.manifest.transactionTime).toBe(expected);
  });

  it.each([
    ['with the token if the manifest says so', true, {}, 'Bearer system-2'],
    ['with the token if the manifest says so as a text', 'true', {}, 'Bearer system-2'],
    ['without it if it does not', false, {}, ''],
    ['with it if the profile says so', false, { fileToken: 'always' }, 'Bearer system-2'],
    ['without it if the profile says so', true, { fileToken: 'never' }, ''],
  ] as const)('is fetched from a named server %s', async (_, requiresAccessToken, profile, token) => {
    const url = 'https://files.example/1';
    const body = people.lines.map((line) => JSON.stringify(line)).join('\n');
    const plan: Plan = {
      output: [{ ...people, url }],
      manifest: { requiresAccessToken },
      instead: (asked) => (asked.url === url ? { body } : undefined),
    };
    const made = await run(groupInput(two), plan, { plan: { fileOrigins: ['https://files.example'], ...profile } });

    expect(made.ids).toEqual(['a', 'b']);
    expect(askedFor(made.world, url)[0]?.token).toBe(token);
  });

  it('has its attachments fetched with the token of the gateway', async () => {
    const document = {
      resourceType: 'DocumentReference',
      id: 'd',
      subject: { reference: 'Patient/a' },
      content: [{ attachment: { url: 'Binary/1', contentType: 'application/pdf' } }],
    };
    const { world, attachments, lines, errors } = await run(groupInput(two), {
      ...and({ type: 'DocumentReference', lines: [document] }),
      ...answering('/Binary/1', { headers: { 'content-type': 'application/pdf' }, body: 'form' }),
    });

    const content = attachments.get('attachment-1')?.bytes.toString();
    expect({ errors, content }).toEqual({ errors: [], content: 'form' });
    expect(lines.find((line) => line.includes('DocumentReference'))).toContain('/attachment-1"');
    expect(askedFor(world, '/Binary/1')[0]?.token).toMatch(/^Bearer system-/);
  });

  it('whose attachments cannot wait as long as the plan asks counts no line that was left out at the end', async () => {
    const document = {
      resourceType: 'DocumentReference',
      id: 'd',
      subject: { reference: 'Patient/a' },
      content: [{ attachment: { url: 'Binary/1', contentType: 'application/pdf' } }],
    };
    const ofNobody = { resourceType: 'Provenance', id: 'p', target: [{ reference: 'Observation/none' }] };
    const { world, ids } = await run(groupInput(two), {
      ...and({ type: 'DocumentReference', lines: [document] }, { type: 'Provenance', lines: [ofNobody] }),
      ...answering('/Binary/1', { status: 429, headers: { 'retry-after': '999999' } }),
    });

    expect(ids).toEqual(['a', 'b', 'd']);
    expect((await world.item())?.resources).toBe(3);
  });

  describe('once another match gave the id of the Group to others', () => {
    const document = (id: string, more: object = {}) => ({
      resourceType: 'DocumentReference',
      id,
      content: [{ attachment: { url: `Binary/${id}`, contentType: 'application/pdf' } }],
      ...more,
    });
    const listOf = (id: string, ...items: readonly (readonly [string, string])[]) => ({
      resourceType: 'List',
      id,
      entry: items.map(([type, of]) => ({ item: to(type, of) })),
    });
    const passedOn = (what: string): string =>
      `1 resource of type ${what} names no patient, and was passed on before it was known that the payer's Group may have others.`;
    const nameless = (what: string): string =>
      `1 resource of type ${what} is left out: it names no patient, and nothing shows that it is about a member of the Group.`;

    it.each<[string, string, string, readonly string[]]>([
      [
        'before its last file came',
        '/files/output/2',
        'n 1 e q',
        [passedOn('Observation in file 2'), nameless('DocumentReference in file 3'), nameless('List in file 4')],
      ],
      [
        'while its attachments came',
        '/Binary/e',
        'n 1 e p q',
        [passedOn('Observation in file 2'), passedOn('List in file 4'), nameless('DocumentReference in file 3')],
      ],
      [
        'with its last attachment',
        '/Binary/d',
        'n 1 e d p q',
        [passedOn('Observation in file 2'), passedOn('DocumentReference in file 3'), passedOn('List in file 4')],
      ],
    ])('%s, what names nobody is named, or no longer comes', async (_, when, ids, errors) => {
      const made = await run(groupInput(two), (world) => ({
        output: [
          people,
          observations({ resourceType: 'Observation', id: 'n' }, '1 a'),
          { type: 'DocumentReference', lines: [document('e', { subject: to('Patient', 'a') }), document('d')] },
          {
            type: 'List',
            lines: [listOf('p', ['Observation', 'n']), listOf('q', ['Observation', 'n'], ['Observation', '1'])],
          },
        ],
        instead: async ({ path }) => {
          if (path === when) await mixGroup(world);
          // Longer than a leg, so that another one takes the last file.
          if (path === when && !path.endsWith('d')) await world.deps.sleep(30_000);
          return path.startsWith('/Binary/')
            ? { headers: { 'content-type': 'application/pdf' }, body: path }
            : undefined;
        },
      }));

      expect(made.ids.toSorted()).toEqual(['a', 'b', ...words(ids)].toSorted());
      expect(made.errors.toSorted()).toEqual([...errors].toSorted());
      expect(made.complete).toBe(false);
    });
  });

  describe('once a member is lost', () => {
    const endsAt = '2026-11-27T00:03:00Z';
    const lost = memberOf('b', { consent: { id: 'c', hash: 'h', endsAt } });
    const documents = (of: string, count: number) =>
      Array.from({ length: count }, (_, at) => ({
        resourceType: 'DocumentReference',
        id: `${of}${at}`,
        subject: { reference: `Patient/${of}` },
        content: [{ attachment: { url: `Binary/${of}${at}`, contentType: 'application/pdf' } }],
      }));
    const inPart = (why: string) => `What came later of member ours-b is left out: ${why} while the export ran.`;

    it.each<[string, readonly GroupMember[], string, (world: World) => unknown]>([
      ['by the end of the consent', [two[0]!, lost], 'the consent has ended', () => undefined],
      [
        'by the end of the period in the plan’s Group',
        [two[0]!, memberOf('b', { until: endsAt })],
        "the member's period in the payer's Group has ended",
        () => undefined,
      ],
      [
        'by an operator',
        two,
        'the exchange was ended for this member',
        ({ exchanges }) => endMember(exchanges, owner, 'g1', sha256('b')),
      ],
    ])('%s, their attachments are not fetched, and what waits for these is left out', async (_, members, why, end) => {
      const sent: { readonly atMs: number; readonly path: string }[] = [];
      let isEnded = false;
      const answer = async (world: World, path: string) => {
        const atMs = world.deps.clock.now();
        sent.push({ atMs, path });
        if (!isEnded && atMs >= Date.parse(endsAt)) {
          isEnded = true;
          await end(world);
        }
        await world.deps.sleep(10_000);
        return { headers: { 'content-type': 'application/pdf' }, body: path };
      };
      const made = await run(groupInput(members), (world) => ({
        output: [people, { type: 'DocumentReference', lines: [...documents('b', 60), ...documents('a', 2)] }],
        instead: ({ path }) => (path.startsWith('/Binary/') ? answer(world, path) : undefined),
      }));

      const ofB = sent.filter(({ path }) => path.startsWith('/Binary/b'));
      expect(ofB.filter(({ atMs }) => atMs > Date.parse(endsAt) + 30_000)).toEqual([]);
      expect(sent.slice(ofB.length).map(({ path }) => path)).toEqual(['/Binary/a0', '/Binary/a1']);
      const came = made.ids.filter((id) => /^b\d/.test(id)).length;
      expect(came).toBeGreaterThan(0);
      expect(came).toBeLessThan(60);
      expect(made.errors.toSorted()).toEqual(
        [
          `${60 - came} resources of type DocumentReference in file 2 are left out: whom they are about may not be exported any more.`,
          inPart(why),
        ].toSorted(),
      );
      expect(made.complete).toBe(false);
      expect(cameOf(made.world)).toMatchObject([{ submitted: 'ours-a', resources: 3 }, { resources: came + 1 }]);
      expect(made.lines.some((line) => line.includes(`62 lines came, and ${came + 2} of them are passed on`))).toBe(
        true,
      );
    });

    /** Answers attachments, each after ten seconds. */
    const slowly = ({ deps }: World): Plan => {
      const answer = async (path: string) => {
        await deps.sleep(10_000);
        return { headers: { 'content-type': 'application/pdf' }, body: path };
      };
      return { instead: ({ path }) => (path.startsWith('/Binary/') ? answer(path) : undefined) };
    };
    const about = (id: string, type: string, target: string) => ({
      resourceType: 'Provenance',
      id,
      target: [{ reference: `${type}/${target}` }],
    });
    const namesNobody =
      '1 resource of type Provenance in file 3 is left out: it names no patient, and nothing shows that it is about a member of the Group.';

    it('while attachments come, what names nobody, or them beside another, is left out, and is lacking', async () => {
      const ofBoth = {
        resourceType: 'Contract',
        id: 'k',
        subject: [to('Patient', 'a'), to('Patient', 'b')],
        legallyBindingAttachment: { url: 'Binary/k', contentType: 'application/pdf' },
      };
      const made = await run(groupInput([two[0]!, lost]), (world) => ({
        output: [
          people,
          { type: 'DocumentReference', lines: documents('a', 30) },
          { type: 'Provenance', lines: [about('p', 'Observation', '1')] },
          observations('1 a'),
          { type: 'Contract', lines: [ofBoth] },
        ],
        ...slowly(world),
      }));

      const kept = made.lines.filter((line) => line.includes('1 lines came, and 0 of them are passed on'));
      expect(kept).toHaveLength(2);
      expect(made.errors.toSorted()).toEqual(
        [
          namesNobody,
          '1 resource of type Contract in file 5 is left out: it names a member, and another who may not be exported any more.',
          inPart('the consent has ended'),
        ].toSorted(),
      );
      expect(made).toMatchObject({
        complete: false,
        outcomes: { Observation: 'complete 1', Provenance: 'incomplete 0', Contract: 'incomplete 0' },
      });
    });

    it('while attachments come, none of those that had come is handed over, unless another line has it', async () => {
      const [own, ...others] = documents('b', 30);
      const shared = { attachment: { url: 'Binary/a0', contentType: 'application/pdf' } };
      const content = [shared, ...[own!, ...others].flatMap((one) => one.content)];
      const made = await run(groupInput([two[0]!, lost]), (world) => ({
        output: [people, { type: 'DocumentReference', lines: [{ ...own, content }, ...documents('a', 2)] }],
        ...slowly(world),
      }));

      expect(askedFor(made.world, '/Binary/b0')).toHaveLength(1);
      expect([...made.attachments].map(([name, { bytes }]) => [name, bytes.toString()])).toEqual([
        ['attachment-1', '/Binary/a0'],
        [expect.any(String), '/Binary/a1'],
      ]);
      expect(made.lines.filter((line) => line.includes('/attachment-1"'))).toHaveLength(1);
    });

    const dripped = async function* ({ deps }: World, lines: readonly object[]) {
      for (const line of lines) {
        await deps.sleep(10_000);
        yield Buffer.from(`${JSON.stringify(line)}\n`);
      }
    };
    const ndjson = { 'content-type': 'application/fhir+ndjson' };

    it('while a file arrives, what names nobody is left out, before and after, and is lacking', async () => {
      const lines = Array.from({ length: 30 }, (_, at) => about(`p${at}`, 'Observation', 'b1'));
      const withFile = { ...observation('e', 'b'), resourceType: 'Encounter' };
      const ofEncounter = {
        ...documents('x', 1)[0]!,
        subject: undefined,
        context: { encounter: [to('Encounter', 'e')] },
      };
      const made = await run(groupInput([two[0]!, lost]), (world) => ({
        output: [
          people,
          observations('b1 b'),
          { type: 'Encounter', lines: [withFile] },
          { type: 'DocumentReference', lines: [ofEncounter] },
          { type: 'Provenance', lines: [] },
        ],
        instead: ({ path }) =>
          path === '/files/output/4' ? { headers: ndjson, bytes: dripped(world, lines) } : undefined,
      }));

      const came = made.lines.filter((line) => /"id":"p\d/.test(line)).length;
      expect([came > 0, came < 20]).toEqual([true, true]);
      expect(made.errors).toEqual(
        expect.arrayContaining([
          `${30 - came} resources of type Provenance in file 5 are left out: they name no patients, and may be about members who may not be exported any more.`,
          '1 resource of type DocumentReference in file 4 is left out: it names no patient, and nothing shows that it is about a member of the Group.',
        ]),
      );
      expect(made.lines.some((line) => line.includes(`30 lines came, and ${came} of them are passed on`))).toBe(true);
      expect(askedFor(made.world, '/Binary/x0')).toEqual([]);
      expect(made.outcomes).toMatchObject({ Provenance: `incomplete ${came}`, DocumentReference: 'incomplete 0' });
    });

    it('while remarks and deletions arrive, nothing of theirs is missing', async () => {
      const entry = [{ request: { method: 'DELETE', url: 'Observation/9' } }];
      const remark = { resourceType: 'OperationOutcome', issue: [{ severity: 'information', code: 'informational' }] };
      const made = await run(groupInput([two[0]!, lost]), (world) => ({
        output: [people],
        error: [{ type: 'OperationOutcome', lines: [] }],
        deleted: [{ type: 'Bundle', lines: [{ resourceType: 'Bundle', type: 'transaction', entry }] }],
        instead: ({ path }) =>
          path === '/files/error/0'
            ? {
                headers: ndjson,
                bytes: dripped(
                  world,
                  Array.from({ length: 30 }, () => remark),
                ),
              }
            : undefined,
      }));

      expect(made.errors.filter((error) => !error.includes('remark'))).toEqual([]);
      expect(made).toMatchObject({ complete: true, ids: ['a', 'b'] });
    });

    it('and nobody is left while a file arrives, what waits is left out without a request, and named', async () => {
      const alone = memberOf('a', { consent: lost.consent });
      const made = await run(groupInput([alone, lost]), {
        output: [people, { type: 'DocumentReference', lines: documents('a', 2) }, observations('1 a')],
        ...answering('/files/output/2', { status: 429, headers: { 'retry-after': '600' } }),
      });

      expect(made.world.asked.filter(({ path }) => path.startsWith('/Binary/'))).toEqual([]);
      expect(made.errors).toContain('Nobody of the Group may be exported any more, so the rest was not read.');
      expect(made.errors).toContain(
        '2 resources of type DocumentReference in file 2 are left out: whom they are about may not be exported any more.',
      );
      const { length } = made.ids;
      expect((await made.world.item())?.resources).toBe(length);
      expect(cameOf(made.world)).toMatchObject([{ resources: length - 1 }, { resources: 1 }]);
    });

    it.each([
      ['consent', lost, 'the consent has ended'],
      ['period', memberOf('b', { until: endsAt }), "the member's period in the payer's Group has ended"],
    ])('by the end of the %s while a file arrives, no later line about them comes', async (_, lostBy, why) => {
      const drip = async function* ({ deps }: World) {
        for (let at = 0; at < 100; at += 1) {
          await deps.sleep(3000);
          const when = { valueString: new Date(deps.clock.now()).toISOString() };
          yield Buffer.from(
            ['a', 'b'].map((of) => `${JSON.stringify(observation(`${of}${at}`, of, when))}\n`).join(''),
          );
        }
      };
      const made = await run(groupInput([two[0]!, lostBy]), (world) => ({
        output: [people, observations()],
        instead: ({ path }) =>
          path === '/files/output/1'
            ? { headers: { 'content-type': 'application/fhir+ndjson' }, bytes: drip(world) }
            : undefined,
      }));

      const of = (id: string) => made.lines.filter((line) => line.includes(`"reference":"Patient/${id}"`));
      const late = of('b').filter((line) => Date.parse(JSON.parse(line).valueString) >= Date.parse(endsAt) + 1000);
      expect(late).toEqual([]);
      expect([of('a').length, of('b').length > 10, of('b').length < 90]).toEqual([100, true, true]);
      expect(made.errors).toContain(inPart(why));
      expect(made.complete).toBe(false);
    });
  });

  it('rings that a plan is down once it has answered 503 for a while, and not of one that is busy', async () => {
    const downs = async (status: number): Promise<number> => {
      let busy = 30;
      const { world, ...made } = await run(groupInput(two), {
        output: [people],
        instead: ({ method }) =>
          method === 'POST' && (busy -= 1) >= 0 ? { status, headers: { 'retry-after': '120' } } : undefined,
      });
      expect(made.status).toBe('completed');
      const lines = world.lines.map((line) => JSON.parse(line) as { readonly payerDown?: number });
      return lines.filter(({ payerDown = 0 }) => payerDown >= payerDownThreshold).length;
    };

    expect(await downs(429)).toBe(0);
    expect(await downs(503)).toBeGreaterThan(10);
  });

  it('is polled more seldom the longer it takes, however often the plan would like it', async () => {
    const polls: number[] = [];
    const { status } = await run(groupInput(two), ({ deps }) => ({
      output: [people],
      instead: ({ path, method }) => {
        if (path !== '/status/1' || method !== 'GET') return undefined;
        polls.push(deps.clock.now() / 1000);
        return polls.at(-1)! - polls[0]! < 900 ? { status: 202, headers: { 'retry-after': '1' } } : undefined;
      },
    }));

    expect(status).toBe('completed');
    const gaps = polls.slice(1).map((at, index) => at - polls[index]!);
    expect(gaps[0]).toBeLessThan(2);
    expect(Math.min(...gaps.filter((_, index) => polls[index]! - polls[0]! >= 600))).toBeGreaterThanOrEqual(10);
  });

  it('waits as long as a busy plan says, and renews a token that it refuses', async () => {
    let busy = 2;
    const refused = new Set<string>();
    const { world, status } = await run(groupInput(two), {
      output: [people],
      instead: ({ path, method, token }) => {
        if (method === 'POST' && (busy -= 1) >= 0) return { status: 409, headers: { 'retry-after': '600' } };
        if (!path.startsWith('/files/') || refused.size > 0) return undefined;
        refused.add(token);
        return { status: 401 };
      },
    });

    expect(status).toBe('completed');
    const { endedAt, startedAt } = (await world.item())!;
    expect(endedAt! - startedAt).toBeGreaterThan(1200);
    const files = world.asked.filter(({ path }) => path.startsWith('/files/'));
    expect(files.map(({ token }) => refused.has(token))).toEqual([true, false]);
  });
});

describe('the gateway’s own token', () => {
  it.each<[string, Exchange]>([
    ['an export', groupInput(two)],
    ['a match', three],
  ])('is not asked for once %s is deleted, though a leg has begun', async (_, input) => {
    const world = worldOf(input, { output: [people] });
    const { openInJob } = world.deps;
    const asked = tokenTimes(world);
    let isOver = false;
    Object.assign(world.deps, {
      openInJob: async (...which: Parameters<typeof openInJob>) => {
        if (which[1] === 'input key' && !isOver) {
          isOver = true;
          await world.deleteExport();
        }
        return openInJob(...which);
      },
    });
    await world.kickOff();

    await world.durable.finish(world.start());

    expect({ isOver, asked, sent: world.asked }).toEqual({ isOver: true, asked: [], sent: [] });
  });
});

describe('an exchange without a secret that the plan takes', () => {
  const missing = 'the secret of payer northwind is missing or not in its form';
  const atToken = (status: number, answer: object): Partial<World['deps']> => ({
    payerHttp: async () => Response.json(answer, { status }),
  });
  it.each<[what: string, change: (world: World) => Partial<World['deps']>, detail: string, end: string]>([
    [
      'there is none',
      ({ exchanges: table }) => ({
        exchange: {
          table,
          readSecret: async () => {
            throw new GatewayError('temporarily_unavailable', '', { detail: missing, signal: 'secretMissing' });
          },
        },
      }),
      missing,
      missing,
    ],
    ...['invalid_client', 'invalid_grant'].map((error): [string, () => Partial<World['deps']>, string, string] => [
      `the plan says ${error}`,
      () => atToken(400, { error }),
      `token endpoint answered 400 with an OAuth error (${error})`,
      'nothing came: planUnusable client',
    ]),
  ])('says so in the log, and rings for the secret alone: %s', async (_what, change, detail, end) => {
    const world = worldOf(groupInput(two), {});
    Object.assign(world.deps, change(world));

    await world.run();

    expect((await world.item())?.status).toBe('failed');
    const lines = world.lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    const ringing = lines.filter((line) => line['secretMissing'] === 1);
    expect(ringing.length).toBeGreaterThan(1);
    for (const line of ringing) expect(line).toMatchObject({ level: 'error', payer: 'northwind', detail });
    expect(lines.filter((line) => 'payerDown' in line)).toEqual([]);
    expect(lines.at(-1)).toMatchObject({ outcome: 'failed', detail: end });
  });

  it('rings for the secret alone, too, if the plan refuses the token and the client at an attachment', async () => {
    const content = [{ attachment: { url: 'Binary/1', contentType: 'application/pdf' } }];
    const document = { resourceType: 'DocumentReference', id: 'd', subject: { reference: 'Patient/a' }, content };
    let isRefused = false;
    const world = worldOf(groupInput(two), {
      output: [people, { type: 'DocumentReference', lines: [document] }],
      instead: ({ path }) => {
        if (path !== '/Binary/1') return undefined;
        isRefused = true;
        return { status: 401 };
      },
    });
    const { payerHttp } = world.deps;
    Object.assign(world.deps, {
      payerHttp: async (...[url, init]: Parameters<typeof payerHttp>) =>
        isRefused && url === world.payer.exchange?.tokenEndpoint
          ? Response.json({ error: 'invalid_client' }, { status: 400 })
          : payerHttp(url, init),
    });

    await world.run();

    expect((await endOf(world)).ids).toEqual(['a', 'b', 'd']);
    const lines = world.lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    expect(lines.filter((line) => line['secretMissing'] === 1).length).toBeGreaterThan(1);
    expect(lines.filter((line) => 'payerDown' in line)).toEqual([]);
  });
});

/** What a payer answers for the second file of an export. */
const insteadOfFile = (answer: (headers: Readonly<Record<string, string>>) => Sent): Plan['instead'] => {
  return ({ path, headers }) => (path === '/files/output/1' ? answer(headers) : undefined);
};
const observationsIn = (lines: readonly string[]): readonly string[] =>
  lines.filter((line) => line.startsWith('{"resourceType":"Observation"'));

describe('a file that is longer than a leg', () => {
  const count = 400;
  const lines = Array.from({ length: count }, (_, at) =>
    JSON.stringify(observation(`o${at}`, 'a', { note: [{ text: 'x'.repeat(2000) }] })),
  );
  const bytes = Buffer.from(`${lines.join('\n')}\n`);

  interface How {
    readonly ranges: boolean;
    readonly etag?: (asked: number) => string;
    readonly cutAt?: number;
    readonly coding?: string;
    /** @default a second for each sixteen kilobytes */
    readonly pieceMs?: number;
  }

  /** A plan that takes its time for the file, and may send it from an offset. */
  const slowly =
    ({ ranges, etag = () => '"1"', cutAt, coding, pieceMs = 1000 }: How) =>
    ({ deps }: World): Plan => {
      let asked = 0;
      return {
        output: [patients('a'), { type: 'Observation', lines, count }],
        instead: insteadOfFile((headers) => {
          asked += 1;
          const tag = etag(asked);
          const isOn = ranges && headers['range'] !== undefined && headers['if-range'] === tag;
          const from = isOn ? Number(/\d+/.exec(headers['range']!)![0]) : 0;
          const sent = bytes.subarray(from);
          // The bytes are those that the client has decoded.
          const isCoded = coding !== undefined && headers['accept-encoding'] !== 'identity';
          return {
            status: isOn ? 206 : 200,
            headers: {
              etag: tag,
              ...(ranges ? { 'accept-ranges': 'bytes' } : {}),
              ...(isCoded ? { 'content-encoding': coding } : {}),
              ...(isOn ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
            },
            bytes: (async function* () {
              for (let at = 0; at < sent.length; at += 16_384) {
                await deps.sleep(pieceMs);
                if (cutAt !== undefined && asked === 1 && at > cutAt)
                  throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
                yield sent.subarray(at, at + 16_384);
              }
            })(),
          };
        }),
      };
    };

  const read = async (how: How) => {
    const made = await run(groupInput([memberOf('a')]), slowly(how));
    expect(made).toMatchObject({ errors: [], status: 'completed' });
    expect(observationsIn(made.lines)).toEqual(lines);
    return askedFor(made.world, '/files/output/1').map(({ headers }) => headers['range']);
  };

  it('is read on where the leg ended, if the plan takes ranges', async () => {
    const ranges = await read({ ranges: true });

    expect(ranges.length).toBeGreaterThan(2);
    expect(ranges.slice(1).every((range) => /^bytes=[1-9]\d*-$/.test(range ?? ''))).toBe(true);
  });

  it('is read on where the connection broke', async () => {
    expect((await read({ ranges: true, cutAt: 100_000 })).length).toBeGreaterThan(3);
  });

  it('is read again from its start if it has changed meanwhile', async () => {
    await read({ ranges: true, etag: (asked) => (asked === 1 ? '"1"' : '"2"') });
  });

  it('is read at once, past the end of the leg, if the plan takes no ranges', async () => {
    expect(await read({ ranges: false })).toEqual([undefined]);
  });

  it('is read at once if it is compressed, and again without compression, in pieces, if it breaks off', async () => {
    expect(await read({ ranges: true, coding: 'gzip' })).toEqual([undefined]);
    const ranges = await read({ ranges: true, coding: 'gzip', cutAt: 100_000 });
    expect(ranges.slice(0, 2)).toEqual([undefined, undefined]);
    expect(ranges.at(-1)).toMatch(/^bytes=/);
  });

  it('is read again from its start if the connection broke, and the plan takes no ranges', async () => {
    expect(await read({ ranges: false, cutAt: 100_000 })).toEqual([undefined, undefined]);
  });

  const own = Array.from({ length: 9 }, (_, at) => JSON.stringify(observation(`${at}`, 'a')));
  const all = [...own, '{"resourceType":"Observation","id":"bad","id":"bad"}', JSON.stringify(observation('x', 'x'))];
  const leftOut = [
    'Observation/bad in file 2 is left out: it has the same member twice, so that its meaning is not certain.',
    '1 resource of type Observation in file 2 is left out: it is about a patient who is no member of the Group.',
  ];
  const fewer =
    'File 2 (Observation) did not come whole: it broke off, and at another try the payer sent fewer lines than had come.';
  it.each([
    ['in another order', all.toReversed(), leftOut],
    ['with other lines first', [...all.slice(5), ...all.slice(0, 5)], leftOut],
    ['without those that came', all.slice(-6), leftOut],
    ['much shorter', own.slice(-1), [fewer]],
  ])('that breaks off and is then sent %s has its lines in the record or in the account', async (_, again, errors) => {
    for (const cutAfter of [5, 6]) {
      const answers = [all.slice(0, cutAfter), again];
      let times = 0;
      const made = await run(groupInput([memberOf('a')]), {
        output: [patients('a'), observations()],
        instead: insteadOfFile(() => {
          times += 1;
          return { body: `${answers[Math.min(times, 2) - 1]!.join('\n')}\n`, cut: times === 1 };
        }),
      });

      const sent = new Set(answers.flat());
      expect(observationsIn(made.lines).toSorted()).toEqual(own.filter((line) => sent.has(line)));
      expect(made).toMatchObject({ errors, complete: false });
    }
  });

  const short = Array.from({ length: 6 }, (_, at) => JSON.stringify(observation(`s${at}`, at % 2 === 0 ? 'a' : 'b')));
  const shortBytes = Buffer.from(`${short.join('\n')}\n`);
  const size = shortBytes.length;
  const lineBytes = size / short.length;
  /** A part of the file, under the file's tag. */
  const part = (from: number, until: number, total: number | string = size, more: Partial<Sent> = {}): Sent => ({
    status: 206,
    headers: { etag: '"1"', 'content-range': `bytes ${from}-${until - 1}/${total}` },
    bytes: shortBytes.subarray(from, until),
    ...more,
  });
  const next = (from: number): number => Math.min(size, Math.floor(from + 1.5 * lineBytes));
  const atEnd: Sent = { status: 416, headers: { 'content-range': `bytes */${size}` } };
  /** A plan that closes the connection in the middle, as if the file ended there, and gives the rest by ranges. */
  const half: Sent = {
    headers: { etag: '"1"', 'accept-ranges': 'bytes', 'content-length': String(size) },
    bytes: shortBytes.subarray(0, 2 * lineBytes),
  };
  const closes = (from: number): Sent => (from > 0 ? part(from, size) : half);
  const rangeOf = (from: number, until: number) => ({ 'content-range': `bytes ${from}-${until - 1}/${size}` });
  const untagged = (from: number, until = size): Sent => part(from, until, size, { headers: rangeOf(from, until) });
  const ofNext = (from: number): Sent => part(from, size, size, { headers: { etag: '"2"', ...rangeOf(from, size) } });
  const didNot = 'File 2 (Observation) did not come whole: the payer did not send it to the end.';
  it.each<[string, (from: number, asked: number) => Sent, number, boolean]>([
    ['gives a part of what was asked', (from) => part(from, next(from)), 6, true],
    ['gives a part though the whole was asked', (from) => part(from, from === 0 ? next(0) : size), 6, true],
    ['closes before the length that it gave', closes, 6, true],
    ['does not say how long it is', (from) => (from === size ? atEnd : part(from, next(from), '*')), 6, true],
    ['says only at first how long it is', (from) => (from === 0 ? half : part(from, next(from), '*')), 6, true],
    ['leaves the tag out of a part', (from) => (from === 0 ? half : untagged(from)), 6, true],
    [
      'gives parts of two versions, and then the whole',
      (from, asked) => (asked > 2 ? { bytes: shortBytes } : from === 0 ? half : ofNext(from)),
      6,
      true,
    ],
    ['gives the first part again and again', (from) => part(from, from === 0 ? 3 * lineBytes : from + 1), 3, false],
    ['gives a part under no tag', () => untagged(0, 3 * lineBytes), 3, false],
    ['gives a part of another place', (from) => (from === 0 ? part(0, 2 * lineBytes) : part(0, size)), 2, false],
    ['gives a part that ends beyond its end', () => part(0, size, size - 1), 0, false],
    ['gives fewer bytes than its parts say', (from) => part(from, size, size, { bytes: Buffer.alloc(0) }), 0, false],
    ['closes each time', () => ({ ...half, headers: { 'content-length': String(size) } }), 2, false],
  ])('of a plan that %s is whole, or said to be in parts', async (_, answer, came, isWhole) => {
    let asked = 0;
    const made = await run(groupInput(two), {
      output: [people, observations()],
      instead: insteadOfFile(({ range = '0' }) => answer(Number(/\d+/.exec(range)![0]), (asked += 1))),
    });

    expect(observationsIn(made.lines)).toEqual(short.slice(0, came));
    expect(made.errors.filter((error) => error.startsWith('File 2'))).toEqual(isWhole ? [] : [didNot]);
    expect(made.complete).toBe(isWhole);
  });

  it('is a named problem if the plan takes no ranges and it does not come within an invocation', async () => {
    const plan = slowly({ ranges: false, pieceMs: 21_000 });
    const { errors, outcomes } = await run(groupInput([memberOf('a')]), plan, { timeoutMs: 440_000 });

    expect(errors).toEqual([
      'File 2 (Observation) did not come whole: the payer cannot send it in pieces, and the whole did not come in the time that the gateway has.',
    ]);
    expect(outcomes).toMatchObject({ Patient: 'complete 1', Observation: expect.stringMatching(/^incomplete \d+$/) });
  });
});

describe('a file that takes minutes', () => {
  const stopped = { at: 1, by: 'operator', reason: 'test' };
  let passTimers: (ms: number) => boolean;
  beforeEach(() => {
    passTimers = fakeIntervals();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it.each<[string, (world: World) => unknown]>([
    [
      'the partner may no longer ask',
      async ({ deps }) => Object.assign((await deps.registry.partner('demo-partner'))!, { exchange: undefined }),
    ],
    ['the payer is no longer asked', ({ payer }) => Object.assign(payer, { exchange: undefined })],
    ['the partner deletes it', (world) => world.deleteExport()],
    ['the partner is blocked', ({ stops }) => stops.set(entryIds.partner('demo-partner'), stopped)],
    [
      'the payer is paused',
      ({ stops, deps }) => stops.set(entryIds.payer('northwind'), { ...stopped, until: nowSeconds(deps.clock) + 300 }),
    ],
    ['a member is ended', ({ exchanges }) => endMember(exchanges, owner, 'g1', sha256('b'))],
    [
      'the profile names its server no longer',
      ({ payer }) => Object.assign(payer, { exchange: { ...payer.exchange, fileOrigins: [] } }),
    ],
  ])('is cut within thirty seconds after %s', async (_, end) => {
    let last = 0;
    const drip = async function* (world: World, signal: AbortSignal | undefined) {
      for (let at = 0; at < 120; at += 1) {
        if (at === 10) await end(world);
        await world.durable.sleep(1000);
        if (passTimers(1000)) await turns();
        signal?.throwIfAborted();
        last = at;
        yield Buffer.from(`${JSON.stringify(observation(`${at}`, 'b'))}\n`);
      }
    };
    let asked = 0;
    const plan = (world: World): Plan => ({
      output: [{ ...observations(), url: 'https://files.example/1' }],
      instead: ({ url, signal }) => {
        if (url !== 'https://files.example/1') return undefined;
        asked += 1;
        const headers = { 'content-type': 'application/fhir+ndjson' };
        return asked === 1 ? { headers, bytes: drip(world, signal) } : { headers, body: '' };
      },
    });
    const world = worldOf(groupInput(two), plan, { plan: { fileOrigins: ['https://files.example'] } });
    await world.kickOff();
    await world.durable.finish(world.start());

    expect(last).toBeGreaterThanOrEqual(10);
    expect(last).toBeLessThanOrEqual(40);
  });

  it('is read on once another match gave the id of the Group to others, without what names nobody', async () => {
    const drip = async function* (world: World) {
      for (let at = 0; at < 120; at += 1) {
        if (at === 10) await mixGroup(world);
        await world.durable.sleep(1000);
        if (passTimers(1000)) await turns();
        yield Buffer.from(`${JSON.stringify({ resourceType: 'Observation', id: `${at}` })}\n`);
      }
    };
    const made = await run(groupInput(two), (world): Plan => ({
      output: [people, observations()],
      instead: ({ path }) =>
        path === '/files/output/1'
          ? { headers: { 'content-type': 'application/fhir+ndjson' }, bytes: drip(world) }
          : undefined,
    }));

    const [since, ...leftOut] = made.errors.toSorted().toReversed();
    const [came] = /^\d+/.exec(since ?? '') ?? [];
    expect(since).toBe(
      `${came} resources of type Observation in file 2 name no patients, and were passed on before it was known that the payer's Group may have others.`,
    );
    expect(Number(came)).toBeGreaterThanOrEqual(10);
    expect(Number(came)).toBeLessThanOrEqual(40);
    expect(made.outcomes).toMatchObject({ Observation: `incomplete ${came}` });
    expect(leftOut).toHaveLength(120 - Number(came));
    expect(new Set(leftOut)).toEqual(
      new Set([
        '1 resource of type Observation in file 2 is left out: it names no patient, and nothing shows that it is about a member of the Group.',
      ]),
    );
  });
});

describe('the end of a group export', () => {
  const blocked = 'the partner is blocked';
  const waits = { status: 202, headers: { 'retry-after': '3600' } };
  it.each<[string, string, (world: World) => unknown, Plan?]>([
    ['the partner deletes it', 'gone', (world) => world.deleteExport()],
    [
      blocked,
      'failed',
      ({ stops }) => stops.set(entryIds.partner('demo-partner'), { at: 1, by: 'operator', reason: 'test' }),
    ],
    ['all has come', 'completed', () => undefined],
    ['the plan refuses it', 'failed', () => undefined, { manifest: { output: 'none' } }],
    [
      'it took too long',
      'failed',
      () => undefined,
      { instead: ({ path, method }) => (path === '/status/1' && method === 'GET' ? waits : undefined) },
    ],
  ])(
    'is told to the plan before its place among those that run is free: %s',
    async (what, status, end, more = { busy: 50 }) => {
      const counted: number[] = [];
      const world = worldOf(groupInput([memberOf('a')]), (its) => ({
        output: [patients('a')],
        ...more,
        instead: (asked) => {
          if (asked.method === 'DELETE') counted.push(runningIn(its));
          return more.instead?.(asked);
        },
      }));
      await world.kickOff();
      const arn = world.start();
      await world.durable.until(() => world.asked.some(({ path }) => path === '/status/1'));

      await end(world);

      expect((await world.durable.finish(arn)).result).toMatchObject({ status });
      expect([counted, runningIn(world)]).toEqual([[1], 0]);
      if (what === blocked) expect(cameOf(world)).toEqual([{ ...memberOf('a'), outcome: 'notDelivered' }]);
    },
  );

  const refusing = (name: string): WorldOptions => ({
    onCall: (call) => {
      if (call === name) throw new Error('out of reach');
    },
  });
  it.each<[string, WorldOptions, Partial<Plan>?]>([
    [
      'the plan does not take its end',
      {},
      { instead: ({ method }) => (method === 'DELETE' ? { status: 503 } : undefined) },
    ],
    ['its job cannot begin', refusing('sealForJob')],
    ['its job has begun, and cannot write its first state', refusing('put')],
    [
      'the engine ends its job',
      {
        hooks: {
          before: ({ updates }) =>
            updates.some(({ Name, Action }) => Name === 'leg' && Action === 'SUCCEED')
              ? new LambdaError('RequestEntityTooLargeException', 413, 'too large')
              : undefined,
        },
      },
    ],
  ])('leaves its place among those that run free, though %s', async (_, options, plan = {}) => {
    const world = worldOf(groupInput([memberOf('a')]), { output: [patients('a')], ...plan }, options);
    await world.kickOff();

    await world.durable.finish(world.start());

    expect(await world.item()).not.toMatchObject({ status: 'running' });
    expect(runningIn(world)).toBe(0);
  });
});

describe('an exchange is whole', () => {
  const lines = Array.from({ length: 30 }, (_, at) => `${at} ${at % 2 === 0 ? 'a' : 'b'}`);
  const output = [
    { ...people, count: 2 },
    { ...observations(...lines), count: 30 },
  ];
  /** Runs an exchange, and expects that it has all. */
  const runWhole = async (exchange: Exchange, plan: Plan, options: WorldOptions) => {
    const { world, errors, status, ids } = await run(exchange, plan, options);
    const count = exchange.kind === 'match' ? 2 : 32;
    expect({ errors, status, ids: ids.length }).toEqual({ errors: [], status: 'completed', ids: count });
    expect(runningIn(world)).toBe(0);
    return world;
  };

  it.each<[string, Exchange, Plan]>([
    ['a match', three, matched(first, second)],
    ['a group export', groupInput(two), { output, busy: 3 }],
  ])('%s whose process is killed after any checkpoint', async (_, exchange, plan) => {
    let checkpoints = 0;
    const runKilled = (killed: number) => {
      checkpoints = 0;
      return runWhole(exchange, plan, { killAfter: () => (checkpoints += 1) === killed });
    };
    await runKilled(-1);
    const made = checkpoints;
    expect(made).toBeGreaterThan(8);
    for (let killed = 1; killed <= made; killed += 1) {
      const world = await runKilled(killed);
      // A process that dies between the plan's answer and the checkpoint leaves nobody who knows of it.
      expect(askedFor(world, 'POST').length).toBeLessThanOrEqual(2);
      if (exchange.kind === 'group') expect(askedFor(world, 'DELETE').length).toBeGreaterThanOrEqual(1);
    }
  });

  it.each([
    ['fails', 'onCall'],
    ['has its effect and its answer is lost', 'afterCall'],
  ] as const)('when the call of any dependency %s, whichever it is', async (_, moment) => {
    let calls = 0;
    const runFailing = (failing: number) => {
      calls = 0;
      const fail = (name: string) => {
        // A read has no effect: if its answer is lost, that is a call that fails.
        if (moment === 'afterCall' && name === 'GetItemCommand') return;
        calls += 1;
        if (calls === failing) throw new Error(`call ${failing} of ${name}`);
      };
      return runWhole(groupInput(two), { output, busy: 2 }, { [moment]: fail });
    };
    await runFailing(-1);
    const made = calls;
    expect(made).toBeGreaterThan(30);
    for (let failing = 1; failing <= made; failing += 1) await runFailing(failing);
  });
});

/** What a lying plan says, and what is true of it. */
interface Lie {
  readonly line: object | string;
  /** Whether it belongs into the record. */
  readonly isKept: boolean;
  /** By what words the account names it. */
  readonly named?: RegExp;
}

describe('whatever a plan makes up', () => {
  it.each(seeds)('the record has what is of the Group, and the account names the rest: seed %i', async (seed) => {
    const random = randomOf(seed);
    const pick = pickerOf(random);
    const members = Array.from({ length: 1 + Math.floor(random() * 5) }, (_, at) => memberOf(`m${at}`));
    const ids = members.map(({ reference }) => reference.slice('Patient/'.length));
    let number = 0;
    const next = (letter: string): string => `${letter}${(number += 1)}`;
    const seen: ReturnType<typeof observation>[] = [];
    const kept = (line: object): Lie => ({ line, isKept: true });
    const leftOut = (line: object | string, named = /left out/): Lie => ({ line, isKept: false, named });
    const lies: readonly (() => Lie)[] = [
      () => {
        seen.push(observation(next('o'), pick(ids)));
        return kept(seen.at(-1)!);
      },
      () => kept({ resourceType: 'Practitioner', id: next('p') }),
      () => leftOut(observation(next('s'), pick(['stranger', 'm9', 'M0', 'm0/x']))),
      () => leftOut({ ...observation(next('u'), ''), subject: {} }, /whom (?:it is|they are) about cannot be read/),
      () => leftOut(pick(['{', 'null', '"x"', '{"resourceType":5}', '{"resourceType":"Nope"}'])),
      () => (seen.length === 0 ? leftOut('{') : leftOut(pick(seen), /came before/)),
      () =>
        seen.length === 0
          ? leftOut('{')
          : leftOut({ ...pick(seen), status: next('other ') }, /came before with other content/),
      () => leftOut({ resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'exception' }] }, /remark/),
    ];
    const files = Array.from({ length: 1 + Math.floor(random() * 4) }, () => {
      const made = Array.from({ length: Math.floor(random() * 30) }, () => pick(lies)());
      const counts = [undefined, made.length, made.length + 1 + Math.floor(random() * 9), Math.floor(random() * 3)];
      return { made, count: pick(counts), type: pick(['Observation', 'Practitioner']) };
    });

    const { lines, errors, complete, outcomes } = await run(groupInput(members), {
      output: files.map(({ made, count, type }) => ({ type, count, lines: made.map(({ line }) => line) })),
    });

    const all = files.flatMap(({ made }) => made);
    const whole = all.filter(({ isKept }) => isKept).map(({ line }) => JSON.stringify(line));
    const given = lines.filter((line) => !line.startsWith('{"resourceType":"Provenance"'));
    expect(given.toSorted()).toEqual(whole.toSorted());
    const text = errors.join('\n');
    for (const { named } of all) if (named !== undefined) expect(text).toMatch(named);
    for (const [at, { made, count }] of files.entries()) {
      const said = `^File ${at + 1} \\(\\w+\\) has ${made.length} lines?, and the payer names ${count ?? ''}\\.$`;
      if (count !== undefined && count !== made.length) expect(text).toMatch(new RegExp(said, 'm'));
      else expect(text).not.toMatch(new RegExp(`^File ${at + 1} .*has`, 'm'));
    }
    const about = new Set(seen.map(({ subject }) => subject.reference));
    for (const { submitted, reference } of members) {
      expect(errors.includes(`Nothing came about member ${submitted}.`)).toBe(!about.has(reference));
    }
    const counted = Object.values(outcomes).reduce((sum, outcome) => sum + Number(outcome.split(' ')[1]), 0);
    expect(counted).toBe(whole.length);
    const lacks = /cannot be read|not valid JSON|not one of FHIR|Resources may be missing|Nothing came|other content/;
    if (lacks.test(text)) expect(complete).toBe(false);
  });
});
