/**
 * Pages in forms that R4 does not have, or that one server has: each is understood, or the account names it. A type is complete only if all
 * of it came.
 */
import * as fc from 'fast-check';
import { memberPatient, observation, pageOf, type Sent } from '../../support/export-world.ts';
import { byType, runWith } from './end-of.ts';

/** Exports Observations of a payer. @param pages the answers to their search, by the number of the page */
const exportOf = (pages: (to: (page: number) => string) => readonly Sent[]) =>
  runWith(byType('Patient', 'Observation'), ({ path, form }, { base }) => {
    if (path.startsWith('/Patient')) return pageOf([memberPatient]);
    const at = Number(/[?&]page=(\d+)/.exec(`${path}&${form ?? ''}`)?.[1] ?? 1);
    return pages((page) => `${base}/Observation?patient=member-1&page=${page}`)[at - 1] ?? { status: 404 };
  });

const sentAs = (bundle: object, headers: Sent['headers'] = {}): Sent => ({
  headers: { 'content-type': 'application/fhir+json', ...headers },
  body: JSON.stringify(bundle),
});

const entryOf = (id: number) => ({ resource: observation(id), search: { mode: 'match' } });

const missing = 'Resources may be missing.';
const sentences = {
  member: `Page 1 of Observation has a member that a Bundle of FHIR R4 does not have, and that may hold more. ${missing}`,
  type: `Page 1 of Observation is a Bundle of a type that does not answer a search. ${missing}`,
  links: `Page 1 of Observation has links that cannot be read. ${missing}`,
  last: `Page 1 of Observation links to a last page that was not read, and to no next. ${missing}`,
  header: `Page 1 of Observation has a count in its HTTP headers that cannot be read, or is more than came. ${missing}`,
  warning: `Page 1 of Observation has a warning in its HTTP headers. ${missing}`,
  long: `Page 1 of Observation has a member that is too long to be read. ${missing}`,
  total: `Page 1 of Observation has a total that cannot be read. ${missing}`,
  noUrl: `Page 1 of Observation has a next link without a URL, so reading stopped there. ${missing}`,
  issues: `The payer put a remark on page 1 of Observation: warning, incomplete. ${missing}`,
} as const;

const long = 'x'.repeat(70_000);
type To = (page: number) => string;
const self = (to: To) => ({ relation: 'self', url: to(1) });

