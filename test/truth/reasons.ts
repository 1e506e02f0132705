import { isHung, keyOf, member, type Attached, type Held } from './held.ts';
import {
  halfOf,
  isDeclared,
  isUndeclared,
  repeats,
  strays,
  takenOthers,
  takenParameters,
  totalOfAllLies,
  typesOf,
} from './payer.ts';
import { parametersOf } from './r4.ts';
import type { Hiccup, PayerSpec, TypeSpec } from './spec.ts';

/** Whether a request may once be answered with a Bundle in another charset, which is no failure of an attachment's to try again. */
export const hasStrangeHiccup = ({ hiccups }: PayerSpec): boolean => hiccups.some(({ fails }) => fails === 'latin');

/** Whether a search of a type ends without something that it finds. */
const endsShort = (how: TypeSpec): boolean =>
  ['suppresses', 'labels', 'forgets'].includes(how.search) || repeats(how) || strays(how) !== undefined;

/** Whether a request for the payer's statement fails. The first three requests at most are for it. */
const hasStatementHiccup = ({ hiccups }: PayerSpec): boolean => hiccups.some(({ request }) => request <= 3);

/** What a sentence of an account may be compared with. */
export interface Facts {
  readonly spec: PayerSpec;
  readonly held: readonly Held[];
  /** The resources that the partner has. */
  readonly came: ReadonlySet<string>;
}

/** Whether the payer gave anything of the member's: then it knows the member, and what it says it lacks is not missing. */
export const didAnyOfMemberCome = ({ held, came }: Pick<Facts, 'held' | 'came'>): boolean =>
  held.some((one) => came.has(keyOf(one)) && (one.type === 'Patient' || parametersOf(one.type).length > 0));

/** Whether a sentence is true, given its parts. */
type IsTrue = (parts: Readonly<Record<string, string>>, facts: Facts) => boolean;

const heldOf = ({ held }: Facts, key: string): readonly Held[] => held.filter((one) => keyOf(one) === key);

/** Whether the payer, asked as R4 has it, answers a search for this type with a refusal. */
export const refuses = (spec: PayerSpec, type: string): boolean => {
  const how = typesOf(spec).get(type);
  if (how === undefined || ['refused', 'unauthorized', 'unsearchable'].includes(how.search)) return true;
  // Without a CapabilityStatement that says so, nobody knows which of R4's parameters the payer takes.
  return spec.metadata !== 'searches' && !spec.isLax && takenParameters(how).length < parametersOf(type).length;
};

/** How the payer fails that always fails. */
const always = 'the payer answered with status 500';
const notUtf8 = 'the answer is not in UTF-8';
const lastFailures: Readonly<Record<string, readonly Hiccup['fails'][]>> = {
  [always]: ['500'],
  'the payer did not answer': ['throws'],
  'the answer ended early': ['cut', 'empty'],
  'the answer is not a Bundle': ['outcome'],
  'the answer is not valid JSON': ['html'],
  [notUtf8]: ['latin'],
};

/** Why an attachment does not come, in the words of an account. */
const attachmentReasons: Readonly<Record<Attached['answers'], string>> = {
  given: '',
  gone: 'the payer answered with status 404',
  refused: 'the payer answered with status 403',
  broken: 'the payer answered with status 500',
  otherSize: 'its length is not the one that the resource gives',
  twoSizes: 'its length is not the one that the resource gives',
  textSize: '',
  empty: 'the payer sent nothing in it',
  redacted: '',
  wrapped: '',
  notBase64: "the data of the payer's Binary is not one text in base64",
  login: 'the payer answered with something else in its place, such as a page of HTML',
  others: 'its security context names another patient, or somebody unknown',
};

/** Why an attachment may not have come at the last try, if others failed, too. */
const lastTries: ReadonlySet<string> = new Set([
  attachmentReasons.broken,
  attachmentReasons.login,
  attachmentReasons.empty,
  'the payer did not send it to the end',
]);

