import { countInHeaders, linksInHeader, mayLack } from '../../shared/fhir/said.ts';
import type { JsonObject } from '../../shared/json/json-object.ts';
import type { PayerResponse } from '../../shared/payer/http.ts';
import { answerBases, baseUrlOf } from '../../shared/registry/fhir-bases.ts';
import { facadeBase } from '../../shared/registry/urls.ts';
import type { Answer } from '../leg/ask-payer.ts';
import type { PageResource, SkippedResource } from '../reading/page-resource.ts';
import { createProblemList } from '../reading/problem-list.ts';
import type { Problem } from '../reading/problems.ts';
import { createLineRewriter } from '../reading/rewrite-line.ts';
import { createBundleSplitter, type PageInfo } from '../reading/split-bundle.ts';
import { UnreadablePage } from '../reading/unreadable-page.ts';
import type { RecordLeg } from './record-leg.ts';
import {
  cameBy,
  matchingType,
  remarksIn,
  reportNotAsked,
  takeResource,
  type Source,
  type Taking,
} from './take-resource.ts';

/** What becomes known of an answer while its bytes arrive. */
export interface PageEvents {
  /** The links to the next page, if they are known before the page ends. */
  readonly links?: (next: readonly string[]) => void;
  /** A resource that matches the search, the first time that the search brings it. It counts even if its page breaks off. */
  readonly match?: () => void;
  /** The same for one that the payer marks as included, and that the export has not seen. */
  readonly include?: () => void;
  /** One that matches, though it changed after the end that was asked for. @default as {@link match} */
  readonly late?: () => void;
  /** A patient's resource that matches, and that the search has brought before. @param name its identity */
  readonly repeat?: (name: string) => void;
  /** The payer's remarks in place of the one resource that was asked for. @default they are reported */
  readonly remark?: (remarks: readonly Problem[]) => void;
  /** A Provenance, whatever brought it. */
  readonly provenance?: () => void;
}

/** Links that come before the entries are usually within the first piece. */
const pieceBytes = 4096;

/** A chunk in pieces. Between them the job can send its request for the next page, for which it first reads the export's item. */
const piecesOf = function* (chunk: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < chunk.length; at += pieceBytes) yield chunk.subarray(at, at + pieceBytes);
};

/** The bytes of an answer. @throws UnreadablePage if the connection breaks */
const bytesOf = async function* (body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch {
    throw new UnreadablePage('truncated');
  }
};

/** More URNs than any page has. */
const mostUrns = 100_000;

/** The resources that a page has under URNs, and the URNs in it that other resources of it refer to. */
const urnsOfPage = (leg: RecordLeg) => {
  const fullUrls = new Map<string, JsonObject | undefined>();
  const awaited = new Map<string, string | undefined>();
  return {
    fullUrls,
    awaitUrn: (urn: string, type: string | undefined): void => {
      if (awaited.size < mostUrns) awaited.set(urn, type);
      else reportNotAsked(leg, type);
    },
    note: (resource: PageResource | SkippedResource): void => {
      if (resource.skipped !== undefined || resource.fullUrl === undefined || fullUrls.size >= mostUrns) return;
      const { fullUrl, type, id } = resource;
      // Of two under one URN nobody can tell which one is meant.
      fullUrls.set(fullUrl, fullUrls.has(fullUrl) ? undefined : { resourceType: type, id });
    },
    reportUnknown: (): void => {
      for (const [urn, type] of awaited) if (fullUrls.get(urn) === undefined) reportNotAsked(leg, type);
    },
  };
};

/** Adds what the HTTP headers say: the next page may be there only, or readable there only. */
const withHeaders = (info: PageInfo, headers: PayerResponse['headers']): PageInfo => {
  const { next, isUnreadable, last } = linksInHeader(headers.get('link'));
  const isLost = isUnreadable && info.next.length + next.length === 0;
  const count = countInHeaders(headers);
  const odd = count === 'unreadable' ? 'header' : mayLack(headers.get('warning')) ? 'warning' : undefined;
  return {
    ...info,
    next: [...info.next, ...next],
    last: info.last ?? last,
    odd: info.odd ?? odd,
    ...(typeof count === 'number' && { headerTotal: count }),
    ...(isLost && { unreadable: 'links' as const }),
  };
};

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Takes an answer's resources as its bytes arrive. What was taken stays, even if the page breaks off.
 * @throws UnreadablePage if the page is not readable or the connection breaks; the bucket's error if it takes no part
 */
export const takePage = async (
  leg: RecordLeg,
  source: Source,
  { response, end }: Extract<Answer, { kind: 'json' }>,
  {
    links: onLinks,
    match = () => undefined,
    late = match,
    include = () => undefined,
    repeat = () => undefined,
    remark,
    provenance = () => undefined,
  }: PageEvents = {},
): Promise<PageInfo> => {
  const urns = urnsOfPage(leg);
  const { fullUrls, awaitUrn } = urns;
  const rules = { ...leg.rules, ...answerBases(leg.payer, baseUrlOf(leg.payer, source.type)), fullUrls, awaitUrn };
  const rewrite = createLineRewriter({ ...rules, facade: facadeBase(leg.deps.origin, leg.payer.id) });
  const matching = matchingType(leg, source);
  const taking: Taking = {
    leg,
    rules,
    source,
    where: { page: source.page },
    matching,
    came: cameBy(leg, source),
    rewrite,
    match,
    late,
    include,
    repeat,
    ...(remark !== undefined && { remark }),
    found: createProblemList(),
    beyond: new Set(),
  };
  const splitter = createBundleSplitter({
    of: source.of,
    room: leg.buffers.pageRoom,
    take: (resource) => {
      urns.note(resource);
      if (resource.skipped === undefined && resource.type === 'Provenance') provenance();
      takeResource(taking, resource);
      for (const one of resource.outcome === undefined ? [] : remarksIn(resource.outcome, source))
        taking.found.add(one);
    },
  });
  let isTold = onLinks === undefined;
  try {
    for await (const chunk of response.body === null ? [] : bytesOf(response.body)) {
      for (const piece of piecesOf(chunk)) {
        splitter.push(piece);
        await leg.parts.putIfLarge();
        await leg.held.putIfLarge();
        const links = isTold ? undefined : splitter.links();
        if (links !== undefined) {
          isTold = true;
          onLinks?.(links);
        }
        await nextTurn();
      }
    }
    const info = splitter.end();
    for (const one of info.remarks === undefined ? [] : remarksIn(info.remarks, source)) taking.found.add(one);
    leg.problems.addAll(taking.found);
    return source.of === 'search' ? withHeaders(info, response.headers) : info;
  } finally {
    urns.reportUnknown();
    end();
  }
};
