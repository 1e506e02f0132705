import { readCommand, type Read } from '../shared/command-line.ts';
import { UsageError } from '../shared/errors.ts';
import { auditReason } from '../shared/reason.ts';
import { exitHelp, noName, oneWord, texts, type Spec, type Take } from '../shared/spec.ts';
import { awsHelp, neededStage, stageFlags } from '../shared/stage-flags.ts';

const nameIn: Take<string> = (given, command) =>
  oneWord(`Give one name, in quotes if it has spaces: ${command} "Example Partner"`)(given, command);
const dryRun = { '--dry-run': 'says what would happen, and changes nothing' };

export const spec = {
  call: 'npm run partners --',
  about: `Makes a partner's client and its secrets, cuts it off, and sends it its events. No file is written. Of new, rotate and
webhook only the secret goes to stdout, everything else to stderr. It is shown once.`,
  words: { nameOrId: nameIn },
  ...neededStage,
  commands: {
    'new NAME --redirect-uri URI [flags]': {
      or: 'NAME --exchange-npi NPI --jwks FILE --home-page URL [flags]',
      does: "makes a client: a client id, a secret, and the entry for the stage's configuration.",
      changes: 'nothing',
      silent: true,
      words: { name: nameIn },
      '--redirect-uri URI': texts('where the app receives its codes; repeat it for more'),
      '--payer ID': texts("a payer that it may read from; repeat it for more (default: all of the stage's payers)"),
      '--home-page URL': "a page of the app (default: the root of the first redirect URI's site)",
      '--logo FILE': 'its logo for the page that asks members, .svg, .png or .webp, up to 6 KB',
      '--privacy URL': 'its privacy policy, which that page links to',
      '--public': 'an app that cannot keep a secret, in a browser or on a phone',
      '--jwks FILE': "the partner's public keys, for private_key_jwt instead of a secret",
      '--identity-audience ISSUER=AUDIENCE': texts(
        "who the app is in its members' identity tokens of one of the stage's identity providers; repeat it for more",
      ),
      '--exchange-npi NPI': texts(
        "a plan's National Provider Identifier, as which its own system asks former plans; repeat it for more",
      ),
      '--consent-reason TEXT': 'why the app asks its members itself, which --identity-audience needs',
      ...stageFlags,
    },
    'rotate NAME-OR-CLIENT-ID [--leaked] [flags]': {
      does: `makes a second secret for a partner that has one, and lists the next steps. With --leaked it replaces the old
        one, whose hash has to be removed at once.`,
      changes: 'nothing',
      silent: true,
      '--leaked': 'others know the old secret, so it is refused once the file is applied',
      ...stageFlags,
    },
    'block NAME-OR-CLIENT-ID --reason TEXT --stage NAME [--dry-run]': {
      does: `cuts a partner off within 30 seconds, without a deployment: sign-ins, token calls, reads, and reads that are
        under way. Its grants stay. Neither a deployment nor an apply ends a block.`,
      changes: 'AWS',
      ...auditReason('why a partner was blocked'),
      ...dryRun,
    },
    'unblock NAME-OR-CLIENT-ID --reason TEXT --stage NAME [--dry-run]': {
      does: 'ends a block. Blocking or unblocking twice is no error: the second says what is so already.',
      changes: 'AWS',
      ...auditReason('why a partner was unblocked'),
      ...dryRun,
    },
    'list --stage NAME [--blocked]': {
      does: 'prints the partners in the registry, those that are blocked first, with who did it and why.',
      changes: 'nothing',
      words: noName,
      '--blocked': 'only those that are blocked or out of order',
    },
    'webhook NAME-OR-CLIENT-ID --stage NAME [--rotate [--leaked] | --finish] [--dry-run]': {
      or: 'NAME-OR-CLIENT-ID --stage NAME --test | --enable [--dry-run]',
      does: `makes the secret that signs the partner's events, and writes it to stdout.`,
      changes: 'AWS',
      silent: true,
      '--rotate': 'makes a second secret beside the first',
      '--leaked': 'with --rotate: the new secret replaces every other at once, since others know the old one',
      '--finish': 'drops the older of two secrets',
      '--test': 'sends a test event',
      '--enable': 'ends what an answer of 410 began',
      ...dryRun,
    },
    'replay NAME-OR-CLIENT-ID --stage NAME --since TIME | --event ID | --from FILE [--dry-run]': {
      does: 'sends events again: all that were given up since a time, one, delivered or not, or those that never began.',
      changes: 'AWS',
      '--since TIME': 'given up from then on, such as 3d, 2h or 2026-11-27T06:00Z (up to 30 days ago)',
      '--event ID': 'this one, as in webhook-id',
      '--from FILE': 'the events in it that this partner did not get, as given_up in docs/operate.sh writes them',
      ...dryRun,
    },
  },
  more: `${awsHelp}\n${exitHelp}`,
  rows: {
    'new NAME, rotate NAME': "makes a partner's client, or its second secret",
    'block NAME, unblock NAME, list': 'blocks a partner within 30 seconds; unblocks it; lists partners',
    'webhook NAME, replay NAME': "makes and rotates the secret of a partner's events; sends events again",
  },
} as const satisfies Spec;

