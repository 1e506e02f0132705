import { localStage } from '../../../config/local.ts';
import { UnusableAnswer } from '../../../functions/shared/payer/decode-body.ts';
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
import { byType, endOf, runToEnd, runWith, type World } from './end-of.ts';

const hourMs = 3_600_000;
/** More than the buffers of these tests take, which is a megabyte. Elsewhere it is ten. */
const tooLarge = 'x'.repeat(1_100_000);
const unusable = 'the response is not valid HTTP, its headers are too long, or its content encoding was not requested';
const tooLong = 'the payer asked for a longer wait than the export has time for';

/** Answers the first page, and then as the script says. */
const afterFirst =
  (rest: PayerScript, next = '?page=2') =>
  ({ base }: World): PayerScript =>
  (asked) =>
    asked.path.includes('$everything') ? pageOf([memberPatient, observation(1)], base + next) : rest(asked);

it('a payer whose searches are posted is read so, with pages by their links', async () => {
  const wholeRecord = { searches: ['Patient', 'Observation?category=laboratory'], exhaustive: ['Observation'] };
  const quirks = { ...localStage().payers[1]!.quirks, searchMethod: 'POST' } as const;
  const made = await runWith({ profile: { everything: false, wholeRecord, quirks } }, ({ path, form }) => {
    if (path === '/Patient/_search') return pageOf([memberPatient]);
    if (path === '/Observation/_search') {
      const isAsked = form?.includes('category=laboratory') === true && form.includes('patient=');
      // Relative to what was asked (RFC 3986 §5.1.3).
      return pageOf(isAsked ? [observation(1)] : [], '../pages/2');
    }
    return path === '/pages/2' ? pageOf([observation(2)]) : { status: 405 };
  });

  expect(made).toMatchObject({ complete: true, ids: ['member-1', 'o-1', 'o-2'], errors: [] });
});

describe('a payer with two bases', () => {
  const second = 'https://pharmacy.example/fhir';
  const furtherBases = [{ fhirBaseUrl: second, types: ['DocumentReference', 'MedicationRequest', 'Practitioner'] }];
  const facade = 'http://localhost:3000/r4/northwind';
  const subject = { reference: 'Patient/member-1' };
  const pdf = { headers: { 'content-type': 'application/pdf' }, bytes: Buffer.from('a note') };
  const medication = (id: string, more: object) => ({ resourceType: 'MedicationRequest', id, subject, ...more });
  /** What its bases have, by the URL below each without the query. */
  const all = (base: string, document: object): Readonly<Record<string, Sent>> => ({
    [`${base}/Patient`]: pageOf([memberPatient]),
    [`${base}/Observation`]: pageOf([
      { ...observation(1), performer: [{ reference: `${second}/Practitioner/p` }, { reference: 'Practitioner/q' }] },
    ]),
    [`${second}/MedicationRequest`]: pageOf(
      [
        medication('m-1', { requester: { reference: 'Practitioner/p' }, encounter: { reference: 'Encounter/e' } }),
        // It came with others. The first base has another Observation of this id.
        { ...observation(1), status: 'entered-in-error' },
      ],
      `${second}/pages/2`,
    ),
    [`${second}/pages/2`]: pageOf([medication('m-2', {})], `${base}/pages/3`),
    [`${second}/Practitioner/p`]: fhir({ resourceType: 'Practitioner', id: 'p' }),
    [`${second}/DocumentReference`]: pageOf([
      { resourceType: 'DocumentReference', id: 'd', subject, content: [{ attachment: document }] },
    ]),
    [`${second}/Binary/1`]: pdf,
    [`${base}/Binary/1`]: { status: 500 },
  });
  const types = ['Patient', 'Observation', 'MedicationRequest', 'DocumentReference', 'Practitioner', 'Encounter'];
  const run = async (document: object, profile: WorldOptions['profile'] = { furtherBases }) => {
    const made = await runToEnd(
      ({ base }) => {
        const answers = all(base, document);
        return ({ url }) => answers[url.replace(/\?.*/, '')] ?? { status: 404 };
      },
      { types, profile: { everything: false, ...profile } },
    );
    return { ...made, asked: made.world.asked.map(({ url }) => url.replace(/\?.*/, '')) };
  };

  it('is read at the base of each type, page by page, with what it refers to and the attachments', async () => {
    const made = await run({ url: 'Binary/1' });

    expect(made.ids).toEqual(
      ['member-1', 'o-1', 'm-1', 'm-2', 'd', 'p'].toSorted((a, b) => made.ids.indexOf(a) - made.ids.indexOf(b)),
    );
    expect(made.attachments.get('attachment-1')?.bytes).toEqual(Buffer.from('a note'));
    const elsewhere = "one is on another server, or on the payer's own by a name that its operator has not configured";
    expect(made.errors.toSorted()).toEqual([
      "A resource of type Observation came from another of the payer's servers than the one that has the type, and is left out.",
      `Not every Encounter that the record refers to was read: ${elsewhere}.`,
      `Not every Practitioner that the record refers to was read: ${elsewhere}.`,
      'Page 2 of MedicationRequest links to another server, which is not read. Resources may be missing.',
      'The payer refused Encounter with status 404.',
    ]);
    expect(made.outcomes['Observation']).toBe('complete 1');
    expect(made.lines.join()).toContain(`"reference":"${facade}/Practitioner/p"`);
    expect(made.asked.filter((url) => url.endsWith('/Practitioner/q') || url.endsWith('/Encounter/e'))).toEqual([]);
  });

  it.each([
    ['counts it', 5],
    ['does not', 3],
    ['says no total', undefined],
  ])(
    'is complete though $everything of the first has a resource of a type of the other, and its total %s',
    async (_, total) => {
      const made = await runToEnd(
        ({ base }) =>
          ({ url }) => {
            if (url === `${base}/Patient/member-1/$everything`)
              return pageOf(
                [memberPatient, observation(1), observation(2), medication('m-1', {}), medication('m-0', {})],
                undefined,
                { total },
              );
            if (url.startsWith(`${second}/MedicationRequest?`))
              return pageOf([medication('m-1', { status: 'active' })]);
            return url.includes('?') ? pageOf([]) : { status: 404 };
          },
        { profile: { furtherBases } },
      );

      expect(made.outcomes).toMatchObject({
        Patient: 'complete 1',
        Observation: 'complete 2',
        MedicationRequest: 'complete 1',
      });
      expect(made.lines.find((line) => line.includes('"m-1"'))).toContain('"status":"active"');
      expect(made.errors).toEqual([
        "A resource of type MedicationRequest came from another of the payer's servers than the one that has the type, and is left out.",
      ]);
    },
  );

  it.each<[string, Sent, number]>([
    ['asks to wait for longer than a leg', { status: 429, headers: { 'retry-after': '30' } }, 3],
    ['answers late', { headers: { 'content-type': 'application/fhir+json' }, body: '{}' }, 1],
  ])('is read though the first one is slow to say what it declares, and the other %s', async (_, answer, times) => {
    const metadata: string[] = [];
    const world = exportWorld({ statement: 'fromScript', types, profile: { everything: false, furtherBases } });
    world.answerWith(async ({ url }) => {
      if (!url.endsWith('/metadata')) return all(world.base, {})[url.replace(/\?.*/, '')] ?? { status: 404 };
      metadata.push(url);
      await world.durable.sleep(21_000);
      return url.startsWith(second) ? answer : statementOf({ Patient: ['_id'], Observation: ['patient'] });
    });
    await world.run();

    expect(metadata).toEqual([`${world.base}/metadata`, ...Array(times).fill(`${second}/metadata`)]);
    expect((await endOf(world)).ids).toContain('m-1');
  });

  it.each([
    ['the one', false],
    ['the one that has nothing yet, and says so with 404, and', true],
  ])('has the time of %s whose clock is behind: the next _since would miss changes there', async (_, isEmpty) => {
    const world = exportWorld({ types, profile: { everything: false, furtherBases } });
    world.answerWith(({ url }) => {
      const isSecond = url.startsWith(second);
      const found = isEmpty && isSecond ? undefined : all(world.base, {})[url.replace(/\?.*/, '')];
      const sent = found ?? { status: 404 };
      const hour = isSecond ? '09' : '10';
      return { ...sent, headers: { ...sent.headers, date: `Thu, 01 Jan 2026 ${hour}:00:00 GMT` } };
    });
    await world.run();

    expect((await endOf(world)).manifest.transactionTime).toBe('2026-01-01T09:00:00.000Z');
  });

  it('without the field is read at the first only, and each type says so', async () => {
    const made = await run({ url: 'Binary/1' }, {});

    expect(made.ids).toEqual(['member-1', 'o-1']);
    expect(made.complete).toBe(false);
    expect(made.outcomes).toMatchObject({
      MedicationRequest: 'refusedByPayer 0',
      DocumentReference: 'refusedByPayer 0',
    });
    expect(made.asked.filter((url) => url.startsWith(second))).toEqual([]);
  });

  it('leaves an attachment that did not come at the base that has it', async () => {
    const made = await run({ url: 'Binary/2' });

    expect(made.lines.find((line) => line.includes('"d"'))).toContain(`"url":"${second}/Binary/2"`);
  });
});

