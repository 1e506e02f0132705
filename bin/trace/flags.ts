import { awsHelp, readArguments, stageFlags, UsageError, type StageFlags } from '../shared/command-line.ts';

export const help = `npm run trace -- REFERENCE [flags]

Finds the log lines of one request in all log groups of the stage, by the reference in its error page or message. A request
id, or the start of one, works too.

  --since HOURS   how far back to look, in hours (default 24)
  --stage NAME    a stage in config/ (default local)
  --config FILE   a stage's configuration, .ts or .json
  --json          prints the lines as they were logged
  --help          this text

${awsHelp}`;

/** What to look for. */
export interface TraceQuery {
  readonly reference: string;
  readonly sinceMs: number;
  readonly stage: StageFlags;
  readonly json: boolean;
}

const flags = {
  since: { type: 'string' },
  ...stageFlags,
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const hourMs = 3_600_000;
/** Some stages keep logs for years, and searching all of them is slow and expensive. */
const longestHours = 24 * 366;

const hoursOf = (text: string): number => {
  const hours = /^\d{1,5}(?:\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (!(hours > 0 && hours <= longestHours)) {
    throw new UsageError(
      `--since is ${JSON.stringify(text)}; write a number of hours up to ${longestHours}, such as 24`,
    );
  }
  return hours;
};

/** Lambda's ids consist of hexadecimal digits and hyphens, API Gateway's own ids are base64. */
const referenceIn = (positionals: readonly string[]): string => {
  const [given = '', ...more] = positionals;
  // People copy it with the words around it.
  const reference = given
    .trim()
    .replace(/^\(?refer(?:ence|encia):? +/i, '')
    .replace(/\)$/, '');
  if (more.length > 0 || !/^[A-Za-z0-9+/=-]{8,64}$/.test(reference)) {
    throw new UsageError('Give one reference, such as 3f2a9c01-77de; --help says more');
  }
  return reference;
};

/**
 * Reads the command line.
 * @param nowMs epoch milliseconds
 * @returns `help` if that was asked for
 * @throws UsageError
 */
export const readFlags = (args: readonly string[], nowMs: number): TraceQuery | 'help' => {
  const { values, positionals } = readArguments({ args: [...args], options: flags, allowPositionals: true });
  if (values.help === true) return 'help';
  return {
    reference: referenceIn(positionals),
    sinceMs: nowMs - hoursOf(values.since ?? '24') * hourMs,
    stage: { stage: values.stage, config: values.config },
    json: values.json === true,
  };
};
