import type { StageConfig } from '../../config/stage.ts';
import { explainAwsFailure } from '../shared/aws.ts';
import { requireAccount } from '../shared/caller.ts';
import { readCommand } from '../shared/command-line.ts';
import type { Output } from '../shared/output.ts';
import { readStage } from '../shared/stage-flags.ts';
import { spec } from './flags.ts';
import { needsOf, tellNeed } from './needs.ts';
import type { Finding, Question } from './question.ts';

/** What the tool needs that tests replace. */
export interface ExistingDeps {
  readonly environment: NodeJS.ProcessEnv;
  readonly output: Pick<Output, 'out' | 'note'>;
  /** What AWS can be asked about a stage. */
  readonly questionsFor: (config: StageConfig, environment: NodeJS.ProcessEnv) => readonly Question[];
}

const words = { ok: 'ok', wrong: 'WRONG', unclear: 'unclear' } as const;

const tell = (outcome: string, { field }: Pick<Question, 'field'>, what: string): string =>
  `${outcome.padEnd(9)}  ${field}: ${what}`;

/** @throws Refusal if AWS cannot be asked at all */
const findingsOf = async ({ ask, service, rights }: Question, stage: string): Promise<readonly Finding[]> => {
  try {
    return await ask();
  } catch (error) {
    throw explainAwsFailure(error, { stage, service, rights });
  }
};

/**
 * Prints what an account's own things must allow, or asks AWS whether they do.
 * @returns the exit code: 1 if something is wrong
 * @throws UsageError, Refusal, ConfigError
 */
export const existing = async (
  args: readonly string[],
  { environment, output, questionsFor }: ExistingDeps,
): Promise<number> => {
  const plan = readCommand(spec, args);
  const config = await readStage(plan);
  const needs = needsOf(config);
  if (needs.length === 0) {
    output.note(`Stage ${config.stage} brings nothing of its own: the stack makes everything.`);
    return 0;
  }
  if (plan.command === 'needs') {
    for (const need of needs) output.out(tellNeed(need));
    output.note(`npm run existing -- check ${plan.stage ?? `--config ${plan.config}`} checks all of this in AWS.`);
    return 0;
  }
  if (!plan.dryRun) await requireAccount(config, environment, 'existing');
  const count = { ok: 0, wrong: 0, unclear: 0 };
  for (const question of questionsFor(config, environment)) {
    if (plan.dryRun) {
      output.out(tell('not asked', question, `${question.name}, with ${question.rights}`));
      continue;
    }
    for (const { outcome, what } of await findingsOf(question, config.stage)) {
      count[outcome] += 1;
      output.out(tell(words[outcome], question, what));
    }
  }
  output.note(
    plan.dryRun ? 'Nothing was asked.' : `${count.ok} right, ${count.wrong} wrong, ${count.unclear} for you to judge`,
  );
  return count.wrong > 0 ? 1 : 0;
};
