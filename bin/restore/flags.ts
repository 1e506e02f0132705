import type { Read } from '../shared/command-line.ts';
import { reason } from '../shared/reason.ts';
import { dryRun, needed, noWords, read, type Spec } from '../shared/spec.ts';
import { auditBucket, neededStage } from '../shared/stage-flags.ts';
import { past } from '../shared/times.ts';

const copyOf = (command: string) => ({
  '--from TABLE': needed(
    read('the copy, a table that AWS has restored', (given) => given || undefined),
    `${command} needs --from TABLE: the table that AWS has restored`,
  ),
  '--since TIME': past('the time of the copy, such as 2026-06-01T12:00:00Z (default: what AWS says of the copy)'),
});
const needsSince = 'revocations needs --since TIME, such as 2026-06-01T12:00:00Z';

export const spec = {
  call: 'npm run restore --',
  about: `Puts back what a stage has lost. Copies come from point-in-time recovery; docs/restore.md has the order of steps. Each
command can be repeated: it goes on where it stopped.`,
  words: noWords((word) => `${JSON.stringify(word)} is one word too many; --help lists the flags`),
  ...dryRun,
  '--yes': 'goes on without asking',
  ...neededStage,
  '--table NAME': "the stage's table (default: the one that the stack made)",
  commands: {
    'grants --from TABLE --reason TEXT --stage NAME [flags]': {
      changes: `puts living grants of a copy back into the stage's table, if nothing has happened to them since, according to
        the audit. No item that is there is overwritten. Then it does what revocations does.`,
      ...copyOf('grants'),
      ...reason,
      '--json': 'prints a line of JSON for each grant of the copy, with what became of it',
      ...auditBucket,
    },
    'revocations --since TIME --reason TEXT --stage NAME [flags]': {
      changes: 'ends each living grant that the audit knows as ended since a time.',
      '--since TIME': needed(past('the earliest time that a copy in use may be of'), needsSince),
      ...reason,
      ...auditBucket,
    },
    'stops --reason TEXT --stage NAME [flags]': {
      changes: `blocks and pauses again what the registry has lost: the audit knows who is blocked and what is paused. It ends
        no block and no pause.`,
      ...reason,
      ...auditBucket,
    },
    'reads --from TABLE --stage NAME [flags]': {
      changes:
        'puts back events of reads that may not be in the audit bucket yet; each is filed again under its own id.',
      ...copyOf('reads'),
    },
  },
  exits: `Exits with 0 if it is done, 1 if it cannot be done or stopped on the way, 2 if the command line is wrong, 3 if it is
done but grants of the copy had to be left out.`,
  rows: { 'grants, revocations, stops, reads': 'puts back what was lost, and nothing that has ended' },
} as const satisfies Spec;

export type RestoreCommand = Read<typeof spec>;
export type RestoreOf<Name extends RestoreCommand['command']> = Extract<RestoreCommand, { readonly command: Name }>;
