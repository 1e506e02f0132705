import { fail as endAsFailed } from '../../../functions/export-job/end/finish.ts';
import { memberFaults } from '../../../functions/export-job/end/reasons.ts';
import { readMatch } from '../../../functions/export-job/exchange/read-groups.ts';
import { UnusableAnswer } from '../../../functions/shared/payer/decode-body.ts';
import { getGroup, listUnready } from '../../../functions/shared/store/groups.ts';
import { exportWorld } from '../../support/export-world.ts';
import { putGroup } from '../../support/put-group.ts';
import { randomOf } from '../../support/random.ts';
import { endOf, type World } from './end-of.ts';
import {
  a,
  askedFor,
  b,
  cameOf,
  first,
  found,
  groupBody,
  matched,
  notFound,
  owner,
  pickerOf,
  run,
  second,
  seeds,
  three,
  unusable,
  worldOf,
  type Exchange,
} from './exchange-run.ts';
import { groupOf, matchInput, submittedPatient, type Plan } from './former-plan.ts';

describe('a match', () => {
  it('is asked as PDex says, and its Groups are passed on and kept for exports', async () => {
    const input = matchInput('ours-a', 'ours-b', 'ours-c') as Extract<Exchange, { kind: 'match' }>;
    const groups = [found(a), notFound('ours-b'), groupOf('consentconstraint', { 'ours-c': '#ours-c' })];
    const { world, errors, status, complete, lines } = await run(input, {
      output: [
        { type: 'Group', lines: groups.slice(0, 1), count: 1 },
        { type: 'Group', lines: groups.slice(1) },
      ],
    });

    expect({ errors, status, complete }).toEqual({ errors: [], status: 'completed', complete: true });
    expect(world.asked[0]).toMatchObject({
      path: '/Group/$bulk-member-match',
      method: 'POST',
      token: 'Bearer system-1',
      oneTime: true,
      form: input.body,
      headers: { prefer: 'respond-async', 'content-type': 'application/fhir+json' },
    });
    const made = (group: object, id: string) => ({ ...group, contained: [submittedPatient(id)], quantity: 1 });
    const passedOn = groups.map((group, at) => made(group, `ours-${'abc'.charAt(at)}`));
    expect(lines.slice(0, 3).map((line) => JSON.parse(line) as object)).toEqual(passedOn);
    expect(await groupBody(world)).toEqual({
      resource: lines[0],
      members: [{ submitted: 'ours-a', reference: 'Patient/a', consent: { id: 'consent-ours-a', hash: 'hash' } }],
    });
    expect(askedFor(world, 'DELETE')).toEqual([]);
  });

  it('says of each file how many of its lines are passed on', async () => {
    const odd = { resourceType: 'Group' };
    const { lines } = await run(matchInput('ours-a', 'ours-b'), {
      output: [
        { type: 'Group', lines: [odd, found(a), odd, { resourceType: 'Patient', id: 'a' }] },
        { type: 'Group', lines: [notFound('ours-b')] },
        { type: 'Group', lines: [odd, odd] },
      ],
    });

    const counts = lines.flatMap((line) => /\d lines came, and \d of them are passed on/.exec(line) ?? []);
    expect(counts).toEqual([
      '4 lines came, and 1 of them are passed on',
      '1 lines came, and 1 of them are passed on',
      '2 lines came, and 0 of them are passed on',
    ]);
  });
});

/** An entry of a Group. */
interface Submitted {
  readonly entity: { readonly extension: readonly { readonly url: string }[] };
}

