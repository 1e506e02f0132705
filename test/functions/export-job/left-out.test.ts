import { bounds } from '../../../functions/export-job/reading/next-page.ts';
import { createProblemList } from '../../../functions/export-job/reading/problem-list.ts';
import { seenNames } from '../../../functions/export-job/reading/seen-names.ts';
import { createSeenSet } from '../../../functions/export-job/reading/seen.ts';
import type { RecordLeg } from '../../../functions/export-job/record/record-leg.ts';
import { takeResource } from '../../../functions/export-job/record/take-resource.ts';
import {
  fhir,
  memberPatient,
  observation,
  pageOf,
  statementOf,
  type PayerScript,
  type Sent,
  type WorldOptions,
} from '../../support/export-world.ts';
import { smallBuffers } from '../../support/small-buffers.ts';
import { byType, runToEnd } from './end-of.ts';
import { pageResource, split } from './reading/bundles.ts';

const run = (payer: PayerScript, options: WorldOptions = {}) => runToEnd(() => payer, options);

/** A payer that is searched by type, with one answer to the search for documents. */
const documents = (sent: Sent) =>
  run(
    ({ path }) =>
      path.startsWith('/DocumentReference') ? sent : pageOf(path.startsWith('/Patient?') ? [memberPatient] : []),
    byType('DocumentReference', 'Condition'),
  );

const sentAs = (entry: string): Sent => ({
  ...pageOf([]),
  body: `{"resourceType":"Bundle","type":"searchset","entry":[${entry}]}`,
});
const noDocument = { Patient: 'complete 1', DocumentReference: 'incomplete 0', Condition: 'complete 0' };

type Rules = Parameters<typeof takeResource>[0];
/** Takes resources of a search, as a leg does. */
const takerOf =
  (
    leg: RecordLeg,
    type: string,
    {
      match = () => undefined,
      isWanted = () => true,
    }: Partial<Pick<Rules, 'match'> & Pick<Rules['rules'], 'isWanted'>> = {},
  ) =>
  (resource: Readonly<Record<string, unknown>>): void =>
    takeResource(
      {
        leg,
        rules: { patient: 'member', bases: [], isWanted },
        source: { of: 'search', type, page: 1, mark: 2 },
        where: { page: 1 },
        matching: type,
        rewrite: () => [],
        came: 'referred',
        match,
        late: match,
        include: () => undefined,
        repeat: () => undefined,
        found: createProblemList(),
        beyond: new Set(),
      },
      pageResource(resource),
    );

/** More than the buffers of these tests take, which is a megabyte. Elsewhere it is ten. */
const data = `"content":[{"attachment":{"data":"${'QUJD'.repeat(275_000)}"}}]`;
const [typeMember, idMember] = ['"resourceType":"DocumentReference"', '"id":"d"'];

