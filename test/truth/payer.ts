import { fhir, type PayerScript, type Sent } from '../support/export-world.ts';
import {
  hungType,
  keyOf,
  member,
  redacted,
  senderParameter,
  sharedType,
  stranger,
  type Attached,
  type Held,
} from './held.ts';
import { otherParametersOf, parametersOf } from './r4.ts';
import type { Hiccup, PayerSpec, TypeSpec } from './spec.ts';

const usual = {
  count: 0,
  old: 0,
  search: 'finds',
  parameters: 'all',
  pageSize: 5,
  pages: 'plain',
  total: 'none',
  filters: 'none',
  isShort: false,
  first: 'plain',
} as const;

const foreignType = ({ type, how }: PayerSpec['foreign'][number], number: number): string =>
  ({ bundle: 'Bundle', parameters: 'Parameters', shared: sharedType(number), unnamed: 'Observation' })[how as string] ??
  type;

/** The types that a payer has, each with how it is searched. */
export const typesOf = (spec: PayerSpec): ReadonlyMap<string, TypeSpec> => {
  const others = [
    ...spec.chains.flatMap(({ types }) => types),
    ...spec.senders.map(({ type }) => type),
    ...spec.foreign.map(foreignType),
    ...spec.foreign.flatMap(({ how }, number) => (how === 'hung' ? [hungType(number), 'List'] : [])),
  ];
  if (spec.provenances !== 'none') others.push('Provenance');
  const isRefused = spec.patient === 'refused' || spec.patient === 'unsearched';
  const all = [
    ...others.map((type) => Object.assign({ type }, usual)),
    ...spec.types.map((one) => (spec.hasParts ? one : Object.assign({}, one, { filters: 'none' as const }))),
    { type: 'Patient', ...usual, search: isRefused ? ('refused' as const) : usual.search },
  ];
  return new Map(
    all.map((one): [string, TypeSpec] => [
      one.type,
      spec.missesNone && one.search === 'finds' ? { ...one, search: 'missesNone' } : one,
    ]),
  );
};

/** The parameters by which the payer finds the resources of a patient. */
export const takenParameters = ({ type, parameters, search }: TypeSpec): readonly string[] => {
  if (search === 'unsearchable') return [];
  if (type === 'Patient') return ['_id'];
  const all = parametersOf(type);
  return parameters === 'all' ? all : parameters === 'first' ? all.slice(0, 1) : all.slice(-1);
};

/** The other parameters for a patient that the payer takes for a type. */
export const takenOthers = (spec: PayerSpec, { type, search }: Pick<TypeSpec, 'type' | 'search'>): readonly string[] =>
  search === 'unsearchable' ? [] : spec.senders.filter((one) => one.type === type && one.isTaken).map(senderParameter);

/** The search parameter that splits a type into parts. */
const partParameter = '_tag';

/** The profile's searches, of all or of parts of the types that the payer has; undefined if it has none. */
export const profileSearches = (spec: PayerSpec): readonly string[] | undefined =>
  spec.hasParts && spec.types.length > 0
    ? spec.types.flatMap(({ type, filters }) => {
        const parts = { none: [''], one: ['0'], both: ['0', '1'] }[filters];
        return parts.map((part) => (part === '' ? type : `${type}?${partParameter}=${part}`));
      })
    : undefined;

/** Whether a page may bring what an earlier one brought. In R4 no two resources of a type have the same id. */
export const repeats = ({ pages, first }: TypeSpec): boolean =>
  pages === 'repeat' || pages === 'skip' || first === 'twin' || first === 'otherTwin';

/** Where pages lead instead of to the next, in the words of an account. */
export const strays = ({ pages }: Pick<TypeSpec, 'pages'>): string | undefined =>
  ({
    plain: undefined,
    repeat: undefined,
    skip: undefined,
    elsewhere: 'another server',
    above: "a path outside the payer's FHIR base",
    noUrl: 'something that is not a URL',
    stranger: 'a request that is not plainly about this member',
    relative: undefined,
    mapped: undefined,
    header: undefined,
    forked: undefined,
    loop: undefined,
    stuck: undefined,
    unreadable: undefined,
    nextPage: undefined,
    renamed: undefined,
    lastOnly: undefined,
    counted: undefined,
    wrapped: undefined,
  })[pages];

/** The type of which the scope covers only reads, or only searches. */
export const halfOf = ({
  scope,
  half,
}: PayerSpec): { readonly type: string; readonly letter: 'r' | 's' } | undefined => {
  const type = half && scope?.[half.of % scope.length];
  return half === undefined || type === undefined || type === 'Binary' ? undefined : { type, letter: half.letter };
};