describe('the Groups of a match', () => {
  /** The submitted members who can be exported. */
  const exported = async (world: World): Promise<readonly string[]> => {
    const names = [...world.dynamo.items('Exchanges').values()].map(({ name }) => name?.S ?? '');
    const ids = names.flatMap((name) => /^group\/(.*)/.exec(name)?.[1] ?? []);
    const bodies = await Promise.all(ids.map((id) => groupBody(world, id)));
    return bodies.flatMap(({ members }) => members.map(({ submitted, reference }) => `${submitted} ${reference}`));
  };
  const theirs = { resourceType: 'Patient', id: 'theirs', name: [{ family: 'theirs' }] };
  const [entryA, entryB] = first['member'] as readonly [Submitted, Submitted];
  const contained = first['contained'] as readonly object[];
  const changed = (change: object): Plan => matched({ ...first, ...change }, second);
  const coverage = { resourceType: 'Coverage', id: 'cov' };
  const [ofPatient] = entryA.entity.extension;
  const ofCoverage = {
    url: ofPatient!.url.replace('parameters', 'coverage'),
    valueReference: { reference: '#cov' },
  };
  const covered = { entity: { ...entryA.entity, extension: [ofCoverage, ofPatient] } };
  const envelope = {
    resourceType: 'Parameters',
    parameter: [
      { name: 'MatchedMembers', resource: { ...first, id: 'group-', code: {} } },
      { name: 'NonMatchedMembers', resource: second },
    ],
  };

  const textLeftOut =
    "Text, names and identifiers in the payer's Groups are left out: whom they are about cannot be checked.";
  const stranger = "1 entry of the payer's Groups names a patient who was not submitted, and is left out.";
  const unreadable = "1 entry of the payer's Groups cannot be read, and is left out.";
  const unreferenced = "1 resource in the payer's Groups is left out: no entry refers to it.";
  const noMatch = 'The payer names no Group of matched members.';
  const lost = (what: string): string => `A Group of the payer's is left out: ${what}.`;
  const noId = lost('it has no usable id, so that it cannot be exported');
  const unsaid = (id: string): string => `Member ${id}: The payer does not say what became of it.`;
  const unclear = (id: string, why: string): string =>
    `Member ${id}: The payer names ${why}. It counts as not matched.`;
  const former = (id: string): string => unclear(id, 'it as no longer in the Group');

  type Row = readonly [string, readonly string[], Plan, readonly string[]];
  const row = (title: string, members: readonly string[], plan: Plan, ...errors: string[]): Row => [
    title,
    members,
    plan,
    errors,
  ];
  const having = (change: object, ...errors: string[]): Row =>
    row(`have ${JSON.stringify(change)}`, [a, b], changed(change), ...errors);

  const coded = (system: string | undefined, code: string) => (system === undefined ? { code } : { system, code });
  const ours = 'http://hl7.org/fhir/us/davinci-pdex/CodeSystem/PDexMultiMemberMatchResultCS';
  const step = 'https://plan.example/steps';
  const coding = (...codings: readonly object[]) => ({ code: { coding: codings } });
  const npi = { valueReference: { identifier: { system: 'http://hl7.org/fhir/sid/us-npi', value: '9100000014' } } };
  const inEnvelope = (name: string, group: object): Plan => ({
    output: [
      {
        type: 'Parameters',
        lines: [
          {
            ...envelope,
            parameter: [
              { name: 'MatchedMembers', resource: found(a) },
              { name, resource: { ...group, id: 'other' } },
              envelope.parameter[1],
            ],
          },
        ],
      },
    ],
  });
  const saysTwo = lost('its codes, or a code and its name, contradict each other');
  const twice = (id: string): string => unclear(id, 'different outcomes for it');
  const contradictions = [
    ...[
      coding(coded(ours, 'match'), coded(ours, 'consentconstraint')),
      coding(coded(ours, 'match'), coded(undefined, 'nomatch')),
      coding(coded(step, 'match'), coded(undefined, 'match'), coded(ours, 'nomatch')),
      coding(coded(step, 'match'), coded(step, 'nomatch')),
      coding(coded(ours, 'match'), coded(ours, 'withdrawn')),
      { characteristic: [{ ...coding(coded(ours, 'consentconstraint')), ...npi, exclude: false }] },
    ].map((change) =>
      row(
        `say two things of their members: ${JSON.stringify(change)}`,
        [a],
        matched(found(a), { ...found('ours-b Patient/b'), id: 'other', ...change }, second),
        saysTwo,
        twice('ours-b'),
      ),
    ),
    row(
      'say two things of a member whom another Group has',
      [b],
      matched(first, { ...found(a), id: 'other', ...coding(coded(ours, 'match'), coded(ours, 'nomatch')) }, second),
      saysTwo,
      twice('ours-a'),
    ),
    ...['NonMatchedMembers', 'ConsentConstrainedMembers'].map((name) =>
      row(
        `say one thing by the code and another by the name ${name}`,
        [a],
        inEnvelope(name, found('ours-b Patient/b')),
        saysTwo,
        twice('ours-b'),
      ),
    ),
    ...[
      coding(coded(ours, 'match')),
      coding(coded(undefined, 'match')),
      coding(coded(step, 'match')),
      coding(coded(step, 'nomatch'), coded(ours, 'match')),
      coding(coded(step, 'ready'), coded(undefined, 'match')),
    ].map((change) => having(change)),
    row(
      'say by another system what a name contradicts',
      [a, b],
      inEnvelope('MatchedMembers', { ...found('ours-b Patient/b'), ...coding(coded(step, 'nomatch')) }),
    ),
    ...[entryB.entity.extension, [ofCoverage, { ...ofCoverage, valueReference: { reference: '#other' } }]].map((more) =>
      row(
        `name two in one entry: ${JSON.stringify(more)}`,
        [b],
        changed({
          contained: [...contained, coverage, { ...coverage, id: 'other' }],
          member: [{ entity: { ...entryA.entity, extension: [ofPatient, ...more] } }, entryB],
        }),
        unreadable,
        unsaid('ours-a'),
        more === entryB.entity.extension
          ? "2 resources in the payer's Groups are left out: no entry refers to them."
          : unreferenced,
      ),
    ),
  ];

  it.each<Row>([
    row('come as PDex 2.2 has them', [a, b], matched(first, second)),
    row('come in the envelope of PDex 2.1', [a, b], { output: [{ type: 'Parameters', lines: [envelope] }] }),
    row('win over the envelope beside them', [a, b], {
      output: [{ type: 'Parameters', lines: [{ ...envelope, parameter: [] }] }, ...matched(first, second).output!],
    }),
    row('name a stranger', [a, b], matched(found(a, b, 'theirs Patient/x'), second), stranger),
    row('do not mention a member', [a, b], matched(first), unsaid('ours-c')),
    row(
      'name a member twice, with two outcomes',
      [a],
      matched(first, notFound('ours-b', 'ours-c')),
      unclear('ours-b', 'different outcomes for it'),
    ),
    ...contradictions,
    row(
      'name two records for a member',
      [a],
      matched(first, { ...found('ours-b Patient/c'), id: 'second' }, second),
      unclear('ours-b', 'two records for it'),
    ),
    row(
      'name one record for two members',
      [],
      matched(found(a, 'ours-b Patient/a'), second),
      unclear('ours-a', 'one record for it and for another member'),
      unclear('ours-b', 'one record for it and for another member'),
    ),
    row(
      'are two of one id',
      [a, b],
      matched(first, found('ours-b Patient/x'), second),
      'The payer sent two Groups with the same id. Only the first is in this answer.',
    ),
    row('have no matched members', [], matched(notFound('ours-a', 'ours-b', 'ours-c')), noMatch),
    row(
      'have an id that nobody can ask for',
      [],
      changed({ id: '../x' }),
      noId,
      noMatch,
      unsaid('ours-a'),
      unsaid('ours-b'),
    ),
    ...['group_1', 'a'.repeat(65)].map((id) => {
      const plan = matched(first, { ...found('ours-c Patient/c'), id }, second);
      return row(`have an id that is none of FHIR: ${id}`, [a, b], plan, noId);
    }),
    row(
      'have members that are no list',
      [a, b],
      matched(first, second, { ...notFound(), id: 'g', member: { entity: { display: 'theirs' } } }),
      lost('its members are not a list'),
    ),
    row('hold a resource of no entry', [a, b], changed({ contained: [...contained, theirs] }), unreferenced),
    row(
      'hold a resource twice, the second about somebody else',
      [a, b],
      changed({ contained: [...contained, { ...theirs, id: 'ours-a' }] }),
      unreferenced,
    ),
    row(
      'hold one resource that is in no list',
      [a, b],
      matched(first, { ...second, contained: theirs }),
      unreadable,
      unreferenced,
      unsaid('ours-c'),
    ),
    row(
      'name a stranger whom a kept entry mentions',
      [a, b],
      matched(
        {
          ...found(a, b, 'theirs Patient/x'),
          text: { status: 'generated', div: '<div>theirs</div>' },
          name: 'theirs',
          member: [
            { ...entryA, entity: { ...entryA.entity, display: 'see "#theirs"', identifier: { value: 'theirs' } } },
            entryB,
            (found('theirs Patient/x')['member'] as readonly object[])[0],
          ],
        },
        second,
      ),
      stranger,
      textLeftOut,
    ),
    ...[
      { text: { status: 'generated', div: '<div>theirs</div>' } },
      { member: [{ entity: { ...entryA.entity, display: 'theirs' } }, entryB] },
      { member: [{ entity: { ...entryA.entity, identifier: { value: 'theirs' } } }, entryB] },
      { name: 'theirs' },
      { _name: { extension: [{ url: 'urn:x', valueString: 'theirs' }] } },
      { extension: [{ url: 'urn:x', valueString: 'theirs' }] },
      { strangers: [{ name: 'theirs' }] },
      { meta: { tag: [{ display: 'theirs' }] } },
      { identifier: [{ value: 'theirs', assigner: { display: 'theirs' } }] },
      { managingEntity: { display: 'theirs' } },
      { characteristic: [{ valueReference: { reference: 'Patient/theirs', display: 'theirs' } }] },
      { language: 'theirs' },
    ].map((change) => having(change, textLeftOut)),
    having({ code: { text: 'theirs', coding: [{ code: 'match', display: 'theirs' }] } }),
    having({ quantity: 'theirs' }),
    row(
      'contain an Organization, and a Patient who is not as submitted',
      [a, b],
      changed({
        contained: [
          ...contained.map((one) => Object.assign({ link: [{ other: { display: 'theirs' } }] }, one)),
          { resourceType: 'Organization', id: 'o', contact: [{ name: { family: 'theirs' } }] },
        ],
      }),
      unreferenced,
    ),
    ...[
      [{ ...entryA, inactive: true }, entryB],
      [entryA, entryB, { ...entryA, inactive: true }],
    ].map((member) =>
      row(`have a former member: ${member.length} entries`, [b], changed({ member }), former('ours-a')),
    ),
    row('are no longer active', [], changed({ active: false }), former('ours-a'), former('ours-b')),
    ...(
      [
        ['inactive', { active: 'false' }, true],
        ['modified', { implicitRules: 'https://plan.example/theirs' }, true],
        ['modified', { modifierExtension: [{ url: 'urn:x', valueString: 'theirs' }] }, true],
        ['notPersons', { actual: false }, true],
        ['notPersons', { actual: 'true' }, true],
        ['notPersons', { type: 'practitioner' }, true],
        ['notPersons', { type: 'theirs' }, true],
        ['fewer', { quantity: 1 }, false],
        ['fewer', { quantity: 0 }, false],
        ['fewer', { quantity: -1 }, false],
      ] as const
    ).map(([why, change, hasText]) =>
      row(
        `are not what a match gives: ${JSON.stringify(change)}`,
        [],
        changed(change),
        ...['ours-a', 'ours-b'].map((id) => `Member ${id}: ${memberFaults[why]}`),
        ...(hasText ? [textLeftOut] : []),
      ),
    ),
    ...(
      [
        ['notNow', { period: { end: '2026-11-26' } }],
        ['notNow', { period: { start: '2026-11-28' } }],
        ['notNow', { period: { end: 'theirs' } }],
        ['notNow', { period: 'theirs' }],
        ['modified', { modifierExtension: [{ url: 'urn:x', valueString: 'theirs' }] }],
      ] as const
    ).map(([why, change]) =>
      row(
        `take one member back: ${JSON.stringify(change)}`,
        [b],
        changed({ member: [{ ...entryA, ...change }, entryB], quantity: 1 }),
        `Member ours-a: ${memberFaults[why]}`,
        textLeftOut,
      ),
    ),
    having({ identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '9800000018' }] }, textLeftOut),
    having({ member: [{ ...entryA, period: { start: '2026-11-27', end: '2026-11-27' } }, entryB] }, textLeftOut),
    ...[{ implicitRules: 'urn:theirs' }, { parameter: [{ ...envelope.parameter[0], modifierExtension: [{}] }] }].map(
      (change) =>
        row(
          `come in an envelope that means something else: ${Object.keys(change).join()}`,
          [],
          { output: [{ type: 'Parameters', lines: [{ ...envelope, ...change }] }] },
          ...['ours-a', 'ours-b'].map((id) => `Member ${id}: ${memberFaults.modified}`),
          ...('parameter' in change ? [unsaid('ours-c')] : []),
          textLeftOut,
        ),
    ),
    having(
      { characteristic: [{ ...coding(coded(ours, 'match')), ...npi, modifierExtension: [{ url: 'urn:theirs' }] }] },
      textLeftOut,
    ),
    row(
      'say in another form that somebody is a former member',
      [b],
      changed({ member: [{ ...entryA, inactive: 'true' }, entryB] }),
      unreadable,
      unsaid('ours-a'),
    ),
    row(
      'have a code that is none',
      [a, b],
      matched(first, second, groupOf('other', { 'ours-a': 'Patient/z' })),
      lost('its code is not a match result code'),
    ),
    ...['identifier', 'characteristic'].map((name) =>
      row(
        `have more of these than any two plans: ${name}`,
        [],
        changed({ [name]: Array.from({ length: 101 }, () => ({ value: 'theirs' })) }),
        lost('it has more than 100 identifiers or characteristics'),
        noMatch,
        unsaid('ours-a'),
        unsaid('ours-b'),
      ),
    ),
    row(
      'are more than a match of a thousand members needs',
      [a, b],
      matched(first, second, ...Array.from({ length: 999 }, (_, at) => ({ ...groupOf('nomatch', {}), id: `${at}` }))),
      lost('the answer has more Groups than a match of 1,000 members needs'),
    ),
    row('come among more resources than a call takes arguments', [a, b], {
      output: [
        {
          type: 'Group',
          lines: [first, second].concat(Array.from({ length: 150_000 }, () => ({ resourceType: 'Basic' }))),
        },
      ],
    }),
    row(
      'name the coverage before the patient',
      [a],
      matched(
        { ...found(a), contained: [...(found(a)['contained'] as object[]), coverage], member: [covered] },
        second,
      ),
      unsaid('ours-b'),
    ),
    ...['Patient/a/_history/2', '/Patient/a', `${exportWorld().base}/Patient/a/`].map((reference) =>
      row(
        `name a record in another way: ${reference}`,
        [a],
        matched(found(`ours-a ${reference}`), notFound('ours-b', 'ours-c')),
      ),
    ),
    ...['Patient/a/_history/<theirs>', `Patient/a/_history/${'theirs'.repeat(11)}`, 'theirs/../Patient/a'].map(
      (reference) =>
        row(
          `name a record with words of the payer’s own: ${reference}`,
          [a],
          matched(found(`ours-a ${reference}`), notFound('ours-b', 'ours-c')),
          textLeftOut,
        ),
    ),
    row(
      'name a record on another server',
      [a],
      matched(found(a, 'ours-b https://other.example/Patient/b'), second),
      unreadable,
      unsaid('ours-b'),
    ),
    row(
      'are fewer than the payer says',
      [a, b],
      { output: [{ type: 'Group', lines: [first, second], count: 3 }] },
      'File 1 (Group) has 2 lines, and the payer names 3.',
    ),
  ])('%s', async (_, members, plan, errors) => {
    const made = await run(three, plan);

    expect(made.errors.toSorted()).toEqual(errors.toSorted());
    expect(await exported(made.world)).toEqual(members);
    expect(made.status).toBe(errors.every((error) => error === textLeftOut) ? 'completed' : 'partial');
    expect(made.lines.filter((line) => line.includes('"Group"')).join()).not.toContain('theirs');
  });
});

