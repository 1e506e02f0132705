import type { RecordRules } from '../reading/check-resource.ts';
import { awaitedBy } from '../reading/hangs-on.ts';
import { ownAttachments, type OwnAttachment } from '../reading/own-attachments.ts';
import type { PageResource } from '../reading/page-resource.ts';
import type { Problem } from '../reading/problems.ts';
import { unservedAttachments, type createLineRewriter } from '../reading/rewrite-line.ts';
import { saysWithheld } from '../reading/withheld.ts';
import type { HeldLine } from '../state/held-lines.ts';
import type { Leg } from './leg.ts';

/** How resources are put into the record. */
export interface Keeping {
  readonly leg: Leg;
  /** As the base that gave the answer has them. */
  readonly rules: RecordRules;
  readonly rewrite: ReturnType<typeof createLineRewriter>;
}

/** Whether the scope does not cover an attachment, which is reported once for its resource's type. */
export const isBeyondScope = (
  { mayReadBinary, seen, problems }: Pick<Leg, 'mayReadBinary' | 'seen' | 'problems'>,
  { type }: Pick<HeldLine, 'type'>,
): boolean => {
  if (mayReadBinary) return false;
  if (seen.add(`attachments beyond scope ${type}`)) problems.add({ kind: 'attachmentsOutOfScope', type });
  return true;
};

/** Whether lines can wait. An export that an earlier version began has no task that writes them. */
const mayHold = ({ next: { queue } }: Leg): boolean => queue.some(({ kind }) => kind === 'attachments');

/** The attachments of a resource that are fetched: the payer's Binaries, unless its profile says otherwise. */
export const attachmentsToFetch = (
  { leg, rules }: Omit<Keeping, 'rewrite'>,
  resource: PageResource,
): readonly OwnAttachment[] => {
  if (resource.attachments.length === 0) return [];
  const { payer } = leg;
  if (payer.wholeRecord?.attachments === false || !mayHold(leg)) return [];
  const own = ownAttachments(resource, { ...rules, attachmentPaths: payer.wholeRecord?.attachmentPaths });
  return own.length > 0 && isBeyondScope(leg, resource) ? [] : own;
};

/**
 * Puts a resource into the record, and reports what its payer withheld and which attachments the gateway does not serve. Its line
 * waits if attachments are fetched for it, or if it is about a resource that may turn out to be another patient's.
 * @param problemOf what to report then
 */
export const keep = (
  { leg, rules, rewrite }: Keeping,
  resource: PageResource,
  attachments: readonly OwnAttachment[],
  report: (problem: Problem) => void,
  problemOf: () => Problem,
): void => {
  const { type, id, line } = resource;
  const awaited = awaitedBy(resource, rules, leg.seen);
  const names = awaited.length > 0 && mayHold(leg) ? awaited : [];
  if (attachments.length === 0 && names.length === 0) leg.parts.add(type, rewrite(resource));
  else {
    const home = rules.only === undefined ? undefined : rules.bases[0];
    const hangsOn = names.length > 0 && { hangsOn: { names, problem: problemOf() } };
    leg.held.add({ type, id, attachments, ...hangsOn, ...(home !== undefined && { home }), line });
  }
  leg.next.resources += 1;
  const fetched = new Set(attachments.map(({ url }) => url));
  const others = resource.attachments.filter((url) => !fetched.has(url));
  const count = unservedAttachments({ attachments: others }, rules);
  if (saysWithheld(resource.resource['meta'])) report({ kind: 'resourceWithheld', type, id });
  if (count > 0) report({ kind: 'unservedAttachment', type, id, count });
};
