import { otherParametersOf, parametersOf, patientParameters } from './r4.ts';
import type { AttachmentSpec, ChainSpec, ForeignSpec, PayerSpec, SenderSpec, Spelling, TypeSpec } from './spec.ts';

/** A resource as the payer has it. */
export interface Held {
  readonly type: string;
  readonly id: string | undefined;
  /** The payer's bytes, with its own white space. */
  readonly text: string;
  /** The bytes on one line, with the gateway's links. */
  readonly line: string;
  readonly owner: 'member' | 'stranger';
  /** Whether it names the member only in a way that cannot be compared, such as by identifier. Then it must be left out. */
  readonly isUnreferred: boolean;
  /** Whether it names nobody at all. */
  readonly isUnnamed: boolean;
  /** Whether it plainly names another patient, and not the member: in an answer that should be for the member alone, that shows that it is not. */
  readonly isOthers: boolean;
  /** The one parameter that finds it; undefined for those that find what is about the member. */
  readonly foundBy: string | undefined;
  /** Whether it is about the member's older id. */
  readonly isOlders: boolean;
  /** What the payer answers if the resource is read by itself. */
  readonly reads: ChainSpec['end'];
  /** Whether a search finds it, or `$everything` gives it; else it comes by reference alone. */
  readonly isListed: boolean;
  /** A Provenance, which no search by patient finds: a search of its target's type brings it along. */
  readonly isBrought: boolean;
  /** Did not change since the request's `_since`. */
  readonly isOld: boolean;
  /** The resources that it refers to, as `type/id`. */
  readonly refersTo: readonly string[];
  /** Its references that cannot be followed, as the type and why; the type is `resource` if nothing says it. */
  readonly unread: readonly string[];
  readonly attached: readonly Attached[];
}

/** An attachment as the payer has it. */
export interface Attached {
  /** The URL in the resource's line, if the attachment does not come. */
  readonly line: string;
  /** The URL to ask; undefined if the gateway may ask for nothing there. */
  readonly from: string | undefined;
  readonly content: string;
  readonly answers: AttachmentSpec['answers'];
  /** The gateway serves its URL in the resource's line. */
  readonly isServed: boolean;
  readonly contentType: string;
  /** It may be read, but its URL does not name a single Binary. */
  readonly isUnclear: boolean;
}

/** Whether the payer serves an attachment that is as its resource describes it. */
export const isAttachmentGiven = ({ answers }: Pick<Attached, 'answers'>): boolean =>
  ['given', 'textSize', 'redacted', 'wrapped'].includes(answers);

export const member = 'member-1';
export const stranger = 'victim';
export const redacted = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'REDACTED' };
const older = 'member-0';
/** The request's time, when there is one, lies between these. */
const oldTime = '2020-01-01T00:00:00Z';
export const since = '2023-01-01T00:00:00Z';
const newTime = '2025-01-01T00:00:00Z';

/** When a resource changed: what is outside the request's time is older than its `_since`, or newer than its `_until`. */
const timeOf = ({ isUntil }: PayerSpec, isOld = false): string => (isOld === (isUntil === true) ? newTime : oldTime);

export const keyOf = ({ type, id, line }: Pick<Held, 'type' | 'id' | 'line'>): string =>
  id === undefined ? line : `${type}/${id}`;

/** Elements of R4 that are lists and lead to a patient. */
const lists = new Set(['agent', 'entity', 'member', 'actor', 'participant', 'link', 'target', 'series']);

type Value = Record<string, unknown>;

/** Puts a reference where the path says. */
const placed = (path: string, reference: string): Record<string, unknown> => {
  const [first = '', ...rest] = path.split('.');
  const inner = rest.length === 0 ? { reference } : placed(rest.join('.'), reference);
  // Both `AuditEvent.entity` and `Group.member.entity` exist; only the first is a list.
  const isList = lists.has(first) && !(first === 'entity' && rest.length === 0);
  return { [first]: isList ? [inner] : inner };
};

/** The element that says whom a resource is about. */
const aboutOf = (type: string): string | undefined => patientParameters(type).get(parametersOf(type)[0] ?? '')?.[0];

/** With scheme and host in capitals, which mean the same (RFC 3986 §6.2.2.1). */
const inCapitals = (base: string): string => base.replace(new URL(base).origin, (origin) => origin.toUpperCase());

const urnOf = (target: string): string => `urn:uuid:${target.replaceAll('/', '-')}`;

