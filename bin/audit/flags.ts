import type { Read } from '../shared/command-line.ts';
import { inOrder, period } from '../shared/day.ts';
import { exactlyOne, grantId, matching, type Rule, type Spec } from '../shared/spec.ts';
import { auditBucket, stageFlags } from '../shared/stage-flags.ts';

const partner = (help: string) => matching(help, /^[a-z0-9-]{1,64}$/, "a partner's client id");
const needsSince: Rule = (given) =>
  given.has('grant') || given.has('since') ? undefined : `--${[...given][0]} needs --since DATE`;

export const spec = {
  call: 'npm run audit --',
  does: `Prints what happened, according to the audit, to one grant, to all grants of a partner, or to payers and partners
themselves: who added, changed, removed, blocked or paused which, and why. Or lists the members in a partner's events.`,
  usage: '(--grant ID | --partner ID --since DATE | --members-of ID --since DATE | --registry --since DATE) [flags]',
  rules: [exactlyOne('--grant ID', '--partner ID', '--members-of ID', '--registry'), needsSince, inOrder],
  '--grant ID': matching(
    'a grant; if its id starts with a hyphen: --grant=ID',
    grantId,
    'the 22 characters of a grant id, as in the logs',
  ),
  '--partner ID': partner(`a partner's client id; "unknown" has the records that the audit could not read`),
  '--members-of ID':
    partner(`a partner: prints each member in its events once for each payer, with the number of reads and
    their grants, and of exchanges in how many the payer named the member (matched), and how many brought the record
    (exchanged)`),
  '--registry': 'changes of payers and partners',
  ...period('the first day, such as 2026-06-01 (UTC; default for a grant: the day it was created)'),
  ...stageFlags,
  ...auditBucket,
  '--json': 'prints the FHIR AuditEvents, or the members, one per line',
  rows: {
    '--grant ID, --partner ID --since DATE': 'shows who read what: the FHIR AuditEvents',
    '--members-of ID --since DATE': "lists the members in a partner's events, with how often it read each record",
  },
} as const satisfies Spec;

export type AuditQuery = Read<typeof spec>;
