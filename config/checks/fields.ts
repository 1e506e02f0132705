/** Building blocks of this folder's schemas: fields with a custom rule, and lists without duplicates. */
import * as z from 'zod';
import { notEmpty, type Rule, type UrlRule } from './rules.ts';

export type Context = z.core.$RefinementCtx;

/** A rule for each field of a type, and for no other: a new field does not compile without one. */
export type Fields<T> = Readonly<Record<keyof T, z.ZodType>>;

/** Reports what is wrong with the field at `path`; the message is `what is wrong; what to write`. */
export const problem = (context: Context, path: readonly PropertyKey[], message: string): void => {
  context.addIssue({ code: 'custom', path: [...path], message });
};

/** Whether two paths are the same. Names may contain any character, so the parts are not joined to compare them. */
export const isSamePath = (one: readonly PropertyKey[], other: readonly PropertyKey[]): boolean =>
  one.length === other.length && one.every((part, index) => part === other[index]);

/** Whether none of these fields, nor anything in them, has a problem. A rule over several fields is silent where one has. */
export const areSound = (context: Context, ...fields: readonly (readonly PropertyKey[])[]): boolean =>
  !context.issues.some(({ path = [] }) => fields.some((field) => isSamePath(path.slice(0, field.length), field)));

/** Reports what is wrong with the field at `path`, unless that field already has a problem. Each field gets one line. */
export const firstProblem = (context: Context, path: readonly PropertyKey[], message: string): void => {
  if (!context.issues.some((issue) => isSamePath(issue.path ?? [], path))) problem(context, path, message);
};

const follows = (rule: Rule) =>
  z.string().superRefine((value, context) => {
    const message = rule(value);
    if (message !== undefined) problem(context, [], message);
  });

/** A string that follows a rule. */
export const text = (rule: Rule & { readonly ofUrl?: undefined } = notEmpty) => follows(rule);

/** Marks of schemas. Refine a schema before it is marked: zod's refinements make new ones. */
export type Marks<Mark> = WeakMap<object, Mark>;

/**
 * Who requests a URL: functions, the browsers of members and partners, or both. `nobody`: it is only a name, or a page that operators
 * open in their own network. `canary`: for all else it is only a name, below which the canary looks for published documents. `printed`:
 * it is only a name, as the payer writes it in its answers.
 */
export type Requester = 'functions' | 'browsers' | 'both' | 'nobody' | 'canary' | 'printed';

const requested: Marks<Requester> = new WeakMap();

/** Marks a field whose value may be a URL, so that every check of URLs looks at it. */
export const requestedUrl = <Schema extends z.ZodType>(schema: Schema, by: Requester): Schema => {
  requested.set(schema, by);
  return schema;
};

/** A URL that every check of URLs looks at. */
export const url = (rule: UrlRule, by: Requester = 'functions') => requestedUrl(follows(rule), by);

/** Reports each duplicate value, at its index or at that entry's field `name`. @param same the form in which values are compared */
export const checkUnique = (
  context: Context,
  path: PropertyKey[],
  values: readonly string[],
  name?: string,
  same: (value: string) => string = (value) => value,
): void => {
  const seen = new Set<string>();
  for (const [index, value] of values.entries()) {
    if (seen.has(same(value))) {
      const at = name === undefined ? [...path, index] : [...path, index, name];
      problem(context, at, `"${value}" appears twice; write each value only once`);
    }
    seen.add(same(value));
  }
};

/** A list of distinct strings. @param same equal for values that are the same */
export const listOf = (schema: z.ZodType<string>, same?: (value: string) => string) =>
  z.array(schema).superRefine((values, context) => checkUnique(context, [], values, undefined, same));

/** A list of distinct strings that follow a rule. */
export const list = (rule: Parameters<typeof text>[0]) => listOf(text(rule));

/** Reports a burst that is below its rate; both are fields of what is at `path`. */
export const checkBurst = (
  context: Context,
  path: readonly PropertyKey[],
  { perSecond, burst }: { readonly perSecond: number; readonly burst: number },
): void => {
  if (burst >= perSecond || !areSound(context, path)) return;
  const least = Math.ceil(perSecond);
  const message = `is below perSecond, so that rate could never be reached; write at least ${least}`;
  problem(context, [...path, 'burst'], message);
};

/** A marked field of a schema. Its path has names, and `*` for each entry of a list. */
export interface MarkedField<Mark> {
  readonly mark: Mark;
  readonly path: readonly string[];
}

/** All fields of a schema, at any depth, that have a mark. */
export const markedFields = <Mark>(
  marks: Marks<Mark>,
  schema: z.core.$ZodType,
  path: readonly string[] = [],
): readonly MarkedField<Mark>[] => {
  const mark = marks.get(schema);
  if (mark !== undefined) return [{ mark, path }];
  const { innerType, element, shape } = schema._zod.def as unknown as {
    readonly innerType?: z.core.$ZodType;
    readonly element?: z.core.$ZodType;
    readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  };
  if (innerType !== undefined) return markedFields(marks, innerType, path);
  if (element !== undefined) return markedFields(marks, element, [...path, '*']);
  return Object.entries(shape ?? {}).flatMap(([name, inner]) => markedFields(marks, inner, [...path, name]));
};

/** All fields of a schema, at any depth, that hold a URL, each with who requests it. */
export const requestedFields = (schema: z.core.$ZodType): readonly MarkedField<Requester>[] =>
  markedFields(requested, schema);

/** The values of a field, and where each is. */
export const valuesAt = (
  value: unknown,
  [first, ...rest]: readonly string[],
  path: readonly PropertyKey[] = [],
): { readonly path: readonly PropertyKey[]; readonly value: unknown }[] => {
  if (value === undefined) return [];
  if (first === undefined) return [{ path, value }];
  return first === '*'
    ? (value as readonly unknown[]).flatMap((inner, index) => valuesAt(inner, rest, [...path, index]))
    : valuesAt((value as Readonly<Record<string, unknown>>)[first], rest, [...path, first]);
};