/** The ways to write a reference that every reader can compare with the member's. */
const comparable: ReadonlySet<Spelling> = new Set(['relative', 'absolute', 'versioned']);

/** Why a reference cannot be followed, in the words of an account; undefined if it can. */
const whyUnread = (writes: Spelling): string | undefined => {
  if (writes === 'above') return 'elsewhere';
  return ['fragment', 'query', 'space', 'lower', 'urn', 'bareUrn'].includes(writes) ? 'form' : undefined;
};

const spelled = (base: string, spelling: Spelling, target: string): string =>
  ({
    relative: target,
    absolute: `${base}/${target}`,
    versioned: `${target}/_history/1`,
    fragment: `${target}#x`,
    query: `${target}?x=1`,
    space: ` ${target}`,
    slashed: `${target}/`,
    capitals: `${inCapitals(base)}/${target}`,
    rooted: `${new URL(base).pathname}/${target}`,
    network: `${base.replace(/^https?:/, '')}/${target}`,
    dotted: `./${target}`,
    above: `../${target}`,
    lower: target.replace(/^\w/, (letter) => letter.toLowerCase()),
    urn: urnOf(target),
    bareUrn: urnOf(target),
    elsewhere: `https://elsewhere.example/r4/Patient/${member}`,
  })[spelling];

/** Names by an identifier or a display only whom a resource is about. */
const unrefer = (value: unknown, how: string): void => {
  if (how !== 'identified' && how !== 'displayed') return;
  if (Array.isArray(value)) for (const one of value) unrefer(one, how);
  else if (typeof value === 'object' && value !== null) {
    if ('reference' in value) {
      delete (value as Value)['reference'];
      Object.assign(value, how === 'identified' ? { identifier: { value: '7' } } : { display: 'A member' });
    } else for (const one of Object.values(value)) unrefer(one, how);
  }
};

/** Adds a reference to a resource, in an extension, which each type may have. */
const refer = (value: Value, reference: string, type?: string): void => {
  ((value['extension'] ??= []) as object[]).push({
    url: 'http://example.org/refers-to',
    valueReference: { reference, ...(type === undefined ? {} : { type }) },
  });
};

/** Adds an attachment to a resource, in an extension, which each type may have. */
const attach = (
  { value, attached }: Draft,
  { at, answers, number, type }: AttachmentSpec & { readonly number: number },
  { listsPath, scope }: PayerSpec,
  base: string,
  facade: string,
): void => {
  const name = `a${number}`;
  const listed = `${new URL(base).origin}/documents/${name}`;
  const url = {
    binary: `Binary/${name}`,
    absolute: `${base}/Binary/${name}`,
    listed,
    elsewhere: `https://elsewhere.example/${name}`,
    rooted: spelled(base, 'rooted', `Binary/${name}`),
    network: spelled(base, 'network', `Binary/${name}`),
    dotted: spelled(base, 'dotted', `Binary/${name}`),
    odd: `Binary/${name}?v=1`,
    part: `Binary/${name}/content`,
    operation: `${base}/Binary/$download?id=${name}`,
  }[at];
  const below = `${base}/Binary/${name}`;
  const asked = {
    binary: below,
    absolute: below,
    rooted: below,
    network: below,
    dotted: below,
    odd: `${below}?v=1`,
    listed: listsPath ? url : undefined,
    elsewhere: undefined,
    part: undefined,
    operation: undefined,
  };
  const mayRead = scope?.includes('Binary') ?? true;
  const isUnclear = at === 'part' || at === 'operation';
  const content = `%PDF ${name}`;
  // A page in place of a page cannot be told from it.
  const contentType = answers === 'login' ? 'application/pdf' : type;
  const add = (size: number | string): void =>
    void ((value['extension'] ??= []) as object[]).push({
      url: 'http://example.org/attachment',
      valueAttachment: { contentType, url, size },
    });
  add(answers === 'textSize' ? String(content.length) : content.length + (answers === 'otherSize' ? 1 : 0));
  if (answers === 'twoSizes') add(content.length + 1);
  attached.push({
    line:
      at === 'listed' || at === 'elsewhere'
        ? url
        : `${facade}/${isUnclear || at === 'odd' ? url.replace(`${base}/`, '') : `Binary/${name}`}`,
    isServed: !['odd', 'part', 'operation', 'listed', 'elsewhere'].includes(at),
    from: mayRead ? asked[at] : undefined,
    isUnclear: isUnclear && mayRead,
    content,
    contentType,
    // A Binary outside the bases is not unwrapped.
    answers: isUnclear
      ? 'refused'
      : at === 'listed' && ['empty', 'redacted', 'wrapped', 'notBase64'].includes(answers)
        ? 'given'
        : answers,
  });
};

