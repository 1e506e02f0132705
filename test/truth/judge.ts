import { isComplete, type StoredManifest, type TypeOutcome } from '../../functions/shared/exports/manifest.ts';
import { isAttachmentGiven, isHung, keyOf, member, type Attached, type Held } from './held.ts';
import {
  endsBefore,
  halfOf,
  isDeclared,
  isUndeclared,
  profileSearches,
  repeats,
  strays,
  takenOthers,
  takenParameters,
  totalOfAllLies,
  typesOf,
} from './payer.ts';
import { parametersOf } from './r4.ts';
import { didAnyOfMemberCome, hasStrangeHiccup, isTrue, refuses, type Facts } from './reasons.ts';
import type { PayerSpec, TypeSpec } from './spec.ts';

/** What the partner was given. */
export interface Account {
  readonly manifest: StoredManifest;
  readonly lines: readonly string[];
  readonly errors: readonly string[];
  /** The attachments, by the last segment of their URLs. */
  readonly attachments: ReadonlyMap<string, { readonly bytes: Buffer; readonly contentType?: string | undefined }>;
}

type Promised =
  | 'what is called complete is'
  | "what came is the member's"
  | 'what is missing is named'
  | 'what came is not called missing';

/** A promise that an account breaks. */
export interface Violation {
  readonly promise: Promised;
  readonly kind: string;
  readonly about: string;
}

/** Whether the request is for this type, and the grant allows it. */
const isWanted = ({ scope, asked }: PayerSpec, type: string): boolean =>
  (scope?.includes(type) ?? true) && (asked?.includes(type) ?? true);

const isCurrent = (spec: PayerSpec, one: Held): boolean => spec.since === undefined || !one.isOld;

/** Whether the gateway can know that the payer finds one by the parameter that finds it. */
const isFoundBy = (spec: PayerSpec, { type, foundBy }: Held): boolean => {
  if (foundBy === undefined || (spec.everything === 'whole' && isAskedForAll(spec))) return true;
  const how = typesOf(spec).get(type)!;
  const isAsked = isUndeclared(spec) || (spec.metadata === 'searches' && isDeclared(spec, type));
  return isAsked && takenOthers(spec, how).includes(foundBy);
};

/** Whether the payer says to all that it is asked that it does not have the type, and has not declared it. */
const isHidden = (spec: PayerSpec, { type }: Held): boolean => {
  const how = typesOf(spec).get(type)!;
  return how.search === 'hides' && isUndeclared(spec) && !isDeclared(spec, type) && takenOthers(spec, how).length === 0;
};

/** Only a scope for every type lets the gateway ask for `$everything`. */
const isAskedForAll = (spec: PayerSpec): boolean =>
  spec.scope === undefined &&
  spec.limited === undefined &&
  profileSearches(spec) === undefined &&
  !(spec.since !== undefined && spec.isUntil === true);

/**
 * Whether the member's resource that names nobody shows by how it came whose it is: in `$everything`, or in a search that says by its own
 * link that it was for the member, if nothing in the answer is another patient's. What it refers to may show it, too; then nobody asks here.
 */
const isShown = (
  spec: PayerSpec,
  { type, refersTo, unread }: Held,
  held: readonly Held[],
  key: string,
): boolean | undefined => {
  const how = typesOf(spec).get(type)!;
  const isAlone = refersTo.length + unread.length === 0 && held.every((one) => !one.refersTo.includes(key));
  const hasTrouble = spec.hiccups.length > 0 || spec.limited !== undefined || spec.since !== undefined;
  if (halfOf(spec) !== undefined) return undefined;
  if (!isAlone || hasTrouble || spec.hasParts) return undefined;
  const isByAll = spec.everything === 'whole' && isAskedForAll(spec);
  const strangers = held.filter(
    (one) => (one.owner === 'stranger' || one.isOlders) && one.isListed && (isByAll || one.type === type),
  );
  const isForMemberAlone = strangers.some(({ isOthers }) => isOthers) ? false : strangers.length > 0 ? undefined : true;
  if (isByAll) return isForMemberAlone;
  const isPlain = how.pages === 'plain' && ['finds', 'informs'].includes(how.search);
  if (spec.everything !== 'none' || !isPlain) return undefined;
  if (!['used', 'short', 'asked'].includes(spec.self)) return false;
  const isKnown = spec.metadata === 'searches' && isDeclared(spec, type) && takenParameters(how).length > 0;
  return isKnown ? isForMemberAlone : undefined;
};

