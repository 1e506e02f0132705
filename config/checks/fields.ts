/** Building blocks of this folder's schemas: fields with a custom rule, and lists without duplicates. */
import * as z from 'zod';
import { notEmpty, type Rule } from './rules.ts';

export type Context = z.core.$RefinementCtx;

/** Reports what is wrong with the field at `path`; the message is `what is wrong; what to write`. */
export const problem = (context: Context, path: readonly PropertyKey[], message: string): void => {
  context.addIssue({ code: 'custom', path: [...path], message });
};

/** Whether two paths are the same. Names may contain any character, so the parts are not joined to compare them. */
export const isSamePath = (one: readonly PropertyKey[], other: readonly PropertyKey[]): boolean =>
  one.length === other.length && one.every((part, index) => part === other[index]);

/** Reports what is wrong with the field at `path`, unless that field already has a problem. Each field gets one line. */
export const firstProblem = (context: Context, path: readonly PropertyKey[], message: string): void => {
  if (!context.issues.some((issue) => isSamePath(issue.path ?? [], path))) problem(context, path, message);
};

/** A string that follows a rule. */
export const text = (rule: Rule = notEmpty) =>
  z.string().superRefine((value, context) => {
    const message = rule(value);
    if (message !== undefined) problem(context, [], message);
  });

/** Reports each duplicate value, at its index or at that entry's field `name`. */
export const checkUnique = (context: Context, path: PropertyKey[], values: readonly string[], name?: string): void => {
  const seen = new Set<string>();
  for (const [index, value] of values.entries()) {
    if (seen.has(value)) {
      const at = name === undefined ? [...path, index] : [...path, index, name];
      problem(context, at, `"${value}" appears twice; write each value only once`);
    }
    seen.add(value);
  }
};

/** A list of distinct strings. */
export const listOf = (schema: z.ZodType<string>) =>
  z.array(schema).superRefine((values, context) => checkUnique(context, [], values));

/** A list of distinct strings that follow a rule. */
export const list = (rule: Rule) => listOf(text(rule));
