import { isAbsolute, join, relative } from 'node:path';
import type * as z from 'zod';
import type { StageConfig } from '../stage.ts';
import { originOf } from './deployment-schema.ts';
import { isSamePath } from './fields.ts';
import type { ConfigFinding } from './finding.ts';
import { inWords } from './in-words.ts';
import { stageSchema } from './schema.ts';
import { fieldsAt, isFreeForm, nearestOf, unknownField } from './unknown-fields.ts';
import { visibleLine } from './visible.ts';
import { writtenSecrets } from './written-secrets.ts';

/** What is wrong with a configuration, one line per problem: `file: field.path: what is wrong; what to write`. */
export class ConfigError extends Error {
  readonly problems: readonly string[];
  readonly file: string;

  /** @param problems each `field.path: what is wrong; what to write`, or that without a field */
  constructor(file: string, problems: readonly string[]) {
    super(problems.map((problem) => `${fileName(file)}: ${problem}`).join('\n'));
    this.name = 'ConfigError';
    this.file = file;
    this.problems = problems;
  }
}

const root = join(import.meta.dirname, '../..');

/** A file's path in this repository, from the absolute path in `import.meta.filename`. */
const fileName = (file: string): string => {
  const fromRoot = relative(root, file);
  return isAbsolute(file) && !fromRoot.startsWith('..') ? fromRoot : file;
};

type Path = readonly PropertyKey[];

const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((inner, name) => (inner as Record<PropertyKey, unknown> | null | undefined)?.[name], value);

/** The id of the payer or partner at an index, since nobody counts a hundred entries. */
const idAt = (value: unknown, path: Path): string => {
  const entry = valueAt(value, path) as { id?: unknown; clientId?: unknown } | null | undefined;
  const id = path[0] === 'payers' ? entry?.id : path[0] === 'partners' ? entry?.clientId : undefined;
  return path.length === 2 && typeof id === 'string' && /^[\w.-]{1,64}$/.test(id) ? ` (${id})` : '';
};

const fieldPath = (value: unknown, path: Path): string =>
  path
    .map((part, index) =>
      typeof part === 'number'
        ? `[${part}]${idAt(value, path.slice(0, index + 1))}`
        : `${index === 0 ? '' : '.'}${String(part)}`,
    )
    .join('') || '(top level)';

const article = (word: string): string => (/^[aeiou]/.test(word) ? `an ${word}` : `a ${word}`);
const written = (expected: string): string => (expected === 'record' ? 'an object' : article(expected));

const kindOf = (value: unknown): string => {
  if (value === null) return 'null';
  if (value instanceof Promise) return 'a promise';
  return Array.isArray(value) ? 'an array' : article(typeof value);
};