/**
 * The member's resources that the payer holds: those that a search or `$everything` gives, or would give, and those that
 * the record refers to, which the payer gives when they are read.
 */
const wholeRecord = (spec: PayerSpec, held: readonly Held[], came: ReadonlySet<string>): readonly Held[] => {
  // What a payer forgets, and nothing refers to, nobody can know of. Nor what is found by a parameter that it does not declare.
  const isForgotten = (one: Held): boolean =>
    !came.has(keyOf(one)) &&
    (typesOf(spec).get(one.type)?.search === 'forgets' || isHidden(spec, one) || !isFoundBy(spec, one));
  // A payer that declares that it brings Provenances may be believed, unless it says which parameters it used.
  // If $everything brings one, it is taken to bring all, as the document says.
  const withEverything =
    ['whole', 'short'].includes(spec.everything) &&
    held.some((one) => one.type === 'Provenance' && one.isListed && came.has(keyOf(one)));
  const isBrought = !withEverything && (spec.provenances !== 'ignored' || spec.self === 'used');
  const byKey = new Map(held.map((one) => [keyOf(one), one]));
  const whole = new Map<string, Held>();
  const seen = new Set<string>();
  const visit = (one: Held): void => {
    const key = keyOf(one);
    if (seen.has(key) || one.owner !== 'member' || one.reads !== 'given' || !isWanted(spec, one.type)) return;
    seen.add(key);
    if (isCurrent(spec, one)) whole.set(key, one);
    // What only a resource refers to that a search should have brought is not known without it.
    if (!came.has(key) && (one.isListed || !isCurrent(spec, one))) return;
    for (const target of one.refersTo) {
      const next = byKey.get(target);
      if (next !== undefined) visit(next);
    }
  };
  for (const one of held)
    if ((one.isListed && !isForgotten(one)) || (one.type === 'Patient' && spec.since === undefined)) visit(one);
  // Those of what never came belong to the record as well.
  for (const one of held)
    if (
      one.isBrought &&
      (came.has(one.refersTo[0]!) || whole.has(one.refersTo[0]!)) &&
      (isBrought || came.has(keyOf(one)))
    )
      visit(one);
  return [...whole.values()];
};

/** Whether the gateway is told that an older id is the member's. */
const saysMerged = (spec: PayerSpec): boolean =>
  spec.isMerged && spec.patient === 'given' && spec.since === undefined && isWanted(spec, 'Patient');

/** Whether the payer has an attachment that may be asked for, and does not give it. One that it does not have is not missing. */
const isMissed = (one: Attached): boolean =>
  one.isUnclear || (one.from !== undefined && !isAttachmentGiven(one) && one.answers !== 'gone');

/** Whether the payer does not bring each Provenance with what it is about, as it declares. */
const bringsNotAll = (facts: Facts): boolean =>
  facts.spec.provenances !== 'declared' ||
  facts.spec.self === 'short' ||
  isUndeclared(facts.spec) ||
  // What a search cannot find came with $everything.
  facts.spec.senders.some(({ isTaken }) => !isTaken) ||
  facts.spec.asked !== undefined ||
  [...typesOf(facts.spec).keys()].some((type) => type !== 'Provenance' && troubles(facts, type).length > 0);

/** Whether a search of a type has a true total above the entries of each page, which only that of all pages is. */
const isTotalAbovePage = ({ spec, held }: Facts, { type, total, pageSize, filters }: TypeSpec): boolean => {
  const list = held.filter(
    (one) => one.type === type && one.isListed && one.foundBy === undefined && isCurrent(spec, one),
  );
  // Beside a page's matches are a Provenance and a remark at most.
  const isMore = new Set(list.map(keyOf)).size > pageSize + 2 && !spec.isGenerous;
  return !spec.ignoresTotals && ['true', 'text'].includes(total) && filters === 'none' && isMore;
};