/** A draft of a resource, to which references are added before it is written. */
interface Draft extends Omit<Held, 'text' | 'line'> {
  readonly unread: string[];
  readonly attached: Attached[];
  readonly value: Value;
  readonly isSpaced: boolean;
  readonly refersTo: string[];
}

/** The links of an NDJSON line, which has no base of its own. */
const withLinks = (line: string, base: string, facade: string): string =>
  line
    .replaceAll(`"${base}/`, `"${facade}/`)
    .replaceAll(`"${inCapitals(base)}/`, `"${facade}/`)
    .replaceAll('"Binary/', `"${facade}/Binary/`)
    .replaceAll('"./Binary/', `"${facade}/Binary/`)
    .replaceAll(`"${new URL(base).pathname}/Binary/`, `"${facade}/Binary/`)
    .replaceAll(`"${base.replace(/^https?:/, '')}/Binary/`, `"${facade}/Binary/`);

const written = ({ value, isSpaced, ...held }: Draft, base: string, facade: string): Held => {
  // JSON.stringify writes neither trailing zeros nor needless escapes; payers do.
  const raw = (text: string): string => text.replaceAll('"1.00"', '1.00').replaceAll('@amp@', String.raw`\u0026`);
  return {
    ...held,
    text: raw(JSON.stringify(value, undefined, isSpaced ? 2 : undefined)),
    line: withLinks(raw(JSON.stringify(value)), base, facade),
  };
};

/** Everything that a payer holds, the member's and a stranger's. */
export const heldBy = (spec: PayerSpec, base: string, facade: string): readonly Held[] => {
  const drafts: Draft[] = [];
  const add = (type: string, id: string | undefined, about: string | undefined, more: Partial<Draft> = {}): Draft => {
    const path = aboutOf(type);
    const draft: Draft = {
      type,
      id,
      value: {
        resourceType: type,
        ...(id === undefined ? {} : { id }),
        meta: { lastUpdated: timeOf(spec, more.isOld) },
        ...(about === undefined || path === undefined ? {} : placed(path, about)),
      },
      isSpaced: false,
      owner: 'member',
      reads: 'given',
      isListed: true,
      isOld: false,
      isBrought: false,
      isUnreferred: false,
      isUnnamed: false,
      isOthers: false,
      foundBy: undefined,
      isOlders: false,
      refersTo: [],
      unread: [],
      attached: [],
      ...more,
    };
    drafts.push(draft);
    return draft;
  };
  const mine = `Patient/${member}`;
  const { patient, isMerged } = spec;
  const { value } = add('Patient', member, undefined, {
    isListed: patient === 'given' || patient === 'unsearched',
    reads: (
      {
        given: 'given',
        unlisted: 'given',
        undeclared: 'given',
        unsearched: 'given',
        absent: 'gone',
        refused: 'refused',
      } as const
    )[patient],
  });
  if (isMerged) value['link'] = [{ type: 'replaces', other: { reference: `Patient/${older}` } }];
  for (const one of spec.types) addOwn(one, isMerged, add, mine);
  spec.senders.forEach((one, number) => addSent(one, number, add, mine));
  const own = drafts.filter(({ foundBy }) => foundBy === undefined);
  // Of two with one id the first is kept, and the other is named: nobody is promised the attachments of that one.
  const single = own.filter((one) => own.filter((other) => keyIn(other.value) === keyIn(one.value)).length === 1);
  const linkTo = (from: Draft, target: Draft, writes: ChainSpec['writes']): void => {
    refer(from.value, spelled(base, writes, `${target.type}/${target.id}`), writes === 'urn' ? target.type : undefined);
    const why = whyUnread(writes);
    if (why === undefined) from.refersTo.push(`${target.type}/${target.id}`);
    else from.unread.push(`${writes === 'bareUrn' ? 'resource' : target.type} ${why}`);
  };
  spec.chains.forEach(({ from, types, isCircle, end, writes, isOld }, number) => {
    const links = types.map((type, at) => {
      const isMine = parametersOf(type).length > 0;
      const reads = at === types.length - 1 ? end : 'given';
      const isListed = isMine && reads === 'given';
      return add(type, `c${number}-${at}-${type}`, isMine ? mine : undefined, {
        reads,
        isListed,
        isOld,
      });
    });
    // A payer that grants a part may keep back the one of two that refers to it.
    // Of twins that differ the second is dropped, with what it refers to.
    const mayRefer = spec.limited === undefined && whyUnread(writes) === undefined ? own : single;
    [mayRefer[from % mayRefer.length]!, ...links].forEach((one, at) => {
      const next = links[at] ?? (isCircle ? links[0] : undefined);
      if (next !== undefined) linkTo(one, next, writes);
    });
  });
  spec.attachments.forEach((one, number) => {
    const holder = single[one.of % single.length];
    if (holder !== undefined) attach(holder, { ...one, number }, spec, base, facade);
  });
  if (spec.provenances !== 'none') {
    for (const { type, id, isOld, isUnreferred, isUnnamed, isOlders } of single) {
      if (type === 'Provenance' || id !== `${type}-0` || isUnreferred || isUnnamed || isOlders) continue;
      // Some changed before or after what they are about.
      const isApart = spec.since !== undefined && type.length % 2 === 0;
      const made = add('Provenance', `p-${type}`, undefined, {
        isListed: false,
        isBrought: true,
        isOld: isOld || isApart,
      });
      made.value['target'] = [{ reference: `${type}/${id}` }];
      made.refersTo.push(`${type}/${id}`);
    }
  }
  spec.foreign.forEach((one, number) => {
    const foreign = addForeign(one, number, add, base);
    if (one.how === 'hung') addHung(foreign, number, add);
    if (one.via === 'reference' && one.how !== 'unnamed')
      linkTo(
        own.findLast(({ isUnnamed }) => !isUnnamed)!,
        foreign,
        'relative',
      );
  });
  return drafts.map((draft) => written(draft, base, facade));
};