type Given = Read<typeof spec>;
type Command<Name extends Given['command']> = Extract<Given, { readonly command: Name }>;

/** Which events to send again: a single one, those listed in a file, or all that were given up. */
export type ReplayCommand = Command<'replay'>;

/** What to do about a partner's webhook. */
export interface WebhookCommand extends Pick<Command<'webhook'>, 'nameOrId' | 'dryRun' | 'stage' | 'config'> {
  readonly command: 'webhook';
  readonly action: 'make' | 'rotate' | 'replace' | 'finish' | 'test' | 'enable';
}

const actions = ['rotate', 'finish', 'test', 'enable'] as const;

/** @throws UsageError if the flags ask for two things */
const webhookIn = (given: Command<'webhook'>): WebhookCommand => {
  const [action, other] = actions.filter((name) => given[name]);
  if (other !== undefined) throw new UsageError(`Give --${action} or --${other}, not both`);
  if (given.leaked && action !== 'rotate') throw new UsageError('--leaked goes with --rotate');
  return { ...given, action: given.leaked ? 'replace' : (action ?? 'make') };
};

/** What is to be done. */
export type PartnersCommand = Exclude<Given, { readonly command: 'webhook' }> | WebhookCommand;

/** What a client needs beside what it has been given. @throws UsageError */
const requireClient = (given: Command<'new'>): void => {
  const [isPlan, hasApp, hasKeys] = [
    given.exchangeNpi.length > 0,
    given.redirectUri.length > 0,
    given.jwks !== undefined,
  ];
  const isByIdentity = given.identityAudience.length > 0;
  const problems = [
    !hasApp &&
      !isPlan &&
      'Give --redirect-uri URI: where the app receives its codes; or --exchange-npi NPI for a plan that asks former plans',
    isPlan && !hasKeys && "Give --jwks FILE with --exchange-npi: a plan's system signs with a key of its own",
    isPlan &&
      !hasApp &&
      given.homePage === undefined &&
      'Give --home-page URL with --exchange-npi: without --redirect-uri it cannot be derived',
    given.public && hasKeys && 'Give --public or --jwks, not both',
    isByIdentity &&
      !hasKeys &&
      "Give --jwks FILE with --identity-audience: an app that presents its members' identity signs",
    isByIdentity !== (given.consentReason !== undefined) &&
      'Give --identity-audience ISSUER=AUDIENCE and --consent-reason TEXT together',
  ];
  const problem = problems.find((one) => one !== false);
  if (problem !== undefined) throw new UsageError(problem);
};

/** Reads the command line. @throws UsageError */
export const readFlags = (args: readonly string[]): PartnersCommand => {
  const command = readCommand(spec, args);
  if (command.command === 'new') requireClient(command);
  if (command.command === 'webhook') return webhookIn(command);
  if (command.command === 'replay' && [command.since, command.event, command.from].filter(Boolean).length !== 1)
    throw new UsageError('Give --since TIME, --event ID or --from FILE');
  return command;
};
