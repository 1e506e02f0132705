import { defaultPorts } from '../../config/local.ts';
import { baseUrl } from '../../config/rules.ts';
import {
  readArguments,
  refuseUnusedFlags,
  requireStage,
  stageFlags,
  UsageError,
  type StageFlags,
} from '../shared/command-line.ts';
import { requireReason } from '../shared/reason.ts';
import { many } from './report.ts';
import { readUntil } from './until.ts';

export const help = `npm run payers -- check [ID] [flags]
npm run payers -- learn URL [flags]
npm run --silent payers -- key [--rsa]
npm run payers -- secret ID --stage NAME [--unchecked | --previous] [--dry-run]
npm run payers -- pause ID --reason TEXT --stage NAME [--until TIME] [--dry-run]
npm run payers -- resume ID --reason TEXT --stage NAME [--dry-run]
npm run payers -- list --stage NAME [--paused]
npm run --silent payers -- mapping --stage NAME [--assembly FOLDER]

check        examines the stage's payers, or the one with this ID: host names, TLS, endpoints, discovery, secret. Each line
             is a pass, or what to do. No request carries a credential. Of ${many} payers or more it prints only those with
             something to do. The payers are those in the stage's registry, or in its file if there is no registry yet.
learn        reads what a payer publishes at its FHIR base URL or issuer, tries what can be tried without a member, and
             prints the entry for its profile, with a comment above each field: read there, guessed because, ask the
             payer. "check URL" does the same.
key          makes a key pair for private_key_jwt: the value for the secret goes to stdout, the public half to stderr.
secret       puts the secret that a payer gave, or the key that "key" printed, into Secrets Manager. It prompts for the
             value or reads it from stdin, never from an argument, and asks the payer whether it accepts it before the
             gateway uses it. --previous restores the previous value.
pause        stops a payer within 30 seconds, without a deployment: sign-ins, token calls, reads, and reads that are under
             way. Members and partners are told to come back. No grant ends. No deployment and no apply ends a pause.
resume       ends a pause. Pausing or resuming twice is no error: the second says what is so already.
list         prints the payers in the registry, those that are paused first, with who did it and why.
mapping      prints the resource mapping for "npx cdk import", which takes secrets that exist already into the stage's stack
             (payerSecrets: 'stack'). It reads what "npx cdk synth" wrote.

  --stage NAME     a stage in config/ (default local, which npm start serves; secret, pause, resume, list and mapping have no default)
  --config FILE    a stage's configuration, .ts or .json
  --file           check: the payers in the stage's file, not those in its registry
  --origin URL     check, learn, secret: the gateway's public origin, if it is the API's own URL
  --no-secrets     check: does not read Secrets Manager
  --json           check, learn: prints JSON
  --unchecked      secret: does not ask the payer whether it accepts the value
  --previous       secret: restores the previous value
  --reason TEXT    pause, resume: why, for the audit; no health data and no member's name (up to 200 characters)
  --until TIME     pause: when it ends by itself, such as 30m, 2h, 3d or 2026-11-27T06:00Z (default: at resume)
  --paused         list: only those that are paused or out of order
  --assembly FOLDER  mapping: what cdk synth wrote (default cdk.out)
  --dry-run        secret, pause, resume: says what it would do, and changes nothing
  --rsa            key: makes a key for RS384 instead of ES384
  --help           this text

AWS_ENDPOINT_URL names a stand-in for AWS (stage local: the one of npm start, port ${defaultPorts.aws}).
Exits with 0 if nothing is wrong, 1 if there is something to do, 2 if the command line is wrong.`;

/** A pause of a payer, or the end of one. */
interface PauseCommand {
  readonly command: 'pause' | 'resume';
  readonly id: string;
  readonly reason: string;
  /** Epoch seconds. @default when it is resumed */
  readonly until: number | undefined;
  readonly dryRun: boolean;
  readonly stage: StageFlags;
}

/** What is to be done. */
export type PayersCommand =
  | {
      readonly command: 'check';
      /** A payer's id. If omitted, all of the stage's payers. */
      readonly target: string | undefined;
      readonly stage: StageFlags;
      readonly origin: string | undefined;
      readonly readsSecrets: boolean;
      /** Whether the registry is left out. */
      readonly fromFile: boolean;
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
      readonly origin: string | undefined;
      readonly previous: boolean;
      readonly unchecked: boolean;
      readonly dryRun: boolean;
    }
  | PauseCommand
  | { readonly command: 'list'; readonly stage: StageFlags; readonly onlyPaused: boolean }
  | { readonly command: 'mapping'; readonly stage: StageFlags; readonly assembly: string };