describe('a resource that is left out makes its type incomplete', () => {
  it.each([
    ['too large with its type first', [typeMember, idMember, data], 'DocumentReference/d on page 1'],
    ['too large with its type in the middle', [idMember, typeMember, data], 'DocumentReference/d on page 1'],
    ['too large with its type last', [data, idMember, typeMember], 'A resource on page 1 of DocumentReference'],
    ['too large with its id last', [typeMember, data, idMember], 'A resource of type DocumentReference on page 1'],
  ])('%s', async (_, members, what) => {
    const made = await documents(sentAs(`{"resource":{${members.join(',')}}}`));

    expect(made).toMatchObject({ status: 'partial', complete: false });
    expect(made.outcomes).toEqual(noDocument);
    expect(made.errors).toEqual([`${what} is left out: it is larger than 10 MB, where clients stop reading a line.`]);
  });

  const noResource = 'it is not a FHIR resource';
  const noEntry = 'has no resource';
  const twice = 'it has the same member twice, so that its meaning is not certain';
  it.each([
    ['without a type', `{"resource":{${idMember}}}`, noResource],
    ['that is no object', '{"resource":"d"}', noResource],
    ['that is null', '{"resource":null}', noResource],
    ['of which there is only the status', '{"fullUrl":"x","response":{"status":"403"}}', noEntry],
    ['of which there is nothing', '{}', noEntry],
    ['whose entry is null', 'null', noEntry],
    ['whose entry is a text', '"d"', noEntry],
    [
      'of a type that FHIR does not have',
      `{"resource":{"resourceType":"documentreference",${idMember}}}`,
      'its type is not one of FHIR R4',
    ],
    [
      'that cannot be parsed, of a type that FHIR does not have',
      `{"resource":{"resourceType":"Document",${idMember},"a":tru}}`,
      'it is not valid JSON',
    ],
    [
      'beside another in the same entry',
      `{"resource":{${typeMember},${idMember}},"resource":{${typeMember},"id":"e"}}`,
      twice,
    ],
    ['with two types', `{"resource":{"resourceType":"Condition",${idMember},${typeMember}}}`, twice],
  ])('%s', async (_, entry, why) => {
    const made = await documents(sentAs(entry));

    expect(made).toMatchObject({ status: 'partial', complete: false });
    expect(made.outcomes).toEqual(noDocument);
    const where = 'on page 1 of DocumentReference';
    expect(made.errors).toEqual([
      why === noEntry ? `An entry ${where} ${why}.` : `A resource ${where} is left out: ${why}.`,
    ]);
  });

  it.each([
    ['of 128 characters is named', 128, `DocumentReference/${'a'.repeat(128)}`],
    ['that is longer is not named', 129, 'A resource of type DocumentReference'],
  ])('with an id %s', async (_, length, what) => {
    const made = await documents(sentAs(`{"resource":{${typeMember},"id":"${'a'.repeat(length)}","a":tru}}`));

    expect(made.errors).toEqual([`${what} on page 1 is left out: it is not valid JSON.`]);
  });

  it('and every type, if $everything returned it and its type is not known', async () => {
    const made = await run(() => pageOf([memberPatient, { id: 'd' }]), { types: ['Patient', 'Observation'] });

    expect(made).toMatchObject({ status: 'partial', complete: false });
    expect(made.outcomes).toMatchObject({ Patient: 'incomplete 1', Observation: 'incomplete 0' });
    expect(made.errors).toEqual(
      // The payer gives the same answer to the search for Observation.
      ['$everything', 'Observation'].map(
        (what) => `A resource on page 1 of ${what} is left out: it is not a FHIR resource.`,
      ),
    );
  });
});

it('a resource of ten million bytes is given, and one of a byte more is too large', () => {
  const sized = (bytes: number): string => {
    const [head, tail] = ['{"resourceType":"Basic","id":"b","x":"', '"}'];
    return head + 'x'.repeat(bytes - head.length - tail.length) + tail;
  };
  const [given] = split(sized(10_000_000), { of: 'read' }).items;
  const [skipped] = split(sized(10_000_001), { of: 'read' }).items;

  expect([given?.skipped, skipped?.skipped]).toEqual([undefined, 'tooLarge']);
});

// Here a megabyte stands for ten.
describe('the bound of a line is one with its links rewritten, too:', () => {
  const facade = 'http://localhost:3000/r4/northwind';
  /** A resource whose line has this many bytes with the facade's links. */
  const sized = (bytes: number, base: string, more: object): object => {
    const resource = { ...observation(1), performer: [{ reference: `${base}/Practitioner/p` }], ...more };
    const length = JSON.stringify(resource).replaceAll(`"${base}/`, `"${facade}/`).length;
    return { ...resource, note: [{ text: 'x'.repeat(bytes - length - ',"note":[{"text":""}]'.length) }] };
  };
  it.each([
    ['one that just fits is given', 1_000_000, {}, 'http://p.example', 'complete 1'],
    [
      'one of a byte more is left out, though it was shorter at the payer',
      1_000_001,
      {},
      'http://p.example',
      'incomplete 0',
    ],
    [
      'one that was longer at the payer is left out, too',
      1_000_000,
      {},
      `https://${'p'.repeat(60)}.example/r4`,
      'incomplete 0',
    ],
    [
      'one that the URL of an attachment could make longer is left out',
      999_950,
      { extension: [{ url: 'x', valueAttachment: { url: 'Binary/1' } }] },
      'http://p.example',
      'incomplete 0',
    ],
  ])('%s', async (_, bytes, more, base, outcome) => {
    const given = sized(bytes, base, more);
    const made = await run(
      ({ path }) => (path.startsWith('/Patient/') ? pageOf([memberPatient, given]) : { status: 404 }),
      { profile: { everything: true, fhirBaseUrl: base, fhirBaseUrlAliases: [] } },
    );

    expect(made.outcomes['Observation']).toBe(outcome);
    const left = 'Observation/o-1 on page 1 is left out: it is larger than 10 MB, where clients stop reading a line.';
    expect(made.errors.filter((error) => error.startsWith('Observation'))).toEqual(
      outcome.startsWith('complete') ? [] : [left],
    );
    expect(Math.max(...made.lines.map(({ length }) => length))).toBeLessThanOrEqual(1_000_000);
  });
});

