import { attachmentName, exportUrl } from '../../shared/exports/urls.ts';
import type { AnswerBases } from '../../shared/registry/fhir-bases.ts';
import type { Payer } from '../../shared/registry/types.ts';
import { binaryAt, isServed } from '../reading/binary-urls.ts';
import type { RecordRules } from '../reading/check-resource.ts';
import { hangingOf, noteWhose, type Came } from '../reading/hangs-on.ts';
import { ownAttachments, type OwnAttachment } from '../reading/own-attachments.ts';
import type { PageResource } from '../reading/page-resource.ts';
import type { Problem } from '../reading/problems.ts';
import { unservedAttachments, type createLineRewriter } from '../reading/rewrite-line.ts';
import { saysWithheld } from '../reading/says-withheld.ts';
import { identityOf } from '../reading/seen-names.ts';
import type { HeldLine } from '../state/held-lines.ts';
import type { Leg } from './leg.ts';

/** How resources are put into the record. */
export interface Keeping {
  readonly leg: Leg;
  /** As the base that gave the answer has them. */
  readonly rules: RecordRules;
  readonly rewrite: ReturnType<typeof createLineRewriter>;
  /** Where resources come from. */
  readonly where: { readonly page?: number | undefined } | { readonly file: number };
  /** How what names no patient came; undefined if that does not say whose it is. */
  readonly came: Came | undefined;
  /** In an exchange: what a waiting line says about whose it is. */
  readonly whoseOf?: (resource: PageResource) => HeldLine['whose'];
}

/** Whether the scope does not cover an attachment, which is reported once for its resource's type. */
export const isBeyondScope = (
  { binaries, seen, problems }: Pick<Leg, 'binaries' | 'seen' | 'problems'>,
  { type }: Pick<HeldLine, 'type'>,
): boolean => {
  if (binaries === 'covered') return false;
  const narrowed = binaries === 'lost' && { narrowed: true as const };
  if (seen.add(`attachments beyond scope ${type}`)) problems.add({ kind: 'attachmentsOutOfScope', type, ...narrowed });
  return true;
};

/** Whether lines can wait. An export that an earlier version began has no task that writes them. */
const mayHold = ({ next: { queue } }: Leg): boolean => queue.some(({ kind }) => kind === 'attachments');

/** The attachments of a resource that are fetched: the payer's Binaries, unless its profile says otherwise. */
export const attachmentsToFetch = (
  { leg, rules }: Pick<Keeping, 'leg' | 'rules'>,
  resource: PageResource,
): readonly OwnAttachment[] => {
  if (resource.attachments.length === 0) return [];
  const { payer } = leg;
  if (payer.wholeRecord?.attachments === false || !mayHold(leg)) return [];
  const own = ownAttachments(resource, { ...rules, attachmentPaths: payer.wholeRecord?.attachmentPaths });
  return own.length > 0 && isBeyondScope(leg, resource) ? [] : own;
};

/** URLs of a resource's attachments, and the payer's bases as they apply to them. */
interface AttachedUrls {
  readonly urls: readonly string[];
  readonly bases: AnswerBases;
}

/** Reports attachments that are not fetched because their URLs do not name a single Binary, if the gateway fetches attachments at all. */
export const reportUnclear = (
  leg: Pick<Leg, 'binaries' | 'seen' | 'problems'> & { readonly payer: Pick<Payer, 'wholeRecord'> },
  { type, id }: Pick<HeldLine, 'type' | 'id'>,
  { urls, bases }: AttachedUrls,
  report: (problem: Problem) => void,
): void => {
  const unclear = new Set(urls.filter((url) => binaryAt(url, bases) === 'other'));
  if (unclear.size === 0 || leg.payer.wholeRecord?.attachments === false || isBeyondScope(leg, { type })) return;
  for (const url of unclear) {
    const isUnserved = !isServed(url, bases);
    report({ kind: 'attachmentNotRead', type, id, why: 'form', ...(isUnserved && { isUnserved }) });
  }
};