describe('a page that may hold more than was read is named, and what was read comes: one', () => {
  it.each<[string, keyof typeof sentences, (to: To) => object, Record<string, string>?]>([
    ...['batch-response', 'transaction-response', 'history', 'document', 'search-set', 7].map(
      (type): [string, 'type', () => object] => [`of the type ${type}`, 'type', () => ({ type })],
    ),
    ['with a searchset as its entry', 'type', () => ({ type: 'batch-response', total: 1 })],
    ...['links', 'Link', 'Links', '_links', 'next', 'nextPage', 'next-page', 'Next', 'page', 'cursor'].map(
      (name): [string, 'member', (to: To) => object] => [
        `with its next link in ${name}`,
        'member',
        (to) => ({ [name]: name.startsWith('n') ? to(2) : [{ relation: 'next', url: to(2) }] }),
      ],
    ),
    ...['entries', 'Entry', 'resources', 'contained', '_entry', 'extension', 'e'.repeat(200), ''].map(
      (name): [string, 'member', () => object] => [
        `with entries in ${name.slice(0, 20)}`,
        'member',
        () => ({ [name]: [entryOf(2)] }),
      ],
    ),
    ...['Total', 'count', 'totalResults', 'hasMore'].map((name): [string, 'member', () => object] => [
      `with its total in ${name}`,
      'member',
      () => ({ [name]: name === 'hasMore' ? true : 2 }),
    ]),
    [
      'with a resource beside that of its entry',
      'member',
      () => ({ entry: [{ ...entryOf(1), Resource: observation(2) }] }),
    ],
    ...['more', 'forward', 'nextlink', 'https://payer.example/rel/more', 'collection'].map(
      (relation): [string, 'links', (to: To) => object] => [
        `with a link ${relation}`,
        'links',
        (to) => ({ link: [self(to), { relation, url: to(2) }] }),
      ],
    ),
    ['with a map of links, one of them more', 'links', (to) => ({ link: { self: to(1), more: to(2) } })],
    ['with a last page and no next', 'last', (to) => ({ link: [self(to), { relation: 'last', url: to(2) }] })],
    [
      'with a first and a last page and no next',
      'last',
      (to) => ({
        total: 1,
        link: [
          { relation: 'first', url: to(1) },
          { relation: 'last', url: to(2) },
        ],
      }),
    ],
    ['with a map of a last page and no next', 'last', (to) => ({ link: { self: to(1), last: to(2) } })],
    [
      'with a last page by its offset',
      'last',
      (to) => ({
        link: [
          { relation: 'self', url: to(1) },
          { relation: 'last', url: `${to(1)}&_offset=10` },
        ],
      }),
    ],
    [
      'with a last page 1 that may be the second',
      'last',
      (to) => ({
        link: [
          { relation: 'self', url: to(1).replace('&page=1', '') },
          { relation: 'last', url: to(1) },
        ],
      }),
    ],
    [
      'with a last page, and a total of 0',
      'last',
      (to) => ({ total: 0, link: [self(to), { relation: 'last', url: to(2) }] }),
    ],
    ['with a last page in its Link header', 'last', () => ({}), { link: '<LAST>; rel="last"' }],
    ['with a count in a header', 'header', () => ({}), { 'x-total-count': '2' }],
    [
      'with a count in a header, and something included',
      'header',
      () => ({ entry: [entryOf(1), { resource: memberPatient, search: { mode: 'include' } }] }),
      { 'x-total-count': '2' },
    ],
    ['with a count in a header beside a total', 'header', () => ({ total: 1 }), { 'x-total-count': '2' }],
    ['with a count in a header that cannot be read', 'header', () => ({}), { 'x-total-count': 'many' }],
    ['with a range in a header', 'header', () => ({}), { 'content-range': 'items 0-0/2' }],
    ['with a warning of results cut short', 'warning', () => ({}), { warning: '299 - "Results truncated"' }],
    ['with a warning that is stale', 'warning', () => ({}), { warning: '110 proxy "Response is Stale"' }],
    ['with a warning of no form', 'warning', () => ({}), { warning: 'partial' }],
    ...[
      '299 - "The parameter patient is deprecated and was ignored, results may be incomplete"',
      '299 - "Deprecated: 5 of 7"',
      '299 - "Use of this API is restricted"',
      '299 "partial results", 113 - "Heuristic"',
      '113 - "Heuristic", 299 "partial results"',
      '113 - "Heuristic" partial',
      '299 - "Deprecated" 299 - "Results truncated"',
    ].map((warning): [string, 'warning', () => object, Record<string, string>] => [
      `with the warning ${warning}`,
      'warning',
      () => ({}),
      { warning },
    ]),
    ...['0-0/2', 'items=0-0/2', 'items 0-0 / 2', 'fhir_items 0-0/2', '*/2', 'items 0-0/many', 'items 0-0', '0-0/'].map(
      (range): [string, 'header', () => object, Record<string, string>] => [
        `with the range ${range} in a header`,
        'header',
        () => ({}),
        { 'content-range': range },
      ],
    ),
    [
      "with R5's issues",
      'issues',
      () => ({
        issues: { resourceType: 'OperationOutcome', issue: [{ severity: 'warning', code: 'incomplete' }] },
      }),
    ],
    ['with labels over 64 KB', 'long', () => ({ meta: { security: [{ code: 'REDACTED', display: long }] } })],
    ['with a total over 64 KB', 'total', () => ({ total: `1${' '.repeat(70_000)}` })],
    ...['search', 'response'].map((name): [string, 'long', () => object] => [
      `with an entry's ${name} over 64 KB`,
      'long',
      () => ({ total: 1, entry: [{ resource: observation(1), [name]: { mode: 'match', outcome: { issue: long } } }] }),
    ]),
    ...[null, '', 'null', 7, undefined].map((url): [string, 'noUrl', (to: To) => object] => [
      `with a next link to ${url}, and without a total`,
      'noUrl',
      (to) => ({ link: [self(to), { relation: 'next', url }] }),
    ]),
    ['with an issue', 'issues', () => ({ issue: [{ severity: 'warning', code: 'incomplete' }] })],
  ])('%s', async (_, what, members, headers = {}) => {
    const made = await exportOf((to) => [
      sentAs(
        { resourceType: 'Bundle', type: 'searchset', entry: [entryOf(1)], ...members(to) },
        Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace('LAST', to(2))])),
      ),
      sentAs({ resourceType: 'Bundle', type: 'searchset', entry: [entryOf(2)] }),
    ]);

    expect(made).toMatchObject({ complete: false, ids: ['member-1', 'o-1'], errors: [sentences[what]] });
    expect(made.outcomes['Observation']).toBe('incomplete 1');
  });
});

