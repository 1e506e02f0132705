import { readArguments, stageFlags, UsageError } from '../shared/command-line.ts';

export const help = `npm run grants -- show ID [flags]
npm run grants -- end ID --reason TEXT [flags]

show         says what a grant is: partner, payer, scope, when it began, and whether it still lives.
end          ends a grant at once: the next call with any of its tokens is refused. It cannot be undone; the member has
             to connect again. The audit names who ended it and why.

A grant's id is in the logs and in the audit; one that begins with a hyphen comes after --, as in: end -- -ID.

  --reason TEXT   end: why, for the audit; no health data and no member's name (up to 200 characters)
  --dry-run       end: says what it would do, and changes nothing
  --stage NAME    the stage (default local), or
  --config FILE   one of a file's own
  --table NAME    the grants table (default: the one p2p-gateway-{stage}-TablesGrants…)
  --help          this text

AWS is found as by any of its tools (AWS_PROFILE, AWS_REGION); for stage local it is what npm start serves.
Ends with 0 if it is done, 1 if it cannot be done, 2 if the command was given wrongly.`;

/** What is to be done with a grant. */
export interface GrantCommand {
  readonly command: 'show' | 'end';
  readonly grantId: string;
  readonly reason: string;
  readonly dryRun: boolean;
  readonly stage: { readonly stage?: string; readonly config?: string };
  readonly table: string | undefined;
}

const flags = {
  reason: { type: 'string' },
  'dry-run': { type: 'boolean' },
  ...stageFlags,
  table: { type: 'string' },
  help: { type: 'boolean' },
} as const;

const longestReason = 200;

const commandIn = (word: string | undefined): GrantCommand['command'] => {
  if (word === 'show' || word === 'end') return word;
  throw new UsageError(word === undefined ? help : `There is no command "${word}"; --help lists them`);
};

const grantIdIn = (words: readonly string[]): string => {
  const [id = '', ...more] = words;
  if (more.length > 0 || !/^[\w-]{22}$/.test(id)) {
    throw new UsageError("Give one grant's id: 22 characters, as logs and audit have it");
  }
  return id;
};

const reasonFor = (command: GrantCommand['command'], given: string | undefined): string => {
  if (command === 'show') {
    if (given !== undefined) throw new UsageError('--reason is for end, not for show');
    return '';
  }
  const reason = given?.trim() ?? '';
  if (reason === '') throw new UsageError('Give --reason TEXT: the audit keeps why a grant was ended');
  if (reason.length > longestReason || /[\p{Cc}\p{Cf}]/u.test(reason)) {
    throw new UsageError(`--reason is one line of up to ${longestReason} characters`);
  }
  return reason;
};

/**
 * Reads the command line.
 * @returns `help` where that was asked for
 * @throws UsageError
 */
export const readFlags = (args: readonly string[]): GrantCommand | 'help' => {
  const { values, positionals } = readArguments({ args: [...args], options: flags, allowPositionals: true });
  if (values.help === true) return 'help';
  const [word, ...rest] = positionals;
  const command = commandIn(word);
  const dryRun = values['dry-run'] === true;
  if (dryRun && command === 'show') throw new UsageError('--dry-run is for end, not for show');
  return {
    command,
    grantId: grantIdIn(rest),
    reason: reasonFor(command, values.reason),
    dryRun,
    stage: {
      ...(values.stage === undefined ? {} : { stage: values.stage }),
      ...(values.config === undefined ? {} : { config: values.config }),
    },
    table: values.table,
  };
};
