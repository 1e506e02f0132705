import { causeOf, plainCauseOf } from '../../functions/shared/errors.ts';
import { facadeBase } from '../../functions/shared/registry/urls.ts';
import { readCommand } from '../shared/command-line.ts';
import { Refusal } from '../shared/errors.ts';
import type { Output } from '../shared/output.ts';
import { readStage } from '../shared/stage-flags.ts';
import { alarm } from './alarm.ts';
import { conformance } from './conformance.ts';
import { severalCookies } from './cookies.ts';
import { spec, type SmokePlan } from './flags.ts';
import type { AskedStage, Question, SmokeAnswer } from './question.ts';
import { challenge, cutAnswer, largeAnswer, repeatedParameter } from './reads.ts';

/** What the tool needs that tests replace. */
export interface SmokeDeps extends Pick<AskedStage, 'environment' | 'runSuite' | 'wait'> {
  readonly output: Pick<Output, 'out' | 'note'>;
}

const questions: readonly Question[] = [
  challenge,
  severalCookies,
  conformance,
  repeatedParameter,
  largeAnswer,
  cutAnswer,
  alarm,
];

/** @throws Refusal if the stage's origin is unknown, or it has no such payer */
const askedOf = async (
  plan: SmokePlan,
  { environment, runSuite, wait }: Omit<SmokeDeps, 'output'>,
): Promise<AskedStage> => {
  const config = await readStage(plan);
  const origin = plan.origin ?? config.origin;
  if (origin === undefined) throw new Refusal("Give --origin URL: it is the stack's output Origin.");
  const payer = plan.payer ?? config.payers[0]?.id ?? '';
  if (!config.payers.some(({ id }) => id === payer)) throw new Refusal(`The stage has no payer ${payer}.`);
  return {
    config,
    plan,
    origin,
    payer,
    base: facadeBase(origin, payer),
    edge: config.stage === 'local' || config.edge !== false,
    token: environment['P2P_ACCESS_TOKEN'] || undefined,
    environment,
    runSuite,
    wait,
  };
};

/** fetch hides why it reached no one in a TypeError's cause. */
const whatFailed = (error: unknown): string => {
  const cause = causeOf(error);
  if (error instanceof Refusal || cause === 'Error') return (error as Error).message;
  return cause.startsWith('TypeError < ')
    ? `the stage cannot be reached (${plainCauseOf(error)}); check its domain's DNS and certificate, or --origin`
    : cause;
};

const ask = async (question: Question, asked: AskedStage): Promise<SmokeAnswer> => {
  const missing = question.missing(asked);
  if (missing !== undefined) return { outcome: 'notAsked', missing };
  if (asked.plan.dryRun) return { outcome: 'notAsked', missing: 'a run without --dry-run' };
  try {
    return await question.ask(asked);
  } catch (error) {
    return { outcome: 'wrong', what: whatFailed(error) };
  }
};

const words = { right: 'ok', wrong: 'WRONG', notAsked: 'not asked' } as const;

const tell = ({ name, title }: Question, answer: SmokeAnswer): string => {
  const what = answer.outcome === 'notAsked' ? `it needs ${answer.missing}` : answer.what;
  return `${words[answer.outcome].padEnd(9)}  ${name.padEnd(11)}  ${title}: ${what}`;
};

/**
 * Asks a running stage every question that the flags allow.
 * @returns the exit code: 1 if an answer was wrong
 * @throws UsageError, Refusal, ConfigError
 */
export const smoke = async (args: readonly string[], { output, ...deps }: SmokeDeps): Promise<number> => {
  const plan = readCommand(spec, args);
  const asked = await askedOf(plan, deps);
  const count = { right: 0, wrong: 0, notAsked: 0 };
  for (const question of questions) {
    const answer = await ask(question, asked);
    count[answer.outcome] += 1;
    output.out(tell(question, answer));
  }
  output.note(`${count.right} right, ${count.wrong} wrong, ${count.notAsked} not asked of ${asked.origin}`);
  return count.wrong > 0 ? 1 : 0;
};
