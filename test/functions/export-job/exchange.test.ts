import { jest } from '@jest/globals';
import { readMatch } from '../../../functions/export-job/exchange/read-groups.ts';
import { openGroupBody } from '../../../functions/shared/exchanges/group.ts';
import { payerDownThreshold } from '../../../functions/shared/metrics/metrics.ts';
import { entryIds } from '../../../functions/shared/registry/entry-items.ts';
import type { Payer } from '../../../functions/shared/registry/types.ts';
import { sha256 } from '../../../functions/shared/store/crypto.ts';
import { countRunning, endMember, getGroup } from '../../../functions/shared/store/exchanges.ts';
import { turns } from '../../support/eventually.ts';
import { exportWorld, type Sent, type WorldOptions } from '../../support/export-world.ts';
import { fakeIntervals } from '../../support/fake-timeouts.ts';
import { randomOf } from '../../support/random.ts';
import { endOf } from './end-of.ts';
import { groupInput, groupOf, matchInput, memberOf, planOf, submittedPatient, type Plan } from './former-plan.ts';

const owner = 'northwind/demo-partner';

/** Runs an exchange with a plan to its end. */
const run = async (exchange: NonNullable<WorldOptions['exchange']>, plan: Plan, options: WorldOptions = {}) => {
  const world = exportWorld({ exchange, ...options });
  world.answerWith(planOf(world.base, plan));
  await world.run();
  return endOf(world);
};

const observation = (id: string, patient: string, more: object = {}) => ({
  resourceType: 'Observation',
  id,
  subject: { reference: `Patient/${patient}` },
  ...more,
});
const patient = (id: string) => ({ resourceType: 'Patient', id });

describe('a match', () => {
  it('is asked as PDex says, and its Groups are passed on and kept for exports', async () => {
    const input = matchInput('ours-a', 'ours-b', 'ours-c');
    const matched = groupOf('match', { 'ours-a': 'Patient/a' });
    const output = [
      { type: 'Group', lines: [matched], count: 1 },
      {
        type: 'Group',
        lines: [groupOf('nomatch', { 'ours-b': '#ours-b' }), groupOf('consentconstraint', { 'ours-c': '#ours-c' })],
      },
    ];
    const { world, errors, status, complete, lines } = await run(input, { output });

    expect({ errors, status, complete }).toEqual({ errors: [], status: 'completed', complete: true });
    const [asked] = world.asked;
    expect(asked).toMatchObject({
      path: '/Group/$bulk-member-match',
      method: 'POST',
      token: 'Bearer system-1',
      oneTime: true,
      form: input.kind === 'match' ? input.body : '',
      headers: { prefer: 'respond-async', 'content-type': 'application/fhir+json' },
    });
    const made = (group: object, id: string) => ({
      ...group,
      contained: [submittedPatient(id)],
      quantity: 1,
    });
    const passedOn = output.flatMap(({ lines: all }) => all).map((one, at) => made(one, `ours-${'abc'.charAt(at)}`));
    expect(lines.slice(0, 3).map((line) => JSON.parse(line) as object)).toEqual(passedOn);
    const group = (await getGroup(world.exchanges, owner, 'group-match', 0))!;
    const key = await world.deps.openInJob(
      { group: `${owner}/group-match`, partner: 'demo-partner' },
      'group key',
      group.key,
    );
    expect(await openGroupBody(key, { owner, id: 'group-match' }, group.body)).toEqual({
      resource: lines[0],
      members: [{ submitted: 'ours-a', reference: 'Patient/a', consent: { id: 'consent-ours-a', hash: 'hash' } }],
    });
    expect(world.asked.filter(({ method }) => method === 'DELETE')).toEqual([]);
  });
});

/** A match of three members, whose Groups are changed. */
const matched = (...groups: readonly object[]): Plan => ({ output: [{ type: 'Group', lines: groups }] });
const three = matchInput('ours-a', 'ours-b', 'ours-c');
const whole = [
  groupOf('match', { 'ours-a': 'Patient/a', 'ours-b': 'Patient/b' }),
  groupOf('nomatch', { 'ours-c': '#ours-c' }),
];
const envelope = {
  resourceType: 'Parameters',
  parameter: [
    { name: 'MatchedMembers', resource: groupOf('', { 'ours-a': 'Patient/a', 'ours-b': 'Patient/b' }, { code: {} }) },
    { name: 'NonMatchedMembers', resource: groupOf('nomatch', { 'ours-c': '#ours-c' }) },
  ],
};