describe('a resource that the record refers to', () => {
  const issue = [{ severity: 'error', code: 'not-found' }];
  it.each([
    ['an OperationOutcome', fhir({ resourceType: 'OperationOutcome', issue })],
    ['another resource', fhir({ resourceType: 'Practitioner', id: 'other' })],
    ['one of another type', fhir({ resourceType: 'Location', id: 'one' })],
    ['one without an id', fhir({ resourceType: 'Practitioner' })],
    ['a Bundle with it', pageOf([{ resourceType: 'Practitioner', id: 'one' }])],
    [
      'XML',
      { headers: { 'content-type': 'application/fhir+xml' } },
      'the answer has a media type that is not FHIR JSON',
    ],
  ])('is missing if the payer sends %s', async (_, sent, why = 'the payer answered with another resource') => {
    const made = await run(({ path }) =>
      path.startsWith('/Practitioner/')
        ? sent
        : pageOf([memberPatient, observation(1, { performer: [{ reference: 'Practitioner/one' }] })]),
    );

    const outcomes = { Practitioner: 'incomplete 0' };
    expect(made).toMatchObject({ status: 'partial', complete: false, ids: ['member-1', 'o-1'], outcomes });
    expect(made.errors).toContain(`Practitioner/one, which the record refers to, could not be read: ${why}.`);
  });

  it('is missing if its id cannot be asked for, and named once', async () => {
    const refers = { performer: [{ reference: 'Practitioner/a%2Fb' }, { reference: 'Practitioner/a%2Fb' }] };
    const made = await run(() => pageOf([memberPatient, observation(1, refers), observation(2, refers)]));

    expect(made).toMatchObject({ status: 'partial', complete: false, outcomes: { Practitioner: 'incomplete 0' } });
    expect(made.errors).toEqual([
      'Not every Practitioner that the record refers to was read: one reference is in a form that the gateway cannot request.',
    ]);
  });

  const shouted = (base: string): string => base.replace(/^[^/]*\/\/[^/]*/, (origin) => origin.toUpperCase());

  it.each<[string, (base: string, name: string) => string, unknown]>([
    ['id is a number there', (_, name) => name, 5],
    ['reference ends in a slash', (_, name) => `${name}/`, '5'],
    ['reference has scheme and host in capitals', (base, name) => `${shouted(base)}/${name}`, '5'],
  ])('is the one that came, though its %s', async (_, spelled, id) => {
    const made = await runToEnd(({ base }) => () => {
      const subject = { reference: spelled(base, 'Patient/member-1') };
      const hasMember = [{ reference: spelled(base, 'Observation/5') }];
      return pageOf([memberPatient, observation(1, { hasMember, subject }), { ...observation(5), id }]);
    });

    expect(made).toMatchObject({ complete: true, errors: [], outcomes: { Observation: 'complete 2' } });
    expect(made.world.asked).toHaveLength(1);
    expect(made.lines.join('')).not.toContain(shouted(made.world.base));
  });

  it('is not also said to be unread if it came and is left out', async () => {
    const made = await run(({ path }) =>
      path.startsWith('/RelatedPerson/')
        ? fhir({ resourceType: 'RelatedPerson', id: 'one', patient: { reference: 'Patient/somebody' } })
        : pageOf([memberPatient, observation(1, { performer: [{ reference: 'RelatedPerson/one' }] })]),
    );

    expect(made.errors).toEqual(['A resource of type RelatedPerson is left out: it is about another patient.']);
  });
});