const flags = {
  ...stageFlags,
  origin: { type: 'string' },
  'no-secrets': { type: 'boolean' },
  json: { type: 'boolean' },
  rsa: { type: 'boolean' },
  previous: { type: 'boolean' },
  unchecked: { type: 'boolean' },
  file: { type: 'boolean' },
  reason: { type: 'string' },
  until: { type: 'string' },
  paused: { type: 'boolean' },
  assembly: { type: 'string' },
  'dry-run': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/** The flags that each command uses. */
const used: Readonly<Record<PayersCommand['command'], readonly (keyof typeof flags)[]>> = {
  check: ['stage', 'config', 'file', 'origin', 'no-secrets', 'json'],
  learn: ['stage', 'config', 'origin', 'json'],
  key: ['rsa'],
  secret: ['stage', 'config', 'origin', 'previous', 'unchecked', 'dry-run'],
  pause: ['stage', 'config', 'reason', 'until', 'dry-run'],
  resume: ['stage', 'config', 'reason', 'dry-run'],
  list: ['stage', 'config', 'paused'],
  mapping: ['stage', 'config', 'assembly'],
};

const commandIn = (words: readonly string[]): PayersCommand['command'] => {
  const [word] = words;
  const takesNone = word === 'key' || word === 'list' || word === 'mapping';
  if (word !== undefined && Object.hasOwn(used, word) && !(takesNone && words.length > 1)) {
    return word as PayersCommand['command'];
  }
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

const idIn = (command: string, id: string | undefined): string => {
  if (id === undefined || id === '') throw new UsageError(`Give the payer: ${command} ID --stage NAME`);
  return id;
};

const readFlagValues = (args: readonly string[]) =>
  readArguments({ args: [...args], options: flags, allowPositionals: true });

type Values = ReturnType<typeof readFlagValues>['values'];

const pauseIn = (
  command: PauseCommand['command'],
  target: string | undefined,
  values: Values,
  nowMs: number,
): PauseCommand => {
  const id = idIn(command, target);
  return {
    command,
    id,
    reason: requireReason(values.reason, `Give --reason TEXT: the audit records why a payer was ${command}d`),
    until: values.until === undefined ? undefined : readUntil(values.until, nowMs),
    dryRun: values['dry-run'] === true,
    stage: requireStage(command, { stage: values.stage, config: values.config }),
  };
};

const secretIn = (target: string | undefined, values: Values): PayersCommand => {
  const id = idIn('secret', target);
  const stage = requireStage('secret', { stage: values.stage, config: values.config });
  const [previous, unchecked] = [values.previous === true, values.unchecked === true];
  if (previous && unchecked) throw new UsageError('--previous never asks the payer; leave out --unchecked');
  const origin = originIn(values.origin);
  return { command: 'secret', id, stage, origin, previous, unchecked, dryRun: values['dry-run'] === true };
};

/**
 * Reads the command line.
 * @param nowMs epoch milliseconds
 * @returns `help` if that was asked for
 * @throws UsageError
 */
export const readFlags = (args: readonly string[], nowMs: number): PayersCommand | 'help' => {
  const { values, positionals } = readFlagValues(args);
  if (values.help === true) return 'help';
  const [, target, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`Unexpected argument "${rest.join(' ')}"; --help lists the commands`);
  const command = commandIn(positionals);
  refuseUnusedFlags(command, values, used[command]);
  const stage = { stage: values.stage, config: values.config };
  if (command === 'key') return { command, rsa: values.rsa === true };
  if (command === 'secret') return secretIn(target, values);
  if (command === 'pause' || command === 'resume') return pauseIn(command, target, values, nowMs);
  if (command === 'list') return { command, stage: requireStage(command, stage), onlyPaused: values.paused === true };
  if (command === 'mapping') {
    return { command, stage: requireStage(command, stage), assembly: values.assembly ?? 'cdk.out' };
  }
  const forBoth = { stage, origin: originIn(values.origin), json: values.json === true };
  if (command === 'learn' || target?.includes('://') === true) {
    return { command: 'learn', url: urlIn(target), ...forBoth };
  }
  const readsSecrets = values['no-secrets'] !== true;
  return { command, target, ...forBoth, readsSecrets, fromFile: values.file === true };
};