describe('a page in a form that has one plain meaning is understood: one', () => {
  it.each<[string, (to: To) => object, Record<string, string>?]>([
    ...['next-page', 'nextPage', 'NEXT', 'next_page', 'next page'].map((relation): [string, (to: To) => object] => [
      `with a link ${relation}`,
      (to) => ({ link: [{ relation, url: to(2) }] }),
    ]),
    ['with a map of links, nextPage', (to) => ({ link: { nextPage: to(2) } })],
    ['with a link next-page in a header', () => ({}), { link: '<NEXT>; rel="next-page"' }],
    ['with a count in a header', (to) => ({ link: { next: to(2) } }), { 'x-total-count': '2' }],
    ['with a range in a header', (to) => ({ link: { next: to(2) } }), { 'content-range': 'items 0-0/2' }],
    ['with a range of no unit', (to) => ({ link: { next: to(2) } }), { 'content-range': '0-0/2' }],
    ...['bytes 0-9/1000', 'Bytes=0-9/1000'].map((range): [string, (to: To) => object, Record<string, string>] => [
      `with a range of ${range}`,
      (to) => ({ link: { next: to(2) } }),
      { 'content-range': range },
    ]),
  ])('%s', async (_, members, headers = {}) => {
    const made = await exportOf((to) => [
      sentAs(
        { resourceType: 'Bundle', type: 'searchset', entry: [entryOf(1)], ...members(to) },
        Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace('NEXT', to(2))])),
      ),
      sentAs({ resourceType: 'Bundle', type: 'searchset', entry: [entryOf(2)] }),
    ]);

    expect(made).toMatchObject({ complete: true, ids: ['member-1', 'o-1', 'o-2'], errors: [] });
  });
});