/** Whether `$everything` names more resources than there are. */
export const totalOfAllLies = ({ everything, included, ignoresTotals }: PayerSpec): boolean =>
  (everything === 'whole' || everything === 'short') && included === 'moreCounted' && !ignoresTotals;

const refusal = (status: number, code: string): Sent => ({
  ...fhir({ resourceType: 'OperationOutcome', issue: [{ severity: 'error', code }] }),
  status,
});

/** Whether the payer's statement lists a type. */
export const isDeclared = (spec: PayerSpec, type: string): boolean => {
  if (type === 'Patient' && spec.patient === 'undeclared') return false;
  const at = [...typesOf(spec).keys()].indexOf(type);
  return at >= 0 && (spec.metadata === 'adds' ? at % 2 === 0 : !['none', 'empty'].includes(spec.metadata));
};

/** Whether nobody can tell from the payer's statement which types it has. */
export const isUndeclared = (spec: PayerSpec): boolean =>
  ['none', 'empty', 'adds'].includes(spec.metadata) ||
  ![...typesOf(spec).keys()].some((type) => isDeclared(spec, type));

const declaresProvenances = ({ provenances }: PayerSpec): boolean =>
  ['declared', 'refused', 'ignored'].includes(provenances);

const capabilities = (spec: PayerSpec): Sent => {
  if (spec.metadata === 'none') return refusal(404, 'not-found');
  const listed = [...typesOf(spec).values()].filter(({ type }) => isDeclared(spec, type));
  const resource = listed.map((one) => {
    const isSearched = one.search !== 'unsearchable';
    const names = isSearched ? [...new Set(['_id', ...takenParameters(one), ...takenOthers(spec, one)])] : [];
    const searchParam = names.map((name) => ({ name, type: name === '_id' ? 'token' : 'reference' }));
    return {
      type: one.type,
      interaction: [{ code: 'read' }, ...(isSearched ? [{ code: 'search-type' }] : [])],
      // JSON has no undefined.
      searchParam: spec.metadata === 'searches' ? searchParam : undefined,
      searchRevInclude: declaresProvenances(spec) ? ['Provenance:target'] : undefined,
    };
  });
  return fhir({
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: '2025-01-01',
    kind: 'instance',
    fhirVersion: '4.0.1',
    format: ['json'],
    ...(spec.metadata === 'adds' && { imports: ['http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server'] }),
    rest: [{ mode: 'server', resource }],
  });
};

/** The same in another charset than FHIR's. */
const latin = (sent: Sent): Sent => ({
  ...sent,
  headers: { 'content-type': 'application/fhir+json; charset=ISO-8859-1' },
});

const failures: Readonly<Record<Hiccup['fails'], () => Sent>> = {
  '500': () => refusal(500, 'exception'),
  '503': () => ({ ...refusal(503, 'transient'), headers: { 'retry-after': '2' } }),
  '429': () => ({ ...refusal(429, 'throttled'), headers: { 'retry-after': '40' } }),
  cut: () => ({ ...fhir({}), body: '{"resourceType":"Bundle","entry":[', cut: true }),
  latin: () => latin(fhir({ resourceType: 'Bundle', type: 'searchset' })),
  outcome: () => refusal(200, 'timeout'),
  empty: () => ({ ...fhir({}), body: '' }),
  html: () => ({ headers: { 'content-type': 'text/html' }, body: '<html>' }),
  throws: () => {
    throw Object.assign(new Error('late'), { name: 'TimeoutError' });
  },
};

/** Whether pages end before all came, and the account says why. */
export const endsBefore = ({ pages }: Pick<TypeSpec, 'pages'>): boolean =>
  ['unreadable', 'renamed', 'lastOnly', 'counted'].includes(pages);

/** The links of a page, as its payer writes them. @param last the URL of the last page */
const linksOf = (
  pages: TypeSpec['pages'],
  next: string | undefined,
  self: string | undefined,
  last: string,
): object => {
  if (pages === 'mapped') return { link: { next, self } };
  const relation = { nextPage: 'nextPage', lastOnly: 'last' }[pages as string] ?? 'next';
  const toNext = pages === 'unreadable' ? next : { relation, url: pages === 'lastOnly' ? last : next };
  return {
    ...(pages === 'renamed' && next !== undefined && { links: [toNext] }),
    link: [
      ...(next === undefined || ['header', 'renamed', 'counted'].includes(pages) ? [] : [toNext]),
      ...(self === undefined ? [] : [{ relation: 'self', url: self }]),
    ],
  };
};

