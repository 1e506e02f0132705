import { readCommand } from '../shared/command-line.ts';
import { dayFlag, dayOf } from '../shared/day.ts';
import { UsageError } from '../shared/errors.ts';
import { matching, type Spec } from '../shared/spec.ts';
import { auditBucket, awsHelp, stageFlags } from '../shared/stage-flags.ts';

const partner = (help: string) => matching(help, /^[a-z0-9-]{1,64}$/, "a partner's client id");

export const spec = {
  call: 'npm run audit --',
  about: `Prints what happened, according to the audit, to one grant, to all grants of a partner, or to payers and partners
themselves: who added, changed, removed, blocked or paused which, and why. Or lists the members in a partner's events.`,
  usage: '(--grant ID | --partner ID --since DATE | --members-of ID --since DATE | --registry --since DATE) [flags]',
  changes: 'nothing',
  '--grant ID': matching(
    'a grant; if its id starts with a hyphen: --grant=ID',
    /^[\w-]{22}$/,
    'the 22 characters of a grant id, as in the logs',
  ),
  '--partner ID': partner(`a partner's client id; "unknown" has the records that the audit could not read`),
  '--members-of ID':
    partner(`a partner: prints each member in its events once for each payer, with the number of reads and
    their grants, and of exchanges in how many the payer named the member (matched), and how many brought the record
    (exchanged)`),
  '--registry': 'changes of payers and partners',
  '--since DATE': dayFlag('the first day, such as 2026-06-01 (UTC; default for a grant: the day it was created)'),
  '--until DATE': dayFlag('the last day (default today)'),
  ...stageFlags,
  ...auditBucket,
  '--json': 'prints the FHIR AuditEvents, or the members, one per line',
  more: awsHelp,
  rows: {
    '--grant ID, --partner ID --since DATE': 'shows who read what: the FHIR AuditEvents',
    '--members-of ID --since DATE': 'lists the members whose records a partner read',
  },
} as const satisfies Spec;

/** Whose events. */
type Subject = { readonly grant: string } | { readonly partner: string } | 'registry';

/** What to look for in the audit. */
export type AuditQuery = ReturnType<typeof readFlags>;

/**
 * Reads the command line.
 * @param nowMs the current time, epoch milliseconds
 * @throws UsageError
 */
export const readFlags = (args: readonly string[], nowMs: number) => {
  const query = readCommand(spec, args);
  const { grant, partner: reader, membersOf, registry, since } = query;
  const until = query.until ?? dayOf(nowMs);
  if ([grant, reader, membersOf, registry || undefined].filter((one) => one !== undefined).length !== 1)
    throw new UsageError(
      'Give --grant ID, or --partner ID, --members-of ID or --registry with --since DATE; --help lists the flags',
    );
  if (since === undefined && grant === undefined)
    throw new UsageError(
      `--${registry ? 'registry' : reader === undefined ? 'members-of' : 'partner'} needs --since DATE`,
    );
  if (since !== undefined && until < since) throw new UsageError(`--until ${until} is before --since ${since}`);
  const whose = reader ?? membersOf;
  const of: Subject = grant !== undefined ? { grant } : whose !== undefined ? { partner: whose } : 'registry';
  return { ...query, of, until };
};