describe('a page as a server is known to send it is complete:', () => {
  const meta = { lastUpdated: '2025-01-01T00:00:00.000Z' };
  const link = (links: Readonly<Record<string, string>>) =>
    Object.entries(links).map(([relation, url]) => ({ relation, url }));
  const query = 'Observation?patient=member-1';

  it.each<[string, (to: To) => object, Record<string, string>?]>([
    // https://hapifhir.io/hapi-fhir/docs/server_plain/paging.html and, in entries, https://github.com/hapifhir/hapi-fhir/issues/1328
    [
      'HAPI',
      (to) => ({
        id: 'a1b2',
        meta,
        link: link({ 'fhir-base': 'https://payer.example/fhir', self: to(1) }),
        entry: [{ ...entryOf(1), response: { status: '200 OK', etag: 'W/"2"' } }],
      }),
    ],
    // https://docs.fire.ly/projects/Firely-Server/en/latest/features_and_tools/restful.html
    [
      'Firely',
      (to) => ({
        id: 'a1b2',
        meta: { ...meta, versionId: 'c3' },
        timestamp: meta.lastUpdated,
        total: 1,
        link: link({
          self: `${to(1)}&_total=accurate&_count=10&_skip=0`,
          first: `${to(1)}&_total=accurate&_count=10&_skip=0`,
          last: `${to(1)}&_total=accurate&_count=10&_skip=0`,
        }),
        entry: [{ fullUrl: 'https://payer.example/Observation/o-1', ...entryOf(1) }],
      }),
    ],
    // https://github.com/microsoft/fhir-server/issues/2837
    ['Microsoft', (to) => ({ id: 'a1b2', meta, link: link({ self: to(1) }) })],
    // https://cloud.google.com/healthcare-api/docs/how-tos/fhir-search
    [
      'Google',
      (to) => ({
        link: link({ search: `/${query}`, first: `${to(1)}&_page_token=`, self: to(1), last: `${to(1)}&_page_token=` }),
        total: 1,
      }),
    ],
    // https://docs.aws.amazon.com/healthlake/latest/devguide/searching-fhir-resources-get.html
    ['HealthLake', (to) => ({ id: 'a1b2', meta, total: 1, link: link({ self: to(1) }) })],
    // https://www.health-samurai.io/docs/aidbox
    [
      'Aidbox',
      () => ({
        'query-time': 7,
        'query-timeout': 60_000,
        'query-sql': ['SELECT 1', 100],
        params: [{ name: 'patient' }],
        total: 1,
        link: link({ first: `/${query}&page=1`, self: `/${query}&page=1`, last: `/${query}&page=1` }),
      }),
    ],
    // https://developer.va.gov/explore/api/patient-health/docs
    [
      'VA',
      () => ({
        total: 1,
        link: link({ last: `/${query}&page=1&_count=30`, first: `/${query}&page=1&_count=30`, self: `/${query}` }),
      }),
    ],
    // https://bluebutton.cms.gov/developers
    [
      'Blue Button',
      (to) => ({
        total: 1,
        link: link({
          first: `${to(1)}&_count=10&startIndex=0`,
          last: `${to(1)}&_count=10&startIndex=0`,
          self: `${to(1)}&_format=json`,
        }),
      }),
    ],
    // https://docs.canvasmedical.com/api/pagination
    [
      'Canvas',
      () => ({
        total: 1,
        link: link({ self: `/${query}&_count=10&_offset=0`, last: `/${query}&_count=10&_offset=0` }),
      }),
    ],
    // https://github.com/openemr/openemr/issues/6885
    ['OpenEMR', (to) => ({ type: 'collection', total: 1, link: link({ self: to(1) }) })],
    // https://github.com/FlixCoder/fhir-sdk/issues/36
    ['Epic', (to) => ({ total: 1, entry: [{ link: link({ self: to(1) }), ...entryOf(1) }] })],
    ['one without a type', () => ({ type: undefined })],
    [
      'one that writes null and empty members',
      () => ({ entries: [], next: null, extension: [], Link: {}, cursor: '' }),
    ],
    ['one that names itself the last', (to) => ({ link: link({ self: to(1), last: to(1) }) })],
    ['one that says that it has no more', () => ({ hasMore: false })],
    ['one that says something of an entry', () => ({ entry: [{ ...entryOf(1), score: 7, note: 'a note' }] })],
    ['one that names no last page', (to) => ({ link: link({ self: to(1), last: 'null' }) })],
    ['one whose API ends', () => ({}), { warning: '299 - "Deprecated: use /v2", 214 proxy "Transformation Applied"' }],
    ...[
      '299 fhir "Sunset" "Wed, 21 Oct 2015 07:28:00 GMT"',
      '299 - "This API is deprecated and will be shut down on 2027-01-01. Please use https://payer.example/v2 instead."',
      '299 - "v1 is obsolete, and will be retired after December 31, 2026",, 113 - "Heuristic"',
    ].map((warning): [string, () => object, Record<string, string>] => [
      `one whose API ends: ${warning}`,
      () => ({}),
      { warning },
    ]),
    [
      'one whose headers are about its documents',
      () => ({}),
      { link: '</docs>; rel="service-doc", </preload>; rel=preload, </x>; rel="last"; anchor="https://x.example"' },
    ],
    ['one whose headers count what came', () => ({}), { 'x-total-count': '1', 'content-range': 'items 0-0/1' }],
    ['one whose headers do not know how many there are', () => ({}), { 'content-range': 'items 0-0/*' }],
    [
      'one whose headers say nothing',
      () => ({}),
      { 'x-total-count': '', 'x-total': ' ', 'content-range': '', warning: '' },
    ],
    ['one with comments', () => ({ fhir_comments: ['a comment'], _type: { id: 'a' } })],
  ])('%s', async (_, members, headers = {}) => {
    const made = await exportOf((to) => [
      sentAs({ resourceType: 'Bundle', type: 'searchset', entry: [entryOf(1)], ...members(to) }, headers),
    ]);

    expect(made).toMatchObject({ complete: true, ids: ['member-1', 'o-1'], errors: [] });
  });

  it('the last of several, which links back only', async () => {
    const made = await exportOf((to) => [
      sentAs({
        resourceType: 'Bundle',
        type: 'searchset',
        entry: [entryOf(1)],
        link: link({ next: to(2), last: to(2) }),
      }),
      sentAs({
        resourceType: 'Bundle',
        type: 'searchset',
        entry: [entryOf(2)],
        link: link({ prev: to(1), first: to(1), last: `${to(2)}&_count=10` }),
      }),
    ]);

    expect(made).toMatchObject({ complete: true, ids: ['member-1', 'o-1', 'o-2'], errors: [] });
  });

  it('one with no entries, a total of 0, and a last page that is none', async () => {
    const made = await exportOf((to) => [
      sentAs({
        resourceType: 'Bundle',
        type: 'searchset',
        total: 0,
        link: link({ self: to(1), last: `${to(1)}&_offset=-10` }),
      }),
    ]);

    expect(made).toMatchObject({ complete: true, errors: [] });
  });
});

