import { readCommand } from '../shared/command-line.ts';
import { exitHelp, file, needed, oneOf, otherwise, type Spec } from '../shared/spec.ts';
import { awsHelp, stageFlags } from '../shared/stage-flags.ts';
import { readMonth } from './month.ts';

export const spec = {
  call: 'npm run usage --',
  about: `Prints a month's figures (UTC) for each payer as CSV, from the functions' logs: requests, members connected, refused and
failed requests with their reasons, bytes of health data, and milliseconds.`,
  usage: '--month YYYY-MM [flags]',
  changes: 'files',
  '--month YYYY-MM': needed(
    'the month, up to the current one',
    'Give --month, such as --month 2026-11; --help says more',
  ),
  '--by WHOM': otherwise(oneOf('payer (default) or partner', ['payer', 'partner']), 'payer'),
  '--csv FILE': file('writes the CSV into this file'),
  '--dry-run': 'shows the queries and about how much log they would read, and asks none',
  '--table NAME': "the table of payers and partners, for their names (default: the stage's Registry)",
  ...stageFlags,
  more: `A month without requests is a CSV with its head only.\n${exitHelp}\n${awsHelp}`,
  rows: { '--month YYYY-MM': "prints a month's figures for each payer or partner, as CSV" },
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