const keyIn = ({ resourceType, id }: Draft['value']): string => `${String(resourceType)}/${String(id)}`;

type Add = (type: string, id: string | undefined, about: string | undefined, more?: Partial<Draft>) => Draft;

/** Whether a type has an element that can say no more than whom a resource is about. */
const isPlainlyAbout = (type: string): boolean => ['patient', 'subject'].includes(aboutOf(type) ?? '');

const addOwn = ({ type, count, old, first }: TypeSpec, isMerged: boolean, add: Add, mine: string): void => {
  for (let at = 0; at < count; at += 1) {
    const is = (what: TypeSpec['first']): boolean => at === 0 && first === what;
    const id = is('nameless') ? undefined : `${type}-${at}`;
    const isUnreferred = (is('identified') || is('displayed')) && isPlainlyAbout(type);
    const isOlders = is('merged') && isPlainlyAbout(type);
    const isUnnamed = is('unnamed') && isPlainlyAbout(type) && type !== 'Device';
    const made = add(type, id, isUnnamed ? undefined : isOlders ? `Patient/${older}` : mine, {
      owner: isOlders && !isMerged ? 'stranger' : 'member',
      isOld: at < old,
      isSpaced: is('spaced'),
      isUnreferred,
      isUnnamed,
      isOthers: isOlders && !isMerged,
      isOlders,
    });
    if (isUnreferred) unrefer(made.value, first);
    if (is('decimals')) Object.assign(made.value, { valueDecimal: '1.00', text: 'a @amp@ b' });
    if (is('contained')) {
      made.value['contained'] = [{ resourceType: 'Practitioner', id: 'p1' }];
      refer(made.value, '#p1');
    }
    if (is('containsOthers') && isPlainlyAbout(type)) {
      made.value['contained'] = [
        { resourceType: 'Coverage', id: 'c1', beneficiary: { reference: `Patient/${stranger}` } },
      ];
    }
    if (is('redacted')) made.value['meta'] = Object.assign({}, made.value['meta'] as object, { security: [redacted] });
    if (is('parent')) {
      if (type === 'Coverage') Object.assign(made.value, { subscriber: { reference: 'Patient/parent' } });
      else refer(made.value, 'Patient/parent');
    }
    if (is('twin') || is('otherTwin')) {
      const twin = add(type, id, mine, { isOld: at < old });
      if (is('otherTwin')) twin.value['language'] = 'en';
    }
  }
};

