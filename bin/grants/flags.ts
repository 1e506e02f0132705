import {
  awsHelp,
  exitHelp,
  readArguments,
  refuseUnusedFlags,
  stageFlags,
  UsageError,
  type StageFlags,
} from '../shared/command-line.ts';
import { requireReason } from '../shared/reason.ts';

export const help = `npm run grants -- show ID [flags]
npm run grants -- end ID --reason TEXT [flags]

show         prints a grant's partner, payer, scope and state.
end          ends a grant at once: the next call with any of its tokens is refused. This cannot be undone; the member has to
             connect again. The audit records who ended it and why.

A grant's id is in the logs and in the audit. If it starts with a hyphen, write it after --, as in: end -- -ID.

  --reason TEXT   end: why, for the audit; no health data and no member's name (up to 200 characters)
  --dry-run       end: says what it would do, and changes nothing
  --stage NAME    a stage in config/ (default local)
  --config FILE   a stage's configuration, .ts or .json
  --table NAME    the grants table (default: the one named p2p-gateway-{stage}-TablesGrants…)
  --help          this text

${awsHelp}
${exitHelp}`;

/** What to do with a grant. */
export interface GrantCommand {
  readonly command: 'show' | 'end';
  readonly grantId: string;
  readonly reason: string;
  readonly dryRun: boolean;
  readonly stage: StageFlags;
  readonly table: string | undefined;
}

const flags = {
  reason: { type: 'string' },
  'dry-run': { type: 'boolean' },
  ...stageFlags,
  table: { type: 'string' },
  help: { type: 'boolean' },
} as const;

const commandIn = (word: string | undefined): GrantCommand['command'] => {
  if (word === 'show' || word === 'end') return word;
  throw new UsageError(word === undefined ? help : `There is no command "${word}"; --help lists the commands`);
};

const grantIdIn = (words: readonly string[]): string => {
  const [id = '', ...more] = words;
  if (more.length > 0 || !/^[\w-]{22}$/.test(id)) {
    throw new UsageError('Give one grant id: 22 characters, as in the logs and the audit');
  }
  return id;
};

/**
 * Reads the command line.
 * @returns `help` if that was asked for
 * @throws UsageError
 */
export const readFlags = (args: readonly string[]): GrantCommand | 'help' => {
  const { values, positionals } = readArguments({ args: [...args], options: flags, allowPositionals: true });
  if (values.help === true) return 'help';
  const [word, ...rest] = positionals;
  const command = commandIn(word);
  if (command === 'show') refuseUnusedFlags(command, values, [...Object.keys(stageFlags), 'table']);
  return {
    command,
    grantId: grantIdIn(rest),
    reason:
      command === 'show'
        ? ''
        : requireReason(values.reason, 'Give --reason TEXT: the audit records why a grant was ended'),
    dryRun: values['dry-run'] === true,
    stage: { stage: values.stage, config: values.config },
    table: values.table,
  };
};