const usableIds = (world: World): readonly string[] =>
  [...world.dynamo.items('Exchanges').values()].flatMap(({ name }) => /^group\/(.*)/.exec(name?.S ?? '')?.[1] ?? []);

/** The members of each Group that can be used, and those whom the audit names as matched. */
const usableAndNamed = async (world: World) => {
  const ids = usableIds(world);
  const bodies = await Promise.all(ids.map((id) => groupBody(world, id)));
  const usable = bodies.flatMap(({ members }) => members.map(({ reference }) => reference));
  return { usable, named: matchedIn(world) };
};
const matchedIn = (world: World): readonly unknown[] =>
  cameOf(world).flatMap((one) => (one.outcome === 'match' ? [(one as { reference?: string }).reference] : []));

describe('no Group can be used whose members the audit does not name', () => {
  const plan = matched(first, { ...found('ours-c Patient/c'), id: 'second' });

  /** Does something before one write of the job, and looks at what can be used after each. */
  const runTo = async (stop: number, does: (world: World) => unknown) => {
    let [writes, seen] = [0, 0];
    const world = worldOf(three, plan);
    await world.kickOff();
    const client = world.exchanges.client as unknown as { send: (command: object) => Promise<unknown> };
    const send = client.send.bind(client);
    client.send = async (command) => {
      if (!/Put|Update/.test(command.constructor.name)) return send(command);
      writes += 1;
      if (writes === stop) await does(world);
      const answer = await send(command);
      const { usable, named } = await usableAndNamed(world);
      seen = Math.max(seen, usable.length);
      expect(named).toEqual(expect.arrayContaining([...usable]));
      // A member whom the audit names can be ended, whether or not the Group can be used yet.
      const unready = named.length === 0 ? [] : await listUnready(world.exchanges, owner, world.exportId, 0);
      if (named.length > 0) expect(unready.length + new Set(usableIds(world)).size).toBe(2);
      return answer;
    };
    await world.durable.finish(world.start());
    const { usable, named } = await usableAndNamed(world);
    expect(named).toEqual(expect.arrayContaining([...usable]));
    return { writes, seen, usable };
  };

  it.each<[string, (world: World) => unknown]>([
    ['the partner deletes the match', (world) => world.deleteExport()],
    [
      'a write fails',
      () => {
        throw new Error('the table does not answer');
      },
    ],
    [
      'another invocation audits that the match has failed, and cannot write that end',
      async ({ deps, exportId, durable }) => {
        const { client, name } = deps.exports;
        const refusing = Object.assign(Object.create(client) as typeof client, {
          send: async (command: object) => {
            if (command.constructor.name === 'UpdateItemCommand') throw new Error('the table does not answer');
            return client.send(command as Parameters<typeof client.send>[0]);
          },
        });
        const execution = { arn: durable.engine.executions()[0]!.arn };
        const other = { deps: { ...deps, exports: { client: refusing, name } }, exportId, execution };
        await expect(endAsFailed(other, 'for a test')).rejects.toThrow('the table does not answer');
      },
    ],
  ])('whenever %s', async (_, does) => {
    const whole = await runTo(0, () => undefined);
    expect(whole.usable.toSorted()).toEqual(['Patient/a', 'Patient/b', 'Patient/c']);
    for (let stop = 1; stop <= whole.writes; stop += 1) await runTo(stop, does);
  });

  it('not even if the match ends without delivering anything', async () => {
    const world = worldOf(three, plan, {
      onCall: (name) => {
        if (name === 'put' && matchedIn(world).length === 0 && world.asked.length > 3) throw new Error('no bucket');
      },
    });
    await world.run().catch(() => undefined);

    expect((await usableAndNamed(world)).usable).toEqual([]);
  });
});

