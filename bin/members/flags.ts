import { resolve } from 'node:path';
import type { Read } from '../shared/command-line.ts';
import { inOrder, pastDay, period } from '../shared/day.ts';
import { UsageError } from '../shared/errors.ts';
import { reason } from '../shared/reason.ts';
import { exactlyOne, file, goesWith, grantId, noWords, read, type Rule, type Spec } from '../shared/spec.ts';
import { auditBucket, grantsTable, stageFlags } from '../shared/stage-flags.ts';

const aGrant = (help: string) =>
  read(help, (given, name) => {
    if (grantId.test(given)) return given;
    throw new UsageError(`--${name}: write the 22 characters of a grant's id, as in the logs`);
  });

const whom = {
  '--payer ID': "the member's health plan; the tool then asks for the patient's id, so that no shell history has it",
  '--patient ID': "the patient's id at that plan, where nobody can be asked: an id, Patient/ID, or its URL",
  '--grant ID': aGrant('this grant alone; if its id starts with a hyphen: --grant=ID'),
  '--member-of ID': aGrant('all grants of the member of this grant'),
};
const oneWhom = [
  exactlyOne('--payer ID', '--grant ID', '--member-of ID'),
  goesWith('--patient', '--payer', 'a grant knows its patient'),
];
const indexOnly = {
  '--index-only': 'does not look through the table for grants without an index; for large stages, once index has run',
};
const reach = {
  ...indexOnly,
  '--whole-audit': 'reads the beginning of every grant in the audit, for grants that ended under version 0.1',
  ...auditBucket,
};
const twoFiles: Rule = (_given, { html, csv }) => {
  if (html === undefined && csv === undefined) return 'Give --html FILE, --csv FILE, or both';
  if (typeof html !== 'string' || typeof csv !== 'string' || resolve(html) !== resolve(csv)) return undefined;
  return '--html and --csv name the same file';
};

export const spec = {
  call: 'npm run members --',
  about: 'Finds what a member has allowed, says who read the record, and ends it.',
  // A word may be a patient's id, so it is not repeated.
  words: noWords(() => 'Give flags only after the command; --help lists them'),
  '--dry-run': 'says what it would do, and changes and writes nothing',
  ...stageFlags,
  ...grantsTable,
  '--key ID': 'the key of the index: id, ARN or alias (default alias/p2p-{stage}-member-index)',
  commands: {
    'find (--payer ID | --grant ID | --member-of ID) [flags]': {
      does: `lists a member's grants, living and ended: which app, since and until when, and what it may read. Where plans ask each other
        for records, it also lists those exchanges.`,
      rules: oneWhom,
      ...whom,
      ...reach,
    },
    'report (--payer ID | --grant ID | --member-of ID) --html FILE --csv FILE [flags]': {
      changes: "writes for the privacy officer who read the member's record: what, when and how much.",
      rules: [...oneWhom, twoFiles, inOrder],
      ...whom,
      '--html FILE': file('a page to read and print'),
      '--csv FILE': file('a table for a spreadsheet'),
      '--replace': 'replaces files that are there',
      ...period('the first day of reads, such as 2026-06-01 (UTC; default: all that the audit has)', pastDay),
      ...reach,
    },
    'end (--payer ID | --grant ID | --member-of ID) --reason TEXT [flags]': {
      changes: `ends every living grant at once; the member has to connect again. Where plans ask each other for records, it also ends the
        member in their Groups. The audit records who did it and why.`,
      rules: oneWhom,
      ...whom,
      ...reason,
      '--yes': 'does not ask',
      ...indexOnly,
    },
    'index [flags]': {
      changes: 'gives grants of version 0.1 the index by which the others find them. It may run again at any time.',
    },
  },
  exits: `Exits with 0 if it is done, 1 if it cannot be done or no grant is known, 2 if the command line is wrong, 3 if some grants
could not be ended.`,
  rows: { 'find, report, end, index': "a member's request: who read the record, as a report; ends all" },
} as const satisfies Spec;

export type MembersCommand = Read<typeof spec>;
/** Whom a command is about. */
export type Asked = Pick<Extract<MembersCommand, { command: 'find' }>, 'payer' | 'patient' | 'grant' | 'memberOf'>;
