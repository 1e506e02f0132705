import type * as z from 'zod';
import { originOf } from './deployment-schema.ts';
import { stageSchema } from './schema.ts';
import type { StageConfig } from './stage.ts';

/** What is wrong with a configuration, one line per problem: `file: field.path: what is wrong; what to write`. */
export class ConfigError extends Error {
  constructor(lines: readonly string[]) {
    super(lines.join('\n'));
    this.name = 'ConfigError';
  }
}

const fieldPath = (path: readonly PropertyKey[]): string =>
  path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`))
    .join('') || '(top level)';

const article = (word: string): string => (/^[aeiou]/.test(word) ? `an ${word}` : `a ${word}`);
const written = (expected: string): string => (expected === 'record' ? 'an object' : article(expected));

const kindOf = (value: unknown): string => {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : article(typeof value);
};

/** Zod's own findings in the words of this project; `undefined` leaves a rule's own words as they are. */
const inOurWords: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === 'invalid_type') {
    if (issue.input === undefined) return `is missing; write ${written(issue.expected)}`;
    if (Number.isNaN(issue.input)) return 'is not a number; write one';
    // Zod looks for a whole number only where it has found a number.
    if (issue.expected === 'int') return 'is not whole; write a whole number';
    if (issue.expected === 'number' && typeof issue.input === 'number') return 'is infinite; write a finite number';
    return `is ${kindOf(issue.input)}; write ${written(issue.expected)}`;
  }
  if (issue.code === 'invalid_value') {
    const choices = issue.values.map((choice) => JSON.stringify(choice)).join(', ');
    return issue.input === undefined ? `is missing; write one of ${choices}` : `is not known; write one of ${choices}`;
  }
  if (issue.code === 'too_small') {
    return `is too small; write ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
  }
  if (issue.code === 'too_big') return `is too big; write at most ${issue.maximum}`;
  return undefined;
};

const linesOf = (issue: z.core.$ZodIssue, file: string): string[] => {
  if (issue.code === 'invalid_union') {
    // Each of our unions is a word or an object; who wrote an object wants to know what is wrong in it.
    const inObject = issue.errors.at(-1) ?? [];
    return inObject.some((inner) => inner.path.length === 0 && inner.code === 'invalid_type')
      ? [`${file}: ${fieldPath(issue.path)}: is neither "none" nor an object; write one of them`]
      : inObject.flatMap((inner) => linesOf({ ...inner, path: [...issue.path, ...inner.path] }, file));
  }
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(
      (key) => `${file}: ${fieldPath([...issue.path, key])}: is no known field; check its spelling or remove it`,
    );
  }
  return [`${file}: ${fieldPath(issue.path)}: ${issue.message}`];
};

const withOrigin = (config: StageConfig): StageConfig => {
  const origin = originOf(config);
  return origin === undefined ? config : { ...config, origin };
};

/**
 * Checks a stage's configuration and fills in the defaults and, with a domain, the origin. What comes out of it passes
 * again unchanged: the local stack hands its configuration on as JSON.
 * @param file named in every line of the error
 * @throws ConfigError
 */
export const checkStage = (value: unknown, file: string): StageConfig => {
  const result = stageSchema.safeParse(value, { error: inOurWords });
  if (result.success) return withOrigin(result.data);
  throw new ConfigError([...new Set(result.error.issues.flatMap((issue) => linesOf(issue, file)))]);
};
