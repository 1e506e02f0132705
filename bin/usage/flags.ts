import type { FiguresBy } from '../../functions/shared/metrics/figures-query.ts';
import { awsHelp, exitHelp, readArguments, stageFlags, UsageError, type StageFlags } from '../shared/command-line.ts';
import { readMonth, type Month } from './month.ts';

export const help = `npm run usage -- --month YYYY-MM [flags]

Prints a month's figures (UTC) for each payer as CSV, from the functions' logs: requests, members connected, refused and
failed requests with their reasons, bytes of health data, and milliseconds.

  --month YYYY-MM   the month, up to the current one
  --by WHOM         payer (default) or partner
  --csv FILE        writes the CSV into this file
  --dry-run         shows the queries and about how much log they would read, and asks none
  --table NAME      the table of payers and partners, for their names (default: the stage's Registry)
  --stage NAME      a stage in config/ (default local)
  --config FILE     a stage's configuration, .ts or .json
  --help            this text

A month without requests is a CSV with its head only.
${exitHelp}
${awsHelp}`;

/** What to report. */
export interface UsageCommand {
  readonly month: Month;
  readonly by: FiguresBy;
  readonly csv: string | undefined;
  readonly dryRun: boolean;
  readonly table: string | undefined;
  readonly stage: StageFlags;
}

const flags = {
  month: { type: 'string' },
  by: { type: 'string' },
  csv: { type: 'string' },
  'dry-run': { type: 'boolean' },
  table: { type: 'string' },
  ...stageFlags,
  help: { type: 'boolean' },
} as const;

const readBy = (text: string): FiguresBy => {
  if (text === 'payer' || text === 'partner') return text;
  throw new UsageError(`--by is ${JSON.stringify(text)}; write payer or partner`);
};

/**
 * Reads the command line.
 * @param nowMs epoch milliseconds
 * @returns `help` if that was asked for
 * @throws UsageError
 */
export const readFlags = (args: readonly string[], nowMs: number): UsageCommand | 'help' => {
  const { values } = readArguments({ args: [...args], options: flags });
  if (values.help === true) return 'help';
  if (values.month === undefined) throw new UsageError('Give --month, such as --month 2026-11; --help says more');
  if (values.csv === '') throw new UsageError('--csv is empty; write the path of a file');
  return {
    month: readMonth(values.month, nowMs),
    by: readBy(values.by ?? 'payer'),
    csv: values.csv,
    dryRun: values['dry-run'] === true,
    table: values.table,
    stage: { stage: values.stage, config: values.config },
  };
};
