import { resolve } from 'node:path';
import {
  awsHelp,
  readArguments,
  refuseUnusedFlags,
  stageFlags,
  UsageError,
  type StageFlags,
} from '../shared/command-line.ts';
import { dayIn } from '../shared/day.ts';
import { requireReason } from '../shared/reason.ts';

export const help = `npm run members -- find   (--payer ID | --grant ID | --member-of ID) [flags]
npm run members -- report (--payer ID | --grant ID | --member-of ID) --html FILE --csv FILE [flags]
npm run members -- end    (--payer ID | --grant ID | --member-of ID) --reason TEXT [flags]
npm run members -- index  [flags]

find         lists a member's grants, living and ended: which app, since and until when, and what it may read.
report       writes for the privacy officer who read the member's record: what, when and how much.
end          ends every living grant at once; the member has to connect again. The audit records who did it and why.
index        gives grants of version 0.1 the index by which the others find them. It may run again at any time.

  --payer ID        the member's health plan; the tool then asks for the patient's id, so that no shell history has it
  --patient ID      the patient's id at that plan, where nobody can be asked: an id, Patient/ID, or its URL
  --grant ID        this grant alone; if its id starts with a hyphen: --grant=ID
  --member-of ID    all grants of the member of this grant
  --html FILE       report: a page to read and print
  --csv FILE        report: a table for a spreadsheet
  --replace         report: replaces files that are there
  --since DATE      report: the first day of reads, such as 2026-06-01 (UTC; default: all that the audit has)
  --until DATE      report: the last day (default today)
  --reason TEXT     end: why, for the audit; no health data and no member's name (up to 200 characters)
  --yes             end: does not ask
  --index-only      does not look through the table for grants without an index; for large stages, once index has run
  --whole-audit     find, report: reads the beginning of every grant in the audit, for grants that ended under version 0.1
  --dry-run         says what it would do, and changes and writes nothing
  --stage NAME      a stage in config/ (default local)
  --config FILE     a stage's configuration, .ts or .json
  --table NAME      the grants table (default: the one named p2p-gateway-{stage}-TablesGrants…)
  --bucket NAME     the audit bucket (default AUDIT_BUCKET, else the one named p2p-gateway-{stage}-auditbucket…)
  --key ID          the key of the index: id, ARN or alias (default alias/p2p-{stage}-member-index)
  --help            this text

${awsHelp}
Exits with 0 if it is done, 1 if it cannot be done or no grant is known, 2 if the command line is wrong, 3 if some grants
could not be ended.`;

/** Whom a command is about. */
export type Asked =
  | { readonly payer: string; readonly patient: string | undefined }
  | { readonly grant: string }
  | { readonly memberOf: string };

/** Where a command looks. */
export interface Place {
  readonly stage: StageFlags;
  readonly table: string | undefined;
  readonly bucket: string | undefined;
  readonly key: string | undefined;
}

/** How far a command looks for grants without an index. */
interface Reach {
  readonly indexOnly: boolean;
  readonly wholeAudit: boolean;
}

interface Common extends Place {
  readonly dryRun: boolean;
}

/** What to do. */
export type MembersCommand =
  | (Common & Reach & { readonly command: 'find'; readonly asked: Asked })
  | (Common & Reach & { readonly command: 'report'; readonly asked: Asked } & ReportOptions)
  | (Common & {
      readonly command: 'end';
      readonly asked: Asked;
      readonly reason: string;
      readonly yes: boolean;
      readonly indexOnly: boolean;
    })
  | (Common & { readonly command: 'index' });

/** What a report covers, and where it goes. */
interface ReportOptions {
  /** Days in UTC, both included. @default all that the audit has */
  readonly since: string | undefined;
  readonly until: string;
  readonly html: string | undefined;
  readonly csv: string | undefined;
  readonly replace: boolean;
}

