import {
  awsHelp,
  readArguments,
  refuseUnusedFlags,
  requireStage,
  stageFlags,
  UsageError,
  type StageFlags,
} from '../shared/command-line.ts';
import { longestReason, requireReason } from '../shared/reason.ts';
import { instantIn } from '../shared/times.ts';

export const help = `npm run restore -- grants --from TABLE --reason TEXT --stage NAME [flags]
npm run restore -- revocations --since TIME --reason TEXT --stage NAME [flags]
npm run restore -- stops --reason TEXT --stage NAME [flags]
npm run restore -- reads --from TABLE --stage NAME [flags]

Puts back what a stage has lost. Copies come from point-in-time recovery; docs/restore.md has the order of steps.

grants       puts living grants of a copy back into the stage's table, if nothing has happened to them since, according
             to the audit. No item that is there is overwritten. Then it does what revocations does.
revocations  ends each living grant that the audit knows as ended since a time.
stops        blocks and pauses again what the registry has lost: the audit knows who is blocked and what is paused. It
             ends no block and no pause.
reads        puts back events of reads that may not be in the audit bucket yet; each is filed again under its own id.

Each can be repeated: it goes on where it stopped.

  --from TABLE    grants, reads: the copy, a table that AWS has restored
  --since TIME    grants, reads: the time of the copy, such as 2026-06-01T12:00:00Z (default: what AWS says of the copy)
                  revocations: the earliest time that a copy in use may be of
  --reason TEXT   why, kept with your name; no health data and no member's name (up to ${longestReason} characters)
  --dry-run       says what it would do, and changes nothing
  --yes           goes on without asking
  --json          grants: prints a line of JSON for each grant of the copy, with what became of it
  --stage NAME    a stage in config/
  --config FILE   a stage's configuration, .ts or .json
  --table NAME    the stage's table (default: the one that the stack made)
  --bucket NAME   the audit bucket (default AUDIT_BUCKET, else the one named p2p-gateway-{stage}-auditbucket…)
  --help          this text

${awsHelp}
Exits with 0 if it is done, 1 if it cannot be done or stopped on the way, 2 if the command line is wrong, 3 if it is
done but grants of the copy had to be left out.`;

/** What to restore. */
export type Restoring = 'grants' | 'revocations' | 'stops' | 'reads';

/** What to do. */
export interface RestoreCommand {
  readonly command: Restoring;
  readonly from: string;
  /** Epoch seconds. */
  readonly since: number | undefined;
  readonly reason: string;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly json: boolean;
  readonly stage: StageFlags;
  readonly table: string | undefined;
  readonly bucket: string | undefined;
}

const flags = {
  from: { type: 'string' },
  since: { type: 'string' },
  reason: { type: 'string' },
  'dry-run': { type: 'boolean' },
  yes: { type: 'boolean' },
  json: { type: 'boolean' },
  ...stageFlags,
  table: { type: 'string' },
  bucket: { type: 'string' },
  help: { type: 'boolean' },
} as const;

const common = ['dry-run', 'yes', 'table', ...Object.keys(stageFlags)];
/** The flags that each command uses. */
const used: Readonly<Record<Restoring, readonly string[]>> = {
  grants: [...common, 'from', 'since', 'reason', 'json', 'bucket'],
  revocations: [...common, 'since', 'reason', 'bucket'],
  stops: [...common, 'reason', 'bucket'],
  reads: [...common, 'from', 'since'],
};

const commandIn = (words: readonly string[]): Restoring => {
  const [word, ...more] = words;
  if (word === undefined) throw new UsageError(help);
  if (more.length > 0) throw new UsageError(`${JSON.stringify(more[0])} is one word too many; --help lists the flags`);
  if (Object.hasOwn(used, word)) return word as Restoring;
  throw new UsageError(`There is no command "${word}"; --help lists the commands`);
};

const sinceIn = (command: Restoring, text: string | undefined, now: number): number | undefined => {
  if (text === undefined) {
    if (command === 'revocations') throw new UsageError('revocations needs --since TIME, such as 2026-06-01T12:00:00Z');
    return undefined;
  }
  const since = instantIn(text);
  if (since === undefined) {
    throw new UsageError(
      `--since is ${JSON.stringify(text)}; write a time with its zone, such as 2026-06-01T12:00:00Z`,
    );
  }
  if (since > now) throw new UsageError(`--since is ${text}, which is yet to come`);
  return since;
};

const fromIn = (command: Restoring, from: string | undefined): string => {
  if ((command === 'grants' || command === 'reads') && (from ?? '') === '') {
    throw new UsageError(`${command} needs --from TABLE: the table that AWS has restored`);
  }
  return from ?? '';
};

/**
 * Reads the command line.
 * @param now epoch seconds
 * @returns `help` if that was asked for
 * @throws UsageError
 */
export const readFlags = (args: readonly string[], now: number): RestoreCommand | 'help' => {
  const { values, positionals } = readArguments({ args: [...args], options: flags, allowPositionals: true });
  if (values.help === true) return 'help';
  const command = commandIn(positionals);
  refuseUnusedFlags(command, values, used[command]);
  return {
    command,
    from: fromIn(command, values.from),
    since: sinceIn(command, values.since, now),
    reason: command === 'reads' ? '' : requireReason(values.reason, 'Give --reason TEXT: it is kept with your name'),
    dryRun: values['dry-run'] === true,
    yes: values.yes === true,
    json: values.json === true,
    stage: requireStage(command, { stage: values.stage, config: values.config }),
    table: values.table,
    bucket: values.bucket,
  };
};