/** Why a type may be called something other than complete although all of it came. */
const troubles = (facts: Facts, type: string): readonly string[] => {
  const { spec, held, came } = facts;
  const how = typesOf(spec).get(type);
  const found: string[] = [];
  if (spec.limited?.includes(type) === true) found.push('the payer grants a part of it');
  if (halfOf(spec)?.type === type) found.push('the scope covers only reads or searches of it');
  if (spec.everything === 'broken' || spec.everything === 'cut') found.push('$everything fails');
  if (isUndeclared(spec)) found.push('nobody knows what is declared');
  if (totalOfAllLies(spec)) found.push('the total of $everything lies');
  if (spec.everything !== 'none' && [...typesOf(spec).values()].some(repeats))
    found.push('the pages of $everything repeat');
  if (type === 'Provenance' && bringsNotAll(facts)) found.push('no search brings some');
  if (how === undefined) return [...found, 'the payer does not have the type'];
  if (takenParameters(how).length === 0 || refuses(spec, type)) found.push('no search finds it');
  if (how.filters === 'one') found.push('the profile searches a part of it');
  const isPlain = ['finds', 'informs', 'missesNone'].includes(how.search);
  if (!isPlain) found.push(how.search);
  if (how.search === 'missesNone' && !came.has(`Patient/${member}`))
    found.push('404 may mean that it does not know the member');
  if (how.total === 'high' && !spec.ignoresTotals) found.push('its total lies');
  if (strays(how) !== undefined || endsBefore(how) || ['wrapped', 'forked'].includes(how.pages))
    found.push('its pages lead astray');
  if (how.pages === 'stuck' || (how.pages === 'loop' && !isTotalAbovePage(facts, how)))
    found.push('its pages lead back');
  if (how.total === 'odd' && !spec.ignoresTotals) found.push('its total cannot be read');
  if (repeats(how)) found.push('its pages repeat');
  if (spec.everything === 'short' && how.isShort) found.push('$everything leaves it out');
  if (type === 'Patient' && (spec.patient === 'absent' || spec.patient === 'refused'))
    found.push('there is no Patient');
  if (type === 'Patient' && spec.patient === 'undeclared' && spec.everything !== 'none')
    found.push('what is said of $everything counts for it, as no search of its own ends');
  if (held.some(({ unread }) => unread.some((text) => text.startsWith(`${type} `))))
    found.push('a reference to one cannot be followed');
  for (const one of held) {
    if (one.type !== type) continue;
    if (one.reads !== 'given' && one.reads !== 'gone') found.push('the payer does not give one');
    if (one.isOlders && !saysMerged(spec)) found.push('whose the older id is was not known');
    if (one.text.includes('"REDACTED"')) found.push('one is labeled');
    if (one.attached.some(({ answers }) => answers === 'redacted')) found.push('an attachment is labeled');
    if (one.attached.some(isMissed) || (one.attached.length > 0 && hasStrangeHiccup(spec)))
      found.push('an attachment does not come');
    if (isHung(one) || one.isUnnamed) found.push('nothing shows whose one is');
    if (one.isUnreferred) found.push('whom one is about cannot be read');
    if (one.owner === 'stranger') found.push("another patient's was left out");
  }
  return found;
};

/** How the payer would have given a resource that is missing. */
const wayTo = (spec: PayerSpec, { type, isListed, id }: Held): string => {
  if (!isListed) return 'by reference alone';
  const how = typesOf(spec).get(type);
  if (how === undefined || takenParameters(how).length === 0) return 'no search by patient';
  if (spec.everything === 'short' && how.isShort) return 'not in a short $everything';
  if (how.search !== 'finds') return `search ${how.search}`;
  if (how.pages !== 'plain') return `pages ${how.pages}`;
  const also = id?.startsWith('c') === true ? ', also by reference' : '';
  return `by search, CapabilityStatement ${spec.metadata}${also}`;
};

const isGateways = (line: string): boolean =>
  line.startsWith('{"resourceType":"Provenance"') && line.includes('"transmitter"');

