import { defaultPorts } from '../../config/local.ts';
import { baseUrl } from '../../config/rules.ts';
import { readArguments, refuseUnusedFlags, stageFlags, UsageError, type StageFlags } from '../shared/command-line.ts';

export const help = `npm run payers -- check [ID] [flags]
npm run payers -- learn URL [flags]
npm run --silent payers -- key [--rsa]
npm run payers -- secret ID [--previous] [--dry-run] [flags]

check        examines the stage's payers, or the one with this ID: host names, TLS, endpoints, discovery, secret. Each line
             is a pass, or what to do. No request carries a credential.
learn        reads what a payer publishes at its FHIR base URL or issuer, tries what can be tried without a member, and
             prints the entry for its profile, with a comment above each field: read there, guessed because, ask the
             payer. "check URL" does the same.
key          makes a key pair for private_key_jwt: the value for the secret goes to stdout, the public half to stderr.
secret       puts the secret that a payer gave, or the key that "key" printed, into Secrets Manager. It prompts for the
             value or reads it from stdin, never from an argument. --previous restores the previous value.

  --stage NAME     a stage in config/ (default local, which npm start serves)
  --config FILE    a stage's configuration, .ts or .json
  --origin URL     check, learn: the gateway's public origin, if it is the API's own URL
  --no-secrets     check: does not read Secrets Manager
  --json           check, learn: prints JSON
  --previous       secret: restores the previous value
  --dry-run        secret: says what it would do, and does nothing
  --rsa            key: makes a key for RS384 instead of ES384
  --help           this text

AWS_ENDPOINT_URL names a stand-in for AWS (stage local: the one of npm start, port ${defaultPorts.aws}).
Exits with 0 if nothing is wrong, 1 if there is something to do, 2 if the command line is wrong.`;

/** What is to be done. */
export type PayersCommand =
  | {
      readonly command: 'check';
      /** A payer's id. If omitted, all of the stage's payers. */
      readonly target: string | undefined;
      readonly stage: StageFlags;
      readonly origin: string | undefined;
      readonly readsSecrets: boolean;
      readonly json: boolean;
    }
  | {
      readonly command: 'learn';
      readonly url: string;
      readonly stage: StageFlags;
      readonly origin: string | undefined;
      readonly json: boolean;
    }
  | { readonly command: 'key'; readonly rsa: boolean }
  | {
      readonly command: 'secret';
      readonly id: string;
      readonly stage: StageFlags;
      readonly previous: boolean;
      readonly dryRun: boolean;
    };

const flags = {
  ...stageFlags,
  origin: { type: 'string' },
  'no-secrets': { type: 'boolean' },
  json: { type: 'boolean' },
  rsa: { type: 'boolean' },
  previous: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/** The flags that each command uses. */
const used: Readonly<Record<PayersCommand['command'], readonly (keyof typeof flags)[]>> = {
  check: ['stage', 'config', 'origin', 'no-secrets', 'json'],
  learn: ['stage', 'config', 'origin', 'json'],
  key: ['rsa'],
  secret: ['stage', 'config', 'previous', 'dry-run'],
};

const commandIn = (words: readonly string[]): PayersCommand['command'] => {
  const [word] = words;
  if (word === 'check' || word === 'learn' || word === 'secret' || (word === 'key' && words.length === 1)) return word;
  throw new UsageError(
    word === undefined ? help : `There is no command "${words.join(' ')}"; --help lists the commands`,
  );
};

/** An origin may have a path: the API's own URL has its stage's. */
const originIn = (origin: string | undefined): string | undefined => {
  const problem = origin === undefined ? undefined : baseUrl(origin);
  if (problem !== undefined) throw new UsageError(`--origin ${problem}`);
  return origin;
};

const urlIn = (url: string | undefined): string => {
  if (url === undefined) throw new UsageError("Give the payer's FHIR base URL: learn URL");
  return url;
};

const secretIdIn = (id: string | undefined, { stage, config }: StageFlags): string => {
  if (id === undefined) throw new UsageError('Give the payer: secret ID --stage NAME');
  if (stage === undefined && config === undefined)
    throw new UsageError('Give --stage NAME: secret has no default stage');
  return id;
};

/**
 * Reads the command line.
 * @returns `help` if that was asked for
 * @throws UsageError
 */
export const readFlags = (args: readonly string[]): PayersCommand | 'help' => {
  const { values, positionals } = readArguments({ args: [...args], options: flags, allowPositionals: true });
  if (values.help === true) return 'help';
  const [, target, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`Unexpected argument "${rest.join(' ')}"; --help lists the commands`);
  const command = commandIn(positionals);
  refuseUnusedFlags(command, values, used[command]);
  const stage = { stage: values.stage, config: values.config };
  if (command === 'key') return { command, rsa: values.rsa === true };
  if (command === 'secret') {
    const id = secretIdIn(target, stage);
    return { command, id, stage, previous: values.previous === true, dryRun: values['dry-run'] === true };
  }
  const forBoth = { stage, origin: originIn(values.origin), json: values.json === true };
  if (command === 'learn' || target?.includes('://') === true) {
    return { command: 'learn', url: urlIn(target), ...forBoth };
  }
  return { command, target, ...forBoth, readsSecrets: values['no-secrets'] !== true };
};
