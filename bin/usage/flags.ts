import type { Read } from '../shared/command-line.ts';
import { file, needed, oneOf, otherwise, read, type Spec } from '../shared/spec.ts';
import { stageFlags } from '../shared/stage-flags.ts';
import { readMonth } from './month.ts';

const missing = 'Give --month, such as --month 2026-11; --help says more';

export const spec = {
  call: 'npm run usage --',
  changes: `Prints a month's figures (UTC) for each payer as CSV, from the functions' logs: requests, members connected, refused and
failed requests with their reasons, bytes of health data, and milliseconds.`,
  usage: '--month YYYY-MM [flags]',
  '--month YYYY-MM': needed(
    read('the month, up to the current one', (text, _name, nowMs) => readMonth(text, nowMs)),
    missing,
  ),
  '--by WHOM': otherwise(oneOf('payer or partner', ['payer', 'partner']), 'payer'),
  '--csv FILE': file('writes the CSV into this file'),
  '--dry-run': 'shows the queries and about how much log they would read, and asks none',
  '--table NAME': "the table of payers and partners, for their names (default: the stage's Registry)",
  ...stageFlags,
  more: 'A month without requests is a CSV with its head only.',
  rows: { '--month YYYY-MM': "prints a month's figures for each payer or partner, as CSV" },
} as const satisfies Spec;

export type UsageCommand = Read<typeof spec>;
