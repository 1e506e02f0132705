import type { Problem } from '../reading/problems.ts';
import { boundFaults, UnreadablePage } from '../reading/unreadable-page.ts';
import { readStateFile, referredIn } from '../state/state-file.ts';
import { everything, type ReferencesTask } from '../state/state.ts';
import { afterAnswer, afterFailure, type After } from './after-answer.ts';
import { askPayer } from './ask-payer.ts';
import { fresh, stopForToken, updateTask, type Leg, type Stop } from './leg.ts';
import { isAccountedFor, parseName } from './referred.ts';
import { takePage } from './take-page.ts';
import { reportLostScope } from './within-scope.ts';

type Outcome = { readonly after: After } | { readonly problem: Problem } | 'done';

const refusalOf = (name: string, status: number): Problem => ({
  kind: status === 404 || status === 410 ? 'referenceGone' : 'referenceNotRead',
  ...parseName(name),
  status,
});

/** Reports a reference that the scope does not let the job read, unless the type is searched anyway. */
const reportBeyondScope = (leg: Leg, type: string): void => {
  if (leg.wantedAtKickOff.may(type, 'r')) reportLostScope(leg, type);
  else if (
    !leg.planned.some((one) => one === type || one === everything) &&
    leg.state.seen.add(leg.tagOf(`beyond ${type}`))
  )
    leg.problems.add({ kind: 'typeOutOfScope', type });
};

/** Reads one resource that the record refers to. */
const readReferred = async (leg: Leg, task: ReferencesTask, name: string): Promise<Outcome> => {
  const { type, id } = parseName(name);
  const base = leg.payer.fhirBaseUrl.replace(/\/+$/, '');
  leg.references += 1;
  const answer = await askPayer(leg.deps, leg, `${base}/${type}/${id}`, leg.untilAt);
  switch (answer.kind) {
    case 'refused':
      return { problem: refusalOf(name, answer.status) };
    case 'json':
      try {
        await takePage(leg, { of: 'read', type, id }, answer);
        return isAccountedFor(leg, name) ? 'done' : { problem: { kind: 'referenceNotRead', type, id, status: 200 } };
      } catch (error) {
        if (!(error instanceof UnreadablePage)) throw error;
        if (boundFaults.has(error.fault)) return { problem: { kind: 'referenceNotRead', type, id, status: 200 } };
        return { after: await afterFailure(leg, task) };
      }
    default:
      return { after: await afterAnswer(leg, task, answer) };
  }
};

/** How many state files have references. The file that this leg will write is the last of them. */
const filesOf = ({ state, referred }: Leg): number => state.referenceFiles.length + (referred.length > 0 ? 1 : 0);

const namesIn = async ({ deps, stateKey, state, referred }: Leg, file: number): Promise<readonly string[]> => {
  const name = state.referenceFiles[file];
  return name === undefined ? referred : referredIn(await readStateFile(deps, stateKey.stateKey, name));
};

/**
 * Reads resources that the record refers to and no search returned, and what those refer to, until nothing new is found or
 * the leg stops.
 */
export const followReferences = async (leg: Leg, first: ReferencesTask): Promise<Stop | undefined> => {
  let task = first;
  for (; task.file < filesOf(leg); task = updateTask(leg, task, { file: task.file + 1, at: 0 })) {
    const names = await namesIn(leg, task.file);
    while (task.at < names.length) {
      const name = names[task.at]!;
      const { type } = parseName(name);
      if (!isAccountedFor(leg, name) && !leg.wanted.may(type, 'r')) reportBeyondScope(leg, type);
      else if (!isAccountedFor(leg, name)) {
        if (leg.isFull()) return { kind: 'go' };
        if (leg.isTokenEnding()) return stopForToken(leg);
        const outcome = await readReferred(leg, task, name);
        if (outcome !== 'done' && 'after' in outcome) {
          const { after } = outcome;
          task = leg.queue[0] as ReferencesTask;
          if ('stop' in after) return after.stop;
          if ('again' in after) continue;
          leg.problems.add({ kind: 'referenceNotRead', ...parseName(name) });
        } else if (outcome !== 'done') leg.problems.add(outcome.problem);
      }
      task = updateTask(leg, task, { at: task.at + 1, ...fresh });
    }
  }
  leg.queue.shift();
  return undefined;
};
