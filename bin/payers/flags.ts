import { baseUrl } from '../../config/checks/rules.ts';
import { defaultPorts } from '../../config/local.ts';
import { everywhereSeconds } from '../../functions/shared/registry/everywhere.ts';
import { readCommand, type Read } from '../shared/command-line.ts';
import { UsageError } from '../shared/errors.ts';
import { reason, recorded } from '../shared/reason.ts';
import {
  dryRun,
  json,
  maybeWord,
  needed,
  notBoth,
  oneWord,
  otherwise,
  read,
  type Rule,
  type Spec,
} from '../shared/spec.ts';
import { neededStage, stageFlags } from '../shared/stage-flags.ts';
import { until } from '../shared/times.ts';
import { many } from './report.ts';

const target = maybeWord('Give one payer at most; --help lists the commands');
const id = oneWord((command) => `Give the payer: ${command} ID --stage NAME`);

/** An origin may have a path: the API's own URL has its stage's. */
const originIn = (origin: string): string => {
  const problem = baseUrl(origin);
  if (problem !== undefined) throw new UsageError(`--origin ${problem}`);
  return origin;
};

const origin = { '--origin URL': read("the gateway's public origin, if it is the API's own URL", originIn) };
const fromFile = { '--file': "the payers in the stage's file, not those in its registry" };

const proposesAlone: Rule = (given, { ids }) =>
  given.has('propose') && (given.has('json') || (ids as readonly string[]).length > 0)
    ? '--propose ID is about one payer; give no other ID and no --json'
    : undefined;

export const spec = {
  call: 'npm run payers --',
  about: 'Finds out what a payer needs, gives it its key or secret, and stops it while something is wrong.',
  commands: {
    'check [ID] [flags]': {
      does: `examines the stage's payers, or the one with this ID: host names, TLS, endpoints, discovery, secret. Each line
        is a pass, or what to do. No request carries a credential. Of ${many} payers or more it prints only those with
        something to do. The payers are those in the stage's registry, or in its file if there is no registry yet.`,
      words: { target },
      ...fromFile,
      ...origin,
      '--no-secrets': 'does not read Secrets Manager',
      ...json,
      ...stageFlags,
    },
    'learn URL|FILE [flags]': {
      does: `reads what a payer publishes at its FHIR base URL or issuer, tries what can be tried without a member, and
        prints the entry for its profile, with a comment above each field: read there, guessed because, ask the payer.
        "check URL" does the same. A FILE is a draft of "import".`,
      words: { url: oneWord("Give the payer's FHIR base URL: learn URL") },
      ...origin,
      '--further URL': 'a second FHIR base that the same sign-in opens, whose types the entry then names',
      ...json,
      ...stageFlags,
    },
    'import FILE|URL --out FOLDER [flags]': {
      changes: `reads a SMART User-access Brands Bundle, such as another gateway's /brands, merges what shares an endpoint or a
        number, asks each endpoint whether it lives, and writes a draft for each payer that does, which "learn" completes.
        Nothing that is there is replaced: no file, and no payer of the stage. Run again after ^C, it goes on where it stopped.
        A host gets one request at a time.`,
      words: { from: oneWord('Give one bundle: import FILE|URL --out FOLDER') },
      '--out FOLDER': needed('where drafts go, and what was asked already', 'Give --out FOLDER for the drafts'),
      ...dryRun,
      ...stageFlags,
    },
    'drift [ID…] [--propose ID] [flags]': {
      rules: [proposesAlone],
      does: `reads again what the stage's payers publish, or those with these IDs, and compares it with their profiles:
        endpoints, keys, capabilities, the limit of _count, certificates in the 30 days before their end. It prints a line
        for each difference: what the profile has → what the payer has now. The canary does the same once a day.`,
      words: { ids: (given: readonly string[]) => [...new Set(given)] },
      '--propose ID': "prints the lines of this payer's entry that would change",
      ...fromFile,
      ...json,
      ...stageFlags,
    },
    'key [--rsa]': {
      does: 'makes a key pair for private_key_jwt: the value for the secret goes to stdout, the public half to stderr.',
      silent: true,
      '--rsa': 'makes a key for RS384 instead of ES384',
    },
    'secret ID --stage NAME [--exchange] [--unchecked | --previous] [--dry-run]': {
      changes: `puts the secret that a payer gave, or the key that "key" printed, into Secrets Manager. It prompts for the
        value or reads it from stdin, never from an argument, and asks the payer whether it accepts it before the gateway
        uses it. --previous restores the previous value. --exchange is for the key of exchanges, which only their job reads.`,
      words: { id },
      rules: [notBoth('--previous', '--unchecked')],
      ...origin,
      '--exchange': 'the key with which the gateway asks this payer as a former plan',
      '--unchecked': 'does not ask the payer whether it accepts the value',
      '--previous': 'restores the previous value',
      ...dryRun,
      ...neededStage,
    },
    'pause ID --reason TEXT --stage NAME [--until TIME] [--dry-run]': {
      changes: `stops a payer within ${everywhereSeconds} seconds, without a deployment: sign-ins, token calls, reads, and reads that are under
        way. Members and partners are told to come back. No grant ends. Neither a deployment nor an apply ends a pause.`,
      words: { id },
      ...reason,
      '--until TIME': until('when it ends by itself, such as 30m, 2h, 3d or 2026-11-27T06:00Z (default: at resume)'),
      ...dryRun,
      ...neededStage,
    },
    'resume ID --reason TEXT --stage NAME [--dry-run]': {
      changes: 'ends a pause. Pausing or resuming twice is no error: the second says what is so already.',
      words: { id },
      ...recorded,
      ...neededStage,
    },
    'list --stage NAME [--paused]': {
      does: 'prints the payers in the registry, those that are paused first, with who did it and why.',
      '--paused': 'only those that are paused or damaged',
      ...neededStage,
    },
    'mapping --stage NAME [--assembly FOLDER]': {
      does: `prints the resource mapping for "npx cdk import", which takes secrets that exist already into the stage's stack
        (payerSecrets: 'stack'). It reads what "npx cdk synth" wrote.`,
      silent: true,
      '--assembly FOLDER': otherwise('what cdk synth wrote', 'cdk.out'),
      ...neededStage,
    },
  },
  more: `AWS_ENDPOINT_URL names a stand-in for AWS (stage local: the one of npm start, port ${defaultPorts.aws}).`,
  exits: 'Exits with 0 if nothing is wrong, 1 if there is something to do, 2 if the command line is wrong.',
  rows: {
    'check [ID], learn URL': "examines payers; prints a new payer's entry, to paste",
    'import FILE': 'writes drafts of the payers in a brands bundle that answer',
    'drift [ID…]': 'lists what payers have changed; `--propose ID` prints what to write',
    'secret ID, key': "puts a payer's secret; `--previous` restores the one before; makes a key pair",
    mapping: 'prints what `cdk import` needs to take secrets into the stack',
    'pause ID, resume ID, list': `pauses a payer within ${everywhereSeconds} seconds; resumes it; lists payers`,
  },
} as const satisfies Spec;

export type PayersCommand = ReturnType<typeof readFlags>;

/** @throws UsageError */
export const readFlags = (args: readonly string[], nowMs: number) => {
  const command: Read<typeof spec> = readCommand(spec, args, nowMs);
  return command.command === 'check' && command.target?.includes('://') === true
    ? { ...command, command: 'learn' as const, url: command.target, further: undefined }
    : command;
};