/** How many of a resource's URLs are below the facade, or will be, where the gateway does not serve them. */
const countUnserved = ({ urls, bases }: AttachedUrls): number =>
  new Set(urls.filter((url) => binaryAt(url, bases) !== undefined && !isServed(url, bases))).size;

/** Rewriting its links never makes a line this many times longer. */
const mostGrowth = 32;

/** Gives a URL at least as long as that of any attachment's file. */
const mostNumber = 99_999;

const lengthOf = (pieces: Iterable<Uint8Array>): number => {
  let bytes = -1; // The line break does not count.
  for (const piece of pieces) bytes += piece.length;
  return bytes;
};

/** Whether a line may get longer than clients read, once its links are rewritten. Attachments may come, or not. */
const isTooLong = (
  { leg: { deps, item, buffers }, rewrite }: Keeping,
  resource: PageResource,
  attachments: readonly OwnAttachment[],
): boolean => {
  const most = buffers.pageRoom.resource.length;
  if (resource.line.length * mostGrowth <= most) return false;
  if (lengthOf(rewrite(resource)) > most) return true;
  if (attachments.length === 0) return false;
  const file = `${exportUrl(deps.origin, item)}/${attachmentName(mostNumber)}`;
  return lengthOf(rewrite(resource, new Map(attachments.map(({ url }) => [url, file])))) > most;
};

/**
 * Puts a resource into the record, and reports what its payer withheld and which attachments the gateway does not serve. Its line
 * waits if attachments are fetched for it, or if it names no patient and it is not known yet whose it is.
 * @param problemOf what to report if it is another patient's
 * @returns whether it is not known yet; `tooLong` if its line would be
 */
export const keep = (
  keeping: Keeping,
  resource: PageResource,
  attachments: readonly OwnAttachment[],
  report: (problem: Problem) => void,
  problemOf: () => Problem,
): boolean | 'tooLong' => {
  const { leg, rules, rewrite, where, came, whoseOf } = keeping;
  const { type, id, line } = resource;
  const hangs = hangingOf(resource, identityOf, { rules, seen: leg.seen, came });
  if (isTooLong(keeping, resource, attachments)) {
    report({ kind: 'resourceSkipped', reason: 'tooLarge', type, ...where, ...(id !== undefined && { id }) });
    // It is not kept, so it cannot show whose the resources that refer to it are.
    if (hangs !== undefined) noteWhose(leg.seen, identityOf(resource), hangs, 'unknown');
    return 'tooLong';
  }
  const hanging = hangs !== undefined && mayHold(leg) ? hangs : undefined;
  const fetched = new Set(attachments.map(({ url }) => url));
  const others = resource.attachments.filter((url) => !fetched.has(url));
  if (attachments.length === 0 && hanging === undefined) leg.parts.add(type, rewrite(resource));
  else {
    const home = rules.only === undefined ? undefined : rules.bases[0];
    const hangsOn = hanging !== undefined && { hangsOn: { ...hanging, problem: problemOf() } };
    const whose = whoseOf && { whose: whoseOf(resource) };
    const links = others.filter((url) => binaryAt(url, rules) !== undefined);
    const left = links.length > 0 && { others: links };
    leg.held.add({ type, id, attachments, ...left, ...hangsOn, ...whose, ...(home !== undefined && { home }), line });
  }
  leg.next.resources += 1;
  const attached = { urls: others, bases: rules };
  const isNoneFetched = others.length > 0 && leg.payer.wholeRecord?.attachments === false;
  const count = unservedAttachments({ attachments: others }, rules) + (isNoneFetched ? countUnserved(attached) : 0);
  if (saysWithheld(resource.resource['meta'])) report({ kind: 'resourceWithheld', type, id });
  if (count > 0) report({ kind: 'unservedAttachment', type, id, count });
  // For a line that waits, this is reported when the line is written.
  if (attachments.length === 0 && hanging === undefined) reportUnclear(leg, resource, attached, report);
  return hanging !== undefined;
};
