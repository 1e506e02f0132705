import { instant } from '../../functions/shared/instant.ts';
import { readCommand, type Read } from '../shared/command-line.ts';
import { UsageError } from '../shared/errors.ts';
import { longestReason, reasonFlag } from '../shared/reason.ts';
import { dryRun, flag, needed, noWords, read, text, type Spec } from '../shared/spec.ts';
import { auditBucket, awsHelp, requireStage, stageFlagsOf } from '../shared/stage-flags.ts';
import { instantIn } from '../shared/times.ts';

const words = { none: noWords((word) => `${JSON.stringify(word)} is one word too many; --help lists the flags`) };

const timeIn = (given: string): number => {
  const since = instantIn(given);
  if (since !== undefined) return since;
  throw new UsageError(`--since is ${JSON.stringify(given)}; write a time with its zone, such as 2026-06-01T12:00:00Z`);
};

const fromOf = (command: string) => {
  const missing = `${command} needs --from TABLE: the table that AWS has restored`;
  return needed(
    read('TABLE', 'the copy, a table that AWS has restored', (given) => given || undefined),
    missing,
  );
};

const sinceCopy = read(
  'TIME',
  'the time of the copy, such as 2026-06-01T12:00:00Z (default: what AWS says of the copy)',
  timeIn,
);
const sinceEarliest = needed(
  read('TIME', 'the earliest time that a copy in use may be of', timeIn),
  'revocations needs --since TIME, such as 2026-06-01T12:00:00Z',
);

const reason = reasonFlag(
  `why, kept with your name; no health data and no member's name (up to ${longestReason} characters)`,
  'Give --reason TEXT: it is kept with your name',
);

const place = {
  dryRun,
  yes: flag('goes on without asking'),
  ...stageFlagsOf('a stage in config/'),
  table: text('NAME', "the stage's table (default: the one that the stack made)"),
};

export const spec = {
  call: 'npm run restore --',
  about: `Puts back what a stage has lost. Copies come from point-in-time recovery; docs/restore.md has the order of steps. Each
command can be repeated: it goes on where it stopped.`,
  commands: {
    grants: {
      usage: '--from TABLE --reason TEXT --stage NAME [flags]',
      does: `puts living grants of a copy back into the stage's table, if nothing has happened to them since, according to
        the audit. No item that is there is overwritten. Then it does what revocations does.`,
      changes: 'AWS',
      words,
      flags: {
        from: fromOf('grants'),
        since: sinceCopy,
        reason,
        json: flag('prints a line of JSON for each grant of the copy, with what became of it'),
        ...place,
        bucket: auditBucket,
      },
    },
    revocations: {
      usage: '--since TIME --reason TEXT --stage NAME [flags]',
      does: 'ends each living grant that the audit knows as ended since a time.',
      changes: 'AWS',
      words,
      flags: { since: sinceEarliest, reason, ...place, bucket: auditBucket },
    },
    stops: {
      usage: '--reason TEXT --stage NAME [flags]',
      does: `blocks and pauses again what the registry has lost: the audit knows who is blocked and what is paused. It ends
        no block and no pause.`,
      changes: 'AWS',
      words,
      flags: { reason, ...place, bucket: auditBucket },
    },
    reads: {
      usage: '--from TABLE --stage NAME [flags]',
      does: `puts back events of reads that may not be in the audit bucket yet; each is filed again under its own id.`,
      changes: 'AWS',
      words,
      flags: { from: fromOf('reads'), since: sinceCopy, ...place },
    },
  },
  more: `${awsHelp}
Exits with 0 if it is done, 1 if it cannot be done or stopped on the way, 2 if the command line is wrong, 3 if it is
done but grants of the copy had to be left out.`,
  rows: [[['grants', 'revocations', 'stops', 'reads'], 'puts back what was lost, and nothing that has ended']],
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
  return requireStage(command);
};
