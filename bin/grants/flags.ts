import type { Read } from '../shared/command-line.ts';
import { pastDay } from '../shared/day.ts';
import { recorded } from '../shared/reason.ts';
import { grantId, noName, oneOf, oneWord, type Spec } from '../shared/spec.ts';
import { grantsTable, stageFlags } from '../shared/stage-flags.ts';

const ways = ['identity', 'sign-in'] as const;

export const spec = {
  call: 'npm run grants --',
  about: `A grant's id is in the logs and in the audit. If it starts with a hyphen, write it after --, as in: end -- -ID.`,
  words: { grantId: oneWord('Give one grant id: 22 characters, as in the logs and the audit', grantId) },
  ...stageFlags,
  ...grantsTable,
  commands: {
    'list [--via identity|sign-in] [--partner ID] [--payer ID] [--since DATE] [flags]': {
      does: 'prints grants, the newest first: how each was made, when the member agreed, and its state. It reads the whole table.',
      words: noName,
      '--via WAY': oneOf('only those made by an identity token (identity), or at the payer (sign-in)', ways),
      '--partner ID': "only this partner's, by its client id",
      '--payer ID': 'only those at this payer',
      '--since DATE': pastDay('only those made on this day or later, such as 2026-06-01 (UTC)'),
    },
    'show ID [flags]': { does: "prints a grant's partner, payer, scope and state." },
    'end ID --reason TEXT [flags]': {
      changes: `ends a grant at once: the next call with any of its tokens is refused. This cannot be undone; the member has to
        connect again. The audit records who ended it and why.`,
      ...recorded,
    },
  },
  rows: {
    'show ID, end ID --reason TEXT': 'shows a grant; ends one, with your name in the audit',
    'list --via identity': "lists grants, such as those by members' identity tokens",
  },
} as const satisfies Spec;

export type GrantCommand = Read<typeof spec>;