/** What the payer answers, over what it holds. */
export const answersOf = (spec: PayerSpec, held: readonly Held[], base: string): PayerScript => {
  const types = typesOf(spec);
  const byKey = new Map(held.map((one) => [keyOf(one), one]));
  let requests = -1;

  /** Whether a Provenance is about one of these. */
  const isBroughtWith = (one: Held, keys: ReadonlySet<string>, isSince: boolean): boolean =>
    one.isBrought && keys.has(one.refersTo[0]!) && !(isSince && spec.since === 'heeded' && one.isOld);

  const entryOf = ({ text }: Held, mode: 'include' | undefined): string =>
    `{"resource":${text}${mode === undefined ? '' : ',"search":{"mode":"include"}'}}`;

  /** A page of a list, with a link to the next. */
  const page = (
    list: readonly Held[],
    how: Pick<TypeSpec, 'search' | 'pageSize' | 'pages' | 'total'>,
    url: URL,
    {
      included = 'none',
      self,
      isSearch,
    }: { readonly included?: PayerSpec['included']; readonly self?: string; readonly isSearch?: true } = {},
  ): Sent => {
    const at = Number(url.searchParams.get('page') ?? 0);
    const { pageSize } = how;
    const last = Math.max(0, Math.ceil(list.length / pageSize) - 1);
    if (how.search === 'breaks' && at === last) return refusal(500, 'exception');
    // A payer that skips repeats its first page in the place of the second.
    const from = how.pages === 'skip' && at === 1 ? 0 : at;
    const begin = Math.max(0, from * pageSize - (how.pages === 'repeat' ? 1 : 0));
    const entry = list
      .slice(begin, (from + 1) * pageSize)
      .map((one) => entryOf(one, included === 'none' || one.type === 'Patient' ? undefined : 'include'));
    const shown = list.slice(begin, (from + 1) * pageSize).map(keyOf);
    if (url.searchParams.get('_revinclude') === 'Provenance:target' && spec.provenances !== 'ignored') {
      const keys = new Set(shown);
      const ofThese = held.filter((one) => isBroughtWith(one, keys, url.searchParams.has('_lastUpdated')));
      entry.unshift(...ofThese.map((one) => entryOf(one, spec.isUnmarked && isSearch ? undefined : 'include')));
    }
    if (at === last && (how.search === 'labels' || how.search === 'forgets')) entry.pop();
    if (at === last && (how.search === 'suppresses' || how.search === 'informs')) {
      if (how.search === 'suppresses') entry.pop();
      const code = how.search === 'suppresses' ? 'suppressed' : 'informational';
      const remark = { resourceType: 'OperationOutcome', issue: [{ severity: 'information', code }] };
      entry.push(JSON.stringify({ resource: remark, search: { mode: 'outcome' } }));
    }
    if (spec.isGenerous && isSearch) {
      const isOneLess = at === last && ['labels', 'forgets', 'suppresses'].includes(how.search);
      const beside = list
        .slice(begin, (from + 1) * pageSize)
        .slice(0, isOneLess ? -1 : undefined)
        .flatMap(({ refersTo }) => refersTo.flatMap((key) => byKey.get(key) ?? []));
      const given = beside.filter(({ reads, owner }) => reads === 'given' && owner === 'member');
      entry.push(...given.map((one) => entryOf(one, 'include')));
    }
    const distinct = new Set(list.map(keyOf)).size;
    const matches = new Set(list.filter(({ type }) => type === 'Patient').map(keyOf)).size;
    const ofSearch = {
      none: undefined,
      true: distinct,
      high: distinct + 3,
      low: 0,
      text: ` ${distinct} `,
      odd: 'some',
    }[how.total];
    const ofPage = how.pages === 'stuck' ? new Set(shown).size : ofSearch;
    const total = { none: ofPage, matchesCounted: matches, allCounted: distinct, moreCounted: distinct + 3 }[included];
    const next = new URL(url);
    next.searchParams.set('page', String(at + 1));
    const ownNext = `${base}${next.pathname}${next.search}`;
    const isLoop = (at === last && how.pages === 'loop') || (at === 0 && how.pages === 'stuck');
    const astray = {
      elsewhere: 'https://elsewhere.example/r4',
      above: '/admin',
      noUrl: 'http://[',
      stranger: `${base}/Observation?patient=${stranger}`,
      relative: `${next.pathname.slice(1)}${next.search}`,
    };
    const leadsTo = (astray as Record<string, string>)[how.pages] ?? ownNext;
    // The profile says that no count means anything.
    const pages = how.pages === 'counted' && spec.ignoresTotals ? 'plain' : how.pages;
    const toLast = new URL(url);
    toLast.searchParams.set('page', String(last));
    const bundle = JSON.stringify({
      resourceType: 'Bundle',
      type: pages === 'wrapped' ? 'batch-response' : 'searchset',
      ...(at === last && how.search === 'labels' ? { meta: { security: [redacted] } } : {}),
      ...(total === undefined ? {} : { total }),
      ...linksOf(
        pages,
        isLoop ? `${base}${url.pathname}${url.search}` : at < last ? leadsTo : undefined,
        self,
        `${base}${toLast.pathname}${toLast.search}`,
      ),
    });
    const body = `${bundle.slice(0, -1)},"entry":[${entry.join(',')}]}`;
    const inHeader = { header: leadsTo, forked: `${leadsTo}&again=1` }[how.pages as string];
    const header: Record<string, string> =
      at < last && inHeader !== undefined
        ? { link: `<${inHeader}>; rel="next"` }
        : pages === 'counted'
          ? { 'x-total-count': String(distinct) }
          : {};
    const sent = { headers: { 'content-type': 'application/fhir+json', ...header }, body };
    return how.search === 'latin' && at === last ? latin(sent) : sent;
  };

  const isGranted = ({ owner, type }: Held, at: number): boolean =>
    owner === 'stranger' || at % 2 === 0 || spec.limited?.includes(type) !== true;

  const listed = (type: string | undefined, isSince: boolean): readonly Held[] =>
    held.filter(
      (one, at) =>
        one.isListed &&
        isGranted(one, at) &&
        (type === undefined || one.type === type) &&
        !(isSince && spec.since === 'heeded' && one.isOld),
    );

  const own = `Patient/${member}`;
  const everything = (url: URL): Sent => {
    if (spec.everything === 'none' || spec.everything === 'refused') return refusal(403, 'forbidden');
    if (spec.everything === 'broken') return refusal(500, 'exception');
    const isSince = url.searchParams.has('_since');
    const isGivenType = ({ type }: Held): boolean =>
      !(spec.everything === 'short' && types.get(type)?.isShort === true);
    const all = listed(undefined, isSince).filter(isGivenType);
    // Beside what is plainly another patient's, everyone can tell that it may be a stranger's.
    const isTold = spec.everything !== 'cut' && all.some(({ isOthers }) => isOthers);
    const given = all.filter(({ isUnnamed, owner }) => !isUnnamed || owner === 'member' || isTold);
    const keys = new Set(given.map(keyOf));
    if (!spec.isBare) given.push(...held.filter((one) => isGivenType(one) && isBroughtWith(one, keys, isSince)));
    if (spec.isPatientLast) given.sort((one, other) => Number(keyOf(one) === own) - Number(keyOf(other) === own));
    return page(given, { ...usual, search: spec.everything === 'cut' ? 'breaks' : 'finds' }, url, {
      included: spec.included,
    });
  };

  /** The link of a search's answer to itself. @param isLimited whether the parameter for the patient was used */
  const selfOf = (url: URL, isLimited: boolean): { readonly self?: string } => {
    if (spec.self === 'none') return {};
    const used = new URL(url);
    const names = [...used.searchParams.keys()];
    const ofPatient = names.filter((name) => /victim|member/.test(used.searchParams.get(name) ?? ''));
    if (spec.self === 'memberless' || (spec.self === 'used' && !isLimited))
      for (const name of ofPatient) used.searchParams.delete(name);
    if (spec.self === 'others') for (const name of ofPatient) used.searchParams.set(name, `Patient/${stranger}`);
    if (spec.self !== 'asked') {
      const isIgnored = (name: string): boolean => spec.ignores.some((one) => one === name);
      for (const name of names.filter(isIgnored)) used.searchParams.delete(name);
      if (spec.provenances === 'ignored' || spec.self === 'short') used.searchParams.delete('_revinclude');
      if (spec.since === 'ignored') used.searchParams.delete('_lastUpdated');
    }
    return { self: `${base}${used.pathname}${used.search}` };
  };

  const search = (type: string, url: URL): Sent => {
    const how = types.get(type);
    if (how === undefined && spec.lacksBy404) return refusal(404, 'not-supported');
    if (how === undefined || how.search === 'unsearchable') return refusal(400, 'not-supported');
    if (how.search === 'refused') return refusal(403, 'forbidden');
    if (how.search === 'unauthorized') return refusal(401, 'login');
    if (spec.provenances === 'refused' && url.searchParams.has('_revinclude')) return refusal(400, 'not-supported');
    if (how.search === 'hides' && takenParameters(how).some((name) => url.searchParams.has(name)))
      return refusal(404, 'not-supported');
    const all = listed(type, url.searchParams.has('_lastUpdated'));
    const ids = url.searchParams.get('_id')?.split(',');
    const isIdUsed = !spec.ignores.includes('_id');
    const named = all.filter(({ id }) => !isIdUsed || (ids?.includes(id ?? '') ?? true));
    if (how.search === 'missesNone' && named.length === 0) return refusal(404, 'not-found');
    if (ids !== undefined) return page(named, usual, url, selfOf(url, isIdUsed));
    const isKnown = takenParameters(how).some((name) => url.searchParams.has(name));
    const other = takenOthers(spec, how).find((name) => url.searchParams.has(name));
    const isLimited = isKnown || other !== undefined;
    const isByPart = otherParametersOf(type).some((name) => url.searchParams.has(name));
    const isRead = how.pages === 'plain' && ['finds', 'informs'].includes(how.search) && !spec.hasParts;
    const isTold = isByPart || (isRead && all.some(({ isOthers }) => isOthers));
    const found = all.filter(
      ({ foundBy, isUnnamed, owner }) =>
        (!isLimited || foundBy === other) &&
        // Nobody could tell this from what a search for the member finds.
        (!isUnnamed || owner === 'member' || isTold || (!isLimited && !['asked', 'short'].includes(spec.self))),
    );
    if (how.search === 'missesNone' && found.length === 0) return refusal(404, 'not-found');
    const part = spec.ignores.includes(partParameter) ? null : url.searchParams.get(partParameter);
    if (!isLimited && !spec.isLax) return refusal(400, 'invalid');
    const ofPart = part === null ? found : found.filter((_, at) => at % 2 === Number(part));
    return page(ofPart, how, url, { ...selfOf(url, isLimited), isSearch: true });
  };

  const attached = new Map(
    held.flatMap((one) => one.attached).flatMap((one) => (one.from === undefined ? [] : [[one.from, one]])),
  );

  const document = ({ content, answers, contentType }: Attached): Sent => {
    if (answers === 'gone') return refusal(404, 'not-found');
    if (answers === 'refused') return refusal(403, 'forbidden');
    if (answers === 'broken') return refusal(500, 'exception');
    if (answers === 'login') return { headers: { 'content-type': 'text/html' }, body: '<html>' };
    const data = Buffer.from(content).toString('base64');
    const binary = {
      empty: {},
      redacted: { meta: { security: [redacted] }, data },
      wrapped: { data: data.replaceAll(/.{8}/g, '$&\r\n') },
      notBase64: { data: `-_${data.slice(2)}` },
    }[answers as string];
    if (binary !== undefined) return fhir({ resourceType: 'Binary', contentType, ...binary });
    const others: Record<string, string> = answers === 'others' ? { 'x-security-context': `Patient/${stranger}` } : {};
    return { headers: { 'content-type': contentType, ...others }, body: content };
  };

  return ({ path, url: asked }) => {
    const url = new URL(`http://payer.example${path}`);
    const [type = '', id, more] = url.pathname.slice(1).split('/');
    requests += 1;
    const hiccup = spec.hiccups.find(({ request }) => request === requests);
    const one = attached.get(asked);
    // It breaks off the document itself, not a Bundle sent in its place.
    if (hiccup?.fails === 'cut' && one !== undefined) return { ...document(one), cut: true };
    // Nobody could tell an error page in HTML from a document in HTML.
    const isAlike = hiccup?.fails === 'html' && one?.contentType.includes('html') === true;
    if (hiccup !== undefined && !isAlike) return failures[hiccup.fails]();
    if (one !== undefined) return document(one);
    if (url.pathname === '/metadata') return capabilities(spec);
    if (more === '$everything') return everything(url);
    if (id === undefined) return search(type, url);
    const found = byKey.get(`${type}/${id}`);
    if (found === undefined || found.reads === 'gone') return refusal(404, 'not-found');
    if (found.reads === 'refused') return refusal(403, 'forbidden');
    if (found.reads === 'unauthorized') return refusal(401, 'login');
    if (found.reads === 'broken') return refusal(500, 'exception');
    return { headers: { 'content-type': 'application/fhir+json' }, body: found.text };
  };
};
