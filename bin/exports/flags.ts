import { readCommand, type Read } from '../shared/command-line.ts';
import { UsageError } from '../shared/errors.ts';
import { auditReason, reasonFlag } from '../shared/reason.ts';
import { dryRun, exitHelp, noWords, oneWord, read, text, type Spec } from '../shared/spec.ts';
import { awsHelp, stageFlags, tableFlags } from '../shared/stage-flags.ts';
import { durationIn, instantIn } from '../shared/times.ts';
import { states, type ExportState } from './state.ts';

const words = {
  /** Of 44 characters, of which the first 22 are the grant's. */
  id: oneWord("Give one export id, the last part of its URL, or its grant's id", /^[\w-]{22}(?:[\w-]{22})?$/),
};

const stateIn = (given: string): ExportState => {
  const state = states.find((one) => one === given);
  if (state === undefined)
    throw new UsageError(`--state is ${JSON.stringify(given)}; write one of ${states.join(', ')}`);
  return state;
};

/** A point in time, or how long ago. */
type Since = { readonly at: number } | { readonly ago: number };

const sinceIn = (given: string): Since => {
  const [ago, at] = [durationIn(given), instantIn(given)];
  if (ago !== undefined) return { ago };
  if (at !== undefined) return { at };
  throw new UsageError(
    '--since cannot be read as a duration or as a time with its zone; write one, such as 2h, 3d or 2026-11-27T06:00Z',
  );
};

const place = { ...stageFlags, table: tableFlags.exports };

export const spec = {
  call: 'npm run exports --',
  about: `The last export of each grant, and exchanges between plans: where each is, and what stopped it. An id is the last part of an export's URL, or its grant's id;
if it starts with a hyphen, write it after --, as in: show -- -ID.`,
  commands: {
    list: {
      usage: '[--payer ID] [--partner ID] [--state STATE] [--since TIME] [flags]',
      does: 'prints exports, the newest first, with their payer, partner, state and progress.',
      changes: 'nothing',
      words: { none: noWords((word) => `Unexpected argument "${word}"; list takes no name`) },
      flags: {
        payer: text('ID', 'only those at this payer'),
        partner: text('ID', "only this partner's, by its client id"),
        state: read('STATE', `only those that are ${states.join(', ')}`, stateIn),
        since: read('TIME', 'only those begun since, such as 2h, 3d or 2026-11-27T06:00Z', sinceIn),
        ...place,
      },
    },
    show: {
      usage: 'ID [flags]',
      does: 'prints what an export reads, how far it is, its last problem, and the reference for npm run trace.',
      changes: 'nothing',
      words,
      flags: place,
    },
    end: {
      usage: 'ID --reason TEXT [flags]',
      does: `ends an export and deletes its files, as the partner's DELETE does. The grant stays, and the partner can begin another
        export. The audit records who ended it and why.`,
      changes: 'AWS',
      words,
      flags: {
        reason: reasonFlag(auditReason, 'Give --reason TEXT: the audit records why an export was ended'),
        dryRun,
        ...place,
        grantsTable: tableFlags.grants,
      },
    },
  },
  more: `${awsHelp}\n${exitHelp}`,
  rows: [[['list', 'show ID', 'end ID --reason TEXT'], 'lists exports; shows one, with its last problem; ends one']],
} as const satisfies Spec;

/** What to do with exports. */
export type ExportsCommand = Read<typeof spec>;

/** Which exports to list. */
export type ListCommand = Extract<ExportsCommand, { readonly command: 'list' }>;

/** Reads the command line. @throws UsageError */
export const readFlags = (args: readonly string[]): ExportsCommand => readCommand(spec, args);
