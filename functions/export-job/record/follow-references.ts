import { afterAnswer, afterFailure, type After } from '../leg/after-answer.ts';
import type { Answer } from '../leg/ask-payer.ts';
import type { LegStop } from '../leg/leg-stop.ts';
import { fresh, updateTask } from '../leg/leg.ts';
import { meaningOf, type Problem } from '../reading/problems.ts';
import { isAccountedFor, leftOut, parseName, readAgain, type SeenNames } from '../reading/seen-names.ts';
import { boundFaults, UnreadablePage } from '../reading/unreadable-page.ts';
import type { ReferencesTask } from '../state/state.ts';
import { noteTime } from './note-time.ts';
import { reportBeyondScope } from './queue.ts';
import type { RecordLeg } from './record-leg.ts';
import { takePage } from './take-page.ts';

/** What was left out has its own problem. */
const report = ({ seen, problems }: RecordLeg, name: string, problem: Problem): void => {
  if (!seen.has(leftOut(name))) problems.add(problem);
};

type Unread = Extract<Problem, { kind: 'referenceNotRead' | 'referenceGone' }>;

type Followed =
  /** `problem` if nothing more is tried, beside what the payer remarks in place of the resource. */
  { readonly after?: After; readonly problem: Problem; readonly remarks?: readonly Problem[] } | 'done';

const refusalOf = (name: string, status: number): Problem => ({
  kind: status === 404 || status === 410 ? 'referenceGone' : 'referenceNotRead',
  ...parseName(name),
  status,
});

const whyFailed = ({ status, fault }: Extract<Answer, { kind: 'failed' }>): Pick<Unread, 'status' | 'fault'> =>
  fault === undefined ? { ...(status !== undefined && { status }) } : { fault };

/** Whether nothing should be read under a name. */
const isDone = (seen: SeenNames, name: string): boolean =>
  seen.has(name) || (seen.has(leftOut(name)) && !seen.has(readAgain(name)));

/** Reads one resource that the record refers to. */
const readReferred = async (leg: RecordLeg, task: ReferencesTask, name: string): Promise<Followed> => {
  const { type, id } = parseName(name);
  leg.next.references += 1;
  const answer = await leg.calls.ask(type, `/${type}/${id}`);
  noteTime(leg, type, answer);
  switch (answer.kind) {
    case 'refused':
      return { problem: refusalOf(name, answer.status) };
    case 'json':
      try {
        const remarks: Problem[] = [];
        await takePage(leg, { of: 'read', type, id }, answer, { remark: (found) => remarks.push(...found) });
        if (isAccountedFor(leg.seen, name)) return 'done';
        const other = { problem: { kind: 'referenceNotRead', type, id, status: 200 } } as const;
        if (remarks.length === 0) return other;
        // A search is asked again for the same remarks.
        const isPassing = meaningOf(remarks) === 'later';
        return { ...(isPassing && { after: await afterFailure(leg, task) }), ...other, remarks };
      } catch (error) {
        if (!(error instanceof UnreadablePage)) throw error;
        const fault = { problem: { kind: 'referenceNotRead', type, id, fault: error.fault } } as const;
        if (boundFaults.has(error.fault)) return fault;
        return { after: await afterFailure(leg, task), ...fault };
      }
    default:
      // Some payers serve a Binary only in this form. Trying again would give the same answer.
      if (
        type === 'Binary' &&
        (answer.kind === 'otherType' || (answer.kind === 'failed' && answer.fault === 'notJson'))
      )
        return { problem: { kind: 'referenceNotRead', type, id, isContent: true } };
      if (answer.kind === 'otherType') return { problem: { kind: 'referenceNotRead', type, id, fault: 'mediaType' } };
      return {
        after: await afterAnswer(leg, task, answer),
        problem: { kind: 'referenceNotRead', type, id, ...(answer.kind === 'failed' && whyFailed(answer)) },
      };
  }
};

/**
 * Reads resources that the record refers to and no search returned, and what those refer to, until nothing new is found or
 * the leg stops.
 */
export const followReferences = async (leg: RecordLeg, first: ReferencesTask): Promise<LegStop | undefined> => {
  let task = first;
  for (; task.file < leg.referred.lists(); task = updateTask(leg, task, { file: task.file + 1, at: 0 })) {
    const names = await leg.referred.list(task.file);
    while (task.at < names.length) {
      const name = names[task.at]!;
      const { type } = parseName(name);
      if (!isDone(leg.seen, name) && !leg.wanted.may(type, 'r')) reportBeyondScope(leg, type);
      else if (!isDone(leg.seen, name)) {
        const stop = leg.calls.whyNot();
        if (stop !== undefined) return stop;
        const outcome = await readReferred(leg, task, name);
        if (outcome !== 'done') {
          const { after, problem, remarks = [] } = outcome;
          task = leg.next.queue[0] as ReferencesTask;
          if (after !== undefined && 'stop' in after) return after.stop;
          if (after !== undefined && 'again' in after) continue;
          for (const remark of remarks) leg.problems.add(remark);
          report(leg, name, after !== undefined && 'refused' in after ? refusalOf(name, after.refused) : problem);
        }
      }
      task = updateTask(leg, task, { at: task.at + 1, ...fresh });
    }
  }
  leg.next.queue.shift();
  return undefined;
};
