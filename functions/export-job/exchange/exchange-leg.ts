import { whyLeftOut } from '../../shared/exchanges/group.ts';
import type { ExchangeInput } from '../../shared/exchanges/input.ts';
import { readSecretHeaders } from '../../shared/payer/secrets.ts';
import { answerBases } from '../../shared/registry/fhir-bases.ts';
import { asFormerPlan, type FormerPlan } from '../../shared/registry/former-plan.ts';
import type { Payer } from '../../shared/registry/types.ts';
import { exchangeOwner } from '../../shared/store/exchange-items.ts';
import type { Export } from '../../shared/store/export-item.ts';
import { exchangeDeps } from '../job/deps.ts';
import type { Job } from '../job/job.ts';
import { writeFault } from '../job/log.ts';
import { askPayer, type Answer } from '../leg/ask-payer.ts';
import { beginLeg, type Leg } from '../leg/leg.ts';
import { readFileList, writeFileList, type ListedFiles } from '../state/plan-files.ts';
import { everything, type JobState, type PlanFile } from '../state/state.ts';
import { askPlan, paceOf, tokenOf, type PlanAnswer, type PlanAsking, type PlanRequest } from './ask-plan.ts';
import { groupNow } from './group-now.ts';
import { leaveHeld } from './leave-held.ts';
import { lineRulesOf, type LineRules } from './line-rules.ts';
import { findWork, keepWork, type Accepted } from './work.ts';

/** A leg of an exchange, with the gateway's own token. */
export interface ExchangeLeg extends Leg {
  readonly payer: FormerPlan;
  readonly input: ExchangeInput;
  /** For a group export: whose lines to keep. */
  readonly lines: LineRules | undefined;
  readonly ask: (request: PlanRequest) => Promise<PlanAnswer>;
  /** Milliseconds until the invocation ends. */
  readonly remainingMs: () => number;
  /** Files from the plan that this leg has read to the end. */
  readonly files: PlanFile[];
  readonly readList: (name: string) => Promise<ListedFiles>;
  readonly writeList: (files: ListedFiles) => Promise<string>;
  /** The progress that the plan reports, and when to poll it again. */
  progress: { readonly text?: string | undefined; readonly againAt: number } | undefined;
  /** The request that the plan has accepted, if an earlier leg sent it and that leg's result was lost. */
  readonly findWork: () => Promise<Accepted | undefined>;
  readonly keepWork: (accepted: Accepted) => Promise<void>;
}

/** The type that problems with a whole exchange are about. */
export const typeOfAll = ({ kind }: Pick<ExchangeInput, 'kind'>): string => (kind === 'match' ? 'Group' : everything);

/** Notes the members who may no longer be exported while resources come. */
export const noteLost = ({ lines, next }: Pick<ExchangeLeg, 'lines' | 'next'>): void => {
  for (const member of lines?.lost ?? []) next.cut.add(member);
};

/** The most that a leg reads. A former plan's files have no pages, and may have 50 GB: a leg ends by its time. */
const legBounds = { readMs: 20_000, bytes: 1024 * 1024 * 1024 };

/** Whose lines are kept now: consents end, and an operator may end a member's exchange, while an export runs. */
export const linesNow = async (
  { deps }: Pick<Job, 'deps'>,
  item: Export,
  input: ExchangeInput,
): Promise<LineRules | undefined> => {
  if (input.kind === 'match') return undefined;
  const { ended, isMixed } = await groupNow(deps, item, input);
  const members = input.members.filter((member) => whyLeftOut(member, ended, deps.clock.now()) === undefined);
  return lineRulesOf(input, members, isMixed);
};

/** Asks for attachments as a former plan. A token that it refuses is replaced once. */
const documentAsker = (asking: PlanAsking): Leg['calls']['askDocument'] => {
  const { deps, plan, tokens, noteRefusal: _, ...calls } = asking;
  const ask = async (url: string, accept: string, isAgain = false): Promise<Answer> => {
    const accessToken = await tokenOf(asking);
    if (typeof accessToken !== 'string') return accessToken;
    const secretHeaders = await readSecretHeaders({ readPayerSecret: exchangeDeps(deps).readSecret }, plan);
    const one = { ...calls, payer: plan, accessToken, secretHeaders, pace: paceOf(plan) };
    const answer = await askPayer(deps, one, url, calls.untilAt, 'document', accept);
    if (answer.kind !== 'tokenRefused') return answer;
    if (isAgain) return { kind: 'refused', status: 401 };
    tokens.forget(plan, accessToken);
    return ask(url, accept, true);
  };
  return ask;
};

/** What is older, newer or beyond a filter does not come, whoever refers to it. */
const isAskedOf =
  (lines: LineRules | undefined) =>
  (type: string): boolean =>
    lines !== undefined && !lines.isLimited && lines.types?.has(type) !== false;

export const makeExchangeLeg = async (
  job: Job,
  item: Export,
  registered: Payer,
  state: JobState,
  stopped: AbortSignal,
): Promise<ExchangeLeg> => {
  const { deps, tokens, remainingMs } = job;
  const payer = asFormerPlan(registered);
  if (payer === undefined) throw new Error('the payer is no former plan');
  const input = await job.input(item);
  const stateKey = await job.stateKey(item);
  const lines = await linesNow(job, item, input);
  const leg = await beginLeg(job, item, state, { most: legBounds, stopped });
  const noteRefusal = (detail: string): void => writeFault(deps, item, { detail, signal: 'secretMissing' });
  const asking = { deps, plan: payer, tokens, noteRefusal, ...leg.calls };
  return {
    ...leg,
    payer,
    input,
    lines,
    leaving: lines && leaveHeld(lines, leg, () => deps.clock.now()),
    binaries: 'covered',
    rules: {
      patient: item.patient,
      isWanted: () => true,
      isAsked: isAskedOf(lines),
      ...(lines === undefined ? {} : { members: lines.allowed }),
      ...answerBases(payer),
    },
    calls: { ...leg.calls, askDocument: documentAsker(asking) },
    ask: (request) => askPlan(asking, request),
    remainingMs,
    files: [],
    readList: (name) => readFileList(deps, stateKey, name),
    writeList: (files) => writeFileList(deps, item.exportId, stateKey, files),
    progress: undefined,
    findWork: () => findWork(job, exchangeOwner(item)),
    keepWork: (accepted) => keepWork(job, item, accepted),
  };
};