/** The parameter of R4 that finds what a spec describes. */
export const senderParameter = ({ type, by }: SenderSpec): string => {
  const all = otherParametersOf(type);
  return all[by % all.length]!;
};

const addSent = (one: SenderSpec, number: number, add: Add, mine: string): void => {
  const foundBy = senderParameter(one);
  const made = add(one.type, `s${number}-${one.type}`, undefined, { foundBy });
  Object.assign(made.value, placed(patientParameters(one.type).get(foundBy)![0]!, mine));
};

const hung = [
  'List',
  'Task',
  'Communication',
  'AuditEvent',
  'VerificationResult',
  'DocumentManifest',
  'PaymentNotice',
  'DiagnosticReport',
] as const;

/** Whether it names nobody, and is about another patient's. */
export const isHung = ({ id }: Pick<Held, 'id'>): boolean => /^[hg]\d+-/.test(id ?? '');

/** The type of what names the member and a stranger. */
export const sharedType = (number: number): string => ['Group', 'Person', 'Appointment'][number % 3]!;

/** The type of what is about a stranger's resource. */
export const hungType = (number: number): (typeof hung)[number] => hung[number % hung.length]!;

/** Adds a resource that names nobody and is about a stranger's, which may be beyond the request. */
const addHung = ({ type, id }: Draft, number: number, add: Add): void => {
  const what = { reference: `${type}/${id}` };
  const places = {
    List: { entry: [{ item: what }] },
    Task: { focus: what },
    Communication: { about: [what] },
    AuditEvent: { entity: [{ what }] },
    VerificationResult: { target: [what] },
    DocumentManifest: { content: [what] },
    PaymentNotice: { request: what },
    DiagnosticReport: { result: [what] },
  };
  const own = hungType(number);
  const owner = 'stranger';
  // A List that refers to it comes first, and belongs to the same patient.
  const list = add('List', `g${number}-List`, undefined, { owner });
  list.value['entry'] = [{ item: { reference: `${own}/h${number}-${own}` } }];
  const made = add(own, `h${number}-${own}`, undefined, { owner });
  Object.assign(made.value, places[own]);
};

const addForeign = ({ type, writes, via, how }: ForeignSpec, number: number, add: Add, base: string): Draft => {
  const theirs = spelled(base, how === 'hung' ? 'relative' : writes, `Patient/${stranger}`);
  const more = { owner: 'stranger' as const, isListed: via === 'page' };
  const patient = { resourceType: 'Patient', id: stranger, name: [{ family: 'Else' }] };
  if (how === 'bundle' || how === 'parameters') {
    const isBundle = how === 'bundle';
    const made = add(isBundle ? 'Bundle' : 'Parameters', `f${number}-${how}`, undefined, more);
    if (isBundle) Object.assign(made.value, { type: 'collection', entry: [{ resource: patient }] });
    else Object.assign(made.value, { parameter: [{ name: 'patient', resource: patient }] });
    return made;
  }
  if (how === 'shared') {
    const shared = sharedType(number);
    const made = add(shared, `f${number}-${shared}`, `Patient/${member}`, more);
    // Whoever has a URN may be a practitioner.
    const named = writes === 'urn' || writes === 'bareUrn' ? `Patient/${stranger}` : theirs;
    for (const [name, others] of Object.entries(placed(aboutOf(shared)!, named)))
      (made.value[name] as unknown[]).push(...(others as unknown[]));
    return made;
  }
  if (how === 'unnamed')
    return add('Observation', `f${number}-Observation`, undefined, { ...more, isUnnamed: true, isListed: true });
  if (type === 'Patient') return add('Patient', `${stranger}${number}`, undefined, { ...more, isOthers: true });
  if (how === 'lastElement') {
    const made = add(type, `f${number}-${type}`, undefined, more);
    Object.assign(made.value, placed(patientParameters(type).get(parametersOf(type)[0]!)!.at(-1)!, theirs));
    return made;
  }
  const isOthers = how === 'hung' || (how === 'about' && comparable.has(writes));
  const made = add(type, `f${number}-${type}`, theirs, { ...more, isOthers });
  if (isPlainlyAbout(type)) unrefer(made.value, how);
  if (how === 'bothPatients') {
    const other = aboutOf(type) === 'patient' ? 'subject' : 'patient';
    made.value[other] = { reference: `Patient/${member}` };
  }
  return made;
};