/** Zod's own findings in this project's words; `undefined` keeps a rule's own message. */
const inOurWords: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === 'invalid_type') {
    if (issue.input === undefined) return `is missing; write ${written(issue.expected)}`;
    if (Number.isNaN(issue.input)) return 'is not a number; write one';
    // Zod checks for a whole number only after it has found a number.
    if (issue.expected === 'int') return 'is not a whole number; write one';
    if (issue.expected === 'number' && typeof issue.input === 'number') return 'is infinite; write a finite number';
    return `is ${kindOf(issue.input)}; write ${written(issue.expected)}`;
  }
  if (issue.code === 'invalid_value') {
    const choices = issue.values.map((choice) => JSON.stringify(choice)).join(', ');
    if (issue.input === undefined) return `is missing; write one of ${choices}`;
    // A field with one value is a switch, and off where it is left out.
    return issue.values.length === 1
      ? `is not known; write ${choices}, or leave the field out`
      : `is not known; write one of ${choices}`;
  }
  if (issue.code === 'too_small') {
    return `is too small; write ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
  }
  if (issue.code === 'too_big') return `is too big; write at most ${issue.maximum}`;
  return undefined;
};

/** How to describe one of the kinds that a union allows. */
const choicesIn = (issue: z.core.$ZodIssue): readonly string[] => {
  if (issue.code === 'invalid_value') return issue.values.map((value) => JSON.stringify(value));
  if (issue.code !== 'invalid_type') return [];
  return issue.expected === 'boolean' ? ['true', 'false'] : [article(issue.expected)];
};

const noneOf = (choices: readonly string[]): string =>
  `is neither ${inWords(choices, 'nor')}; write ${inWords(choices, 'or')}`;

const problemsOf = (value: unknown, issue: z.core.$ZodIssue): ConfigFinding[] => {
  if (issue.code === 'invalid_union') {
    // Zod reports problems of fields first: of a value of the right kind, report what is wrong in it.
    const inside = issue.errors.find(([first]) => first !== undefined && first.path.length > 0);
    if (inside === undefined) return [{ path: issue.path, message: noneOf(issue.errors.flat().flatMap(choicesIn)) }];
    return inside
      .filter(ofRightKind)
      .flatMap((inner) => problemsOf(value, { ...inner, path: [...issue.path, ...inner.path] }));
  }
  if (issue.code === 'unrecognized_keys') {
    const known = fieldsAt(stageSchema, issue.path);
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      return { path, message: unknownField(key, known, valueAt(value, path)) };
    });
  }
  if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => ({ path: issue.path, message }));
  return [{ path: issue.path, message: issue.message }];
};

const withoutField = (value: unknown, [first, ...rest]: Path): unknown => {
  if (typeof value !== 'object' || value === null || first === undefined) return value;
  if (Array.isArray(value)) return value.map((entry, index) => (index === first ? withoutField(entry, rest) : entry));
  const { [first]: inner, ...others } = value as Record<PropertyKey, unknown>;
  return rest.length === 0 ? others : { ...others, [first]: withoutField(inner, rest) };
};

/** Of a value of the wrong kind, nothing else counts: a string has a length too, where a list is expected. */
const ofRightKind = (issue: z.core.$ZodIssue, _at: number, all: readonly z.core.$ZodIssue[]): boolean =>
  issue.code === 'invalid_type' ||
  !all.some((other) => other.code === 'invalid_type' && isSamePath(other.path, issue.path));

/** JSON writes `null` for a missing value. Here the field is left out instead, if it is optional. */
const explainNull =
  (value: unknown) =>
  (problem: ConfigFinding): ConfigFinding => {
    const { path, message } = problem;
    if (valueAt(value, path) !== null || typeof path.at(-1) !== 'string') return problem;
    const { error } = stageSchema.safeParse(withoutField(value, path));
    const isNeeded = error?.issues.some((issue) => isSamePath(issue.path, path)) === true;
    return isNeeded
      ? problem
      : { path, message: `is null; leave the field out${message.replace(/^.*; write/, ', or write')}` };
  };

/** A field that is missing because it was misspelled is one problem, not two. */
const withoutMisspelled = (problems: readonly ConfigFinding[]): ConfigFinding[] => {
  const unknown = problems.filter(({ message }) => message.startsWith('is not a known field'));
  return problems.filter(({ path, message }) => {
    const name = String(path.at(-1));
    const isMeant = (other: ConfigFinding): boolean =>
      isSamePath(other.path.slice(0, -1), path.slice(0, -1)) && nearestOf(String(other.path.at(-1)), [name]) === name;
    return !(message.startsWith('is missing') && unknown.some(isMeant));
  });
};

/** Fields of one entry with the same problem, such as three URLs with a wrong host, share a line. */
export const linesOf = (value: unknown, problems: readonly ConfigFinding[]): string[] => {
  const byCause = new Map<string, { readonly where: string; readonly names: Set<string>; readonly message: string }>();
  for (const { path, message } of problems) {
    const isInEntry = path.length > 2 && typeof path[1] === 'number';
    const field = fieldPath(value, path);
    const where = isInEntry ? `${fieldPath(value, path.slice(0, 2))}.` : field;
    const cause = `${where}\n${message}`;
    const group = byCause.get(cause) ?? { where, names: new Set(), message };
    group.names.add(field.slice(where.length));
    byCause.set(cause, group);
  }
  return [...byCause.values()].map(({ where, names, message }) =>
    visibleLine(`${where}${[...names].join(', ')}: ${message}`),
  );
};

const withOrigin = (config: StageConfig): StageConfig => {
  const origin = originOf(config);
  return origin === undefined ? config : { ...config, origin };
};

/**
 * Checks a stage's configuration and fills in the defaults and, with a domain, the origin. Its result passes again
 * unchanged, since the local stack passes its configuration on as JSON.
 * @param file named in every line of the error; a stage's own file passes `import.meta.filename`
 * @throws ConfigError
 */
export const checkStage = (value: unknown, file: string): StageConfig => {
  const secrets = writtenSecrets(value, (path) => isFreeForm(stageSchema, path));
  const result = stageSchema.safeParse(value, { error: inOurWords });
  if (result.success && secrets.length === 0) return withOrigin(result.data);
  const found = (result.error?.issues ?? [])
    .filter(ofRightKind)
    .flatMap((issue) => problemsOf(value, issue))
    .map(explainNull(value));
  const others = found.filter(({ path }) => !secrets.some((secret) => isSamePath(secret.path, path)));
  throw new ConfigError(file, linesOf(value, withoutMisspelled([...secrets, ...others])));
};
