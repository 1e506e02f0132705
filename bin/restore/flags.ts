import { instant } from '../../functions/shared/instant.ts';
import { readCommand, type Read } from '../shared/command-line.ts';
import { UsageError } from '../shared/errors.ts';
import { reasonFlag, reasonHelp } from '../shared/reason.ts';
import { dryRun, needed, noWords, read, type Spec } from '../shared/spec.ts';
import { auditBucket, awsHelp, neededStage } from '../shared/stage-flags.ts';
import { instantIn } from '../shared/times.ts';

const words = noWords((word) => `${JSON.stringify(word)} is one word too many; --help lists the flags`);

const time = (help: string) =>
  read(help, (given) => {
    const since = instantIn(given);
    if (since !== undefined) return since;
    throw new UsageError(
      `--since is ${JSON.stringify(given)}; write a time with its zone, such as 2026-06-01T12:00:00Z`,
    );
  });

const copyOf = (command: string) => ({
  '--from TABLE': needed(
    read('the copy, a table that AWS has restored', (given) => given || undefined),
    `${command} needs --from TABLE: the table that AWS has restored`,
  ),
  '--since TIME': time('the time of the copy, such as 2026-06-01T12:00:00Z (default: what AWS says of the copy)'),
});
const reason = reasonFlag(
  reasonHelp("kept with your name; no health data and no member's name"),
  'Give --reason TEXT: it is kept with your name',
);
const place = {
  ...dryRun,
  '--yes': 'goes on without asking',
  ...neededStage,
  '--table NAME': "the stage's table (default: the one that the stack made)",
};

export const spec = {
  call: 'npm run restore --',
  about: `Puts back what a stage has lost. Copies come from point-in-time recovery; docs/restore.md has the order of steps. Each
command can be repeated: it goes on where it stopped.`,
  commands: {
    'grants --from TABLE --reason TEXT --stage NAME [flags]': {
      does: `puts living grants of a copy back into the stage's table, if nothing has happened to them since, according to
        the audit. No item that is there is overwritten. Then it does what revocations does.`,
      changes: 'AWS',
      words,
      ...copyOf('grants'),
      ...reason,
      '--json': 'prints a line of JSON for each grant of the copy, with what became of it',
      ...place,
      ...auditBucket,
    },
    'revocations --since TIME --reason TEXT --stage NAME [flags]': {
      does: 'ends each living grant that the audit knows as ended since a time.',
      changes: 'AWS',
      words,
      '--since TIME': needed(
        time('the earliest time that a copy in use may be of'),
        'revocations needs --since TIME, such as 2026-06-01T12:00:00Z',
      ),
      ...reason,
      ...place,
      ...auditBucket,
    },
    'stops --reason TEXT --stage NAME [flags]': {
      does: `blocks and pauses again what the registry has lost: the audit knows who is blocked and what is paused. It ends
        no block and no pause.`,
      changes: 'AWS',
      words,
      ...reason,
      ...place,
      ...auditBucket,
    },
    'reads --from TABLE --stage NAME [flags]': {
      does: `puts back events of reads that may not be in the audit bucket yet; each is filed again under its own id.`,
      changes: 'AWS',
      words,
      ...copyOf('reads'),
      ...place,
    },
  },
  more: `${awsHelp}
Exits with 0 if it is done, 1 if it cannot be done or stopped on the way, 2 if the command line is wrong, 3 if it is
done but grants of the copy had to be left out.`,
  rows: { 'grants, revocations, stops, reads': 'puts back what was lost, and nothing that has ended' },
} as const satisfies Spec;

/** What to do. */
export type RestoreCommand = Read<typeof spec>;
export type RestoreOf<Name extends RestoreCommand['command']> = Extract<RestoreCommand, { readonly command: Name }>;

/**
 * Reads the command line.
 * @param now epoch seconds
 * @throws UsageError
 */
export const readFlags = (args: readonly string[], now: number): RestoreCommand => {
  const command = readCommand(spec, args);
  const since = 'since' in command ? command.since : undefined;
  if (since !== undefined && since > now) throw new UsageError(`--since is ${instant(since)}, which is yet to come`);
  return command;
};
