import { memberEndsMs, type GroupMember } from '../../shared/exchanges/group.ts';
import { dropBody } from '../../shared/payer/answers.ts';
import { fhirJson } from '../../shared/registry/profile.ts';
import { afterAnswer, afterFailure, type After } from '../leg/after-answer.ts';
import type { LegStop } from '../leg/leg-stop.ts';
import { askedBase, fresh, updateTask } from '../leg/leg.ts';
import type { PlanFault, Problem } from '../reading/problems.ts';
import { earliestTimeOf, type AskTask } from '../state/state.ts';
import { allowedUrl, type PlanAnswer, type PlanRequest } from './ask-plan.ts';
import { typeOfAll, type ExchangeLeg } from './exchange-leg.ts';
import { patientIn, type GroupInput } from './line-rules.ts';
import type { Accepted } from './work.ts';

const matchPath = 'Group/$bulk-member-match';
const exportPath = 'Group/{group}/$davinci-data-export';

/** PDex 2.2 §171. */
const exportType = 'hl7.fhir.us.davinci-pdex#payertopayer';

/** The parameters of a group export, by their types in a Parameters resource. */
type Parameter = readonly [name: string, type: 'Canonical' | 'Instant' | 'String' | 'Reference', value: string];

/** @param members whose records to ask for; undefined for the whole Group */
const parametersOf = ({ asked }: GroupInput, members: readonly GroupMember[] | undefined): readonly Parameter[] => [
  ['exportType', 'Canonical', exportType],
  ...(members ?? []).map(({ reference }): Parameter => ['patient', 'Reference', reference]),
  ...(asked.since === undefined ? [] : [['_since', 'Instant', asked.since] as const]),
  ...(asked.until === undefined ? [] : [['_until', 'Instant', asked.until] as const]),
  ...(asked.types === undefined ? [] : [['_type', 'String', asked.types.join(',')] as const]),
  ...(asked.typeFilters ?? []).map((filter): Parameter => ['_typeFilter', 'String', filter]),
];

const bodyOf = (parameters: readonly Parameter[]): string =>
  JSON.stringify({
    resourceType: 'Parameters',
    parameter: parameters.map(([name, type, value]) => ({
      name,
      [`value${type}`]: type === 'Reference' ? { reference: value } : value,
    })),
  });

const usual = { accept: fhirJson, prefer: 'respond-async' };
const posted = { ...usual, 'content-type': fhirJson };

/** When the first of these members may no longer be asked for, in epoch milliseconds. */
const firstEndMs = (members: readonly Parameters<typeof memberEndsMs>[0][]): number =>
  members.reduce((first, member) => Math.min(first, memberEndsMs(member)), Number.POSITIVE_INFINITY);

/** The request of a group export, or why there is none. */
const exportRequest = ({ deps, payer, lines }: ExchangeLeg, input: GroupInput): PlanRequest | PlanFault => {
  const { exchange } = payer;
  const path = (exchange.exportPath ?? exportPath).replace('{group}', () => encodeURIComponent(input.group));
  const url = `${askedBase(payer)}/${path}`;
  const members = input.members.filter(
    (member) => lines?.allowed.has(patientIn(member)) === true && deps.clock.now() < memberEndsMs(member),
  );
  if (members.length === 0) return 'nobodyLeft';
  const isAll = lines?.isWhole() === true && members.length === input.groupMembers;
  const parameters = parametersOf(input, isAll ? undefined : members);
  if (exchange.exportMethod !== 'GET') {
    const body = bodyOf(parameters);
    return { url, method: 'POST', headers: posted, body, withToken: true, consentsEndMs: firstEndMs(members) };
  }
  if (!isAll) return 'namesNobody';
  const query = new URLSearchParams(parameters.map(([name, , value]) => [name, value]));
  return { url: `${url}?${query.toString()}`, headers: usual, withToken: true, consentsEndMs: firstEndMs(members) };
};

const requestOf = (leg: ExchangeLeg): PlanRequest | PlanFault => {
  const { payer, input } = leg;
  if (input.kind === 'group') return exportRequest(leg, input);
  const consentsEndMs = firstEndMs(input.members);
  // The body is sent unchanged or not at all: without this member it would no longer be the partner's request.
  if (leg.deps.clock.now() >= consentsEndMs) return 'consentEnded';
  const url = `${askedBase(payer)}/${payer.exchange.matchPath ?? matchPath}`;
  return { url, method: 'POST', headers: posted, body: input.body, withToken: true, consentsEndMs };
};

/** Ends an exchange when nothing more can be read. */
export const endExchange = ({ next, problems }: ExchangeLeg, problem: Problem): undefined => {
  problems.add(problem);
  next.queue.splice(0);
};

