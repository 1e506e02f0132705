import * as deploymentRules from '../../config/deployment-rules.ts';
import * as rules from '../../config/rules.ts';
import { UsageError } from '../shared/command-line.ts';

/** Where answers come from: the command's flags, then a person, if there is one. */
export interface Answers {
  readonly ask: ((question: string) => Promise<string>) | undefined;
  /** Says what is wrong with an answer, before the question comes again. */
  readonly print: (line: string) => void;
}

/** A question whose answer keeps to a rule. */
interface Question {
  /** A flag without its dashes, or an argument as it is. */
  readonly flag: string;
  readonly given: string | undefined;
  readonly text: string;
  readonly rule: rules.Rule;
  /** What an empty answer means. */
  readonly otherwise?: string | undefined;
}

/** As a person writes it. */
const argument = (flag: string): string => (/^[a-z]/.test(flag) ? `--${flag}` : flag);

/**
 * The answer to a question.
 * @throws UsageError where a flag's value is wrong, or nobody can be asked
 */
export const answer = async (
  { ask, print }: Answers,
  { flag, given, text, rule, otherwise }: Question,
): Promise<string> => {
  if (given !== undefined) {
    const wrong = rule(given);
    if (wrong !== undefined) throw new UsageError(`${argument(flag)} ${wrong}`);
    return given;
  }
  if (ask === undefined) {
    if (otherwise !== undefined) return otherwise;
    throw new UsageError(`Give ${argument(flag)}: ${text.replace(/\?$/, '')}; --help lists the flags`);
  }
  for (;;) {
    const typed = (await ask(`${text}${otherwise === undefined ? '' : ` [${otherwise}]`} `)) || (otherwise ?? '');
    const wrong = rule(typed);
    if (wrong === undefined) return typed;
    print(`That ${wrong}`);
  }
};

/** Lets "none" through where something may be left out. */
export const orNone =
  (rule: rules.Rule): rules.Rule =>
  (value) =>
    value === 'none' ? undefined : rule(value);

/** One of some words. */
export const oneOf =
  (...words: readonly string[]): rules.Rule =>
  (value) =>
    words.includes(value) ? undefined : `is not known; write one of ${words.join(', ')}`;

export { deploymentRules, rules };