const zeros = `{"resourceType":"Basic","x":[0${',0'.repeat(450_000)}]}\n`;
it.each([
  ['32 MB', [5, 6], `${' '.repeat(9 * 1024 * 1024)}\n`],
  ['two million values', [4, 5, 6], zeros.repeat(2)],
])(
  'a match whose files are too large together is read up to %s, and the rest is named and not asked for',
  async (_most, late, body) => {
    const { world, errors } = await run(three, {
      output: Array.from({ length: 6 }, () => matched(first, second).output![0]!),
      instead: ({ path }) => (/output\/[1-5]$/.test(path) ? { body } : undefined),
    });

    expect(errors).toEqual(
      late.map((at) => `File ${at} (Group) did not come whole: it is larger than an answer to a match may be.`),
    );
    expect(askedFor(world, '/files/output/5')).toEqual([]);
  },
);

it.each([
  ['comes late', false, [3, 4]],
  ['is cut when the invocation ends', true, [2, 3, 4]],
])(
  'a match whose files take longer than two invocations have is read as far as one comes, and the rest is named: one that %s',
  async (_how, cuts, left) => {
    const output = Array.from({ length: 4 }, () => matched(first, second).output![0]!);
    let inInvocation = 0;
    const { errors, world } = await run(
      three,
      ({ durable }) => ({
        output,
        instead: async ({ path }) => {
          if (!path.startsWith('/files/')) return undefined;
          inInvocation = path === '/files/output/0' ? 1 : inInvocation + 1;
          await durable.sleep(200_000);
          if (cuts && inInvocation > 1) throw new Error('no answer in time');
          return undefined;
        },
      }),
      { timeoutMs: 440_000 },
    );

    const twice = 'The payer sent two Groups with the same id. Only the first is in this answer.';
    const slow = 'the payer cannot send it in pieces, and the whole did not come in the time that the gateway has.';
    const named = left.map((at) => `File ${at} (Group) did not come whole: ${slow}`);
    expect(errors).toEqual(cuts ? named : [...named, twice, twice]);
    expect(askedFor(world, '/files/output/0')).toHaveLength(2);
  },
);

