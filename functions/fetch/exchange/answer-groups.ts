import { nowSeconds } from '../../shared/clock.ts';
import { checkFormat } from '../../shared/fhir/check-search.ts';
import { isFhirId } from '../../shared/fhir/fhir-id.ts';
import type { Parameter } from '../../shared/fhir/fhir-request.ts';
import { quoteName } from '../../shared/fhir/known-parameters.ts';
import { fhirAnswer } from '../../shared/fhir/operation-outcome.ts';
import { malformed, notSupported } from '../../shared/fhir/refusals.ts';
import { queryPairs, type ApiResponse } from '../../shared/http/api.ts';
import { readFormPairs } from '../../shared/http/form.ts';
import { objectsIn, parseObject, type JsonObject } from '../../shared/json/json-object.ts';
import { takePartnerTurn } from '../../shared/partner/rate-limit.ts';
import { auditOnce } from '../../shared/record/audit-read.ts';
import { facadeBase } from '../../shared/registry/urls.ts';
import { sha256 } from '../../shared/store/crypto.ts';
import { listGroups } from '../../shared/store/groups.ts';
import { ownerOf, type Asking } from './asking.ts';
import { objectOf } from './mistakes.ts';
import { openGroup, type OpenedGroup } from './open-group.ts';

/** A page's Groups by default and at most, and its bytes: a Group of 1,000 members may have 2 MB. */
const usualCount = 20;
const mostCount = 50;
const mostPageBytes = 4_000_000;

/** Each Group that is opened takes a call of KMS. */
const groupsATurn = 5;

/** The parameter of a page's link: the Group after which the page begins. */
const afterParameter = '_after';

/** A token of a search. https://hl7.org/fhir/R4/search.html#token */
interface Token {
  /** Undefined for any; empty for none. */
  readonly system: string | undefined;
  /** Undefined for any. */
  readonly code: string | undefined;
}

const readToken = (text: string): Token => {
  const [first = '', second] = text.split('|');
  if (second === undefined) return { system: undefined, code: first };
  return { system: first, code: second === '' ? undefined : second };
};

const isIt = ({ system, code }: Token, given: { readonly system?: unknown; readonly code?: unknown }): boolean =>
  (system === undefined || (given.system ?? '') === system) && (code === undefined || given.code === code);

const codings = (concept: unknown): readonly JsonObject[] => objectsIn(objectOf(concept)['coding']);

/** What each search parameter compares. https://hl7.org/fhir/R4/group.html#search, pdex-157 */
const searched: Readonly<Record<string, (group: JsonObject) => readonly { system?: unknown; code?: unknown }[]>> = {
  code: (group) => codings(group['code']),
  characteristic: (group) => objectsIn(group['characteristic']).flatMap(({ code }) => codings(code)),
  identifier: (group) => objectsIn(group['identifier']).map(({ system, value }) => ({ system, code: value })),
};

interface Search {
  readonly ids: readonly string[] | undefined;
  /** Each must match by one of its tokens. */
  readonly filters: readonly { readonly name: string; readonly tokens: readonly Token[] }[];
  readonly count: number;
  readonly after: string | undefined;
}

const readCount = (value: string): number => {
  if (!/^[1-9]\d{0,5}$/.test(value)) throw malformed('_count must be a number over 0.');
  return Math.min(Number(value), mostCount);
};

/** Reads a search of Groups. @throws GatewayError 400 for a parameter that it does not know: an ignored one would find more */
const readSearch = (pairs: readonly Parameter[]): Search => {
  const once = (name: string): string | undefined => {
    const values = pairs.filter(([other]) => other === name).map(([, value]) => value);
    if (values.length > 1) throw malformed(`${name} must not be sent more than once.`);
    return values[0];
  };
  for (const [name, value] of pairs) {
    if (name === '_format') checkFormat(value);
    else if (!['_id', '_count', '_pretty', afterParameter].includes(name) && !Object.hasOwn(searched, name)) {
      throw notSupported(
        `${quoteName(name)} is not a search parameter of a Group here: use _id, identifier, code or characteristic.`,
        {
          detail: 'a search parameter that Groups do not have',
        },
      );
    }
    if (value.trim() === '') throw malformed(`${quoteName(name)} is empty. Give it a value, or leave it out.`);
  }
  const [id, count, after] = [once('_id'), once('_count'), once(afterParameter)];
  if (after !== undefined && !isFhirId(after)) throw malformed('Follow a page link as it is.');
  return {
    ids: id?.split(','),
    filters: pairs
      .filter(([name]) => Object.hasOwn(searched, name))
      .map(([name, value]) => ({ name, tokens: value.split(',').map(readToken) })),
    count: count === undefined ? usualCount : readCount(count),
    after,
  };
};