/** Whether the payer sends the first two that it lists of a type, and not what is older only. */
const isSent = (spec: PayerSpec, held: readonly Held[], type: string): boolean => {
  const { pages = '', pageSize = 1, search = '' } = typesOf(spec).get(type) ?? {};
  const isPaged =
    pageSize > 1 || ['plain', 'repeat', 'relative', 'mapped', 'header', 'nextPage', 'wrapped', 'loop'].includes(pages);
  const list = held.filter((one) => one.type === type && one.isListed && !one.isUnnamed && one.foundBy === undefined);
  const isShort = ['forgets', 'suppresses', 'labels'].includes(search) && list.length <= 2;
  return spec.since === undefined && isPaged && !isShort && list.some(({ id }) => id === `${type}-0`);
};

/** What few payers bring about. Where none does, the promise of it is kept by nobody's doing. */
export const rareStates = [
  'a record that is complete',
  'one that names nobody, and is the member’s by how it came',
  'one that names nobody, and nothing shows whose it is',
  'a stranger’s that names nobody, beside what is plainly another patient’s',
  'one that names the member and another patient',
  'one that came by a reference only',
  'the second of two with one id',
  'a stranger’s in $everything',
] as const;
export type RareState = (typeof rareStates)[number];

/** Judges the account of a record by what is true of it. @param reach is told of each state that few payers bring about */
export const judge = (
  spec: PayerSpec,
  held: readonly Held[],
  account: Account,
  reach: (state: RareState) => void,
): readonly Violation[] => {
  const { manifest, lines } = account;
  const violations: Violation[] = [];
  const say = (promise: Promised, kind: string, about: string): void => void violations.push({ promise, kind, about });
  const known = Map.groupBy(held, keyOf);

  const attached = new Map(held.flatMap((one) => one.attached).map((one) => [one.content, one]));
  const cameAttached = new Set<Attached>();
  /** A line with the URLs that it would have without its attachments' files. */
  const withoutFiles = (line: string): string =>
    line.replaceAll(/"http:\/\/localhost:3000\/exports\/[^"]*\/(attachment-\d+)"/g, (link, name: string) => {
      const file = account.attachments.get(name);
      const one = attached.get(file?.bytes.toString() ?? '');
      if (one === undefined) say("what came is the member's", 'an attachment with other bytes', line);
      else if (one.from === undefined || !isAttachmentGiven(one))
        say("what came is the member's", 'an attachment that the payer does not give', line);
      else if (file?.contentType !== one.contentType)
        say("what came is the member's", 'an attachment of another type', line);
      else cameAttached.add(one);
      return one === undefined ? link : `"${one.line}"`;
    });

  const came = new Set<string>();
  for (const given of lines) {
    if (isGateways(given)) continue;
    const line = withoutFiles(given);
    const { resourceType: type, id } = JSON.parse(line) as { resourceType: string; id?: string };
    const key = keyOf({ type, id, line });
    const [one, ...twins] = known.get(key) ?? [];
    if (came.has(key)) say("what came is the member's", 'twice', key);
    came.add(key);
    if (one === undefined) say("what came is the member's", 'not what the payer has', line);
    else if (one.owner !== 'member') say("what came is the member's", "another patient's", one.text);
    else if (![one, ...twins].some((twin) => twin.line === line)) say("what came is the member's", 'other bytes', line);
    if (!isWanted(spec, type)) say("what came is the member's", 'not asked for, or beyond the scope', line);
    const isGivenAnyhow =
      spec.since === 'ignored' && spec.isUntil !== true && one !== undefined && (one.isListed || one.isBrought);
    if (one !== undefined && !isCurrent(spec, one) && !isGivenAnyhow)
      say("what came is the member's", 'older than _since, or newer than _until', line);
  }

  const whole = wholeRecord(spec, held, came);
  const missing = Map.groupBy(
    whole.filter((one) => !came.has(keyOf(one))),
    ({ type }) => type,
  );
  const outcomes = new Map<string, TypeOutcome>(manifest.outcomes.map((one) => [one.type, one]));
  for (const [type, list] of missing) {
    const outcome = outcomes.get(type);
    const way = wayTo(spec, list[0]!);
    const about = `${type} ${list.map(({ id }) => id).join(', ')} did not come; ${JSON.stringify(outcome)}`;
    if (outcome === undefined) say('what is missing is named', `unnamed, ${way}`, about);
    else if (outcome.outcome === 'complete') say('what is called complete is', `a type, ${way}`, about);
    else if (troubles({ spec, held, came }, type).length === 0)
      say('what is missing is named', `without a true reason, ${way}`, about);
  }

  const typeOf = (line: string): string => (JSON.parse(line) as { resourceType: string }).resourceType;
  const linesOf = Map.groupBy(lines, typeOf);
  const files = Map.groupBy(
    manifest.files.filter(({ kind }) => kind === 'output'),
    ({ type }) => type,
  );
  const ours = lines.filter(isGateways).length;
  if (ours !== Number(isWanted(spec, 'Provenance')))
    say('what came is not called missing', "the gateway's own Provenance, or none of it", String(ours));
  for (const type of new Set([...linesOf.keys(), ...files.keys(), ...outcomes.keys()])) {
    const inFiles = (files.get(type) ?? []).reduce((sum, { count }) => sum + count, 0);
    const counts = {
      inFiles,
      came: linesOf.get(type)?.length ?? 0,
      said: (outcomes.get(type)?.count ?? 0) + (type === 'Provenance' ? ours : 0),
    };
    if (new Set(Object.values(counts)).size > 1)
      say('what is called complete is', 'files and outcomes with other counts', `${type}: ${JSON.stringify(counts)}`);
  }

  const profileTypes = new Set((profileSearches(spec) ?? []).map((text) => text.replace(/\?.*/, '')));
  const given = Map.groupBy(came, (key) =>
    key.startsWith('{') ? (JSON.parse(key) as { resourceType: string }).resourceType : key.split('/')[0]!,
  );
  for (const { type, outcome, count, reason } of manifest.outcomes) {
    const number = given.get(type)?.length ?? 0;
    const about = `${type}: ${outcome} ${count}, ${reason ?? 'no reason'}; ${number} came`;
    if (count !== number) say('what is called complete is', 'another count', about);
    if (outcome === 'complete' && typesOf(spec).get(type)?.filters === 'one')
      say('what is called complete is', 'a type of which the profile searches a part', about);
    if (outcome === 'complete' && spec.limited?.includes(type) === true)
      say('what is called complete is', 'a type of which the payer granted a part', about);
    const isLabeled = held.some((one) => one.type === type && one.text.includes('"REDACTED"') && came.has(keyOf(one)));
    if (outcome === 'complete' && isLabeled)
      say('what is called complete is', 'a type of which one resource is labeled as redacted', about);
    const isPlain = spec.everything === 'none' && spec.since === undefined && !spec.hasParts;
    const last = held.findLast((one) => one.isListed && one.type === type && one.foundBy === undefined);
    const { search, first = '' } = typesOf(spec).get(type) ?? {};
    const isForgetful =
      isPlain && search === 'forgets' && ['plain', 'spaced', 'decimals', 'contained', 'parent'].includes(first);
    const isReferredTo = isForgetful && last?.owner === 'member' && came.has(keyOf(last));
    if (isReferredTo) reach('one that came by a reference only');
    if (outcome === 'complete' && isReferredTo)
      say('what is called complete is', 'a type of which one came by a reference only', about);
    const isTwin = typesOf(spec).get(type)?.first === 'otherTwin' && number > 0 && isSent(spec, held, type);
    if (isTwin) reach('the second of two with one id');
    if (outcome === 'complete' && isTwin)
      say('what is called complete is', 'a type of which the second of two with one id is dropped', about);
    const left = `of type ${type} on page `;
    const guessed = 'by a parameter that the payer may not know';
    if (
      outcome === 'complete' &&
      type !== 'Patient' &&
      account.errors.some((error) => error.includes(left) && !error.includes(guessed))
    )
      say('what is called complete is', 'a type of which something was left out', about);
    if (spec.asked?.includes(type) === false || (!isWanted(spec, type) && outcome !== 'refusedByScope'))
      say('what came is not called missing', 'a type that nobody asked for', about);
    // A grant that is limited in part names every type.
    const isNamedByAny =
      (spec.asked ?? spec.scope)?.includes(type) ?? (spec.limited !== undefined || profileTypes.has(type));
    if (
      spec.lacksBy404 &&
      !typesOf(spec).has(type) &&
      !isNamedByAny &&
      outcome !== 'refusedByScope' &&
      // Those of other types may be missing all the same.
      reason?.startsWith('Provenance is not complete') !== true &&
      number === 0 &&
      didAnyOfMemberCome({ held, came })
    )
      say('what came is not called missing', 'a type that the payer says it does not have', about);
    if (outcome === 'refusedByScope' && ((spec.scope?.includes(type) ?? true) || number > 0)) {
      say('what came is not called missing', 'not refused by the scope', about);
    }
    const isCalledMissing = outcome !== 'complete' && outcome !== 'refusedByScope';
    if (isCalledMissing && !missing.has(type) && troubles({ spec, held, came }, type).length === 0) {
      say('what came is not called missing', 'a type', about);
    }
    const isUnread = manifest.outcomes.some(
      (one) =>
        ['incomplete', 'notRead', 'refusedByPayer'].includes(one.outcome) &&
        one.type !== 'Provenance' &&
        parametersOf(one.type).length > 0 &&
        !one.reason?.includes('attachment'),
    );
    const isReferred = spec.scope?.includes(type) === true && type !== 'Patient' && parametersOf(type).length === 0;
    if (outcome === 'complete' && number === 0 && isReferred && isUnread)
      say('what is called complete is', 'a type to which what did not come may refer', about);
    if (reason?.includes('was not read to its end') === true && manifest.outcomes.length === 1)
      say('what is missing is named', 'with a record that is said not to be read', about);
    if (outcome === 'complete' && type === 'Patient' && number === 0 && spec.since === undefined) {
      say('what is called complete is', 'a record without its Patient', about);
    }
  }
  for (const one of held) {
    if (!came.has(keyOf(one)) || one.owner !== 'member') continue;
    const outcome = outcomes.get(one.type)?.outcome;
    if (outcome === 'complete' && one.attached.some((each) => each.answers === 'redacted' && cameAttached.has(each)))
      say('what is called complete is', 'a type of which an attachment is labeled', keyOf(one));
    for (const { answers, ...file } of one.attached.filter(
      (each) => (each.from !== undefined || each.isUnclear) && !cameAttached.has(each),
    )) {
      const about = `${keyOf(one)} without ${JSON.stringify(file)}`;
      if (outcome === 'complete' && answers !== 'gone')
        say('what is called complete is', `a type without an attachment, ${answers}`, about);
      if (isAttachmentGiven({ answers }) && !hasStrangeHiccup(spec))
        say('what is missing is named', 'an attachment that the payer gives', about);
      if (!account.errors.some((error) => error.startsWith('An attachment of ')))
        say('what is missing is named', `unnamed, an attachment, ${answers}`, about);
    }
  }
  for (const one of held) {
    if (!came.has(keyOf(one)) || one.owner !== 'member') continue;
    for (const unread of one.unread) {
      const [type = ''] = unread.split(' ');
      const isSaid =
        type === 'resource' ? !isComplete(manifest) : outcomes.has(type) && outcomes.get(type)?.outcome !== 'complete';
      if (!isSaid && type !== 'Patient' && (type === 'resource' || isWanted(spec, type)))
        say(
          'what is called complete is',
          'a type with a reference that cannot be followed',
          `${keyOf(one)}: ${unread}`,
        );
    }
  }
  const hasUnnamed = held.some(({ owner, isUnnamed }) => owner === 'stranger' && isUnnamed);
  if (
    hasUnnamed &&
    spec.everything === 'whole' &&
    isAskedForAll(spec) &&
    held.some((one) => one.isOthers && one.isListed)
  )
    reach('a stranger’s that names nobody, beside what is plainly another patient’s');
  for (const one of held) {
    const key = keyOf(one);
    if (one.owner !== 'member' || !one.isUnnamed || !isWanted(spec, one.type)) continue;
    const isShownHere = isShown(spec, one, held, key);
    if (isShownHere === true) reach('one that names nobody, and is the member’s by how it came');
    if (isShownHere === false) reach('one that names nobody, and nothing shows whose it is');
    if (isShownHere === true && !came.has(key))
      say('what is missing is named', 'one that names nobody, and came in answer to a search for the member', key);
    if (isShownHere === false && came.has(key))
      say("what came is the member's", 'one that names nobody, and nothing shows whose it is', key);
  }
  for (const one of held) {
    if (!came.has(keyOf(one)) || one.owner !== 'member') continue;
    for (const [type = ''] of one.refersTo.map((name) => name.split('/'))) {
      const isBeyond = spec.scope?.includes(type) === false && (spec.asked?.includes(type) ?? true);
      if (isBeyond && type !== 'Patient' && outcomes.get(type)?.outcome !== 'refusedByScope')
        say(
          'what is missing is named',
          'a type that the record refers to and the scope does not cover',
          `${keyOf(one)}: ${type}`,
        );
    }
  }
  const isUnsaid = ['none', 'empty'].includes(spec.metadata) && spec.everything === 'none' && !spec.hasParts;
  const isMore = [...given.keys()].some(
    (type) => !['Patient', 'Provenance'].includes(type) && parametersOf(type).length > 0,
  );
  if (
    isUnsaid &&
    isMore &&
    isWanted(spec, 'Provenance') &&
    (outcomes.get('Provenance')?.outcome ?? 'complete') === 'complete'
  )
    say('what is missing is named', 'Provenances that a search may bring, though no statement says so', spec.metadata);
  for (const type of spec.scope ?? []) {
    const isNamed = (spec.asked?.includes(type) ?? true) && type !== 'Binary';
    if (isNamed && !outcomes.has(type)) say('what is missing is named', 'a type that the scope names', type);
  }
  const reasons = manifest.outcomes.flatMap(({ reason }) => reason ?? []);
  for (const sentence of new Set([...account.errors, ...reasons])) {
    const truth = isTrue(sentence, { spec, held, came });
    if (truth === undefined) say('what is missing is named', 'in words that are not known', sentence);
    if (truth === false) say('what is missing is named', 'with a reason that is not true', sentence);
  }
  for (const { type, owner, isListed, text } of held) {
    const how = typesOf(spec).get(type)!;
    const isSearched = spec.metadata === 'searches' && isDeclared(spec, type) && takenParameters(how).length > 0;
    const isPlain = how.search === 'finds' && how.pages === 'plain' && !spec.hasParts && spec.limited === undefined;
    const isFound =
      halfOf(spec) === undefined &&
      isSearched &&
      isPlain &&
      isListed &&
      isWanted(spec, type) &&
      spec.since === undefined;
    const isShared = owner === 'stranger' && text.includes(`"Patient/${member}"`);
    const isFoundShared = isShared && isFound && spec.everything === 'none';
    if (isFoundShared) reach('one that names the member and another patient');
    if (isFoundShared && outcomes.get(type)?.outcome === 'complete')
      say('what is missing is named', 'one that names the member, too, was left out unsaid', text);
  }
  const strangers = held.filter(
    ({ owner, isListed, isUnnamed, isOld, type }) =>
      owner === 'stranger' && isListed && !isUnnamed && !(isOld && spec.since === 'heeded') && isWanted(spec, type),
  );
  const isAmongAll = spec.everything === 'whole' && isAskedForAll(spec) && strangers.length > 0;
  if (isAmongAll) reach('a stranger’s in $everything');
  if (isAmongAll && !account.errors.some((error) => error.includes('left out'))) {
    say('what is missing is named', 'a stranger’s resource was left out unsaid', strangers.map(keyOf).join());
  }
  if (isComplete(manifest)) reach('a record that is complete');
  if (isComplete(manifest) && missing.size > 0) {
    say('what is called complete is', 'the record', [...missing.keys()].join(', '));
  }
  return violations;
};