describe('the Groups of a match', () => {
  /** The submitted members who can be exported. */
  const exported = async (world: Awaited<ReturnType<typeof run>>['world']): Promise<readonly string[]> => {
    const ids = [...world.dynamo.items('Exchanges').values()].flatMap(
      ({ name }) => /^group\/(.*)/.exec(name?.S ?? '')?.[1] ?? [],
    );
    const all: string[] = [];
    for (const id of ids) {
      const group = (await getGroup(world.exchanges, owner, id, 0))!;
      const box = { group: `${owner}/${id}`, partner: 'demo-partner' };
      const key = await world.deps.openInJob(box, 'group key', group.key);
      const { members } = await openGroupBody(key, { owner, id }, group.body);
      all.push(...members.map(({ submitted, reference }) => `${submitted} ${reference}`));
    }
    return all;
  };
  const both = ['ours-a Patient/a', 'ours-b Patient/b'];
  const textLeftOut =
    "Text, names and identifiers in the payer's Groups are left out: whom they are about cannot be checked.";
  const theirs = { resourceType: 'Patient', id: 'theirs', name: [{ family: 'theirs' }] };
  interface Contained {
    readonly contained: readonly object[];
  }
  const entryAt = (group: object, at: number) =>
    (group as { readonly member: readonly { readonly entity: object }[] }).member[at]!;
  const [first, second] = whole as [object, object];

  it.each<[string, Plan, readonly string[], readonly string[]]>([
    ['come as PDex 2.2 has them', matched(...whole), [], both],
    ['come in the envelope of PDex 2.1', { output: [{ type: 'Parameters', lines: [envelope] }] }, [], both],
    [
      'win over the envelope beside them',
      {
        output: [
          { type: 'Parameters', lines: [{ ...envelope, parameter: [] }] },
          { type: 'Group', lines: whole },
        ],
      },
      [],
      both,
    ],
    [
      'name a stranger',
      matched(groupOf('match', { 'ours-a': 'Patient/a', 'ours-b': 'Patient/b', theirs: 'Patient/x' }), second),
      ["1 entry of the payer's Groups names a patient who was not submitted, and is left out."],
      both,
    ],
    ['do not mention a member', matched(first), ['Member ours-c: The payer does not say what became of it.'], both],
    [
      'name a member twice, with two outcomes',
      matched(first, groupOf('nomatch', { 'ours-b': '#ours-b', 'ours-c': '#ours-c' })),
      ['Member ours-b: The payer names it in two Groups of different outcomes. It counts as not matched.'],
      [both[0]!],
    ],
    [
      'name two records for a member',
      matched(first, groupOf('match', { 'ours-b': 'Patient/c' }, { id: 'second' }), second),
      ['Member ours-b: The payer names two records for it. It counts as not matched.'],
      [both[0]!],
    ],
    [
      'name one record for two members',
      matched(groupOf('match', { 'ours-a': 'Patient/a', 'ours-b': 'Patient/a' }), second),
      ['ours-a', 'ours-b'].map(
        (member) =>
          `Member ${member}: The payer names one record for it and for another member. It counts as not matched.`,
      ),
      [],
    ],
    [
      'are two of one id',
      matched(first, groupOf('match', { 'ours-b': 'Patient/x' }), second),
      ['The payer names two Groups of one id. Only the first is in this answer.'],
      both,
    ],
    [
      'have no matched members',
      matched(groupOf('nomatch', { 'ours-a': '#ours-a', 'ours-b': '#ours-b', 'ours-c': '#ours-c' })),
      ['The payer names no Group of matched members.'],
      [],
    ],
    [
      'have an id that nobody can ask for',
      matched(groupOf('match', { 'ours-a': 'Patient/a', 'ours-b': 'Patient/b' }, { id: '../x' }), second),
      [
        "A Group of the payer's is left out: it has no usable id, so that it cannot be exported.",
        'The payer names no Group of matched members.',
        'Member ours-a: The payer does not say what became of it.',
        'Member ours-b: The payer does not say what became of it.',
      ],
      [],
    ],
    ...['group_1', 'a'.repeat(65)].map((id): [string, Plan, readonly string[], readonly string[]] => [
      `have an id that is none of FHIR: ${id}`,
      matched(first, groupOf('match', { 'ours-c': 'Patient/c' }, { id }), second),
      ["A Group of the payer's is left out: it has no usable id, so that it cannot be exported."],
      both,
    ]),
    [
      'have members that are no list',
      matched(...whole, groupOf('nomatch', {}, { id: 'g', member: { entity: { display: 'theirs' } } })),
      ["A Group of the payer's is left out: its members are no list."],
      both,
    ],
    [
      'hold a resource of no entry',
      matched({ ...first, contained: [...(first as Contained).contained, theirs] }, second),
      ["1 resource in the payer's Groups is left out: no entry refers to it."],
      both,
    ],
    [
      'hold a resource twice, the second about somebody else',
      matched({ ...first, contained: [...(first as Contained).contained, { ...theirs, id: 'ours-a' }] }, second),
      ["1 resource in the payer's Groups is left out: no entry refers to it."],
      both,
    ],
    [
      'hold one resource that is in no list',
      matched(first, { ...second, contained: theirs }),
      [
        "1 entry of the payer's Groups cannot be read, and is left out.",
        "1 resource in the payer's Groups is left out: no entry refers to it.",
        'Member ours-c: The payer does not say what became of it.',
      ],
      both,
    ],
    [
      'name a stranger whom a kept entry mentions',
      matched(
        groupOf(
          'match',
          { 'ours-a': 'Patient/a', 'ours-b': 'Patient/b', theirs: 'Patient/x' },
          {
            text: { status: 'generated', div: '<div>theirs</div>' },
            name: 'theirs',
            member: [
              {
                ...entryAt(first, 0),
                entity: { ...entryAt(first, 0).entity, display: 'see "#theirs"', identifier: { value: 'theirs' } },
              },
              entryAt(first, 1),
              entryAt(groupOf('match', { theirs: 'Patient/x' }), 0),
            ],
          },
        ),
        second,
      ),
      ["1 entry of the payer's Groups names a patient who was not submitted, and is left out.", textLeftOut],
      both,
    ],
    ...[
      { text: { status: 'generated', div: '<div>theirs</div>' } },
      { member: [{ entity: { ...entryAt(first, 0).entity, display: 'theirs' } }, entryAt(first, 1)] },
      { member: [{ entity: { ...entryAt(first, 0).entity, identifier: { value: 'theirs' } } }, entryAt(first, 1)] },
    ].map((change): [string, Plan, readonly string[], readonly string[]] => [
      `have ${JSON.stringify(change)}`,
      matched({ ...first, ...change }, second),
      [textLeftOut],
      both,
    ]),
    ...[
      { name: 'theirs' },
      { _name: { extension: [{ url: 'urn:x', valueString: 'theirs' }] } },
      { extension: [{ url: 'urn:x', valueString: 'theirs' }] },
      { modifierExtension: [{ url: 'urn:x', valueString: 'theirs' }] },
      { strangers: [{ name: 'theirs' }] },
      { meta: { tag: [{ display: 'theirs' }] } },
      { identifier: [{ value: 'theirs', assigner: { display: 'theirs' } }] },
      { managingEntity: { display: 'theirs' } },
      { characteristic: [{ valueReference: { reference: 'Patient/theirs', display: 'theirs' } }] },
      { language: 'theirs' },
      { type: 'theirs' },
    ].map((change): [string, Plan, readonly string[], readonly string[]] => [
      `have ${JSON.stringify(change)}`,
      matched({ ...first, ...change }, second),
      [textLeftOut],
      both,
    ]),
    ...[{ code: { text: 'theirs', coding: [{ code: 'match', display: 'theirs' }] } }, { quantity: 'theirs' }].map(
      (change): [string, Plan, readonly string[], readonly string[]] => [
        `have ${JSON.stringify(change)}`,
        matched({ ...first, ...change }, second),
        [],
        both,
      ],
    ),
    [
      'contain an Organization, and a Patient who is not as submitted',
      matched(
        {
          ...first,
          contained: [
            ...(first as Contained).contained.map((one) =>
              Object.assign({ link: [{ other: { display: 'theirs' } }] }, one),
            ),
            { resourceType: 'Organization', id: 'o', contact: [{ name: { family: 'theirs' } }] },
          ],
        },
        second,
      ),
      ["1 resource in the payer's Groups is left out: no entry refers to it."],
      both,
    ],
    ...[
      { member: [{ ...entryAt(first, 0), inactive: true }, entryAt(first, 1)] },
      { member: [entryAt(first, 0), entryAt(first, 1), { ...entryAt(first, 0), inactive: true }] },
    ].map((change): [string, Plan, readonly string[], readonly string[]] => [
      `have a former member: ${change.member.length} entries`,
      matched({ ...first, ...change }, second),
      ['Member ours-a: The payer names it as no longer in the Group. It counts as not matched.'],
      [both[1]!],
    ]),
    [
      'are no longer active',
      matched({ ...first, active: false }, second),
      ['ours-a', 'ours-b']
        .map((one) => `Member ${one}: The payer names it as no longer in the Group. It counts as not matched.`)
        .concat(textLeftOut),
      [],
    ],
    [
      'say in another form that somebody is a former member',
      matched({ ...first, member: [{ ...entryAt(first, 0), inactive: 'true' }, entryAt(first, 1)] }, second),
      [
        "1 entry of the payer's Groups cannot be read, and is left out.",
        'Member ours-a: The payer does not say what became of it.',
      ],
      [both[1]!],
    ],
    [
      'have a code that is none',
      matched(...whole, groupOf('other', { 'ours-a': 'Patient/z' })),
      ["A Group of the payer's is left out: its code is none of a match."],
      both,
    ],
    [
      'name a record on another server',
      matched(groupOf('match', { 'ours-a': 'Patient/a', 'ours-b': 'https://other.example/Patient/b' }), second),
      [
        "1 entry of the payer's Groups cannot be read, and is left out.",
        'Member ours-b: The payer does not say what became of it.',
      ],
      [both[0]!],
    ],
    [
      'are fewer than the payer says',
      { output: [{ type: 'Group', lines: whole, count: 3 }] },
      ['File 1 (Group) has 2 lines, and the payer names 3.'],
      both,
    ],
  ])('%s', async (_, plan, errors, expected) => {
    const made = await run(three, plan);

    expect(made.errors.toSorted()).toEqual(errors.toSorted());
    expect(await exported(made.world)).toEqual(expected);
    expect(made.status).toBe(errors.every((error) => error === textLeftOut) ? 'completed' : 'partial');
    expect(made.lines.filter((line) => line.includes('"Group"')).join()).not.toContain('theirs');
  });
});

it('a match whose files are too large together is read up to 32 MB, and the rest is named and not asked for', async () => {
  const blank = `${' '.repeat(9 * 1024 * 1024)}\n`;
  const file = { type: 'Group', lines: whole };
  const { world, errors } = await run(three, {
    output: Array.from({ length: 6 }, () => file),
    instead: ({ path }) => (/output\/[1-5]$/.test(path) ? { body: blank } : undefined),
  });

  expect(errors).toEqual(
    [5, 6].map((at) => `File ${at} (Group) did not come whole: it is larger than an answer to a match may be.`),
  );
  expect(world.asked.some(({ path }) => path === '/files/output/5')).toBe(false);
});

it('what a Group holds is looked through once, however much it is', () => {
  const took = (count: number): number => {
    const group = groupOf('match', { 'ours-a': 'Patient/a', theirs: 'Patient/x' });
    const contained = Array.from({ length: count }, (_, at) => ({ resourceType: 'Basic', id: `"${at}` }));
    const pad = Array.from({ length: count * 3 }, () => '"#'.repeat(20));
    const given = { ...group, contained: [...(group['contained'] as object[]), ...contained] };
    (given as unknown as { member: object[] }).member[0] = { ...(group['member'] as object[])[0], pad };
    const started = performance.now();
    const { groups } = readMatch([{ line: JSON.stringify(given), resource: given }], matchInput('ours-a') as never, {
      bases: ['https://payer.example'],
    });
    expect(groups).toMatchObject([{ members: [{ submitted: 'ours-a' }] }]);
    return performance.now() - started;
  };
  took(1000);
  // The shortest of several runs: other work on the machine and garbage collection only add time.
  const shortest = (count: number): number => Math.min(...Array.from({ length: 5 }, () => took(count)));

  expect(shortest(16_000) / shortest(2000)).toBeLessThan(32);
});