it('a file of a match that never comes is requested five times and named with the reason, and the other files count', async () => {
  const { errors, world } = await run(three, {
    output: Array.from({ length: 3 }, () => matched(first, second).output![0]!),
    instead: ({ path }) => {
      if (path.endsWith('output/1')) throw new UnusableAnswer('CONTENT_ENCODING');
      return path.endsWith('output/2') ? Promise.reject(new Error('no answer')) : undefined;
    },
  });

  expect(errors).toEqual([
    `File 2 (Group) did not come whole: ${unusable}.`,
    'File 3 (Group) did not come whole: the payer did not send it to the end.',
  ]);
  expect([1, 2].map((at) => askedFor(world, `/files/output/${at}`).length)).toEqual([5, 5]);
  expect(usableIds(world)).toHaveLength(1);
});

it('Groups that name a large member again and again are passed on up to 32 MB, and the others are named', () => {
  const resource = { ...submittedPatient('ours-a'), name: [{ text: 'x'.repeat(1024 * 1024) }] };
  const { members } = matchInput('ours-a') as Extract<Exchange, { kind: 'match' }>;
  const input = { kind: 'match', members, body: JSON.stringify({ parameter: [{ part: [{ resource }] }] }) } as const;
  const given = Array.from({ length: 40 }, (_, at) => ({ line: '', resource: { ...found(a), id: `${at}` } }));
  const { groups, problems } = readMatch(given, input, { bases: ['https://payer.example'] }, 0);

  expect([groups.length, problems.filter(({ kind }) => kind === 'groupUnusable').length]).toEqual([32, 8]);
});