it('what is left out is reported, not counted and not remembered once a record has too many tags', () => {
  const seen = createSeenSet();
  const problems = createProblemList();
  let [size, matched] = [0, 0];
  const isWanted = (type: string): boolean => type !== 'Claim';
  const leg = {
    problems,
    wantedAtKickOff: { isWanted, isBeyond: () => false },
    seen: seenNames({ ...seen, size: () => size }, Buffer.alloc(32, 7)),
    buffers: smallBuffers(),
  } as unknown as RecordLeg;
  const take = takerOf(leg, 'Observation', { match: () => void (matched += 1), isWanted });
  const theirs = { resourceType: 'Observation', id: '1', subject: { reference: 'Patient/somebody' } };

  leg.seen.add('Patient/member');
  take(theirs);
  take(theirs);
  take({ resourceType: 'Claim', id: '1' });
  // A search of Observations finds no Claim.
  // What is another patient's is remembered as that, too.
  expect([matched, problems.listed().length, seen.size()]).toEqual([1, 1, 4]);

  size = 2_500_000;
  take({ ...theirs, id: '3' });
  expect([matched, problems.listed().length, seen.size()]).toEqual([2, 2, 6]);

  size = 2_500_001;
  take({ ...theirs, id: '2' });
  take({ resourceType: 'Claim', id: '2' });
  take({ resourceType: 'observation', id: '2' });
  expect([matched, problems.listed().length, seen.size()]).toEqual([2, 4, 6]);
});

it('a page of two hundred thousand entries without a name costs no more than its search, and is asked for once', async () => {
  const made = await documents(sentAs(`${'{},'.repeat(199_999)}{}`));

  expect(made.outcomes).toEqual(noDocument);
  expect(made.errors).toHaveLength(201);
  expect(made.errors.at(-1)).toBe('199800 more problems of this kind with DocumentReference are not listed.');
  expect(made.world.asked).toHaveLength(3);
});

it('a page that breaks a bound is named, and not asked for again', async () => {
  const members = Array.from({ length: 1000 }, (_, at) => `"m${at}":0`).join();
  const made = await documents({ ...pageOf([]), body: `{"resourceType":"Bundle",${members}}` });

  expect(made.outcomes).toEqual(noDocument);
  expect(made.errors).toEqual([
    'Page 1 of DocumentReference could not be read: the Bundle has more than a thousand members. Resources may be missing.',
  ]);
  expect(made.world.asked).toHaveLength(3);
});

it('references beyond those that an export reads are counted, by the type that they name', () => {
  const problems = createProblemList();
  const leg = {
    problems,
    referred: { names: Array.from({ length: 99_999 }, () => 'Practitioner/1'), unread: new Map<string, number>() },
    next: { resources: 0, queue: [] },
    item: {},
    parts: { add: () => undefined },
    seen: seenNames(createSeenSet(), Buffer.alloc(32, 7)),
    buffers: smallBuffers(),
  } as unknown as RecordLeg;
  const take = takerOf(leg, 'Basic');
  const refers = (count: number, type: string) => ({
    a: Array.from({ length: count }, (_, at) => ({ reference: `${type}/${at}` })),
  });

  take({ resourceType: 'Basic', id: '1', ...refers(3, 'Location') });
  expect([leg.referred.names.length, ...leg.referred.unread]).toEqual([100_000, ['Location', 2]]);

  take({ resourceType: 'Basic', id: '2', ...refers(50_000, 'Location') });
  expect(problems.listed()).toEqual([]);

  take({ resourceType: 'Basic', id: '3', ...refers(50_001, 'Location') });
  expect(problems.listed()).toEqual([{ kind: 'referencesNotListed', type: 'Basic', id: '3' }]);
});

/** A payer that asks to wait before it answers, so that each page is a leg of its own. */
const waiting = (payer: PayerScript, doesWait = (_path: string) => true): PayerScript => {
  const waited = new Set<string>();
  return (asked) => {
    if (waited.has(asked.path) || !doesWait(asked.path)) return payer(asked);
    waited.add(asked.path);
    return { status: 429, headers: { 'retry-after': '60' } };
  };
};
const slowPayer = (pageOfNumber: (page: number) => readonly object[], options: WorldOptions, lastPage = 8) =>
  runToEnd(
    ({ base }) =>
      waiting(({ path }) => {
        const page = Number(/page=(\d+)/.exec(path)?.[1] ?? 1);
        return pageOf(pageOfNumber(page), page < lastPage ? `${base}?page=${page + 1}` : undefined);
      }),
    options,
  );

