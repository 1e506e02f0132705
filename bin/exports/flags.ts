import type { Read } from '../shared/command-line.ts';
import { recorded } from '../shared/reason.ts';
import { noName, oneOf, oneWord, type Spec } from '../shared/spec.ts';
import { besideGrants, exportsTable, stageFlags } from '../shared/stage-flags.ts';
import { ago } from '../shared/times.ts';
import { states } from './state.ts';

export const spec = {
  call: 'npm run exports --',
  about: `The last export of each grant, and exchanges between plans: where each is, and what stopped it. An id is the last part of an export's URL, or its grant's id;
if it starts with a hyphen, write it after --, as in: show -- -ID.`,
  // Of 44 characters, of which the first 22 are the grant's.
  words: {
    id: oneWord("Give one export id, the last part of its URL, or its grant's id", /^[\w-]{22}(?:[\w-]{22})?$/),
  },
  ...stageFlags,
  ...exportsTable,
  commands: {
    'list [--payer ID] [--partner ID] [--state STATE] [--since TIME] [flags]': {
      does: 'prints exports, the newest first, with their payer, partner, state and progress.',
      words: noName,
      '--payer ID': 'only those at this payer',
      '--partner ID': "only this partner's, by its client id",
      '--state STATE': oneOf(`only those that are ${states.join(', ')}`, states, `one of ${states.join(', ')}`),
      '--since TIME': ago('only those begun since, such as 2h, 3d or 2026-11-27T06:00Z'),
    },
    'show ID [flags]': {
      does: 'prints what an export reads, how far it is, its last problem, and the reference for npm run trace.',
    },
    'end ID --reason TEXT [flags]': {
      changes: `ends an export and deletes its files, as the partner's DELETE does. The grant stays, and the partner can begin another
        export. The audit records who ended it and why.`,
      ...recorded,
      ...besideGrants,
    },
  },
  rows: { 'list, show ID, end ID --reason TEXT': 'lists exports; shows one, with its last problem; ends one' },
} as const satisfies Spec;

export type ExportsCommand = Read<typeof spec>;
export type ListCommand = Extract<ExportsCommand, { readonly command: 'list' }>;