describe('pages of which each links to several as the next', () => {
  it.each<[string, readonly (readonly number[])[], readonly number[], number | undefined]>([
    ['three, of which the third is linked to nowhere else', [[2, 3, 4], [3], []], [1, 2, 3], 1],
    ['two, and one of them to two again', [[2, 3], [4, 5], [], [3]], [1, 2, 4, 3], 2],
    ['forty', [Array.from({ length: 40 }, (_, at) => at + 2)], [1, 2], 1],
    ['three, all of them read', [[2, 3, 4], [3], [4], []], [1, 2, 3, 4], undefined],
    ['two, and each of them to two', [[2, 3], [3, 4], [4], []], [1, 2, 3, 4], undefined],
  ])('are complete if all of them were read: %s', async (_, links, read, fork) => {
    const made = await exportOf((to) =>
      Array.from({ length: 41 }, (_page, at) =>
        sentAs({
          resourceType: 'Bundle',
          type: 'searchset',
          entry: [entryOf(at + 1)],
          link: (links[at] ?? []).map((page) => ({ relation: 'next', url: to(page) })),
        }),
      ),
    );

    expect(made).toMatchObject({
      complete: fork === undefined,
      ids: ['member-1', ...read.map((page) => `o-${page}`)],
      errors:
        fork === undefined
          ? []
          : [`Page ${fork} of Observation links to two different next pages, of which one was read. ${missing}`],
    });
  });

  const server = 'https://elsewhere.example/fhir/Observation?page=3';

  it.each<[string, readonly (readonly (number | string)[])[], number, string]>([
    ['to another server, before the one that is', [[server, 2], []], 1, 'another server'],
    ['to another server, after it', [[2, server], []], 1, 'another server'],
    ['to another server, beside one that was read', [[2], [1, server]], 2, 'another server'],
    ['that is no URL', [[2, 'http://['], [server]], 1, 'something that is not a URL'],
  ])('are incomplete if one is not followed, whatever the total says: %s', async (_, links, page, where) => {
    const made = await exportOf((to) =>
      links.map((next, at) =>
        sentAs({
          resourceType: 'Bundle',
          type: 'searchset',
          total: 2,
          entry: [entryOf(at + 1)],
          link: next.map((url) => ({ relation: 'next', url: typeof url === 'number' ? to(url) : url })),
        }),
      ),
    );

    expect(made).toMatchObject({
      complete: false,
      ids: ['member-1', 'o-1', 'o-2'],
      errors: [`Page ${page} of Observation links to ${where}, which is not read. ${missing}`],
    });
    expect(made.outcomes['Observation']).toBe('incomplete 2');
  });

  it('are complete only if each of them was read, whatever links to whatever', async () => {
    const last = 6;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uniqueArray(fc.integer({ min: 1, max: last }), { maxLength: 4 }), {
          minLength: last,
          maxLength: last,
        }),
        async (links) => {
          const made = await exportOf((to) =>
            links.map((pages, at) =>
              sentAs({
                resourceType: 'Bundle',
                type: 'searchset',
                entry: [entryOf(at + 1)],
                link: pages.filter((page) => page > at + 1).map((page) => ({ relation: 'next', url: to(page) })),
              }),
            ),
          );
          const reached = new Set([1]);
          for (const page of reached) for (const one of links[page - 1]!) if (one > page) reached.add(one);
          const came = made.ids.filter((id) => id.startsWith('o-'));
          expect(made.complete).toBe(came.length === reached.size);
        },
      ),
      { numRuns: 100, seed: 1 },
    );
  });
});