describe('a record', () => {
  const page = (number: number) => [...(number === 1 ? [memberPatient] : []), observation(number)];

  it.each([
    ['more pages', { ...bounds, pages: 3 }, 'the record has more pages than an export reads', 3],
    ['more resources', { ...bounds, resources: 3 }, 'the record has more resources than an export reads', 2],
    ['more bytes', { ...bounds, bytes: 300 }, 'the record is larger than an export reads', 3],
  ])('with %s than an export reads ends as partial, with what came before', async (_, limits, why, pages) => {
    const made = await slowPayer(page, { deps: { bounds: limits }, statement: statementOf({ Goal: [] }) });

    const { manifest, errors } = made;
    expect(made).toMatchObject({ status: 'partial', complete: false });
    expect(await made.world.item()).toMatchObject({ resources: pages + 1 });
    expect(made.ids).toHaveLength(pages + 1);
    expect(errors).toEqual([`$everything is not complete: ${why}.`, `Goal is not complete: ${why}.`]);
    expect(manifest.outcomes.filter(({ count }) => count > 0)).toEqual([
      { type: 'Patient', outcome: 'incomplete', count: 1, reason: errors[0] },
      { type: 'Observation', outcome: 'incomplete', count: pages, reason: errors[0] },
    ]);
    expect(manifest.outcomes.find(({ type }) => type === 'Goal')).toMatchObject({ outcome: 'notRead', count: 0 });
  });

  it('that refers to more resources than an export reads ends as partial, with those that it had read', async () => {
    const performer = [1, 2, 3, 4].map((id) => ({ reference: `Practitioner/p${id}` }));
    const payer: PayerScript = ({ path }) => {
      const [, id] = /^\/Practitioner\/(.+)/.exec(path) ?? [];
      return id === undefined
        ? pageOf([memberPatient, observation(1, { performer })])
        : fhir({ resourceType: 'Practitioner', id });
    };
    // The question that is refused counts, too.
    const slowly = waiting(payer, (path) => path.startsWith('/Practitioner/'));
    const made = await run(slowly, { deps: { bounds: { ...bounds, references: 3 } } });

    expect(made.ids).toEqual(['member-1', 'o-1', 'p1']);
    expect(made.errors).toEqual([
      'The record refers to 3 resources of type Practitioner that were not read: the record refers to more resources than an export reads.',
    ]);
  });

  it('that just fits is complete', async () => {
    const made = await slowPayer(page, { deps: { bounds: { ...bounds, pages: 3, resources: 4 } } }, 3);

    expect(await made.world.item()).toMatchObject({ status: 'completed', resources: 4 });
  });
});

describe('the error files', () => {
  const content = [{ attachment: { url: 'https://elsewhere.example/1' } }];
  const subject = { reference: 'Patient/member-1' };
  const document = (type: string, id: number) => ({ resourceType: type, id: String(id), subject, content });

  it('list two hundred problems of a kind and type, over all legs, and count the rest', async () => {
    const { errors } = await slowPayer(
      (page) => [
        ...Array.from({ length: 150 }, (_, at) => document('DocumentReference', page * 1000 + at)),
        ...Array.from({ length: page === 1 ? 200 : 1 }, (_, at) => document('Basic', page * 1000 + at)),
        observation(page, { subject: { reference: 'Patient/somebody' } }),
      ],
      {},
      2,
    );

    const listed = (type: string) => errors.filter((line) => line.startsWith(`${type}/`)).length;
    expect([listed('DocumentReference'), listed('Basic')]).toEqual([200, 200]);
    expect(errors.filter((line) => line.includes('not listed'))).toEqual([
      '100 more problems of this kind with DocumentReference are not listed.',
      '1 more problem of this kind with Basic is not listed.',
    ]);
    expect(errors.filter((line) => line.includes('another patient'))).toHaveLength(2);
  });
});