describe('a group export', () => {
  it('is asked as PDex says, read to the end, and deleted at the plan', async () => {
    const output = [
      { type: 'Patient', lines: [patient('a'), patient('b')], count: 2 },
      { type: 'Observation', lines: [observation('1', 'a'), observation('2', 'b')], count: 2 },
      { type: 'Practitioner', lines: [{ resourceType: 'Practitioner', id: 'p' }] },
    ];
    const { world, errors, status, ids, outcomes } = await run(groupInput([memberOf('a'), memberOf('b')]), { output });

    expect({ errors, status }).toEqual({ errors: [], status: 'completed' });
    expect(ids).toEqual(['a', 'b', '1', '2', 'p']);
    expect(outcomes).toMatchObject({ Patient: 'complete 2', Observation: 'complete 2', Practitioner: 'complete 1' });
    expect(world.asked[0]).toMatchObject({ path: '/Group/g1/$davinci-data-export', method: 'POST' });
    expect(JSON.parse(world.asked[0]!.form!)).toEqual({
      resourceType: 'Parameters',
      parameter: [{ name: 'exportType', valueCanonical: 'hl7.fhir.us.davinci-pdex#payertopayer' }],
    });
    const [came] = world.dynamo.items('Audit').values();
    expect({ type: came?.['type']?.S, how: came?.['how']?.S }).toEqual({ type: 'came', how: 'completed' });
    expect(JSON.parse(came?.['members']?.S ?? '')).toEqual(
      ['a', 'b'].map((id) => ({
        submitted: `ours-${id}`,
        reference: `Patient/${id}`,
        consent: { id: `consent-${id}`, hash: 'hash' },
        outcome: 'exported',
        resources: 2,
      })),
    );
    expect(await countRunning(world.exchanges, owner, 0)).toBe(0);
    expect(world.asked.at(-1)).toMatchObject({
      path: '/status/1',
      method: 'DELETE',
      token: expect.stringMatching(/^Bearer system-/),
    });
  });
});