/** A plan is down after this many 503s in a row. Fewer are common: many plans answer 503 for some minutes during an update. */
const mostDown = 3;

/** Waits for as long as a busy plan says. One that stays down counts as failing, so that an alarm goes off. */
const afterThrottled = async (
  leg: ExchangeLeg,
  task: Parameters<typeof afterAnswer>[1],
  answer: Extract<PlanAnswer, { kind: 'throttled' }>,
): Promise<After> => {
  const { down = 0 } = updateTask(leg, task, { down: answer.status === 503 ? (task.down ?? 0) + 1 : 0 });
  const after = await afterAnswer(leg, leg.next.queue[0]!, answer);
  const waits = 'stop' in after && after.stop.kind === 'wait';
  return waits && down >= mostDown ? { stop: { ...after.stop, why: 'failed' } } : after;
};

/** What to do after an answer that says nothing about the request. `giveUp` if it was the last try. */
export const afterPlan = (
  leg: ExchangeLeg,
  task: Parameters<typeof afterAnswer>[1],
  answer: Exclude<PlanAnswer, { kind: 'answered' }>,
  mostTries?: number,
): Promise<After> => {
  if (answer.kind === 'elsewhere' || answer.kind === 'lapsed') return Promise.resolve({ giveUp: true });
  if (answer.kind === 'throttled') return afterThrottled(leg, task, answer);
  if (answer.kind === 'clientRefused') return afterFailure(leg, task, mostTries, 'clientRefused');
  return answer.kind === 'failed' ? afterFailure(leg, task, mostTries) : afterAnswer(leg, task, answer);
};

/** Describes a plan that accepted no try of a request. */
export const lastProblem = (
  type: string,
  step: 'ask' | 'poll',
  answer: Exclude<PlanAnswer, { kind: 'answered' }>,
): Problem => {
  if (answer.kind === 'clientRefused') return { kind: 'planUnusable', type, why: 'client' };
  if (answer.kind === 'elsewhere') return { kind: 'planUnusable', type, why: 'statusElsewhere' };
  const { status, fault } = answer.kind === 'failed' ? answer : {};
  return { kind: 'planRefused', type, step, status, ...(fault !== undefined && { fault }) };
};

/** Queues a poll of the plan's status in place of the request. */
const pollNext = ({ next }: ExchangeLeg, { url, acceptedAt }: Accepted): void => {
  next.transactionTime = acceptedAt;
  next.queue.splice(0, 1, { kind: 'poll', url, ...fresh });
};

/** Records that the plan accepted the request: at what time, and where its status is. */
const noteAccepted = async (
  leg: ExchangeLeg,
  url: string,
  { response, dateMs }: Extract<PlanAnswer, { kind: 'answered' }>,
): Promise<Problem | undefined> => {
  const type = typeOfAll(leg.input);
  const location = response.headers.get('content-location') ?? response.headers.get('location');
  if (location === null) return { kind: 'planUnusable', type, why: 'noStatusUrl' };
  const status = allowedUrl(leg.payer, leg.payer.exchange.statusOrigins, location, url);
  if (status === undefined) return { kind: 'planUnusable', type, why: 'statusElsewhere' };
  const work = { url: status, acceptedAt: new Date(dateMs ?? earliestTimeOf(leg.item)).toISOString() };
  await leg.keepWork(work);
  pollNext(leg, work);
  return undefined;
};

/** Sends the request to a former plan, unless the plan has already accepted it. The leg then ends, so that the request is not sent twice. */
export const ask = async (leg: ExchangeLeg, first: AskTask): Promise<LegStop | undefined> => {
  const type = typeOfAll(leg.input);
  const work = await leg.findWork();
  if (work !== undefined) {
    pollNext(leg, work);
    return { kind: 'go' };
  }
  let task = first;
  for (;;) {
    const stop = leg.calls.whyNot();
    if (stop !== undefined) return stop;
    const request = requestOf(leg);
    if (typeof request === 'string') return endExchange(leg, { kind: 'planUnusable', type, why: request });
    const answer = await leg.ask(request);
    // The next request is for those whose consents still hold, if any.
    if (answer.kind === 'lapsed') continue;
    if (answer.kind === 'answered') {
      const { status } = answer.response;
      await dropBody(answer.response);
      answer.end();
      if (status !== 202) return endExchange(leg, { kind: 'planRefused', type, step: 'ask', status });
      const problem = await noteAccepted(leg, request.url, answer);
      return problem === undefined ? { kind: 'go' } : endExchange(leg, problem);
    }
    const after = await afterPlan(leg, task, answer);
    if ('stop' in after) return after.stop;
    if (!('again' in after)) return endExchange(leg, lastProblem(type, 'ask', answer));
    task = updateTask(leg, leg.next.queue[0] as AskTask, {});
  }
};
