import { exchangeEnd } from '../../../functions/export-job/end/members-at-end.ts';
import { closeKnown, openKnown } from '../../../functions/export-job/state/next-known.ts';
import type { JobState, Known } from '../../../functions/export-job/state/state.ts';
import { endOf } from './end-of.ts';
import {
  cameOf,
  ended,
  mixGroup,
  namedIn,
  observation,
  observations,
  onlyOfA,
  patient,
  patients,
  people,
  run,
  since,
  to,
  two,
  worldOf,
} from './exchange-run.ts';
import { groupInput, memberOf } from './former-plan.ts';

const lacksPatient = (member: string): string =>
  `The Patient of member ${member} did not come: none has the id that the payer gave for the member.`;
describe('what comes of a Group', () => {
  const deep = JSON.parse(`${'['.repeat(2000)}${']'.repeat(2000)}`) as unknown;
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
        observation('x', 'stranger'),
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
    const output = [
      people,
      observations('1 a'),
      ...lines.map((line) => ({ type: (line as { resourceType: string }).resourceType, lines: [line] })),
    ];
    const made = await run(groupInput(two, more), { output });

    const ids = made.ids.filter((id) => !['a', 'b', '1'].includes(id));
    expect(made.lines.flatMap((line) => /^\{"resourceType":"Provenance","id":"p"/.exec(line) ?? [])).toEqual([]);
    expect(ids.join(' ')).toBe(given);
    if (given === '') expect(made.complete).toBe(false);
  });

  describe("and names nobody is left out and named once a stranger's line came", () => {
    const list = named('List', 'l');
    const ofList = named('Provenance', 'p', { target: [to('List', 'l')] });
    const withFile = named('DocumentReference', 'd', {
      content: [{ attachment: { url: 'Binary/d', contentType: 'application/pdf' } }],
    });
    const stranger = observation('x', 'stranger');
    const device = named('Device', 'e', { Owner: to('Patient', 'stranger') });
    const nameless = (what: string): string =>
      `1 resource of type ${what} is left out: it names no patient, and nothing shows that it is about a member of the Group.`;
    const fileOf = (...lines: readonly object[]) => ({
      type: (lines[0] as { resourceType: string }).resourceType,
      lines,
    });

    it.each<[string, readonly object[], string]>([
      ['unless none came', [list, ofList, withFile], 'dlp'],
      [
        'from others beside a member only',
        [named('Contract', 'k', { subject: ['a', 'z'].map((id) => to('Patient', id)) }), list],
        'l',
      ],
      ['before it', [stranger, list, ofList, withFile], ''],
      ['after it', [list, ofList, withFile, stranger], ''],
      ['in between', [ofList, withFile, stranger, list], ''],
      [
        'of a type that was not asked for',
        [list, ofList, named('Encounter', 'x', { subject: to('Patient', 'z') })],
        '',
      ],
      ['which names the stranger where R4 has no patient', [ofList, list, device], ''],
      [
        'which does so and was not asked for',
        [ofList, list, named('Flag', 'f', { Owner: to('Patient', 'stranger') })],
        '',
      ],
    ])('%s', async (_, lines, given) => {
      const types = ['DocumentReference', 'Observation', 'List', 'Provenance', 'Contract', 'Device', 'Patient'];
      const binary = { headers: { 'content-type': 'application/pdf' }, body: 'letter' };
      const instead = ({ path }: { readonly path: string }) => (path === '/Binary/d' ? binary : undefined);
      for (const files of [lines.map((line) => fileOf(line)), [{ type: 'List', lines }]]) {
        const made = await run(groupInput(two, { asked: { types } }), { output: [people, ...files], instead });

        const ids = made.lines.flatMap((line) => /^\{"resourceType":"\w+","id":"([lpd])"/.exec(line)?.[1] ?? []);
        expect(ids.toSorted().join('')).toBe(given);
        expect(made.attachments.size).toBe(given.includes('d') ? 1 : 0);
        if (given !== '') continue;
        for (const [at, { lines: all }] of files.entries())
          for (const line of all as readonly { readonly resourceType: string }[])
            if ([list, ofList, withFile].includes(line as never))
              expect(made.errors).toContain(nameless(`${line.resourceType} in file ${at + 2}`));
      }
    });

    it('in any file and leg, and after a kill at any checkpoint', async () => {
      for (const files of [
        [fileOf(list), fileOf(stranger)],
        [fileOf(stranger), fileOf(list)],
      ]) {
        let made = 1;
        for (let killed = 0; killed < made; killed += 1) {
          let checkpoints = 0;
          const { ids, errors } = await run(
            groupInput(two),
            (world) => ({
              output: [people, ...files],
              instead: async ({ path }) => {
                // Longer than a leg.
                if (path.startsWith('/files/')) await world.deps.sleep(30_000);
                return undefined;
              },
            }),
            { killAfter: () => (checkpoints += 1) === killed },
          );
          made = Math.max(made, checkpoints);

          expect(ids).toEqual(['a', 'b']);
          expect(errors).toContain(nameless(`List in file ${files[0]!.type === 'List' ? 2 : 3}`));
        }
        expect(made).toBeGreaterThan(8);
      }
    });
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
    ['which refers to nothing', aboutList, [named('List', 'l')], true],
    ['which refers to nothing, and with a stranger’s', aboutList, [named('List', 'l'), encounter('stranger')], false],
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
});