it('a Group of which each entry names a member can be whole, though one is named again; not if another entry is lost, or a Group of the same id', () => {
  const input = three as Extract<Exchange, { kind: 'match' }>;
  const countsOf = (...resources: readonly ReturnType<typeof found>[]) => {
    const given = resources.map((resource) => ({ line: '', resource }));
    const [group] = readMatch(given, input, { bases: ['https://payer.example'] }, 0).groups;
    return [group?.entries, group?.members.length];
  };
  const [one, other] = first['member'] as readonly object[];

  expect(countsOf({ ...first, member: [one, other, one] })).toEqual([2, 2]);
  expect(countsOf(found(a, b, 'theirs Patient/x'))).toEqual([3, 2]);
  expect(countsOf({ ...first, quantity: 2 })).toEqual([2, 2]);
  expect(countsOf({ ...first, quantity: 3 })).toEqual([3, 2]);
  expect(countsOf({ ...first, quantity: 3, member: [one, other, one] })).toEqual([2, 2]);
  expect(countsOf({ ...first, quantity: 'three' })).toEqual([3, 2]);
  for (const change of [{}, { code: {} }, { member: {} }]) {
    expect(countsOf(first, { ...found('ours-c Patient/c'), ...change })).toEqual([3, 2]);
  }
});