const flags = {
  payer: { type: 'string' },
  patient: { type: 'string' },
  grant: { type: 'string' },
  'member-of': { type: 'string' },
  html: { type: 'string' },
  csv: { type: 'string' },
  replace: { type: 'boolean' },
  since: { type: 'string' },
  until: { type: 'string' },
  reason: { type: 'string' },
  yes: { type: 'boolean' },
  'index-only': { type: 'boolean' },
  'whole-audit': { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  ...stageFlags,
  table: { type: 'string' },
  bucket: { type: 'string' },
  key: { type: 'string' },
  help: { type: 'boolean' },
} as const;

const everywhere = ['dry-run', ...Object.keys(stageFlags), 'table', 'key'];
const whom = ['payer', 'patient', 'grant', 'member-of'];
const used = {
  find: [...everywhere, ...whom, 'bucket', 'index-only', 'whole-audit'],
  report: [...everywhere, ...whom, 'bucket', 'index-only', 'whole-audit', 'html', 'csv', 'replace', 'since', 'until'],
  end: [...everywhere, ...whom, 'index-only', 'reason', 'yes'],
  index: everywhere,
} as const;

type Values = ReturnType<typeof readArguments<{ options: typeof flags; allowPositionals: true }>>['values'];

const commandIn = (words: readonly string[]): MembersCommand['command'] => {
  const [word, ...more] = words;
  if (word === undefined) throw new UsageError(help);
  if (!Object.hasOwn(used, word)) throw new UsageError(`There is no command "${word}"; --help lists the commands`);
  // It may be a patient's id, so it is not repeated.
  if (more.length > 0) throw new UsageError('Give flags only after the command; --help lists them');
  return word as MembersCommand['command'];
};

const grantIn = (flag: string, value: string): string => {
  if (!/^[\w-]{22}$/.test(value))
    throw new UsageError(`--${flag}: write the 22 characters of a grant's id, as in the logs`);
  return value;
};

const askedIn = ({ payer, patient, grant, 'member-of': memberOf }: Values): Asked => {
  const given = [payer, grant, memberOf].filter((one) => one !== undefined);
  if (given.length !== 1)
    throw new UsageError('Give one of --payer ID, --grant ID and --member-of ID; --help says more');
  if (payer !== undefined) return { payer, patient };
  if (patient !== undefined) throw new UsageError('--patient goes with --payer: a grant knows its patient');
  if (grant !== undefined) return { grant: grantIn('grant', grant) };
  return { memberOf: grantIn('member-of', memberOf ?? '') };
};

const fileIn = (flag: string, value: string | undefined): string | undefined => {
  if (value === '') throw new UsageError(`--${flag} is empty; write the path of a file`);
  return value;
};

const reportIn = (values: Values, nowMs: number): ReportOptions => {
  const [html, csv] = [fileIn('html', values.html), fileIn('csv', values.csv)];
  if (html === undefined && csv === undefined) throw new UsageError('Give --html FILE, --csv FILE, or both');
  if (html !== undefined && csv !== undefined && resolve(html) === resolve(csv)) {
    throw new UsageError('--html and --csv name the same file');
  }
  const since = dayIn('since', values.since);
  const today = new Date(nowMs).toISOString().slice(0, 10);
  const until = dayIn('until', values.until) ?? today;
  for (const [flag, day] of Object.entries({ since, until })) {
    if (day !== undefined && day > today) throw new UsageError(`--${flag} is ${day}, which is yet to come`);
  }
  if (since !== undefined && until < since) throw new UsageError(`--until ${until} is before --since ${since}`);
  return { html, csv, replace: values.replace === true, since, until };
};

/**
 * Reads the command line.
 * @param nowMs the current time, epoch milliseconds
 * @returns `help` if that was asked for
 * @throws UsageError
 */
export const readFlags = (args: readonly string[], nowMs: number): MembersCommand | 'help' => {
  const { values, positionals } = readArguments({ args: [...args], options: flags, allowPositionals: true });
  if (values.help === true) return 'help';
  const command = commandIn(positionals);
  refuseUnusedFlags(command, values, used[command]);
  const common = {
    dryRun: values['dry-run'] === true,
    stage: { stage: values.stage, config: values.config },
    table: values.table,
    bucket: values.bucket,
    key: values.key,
  };
  if (command === 'index') return { command, ...common };
  const reach = { indexOnly: values['index-only'] === true, wholeAudit: values['whole-audit'] === true };
  const asked = askedIn(values);
  if (command === 'find') return { command, asked, ...common, ...reach };
  if (command === 'report') return { command, asked, ...common, ...reach, ...reportIn(values, nowMs) };
  const reason = requireReason(values.reason, 'Give --reason TEXT: the audit records why grants were ended');
  return { command, asked, reason, yes: values.yes === true, indexOnly: reach.indexOnly, ...common };
};
