import { isObject } from '../../shared/json/json-object.ts';
import { repeatedMember } from '../../shared/json/repeated-member.ts';
import { readText } from '../../shared/payer/read-text.ts';
import { fhirBases, type FhirBase } from '../../shared/registry/fhir-bases.ts';
import { afterAnswer } from '../leg/after-answer.ts';
import type { Answer } from '../leg/ask-payer.ts';
import type { LegStop } from '../leg/leg-stop.ts';
import { fresh, updateTask } from '../leg/leg.ts';
import { meaningOf, payerRemarks } from '../reading/problems.ts';
import { everything, type Declared, type StatementTask } from '../state/state.ts';
import { declaredBy, declaredByAll } from './declared.ts';
import { planReading } from './plan-reading.ts';
import { followPlan } from './queue.ts';
import type { RecordLeg } from './record-leg.ts';

/** The longest statement that is read, in bytes: as long as discovery reads. */
const longestStatement = 5 * 1024 * 1024;

/** How many times the statement is asked for. The record can be read without it. */
const mostTries = 3;

type Read = { readonly kind: 'read'; readonly declared: Declared | undefined } | { readonly kind: 'failed' };

/** Whether an answer is an OperationOutcome that says that another try may succeed. */
const mayPass = (given: unknown): boolean =>
  isObject(given) &&
  given['resourceType'] === 'OperationOutcome' &&
  meaningOf(payerRemarks(given, everything, 1)) === 'later';

/** Reads the statement in an answer. One that ends early, or is no JSON, may be whole at another try. */
const read = async ({ response, end }: Extract<Answer, { kind: 'json' }>): Promise<Read> => {
  try {
    const text = await readText(response, longestStatement);
    const given: unknown = text === undefined ? undefined : JSON.parse(text);
    if (mayPass(given)) return { kind: 'failed' };
    // Which of two members counts, another try would not say.
    const isUnclear = text !== undefined && repeatedMember(text) !== undefined;
    return { kind: 'read', declared: isUnclear ? undefined : declaredBy(given) };
  } catch {
    return { kind: 'failed' };
  } finally {
    end();
  }
};

/** Ends the task with a plan of what to read. @param declared undefined if that is not known */
const plan = (leg: RecordLeg, declared: Declared | undefined): undefined => {
  const { payer, wanted, item, next } = leg;
  next.declares = declared;
  next.queue.shift();
  followPlan(leg, planReading({ payer, wanted, asked: item, declared }));
};

const urlOf = ({ bases: [url = ''] }: FhirBase): string => url;

/** What is known of the payer's bases, by their URLs. */
export const statementsRead = (
  { read: all = [], readAt }: Pick<StatementTask, 'read' | 'readAt'>,
  bases: readonly FhirBase[],
): ReadonlyMap<string, Declared | undefined> => {
  const urls = readAt ?? bases.map(urlOf);
  return new Map(all.slice(0, urls.length).map(([declared], at) => [urls[at]!, declared]));
};

/**
 * Reads what each of the payer's bases declares in its CapabilityStatement, and plans the searches. A statement that cannot be read is
 * not needed: then each type is searched that may be a patient's.
 */
export const readStatement = async (leg: RecordLeg, first: StatementTask): Promise<LegStop | undefined> => {
  const bases = fhirBases(leg.payer);
  let task = first;
  // Each leg begins with what earlier legs have read: a base that is slow or busy would otherwise bring it back to the first.
  for (;;) {
    const found = statementsRead(task, bases);
    const base = bases.find((one) => !found.has(urlOf(one)));
    if (base === undefined) {
      const declared = bases.map((one) => found.get(urlOf(one)));
      return plan(leg, declaredByAll(bases, declared));
    }
    const stop = leg.calls.whyNot();
    if (stop !== undefined) return stop;
    const go = (declared: Declared | undefined): void => {
      const all = [...found.values(), declared].map((one) => (one === undefined ? [] : [one]));
      task = updateTask(leg, task, { ...fresh, read: all, readAt: [...found.keys(), urlOf(base)] });
    };
    const given = await leg.calls.ask(base.only?.[0], '/metadata');
    const answer = given.kind === 'json' ? await read(given) : given;
    const isLastTry = task.tries + task.waits >= mostTries - 1;
    if (answer.kind === 'read') go(answer.declared);
    else if (answer.kind === 'refused' || answer.kind === 'tokenRefused' || answer.kind === 'otherType') go(undefined);
    else if (isLastTry && (answer.kind === 'failed' || answer.kind === 'throttled')) go(undefined);
    else {
      const after = await afterAnswer(leg, task, answer);
      if ('stop' in after) return after.stop;
      task = leg.next.queue[0] as StatementTask;
      // No answer may leave the task as it was: it would be asked for again without a pause.
      if (!('again' in after)) go(undefined);
    }
  }
};
