import { consentHolds } from '../../shared/exchanges/group.ts';
import type { ExchangeInput } from '../../shared/exchanges/input.ts';
import { PayerError } from '../../shared/payer/errors.ts';
import { readSecretHeaders } from '../../shared/payer/secrets.ts';
import { asFormerPlan, type FormerPlan } from '../../shared/registry/former-plan.ts';
import type { Payer } from '../../shared/registry/types.ts';
import type { Export } from '../../shared/store/export-item.ts';
import type { Job } from '../job.ts';
import { askPayer, type Answer, type Asking } from '../leg/ask-payer.ts';
import { readFileList, writeFileList, type ListedFiles } from '../state/plan-files.ts';
import type { PlanFile } from '../state/state.ts';
import { askPlan, paceOf, type PlanAnswer, type PlanRequest } from './ask-plan.ts';
import { endedNow } from './ended-now.ts';
import { exchangeDeps } from './exchange-deps.ts';
import { lineRulesOf, patientIn, type LineRules } from './line-rules.ts';

/** An operator has ended a member whose lines the leg keeps, or the profile no longer names a server that it may be asking. */
type LegEnd = 'memberEnded' | 'serverRemoved';

/** What a leg of an exchange has in addition to what every leg has. */
export interface ExchangeLeg {
  readonly plan: FormerPlan;
  readonly input: ExchangeInput;
  /** For a group export: whose lines to keep. */
  readonly lines: LineRules | undefined;
  readonly ask: (request: PlanRequest) => Promise<PlanAnswer>;
  /** Why this leg must not continue; undefined if it may. @throws GatewayError */
  readonly findEnd: () => Promise<LegEnd | undefined>;
  /** Asks for an attachment, with the gateway's own token. @param url below the plan's base */
  readonly askDocument: (url: string, accept: string) => Promise<Answer>;
  /** Milliseconds until the invocation ends. */
  readonly remainingMs: () => number;
  /** Files from the plan that this leg has read to the end. */
  readonly files: PlanFile[];
  readonly readList: (name: string) => Promise<ListedFiles>;
  readonly writeList: (files: ListedFiles) => Promise<string>;
  /** The progress that the plan reports, and when to poll it again. */
  progress: { readonly text?: string | undefined; readonly againAt: number } | undefined;
  /** The plan's status URL, sealed, once it is known. A DELETE there ends the plan's work. */
  closing: string | undefined;
}

/** The servers that a profile names, each for its purpose. */
const serversOf = ({ fhirBaseUrl, exchange }: FormerPlan): readonly string[] => [
  `base ${new URL(fhirBaseUrl).origin}`,
  ...(exchange.statusOrigins ?? []).map((origin) => `status ${origin}`),
  ...(exchange.fileOrigins ?? []).map((origin) => `file ${origin}`),
];

interface Making extends Pick<Asking, 'isStillThere' | 'stopped'> {
  readonly payer: Payer;
  readonly stateKey: Uint8Array;
  /** Other ids of members that earlier legs found. */
  readonly links: readonly string[];
  readonly untilAt: number;
}

/** Whose lines are kept now: consents end, and an operator may end a member's exchange, while an export runs. */
const linesNow = async (
  { deps }: Job,
  item: Export,
  input: ExchangeInput,
  links: readonly string[],
): Promise<LineRules | undefined> => {
  if (input.kind === 'match') return undefined;
  const ended = await endedNow(deps, item, input);
  const members = input.members.filter(
    ({ reference, consent }) => consentHolds(consent, deps.clock.now()) && !ended.has(reference),
  );
  return lineRulesOf(input, members, links);
};

export const makeExchangeLeg = async (
  job: Job,
  item: Export,
  { payer, stateKey, links, untilAt, isStillThere, stopped }: Making,
): Promise<ExchangeLeg> => {
  const { deps, tokens, remainingMs } = job;
  const plan = asFormerPlan(payer);
  if (plan === undefined) throw new Error('the payer is no former plan');
  const input = await job.input(item);
  const asking = { deps, plan, tokens, untilAt, isStillThere, stopped };
  const askDocument = async (url: string, accept: string): Promise<Answer> => {
    for (let isAgain = false; ; isAgain = true) {
      let accessToken: string;
      try {
        accessToken = await tokens.get(plan);
      } catch (error) {
        if (error instanceof PayerError) return { kind: 'failed' };
        throw error;
      }
      const secretHeaders = await readSecretHeaders({ readPayerSecret: exchangeDeps(deps).readSecret }, plan);
      const one = { payer: plan, accessToken, secretHeaders, pace: paceOf(plan), isStillThere, stopped };
      const answer = await askPayer(deps, one, url, untilAt, 'document', accept);
      if (answer.kind !== 'tokenRefused') return answer;
      if (isAgain) return { kind: 'refused', status: 401 };
      tokens.forget(plan, accessToken);
    }
  };
  const lines = await linesNow(job, item, input, links);
  const servers = serversOf(plan);
  const findEnd = async (): Promise<LegEnd | undefined> => {
    const registered = await deps.registry.payer(plan.id);
    const planNow = registered === undefined ? undefined : asFormerPlan(registered);
    const serversNow = new Set(planNow === undefined ? [] : serversOf(planNow));
    if (servers.some((server) => !serversNow.has(server))) return 'serverRemoved';
    if (input.kind === 'match') return undefined;
    const ended = [...(await endedNow(deps, item, input))];
    return ended.some((reference) => lines?.allowed.has(patientIn({ reference })) === true) ? 'memberEnded' : undefined;
  };
  return {
    plan,
    input,
    lines,
    findEnd,
    ask: (request) => askPlan(asking, request),
    askDocument,
    remainingMs,
    files: [],
    readList: (name) => readFileList(deps, stateKey, name),
    writeList: (files) => writeFileList(deps, item.exportId, stateKey, files),
    progress: undefined,
    closing: undefined,
  };
};
