import type { FiguresBy } from '../../functions/shared/metrics/figures-query.ts';
import { readCommand } from '../shared/command-line.ts';
import { UsageError } from '../shared/errors.ts';
import { exitHelp, file, flag, needed, only, otherwise, read, text, type Spec } from '../shared/spec.ts';
import { awsHelp, stageFlags } from '../shared/stage-flags.ts';
import { readMonth } from './month.ts';

const readBy = (given: string): FiguresBy => {
  if (given === 'payer' || given === 'partner') return given;
  throw new UsageError(`--by is ${JSON.stringify(given)}; write payer or partner`);
};

export const spec = {
  call: 'npm run usage --',
  about: `Prints a month's figures (UTC) for each payer as CSV, from the functions' logs: requests, members connected, refused and
failed requests with their reasons, bytes of health data, and milliseconds.`,
  commands: only({
    usage: '--month YYYY-MM [flags]',
    changes: 'files',
    flags: {
      month: needed(
        text('YYYY-MM', 'the month, up to the current one'),
        'Give --month, such as --month 2026-11; --help says more',
      ),
      by: otherwise(read('WHOM', 'payer (default) or partner', readBy), 'payer'),
      csv: file('writes the CSV into this file'),
      dryRun: flag('shows the queries and about how much log they would read, and asks none'),
      table: text('NAME', "the table of payers and partners, for their names (default: the stage's Registry)"),
      ...stageFlags,
    },
  }),
  more: `A month without requests is a CSV with its head only.\n${exitHelp}\n${awsHelp}`,
  rows: [[['--month YYYY-MM'], "prints a month's figures for each payer or partner, as CSV"]],
} as const satisfies Spec;

/** What to report. */
export type UsageCommand = ReturnType<typeof readFlags>;

/**
 * Reads the command line.
 * @param nowMs epoch milliseconds
 * @throws UsageError
 */
export const readFlags = (args: readonly string[], nowMs: number) => {
  const command = readCommand(spec, args);
  return { ...command, month: readMonth(command.month, nowMs) };
};
