import type { Read } from '../shared/command-line.ts';
import { UsageError } from '../shared/errors.ts';
import { auditReason } from '../shared/reason.ts';
import { dryRun, exitHelp, noName, oneOf, oneWord, read, type Spec } from '../shared/spec.ts';
import { awsHelp, stageFlags, tableHelp } from '../shared/stage-flags.ts';
import { durationIn, instantIn } from '../shared/times.ts';
import { states } from './state.ts';

/** Of 44 characters, of which the first 22 are the grant's. */
const id = oneWord("Give one export id, the last part of its URL, or its grant's id", /^[\w-]{22}(?:[\w-]{22})?$/);

const sinceIn = (given: string): { readonly at: number } | { readonly ago: number } => {
  const [ago, at] = [durationIn(given), instantIn(given)];
  if (ago !== undefined) return { ago };
  if (at !== undefined) return { at };
  throw new UsageError(
    '--since cannot be read as a duration or as a time with its zone; write one, such as 2h, 3d or 2026-11-27T06:00Z',
  );
};

const place = { ...stageFlags, '--table NAME': tableHelp('Exports') };

export const spec = {
  call: 'npm run exports --',
  about: `The last export of each grant, and exchanges between plans: where each is, and what stopped it. An id is the last part of an export's URL, or its grant's id;
if it starts with a hyphen, write it after --, as in: show -- -ID.`,
  commands: {
    'list [--payer ID] [--partner ID] [--state STATE] [--since TIME] [flags]': {
      does: 'prints exports, the newest first, with their payer, partner, state and progress.',
      changes: 'nothing',
      words: noName,
      '--payer ID': 'only those at this payer',
      '--partner ID': "only this partner's, by its client id",
      '--state STATE': oneOf(`only those that are ${states.join(', ')}`, states, `one of ${states.join(', ')}`),
      '--since TIME': read('only those begun since, such as 2h, 3d or 2026-11-27T06:00Z', sinceIn),
      ...place,
    },
    'show ID [flags]': {
      does: 'prints what an export reads, how far it is, its last problem, and the reference for npm run trace.',
      changes: 'nothing',
      words: { id },
      ...place,
    },
    'end ID --reason TEXT [flags]': {
      does: `ends an export and deletes its files, as the partner's DELETE does. The grant stays, and the partner can begin another
        export. The audit records who ended it and why.`,
      changes: 'AWS',
      words: { id },
      ...auditReason('why an export was ended'),
      ...dryRun,
      ...place,
      '--grants-table NAME': tableHelp('Grants'),
    },
  },
  more: `${awsHelp}\n${exitHelp}`,
  rows: { 'list, show ID, end ID --reason TEXT': 'lists exports; shows one, with its last problem; ends one' },
} as const satisfies Spec;

/** What to do with exports. */
export type ExportsCommand = Read<typeof spec>;

/** Which exports to list. */
export type ListCommand = Extract<ExportsCommand, { readonly command: 'list' }>;