describe('whatever becomes of the names of a page', () => {
  const own = [
    'link',
    'entry',
    'total',
    'type',
    'relation',
    'next',
    'url',
    'resource',
    'search',
    'mode',
    'meta',
  ] as const;
  const changes: readonly ((name: string) => string)[] = [
    (name) => name[0]!.toUpperCase() + name.slice(1),
    (name) => name.toUpperCase(),
    (name) => `${name}s`,
    (name) => `_${name}`,
    (name) => `${name}Page`,
    (name) => `${name}-page`,
    (name) => `bundle:${name}`,
    (name) => `${name}_`,
    (name) => name.slice(0, -1),
  ];
  /** The same JSON with one name, or one value that is a name, changed wherever it is outside the resources. */
  const renamed = (value: unknown, from: string, to: string): unknown => {
    if (Array.isArray(value)) return value.map((one) => renamed(one, from, to));
    if (typeof value !== 'object' || value === null) return value === from ? to : value;
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [
        name === from ? to : name,
        name === 'resource' ? one : renamed(one, from, to),
      ]),
    );
  };

  it('it is complete only if all came, and else says why', async () => {
    let complete = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom(...own),
        fc.constantFrom(...changes),
        fc.constantFrom('list', 'map', 'header'),
        fc.boolean(),
        fc.constantFrom('searchset', 'collection', 'batch-response', undefined),
        fc.constantFrom<Record<string, string>>({}, { 'x-total-count': '3' }, { warning: '199 - "partial"' }),
        async (count, name, change, links, hasTotal, type, more) => {
          const made = await exportOf((to) =>
            Array.from({ length: count }, (_, at) => {
              const next = at + 1 < count ? to(at + 2) : undefined;
              const list = [{ relation: 'self', url: to(at + 1) }];
              const listed = next === undefined ? list : [{ relation: 'next', url: next }, ...list];
              const bundle = renamed(
                {
                  type,
                  ...(hasTotal && { total: count }),
                  ...(links === 'list' && { link: listed }),
                  ...(links === 'map' && { link: { self: to(at + 1), next } }),
                  entry: [entryOf(at + 1)],
                },
                name,
                change(name),
              ) as object;
              const header: Record<string, string> =
                links === 'header' && next !== undefined ? { link: `<${next}>; rel="${change('next')}"` } : {};
              return sentAs({ resourceType: 'Bundle', ...bundle }, { ...header, ...more });
            }),
          );
          const came = made.ids.filter((id) => id.startsWith('o-')).length;
          const isComplete = made.outcomes['Observation']?.startsWith('complete') === true;
          complete += Number(isComplete);

          // A link in a header under a name that nobody knows may lead anywhere.
          const isUnknowable = links === 'header' && !hasTotal && came < count;
          expect([isComplete && came < count && !isUnknowable, made.complete]).toEqual([false, isComplete]);
          if (!isComplete) expect(made.errors.length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 200, seed: 1 },
    );
    // Some of them are understood.
    expect(complete).toBeGreaterThan(20);
  });
});
