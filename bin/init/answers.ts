import * as deploymentRules from '../../config/checks/deployment-rules.ts';
import * as rules from '../../config/checks/rules.ts';
import { exampleAccount, isExampleHost } from '../../config/examples.ts';
import { UsageError } from '../shared/errors.ts';
import { flagName } from '../shared/spec.ts';

/** Where answers come from: the command's flags, then the person at the terminal, if there is one. */
export interface Answers {
  readonly ask: ((question: string) => Promise<string>) | undefined;
  /** Says what is wrong with an answer before the question is asked again. */
  readonly print: (line: string) => void;
}

/** A question, and the rule for its answer. */
interface Question {
  /** A flag's property, or an argument as it is. */
  readonly flag: string;
  readonly given: string | undefined;
  readonly text: string;
  readonly rule: rules.Rule;
  /** The default: what an empty answer means. */
  readonly otherwise?: string | undefined;
}

/** As a person writes it. */
const argument = (flag: string): string => (/^[a-z]/.test(flag) ? `--${flagName(flag)}` : flag);

/** Refuses the documents' own values at once; given as flags they are refused with the whole stage. */
const ownValue: rules.Rule = (value) => {
  if (value === exampleAccount) return "is the example's; write your own account's 12 digits";
  const host = URL.canParse(value) ? new URL(value).hostname : value.slice(value.lastIndexOf('@') + 1).toLowerCase();
  // A name without a dot is an id or a person's word, such as "test".
  if (!host.includes('.') || !isExampleHost(host)) return undefined;
  return `is the example's (${host} is reserved for examples); write your own`;
};

/**
 * Gets the answer to a question.
 * @throws UsageError if a flag's value is wrong, or there is no one to ask
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
    const wrong = rule(typed) ?? ownValue(typed);
    if (wrong === undefined) return typed;
    print(`That ${wrong}`);
  }
};

/** A rule that also accepts "none". */
export const orNone =
  (rule: rules.Rule): rules.Rule =>
  (value) =>
    value === 'none' ? undefined : rule(value);

/** A rule that accepts these words only. */
export const oneOf =
  (...words: readonly string[]): rules.Rule =>
  (value) =>
    words.includes(value) ? undefined : `is not known; write one of ${words.join(', ')}`;

export { deploymentRules, rules };
