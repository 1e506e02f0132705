import { answerBases } from '../../shared/registry/fhir-bases.ts';
import { isServed } from '../reading/binary-urls.ts';
import type { OwnAttachment } from '../reading/own-attachments.ts';
import type { AttachmentFault, Problem } from '../reading/problems.ts';
import { identityOf } from '../reading/seen-names.ts';
import type { HeldLine } from '../state/held-lines.ts';
import type { AttachmentsTask, WrittenAttachment } from '../state/state.ts';
import { afterAnswer, afterFailure, type After } from './after-answer.ts';
import type { Answer } from './ask-payer.ts';
import { heldLine, missingName, settleHeld, whyLeftOut } from './held-line.ts';
import { isBeyondScope, reportUnclear } from './keep.ts';
import type { LegStop } from './leg-stop.ts';
import { fresh, updateTask, type Leg } from './leg.ts';
import { differenceOf, mostBytesOf, otherTypeOf, takeDocument } from './take-document.ts';

/** A fault, with the payer's status if it refused. */
interface Fault {
  readonly why: AttachmentFault;
  readonly status?: number;
}

const isGone = (status: number | undefined): boolean => status === 404 || status === 410;

const problemOf = (
  { payer }: Pick<Leg, 'payer'>,
  { type, id, home }: HeldLine,
  { url }: OwnAttachment,
  { why, ...answered }: Fault,
): Problem => ({
  kind: isGone(answered.status) ? 'attachmentGone' : 'attachmentNotRead',
  type,
  id,
  why,
  ...answered,
  ...(!isServed(url, answerBases(payer, home)) && { isUnserved: true as const }),
});

/** The most attachments of an export, so that its manifest stays a few megabytes. */
const mostAttachments = 10_000;

/** How often an attachment is asked for that the payer answers with a page in its place. Many payers always do. */
const mostPasses = 3;

const givenUp: Fault = { why: 'broken' };

/** Why an attachment that did not come at the last try is given up. If the payer answered with a status, it was not broken off. */
const faultOf = (answer: Answer): Fault => {
  if (answer.kind === 'clientRefused') return { why: 'client' };
  if (answer.kind !== 'failed') return givenUp;
  if (answer.fault === 'unusable') return { why: 'unusable' };
  return answer.status === undefined ? givenUp : { why: 'refused', status: answer.status };
};

/** Asks for one attachment, and seals it. */
const fetchOne = async (
  leg: Leg,
  task: AttachmentsTask,
  held: HeldLine,
  attachment: OwnAttachment,
): Promise<{ readonly after: After; readonly fault?: Fault } | Fault | undefined> => {
  const { from, contentType, size = 0 } = attachment;
  if (size > mostBytesOf(leg.deps)) return { why: 'tooLarge' };
  if (leg.attachments.count() >= mostAttachments) return { why: 'tooMany' };
  const accept = contentType === undefined ? '*/*' : `${contentType}, */*;q=0.5`;
  const answer = await leg.calls.askDocument(from, accept);
  switch (answer.kind) {
    case 'refused':
      return { why: 'refused', status: answer.status };
    case 'json': {
      const taken = await takeDocument(leg, attachment, answer);
      if ('cut' in taken) return { after: await afterFailure(leg, task) };
      if ('fault' in taken) {
        const fault = { why: taken.fault };
        return taken.mayPass === true ? { after: await afterFailure(leg, task, mostPasses), fault } : fault;
      }
      if (leg.leaving?.isLeftOut(held) !== true) leg.attachments.add(taken.written);
      return undefined;
    }
    default:
      return { after: await afterAnswer(leg, task, answer), fault: faultOf(answer) };
  }
};

/** Reports, once for each resource, that the payer withheld part of one of its attachments. */
const reportIfWithheld = ({ seen, problems }: Leg, held: HeldLine, { isWithheld, from }: WrittenAttachment): void => {
  if (isWithheld === true && seen.add(`withheld ${identityOf(held)} ${from}`))
    problems.add({ kind: 'attachmentWithheld', type: held.type, id: held.id });
};

