import { resolve } from 'node:path';
import { readCommand, type Read } from '../shared/command-line.ts';
import { dayFlag, dayOf } from '../shared/day.ts';
import { UsageError } from '../shared/errors.ts';
import { auditReason } from '../shared/reason.ts';
import { file, noWords, read, type Spec } from '../shared/spec.ts';
import { auditBucket, awsHelp, stageFlags, tableHelp } from '../shared/stage-flags.ts';

const aGrant = (help: string) =>
  read(help, (given, name) => {
    if (/^[\w-]{22}$/.test(given)) return given;
    throw new UsageError(`--${name}: write the 22 characters of a grant's id, as in the logs`);
  });

const whom = {
  '--payer ID': "the member's health plan; the tool then asks for the patient's id, so that no shell history has it",
  '--patient ID': "the patient's id at that plan, where nobody can be asked: an id, Patient/ID, or its URL",
  '--grant ID': aGrant('this grant alone; if its id starts with a hyphen: --grant=ID'),
  '--member-of ID': aGrant('all grants of the member of this grant'),
};
const indexOnly = {
  '--index-only': 'does not look through the table for grants without an index; for large stages, once index has run',
};
const reach = {
  ...indexOnly,
  '--whole-audit': 'reads the beginning of every grant in the audit, for grants that ended under version 0.1',
  ...auditBucket,
};

export const spec = {
  call: 'npm run members --',
  about: 'Finds what a member has allowed, says who read the record, and ends it.',
  // A word may be a patient's id, so it is not repeated.
  words: noWords(() => 'Give flags only after the command; --help lists them'),
  '--dry-run': 'says what it would do, and changes and writes nothing',
  ...stageFlags,
  '--table NAME': tableHelp('Grants'),
  '--key ID': 'the key of the index: id, ARN or alias (default alias/p2p-{stage}-member-index)',
  commands: {
    'find (--payer ID | --grant ID | --member-of ID) [flags]': {
      does: `lists a member's grants, living and ended: which app, since and until when, and what it may read. Where plans ask each other
        for records, it also lists those exchanges.`,
      changes: 'nothing',
      ...whom,
      ...reach,
    },
    'report (--payer ID | --grant ID | --member-of ID) --html FILE --csv FILE [flags]': {
      does: "writes for the privacy officer who read the member's record: what, when and how much.",
      changes: 'files',
      ...whom,
      '--html FILE': file('a page to read and print'),
      '--csv FILE': file('a table for a spreadsheet'),
      '--replace': 'replaces files that are there',
      '--since DATE': dayFlag('the first day of reads, such as 2026-06-01 (UTC; default: all that the audit has)'),
      '--until DATE': dayFlag('the last day (default today)'),
      ...reach,
    },
    'end (--payer ID | --grant ID | --member-of ID) --reason TEXT [flags]': {
      does: `ends every living grant at once; the member has to connect again. Where plans ask each other for records, it also ends the
        member in their Groups. The audit records who did it and why.`,
      changes: 'AWS',
      ...whom,
      ...auditReason('why grants were ended'),
      '--yes': 'does not ask',
      ...indexOnly,
    },
    'index [flags]': {
      does: 'gives grants of version 0.1 the index by which the others find them. It may run again at any time.',
      changes: 'AWS',
    },
  },
  more: `${awsHelp}
Exits with 0 if it is done, 1 if it cannot be done or no grant is known, 2 if the command line is wrong, 3 if some grants
could not be ended.`,
  rows: { 'find, report, end, index': "a member's request: who read the record, as a report; ends all" },
} as const satisfies Spec;

type Given = Read<typeof spec>;
type About = Exclude<Given, { command: 'index' }>;

/** Whom a command is about. */
export type Asked =
  | { readonly payer: string; readonly patient: string | undefined }
  | { readonly grant: string }
  | { readonly memberOf: string };

const askedIn = ({ payer, patient, grant, memberOf }: About): Asked => {
  const given = [payer, grant, memberOf].filter((one) => one !== undefined);
  if (given.length !== 1)
    throw new UsageError('Give one of --payer ID, --grant ID and --member-of ID; --help says more');
  if (payer !== undefined) return { payer, patient };
  if (patient !== undefined) throw new UsageError('--patient goes with --payer: a grant knows its patient');
  return grant === undefined ? { memberOf: memberOf ?? '' } : { grant };
};

/** @throws UsageError unless a report has a file and days that are past */
const requireReport = ({ html, csv, since, until }: Extract<Given, { command: 'report' }>, today: string): void => {
  if (html === undefined && csv === undefined) throw new UsageError('Give --html FILE, --csv FILE, or both');
  if (html !== undefined && csv !== undefined && resolve(html) === resolve(csv)) {
    throw new UsageError('--html and --csv name the same file');
  }
  for (const [name, day] of Object.entries({ since, until })) {
    if (day !== undefined && day > today) throw new UsageError(`--${name} is ${day}, which is yet to come`);
  }
  if (since !== undefined && (until ?? today) < since)
    throw new UsageError(`--until ${until} is before --since ${since}`);
};

/** What to do. */
export type MembersCommand = ReturnType<typeof readFlags>;

/**
 * Reads the command line.
 * @param nowMs the current time, epoch milliseconds
 * @throws UsageError
 */
export const readFlags = (args: readonly string[], nowMs: number) => {
  const command = readCommand(spec, args);
  if (command.command === 'index') return { ...command, bucket: undefined };
  const asked = askedIn(command);
  if (command.command === 'find') return { ...command, asked };
  if (command.command === 'end') return { ...command, asked, bucket: undefined };
  const today = dayOf(nowMs);
  requireReport(command, today);
  return { ...command, asked, until: command.until ?? today };
};
