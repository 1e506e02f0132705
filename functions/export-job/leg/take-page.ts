import { isResourceType } from '../../shared/registry/resource-types.ts';
import { payerBases } from '../../shared/registry/urls.ts';
import { checkResource } from '../reading/check-resource.ts';
import type { ResourceHead } from '../reading/head-of-resource.ts';
import { identityOf } from '../reading/identity.ts';
import type { PageResource, SkippedResource } from '../reading/page-resource.ts';
import { payerRemarks, type Problem } from '../reading/problems.ts';
import { referredBy } from '../reading/references.ts';
import { createLineRewriter, foreignAttachments } from '../reading/rewrite-line.ts';
import { createBundleSplitter, type PageInfo } from '../reading/split-bundle.ts';
import { UnreadablePage } from '../reading/unreadable-page.ts';
import type { Answer } from './ask-payer.ts';
import type { Leg } from './leg.ts';

/** Where resources come from. */
export type Source =
  | { readonly of: 'search'; readonly type: string; readonly page: number }
  /** A resource that is read by its id. */
  | { readonly of: 'read'; readonly type: string; readonly id: string; readonly page?: undefined };

/** Links that come before the entries are usually within this many bytes. */
const linksWithin = 2048;

export interface TakenPage extends PageInfo {
  /** Entries that matched the search. */
  readonly matched: number;
}

/** The tag of a resource that was left out and reported. @param name as `Type/id` */
export const skippedTag = ({ tagOf }: Pick<Leg, 'tagOf'>, name: string): Uint8Array => tagOf(`skipped ${name}`);

/**
 * Drops the problems of a page that could not be read to its end, since the next try finds them again. Those of resources
 * that the next try knows already stay.
 * @param before how many problems there were before the page
 */
export const dropProblems = ({ problems }: Pick<Leg, 'problems'>, before: number): void => {
  const stay = problems
    .slice(before)
    .filter((problem) => problem.kind === 'foreignAttachment' || (problem.kind === 'resourceSkipped' && problem.id));
  problems.splice(before, Infinity, ...stay);
};

/** The type and id of a resource that cannot be passed on. What was read by its id has that name if its own is unknown. */
const headOf = (source: Source, { type, id }: ResourceHead): ResourceHead => {
  const isNamed = source.of === 'read' && (type ?? source.type) === source.type && (id ?? source.id) === source.id;
  if (isNamed) return source;
  return type !== undefined && isResourceType(type) ? { type, id } : {};
};

/** The problem to report for a resource that cannot be passed on. It always has a type. */
const skipProblem = (source: Source, reason: SkippedResource['skipped'], { type, id }: ResourceHead): Problem => {
  const { page } = source;
  return type === undefined
    ? { kind: 'entrySkipped', reason, page, type: source.type }
    : { kind: 'resourceSkipped', reason, page, type, id };
};

/** Adds a resource to the leg's parts, unless it was seen before or does not belong in the record. */
const takeResource = (
  leg: Leg,
  source: Source,
  resource: PageResource | SkippedResource,
  rewrite: (line: Uint8Array) => Iterable<Uint8Array>,
): void => {
  const { problems, rules, state, tagOf, parts } = leg;
  const { page } = source;
  if (resource.skipped !== undefined) {
    const head = headOf(source, resource);
    const isNamed = head.type !== undefined && head.id !== undefined;
    const isNew = !isNamed || state.seen.add(skippedTag(leg, `${head.type}/${head.id}`));
    if (isNew) problems.push(skipProblem(source, resource.skipped, head));
    return;
  }
  const { type, id } = resource;
  const verdict = checkResource(resource, rules);
  if (verdict === 'outcome') problems.push(...payerRemarks(resource.resource, source.type, page ?? 1));
  if (verdict === 'notFhir') problems.push({ kind: 'entrySkipped', reason: 'notFhir', page, type: source.type });
  if (verdict === 'otherPatient') {
    problems.push({ kind: 'otherPatient', type, page });
    if (id !== undefined) state.seen.add(skippedTag(leg, `${type}/${id}`));
  }
  if (verdict !== 'keep' || !state.seen.add(tagOf(identityOf(resource)))) return;
  parts.add(type, rewrite(resource.line));
  leg.resources += 1;
  const count = foreignAttachments(resource, rules);
  if (count > 0) problems.push({ kind: 'foreignAttachment', type, id, count });
  if (source.of === 'read') return;
  for (const referred of referredBy(resource, rules)) {
    const name = `${referred.type}/${referred.id}`;
    const isNew = !state.seen.has(tagOf(name)) && state.seen.add(tagOf(`reference ${name}`));
    if (isNew) leg.referred.push(name);
  }
};

/** Splits a chunk after its first bytes, so that links there are found before the entries are read. */
const piecesOf = (chunk: Uint8Array): Uint8Array[] => [chunk.subarray(0, linksWithin), chunk.subarray(linksWithin)];

/** The bytes of an answer. @throws UnreadablePage if the connection breaks */
const bytesOf = async function* (body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch {
    throw new UnreadablePage('truncated');
  }
};

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Takes an answer's resources as its bytes arrive.
 * @param onLinks gets the links to the next page, if they are known before the page ends
 * @throws UnreadablePage if the page is not readable or the connection breaks; the bucket's error if it takes no part
 */
export const takePage = async (
  leg: Leg,
  source: Source,
  { response, end }: Extract<Answer, { kind: 'json' }>,
  onLinks: (next: readonly string[]) => void = () => undefined,
): Promise<TakenPage> => {
  const rewrite = createLineRewriter({ bases: payerBases(leg.payer), facade: leg.facade });
  let matched = 0;
  const splitter = createBundleSplitter({
    of: source.of,
    room: leg.pageRoom,
    take: (resource) => {
      if (resource.skipped !== undefined || resource.mode === 'match') matched += 1;
      takeResource(leg, source, resource, rewrite);
    },
  });
  let isTold = source.of === 'read';
  try {
    for await (const chunk of response.body === null ? [] : bytesOf(response.body)) {
      for (const piece of isTold ? [chunk] : piecesOf(chunk)) {
        splitter.push(piece);
        await leg.parts.putIfLarge();
        const links = isTold ? undefined : splitter.links();
        if (links === undefined) continue;
        isTold = true;
        onLinks(links);
        // Sends the request for the next page now, before the rest of this chunk is processed.
        await nextTurn();
      }
    }
    return { ...splitter.end(), matched };
  } finally {
    end();
  }
};