describe('a Group whose id another answer has', () => {
  const made = { code: 'match', members: 1, exportId: 'earlier', key: Buffer.of(1), body: Buffer.of(1) };
  const of = { ...made, createdAt: 1, expiresAt: 2e9 };
  const error =
    'The payer gave a Group an id that it has given to other patients, too. Only the members of your latest match with it can be exported by it, each by name.';

  it.each<[string, string, string | undefined, boolean]>([
    ['for the same patients, does not', owner, undefined, false],
    ['for others', owner, 'others', true],
    ['for the same patients, asked by another partner, does not', 'northwind/other', undefined, false],
    ['for others, asked by another partner', 'northwind/other', 'others', true],
  ])('says so to the partner: %s', async (_, earlier, patients, isMixed) => {
    const after = async (before: string | undefined) => {
      const world = worldOf(three, matched(first, second));
      await world.kickOff();
      if (before !== undefined)
        await putGroup(world.exchanges, { ...of, owner: earlier, id: 'group-match', patients: before });
      await world.durable.finish(world.start());
      const { errors, status } = await endOf(world);
      const group = (await getGroup(world.exchanges, owner, 'group-match', 0))!;
      return { ...group, isLater: group.exportId === world.exportId, errors, status };
    };
    const alone = await after(undefined);

    expect(await after(patients ?? alone.patients)).toMatchObject({
      isLater: true,
      isMixed,
      errors: isMixed ? [error] : [],
      status: 'completed',
    });
  });

  it.each<[string, object]>([
    ['for members who were not matched', second],
    ['in a Group that cannot be read', { ...second, code: {} }],
  ])('later %s, may have others', async (_, later) => {
    const world = worldOf(three, matched(first, { ...later, id: 'kept' }));
    await world.kickOff();
    for (const id of ['kept', 'other']) await putGroup(world.exchanges, { ...of, owner, id });
    await world.durable.finish(world.start());

    expect(await getGroup(world.exchanges, owner, 'kept', 0)).toMatchObject({ exportId: 'earlier', isMixed: true });
    expect(await getGroup(world.exchanges, owner, 'other', 0)).toMatchObject({ isMixed: false });
  });
});