/** What an account may say, and when that is true of the payer. */
const sentences: readonly (readonly [RegExp, IsTrue])[] = [
  [
    /^(?<type>\w+) is not in this export: the access token's scope does not cover it\.$/,
    ({ type = '' }, { spec, came }) =>
      spec.scope?.includes(type) === false && ![...came].some((key) => key.startsWith(`${type}/`)),
  ],
  [
    /^(?<type>\w+) is not read: no search finds those of a member, and none came by reference\.$/,
    ({ type = '' }, { spec, came }) => {
      const how = typesOf(spec).get(type);
      const isSearched =
        how === undefined ? isUndeclared(spec) && parametersOf(type).length > 0 : takenParameters(how).length > 0;
      return !isSearched && ![...came].some((key) => key.startsWith(`${type}/`));
    },
  ],
  [
    /^The payer refused (?<what>\w+)(?:\?\S*)? with status 404\.$/,
    ({ what = '' }, { spec }) =>
      typesOf(spec).has(what)
        ? typesOf(spec).get(what)?.search === 'hides' ||
          (typesOf(spec).get(what)?.search === 'missesNone' && !isDeclared(spec, what))
        : spec.lacksBy404,
  ],
  [
    /^The payer answered a search of (?<what>\w+) with status 404, and gave nothing of the member's: it may (?:(?<absent>not have the type, have none of it)|have none of it), or not know the member\.$/,
    ({ what = '', absent }, { spec, held, came }) => {
      const how = typesOf(spec).get(what);
      if (didAnyOfMemberCome({ held, came })) return false;
      // One that hides a type says that it does not have it, whatever it declares.
      if (how?.search !== 'hides' && (absent === undefined) !== isDeclared(spec, what)) return false;
      return how === undefined ? spec.lacksBy404 : ['missesNone', 'hides'].includes(how.search);
    },
  ],
  [
    /^The payer refused (?<what>\S+) with status (?<status>\d+)\.$/,
    ({ what = '', status = '' }, facts) =>
      (['400', '403'].includes(status) ||
        (status === '401' && typesOf(facts.spec).get(what)?.search === 'unauthorized')) &&
      (what === '$everything' ? facts.spec.everything === 'refused' : refuses(facts.spec, what.replace(/\?.*/, ''))),
  ],
  [
    /^The payer named (?<named>\d+) resources? of (?<type>[\w$]+), and (?<came>\d+) came(?:, and \d+ that it marks as included)?(?:, and \d+ that changed after the end that was asked for)?\.(?: If its totals count these too, its profile can say so, as wholeRecord\.totals: 'meaningless'\.)?$/,
    ({ named, type = '' }, { spec, held }) => {
      // R4's total does not count included resources. One that does is noticed only if nothing but the member's Patient matches.
      const isAnotherMatch = held.some((one) => one.type === 'Patient' && one.owner === 'stranger' && one.isListed);
      if (type === '$everything') return totalOfAllLies(spec) || (spec.included === 'allCounted' && isAnotherMatch);
      const how = typesOf(spec).get(type);
      const count = held.filter((one) => one.type === type && one.isListed).length;
      const isShort =
        ['skip', 'lastOnly', 'counted'].includes(how?.pages ?? '') ||
        ['suppresses', 'labels', 'forgets'].includes(how?.search ?? '');
      if (spec.ignoresTotals) return false;
      return (
        how?.total === 'high' || (['true', 'text'].includes(how?.total ?? '') && isShort && Number(named) <= count)
      );
    },
  ],
  [
    /^The payer put a remark on page \d+ of (?<type>\w+): (?:information, (?<code>\w+)|error, timeout)\.( Resources may be missing\.)?$/,
    ({ type = '', code }, { spec }) => {
      if (code === undefined) return spec.hiccups.some(({ fails }) => fails === 'outcome');
      return (
        typesOf(spec).get(type)?.search ===
        (code === 'suppressed' ? 'suppresses' : code === 'informational' ? 'informs' : '')
      );
    },
  ],
  [
    /^Pages up to page \d+ of (?<what>\S+) repeat resources, and no total says how many there are\. Others may have been skipped\.$/,
    ({ what = '' }, { spec }) =>
      [...typesOf(spec).values()].some((how) => (what === how.type || what === '$everything') && repeats(how)),
  ],
  [
    /^Page \d+ of (?<what>\S+) could not be read: (?<why>[^.]+)\. Resources may be missing\.$/,
    ({ what = '', why = '' }, { spec }) => {
      const isBroken =
        what === '$everything'
          ? spec.everything === 'broken' || spec.everything === 'cut'
          : ['breaks', 'latin'].includes(typesOf(spec).get(what)?.search ?? '');
      const usual = typesOf(spec).get(what)?.search === 'latin' ? notUtf8 : always;
      // The last try of a page that always fails may have failed in its own way.
      const own = lastFailures[why] ?? [];
      return isBroken && (why === usual || spec.hiccups.some(({ fails }) => own.includes(fails)));
    },
  ],
  [
    /^(?<key>(?:Patient\/\S+(?= could)|(?!Patient)\w+\/\S+(?=, which the record refers to,))).* could not be read: .*\.$/,
    ({ key = '' }, facts) => !facts.came.has(key) && heldOf(facts, key).some(({ reads }) => reads !== 'given'),
  ],
  [
    /^(?:A resource of type (?<type>\w+)|(?<key>\w+\/\S+))(?: on page \d+)? is left out: (?:it is about another patient(?<named>, and names the member)?|whom it is about cannot be read|it is about a patient on another server, or on the payer's own by a name that its operator has not configured)\.(?<guessed> It does not name the member, in answer to a search by a parameter that the payer may not know\.)?$/,
    ({ type, key = '', named, guessed }, facts) =>
      (guessed === undefined || isUndeclared(facts.spec)) &&
      facts.held.some(
        (one) =>
          (guessed === undefined || !one.text.includes(`Patient/${member}"`)) &&
          (one.owner === 'stranger' ||
            one.isUnreferred ||
            (one.isOlders && !(facts.spec.isMerged && facts.came.has(`Patient/${member}`)))) &&
          (named === undefined || one.text.includes(`Patient/${member}"`)) &&
          (type === undefined ? keyOf(one) === key : one.type === type),
      ),
  ],
  [
    /^A resource of type (?<type>\w+) on page \d+ is left out: it names no patient, and nothing shows that it is about this member\.(?<guessed> It does not name the member, in answer to a search by a parameter that the payer may not know\.)?$/,
    ({ type = '', guessed }, { spec, held }) =>
      (guessed === undefined || isUndeclared(spec)) &&
      held.some((one) => one.type === type && (isHung(one) || one.isUnnamed || one.isBrought)),
  ],
  [
    /^A resource of type (?<type>\w+) on page \d+ is left out: it came before the member's Patient, and is about another id, which may be the member's\.$/,
    ({ type = '' }, { spec, held, came }) =>
      spec.isMerged && held.some((one) => one.isOlders && one.type === type && !came.has(keyOf(one))),
  ],
  [
    /^(?<type>\w+) is not complete: the payer granted only a part of it, as the access token's scope says\.$/,
    ({ type = '' }, { spec }) => spec.limited?.includes(type) === true,
  ],
  [
    /^Page \d+ of (?<type>\w+) links to (?<where>.+), which is not read\. Resources may be missing\.$/,
    ({ type = '', where }, { spec }) => {
      const how = typesOf(spec).get(type);
      return how !== undefined && strays(how) === where;
    },
  ],
  [
    /^Page \d+ of (?<type>\w+) links to two different next pages, of which one was read\. Resources may be missing\.$/,
    ({ type = '' }, { spec }) => typesOf(spec).get(type)?.pages === 'forked',
  ],
  [
    /^Page \d+ of (?<type>\w+) (?:has (?<renamed>a member) that a Bundle of FHIR R4 does not have, and that may hold more|links to a (?<last>last page) that was not read, and to no next|is a Bundle of a (?<wrapped>type) that does not answer a search|has a (?<counted>count) in its HTTP headers that cannot be read, or is more than came)\. Resources may be missing\.$/,
    ({ type = '', renamed, last, wrapped, counted }, { spec }) => {
      const said = { renamed, lastOnly: last, wrapped, counted };
      return (said as Readonly<Record<string, string | undefined>>)[typesOf(spec).get(type)?.pages ?? ''] !== undefined;
    },
  ],
  [
    /^Page \d+ of (?<type>\w+) has (?:(?<links>links)|a total) that cannot be read\. Resources may be missing\.$/,
    ({ type = '', links }, { spec }) => {
      const how = typesOf(spec).get(type);
      return links === undefined ? how?.total === 'odd' && !spec.ignoresTotals : how?.pages === 'unreadable';
    },
  ],
  [
    /^Page \d+ of (?<type>\w+) links to a page that was read already, so reading stopped there\.$/,
    ({ type = '' }, { spec }) => ['loop', 'stuck'].includes(typesOf(spec).get(type)?.pages ?? ''),
  ],
  [
    /^(?<type>\w+) is not complete: the gateway searches this payer for a part of it only, by _tag=0\.$/,
    ({ type = '' }, { spec }) => typesOf(spec).get(type)?.filters === 'one',
  ],
  [
    /^Page \d+ of (?<type>\w+) has the payer's label that something was withheld\. Resources may be missing\.$/,
    ({ type = '' }, { spec }) => typesOf(spec).get(type)?.search === 'labels',
  ],
  [
    /^(?<key>\w+\/\S+) has the payer's label that something was withheld from it\.$/,
    ({ key = '' }, facts) => heldOf(facts, key).some(({ text }) => text.includes('"REDACTED"')),
  ],
  [
    /^(?<key>\w+\/\S+) on page \d+ came before with other content\. Only the first is in this export\.$/,
    ({ key = '' }, facts) => new Set(heldOf(facts, key).map(({ text }) => text)).size > 1,
  ],
  [
    /^(?<type>\w+)\/\S+ came only because the record refers to it: a search of \w+ had ended without it, so that others may be missing\.$/,
    ({ type = '' }, { spec }) => {
      const how = typesOf(spec).get(type);
      return how !== undefined && endsShort(how);
    },
  ],
  [
    /^Provenance is not complete: a search by patient finds those of the Patient only, and (?:the payer (?<how>does not declare that|does not say that) a search of (?<types>\w+(?:, \w+)*) (?:that )?br(?:ings|ought) theirs \(_revinclude=Provenance:target\)|a search of (?<failed>[\w, ]+) that brings theirs failed \(_revinclude=Provenance:target\)|a search of [\w, ]+ that brings theirs did not (?:end|find all)|the access token's scope does not cover a search of [\w, ]+, which brings theirs|the payer granted only a part of (?<granted>[\w, ]+)|the gateway searches this payer for a part of (?<parts>[\w, ]+) only|no CapabilityStatement that the gateway could read says whether a search of (?<unread>[\w, ]+) brings theirs \(_revinclude=Provenance:target\)|no other type was asked for whose search brings them)\.$/,
    ({ how, types = '', failed, granted, parts, unread }, { spec, came, held }) => {
      if (unread !== undefined) return isUndeclared(spec) || hasStatementHiccup(spec);
      if (failed !== undefined) return spec.provenances === 'refused' || spec.hiccups.length > 0;
      if (granted !== undefined) return granted.split(', ').every((type) => spec.limited?.includes(type) === true);
      if (parts !== undefined) return parts.split(', ').every((type) => typesOf(spec).get(type)?.filters === 'one');
      if (how === undefined) return true;
      const all = types.split(', ');
      const isRead = (type: string): boolean => {
        const usual = { search: 'finds', pages: 'plain' };
        const { search, pages, total } = typesOf(spec).get(type) ?? { ...usual, total: 'none' };
        const isPlain = search === usual.search && pages === usual.pages && !['high', 'odd'].includes(total);
        return isPlain && !refuses(spec, type) && !isUndeclared(spec) && spec.hiccups.length === 0;
      };
      const isLeftOut = (type: string): boolean =>
        held.some((one) => one.type === type && (isHung(one) || one.isUnnamed));
      if (!all.every((type) => [...came].some((key) => key.includes(type)) || !isRead(type) || isLeftOut(type)))
        return false;
      if (how === 'does not say that')
        return spec.self === 'short' || (spec.provenances === 'ignored' && spec.self === 'used');
      if (isUndeclared(spec)) return false;
      return all.every((type) => !(spec.provenances === 'declared' && isDeclared(spec, type)));
    },
  ],
  [
    /^(?<type>\w+) is not complete: the payer has no search of it\. What other resources refer to or came with is in this export\.$/,
    ({ type = '' }, { spec }) => {
      const how = typesOf(spec).get(type);
      if (how === undefined || isDeclared(spec, type)) return false;
      // A 404 to each search of a type says that the payer has none.
      return how.search === 'missesNone' || (how.search === 'hides' && takenOthers(spec, how).length === 0);
    },
  ],
  [
    /^(?<type>\w+) is not complete: the access token's scope does not cover (?:a search of it\. What other resources refer to or came with is in this export|(?<reads>reading what others refer to))\.$/,
    ({ type = '', reads }, { spec }) => {
      const half = halfOf(spec);
      return half?.type === type && half.letter === (reads === undefined ? 'r' : 's');
    },
  ],
  [
    /^(?<type>\w+) may be missing: the record was not read to its end, and what did not come may refer to it\.$/,
    ({ type = '' }, { spec, came }) =>
      parametersOf(type).length === 0 &&
      spec.scope?.includes(type) !== false &&
      ![...came].some((key) => key.startsWith(`${type}/`)),
  ],
  [
    /^A resource of type (?<type>\w+) came with others only: a search of \w+ ended without it, so that others may be missing\.$/,
    ({ type = '' }, { spec }) => {
      const how = typesOf(spec).get(type);
      return how !== undefined && endsShort(how);
    },
  ],
  [
    /^The member's own Patient resource did not come\.$/,
    (_, { spec, came }) => spec.patient !== 'given' && !came.has(`Patient/${member}`),
  ],
  [
    /^An attachment of (?:a resource of type (?<type>\w+)|(?<key>\w+\/\S+)) did not come: (?<why>[^.]+?)(?<unserved>, and the gateway does not serve its URL)?\.$/,
    ({ type, key = '', why = '', unserved }, { spec, held }) =>
      held
        .filter((one) => (type === undefined ? keyOf(one) === key : one.type === type))
        .flatMap(({ attached }) => attached)
        .some(
          ({ from, answers, isUnclear, isServed }) =>
            isServed === (unserved === undefined) &&
            ((isUnclear && why === "its URL is not that of one Binary of the payer's") ||
              (from !== undefined &&
                (why === attachmentReasons[answers] ||
                  // The last try may have failed for a different reason.
                  (['broken', 'login'].includes(answers) && spec.hiccups.length > 0 && lastTries.has(why)) ||
                  (why === attachmentReasons.login && hasStrangeHiccup(spec))))),
        ),
  ],
  [
    /^An attachment of (?:a resource of type (?<type>\w+)|(?<key>\w+\/\S+)) has the payer's label that something was withheld from it\.$/,
    ({ type, key = '' }, { held }) =>
      held.some(
        (one) =>
          (type === undefined ? keyOf(one) === key : one.type === type) &&
          one.attached.some(({ answers }) => answers === 'redacted'),
      ),
  ],
  [
    /^Attachments of (?<type>\w+) are not in this export: the access token's scope does not cover Binary\.$/,
    ({ type = '' }, { spec, held }) =>
      spec.scope?.includes('Binary') === false && held.some((one) => one.type === type && one.attached.length > 0),
  ],
  [
    /^(?:A resource of type (?<type>\w+)|(?<key>\w+\/\S+)) has (?:an attachment|\d attachments) that the gateway does not serve\. Do not send your access token to (?:its URL|their URLs)\.$/,
    ({ type, key = '' }, { held }) =>
      held.some(
        (one) =>
          (type === undefined ? keyOf(one) === key : one.type === type) &&
          one.attached.some(({ from, line }) => from === undefined && !line.includes('/Binary/')),
      ),
  ],
  [
    /^Not every (?<type>\w+) that the record refers to was read: one (?:(?<form>reference is in a form that the gateway cannot request)|is on another server, or on the payer's own by a name that its operator has not configured)\.$/,
    ({ type = '', form }, { held }) =>
      held.some(({ unread }) => unread.includes(`${type} ${form === undefined ? 'elsewhere' : 'form'}`)),
  ],
  [/^\d+ more problems? of this kind with (?<type>\w+) (?:is|are) not listed\.$/, () => true],
];

/** Whether a sentence of an account is true; undefined if the sentence is new. */
export const isTrue = (sentence: string, facts: Facts): boolean | undefined => {
  for (const [form, check] of sentences) {
    const found = form.exec(sentence);
    if (found !== null) return check(found.groups ?? {}, facts);
  }
  return undefined;
};