/** Fetches what a line's attachments lack. Returns why the leg stops before all were tried. */
const fetchOf = async (leg: Leg, held: HeldLine): Promise<LegStop | undefined> => {
  const report = (attachment: OwnAttachment, fault: Fault): void => {
    leg.problems.add(problemOf(leg, held, attachment, fault));
    leg.seen.add(missingName(held, attachment));
  };
  for (const attachment of held.attachments) {
    let isAsked = false;
    while (!leg.seen.has(missingName(held, attachment))) {
      // The member it is about may no longer be exported.
      if (leg.leaving?.isLeftOut(held) === true) return undefined;
      const found = leg.attachments.find(attachment.from);
      const why = found && (otherTypeOf(leg, attachment, found.one) ?? differenceOf(attachment, found.one));
      if (why !== undefined) report(attachment, { why });
      else if (found !== undefined) reportIfWithheld(leg, held, found.one);
      if (found !== undefined || isBeyondScope(leg, held)) break;
      const stop = leg.calls.whyNot();
      if (stop !== undefined) return stop;
      isAsked = true;
      const outcome = await fetchOne(leg, leg.next.queue[0] as AttachmentsTask, held, attachment);
      if (outcome !== undefined && 'after' in outcome) {
        if ('stop' in outcome.after) return outcome.after.stop;
        if ('giveUp' in outcome.after) report(attachment, outcome.fault ?? givenUp);
        if ('refused' in outcome.after) report(attachment, { why: 'refused', status: outcome.after.refused });
      } else if (outcome !== undefined) report(attachment, outcome);
    }
    // One that an earlier leg settled says nothing about the tries of the next.
    if (isAsked) updateTask(leg, leg.next.queue[0] as AttachmentsTask, fresh);
  }
  return undefined;
};

/** Reads the lines that wait, until all are written or the leg stops. */
const readLines = async (leg: Leg, first: AttachmentsTask): Promise<LegStop | undefined> => {
  const { deps, item, payer, seen, attachments } = leg;
  const basesAt = (home?: string) => answerBases(payer, home);
  const written = { origin: deps.origin, item, basesAt, seen, find: attachments.find };
  const files = [...leg.before.held, ...(await leg.held.put())];
  let task = first;
  if (task.file === 0 && task.at === 0) await settleHeld(files, leg.next, seen, leg.held.read);
  for (; task.file < files.length; task = updateTask(leg, task, { file: task.file + 1, at: 0 })) {
    const lines = await leg.held.read(files[task.file]!.object);
    while (task.at < lines.length) {
      const held = lines[task.at]!;
      const why = whyLeftOut(held, seen);
      const stop = why === undefined ? await fetchOf(leg, held) : undefined;
      if (stop !== undefined) return stop;
      if (why !== undefined) {
        leg.next.resources -= 1;
        leg.problems.add(why);
      } else if (leg.leaving?.isLeftOut(held) === true) leg.leaving.leaveOut(held);
      else {
        reportUnclear(leg, held, { urls: held.others ?? [], bases: basesAt(held.home) }, leg.problems.add);
        leg.parts.add(held.type, heldLine(held, written));
        leg.leaving?.noteWritten(held);
      }
      await leg.parts.putIfLarge();
      task = updateTask(leg, leg.next.queue[0] as AttachmentsTask, { at: task.at + 1, ...fresh });
    }
  }
  leg.next.queue.shift();
  return undefined;
};

/**
 * Fetches the attachments of the lines that wait, and writes each line once its attachments came or were given up. An
 * attachment that several resources name is fetched once. A line that names no patient is left out unless it is the member's.
 */
export const fetchAttachments = async (leg: Leg, first: AttachmentsTask): Promise<LegStop | undefined> => {
  const stop = await readLines(leg, first);
  for (const problem of leg.leaving?.takeProblems() ?? []) leg.problems.add(problem);
  return stop;
};