it('the end of a member’s period in the plan’s Group is kept, of several the first', async () => {
  const [entryA, entryB] = first['member'] as readonly object[];
  const until = (entry: object | undefined, end?: string) => ({ ...entry, period: { start: '2026', end } });
  const member = [until(entryA, '2027'), until(entryA, '2026-12-31'), until(entryA), until(entryB)];
  const { world } = await run(three, matched({ ...first, member }, second));

  expect((await groupBody(world)).members.map(({ submitted, until: end }) => [submitted, end])).toEqual([
    ['ours-a', '2026-12-31'],
    ['ours-b', undefined],
  ]);
});

it('a Group that would be larger than a line may be, once each of its codes has a system, is left out and named', () => {
  const plan = { identifier: { system: 'http://hl7.org/fhir/sid/us-npi', value: '9800000017' } };
  const coding = Array.from({ length: 120_000 }, () => ({ code: 'match' }));
  const characteristic = [{ code: { coding }, valueReference: plan }];
  const given = [{ line: '', resource: { ...first, characteristic } }];
  const { groups, problems } = readMatch(given, three as Extract<Exchange, { kind: 'match' }>, { bases: [] }, 0);

  expect(groups).toEqual([]);
  expect(problems).toContainEqual({ kind: 'groupUnusable', type: 'Group', why: 'tooLarge' });
});

describe('whatever a plan makes up', () => {
  it.each(seeds)('a match is what the plan says once of whom was asked for: seed %i', async (seed) => {
    const random = randomOf(seed);
    const pick = pickerOf(random);
    const ids = Array.from({ length: 1 + Math.floor(random() * 6) }, (_, at) => `ours-${at}`);
    const strangers = ['theirs-1', 'theirs-2'];
    const groups = ['match', 'nomatch', 'consentconstraint'].map((code) => {
      const some = [...ids, ...strangers].filter(() => random() < 0.4);
      const referenceOf = (id: string) => (code === 'match' ? pick([`Patient/${id}`, 'Patient/shared']) : `#${id}`);
      return { code, some: Object.fromEntries(some.map((id) => [id, referenceOf(id)])) };
    });
    const plan = matched(...groups.map(({ code, some }) => groupOf(code, some)));

    const { errors, lines, world } = await run(matchInput(...ids), plan);

    const match = groups[0]!.some;
    const isNamedOnce = (id: string) => groups.filter(({ some }) => id in some).length === 1;
    const isAlone = (id: string) => ids.filter((other) => match[other] === match[id]).length === 1;
    const expected = ids.filter((id) => isNamedOnce(id) && id in match && isAlone(id));
    const { members, resource } = await groupBody(world);
    expect(members.map(({ submitted }) => submitted).toSorted()).toEqual(expected.toSorted());
    expect([...lines, resource].join()).not.toContain('theirs');
    for (const id of ids) {
      const isNamed = errors.some((error) => error.startsWith(`Member ${id}:`));
      expect(isNamed).toBe(!(isNamedOnce(id) && (!(id in match) || isAlone(id))));
    }
    const left = groups.flatMap(({ some }) => Object.keys(some)).filter((id) => strangers.includes(id)).length;
    expect(errors.some((error) => error.startsWith(`${left} entr`))).toBe(left > 0);
  });
});