describe('what comes of a Group', () => {
  const two = [memberOf('a'), memberOf('b')];
  const people = { type: 'Patient', lines: [patient('a'), patient('b')] };
  const coverage = (id: string, of: string) => ({
    resourceType: 'Coverage',
    id,
    beneficiary: { reference: `Patient/${of}` },
  });
  const subscriber = { reference: 'Patient/a' };
  const atAnother = { ...observation('x', ''), subject: { reference: 'https://other.example/Patient/b' } };
  const ended = memberOf('b', { consent: { id: 'c', hash: 'h', endsAt: '2026-11-26' } });

  const typesOf = (input: NonNullable<WorldOptions['exchange']>): readonly string[] =>
    input.kind === 'group' ? (input.asked.types ?? []) : [];

  it.each<[string, Plan, readonly string[], readonly string[], NonNullable<WorldOptions['exchange']>?]>([
    [
      'has lines about strangers',
      {
        output: [
          people,
          { type: 'Observation', lines: [observation('1', 'a'), observation('2', 'x'), observation('3', 'x')] },
        ],
      },
      [
        '2 resources of type Observation in file 2 are left out: they are about patients who are no members of the Group.',
      ],
      ['a', 'b', '1'],
    ],
    [
      'has lines about a member on another server',
      { output: [people, { type: 'Observation', lines: [observation('1', 'a'), atAnother] }] },
      [
        "1 resource of type Observation in file 2 is left out: it is about a patient on another server, or on the payer's own by a name that its operator has not configured.",
      ],
      ['a', 'b', '1'],
    ],
    [
      'has a line about a stranger in whose part a member is',
      { output: [people, { type: 'Coverage', lines: [{ ...coverage('1', 'kid'), subscriber }, coverage('2', 'a')] }] },
      [
        '1 resource of type Coverage in file 2 is left out: it is about a patient who is no member of the Group, and names a member.',
      ],
      ['a', 'b', '2'],
    ],
    [
      'has lines of a member of whom nobody asked',
      { output: [people, { type: 'Observation', lines: [observation('1', 'a'), observation('2', 'c')] }] },
      [
        '1 resource of type Observation in file 2 is left out: it is about a member of the Group whose record was not asked for.',
      ],
      ['a', 'b', '1'],
      groupInput(two, { groupMembers: 3, others: ['Patient/c'] }),
    ],
    [
      'has lines about whom nobody can tell',
      {
        output: [
          people,
          { type: 'Observation', lines: [{ ...observation('1', 'a'), subject: { display: 'Somebody' } }] },
          { type: 'Bundle', lines: [{ resourceType: 'Bundle', id: '2', entry: { resource: patient('x') } }] },
        ],
      },
      ['Observation in file 2', 'Bundle in file 3'].map(
        (where) => `1 resource of type ${where} is left out: whom it is about cannot be read.`,
      ),
      ['a', 'b'],
    ],
    [
      'has lines about a member whose consent has ended',
      { output: [{ type: 'Patient', lines: [patient('a'), patient('b')] }] },
      [
        '1 resource of type Patient in file 1 is left out: it is about a member who is left out of this export.',
        'Member ours-b is left out: the consent has ended.',
      ],
      ['a'],
      groupInput([memberOf('a'), ended]),
    ],
    [
      'has nothing about a member',
      { output: [{ type: 'Patient', lines: [patient('a')] }] },
      ['Nothing came about member ours-b.'],
      ['a'],
    ],
    [
      'has nothing new about a member',
      { output: [{ type: 'Patient', lines: [patient('a')] }] },
      ['Nothing came about member ours-b, within the limits that were asked for.'],
      ['a'],
      groupInput(two, { asked: { since: '2026-01-01T00:00:00Z' } }),
    ],
    [
      'has nothing new at all',
      {},
      ['ours-a', 'ours-b'].map((one) => `Nothing came about member ${one}, within the limits that were asked for.`),
      [],
      groupInput(two, { asked: { since: '2026-01-01T00:00:00Z' } }),
    ],
    [
      'has fewer lines than the payer says',
      { output: [{ ...people, count: 5 }] },
      ['File 1 (Patient) has 2 lines, and the payer names 5.'],
      ['a', 'b'],
    ],
    [
      'has more lines than the payer says',
      { output: [{ ...people, count: 1 }] },
      ['File 1 (Patient) has 2 lines, and the payer names 1.'],
      ['a', 'b'],
    ],
    [
      'has a resource twice, and one that differs',
      { output: [people, { type: 'Patient', lines: [patient('a'), { ...patient('b'), active: true }] }] },
      [
        '1 resource of type Patient in file 2 came before, with the same content.',
        'Patient/b in file 2 came before with other content. Only the first is in this export.',
      ],
      ['a', 'b'],
    ],
    [
      'has lines that are no resources',
      {
        output: [
          people,
          {
            type: 'Observation',
            lines: ['{"resourceType":', '{} {}', '[]', '{"resourceType":"Nothing"}', ' ', observation('1', 'a')],
          },
        ],
      },
      [
        ...Array.from({ length: 3 }, () => 'A resource in file 2 of Observation is left out: it is not valid JSON.'),
        'A resource in file 2 of Observation is left out: its type is not one of FHIR R4.',
      ],
      ['a', 'b', '1'],
    ],
    [
      'ignores the types that were asked for',
      { output: [people, { type: 'Observation', lines: [observation('1', 'a')] }] },
      ['1 resource of type Observation in file 2 is left out: the type was not asked for.'],
      ['a', 'b'],
      groupInput(two, { asked: { types: ['Patient', 'Condition'] } }),
    ],
    [
      'ignores the times that were asked for',
      {
        output: [
          people,
          {
            type: 'Observation',
            lines: [
              observation('1', 'a', { meta: { lastUpdated: '2025-01-01T00:00:00Z' } }),
              observation('2', 'a', { meta: { lastUpdated: '2026-06-01T00:00:00Z' } }),
              observation('3', 'a', { meta: { lastUpdated: '2026-11-01T00:00:00Z' } }),
            ],
          },
        ],
      },
      [
        '1 resource of type Observation in file 2 is newer than the end that was asked for, which the payer may have ignored.',
        '1 resource of type Observation in file 2 is older than the time that was asked for, which the payer may have ignored.',
      ],
      ['a', 'b', '1', '2', '3'],
      groupInput(two, { asked: { since: '2026-01-01T00:00:00Z', until: '2026-10-01T00:00:00Z' } }),
    ],
    [
      'ignores a filter that was asked for',
      {
        output: [
          people,
          {
            type: 'Observation',
            lines: [
              observation('1', 'a', { effectiveDateTime: '2019-12-01' }),
              observation('2', 'a', { effectivePeriod: { start: '2019-01-01', end: '2024-06-01T00:00:00Z' } }),
              observation('3', 'a', { effectiveDateTime: '2023-12-31' }),
              observation('4', 'a', { effectiveDateTime: '2026' }),
              observation('5', 'a'),
              observation('6', 'a', { effectiveDateTime: '2019-12-02', code: { coding: [{ code: '1-2' }] } }),
            ],
          },
          {
            type: 'ExplanationOfBenefit',
            lines: [
              {
                resourceType: 'ExplanationOfBenefit',
                id: '7',
                patient: { reference: 'Patient/a' },
                item: [{ servicedDate: '2020-02-03' }, { servicedDate: '2019-02-03' }],
              },
              {
                resourceType: 'ExplanationOfBenefit',
                id: '8',
                patient: { reference: 'Patient/a' },
                item: [{ servicedDate: '2020-02-03' }, { servicedDate: '2025-02-03' }],
              },
            ],
          },
        ],
      },
      [
        '2 resources of type Observation in file 2 are not what _typeFilter asks for, which the payer may have ignored.',
        '1 resource of type ExplanationOfBenefit in file 3 is not what _typeFilter asks for, which the payer may have ignored.',
      ],
      ['a', 'b', '1', '2', '3', '4', '5', '6', '7', '8'],
      groupInput(two, {
        asked: {
          typeFilters: [
            'Observation?date=ge2024-01-01',
            'Observation?date=ge2023&date=lt2025&code=1-2',
            'ExplanationOfBenefit?service-date=ge2024',
          ],
        },
      }),
    ],
    [
      'has an error file',
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
      ['a', 'b'],
    ],
    [
      'is on a server that the profile does not name',
      { output: [people, { type: 'Observation', lines: [], url: 'https://files.example/1' }] },
      ["File 2 (Observation) did not come whole: it is on a server that the payer's profile does not name."],
      ['a', 'b'],
    ],
    [
      'is refused, a redirect, or a page',
      {
        output: [people, ...['1', '2', '3'].map((id) => ({ type: 'Observation', lines: [observation(id, 'a')] }))],
        instead: ({ path }): Sent | undefined =>
          (
            ({
              '/files/output/1': { status: 403 },
              '/files/output/2': { status: 307, headers: { location: 'https://other.example/x' } },
              '/files/output/3': { headers: { 'content-type': 'text/html' }, body: '<html>' },
            }) as Readonly<Record<string, Sent>>
          )[path],
      },
      [
        'File 2 (Observation) did not come whole: the payer refused it with status 403.',
        'File 3 (Observation) did not come whole: the payer refused it with status 307.',
        'File 4 (Observation) did not come whole: the payer answered with something else in its place, such as a page of HTML.',
      ],
      ['a', 'b'],
    ],
    [
      'never comes whole',
      {
        output: [people],
        instead: ({ path }) =>
          path.startsWith('/files/')
            ? { body: `${JSON.stringify(patient('a'))}\n${JSON.stringify(patient('b'))}\n{`, cut: true }
            : undefined,
      },
      ['File 1 (Patient) did not come whole: the payer did not send it to the end.'],
      ['a', 'b'],
    ],
    [
      'has a manifest that goes on elsewhere',
      { output: [people], manifest: { link: [{ relation: 'next', url: 'https://x' }] } },
      ["The payer's manifest says that there are more files than it names."],
      ['a', 'b'],
    ],
  ])('%s, which is named', async (_, plan, errors, ids, input = groupInput(two)) => {
    const made = await run(input, plan);

    expect(made.errors.toSorted()).toEqual(errors.toSorted());
    expect(made.ids).toEqual(ids);
    expect(Object.keys(made.outcomes)).toEqual(expect.arrayContaining([...typesOf(input)]));
    expect(made.world.asked.filter(({ method }) => method === 'DELETE')).toHaveLength(1);
    const lack =
      /about (?:a patient|patients|whom)|cannot be read|did not come|other content|Nothing came about member \S+\.$/;
    if (lack.test(made.errors.join('\n'))) expect(made.complete).toBe(false);
  });

  it('is counted for each member, though the id be a name that every object has', async () => {
    const ids = ['constructor', 'toString', 'valueOf', 'a'];
    const output = [{ type: 'Patient', lines: ['constructor', 'a'].map(patient) }];
    const { errors, world } = await run(groupInput(ids.map((id) => memberOf(id))), { output });

    expect(errors).toEqual(['toString', 'valueOf'].map((id) => `Nothing came about member ours-${id}.`));
    const audited = [...world.dynamo.items('Audit').values()].find(({ type }) => type?.S === 'came')!['members']!.S!;
    const counts = (JSON.parse(audited) as { resources: number }[]).map(({ resources }) => resources);
    expect(counts).toEqual([1, 0, 0, 1]);
  });

  it('about another id of a member comes, in whatever order, unless that is of somebody who is left out', async () => {
    const merged = (id: string, ...others: readonly string[]) => ({
      ...patient(id),
      link: others.map((other) => ({ type: 'replaces', other: { reference: `Patient/${other}` } })),
    });
    const output = [
      { type: 'Observation', lines: ['old', 'b', 'c', 'x'].map((of, at) => observation(`${at}`, of)) },
      { type: 'Patient', lines: [merged('a', 'old', 'b', 'c'), patient('old')] },
    ];
    const input = groupInput([memberOf('a'), ended], { groupMembers: 3, others: ['Patient/c'] });
    const made = await run(input, { output });

    expect(made.ids).toEqual(['a', 'old', '0']);
    expect(made.outcomes).toMatchObject({ Patient: 'complete 2', Observation: 'incomplete 1' });
    const all = await run(input, { output: [{ ...output[0]!, lines: output[0]!.lines.slice(0, 3) }, output[1]!] });
    expect([all.ids, all.complete]).toEqual([['a', 'old', '0'], true]);
  });

  it.each<[string, Plan, string, Partial<Payer>?]>([
    [
      'does not take the request',
      { instead: ({ method }) => (method === 'POST' ? { status: 422 } : undefined) },
      'The payer refused the request with status 422.',
    ],
    [
      'sends the request elsewhere',
      {
        instead: ({ method }) =>
          method === 'POST' ? { status: 307, headers: { location: 'https://other.example' } } : undefined,
      },
      'The payer refused the request with status 307.',
    ],
    [
      'does not answer',
      { instead: ({ method }) => (method === 'POST' ? Promise.reject(new Error('down')) : undefined) },
      'The payer did not answer the request.',
    ],
    [
      'says nowhere to ask for the status',
      { instead: ({ method }) => (method === 'POST' ? { status: 202 } : undefined) },
      'The payer accepted the request, and did not say where to ask for its status.',
    ],
    [
      'has its status elsewhere',
      {
        instead: ({ method }) =>
          method === 'POST' ? { status: 202, headers: { 'content-location': 'https://other.example/1' } } : undefined,
      },
      "The payer's status is on a server that its profile does not name, so it was not asked.",
    ],
    [
      'fails',
      { instead: ({ path }) => (path === '/status/1' ? { status: 500 } : undefined) },
      'The payer ended the request with status 500.',
    ],
    [
      'forgets the request',
      { instead: ({ path }) => (path === '/status/1' ? { status: 404 } : undefined) },
      'The payer ended the request with status 404.',
    ],
    ['refuses every token', { instead: () => ({ status: 401 }) }, 'The payer refused the request with status 401.'],
    ['has no manifest', { manifest: { output: 'none' } }, "The payer's manifest could not be read."],
    [
      'works for too long',
      {
        instead: ({ path }) => (path === '/status/1' ? { status: 202, headers: { 'retry-after': '3600' } } : undefined),
      },
      'The payer had not ended its work: the export took longer than it may.',
    ],
  ])('nothing comes of a plan that %s', async (_, plan, error) => {
    const made = await run(groupInput(two), { output: [people], ...plan });

    expect(made).toMatchObject({ errors: [error], status: 'failed', ids: [] });
    expect(made.world.asked.every(({ url }) => url.startsWith(made.world.base))).toBe(true);
  });

  const elsewhere = 'https://other.example';
  const file = [{ type: 'Group', url: `${elsewhere}/file`, lines: [] }];
  it.each<[string, NonNullable<WorldOptions['exchange']>, 'statusOrigins' | 'fileOrigins', RegExp]>([
    [
      'the status of an export',
      groupInput(two),
      'statusOrigins',
      /status is on a server that its profile does not name/,
    ],
    ['a file of an export', groupInput(two), 'fileOrigins', /on a server that the payer's profile does not name/],
    ['a file of a match', three, 'fileOrigins', /on a server that the payer's profile does not name/],
  ])('nothing goes to a server of %s once the profile names it no longer', async (_, input, origins, error) => {
    const world = exportWorld({ exchange: input, plan: { [origins]: [elsewhere] } });
    const instead: Plan['instead'] = ({ method, url }): Sent | undefined => {
      if (method === 'POST' && origins === 'statusOrigins')
        return { status: 202, headers: { 'content-location': `${elsewhere}/status` } };
      if (!url.startsWith(elsewhere)) return undefined;
      const { [origins]: _no, ...left } = world.payer.exchange!;
      Object.assign(world.payer, { exchange: left });
      return { status: 503, headers: { 'retry-after': '600' } };
    };
    world.answerWith(planOf(world.base, { output: file, instead }));
    await world.run();

    expect(world.asked.filter(({ url }) => url.startsWith(elsewhere))).toHaveLength(1);
    expect((await endOf(world)).errors[0]).toMatch(error);
  });

  it('is asked of those alone whose consent still holds, and of nobody if there are none', async () => {
    const some = await run(groupInput([memberOf('a'), ended]), {
      output: [{ type: 'Patient', lines: [patient('a')] }],
    });
    const none = await run(groupInput([ended]), {});
    const byGet = await run(groupInput(two, { groupMembers: 3 }), {}, { plan: { exportMethod: 'GET' } });

    expect(byGet.world.asked).toEqual([]);
    expect(byGet.status).toBe('failed');
    expect(JSON.parse(some.world.asked[0]!.form!).parameter.slice(1)).toEqual([
      { name: 'patient', valueReference: { reference: 'Patient/a' } },
    ]);
    expect(none.world.asked).toEqual([]);
    expect(none.errors).toEqual([
      'Nobody of the Group is left whose consent holds, so nothing was asked.',
      'Member ours-b is left out: the consent has ended.',
    ]);
  });

  it.each<[string, Sent]>([
    ['fails', { status: 503 }],
    ['asks to wait', { status: 429, headers: { 'retry-after': '600' } }],
    ['refuses a token, and the next one takes long', { status: 401 }],
  ])('is not asked again once a consent has ended, if the plan %s', async (_, answer) => {
    const endsAt = '2026-11-27T00:01:00Z';
    const consent = { id: 'c', hash: 'h', endsAt };
    const askedOf = async (exchange: NonNullable<WorldOptions['exchange']>) => {
      const world = exportWorld({ exchange });
      const sentMs: number[] = [];
      world.answerWith(
        planOf(world.base, {
          output: [{ type: 'Patient', lines: [patient('a')] }],
          instead: ({ form }) => {
            if (form === undefined || !/MemberBundle|Patient\/b/.test(form)) return undefined;
            sentMs.push(world.deps.clock.now());
            return world.deps.sleep(answer.status === 401 ? 61_000 : 1000).then(() => answer);
          },
        }),
      );
      await world.run();
      const late = sentMs.filter((at) => at >= Date.parse(endsAt));
      const came = [...world.dynamo.items('Audit').values()].flatMap((item) =>
        item['type']?.S === 'came' ? (JSON.parse(item['members']!.S!) as { outcome: string }[]) : [],
      );
      return { sent: sentMs.length > 0, late, came: came.map(({ outcome }) => outcome), ...(await endOf(world)) };
    };
    const input = matchInput('ours-a', 'ours-b');
    if (input.kind !== 'match') throw new Error('no match');
    const [first, second] = input.members;
    const match = await askedOf({ ...input, members: [first!, { ...second!, consent }] });
    const group = await askedOf(groupInput([memberOf('a'), memberOf('b', { consent })], { groupMembers: 3 }));

    expect(match).toMatchObject({ sent: true, late: [], status: 'failed', came: ['notNamed', 'consentEnded'] });
    expect(match.errors).toEqual([
      "A member's consent ended before the payer could be asked, so nothing was asked. Send the others again.",
      'Member ours-b is left out: the consent has ended.',
    ]);
    expect(group).toMatchObject({ sent: true, late: [], ids: ['a'], came: ['exported', 'consentEnded'] });
  });

  it('is read no further when nobody is left of whom it may be', async () => {
    const consent = { id: 'c', hash: 'h', endsAt: '2026-11-27T00:10:00Z' };
    const { world, status, errors } = await run(groupInput([memberOf('a', { consent })]), {
      output: [people],
      busy: 100,
    });

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
    const outcomes = (made: Awaited<ReturnType<typeof run>>) =>
      [...made.world.dynamo.items('Audit').values()]
        .filter(({ type }) => type?.S === 'came')
        .flatMap((item) => JSON.parse(item['members']!.S!) as { submitted: string; outcome: string }[])
        .map(({ submitted, outcome }) => `${submitted} ${outcome}`);
    const until = async (end: 'beforeAsk' | 'whileItRuns') => {
      const world = exportWorld({ exchange: groupInput(two) });
      const endNow = () => endMember(world.exchanges, owner, 'g1', sha256(name));
      world.answerWith(
        planOf(world.base, {
          output: [{ type: 'Patient', lines: [patient('a'), ...(end === 'beforeAsk' ? [] : [patient('b')])] }],
          instead: ({ path }) => {
            if (end === 'whileItRuns' && path === '/status/1') void endNow();
            return undefined;
          },
        }),
      );
      await world.kickOff();
      if (end === 'beforeAsk') await endNow();
      await world.durable.finish(world.start());
      return endOf(world);
    };
    const before = await until('beforeAsk');
    const during = await until('whileItRuns');

    expect(JSON.parse(before.world.asked[0]!.form!).parameter.slice(1)).toEqual([
      { name: 'patient', valueReference: { reference: 'Patient/a' } },
    ]);
    for (const made of [before, during]) {
      expect(made.ids).toEqual(['a']);
      expect(made.errors).toContain('Member ours-b is left out: the exchange was ended for this member.');
      expect(outcomes(made)).toEqual(['ours-a exported', 'ours-b ended']);
    }
  });

  it('is passed on with its deletions, but for those of strangers', async () => {
    const deletion = (...urls: readonly string[]) => ({
      resourceType: 'Bundle',
      type: 'transaction',
      entry: urls.map((url) => ({ request: { method: 'DELETE', url } })),
    });
    const world = exportWorld({ exchange: groupInput(two) });
    const more = { extension: [{ url: 'urn:x', valueString: 'theirs' }], Resource: patient('theirs'), id: 'theirs' };
    const entry = {
      ...more,
      fullUrl: 'https://other.example/Patient/theirs',
      search: { mode: 'match', ...more },
      request: { method: 'DELETE', url: `${world.base}/Observation/9/`, ifMatch: 'theirs', ...more },
    };
    const lines = [
      deletion('Patient/a', 'Observation/9'),
      { ...deletion(), ...more, meta: { tag: [{ display: 'theirs' }] }, type: 'theirs', entry: [entry] },
      ...[
        'Patient/x',
        'https://other',
        'https://other/Observation/9',
        'Observation/9/_history/1',
        'Observation/Jo%20Do',
      ].map((url) => deletion(url)),
      { ...deletion(), entry: [{ resource: patient('x') }] },
      { ...deletion('Observation/9'), modifierExtension: [{ url: 'urn:not', valueBoolean: true }] },
    ];
    world.answerWith(planOf(world.base, { output: [people], deleted: [{ type: 'Bundle', lines }] }));
    await world.run();
    const { errors } = await endOf(world);

    const passedOn = [lines[0], deletion('Observation/9')].map((line) => JSON.stringify(line));
    expect((await world.record()).deleted).toEqual(passedOn);
    expect(errors).toEqual(
      Array.from(
        { length: 7 },
        () => 'A line in file 1 of deletions is left out: it is no list of deletions, or is about somebody else.',
      ),
    );
  });

  it.each([
    ['as the plan says', undefined, undefined, '2026-11-26T23:00:00.000Z'],
    ['never later than our request', undefined, '2027-01-01T00:00:00Z', '2026-11-27T00:00:00.000Z'],
    [
      'by our clock if the plan’s is ahead',
      'Thu, 31 Dec 2026 00:00:00 GMT',
      '2027-01-01T00:00:00Z',
      '2026-11-27T00:00:00.000Z',
    ],
    [
      'by ours if both are beyond all dates',
      '+275000-01-01T00:00:00.000Z',
      '+275000-01-01T00:00:00Z',
      '2026-11-27T00:00:00.000Z',
    ],
    [
      'an hour before the start if the plan has no clock',
      'Thu, 01 Jan 1970 00:00:00 GMT',
      '-200000-01-01T00:00:00Z',
      '2026-11-26T23:00:00.000Z',
    ],
    [
      'at the request if the manifest’s is before all dates',
      undefined,
      '-200000-01-01T00:00:00Z',
      '2026-11-27T00:00:00.000Z',
    ],
  ])('is as of a time: %s', async (_, date, transactionTime, expected) => {
    const { manifest } = await run(groupInput(two), {
      output: [people],
      manifest: transactionTime === undefined ? {} : { transactionTime },
      date,
    });

    expect(manifest.transactionTime).toBe(expected);
  });

  it.each([
    ['with the token if the manifest says so', true, {}, 'Bearer system-2'],
    ['without it if it does not', false, {}, ''],
    ['with it if the profile says so', false, { fileToken: 'always' }, 'Bearer system-2'],
    ['without it if the profile says so', true, { fileToken: 'never' }, ''],
  ] as const)('is fetched from a named server %s', async (_, requiresAccessToken, profile, token) => {
    const url = 'https://files.example/1';
    const { world, ids } = await run(
      groupInput(two),
      {
        output: [{ ...people, url }],
        manifest: { requiresAccessToken },
        instead: (asked) =>
          asked.url === url ? { body: `${JSON.stringify(patient('a'))}\n${JSON.stringify(patient('b'))}` } : undefined,
      },
      { plan: { fileOrigins: ['https://files.example'], ...profile } },
    );

    expect(ids).toEqual(['a', 'b']);
    expect(world.asked.find((asked) => asked.url === url)?.token).toBe(token);
  });

  it('has its attachments fetched with the token of the gateway', async () => {
    const document = {
      resourceType: 'DocumentReference',
      id: 'd',
      subject: { reference: 'Patient/a' },
      content: [{ attachment: { url: 'Binary/1', contentType: 'application/pdf' } }],
    };
    const { world, attachments, lines, errors } = await run(groupInput(two), {
      output: [people, { type: 'DocumentReference', lines: [document] }],
      instead: ({ path }) =>
        path === '/Binary/1' ? { headers: { 'content-type': 'application/pdf' }, body: 'form' } : undefined,
    });

    expect({ errors, content: attachments.get('attachment-1')?.bytes.toString() }).toEqual({
      errors: [],
      content: 'form',
    });
    expect(lines.find((line) => line.includes('DocumentReference'))).toContain('/attachment-1"');
    expect(world.asked.find(({ path }) => path === '/Binary/1')?.token).toMatch(/^Bearer system-/);
  });

  it('rings that a plan is down once it has answered 503 for a while, and not of one that is busy', async () => {
    const downs = async (status: number): Promise<number> => {
      const down = { status, headers: { 'retry-after': '120' } };
      const { world } = await run(groupInput(two), { instead: ({ method }) => (method === 'POST' ? down : undefined) });
      const lines = world.lines.map((line) => JSON.parse(line) as { readonly payerDown?: number });
      return lines.filter(({ payerDown = 0 }) => payerDown >= payerDownThreshold).length;
    };

    expect(await downs(429)).toBe(0);
    expect(await downs(503)).toBeGreaterThan(10);
  });

  it('is polled more seldom the longer it takes, however often the plan would like it', async () => {
    const polls: number[] = [];
    const world = exportWorld({ exchange: groupInput(two) });
    const plan = planOf(world.base, { output: [people] });
    world.answerWith(async (asked) => {
      if (asked.path !== '/status/1' || asked.method !== 'GET') return plan(asked);
      polls.push(world.deps.clock.now() / 1000);
      return polls.at(-1)! - polls[0]! < 900 ? { status: 202, headers: { 'retry-after': '1' } } : plan(asked);
    });
    await world.run();

    expect((await endOf(world)).status).toBe('completed');
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
        if (path.startsWith('/files/') && refused.size === 0) {
          refused.add(token);
          return { status: 401 };
        }
        return undefined;
      },
    });

    expect(status).toBe('completed');
    expect((await world.item())!.endedAt! - (await world.item())!.startedAt).toBeGreaterThan(1200);
    const files = world.asked.filter(({ path }) => path.startsWith('/files/'));
    expect(files.map(({ token }) => refused.has(token))).toEqual([true, false]);
  });
});

