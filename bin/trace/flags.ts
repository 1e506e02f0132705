import { readArguments, stageFlags, UsageError } from '../shared/command-line.ts';

export const help = `npm run trace -- REFERENCE [flags]

Finds the log lines of one request by the reference that its error page or message carries, in every log group of the
stage. A request id, or its beginning, works as well.

  --since HOURS   how far back to look, in hours (default 24)
  --stage NAME    the stage (default local), or
  --config FILE   one of a file's own
  --json          the lines as they were written
  --help          this text

AWS is found as by any of its tools (AWS_PROFILE, AWS_REGION); for stage local it is what npm start serves.`;

/** What is looked for. */
export interface TraceQuery {
  readonly reference: string;
  readonly sinceMs: number;
  readonly stage: { readonly stage?: string; readonly config?: string };
  readonly json: boolean;
}

const flags = {
  since: { type: 'string' },
  ...stageFlags,
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const hourMs = 3_600_000;
/** Logs are kept for years in some stages, and a search of all of them is slow and dear. */
const longestHours = 24 * 366;

const hoursOf = (text: string): number => {
  const hours = /^\d{1,5}(?:\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (!(hours > 0 && hours <= longestHours)) {
    throw new UsageError(`--since is ${JSON.stringify(text)}; write hours, such as 24, up to ${longestHours}`);
  }
  return hours;
};

/** Lambda's ids are of hexadecimal digits and hyphens, API Gateway's own of base64. */
const referenceIn = (positionals: readonly string[]): string => {
  const [given = '', ...more] = positionals;
  // As people copy it: with the words around it.
  const reference = given
    .trim()
    .replace(/^\(?reference:? +/i, '')
    .replace(/\)$/, '');
  if (more.length > 0 || !/^[A-Za-z0-9+/=-]{8,64}$/.test(reference)) {
    throw new UsageError('Give one reference, such as 3f2a9c01-77de; --help says more');
  }
  return reference;
};

/**
 * Reads the command line.
 * @param nowMs epoch milliseconds
 * @returns `help` where that was asked for
 * @throws UsageError
 */
export const readFlags = (args: readonly string[], nowMs: number): TraceQuery | 'help' => {
  const { values, positionals } = readArguments({ args: [...args], options: flags, allowPositionals: true });
  if (values.help === true) return 'help';
  return {
    reference: referenceIn(positionals),
    sinceMs: nowMs - hoursOf(values.since ?? '24') * hourMs,
    stage: {
      ...(values.stage === undefined ? {} : { stage: values.stage }),
      ...(values.config === undefined ? {} : { config: values.config }),
    },
    json: values.json === true,
  };
};
