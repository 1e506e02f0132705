import type { GroupMember } from '../../../functions/shared/exchanges/group.ts';
import { sha256 } from '../../../functions/shared/store/crypto.ts';
import { endMember } from '../../../functions/shared/store/groups.ts';
import { words } from '../../support/words.ts';
import { endOf, type World } from './end-of.ts';
import {
  answering,
  askedFor,
  cameOf,
  mixGroup,
  namedIn,
  observation,
  observations,
  onlyOfA,
  owner,
  patients,
  people,
  run,
  to,
  two,
  worldOf,
} from './exchange-run.ts';
import { groupInput, memberOf, type Plan } from './former-plan.ts';

describe('what comes of a Group', () => {
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
        '1 e q',
        [nameless('Observation in file 2'), nameless('DocumentReference in file 3'), nameless('List in file 4')],
      ],
      [
        'while its attachments came',
        '/Binary/e',
        'n 1 e q',
        [passedOn('Observation in file 2'), nameless('DocumentReference in file 3'), nameless('List in file 4')],
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
});