describe('a file that is longer than a leg', () => {
  const count = 400;
  const lines = Array.from({ length: count }, (_, at) =>
    JSON.stringify(observation(`o${at}`, 'a', { note: [{ text: 'x'.repeat(2000) }] })),
  );
  const bytes = Buffer.from(`${lines.join('\n')}\n`);

  /** A plan that takes a second for each sixteen kilobytes of the file, and may send it from an offset. */
  const slowly = (
    world: ReturnType<typeof exportWorld>,
    {
      ranges,
      etag = () => '"1"',
      cutAt,
      coding,
    }: {
      readonly ranges: boolean;
      readonly etag?: (asked: number) => string;
      readonly cutAt?: number;
      readonly coding?: string;
    },
  ): Plan => {
    let asked = 0;
    return {
      output: [
        { type: 'Patient', lines: [patient('a')] },
        { type: 'Observation', lines, count },
      ],
      instead: ({ path, headers }) => {
        if (path !== '/files/output/1') return undefined;
        asked += 1;
        const tag = etag(asked);
        const isOn = ranges && headers['range'] !== undefined && headers['if-range'] === tag;
        const from = isOn ? Number(/\d+/.exec(headers['range']!)![0]) : 0;
        const sent = bytes.subarray(from);
        return {
          status: isOn ? 206 : 200,
          headers: {
            etag: tag,
            ...(ranges ? { 'accept-ranges': 'bytes' } : {}),
            // The bytes are those that the client has decoded.
            ...(coding !== undefined && headers['accept-encoding'] !== 'identity'
              ? { 'content-encoding': coding }
              : {}),
            ...(isOn ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
          },
          bytes: (async function* () {
            for (let at = 0; at < sent.length; at += 16_384) {
              await world.deps.sleep(1000);
              if (cutAt !== undefined && asked === 1 && at > cutAt)
                throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
              yield sent.subarray(at, at + 16_384);
            }
          })(),
        };
      },
    };
  };

  const read = async (how: Parameters<typeof slowly>[1], options: WorldOptions = {}) => {
    const world = exportWorld({ exchange: groupInput([memberOf('a')]), ...options });
    world.answerWith(planOf(world.base, slowly(world, how)));
    await world.run();
    const made = await endOf(world);
    expect(made).toMatchObject({ errors: [], status: 'completed' });
    expect(made.lines.filter((line) => line.startsWith('{"resourceType":"Observation"'))).toEqual(lines);
    return world.asked.filter(({ path }) => path === '/files/output/1').map(({ headers }) => headers['range']);
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
  const leftOut = [
    'Observation/bad in file 2 is left out: it has the same member twice, so that its meaning is not certain.',
    '1 resource of type Observation in file 2 is left out: it is about a patient who is no member of the Group.',
  ];
  it.each<[string, (all: readonly string[]) => readonly string[], readonly string[]]>([
    ['in another order', (all) => all.toReversed(), leftOut],
    ['with other lines first', (all) => [...all.slice(5), ...all.slice(0, 5)], leftOut],
    ['without those that came', (all) => all.slice(-6), leftOut],
    [
      'much shorter',
      () => own.slice(-1),
      [
        'File 2 (Observation) did not come whole: it broke off, and at another try the payer sent fewer lines than had come.',
      ],
    ],
  ])('that breaks off and is then sent %s has its lines in the record or in the account', async (_, change, errors) => {
    const all = [...own, '{"resourceType":"Observation","id":"bad","id":"bad"}', JSON.stringify(observation('x', 'x'))];
    for (const cutAfter of [5, 6]) {
      let times = 0;
      const made = await run(groupInput([memberOf('a')]), {
        output: [
          { type: 'Patient', lines: [patient('a')] },
          { type: 'Observation', lines: [] },
        ],
        instead: ({ path }) => {
          if (path !== '/files/output/1') return undefined;
          times += 1;
          const sent = times === 1 ? all.slice(0, cutAfter) : change(all);
          return { body: `${sent.join('\n')}\n`, cut: times === 1 };
        },
      });
      const sent = new Set([...own.slice(0, cutAfter), ...change(all)]);

      expect(made.lines.filter((line) => line.startsWith('{"resourceType":"Observation"')).toSorted()).toEqual(
        own.filter((line) => sent.has(line)),
      );
      expect(made.errors).toEqual(errors);
      expect(made.complete).toBe(false);
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
  const tagged = { etag: '"1"', 'accept-ranges': 'bytes' };
  /** A plan that closes the connection in the middle, as if the file ended there, and gives the rest by ranges. */
  const closes = (from: number): Sent =>
    from > 0
      ? part(from, size)
      : {
          headers: { ...tagged, 'content-length': String(size) },
          bytes: shortBytes.subarray(0, 2 * lineBytes),
        };
  const didNot = 'File 2 (Observation) did not come whole: the payer did not send it to the end.';
  it.each<[string, (from: number, asked: number) => Sent, number, boolean]>([
    ['gives a part of what was asked', (from) => part(from, next(from)), 6, true],
    ['gives a part though the whole was asked', (from) => part(from, from === 0 ? next(0) : size), 6, true],
    ['closes before the length that it gave', closes, 6, true],
    ['does not say how long it is', (from) => (from === size ? atEnd : part(from, next(from), '*')), 6, true],
    ['says only at first how long it is', (from) => (from === 0 ? closes(0) : part(from, next(from), '*')), 6, true],
    [
      'leaves the tag out of a part',
      (from) =>
        from === 0
          ? closes(0)
          : part(from, size, size, { headers: { 'content-range': `bytes ${from}-${size - 1}/${size}` } }),
      6,
      true,
    ],
    [
      'gives parts of two versions, and then the whole',
      (from, asked) =>
        asked > 2
          ? { bytes: shortBytes }
          : from === 0
            ? closes(0)
            : part(from, size, size, {
                headers: { etag: '"2"', 'content-range': `bytes ${from}-${size - 1}/${size}` },
              }),
      6,
      true,
    ],
    ['gives the first part again and again', (from) => part(from, from === 0 ? 3 * lineBytes : from + 1), 3, false],
    [
      'gives a part under no tag',
      () => part(0, 3 * lineBytes, size, { headers: { 'content-range': `bytes 0-${3 * lineBytes - 1}/${size}` } }),
      3,
      false,
    ],
    ['gives a part of another place', (from) => (from === 0 ? part(0, 2 * lineBytes) : part(0, size)), 2, false],
    ['gives a part that ends beyond its end', () => part(0, size, size - 1), 0, false],
    ['gives fewer bytes than its parts say', (from) => part(from, size, size, { bytes: Buffer.alloc(0) }), 0, false],
    ['closes each time', () => ({ ...closes(0), headers: { 'content-length': String(size) } }), 2, false],
  ])('of a plan that %s is whole, or said to be in parts', async (_, answer, came, isWhole) => {
    let asked = 0;
    const made = await run(groupInput([memberOf('a'), memberOf('b')]), {
      output: [
        { type: 'Patient', lines: [patient('a'), patient('b')] },
        { type: 'Observation', lines: [] },
      ],
      instead: ({ path, headers }) =>
        path === '/files/output/1' ? answer(Number(/\d+/.exec(headers['range'] ?? '0')![0]), (asked += 1)) : undefined,
    });

    expect(made.lines.filter((line) => line.startsWith('{"resourceType":"Observation"'))).toEqual(short.slice(0, came));
    expect(made.errors.filter((error) => error.startsWith('File 2'))).toEqual(isWhole ? [] : [didNot]);
    expect(made.complete).toBe(isWhole);
  });

  it('is a named problem if the plan takes no ranges and it does not come within an invocation', async () => {
    const world = exportWorld({ exchange: groupInput([memberOf('a')]), timeoutMs: 440_000 });
    const slow = slowly(world, { ranges: false });
    const slower: Plan = {
      ...slow,
      instead: (asked) => {
        const sent = slow.instead!(asked) as Sent | undefined;
        return sent === undefined
          ? undefined
          : {
              ...sent,
              bytes: (async function* () {
                for await (const piece of sent.bytes as AsyncIterable<Uint8Array>) {
                  await world.deps.sleep(20_000);
                  yield piece;
                }
              })(),
            };
      },
    };
    world.answerWith(planOf(world.base, slower));
    await world.run();
    const { errors, outcomes } = await endOf(world);

    expect(errors).toEqual([
      'File 2 (Observation) did not come whole: the payer cannot send it in pieces, and the whole did not come in the time that the gateway has.',
    ]);
    expect(outcomes).toMatchObject({ Patient: 'complete 1', Observation: expect.stringMatching(/^incomplete \d+$/) });
  });
});

describe('a file that takes minutes', () => {
  let passTimers: (ms: number) => void;
  beforeEach(() => {
    passTimers = fakeIntervals();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it.each<[string, (world: ReturnType<typeof exportWorld>) => Promise<unknown>]>([
    [
      'the partner may no longer ask',
      async ({ deps }) => Object.assign((await deps.registry.partner('demo-partner'))!, { exchange: undefined }),
    ],
    ['the payer is no longer asked', async ({ payer }) => Object.assign(payer, { exchange: undefined })],
    ['a member is ended', ({ exchanges }) => endMember(exchanges, owner, 'g1', sha256('b'))],
    [
      'the profile names its server no longer',
      async ({ payer }) => Object.assign(payer, { exchange: { ...payer.exchange, fileOrigins: [] } }),
    ],
  ])('is cut within thirty seconds after %s', async (_, end) => {
    const world = exportWorld({
      exchange: groupInput([memberOf('a'), memberOf('b')]),
      plan: { fileOrigins: ['https://files.example'] },
    });
    let last = 0;
    const drip = async function* (signal: AbortSignal | undefined) {
      for (let second = 0; second < 120; second += 1) {
        if (second === 10) await end(world);
        await world.durable.sleep(1000);
        passTimers(1000);
        await turns();
        signal?.throwIfAborted();
        last = second;
        yield Buffer.from(`${JSON.stringify(observation(`${second}`, 'b'))}\n`);
      }
    };
    let asked = 0;
    world.answerWith(
      planOf(world.base, {
        output: [{ type: 'Observation', lines: [], url: 'https://files.example/1' }],
        instead: ({ url, signal }): Sent | undefined => {
          if (url !== 'https://files.example/1') return undefined;
          asked += 1;
          const headers = { 'content-type': 'application/fhir+ndjson' };
          return asked === 1 ? { headers, bytes: drip(signal) } : { headers, body: '' };
        },
      }),
    );
    await world.kickOff();
    await world.durable.finish(world.start());

    expect(last).toBeGreaterThanOrEqual(10);
    expect(last).toBeLessThanOrEqual(40);
  });
});

describe('the end of a group export', () => {
  const begun = async (busy: number) => {
    const world = exportWorld({ exchange: groupInput([memberOf('a')]) });
    world.answerWith(planOf(world.base, { output: [{ type: 'Patient', lines: [patient('a')] }], busy }));
    await world.kickOff();
    const arn = world.start();
    await world.durable.until(() => world.asked.some(({ path }) => path === '/status/1'));
    return { world, arn };
  };
  const deletions = ({ asked }: ReturnType<typeof exportWorld>): number =>
    asked.filter(({ method }) => method === 'DELETE').length;

  it('is told to the plan if the partner deletes it', async () => {
    const { world, arn } = await begun(50);

    await world.deleteExport();

    expect((await world.durable.finish(arn)).result).toMatchObject({ status: 'gone' });
    expect(deletions(world)).toBe(1);
  });

  it('is told to the plan if the partner is blocked', async () => {
    const { world, arn } = await begun(50);

    world.stops.set(entryIds.partner('demo-partner'), { at: 1, by: 'operator', reason: 'test' });

    expect((await world.durable.finish(arn)).result).toMatchObject({ status: 'failed' });
    expect(deletions(world)).toBe(1);
    const came = [...world.dynamo.items('Audit').values()].filter(({ type }) => type?.S === 'came');
    expect(came.map(({ members }) => JSON.parse(members!.S!) as unknown)).toEqual([
      [
        {
          submitted: 'ours-a',
          reference: 'Patient/a',
          consent: { id: 'consent-a', hash: 'hash' },
          outcome: 'notDelivered',
        },
      ],
    ]);
  });
});

describe('an exchange is whole', () => {
  const output = [
    { type: 'Patient', lines: [patient('a'), patient('b')], count: 2 },
    {
      type: 'Observation',
      lines: Array.from({ length: 30 }, (_, at) => observation(`${at}`, at % 2 === 0 ? 'a' : 'b')),
      count: 30,
    },
  ];

  it.each<[string, NonNullable<WorldOptions['exchange']>, Plan]>([
    ['a match', three, matched(...whole)],
    ['a group export', groupInput([memberOf('a'), memberOf('b')]), { output, busy: 3 }],
  ])('%s whose process is killed after any checkpoint', async (_, exchange, plan) => {
    let checkpoints = 0;
    const runKilled = async (killed: number) => {
      checkpoints = 0;
      const world = exportWorld({ exchange, killAfter: () => (checkpoints += 1) === killed });
      world.answerWith(planOf(world.base, plan));
      await world.run();
      const { errors, status, ids } = await endOf(world);
      expect({ errors, status, ids: ids.length }).toEqual({
        errors: [],
        status: 'completed',
        ids: exchange.kind === 'match' ? 2 : 32,
      });
      return world.asked;
    };
    await runKilled(-1);
    const made = checkpoints;
    expect(made).toBeGreaterThan(8);
    for (let killed = 1; killed <= made; killed += 1) {
      const asked = await runKilled(killed);
      // A process that dies between the plan's answer and the checkpoint leaves nobody who knows of it.
      expect(asked.filter(({ method }) => method === 'POST').length).toBeLessThanOrEqual(2);
      if (exchange.kind === 'group')
        expect(asked.filter(({ method }) => method === 'DELETE').length).toBeGreaterThanOrEqual(1);
    }
  });

  it.each([
    ['fails', 'onCall'],
    ['has its effect and its answer is lost', 'afterCall'],
  ] as const)('when the call of any dependency %s, whichever it is', async (_, moment) => {
    const exchange = groupInput([memberOf('a'), memberOf('b')]);
    let calls = 0;
    const runFailing = async (failing: number): Promise<void> => {
      calls = 0;
      const world = exportWorld({
        exchange,
        [moment]: (name: string) => {
          calls += 1;
          if (calls === failing) throw new Error(`call ${failing} of ${name}`);
        },
      });
      world.answerWith(planOf(world.base, { output, busy: 2 }));
      await world.run();
      const { errors, status, ids } = await endOf(world);
      expect({ failing, errors, status, ids: ids.length }).toEqual({
        failing,
        errors: [],
        status: 'completed',
        ids: 32,
      });
    };
    await runFailing(-1);
    const made = calls;
    expect(made).toBeGreaterThan(40);
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
  const seeds = Array.from({ length: Number(process.env['LIES'] ?? 25) }, (_, seed) => seed + 1);

  it.each(seeds)('the record has what is of the Group, and the account names the rest: seed %i', async (seed) => {
    const random = randomOf(seed);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
    const members = Array.from({ length: 1 + Math.floor(random() * 5) }, (_, at) => memberOf(`m${at}`));
    const ids = members.map(({ reference }) => reference.slice('Patient/'.length));
    let number = 0;
    const seen: object[] = [];
    const lies: readonly (() => Lie)[] = [
      () => {
        const line = observation(`o${(number += 1)}`, pick(ids));
        seen.push(line);
        return { line, isKept: true };
      },
      () => ({ line: { resourceType: 'Practitioner', id: `p${(number += 1)}` }, isKept: true }),
      () => ({
        line: observation(`s${(number += 1)}`, pick(['stranger', 'm9', 'M0', 'm0/x'])),
        isKept: false,
        named: /left out/,
      }),
      () => ({
        line: { ...observation(`u${(number += 1)}`, ''), subject: {} },
        isKept: false,
        named: /whom (?:it is|they are) about cannot be read/,
      }),
      () => ({
        line: pick(['{', 'null', '"x"', '{"resourceType":5}', '{"resourceType":"Nope"}']),
        isKept: false,
        named: /left out/,
      }),
      () =>
        seen.length === 0
          ? { line: '{', isKept: false, named: /left out/ }
          : { line: pick(seen), isKept: false, named: /came before/ },
      () =>
        seen.length === 0
          ? { line: '{', isKept: false, named: /left out/ }
          : {
              line: { ...pick(seen), status: `other ${(number += 1)}` },
              isKept: false,
              named: /came before with other content/,
            },
      () => ({
        line: { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'exception' }] },
        isKept: false,
        named: /remark/,
      }),
    ];
    const files = Array.from({ length: 1 + Math.floor(random() * 4) }, () => {
      const made = Array.from({ length: Math.floor(random() * 30) }, () => pick(lies)());
      const count = pick([
        undefined,
        made.length,
        made.length + 1 + Math.floor(random() * 9),
        Math.floor(random() * 3),
      ]);
      return { made, count, type: pick(['Observation', 'Practitioner']) };
    });

    const { lines, errors, complete, outcomes } = await run(groupInput(members), {
      output: files.map(({ made, count, type }) => ({ type, count, lines: made.map(({ line }) => line) })),
    });

    const all = files.flatMap(({ made }) => made);
    const kept = all.filter(({ isKept }) => isKept).map(({ line }) => JSON.stringify(line));
    const given = lines.filter((line) => !line.startsWith('{"resourceType":"Provenance"'));
    expect(given.toSorted()).toEqual(kept.toSorted());
    const text = errors.join('\n');
    for (const { named } of all) if (named !== undefined) expect(text).toMatch(named);
    for (const [at, { made, count }] of files.entries()) {
      const said = new RegExp(
        `^File ${at + 1} \\(\\w+\\) has ${made.length} lines?, and the payer names ${count ?? ''}\\.$`,
        'm',
      );
      if (count !== undefined && count !== made.length) expect(text).toMatch(said);
      else expect(text).not.toMatch(new RegExp(`^File ${at + 1} .*has`, 'm'));
    }
    const about = new Set(seen.map((line) => (line as ReturnType<typeof observation>).subject.reference));
    for (const { submitted, reference } of members) {
      expect(errors.includes(`Nothing came about member ${submitted}.`)).toBe(!about.has(reference));
    }
    const counted = Object.values(outcomes).reduce((sum, outcome) => sum + Number(outcome.split(' ')[1]), 0);
    expect(counted).toBe(kept.length);
    const lacks = /cannot be read|not valid JSON|not one of FHIR|Resources may be missing|Nothing came|other content/;
    if (lacks.test(text)) expect(complete).toBe(false);
  });

  it.each(seeds)('a match is what the plan says once of whom was asked for: seed %i', async (seed) => {
    const random = randomOf(seed);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
    const ids = Array.from({ length: 1 + Math.floor(random() * 6) }, (_, at) => `ours-${at}`);
    const strangers = ['theirs-1', 'theirs-2'];
    const codes = ['match', 'nomatch', 'consentconstraint'];
    const groups = codes.map((code) => {
      const some = [...ids, ...strangers].filter(() => random() < 0.4);
      return {
        code,
        some: Object.fromEntries(
          some.map((id) => [id, code === 'match' ? pick([`Patient/${id}`, 'Patient/shared']) : `#${id}`]),
        ),
      };
    });
    const plan = matched(...groups.map(({ code, some }) => groupOf(code, some)));

    const { errors, lines, world } = await run(matchInput(...ids), plan);

    const naming = (id: string) => groups.filter(({ some }) => id in some);
    const match = groups[0]!.some;
    const owners = (reference: string | undefined) => ids.filter((id) => match[id] === reference).length;
    const expected = ids.filter((id) => naming(id).length === 1 && id in match && owners(match[id]) === 1);
    const group = (await getGroup(world.exchanges, owner, 'group-match', 0))!;
    const key = await world.deps.openInJob(
      { group: `${owner}/group-match`, partner: 'demo-partner' },
      'group key',
      group.key,
    );
    const { members, resource } = await openGroupBody(key, { owner, id: 'group-match' }, group.body);
    expect(members.map(({ submitted }) => submitted).toSorted()).toEqual(expected.toSorted());
    expect([...lines, resource].join()).not.toContain('theirs');
    for (const id of ids) {
      const isNamed = errors.some((error) => error.startsWith(`Member ${id}:`));
      expect(isNamed).toBe(!(naming(id).length === 1 && (!(id in match) || owners(match[id]) === 1)));
    }
    const left = groups.flatMap(({ some }) => Object.keys(some)).filter((id) => strangers.includes(id)).length;
    expect(errors.some((error) => error.startsWith(`${left} entr`))).toBe(left > 0);
  });
});