const matches = ({ body }: OpenedGroup, { filters }: Search): boolean => {
  const group = parseObject(body.resource) ?? {};
  return filters.every(({ name, tokens }) => {
    const given = searched[name]?.(group) ?? [];
    return tokens.some((token) => given.some((one) => isIt(token, one)));
  });
};

interface Page {
  readonly groups: readonly OpenedGroup[];
  /** The last Group that was looked at, if there may be more. */
  readonly next: string | undefined;
}

/** The ids of a page, and whether there may be more. */
const idsOf = async (asking: Asking, { ids, count, after }: Search) => {
  if (ids !== undefined) {
    const all = [...new Set(ids)];
    const rest = all.slice(after === undefined ? 0 : all.indexOf(after) + 1);
    const page = rest.slice(0, count);
    return { ids: page, more: rest.length > count, last: page.at(-1) };
  }
  const { exchanges, clock } = asking.deps;
  const page = await listGroups(exchanges, ownerOf(asking), { after, limit: count, now: nowSeconds(clock) });
  return { ids: page.groups.map(({ id }) => id), more: page.after !== undefined, last: page.after };
};

/** Opens the Groups of a page one after the other, until it is long enough. */
const readPage = async (asking: Asking, search: Search): Promise<Page> => {
  const { ids, more, last } = await idsOf(asking, search);
  const { deps, partner, context } = asking;
  await takePartnerTurn(deps, partner, context, { turns: Math.ceil(ids.length / groupsATurn), before: 1 });
  const groups: OpenedGroup[] = [];
  let bytes = 0;
  for (const [index, id] of ids.entries()) {
    const group = await openGroup(asking, id);
    if (group === undefined || !matches(group, search)) continue;
    groups.push(group);
    bytes += Buffer.byteLength(group.body.resource);
    if (bytes > mostPageBytes && (more || index < ids.length - 1)) return { groups, next: id };
  }
  return { groups, next: more ? last : undefined };
};

/** A searchset whose resources are the Groups byte for byte as matches passed them on. */
const bundleOf = (base: string, pairs: readonly Parameter[], { groups, next }: Page): string => {
  const url = (query: readonly Parameter[]): string => {
    const text = new URLSearchParams(query.map(([name, value]) => [name, value])).toString();
    return `${base}/Group${text === '' ? '' : `?${text}`}`;
  };
  const others = pairs.filter(([name]) => name !== afterParameter);
  const link = [
    { relation: 'self', url: url(pairs) },
    ...(next === undefined ? [] : [{ relation: 'next', url: url([...others, [afterParameter, next]]) }]),
  ];
  const isAll = next === undefined && others.length === pairs.length;
  const head = JSON.stringify({
    resourceType: 'Bundle',
    type: 'searchset',
    ...(isAll ? { total: groups.length } : {}),
    link,
  });
  const entries = groups.map(({ head: { id }, body }) => {
    const fullUrl = JSON.stringify(`${base}/Group/${id}`);
    return `{"fullUrl":${fullUrl},"resource":${body.resource},"search":{"mode":"match"}}`;
  });
  return entries.length === 0 ? head : `${head.slice(0, -1)},"entry":[${entries.join(',')}]}`;
};

/** Answers a search of the partner's own Groups at the payer (pdex-160, 161). @throws GatewayError */
export const answerGroups = async (asking: Asking): Promise<ApiResponse> => {
  const { deps, event, context, payer } = asking;
  context.record.interaction = 'search Group';
  const pairs = [...queryPairs(event), ...(event.httpMethod === 'POST' ? readFormPairs(event) : [])];
  const page = await readPage(asking, readSearch(pairs));
  // One event for each exchange, so that whoever looks for it finds it.
  for (const exportId of new Set(page.groups.map(({ head }) => head.exportId))) {
    context.record.exchange = exportId;
    await auditOnce(
      deps,
      { record: context.record, patient: undefined },
      sha256(`${context.record.requestId} ${exportId}`),
    );
  }
  return fhirAnswer(200, bundleOf(facadeBase(deps.origin, payer.id), pairs, page));
};
