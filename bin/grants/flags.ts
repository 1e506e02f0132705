import type { Read } from '../shared/command-line.ts';
import { auditReason, reasonFlag } from '../shared/reason.ts';
import { dryRun, exitHelp, oneWord, type Spec } from '../shared/spec.ts';
import { awsHelp, stageFlags, tableFlags } from '../shared/stage-flags.ts';

const words = { grantId: oneWord('Give one grant id: 22 characters, as in the logs and the audit', /^[\w-]{22}$/) };

const place = { ...stageFlags, table: tableFlags.grants };

export const spec = {
  call: 'npm run grants --',
  about: `A grant's id is in the logs and in the audit. If it starts with a hyphen, write it after --, as in: end -- -ID.`,
  commands: {
    show: {
      usage: 'ID [flags]',
      does: "prints a grant's partner, payer, scope and state.",
      changes: 'nothing',
      words,
      flags: place,
    },
    end: {
      usage: 'ID --reason TEXT [flags]',
      does: `ends a grant at once: the next call with any of its tokens is refused. This cannot be undone; the member has to
        connect again. The audit records who ended it and why.`,
      changes: 'AWS',
      words,
      flags: {
        reason: reasonFlag(auditReason, 'Give --reason TEXT: the audit records why a grant was ended'),
        dryRun,
        ...place,
      },
    },
  },
  more: `${awsHelp}\n${exitHelp}`,
  rows: [[['show ID', 'end ID --reason TEXT'], 'shows a grant; ends one, with your name in the audit']],
} as const satisfies Spec;

/** What to do with a grant. */
export type GrantCommand = Read<typeof spec>;
