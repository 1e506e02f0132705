import { UsageError } from '../shared/errors.ts';
import { otherwise, read, type Spec } from '../shared/spec.ts';
import { stageFlags } from '../shared/stage-flags.ts';

/** Some stages keep logs for years, and searching all of them is slow and expensive. */
const longestHours = 24 * 366;

const hoursIn = (text: string): number => {
  const hours = /^\d{1,5}(?:\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (hours > 0 && hours <= longestHours) return hours;
  throw new UsageError(`--since is ${JSON.stringify(text)}; write a number of hours up to ${longestHours}, such as 24`);
};

/** Lambda's ids consist of hexadecimal digits and hyphens, API Gateway's own ids are base64. */
const referenceIn = ([given = '', ...more]: readonly string[]): string => {
  // People copy it with the words around it.
  const reference = given.trim().replaceAll(/^\(?refer(?:ence|encia):? +|\)$/gi, '');
  if (more.length === 0 && /^[A-Za-z0-9+/=-]{8,64}$/.test(reference))
    // If it was read out over the phone, it may be in capitals.
    return /^[\da-f-]+$/i.test(reference) ? reference.toLowerCase() : reference;
  throw new UsageError('Give one reference, such as 3f2a9c01-77de; --help says more');
};

export const spec = {
  call: 'npm run trace --',
  does: `Finds the log lines of one request in all log groups of the stage, by the reference in its error page or message. A request
id, or the start of one, works too.`,
  usage: 'REFERENCE [flags]',
  words: { reference: referenceIn },
  '--since HOURS': otherwise(read('how far back to look, in hours', hoursIn), 24),
  ...stageFlags,
  '--json': 'prints the lines as they were logged',
  rows: { REFERENCE: 'finds the log lines of one request by the reference on its error' },
} as const satisfies Spec;
