import { firstProblem, type Context } from './fields.ts';

/** Markers that people write for unfinished text. */
const unfinished =
  /\b(?:TODO|FIXME|TBD|XXXX*)\b|\b(?:change|replace)[-_]?me\b|^(?:todo|tbd|fixme|placeholder|dummy|foo|bar|n\/a|none yet|\?+|\.\.\.|…|<[^>]*>|\{\{.*\}\}|\$\{.*\})$|(?<=^https?:\/\/)(?:todo|placeholder|fixme)\b|\blorem ipsum\b/;

/** Reports every text that is marked as unfinished. */
export const checkFinished = (value: unknown, context: Context, path: readonly PropertyKey[] = []): void => {
  if (typeof value === 'string') {
    const found = (unfinished.exec(value) ?? unfinished.exec(value.toLowerCase()))?.[0];
    if (found !== undefined) {
      firstProblem(
        context,
        path,
        `is not finished: it says ${JSON.stringify(found.slice(0, 30))}; write the real value`,
      );
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      checkFinished(member, context, [...path, Array.isArray(value) ? Number(name) : name]);
    }
  }
};