describe('a payer whose pages', () => {
  it('loop is read once around, and the record is partial', async () => {
    const made = await runWith({}, ({ path }, { base }) =>
      path.includes('page=2')
        ? pageOf([observation(2)], `${base}/Patient/member-1/$everything`)
        : pageOf([memberPatient, observation(1)], `${base}?page=2`),
    );

    expect(made.status).toBe('partial');
    expect(made.ids).toEqual(['member-1', 'o-1', 'o-2']);
    expect(made.errors).toEqual([
      'Page 2 of $everything links to a page that was read already, so reading stopped there.',
    ]);
  });

  it.each([
    ['are all if they are as many as the payer named', { total: 4 }, []],
    [
      'may have skipped others if the payer named no total',
      {},
      [
        'Pages up to page 3 of $everything repeat resources, and no total says how many there are. Others may have been skipped.',
      ],
    ],
  ])('repeat under a new address what came before give each resource once, and %s', async (_, total, errors) => {
    const made = await runWith({}, ({ path }, { base }) => {
      if (path.includes('page=3')) return pageOf([observation(2), observation(3)], undefined, total);
      if (path.includes('page=2')) return pageOf([memberPatient, observation(1), observation(2)], `${base}?page=3`);
      return pageOf([memberPatient, observation(1)], `${base}?page=2`);
    });

    expect(made).toMatchObject({ complete: errors.length === 0, ids: ['member-1', 'o-1', 'o-2', 'o-3'], errors });
  });

  it('never end, and have nothing new, are given up after a thousand', async () => {
    let page = 2;
    const made = await runToEnd(
      afterFirst(() => {
        page += 1;
        return pageOf([observation(1)], `https://fhir.northwind.example/r4?page=${page}`);
      }),
      { profile: { fhirBaseUrl: 'https://fhir.northwind.example/r4' } },
    );

    expect(made.status).toBe('partial');
    expect(made.world.asked).toHaveLength(1003);
    expect(made.errors).toEqual([
      'Many pages up to page 1002 of $everything had nothing new, so reading stopped there. Resources may be missing.',
    ]);
  });

  it.each([
    ['another server', 'https://elsewhere.example/r4?page=2', 'another server'],
    ['a path above the base', '/admin?page=2', "a path outside the payer's FHIR base"],
    ['no URL', 'http://[', 'something that is not a URL'],
    ["another patient's record", 'Observation?patient=somebody', 'a request that is not plainly about this member'],
  ])('link to %s are not followed, and the reason is true', async (_, link, what) => {
    const made = await runWith({}, (_asked, { base }) => pageOf([memberPatient], link.replace(/^Obs/, `${base}/Obs`)));

    expect(made.status).toBe('partial');
    expect(made.world.asked).toHaveLength(1);
    expect(made.errors).toEqual([
      `Page 1 of $everything links to ${what}, which is not read. Resources may be missing.`,
    ]);
  });

  it.each([
    [
      'are in another charset',
      { ...pageOf([observation(2)]), headers: { 'content-type': 'application/fhir+json; charset=ISO-8859-1' } },
      'the answer is not in UTF-8',
    ],
    ['end in HTML', { headers: { 'content-type': 'text/html' }, body: '<html>' }, 'the answer is not valid JSON'],
    [
      'break off',
      { ...pageOf([observation(2)]), body: '{"resourceType":"Bundle","entry":[' },
      'the answer ended early',
    ],
    ['are no Bundle', fhir({ resourceType: 'Parameters' }), 'the answer is not a Bundle'],
    [
      'have no list of entries',
      fhir({ resourceType: 'Bundle', entry: { resource: observation(2) } }),
      'its entries are not a list',
    ],
    ['answer 500', { status: 500 }, 'the payer answered with status 500'],
    [
      'redirect',
      { status: 302, headers: { location: 'https://elsewhere.example' } },
      'the payer answered with status 302',
    ],
  ])('%s are tried five times, and then reported by their number', async (_, sent, why) => {
    const made = await runToEnd(afterFirst(() => sent));

    expect(made.status).toBe('partial');
    expect(made.world.asked).toHaveLength(6);
    expect(made.ids).toEqual(['member-1', 'o-1']);
    expect(made.errors).toEqual([`Page 2 of $everything could not be read: ${why}. Resources may be missing.`]);
    expect(made.outcomes).toMatchObject({ Patient: 'incomplete 1', Observation: 'incomplete 1' });
    expect(Object.values(made.outcomes).every((outcome) => outcome.startsWith('incomplete'))).toBe(true);
  });

  it('fail at first are read all the same', async () => {
    let tries = 0;
    const made = await runToEnd(
      afterFirst(() => {
        tries += 1;
        if (tries === 1) throw Object.assign(new Error('late'), { name: 'TimeoutError' });
        if (tries === 2) return { ...pageOf([observation(2), observation(3)]), cut: true };
        return tries < 5 ? { status: 503 } : pageOf([observation(2), observation(3)]);
      }),
    );

    expect(made).toMatchObject({ status: 'completed', ids: ['member-1', 'o-1', 'o-2', 'o-3'], errors: [] });
  });

  it.each([
    ['in capital letters', { relation: 'Next', url: '' }],
    ['as the whole URL of the relation', { relation: 'http://www.iana.org/assignments/relation/next', url: '' }],
    ['beside another relation in one text', { relation: 'self next', url: '' }],
    ['outside a list', { relation: 'next', url: '' }],
  ])('name the next one %s are read to the end', async (what, link) => {
    const made = await runWith({}, ({ path }, { base }) => {
      if (path.includes('page=2')) return pageOf([observation(2)]);
      const next = { ...link, url: `${base}?page=2` };
      return pageOf([memberPatient], undefined, { link: what === 'outside a list' ? next : [next] });
    });

    expect(made).toMatchObject({ status: 'completed', ids: ['member-1', 'o-2'], errors: [] });
  });

  it.each([
    ['an empty URL', { relation: 'next', url: '' }],
    ['no URL', { relation: 'next' }],
    ['a URL that is no text', { relation: 'next', url: null }],
  ])('have a next one with %s are not said to be all', async (_, link) => {
    const made = await runWith({}, () => pageOf([memberPatient], undefined, { link: [link] }));

    expect(made.status).toBe('partial');
    expect(made.errors).toEqual([
      'Page 1 of $everything has a next link without a URL, so reading stopped there. Resources may be missing.',
    ]);
  });

  it.each([
    ['are all if they are as many as the payer named beforehand', 2, [3, 3], []],
    ['may not be all if they are as many as their page', 1, [2], [1]],
    ['may not be all if the payer counts on with each page', 2, [2, 3], [2]],
  ])('have a next one that cannot be read %s', async (_, last, totals, errors) => {
    const strange = [
      [
        'has a next link without a URL, so reading stopped there. Resources may be missing.',
        () => ({ relation: 'next' }),
      ],
      [
        'links to a page that was read already, so reading stopped there.',
        (url: string) => ({ relation: 'next', url }),
      ],
      ['has links that cannot be read. Resources may be missing.', () => 7],
    ] as const;
    const entries = [[memberPatient, observation(1)], [observation(2)]];
    const run = (link: (own: string) => unknown) =>
      runWith({}, ({ path }, { base }) => {
        const at = path.includes('page=2') ? 1 : 0;
        const end = at + 1 === last ? { link: [link(base + path)] } : {};
        return pageOf(entries[at]!, at + 1 === last ? undefined : `${base}?page=2`, { total: totals[at], ...end });
      });
    const made = await Promise.all(strange.map(([, link]) => run(link)));

    expect(made.map(({ complete }) => complete)).toEqual(strange.map(() => errors.length === 0));
    expect(made.flatMap((one) => one.errors)).toEqual(
      errors.flatMap((page) => strange.map(([what]) => `Page ${page} of $everything ${what}`)),
    );
  });

  it('are empty are read on, as long as there is a next one', async () => {
    const made = await runWith({}, ({ path }, { base }) => {
      const page = Number(/page=(\d+)/.exec(path)?.[1] ?? 1);
      if (page === 5) return pageOf([memberPatient]);
      return fhir({ resourceType: 'Bundle', link: [{ relation: 'next', url: `${base}?page=${page + 1}` }] });
    });

    expect(made).toMatchObject({ status: 'completed', ids: ['member-1'], errors: [] });
  });

  it('write their total as a text are counted all the same', async () => {
    const made = await runWith({}, () => pageOf([memberPatient], undefined, { total: '2' }));

    expect(made.status).toBe('partial');
    expect(made.errors).toEqual(['The payer named 2 resources of $everything, and 1 came.']);
  });

  it.each([
    ['are all if each has something new', [memberPatient, observation(2)], []],
    [
      'may have skipped others if one has nothing else',
      [memberPatient],
      [
        'Pages up to page 2 of $everything repeat resources, and no total says how many there are. Others may have been skipped.',
      ],
    ],
  ])("each begin with the member's Patient, and %s", async (_, second, errors) => {
    const made = await runWith({}, ({ path }, { base }) =>
      path.includes('page=2') ? pageOf(second) : pageOf([memberPatient, observation(1)], `${base}?page=2`),
    );

    expect(made).toMatchObject({ complete: errors.length === 0, errors });
  });

  it('name their total on a later page only are counted by that', async () => {
    const made = await runWith({}, ({ path }, { base }) => {
      if (path.includes('page=3')) return pageOf([observation(3)]);
      if (path.includes('page=2')) return pageOf([observation(2)], `${base}?page=3`, { total: 4 });
      return pageOf([memberPatient], `${base}?page=2`);
    });

    expect(made.status).toBe('partial');
    expect(made.errors).toEqual(['The payer named 4 resources of $everything, and 3 came.']);
  });

  it('name totals that mean nothing may be all, if the profile says so', async () => {
    const total = 9;
    const alone = await runWith({ profile: { wholeRecord: { totals: 'meaningless' } } }, () =>
      pageOf([memberPatient], undefined, { total }),
    );
    expect(alone).toMatchObject({ status: 'completed', errors: [] });
  });

  it.each([
    ['security', 'REDACTED', 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', 'partial'],
    ['tag', 'SUBSETTED', 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', 'partial'],
    ['tag', 'SUBSETTED', 'http://hl7.org/fhir/v3/ObservationValue', 'partial'],
    ['security', 'MASKED', 'urn:oid:2.16.840.1.113883.5.1063', 'partial'],
    ['security', 'R', 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', 'completed'],
    ['security', 'REDACTED', 'http://payer.example/labels', 'completed'],
  ])('have a label in %s with the code %s of %s: the record is %s', async (member, code, system, status) => {
    const meta = { [member]: [{ system, code }] };
    const made = await runWith({}, () => pageOf([memberPatient], undefined, { meta }));
    const ofOne = await runWith({}, () => pageOf([memberPatient, observation(1, { meta })]));

    expect([made.status, ofOne.status]).toEqual([status, status]);
    const expected = [
      ["Page 1 of $everything has the payer's label that something was withheld. Resources may be missing."],
      ["Observation/o-1 has the payer's label that something was withheld from it."],
    ];
    expect([made.errors, ofOne.errors]).toEqual(status === 'completed' ? [[], []] : expected);
    expect(ofOne.outcomes).toMatchObject({ Patient: 'complete 1' });
  });

  it.each([
    ['on one page', 1],
    ['on two', 2],
  ])('have two resources of one id %s: if they differ in more than their meta, it is named', async (_, pages) => {
    /** A payer that spells some characters as escapes. */
    const escaped = (sent: Sent): Sent => ({
      ...sent,
      body: sent
        .body!.replaceAll('(plus)', '\\u002B')
        .replaceAll('(slash)', '\\/')
        .replaceAll('(smile)', '\\ud83D\\uDE00'),
    });
    const twins = (one: object, other: object) =>
      runWith({}, ({ path }, { base }) => {
        const [first, second] = [observation(1, one), observation(1, other)];
        if (path.includes('page=2')) return escaped(pageOf([second], undefined, { total: 2 }));
        return pages === 1
          ? escaped(pageOf([memberPatient, first, second, second]))
          : pageOf([memberPatient, first], `${base}?page=2`, { total: 2 });
      });
    const differing = await twins({ valueString: 'one' }, { valueString: 'two' });
    const versions = await twins(
      { meta: { versionId: '1' }, valueString: 'é' },
      { meta: { versionId: '2' }, valueString: 'é' },
    );

    expect(differing).toMatchObject({ complete: false, outcomes: { Observation: 'incomplete 1' } });
    expect(differing.errors).toEqual([
      `Observation/o-1 on page ${pages} came before with other content. Only the first is in this export.`,
    ]);
    const spelled = await twins(
      { meta: { versionId: '1' }, valueString: 'a+b/é😀"' },
      { meta: { lastUpdated: '2025-01-01T00:00:00(plus)01:00' }, valueString: 'a(plus)b(slash)é(smile)"' },
    );
    const metaless = await twins({ meta: { source: 'urn:(slash)' }, valueString: 'é' }, { valueString: 'é' });
    const [low, high] = [
      { value: 1, unit: 'g' },
      { unit: 'g', value: 2 },
    ];
    const ordered = await twins(
      { meta: { versionId: '1' }, referenceRange: [{ low, high }], status: 'final' },
      { status: 'final', referenceRange: [{ high: { value: 2, unit: 'g' }, low }], meta: { versionId: '2' } },
    );
    const swapped = await twins({ referenceRange: [{ low, high }] }, { referenceRange: [{ low: high, high: low }] });
    const listed = await twins({ referenceRange: [{ low }, { high }] }, { referenceRange: [{ high }, { low }] });

    for (const other of [swapped, listed]) expect(other.errors).toEqual(differing.errors);
    for (const same of [versions, spelled, metaless, ordered])
      expect(same).toMatchObject({ complete: true, errors: [], outcomes: { Observation: 'complete 1' } });
  });

  it.each([
    ['error', 'not-supported'],
    ['fatal', 'processing'],
    ['warning', 'incomplete'],
    ['information', 'timeout'],
    ['warning', 'suppressed'],
  ])('have a remark of severity %s and code %s are not said to be all', async (severity, code) => {
    const remark = { resourceType: 'OperationOutcome', issue: [{ severity, code, diagnostics: 'a secret' }] };
    const made = await runWith({ types: ['Patient', 'Observation'] }, () => pageOf([memberPatient, remark]));

    expect(made.status).toBe('partial');
    expect(made.outcomes).toMatchObject({ Patient: 'incomplete 1', Observation: 'incomplete 0' });
    expect(made.errors).toEqual(
      // The payer gives the same answer to the search for Observation.
      ['$everything', 'Observation'].map(
        (what) => `The payer put a remark on page 1 of ${what}: ${severity}, ${code}. Resources may be missing.`,
      ),
    );
  });

  // In $everything, no parameter has the patient.
  it.each([
    ['warning', 'not-supported'],
    ['information', 'informational'],
  ])('have a remark of severity %s and code %s may be all', async (severity, code) => {
    const remark = { resourceType: 'OperationOutcome', issue: [{ severity, code }] };
    const made = await runWith({}, () => pageOf([memberPatient, remark]));

    expect(made.status).toBe('completed');
    expect(made.errors).toEqual([`The payer put a remark on page 1 of $everything: ${severity}, ${code}.`]);
  });

  it('name fewer resources at the end than at first make the record partial', async () => {
    const made = await runWith({}, ({ path }, { base }) =>
      path.includes('page=2')
        ? pageOf([observation(2)], undefined, { total: 3 })
        : pageOf([memberPatient, observation(1)], `${base}?page=2`, { total: 4 }),
    );

    expect(made.status).toBe('partial');
    expect(made.errors).toEqual([
      'The payer named 4 resources of $everything at first, and 3 came: they changed while they were read.',
    ]);
  });
});

describe('a resource', () => {
  it('of another patient is left out and reported, without a name', async () => {
    const made = await runWith({}, () =>
      pageOf([
        memberPatient,
        { resourceType: 'Patient', id: 'somebody' },
        { resourceType: 'Patient' },
        observation('theirs', { subject: { reference: 'Patient/somebody' } }),
      ]),
    );

    expect(made.ids).toEqual(['member-1']);
    expect(made.errors).toEqual([
      'A resource of type Patient on page 1 is left out: it is about another patient.',
      'A resource of type Patient on page 1 is left out: it has no id that says whose it is.',
      'A resource of type Observation on page 1 is left out: it is about another patient.',
    ]);
    expect(JSON.stringify(made.manifest)).not.toContain('somebody');
  });

  it('without an id is given, once', async () => {
    const { id: _, ...nameless } = observation(1);
    const made = await runWith({}, () => pageOf([memberPatient, nameless, nameless]));

    expect(made.status).toBe('completed');
    expect(made.lines.filter((line) => line.includes('Observation'))).toHaveLength(1);
  });

  it('that is too large, or has a line break in a string, is left out and reported; the others are given', async () => {
    const made = await runWith({}, () => {
      const page = pageOf([memberPatient, observation('large', { text: tooLarge }), observation(2)]);
      return {
        ...page,
        body: page.body!.replace('"entry":[', '"entry":[{"resource":{"resourceType":"Basic","id":"b","x":"a\nb"}},'),
      };
    });

    expect(made.status).toBe('partial');
    expect(made.ids).toEqual(['member-1', 'o-2']);
    expect(made.errors).toEqual([
      'Basic/b on page 1 is left out: it is not valid JSON.',
      'Observation/o-large on page 1 is left out: it is larger than 10 MB, where clients stop reading a line.',
    ]);
  });

  it('that is left out is named once, however often it comes: on two pages, on a page that breaks off, and by reference', async () => {
    const large = { resourceType: 'Practitioner', id: 'large', text: tooLarge };
    let tries = 0;
    const made = await runWith({}, ({ path }, { base }) => {
      if (path.startsWith('/Practitioner/')) return fhir(large);
      if (!path.includes('page=2')) {
        return pageOf(
          [memberPatient, observation(1, { performer: [{ reference: 'Practitioner/large' }] }), large],
          `${base}?page=2`,
        );
      }
      tries += 1;
      const page = pageOf([large, { ...large, id: 'other' }, observation(2)]);
      return tries === 1 ? { ...page, cut: true, body: page.body!.slice(0, -20) } : page;
    });

    expect(made).toMatchObject({ status: 'partial', ids: ['member-1', 'o-1', 'o-2'] });
    const why = 'is left out: it is larger than 10 MB, where clients stop reading a line.';
    expect(made.errors).toEqual([`Practitioner/large on page 1 ${why}`, `Practitioner/other on page 2 ${why}`]);
    expect(made.world.asked.map(({ path }) => path)).not.toContain('/Practitioner/large');
  });

  it('with an attachment on another server is named although its page broke off after it', async () => {
    let tries = 0;
    const document = {
      resourceType: 'DocumentReference',
      id: 'd-1',
      content: [{ attachment: { url: 'https://files.example/1' } }],
    };
    const made = await runWith({}, () => {
      tries += 1;
      const page = pageOf([memberPatient, document, observation(1)]);
      return tries === 1 ? { ...page, cut: true, body: page.body!.slice(0, -20) } : page;
    });

    expect(made.ids.toSorted()).toEqual(['d-1', 'member-1', 'o-1']);
    expect(made.errors).toEqual([
      'DocumentReference/d-1 has an attachment that the gateway does not serve. Do not send your access token to its URL.',
    ]);
  });

  it.each<[string, object, object, string, readonly string[], boolean]>([
    ['is by a header only', {}, { link: '<NEXT>; title="a, b"; rel="prev next"' }, 'complete 2', [], true],
    [
      'is in a header after a parameter without a value, and one that looks like another',
      {},
      { link: String.raw`</docs>; rel=help;, <NEXT>; crossorigin; title="\"; rel=x"; REL=Next` },
      'complete 2',
      [],
      true,
    ],
    [
      'is in a header, and has no URL beside it',
      { link: [{ relation: 'next' }] },
      { link: '<NEXT>; rel=next' },
      'complete 2',
      [],
      true,
    ],
    ...[
      'NEXT; rel=next',
      '<NEXT; rel=next',
      '<NEXT>; rel=next; anchor="https://elsewhere.example"',
      `<NEXT>${'x'.repeat(20_000)}`,
    ].map((link): [string, object, object, string, readonly string[], boolean] => [
      `is in a header that cannot be read, ${link.slice(0, 20)}`,
      {},
      { link },
      'incomplete 1',
      ['Page 1 of Observation has links that cannot be read. Resources may be missing.'],
      false,
    ]),
    [
      'is nowhere, and the license of something else is in a header',
      {},
      { link: '</license>; rel="license"; anchor="https://elsewhere.example"' },
      'complete 1',
      [],
      false,
    ],
    ['is in the title of another only', {}, { link: '<NEXT>; title="; rel=next"; rel=help' }, 'complete 1', [], false],
    ['is no list', { link: { rel: 'next', href: 'NEXT' } }, {}, 'complete 2', [], true],
    ...[undefined, 2].map((total): [string, object, object, string, readonly string[], boolean] => [
      `is another in a header, with a total of ${total}`,
      { link: { next: 'NEXT' }, total },
      { link: '<NEXT&x=1>; rel=next' },
      total === 2 ? 'complete 2' : 'incomplete 2',
      total === 2
        ? []
        : ['Page 1 of Observation links to two different next pages, of which one was read. Resources may be missing.'],
      true,
    ]),
    [
      'cannot be read',
      { link: 'NEXT' },
      {},
      'incomplete 1',
      ['Page 1 of Observation has links that cannot be read. Resources may be missing.'],
      false,
    ],
    [
      'comes with a total that cannot be read',
      { link: { next: 'NEXT' }, total: 'some' },
      {},
      'incomplete 2',
      ['Page 2 of Observation has a total that cannot be read. Resources may be missing.'],
      true,
    ],
    [
      'leads to a 204',
      { link: { next: 'EMPTY' } },
      {},
      'incomplete 1',
      ['Page 2 of Observation could not be read: the payer answered with status 204. Resources may be missing.'],
      true,
    ],
  ])('whose link to the next %s is read on, or named', async (_, members, headers, outcome, errors, isAsked) => {
    const made = await runToEnd(
      ({ base }) => {
        const withUrls = (value: object): object =>
          JSON.parse(
            JSON.stringify(value)
              .replace('NEXT', `${base}/Observation?patient=member-1&page=2`)
              .replace('EMPTY', `${base}/Observation?patient=member-1&page=3`),
          ) as object;
        return ({ path }) => {
          if (path.startsWith('/Patient')) return pageOf([memberPatient]);
          if (path.includes('page=3')) return { status: 204 };
          if (path.includes('page=2')) return pageOf([observation(2)]);
          const page = pageOf([observation(1)], undefined, withUrls(members));
          return { ...page, headers: { ...page.headers, ...(withUrls(headers) as Record<string, string>) } };
        };
      },
      byType('Patient', 'Observation'),
    );

    expect(made.outcomes['Observation']).toBe(outcome);
    expect(made.errors).toEqual(errors);
    expect(made.world.asked.some(({ path }) => path.includes('page='))).toBe(isAsked);
  });

  it('with two links to a next page, of which the second follows the first, is read on to the end', async () => {
    const made = await runWith(byType('Patient', 'Observation'), ({ path }, { base }) => {
      const to = (page: number): string => `${base}/Observation?patient=member-1&page=${page}`;
      if (path.startsWith('/Patient')) return pageOf([memberPatient]);
      if (path.includes('page=3')) return pageOf([observation(3)]);
      if (path.includes('page=2')) return pageOf([observation(2)], to(3));
      const first = pageOf([observation(1)], to(2));
      return { ...first, headers: { ...first.headers, link: `<${to(3)}>; rel="next"` } };
    });

    expect(made).toMatchObject({ complete: true, errors: [], ids: ['member-1', 'o-1', 'o-2', 'o-3'] });
  });

  it('of another type, such as application/json+fhir, is asked for once, and the account says what its profile can name', async () => {
    const made = await runWith(
      byType('Patient', 'Observation', 'Goal', 'Condition', 'Procedure', 'Encounter'),
      ({ path }) => {
        const [, type = ''] = path.split(/[/?]/);
        const sent: Readonly<Record<string, string | undefined>> = {
          Observation: 'Application/JSON+FHIR; charset=utf-8',
          Goal: undefined,
          Condition: '"application/fhir+json"',
          Procedure: 'json',
          // A header that came twice (RFC 9110 §5.3).
          Encounter: 'application/fhir+json, application/fhir+json',
        };
        const declared = type in sent ? sent[type] : 'application/json';
        const headers: Record<string, string> = declared === undefined ? {} : { 'content-type': declared };
        return { ...pageOf(type === 'Patient' ? [memberPatient] : []), headers };
      },
    );
    const missing = 'could not be read: the answer declares no media type. Resources may be missing.';

    expect(made.errors).toEqual([
      "Page 1 of Observation could not be read: the answer has a media type that is not FHIR JSON, application/json+fhir; the payer's profile can name that, as quirks.fhirMediaType. Resources may be missing.",
      ...['Goal', 'Condition', 'Procedure'].map((type) => `Page 1 of ${type} ${missing}`),
    ]);
    expect(made.outcomes['Encounter']).toBe('complete 0');
    for (const type of ['Observation', 'Condition', 'Procedure'])
      expect(made.world.asked.filter(({ path }) => path.startsWith(`/${type}?`))).toHaveLength(1);
  });

  it('that comes twice, its meta apart, is no other, however numbers in its meta are spelled', async () => {
    const twice = (meta: string): string =>
      `{"resource":{"resourceType":"Observation","id":"o-1","meta":{"extension":[{"url":"a","valueDecimal":${meta}}]},"contained":[{"resourceType":"Basic","meta":{"x":1.0}}],"valueQuantity":{"value":1.0},"subject":{"reference":"Patient/member-1"}}}`;
    const made = await runWith({}, ({ path }) => ({
      ...pageOf([]),
      body: path.includes('$everything')
        ? `{"resourceType":"Bundle","entry":[{"resource":${JSON.stringify(memberPatient)}},${['1.0', '2.00', '3', '4e0'].map(twice).join(',')}]}`
        : '{"resourceType":"Bundle"}',
    }));

    expect(made).toMatchObject({ errors: [], complete: true, ids: ['member-1', 'o-1'] });
  });

  it('is about whom its page has under a URN, and may refer so to all on its page; what is on no page is named', async () => {
    const made = await runWith({}, () => {
      const practitioner = { resourceType: 'Practitioner', id: 'p' };
      const urns = (...names: string[]) => ({ performer: names.map((name) => ({ reference: `urn:uuid:${name}` })) });
      const entries: readonly [string, object][] = [
        ['m', memberPatient],
        ['x', { resourceType: 'Patient', id: 'other' }],
        ['twice', practitioner],
        ['twice', { ...practitioner, id: 'q' }],
        ['1', observation(1, { ...urns('p'), subject: { reference: 'urn:uuid:m' } })],
        ['2', observation(2, { subject: { reference: 'urn:uuid:x' } })],
        ['3', observation(3, { device: { reference: 'urn:uuid:none', type: 'Device' } })],
        ['4', observation(4, urns('twice'))],
        ['p', { ...practitioner, id: 'r' }],
      ];
      return fhir({
        resourceType: 'Bundle',
        type: 'searchset',
        entry: entries.map(([name, resource]) => ({ fullUrl: `urn:uuid:${name}`, resource })),
      });
    });

    expect(made.ids.toSorted()).toEqual(['member-1', 'o-1', 'o-3', 'o-4', 'p', 'q', 'r']);
    expect(made.outcomes).toMatchObject({ Device: 'incomplete 0', Practitioner: 'complete 3' });
    expect(made.complete).toBe(false);
    expect(made.errors.toSorted()).toEqual([
      'A resource of type Observation on page 1 is left out: it is about another patient.',
      'A resource of type Patient on page 1 is left out: it is about another patient.',
      'Not every Device that the record refers to was read: one reference is in a form that the gateway cannot request.',
      'Not every resource that the record refers to was read: one reference is in a form that the gateway cannot request.',
    ]);
  });

  const theirs = { resourceType: 'Claim', id: 'c', patient: { reference: 'Patient/other' } };
  const mine = { resourceType: 'Claim', id: 'c', patient: { reference: 'Patient/member-1' } };
  const olders = { resourceType: 'Claim', id: 'c', patient: { reference: 'Patient/older' } };
  const claim = { reference: 'Claim/c' };
  const hanging = [
    { resourceType: 'AuditEvent', id: 'h', entity: [{ what: claim }] },
    { resourceType: 'Communication', id: 'h', about: [claim] },
    { resourceType: 'DocumentReference', id: 'h', context: { related: [claim] } },
    { resourceType: 'PaymentReconciliation', id: 'h', detail: [{ request: claim }] },
    { resourceType: 'List', id: 'h', entry: [{ item: { reference: 'Observation/o-1' } }, { item: claim }] },
    { resourceType: 'Provenance', id: 'h', target: [claim] },
    { resourceType: 'Task', id: 'h', focus: claim },
    { resourceType: 'VerificationResult', id: 'h', target: [claim] },
  ];
  const merged = { ...memberPatient, link: [{ type: 'replaces', other: { reference: 'Patient/older' } }] };
  const another = 'it is about another patient';
  const unknown = 'it names no patient, and nothing shows that it is about this member';
  it.each<[string, readonly (object | 'h')[], object | undefined, string | undefined]>([
    ["comes before another patient's is left out", [memberPatient, 'h'], theirs, another],
    ["comes after another patient's is left out", [memberPatient, theirs, 'h'], theirs, another],
    ['comes before all else is left out', ['h', theirs, memberPatient], theirs, another],
    ["comes before the member's is given", [memberPatient, 'h'], mine, undefined],
    ['is about what the payer does not have is left out', [memberPatient, 'h'], undefined, unknown],
    ["is about the member's older id is given", [olders, 'h', merged], olders, undefined],
  ])('that names nobody, is about another resource, and %s', async (_, order, read, why) => {
    for (const one of hanging) {
      const made = await runWith({}, ({ path }) => {
        if (path === '/Claim/c') return read === undefined ? { status: 404 } : fhir(read);
        const page = [...order, observation(1)].map((given) => (given === 'h' ? one : given));
        return path.includes('$everything') ? pageOf(page) : pageOf([]);
      });

      // One that is about the member's as well is the member's, unless another patient's is among them.
      const isGiven = why === undefined || (why === unknown && one.resourceType === 'List');
      const isHere = made.lines.some((line) => line.includes('"id":"h"'));
      expect([one.resourceType, isHere]).toEqual([one.resourceType, isGiven]);
      // The Claim came by a reference only, so that its other Provenances may be missing.
      const isWhole = one.resourceType !== 'Provenance' || read !== mine;
      const given = isWhole ? 'complete 1' : 'incomplete 1';
      expect(made.outcomes[one.resourceType]).toBe(isGiven ? given : 'incomplete 0');
      const left = `A resource of type ${one.resourceType} on page 1 is left out: ${why}.`;
      expect(made.errors.includes(left)).toBe(!isGiven);
    }
  });

  it("that is about one of the member's other ids is given for twenty of them, however many copies of the Patient name more", async () => {
    const copy = (from: number) => ({
      ...memberPatient,
      link: Array.from({ length: 15 }, (_, at) => ({
        type: 'refer',
        other: { reference: `Patient/x${from + at}` },
      })),
    });
    const claims = [0, 14, 19, 20].map((at) => ({
      resourceType: 'Claim',
      id: `c${at}`,
      patient: { reference: `Patient/x${at}` },
    }));
    const made = await runWith({}, (request) =>
      pageOf(request.path.includes('$everything') ? [copy(0), copy(15), ...claims] : []),
    );

    expect(made.lines.flatMap((line) => /"Claim","id":"(\w+)"/.exec(line)?.[1] ?? [])).toEqual(['c0', 'c14', 'c19']);
    expect(made.errors).toContain('A resource of type Claim on page 1 is left out: it is about another patient.');
  });

  const aList = (id: string, ...names: readonly string[]) => ({
    resourceType: 'List',
    id,
    ...(names.length > 0 && { entry: names.map((reference) => ({ item: { reference } })) }),
  });
  const [their, my] = [observation('x', { subject: { reference: 'Patient/other' } }), observation(1)];
  it.each<[string, readonly object[], string]>([
    [
      'what hangs on what was left out',
      [aList('a', 'List/b'), aList('b', 'List/c'), aList('c', 'Observation/o-x')],
      '',
    ],
    ['the same, in another order', [aList('c', 'Observation/o-x'), aList('a', 'List/b'), aList('b', 'List/c')], ''],
    ['a circle of them', [aList('a', 'List/b'), aList('b', 'List/a', 'Observation/o-x')], ''],
    ['not a circle that is about the member', [aList('a', 'List/b'), aList('b', 'List/a', 'Observation/o-1')], 'a b'],
    [
      'not what has nothing to hang on',
      [aList('a'), aList('b', 'List/a'), aList('c', 'List/d'), aList('d', 'List/c')],
      'a b c d',
    ],
    ['a circle of which one was never given', [aList('a', 'List/b'), aList('b', 'List/a', 'Task/x')], ''],
  ])('that names nobody is left out with others: %s', async (_, lists, given) => {
    // Beside another patient's, nothing shows whose those are that refer to nothing.
    const page = given === 'a b c d' ? [memberPatient, ...lists, my] : [memberPatient, ...lists, their, my];
    const made = await runWith({}, ({ path }) =>
      path.includes('$everything') ? pageOf(page) : path.includes('?') ? pageOf([]) : { status: 404 },
    );

    expect(
      made.lines
        .flatMap((line) => /"List","id":"(\w)"/.exec(line)?.[1] ?? [])
        .toSorted()
        .join(' '),
    ).toBe(given);
    expect(made.outcomes['List']).toBe(given === '' ? 'incomplete 0' : `complete ${given.split(' ').length}`);
  });

  const ignored = {
    resourceType: 'OperationOutcome',
    issue: [{ severity: 'warning', code: 'not-supported', diagnostics: 'patient' }],
  };
  const listScope = (types: string): WorldOptions => ({
    ...byType('Patient', 'Observation', 'List'),
    scope: types
      .split(' ')
      .map((type) => `patient/${type}.rs`)
      .join(' '),
  });
  const all = 'Patient Observation List';
  it.each<[string, string | undefined, string, readonly object[], string, string?]>([
    [
      'has no patient',
      '/List',
      all,
      [aList('a', 'Observation/o-9'), aList('b', 'Observation/o-1'), aList('c')],
      'b',
      'x',
    ],
    [
      'has another',
      '/List?patient=other',
      all,
      [aList('a', 'Observation/o-9'), aList('b', 'Observation/o-1')],
      'b',
      'x',
    ],
    ['has its id as a count', '/List?_count=member-1', all, [aList('a')], '', 'x'],
    ['has the patient', '/List?_count=9&patient=member-1', all, [aList('a', 'Observation/o-9'), aList('c')], 'c', 'x'],
    ['has it as a subject', '/List?subject:Patient=Patient%2Fmember-1', all, [aList('c')], 'c'],
    ['is of its compartment', '/Patient/member-1/List', all, [aList('c')], 'c'],
    ['is no search of the type', '?_getpages=7', all, [aList('b', 'Observation/o-1'), aList('c')], 'b', 'x'],
    ['is not given', undefined, all, [aList('b', 'Observation/o-1'), aList('c')], 'b', 'x'],
    [
      'has the patient, of what is beyond the scope',
      '/List?patient=member-1',
      'Patient List',
      [aList('a', 'Observation/o-9')],
      '',
      'x',
    ],
    ['has the patient and another one', '/List?patient=member-1,other', all, [aList('c')], '', 'x'],
    ['has all patients but this one', '/List?subject:not=Patient/member-1', all, [aList('c')], '', 'x'],
    ['has none, of what is beyond the scope', '/List', 'Patient List', [aList('a', 'Observation/o-9')], '', 'x'],
    ['has no patient, and whose Lists are surely the member’s', '/List', all, [aList('b', 'Observation/o-1')], 'b'],
    ['is not given, of what is beyond the scope', undefined, 'Patient List', [aList('a', 'Observation/o-9')], '', 'x'],
    [
      'has the patient, with a remark that it is ignored',
      '/List?patient=member-1',
      all,
      [aList('c'), ignored],
      'c',
      'x',
    ],
    [
      'has the patient, of what has an identifier alone',
      '/List?patient=member-1',
      all,
      [{ ...aList('a'), entry: [{ item: { identifier: { value: '7' } } }] }],
      '',
      'x',
    ],
  ])('that names nobody, in a search whose own link %s', async (_, self, scope, lists, given, isLacking = '') => {
    const made = await runWith(listScope(scope), ({ path }, { base }) => {
      if (path.startsWith('/List?')) {
        const link = self === undefined ? [] : [{ relation: 'self', url: base + self }];
        return pageOf(lists, undefined, { link });
      }
      return path.startsWith('/Patient?')
        ? pageOf([memberPatient])
        : path.startsWith('/Observation?')
          ? pageOf([my])
          : path.includes('?')
            ? pageOf([])
            : { status: 404 };
    });

    expect(made.lines.flatMap((line) => /"List","id":"(\w)"/.exec(line)?.[1] ?? []).join(' ')).toBe(given);
    expect(made.outcomes['List']?.split(' ')[0]).toBe(isLacking === '' ? 'complete' : 'incomplete');
  });

  it.each([0, 1, 2])(
    'that names nobody, in a search for the member, is left out if what is missing is behind %d that were read',
    async (read) => {
      const chain = ['found', ...['h', 'i'].slice(0, read), 'secret'];
      const lists = chain.slice(0, -1).map((id, at) => aList(id, `List/${chain[at + 1]}`));
      const made = await runWith(listScope(all), ({ path }, { base }) => {
        const link = [{ relation: 'self', url: base + path }];
        if (path.startsWith('/List?')) return pageOf([lists[0]!], undefined, { link });
        if (path.startsWith('/Patient?')) return pageOf([memberPatient]);
        if (path.includes('?')) return pageOf([]);
        const found = lists.find(({ id }) => path === `/List/${id}`);
        return found === undefined ? { status: 403 } : fhir(found);
      });

      expect(made.ids).toEqual(['member-1']);
      expect(made.outcomes['List']).toBe('incomplete 0');
      expect(made.errors.filter((error) => error.endsWith(`is left out: ${unknown}.`))).toHaveLength(read + 1);
    },
  );

  const communication = (id: string, more: object = {}) => ({ resourceType: 'Communication', id, ...more });
  const ofOther = communication('named', { subject: { reference: 'Patient/other' } });
  const [ours, theirsUnnamed] = [
    communication('mine', { subject: { reference: 'Patient/member-1' } }),
    communication('unnamed'),
  ];
  const ofCommunications = 'patient/Patient.rs patient/Communication.rs';
  it.each([
    ['may not know, since its statement cannot be read,', { status: 404 }, true],
    ['declares', statementOf({ Patient: ['_id'], Communication: ['patient', 'recipient', 'sender'] }), false],
  ])(
    "that names nobody is no member's by a search for who sent or received it, though the payer copies the request into its self link: by a parameter that the payer %s",
    async (_, statement, isGuessed) => {
      for (const [found, isEchoed] of [
        [[theirsUnnamed], true],
        [[theirsUnnamed, ofOther], true],
        [[theirsUnnamed], false],
      ] as const) {
        const options = { statement, profile: { everything: false }, scope: ofCommunications };
        const made = await runWith(options, ({ path }, { base }) => {
          const link = isEchoed ? [{ relation: 'self', url: base + path }] : [];
          if (path.startsWith('/Patient?')) return pageOf([memberPatient]);
          if (!path.startsWith('/Communication?')) return { status: 404 };
          return pageOf(/\?(?:patient|subject)=/.test(path) ? [ours] : [ours, ...found], undefined, { link });
        });

        expect(made.ids).toEqual(['member-1', 'mine']);
        // A payer that does not know a parameter keeps nothing back.
        expect(made.outcomes['Communication']).toBe(isGuessed ? 'complete 1' : 'incomplete 1');
        expect(made.errors.join()).toContain(`A resource of type Communication on page 1 is left out: ${unknown}.`);
      }
    },
  );

  const inOrders = (...of: readonly object[]): readonly (readonly object[])[] => [of, of.toReversed()];
  const pagesOf = (base: string, path: string, pages: readonly (readonly object[])[]): Sent => {
    const at = Number(new URL(base + path).searchParams.get('page') ?? 0);
    const url = new URL(base + path);
    url.searchParams.set('page', String(at + 1));
    const self = { relation: 'self', url: base + path };
    const next = { relation: 'next', url: url.href };
    return pageOf(pages[at] ?? [], undefined, { link: at + 1 < pages.length ? [self, next] : [self] });
  };
  const bundle = {
    resourceType: 'Bundle',
    id: 'held',
    type: 'collection',
    entry: [{ resource: ofOther }],
  };
  const disproofs: readonly (readonly [string, readonly object[]])[] = [
    ["another patient's", [ofOther]],
    ["what hangs on another patient's", [{ ...communication('hung'), about: [{ reference: 'Claim/c' }] }]],
    ["a Bundle of another patient's", [bundle]],
    ["another patient's of a type that nobody asked for", [theirs]],
  ];
  it.each(disproofs)(
    'that names nobody is left out of an answer that also has %s, in whatever order and on whatever page',
    async (_, others) => {
      const searched = { ...byType('Patient', 'Communication'), scope: `${ofCommunications} patient/Claim.rs` };
      const isHung = others.some((one) => 'about' in one);
      const asked = { types: ['Patient', 'Communication', ...(isHung ? ['Claim'] : [])] };
      for (const options of [{}, asked, searched]) {
        for (const order of inOrders(ours, theirsUnnamed, ...others)) {
          for (const pages of [[order], order.map((one) => [one])]) {
            const made = await runWith(options, ({ path }, { base }) => {
              if (path === '/Claim/c') return fhir(theirs);
              if (path.startsWith('/Patient?')) return pageOf([memberPatient]);
              if (path.startsWith('/Communication?')) return pagesOf(base, path, pages);
              return path.includes('$everything') ? pagesOf(base, path, [[memberPatient], ...pages]) : { status: 404 };
            });

            expect(made.ids.filter((id) => id !== 'member-1')).toEqual(['mine']);
            expect(made.outcomes['Communication']).toBe('incomplete 1');
            expect(made.errors.filter((error) => error.endsWith(`is left out: ${unknown}.`))).toHaveLength(1);
          }
        }
      }
    },
  );

  it.each<[string, object]>([
    ['is marked as included', { ...observation('x', { subject: { reference: 'Patient/other' } }) }],
    ['names the member, too', communication('both', { subject: { reference: 'Patient/other' }, sender: mine.patient })],
  ])("that names nobody is given beside another patient's that %s, in a search", async (_, other) => {
    const made = await runWith(
      { ...byType('Patient', 'Communication'), scope: ofCommunications },
      ({ path }, { base }) => {
        if (path.startsWith('/Patient?')) return pageOf([memberPatient]);
        if (!path.startsWith('/Communication?')) return { status: 404 };
        const mode = (other as { readonly resourceType: string }).resourceType === 'Observation' ? 'include' : 'match';
        return fhir({
          resourceType: 'Bundle',
          link: [{ relation: 'self', url: base + path }],
          entry: [{ resource: ours }, { resource: theirsUnnamed }, { resource: other, search: { mode } }],
        });
      },
    );

    expect(made.ids).toEqual(['member-1', 'mine', 'unnamed']);
  });

  it.each([
    ['is given if that id turns out to be the member’s', merged, ['member-1', 'mine', 'named', 'unnamed']],
    ['is left out if it does not', memberPatient, ['member-1', 'mine']],
  ])(
    'that names nobody, in $everything with what is about another id and came before the member’s Patient, %s',
    async (_, patient, ids) => {
      const early = communication('named', { subject: { reference: 'Patient/older' } });
      const made = await runWith({}, ({ path }) => {
        if (path === '/Communication/named') return fhir(early);
        return path.includes('$everything') ? pageOf([theirsUnnamed, early, patient, ours]) : pageOf([]);
      });

      expect(made.ids.toSorted()).toEqual(ids);
    },
  );

  it('that names nobody is given if the record refers to it, and not if only what is left out does', async () => {
    const media = (id: string) => ({ resourceType: 'Media', id });
    const referring = observation(1, { derivedFrom: [{ reference: 'Media/1' }] });
    const made = await runWith(byType('Patient', 'Observation', 'List'), ({ path }) =>
      path.startsWith('/Media/')
        ? fhir(media(path.slice(7)))
        : path.startsWith('/Observation?')
          ? pageOf([referring])
          : path.startsWith('/List?')
            ? pageOf([
                aList('a', 'Media/4'),
                aList('b', 'Media/3', 'Observation/o-1'),
                aList('c', 'Media/2', 'Media/1'),
              ])
            : pageOf(path.startsWith('/Patient?') ? [memberPatient] : []),
    );

    expect(made.ids.toSorted()).toEqual(['1', '2', '3', 'b', 'c', 'member-1', 'o-1']);
    expect(made.outcomes).toMatchObject({ List: 'incomplete 2', Media: 'incomplete 3' });
  });

  it('that refers to something whose type nobody says makes the record incomplete, and no type', async () => {
    const made = await runWith({}, () =>
      pageOf([memberPatient, observation(1, { performer: [{ reference: 'urn:uuid:1' }] })]),
    );

    expect(made.outcomes).toEqual({ Patient: 'complete 1', Observation: 'complete 1' });
    expect(made).toMatchObject({ complete: false, status: 'partial' });
    expect(made.errors).toEqual([
      'Not every resource that the record refers to was read: one reference is in a form that the gateway cannot request.',
    ]);
  });
});

describe('a payer that', () => {
  it('refuses one type leaves the others whole', async () => {
    const made = await runWith(
      { profile: { everything: false, wholeRecord: { searches: ['Patient', 'Goal', 'Condition'] } } },
      ({ path }) =>
        path.startsWith('/Patient') ? pageOf([memberPatient]) : path.startsWith('/Goal') ? { status: 403 } : pageOf([]),
    );

    expect(made.status).toBe('partial');
    expect(made.outcomes).toEqual({ Patient: 'complete 1', Goal: 'refusedByPayer 0', Condition: 'complete 0' });
    expect(made.errors).toEqual(['The payer refused Goal with status 403.']);
  });

  const notFound = (...codes: readonly string[]): Sent => ({
    ...fhir({ resourceType: 'OperationOutcome', issue: codes.map((code) => ({ severity: 'error', code })) }),
    status: 404,
  });
  const has = (types: readonly string[]) => statementOf(Object.fromEntries(types.map((type) => [type, []])));

  it.each<[string, Sent, Sent, Sent, string, Sent?]>([
    ['means so', has(['Goal']), pageOf([memberPatient]), notFound('not-found'), 'complete 0'],
    ['may not have the type', has(['Condition']), pageOf([memberPatient]), notFound('not-found'), 'refusedByPayer 0'],
    ['may not know the member', has(['Goal']), notFound('not-found'), notFound('not-found'), 'notRead 0'],
    [
      'gives the Patient by its id',
      has(['Goal']),
      pageOf([]),
      notFound('not-found'),
      'complete 0',
      fhir(memberPatient),
    ],
    ['says that it cannot', has(['Goal']), pageOf([memberPatient]), notFound('not-supported'), 'refusedByPayer 0'],
    ['says more', has(['Goal']), pageOf([memberPatient]), notFound('not-found', 'processing'), 'refusedByPayer 0'],
    ['says nothing', has(['Goal']), pageOf([memberPatient]), { status: 404 }, 'refusedByPayer 0'],
    [
      'says two things, the second that it found nothing',
      has(['Goal']),
      pageOf([memberPatient]),
      { ...notFound(), body: `${notFound('security').body!.slice(0, -1)},"issue":[{"code":"not-found"}]}` },
      'refusedByPayer 0',
    ],
  ])('answers 404 for nothing found %s', async (_, statement, patient, goals, outcome, read = patient) => {
    const made = await runWith({ ...byType('Patient', 'Goal'), statement, types: ['Patient', 'Goal'] }, ({ path }) =>
      path.startsWith('/Patient/') ? read : path.startsWith('/Patient') ? patient : goals,
    );

    expect(made.outcomes['Goal']).toBe(outcome);
  });

  // As in an export with `_since`, or of a few types.
  it.each([
    ['404', notFound('not-found'), [], 'notRead 0'],
    [
      '404',
      notFound('not-found'),
      [{ resourceType: 'Condition', id: 'c', subject: { reference: 'Patient/member-1' } }],
      'complete 0',
    ],
    ['200', { ...notFound('not-found'), status: 200 }, [], 'complete 0'],
  ])('answers %s for nothing found, and is not asked for the Patient', async (_, goals, conditions, outcome) => {
    const made = await runWith(
      { ...byType('Condition', 'Goal'), statement: has(['Goal', 'Condition']), types: ['Goal', 'Condition'] },
      ({ path }) => (path.startsWith('/Goal') ? goals : pageOf(conditions)),
    );

    expect(made.outcomes).toMatchObject({ Goal: outcome });
    const said =
      "The payer answered a search of Goal with status 404, and gave nothing of the member's: it may have none of it, or not know the member.";
    expect(made.reasons['Goal']).toBe(outcome === 'complete 0' ? undefined : said);
  });

  const busy = { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'timeout' }] };
  const passing: Readonly<Record<string, Sent>> = {
    'an OperationOutcome that says so': fhir(busy),
    'a page of HTML': { headers: { 'content-type': 'text/html' }, body: '<!doctype html><title>Busy</title>' },
    nothing: { headers: { 'content-type': 'application/fhir+json' }, body: '' },
  };
  const places = ['/metadata', '/Patient?', '/Observation?', '/Practitioner/', '/Binary/'];
  it.each(Object.keys(passing).flatMap((what) => places.map((place) => [what, place])))(
    'answers 200 with %s once, in place of %s, is asked again',
    async (what, place) => {
      let isPassed = false;
      const documents = [{ ...memberPatient, photo: [{ url: 'Binary/1', contentType: 'image/png' }] }];
      const refers = { performer: [{ reference: 'Practitioner/p' }] };
      const made = await runWith(
        { profile: { everything: false }, statement: 'fromScript', types: ['Patient', 'Observation', 'Practitioner'] },
        ({ path }) => {
          const isNow = !isPassed && `${path}?`.startsWith(place);
          isPassed ||= isNow;
          if (isNow) return passing[what]!;
          if (path === '/metadata') return has(['Patient', 'Observation']);
          if (path.startsWith('/Binary')) return { headers: { 'content-type': 'image/png' }, body: 'a picture' };
          if (path.startsWith('/Practitioner')) return fhir({ resourceType: 'Practitioner', id: 'p' });
          return pageOf(path.startsWith('/Patient') ? documents : [observation(1, refers)]);
        },
      );

      expect(made).toMatchObject({ complete: true, errors: [] });
      expect(made.ids.toSorted()).toEqual(['member-1', 'o-1', 'p']);
      expect(made.attachments.size).toBe(1);
      const asked = made.world.asked.filter(({ path }) => `${path}?`.startsWith(place));
      expect(asked).toHaveLength(2);
    },
  );

  it.each([
    ['metadata', 3, (path: string) => path === '/metadata'],
    ['a resource', 5, (path: string) => path.startsWith('/Practitioner')],
  ] as const)('answers so to %s for ever, is asked %i times, and the account says so', async (_, times, is) => {
    const refers = { performer: [{ reference: 'Practitioner/p' }] };
    const made = await runWith(
      { profile: { everything: false }, statement: 'fromScript', types: ['Patient', 'Observation', 'Practitioner'] },
      ({ path }) =>
        is(path)
          ? passing['an OperationOutcome that says so']!
          : path === '/metadata'
            ? has(['Patient', 'Observation'])
            : path.startsWith('/Practitioner')
              ? fhir({ resourceType: 'Practitioner', id: 'p' })
              : pageOf(path.startsWith('/Patient') ? [memberPatient] : [observation(1, refers)]),
    );

    expect(made.world.asked.filter(({ path }) => is(path))).toHaveLength(times);
    expect(made.errors).toEqual(
      times === 5
        ? [
            'The payer put a remark on page 1 of Practitioner: error, timeout. Resources may be missing.',
            'Practitioner/p, which the record refers to, could not be read: the payer answered with another resource.',
          ]
        : [],
    );
  });

  // https://hl7.org/fhir/R4/valueset-issue-severity.html and https://hl7.org/fhir/R4/valueset-issue-type.html
  it.each([
    ['says that it has none, with an error', [['error', 'not-found']], 'complete 0', 1],
    ['only informs', [['information', 'informational']], 'complete 0', 1],
    ['only warns', [['warning', 'processing']], 'complete 0', 1],
    ['withholds', [['information', 'suppressed']], 'refusedByPayer 0', 1],
    ['refuses', [['error', 'forbidden']], 'refusedByPayer 0', 1],
    [
      'says more',
      [
        ['error', 'not-found'],
        ['error', 'invalid'],
      ],
      'refusedByPayer 0',
      1,
    ],
    ['says nothing', [], 'refusedByPayer 0', 1],
    [
      'may answer later',
      [
        ['error', 'forbidden'],
        ['error', 'timeout'],
      ],
      'incomplete 0',
      5,
    ],
  ] as const)(
    'answers 200 with an OperationOutcome in place of a Bundle, and %s',
    async (_, issues, outcome, tries) => {
      let asked = 0;
      const issue = issues.map(([severity, code]) => ({ severity, code }));
      const made = await runWith(
        { ...byType('Patient', 'Goal'), statement: { status: 404 }, types: ['Patient', 'Goal'] },
        ({ path }) => {
          if (!path.startsWith('/Goal')) return pageOf([memberPatient]);
          asked += 1;
          return fhir({ resourceType: 'OperationOutcome', issue });
        },
      );

      expect(made.outcomes).toEqual({ Patient: 'complete 1', Goal: outcome });
      expect(asked).toBe(tries);
      const said = 'The payer answered a search of Goal with an OperationOutcome in place of a Bundle.';
      expect(made.errors.filter((error) => error === said)).toHaveLength(outcome.startsWith('refused') ? 1 : 0);
      if (tries === 5)
        expect(made.errors).toEqual([
          'Page 1 of Goal could not be read: the answer is not a Bundle. Resources may be missing.',
        ]);
    },
  );

  it('asks to wait for ever ends the record after the longest time, with nothing', async () => {
    const world = exportWorld({ payer: () => ({ status: 503, headers: { 'retry-after': '3600' } }) });
    const startedAt = world.durable.now();

    await world.run();

    expect(await world.item()).toMatchObject({ status: 'failed', resources: 0 });
    const { errors } = await world.record();
    expect(errors).toEqual([`$everything is not complete: ${tooLong}.`]);
    expect(world.durable.now() - startedAt).toBeGreaterThanOrEqual(47 * hourMs);
    expect(world.durable.now() - startedAt).toBeLessThan(48 * hourMs);
  });

  it.each([
    ['86400', 24],
    ['Sun, 29 Nov 2026 06:00:00 GMT', 30],
  ])('asks for a wait until %s is not asked before', async (retryAfter, hours) => {
    const askedAt: number[] = [];
    const world = exportWorld({ startMs: Date.parse('2026-11-28T00:00:00Z') });
    const startedAt = world.durable.now();
    world.answerWith(({ path }) => {
      askedAt.push(Math.round((world.durable.now() - startedAt) / hourMs));
      if (!path.includes('page=2')) return pageOf([memberPatient], `${world.base}?page=2`);
      return askedAt.length === 2 ? { status: 429, headers: { 'retry-after': retryAfter } } : pageOf([observation(1)]);
    });

    await world.run();

    expect(askedAt).toEqual([0, 0, hours]);
    expect(await world.item()).toMatchObject({ status: 'completed', resources: 2 });
  });

  it.each(['172801', '99999999999999999999', 'Fri, 31 Dec 9999 23:59:59 GMT'])(
    'asks for a wait until %s, beyond the export, ends the record at once with what there is',
    async (retryAfter) => {
      const startMs = Date.parse('2026-11-28T00:00:00Z');
      const made = await runToEnd(
        afterFirst(() => ({ status: 429, headers: { 'retry-after': retryAfter } })),
        { startMs },
      );

      expect(made).toMatchObject({ status: 'partial', ids: ['member-1', 'o-1'] });
      expect(made.errors).toEqual([`$everything is not complete: ${tooLong}.`]);
      expect(made.world.asked).toHaveLength(2);
      expect(made.world.durable.now() - startMs).toBeLessThan(hourMs);
    },
  );

  it('fails when there is no time for another try ends the record as one that took too long', async () => {
    const made = await runToEnd(
      afterFirst(() => ({ status: 500 })),
      { age: 2 * 86_400 - 20 },
    );

    expect(made.status).toBe('partial');
    expect(made.errors).toEqual(['$everything is not complete: the export took longer than it may.']);
    expect(made.world.asked).toHaveLength(4);
  });

  it('refuses every token for a page ends the search with what there is', async () => {
    const made = await runToEnd(afterFirst(() => ({ status: 401 })));

    expect(made.status).toBe('partial');
    expect(made.ids).toEqual(['member-1', 'o-1']);
    expect(made.errors).toEqual([
      'Page 2 of $everything could not be read: the payer answered with status 401. Resources may be missing.',
    ]);
    expect(new Set(made.world.asked.map(({ token }) => token)).size).toBe(3);
  });

  it.each([
    ['cannot be reached', Object.assign(new Error(), { code: 'ECONNREFUSED' }), 'the payer did not answer'],
    // What Node's parser and the payer's client throw.
    ['has too long headers', Object.assign(new Error(), { code: 'HPE_HEADER_OVERFLOW' }), unusable],
    ['has two lengths', Object.assign(new Error(), { code: 'HPE_UNEXPECTED_CONTENT_LENGTH' }), unusable],
    ['uses a content encoding that was not requested', new UnusableAnswer('CONTENT_ENCODING'), unusable],
  ])('%s is tried five times for each request, and the record ends with nothing', async (_, error, why) => {
    const made = exportWorld({
      payer: () => {
        throw error;
      },
      profile: { wholeRecord: { searches: ['Patient', 'Condition'] } },
    });

    await made.run();

    // One that answers at all is asked for the Patient by its id, too.
    const byId = why === unusable ? [`Patient/member-1 could not be read: ${why}.`] : [];
    expect(made.asked).toHaveLength(10 + 5 * byId.length);
    expect(await made.item()).toMatchObject({ status: 'failed', resources: 0 });
    expect((await made.record()).errors).toEqual([
      `Page 1 of Patient could not be read: ${why}. Resources may be missing.`,
      `Page 1 of Condition could not be read: ${why}. Resources may be missing.`,
      ...byId,
    ]);
  });
});
