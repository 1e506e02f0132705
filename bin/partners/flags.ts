import {
  awsHelp,
  exitHelp,
  readArguments,
  refuseUnusedFlags,
  requireStage,
  stageFlags,
  UsageError,
  type StageFlags,
} from '../shared/command-line.ts';
import { requireReason } from '../shared/reason.ts';
import { webhookActionIn, webhookFlags, type ReplayCommand, type WebhookCommand } from './webhook-flags.ts';

export const help = `npm run --silent partners -- new NAME --redirect-uri URI [flags]
npm run --silent partners -- rotate NAME-OR-CLIENT-ID [--leaked] [flags]
npm run partners -- block NAME-OR-CLIENT-ID --reason TEXT --stage NAME [--dry-run]
npm run partners -- unblock NAME-OR-CLIENT-ID --reason TEXT --stage NAME [--dry-run]
npm run partners -- list --stage NAME [--blocked]
npm run --silent partners -- webhook NAME-OR-CLIENT-ID --stage NAME [--rotate [--leaked] | --finish] [--dry-run]
npm run partners -- webhook NAME-OR-CLIENT-ID --stage NAME --test | --enable [--dry-run]
npm run partners -- replay NAME-OR-CLIENT-ID --stage NAME --since TIME | --event ID [--dry-run]

new          makes a client: a client id, a secret, and the entry for the stage's configuration.
rotate       makes a second secret for a partner that has one, and lists the next steps. With --leaked it replaces the
             old one, whose hash has to be removed at once.
block        cuts a partner off within 30 seconds, without a deployment: sign-ins, token calls, reads, and reads that are
             under way. Its grants stay. No deployment and no apply ends a block.
unblock      ends a block. Blocking or unblocking twice is no error: the second says what is so already.
list         prints the partners in the registry, those that are blocked first, with who did it and why.
webhook      makes the secret that signs the partner's events. --rotate adds a second one, and --finish drops the older;
             with --leaked the new one replaces every other at once. --test sends a test event, and --enable ends what an
             answer of 410 began.
replay       sends events again: all that were given up since a time, or one, delivered or not.

new and rotate write no file. Only the secret goes to stdout, everything else to stderr. It is shown once; the
configuration holds its hash.

  --redirect-uri URI   new: where the app receives its codes; repeat it for more
  --payer ID           new: a payer that it may read from; repeat it for more (default: all of the stage's payers)
  --home-page URL      new: a page of the app (default: the root of the first redirect URI's site)
  --logo FILE          new: its logo for the page that asks members, .svg, .png or .webp, up to 6 KB
  --privacy URL        new: its privacy policy, which that page links to
  --public             new: an app that cannot keep a secret, in a browser or on a phone
  --jwks FILE          new: the partner's public keys, for private_key_jwt instead of a secret
  --leaked             webhook --rotate: others know the old secret, so it signs nothing any more;
                       rotate: others know the old secret, so it is refused once the file is applied
  --reason TEXT        block, unblock: why, for the audit; no health data and no member's name (up to 200 characters)
  --since TIME         replay: given up from then on, such as 3d, 2h or 2026-11-27T06:00Z (up to 30 days ago)
  --event ID           replay: this one, as in webhook-id
  --dry-run            block, unblock, webhook, replay: says what would happen, and changes nothing
  --blocked            list: only those that are blocked or out of order
  --stage NAME         a stage in config/ (default local for new and rotate; the others have no default)
  --config FILE        a stage's configuration, .ts or .json
  --help               this text

${awsHelp}
${exitHelp}`;

/** A block of a partner, or the end of one. */
export interface BlockCommand {
  readonly command: 'block' | 'unblock';
  readonly nameOrId: string;
  readonly reason: string;
  readonly dryRun: boolean;
  readonly stage: StageFlags;
}

/** What is to be done. */
export type PartnersCommand =
  | {
      readonly command: 'new';
      readonly name: string;
      readonly stage: StageFlags;
      readonly redirectUris: readonly string[];
      readonly payers: readonly string[];
      readonly homePage: string | undefined;
      readonly logoFile: string | undefined;
      readonly privacyPolicy: string | undefined;
      readonly isPublic: boolean;
      readonly jwksFile: string | undefined;
    }
  | { readonly command: 'rotate'; readonly nameOrId: string; readonly stage: StageFlags; readonly leaked: boolean }
  | BlockCommand
  | WebhookCommand
  | ReplayCommand
  | { readonly command: 'list'; readonly stage: StageFlags; readonly onlyBlocked: boolean };

const flags = {
  ...stageFlags,
  'redirect-uri': { type: 'string', multiple: true },
  payer: { type: 'string', multiple: true },
  'home-page': { type: 'string' },
  logo: { type: 'string' },
  privacy: { type: 'string' },
  public: { type: 'boolean' },
  jwks: { type: 'string' },
  leaked: { type: 'boolean' },
  reason: { type: 'string' },
  'dry-run': { type: 'boolean' },
  blocked: { type: 'boolean' },
  ...webhookFlags,
  help: { type: 'boolean' },
} as const;

/** The flags that each command uses. */
const used: Readonly<Record<PartnersCommand['command'], readonly (keyof typeof flags)[]>> = {
  new: ['stage', 'config', 'redirect-uri', 'payer', 'home-page', 'logo', 'privacy', 'public', 'jwks'],
  rotate: ['stage', 'config', 'leaked'],
  block: ['stage', 'config', 'reason', 'dry-run'],
  unblock: ['stage', 'config', 'reason', 'dry-run'],
  list: ['stage', 'config', 'blocked'],
  webhook: ['stage', 'config', 'rotate', 'leaked', 'finish', 'test', 'enable', 'dry-run'],
  replay: ['stage', 'config', 'since', 'event', 'dry-run'],
};

const commandIn = (word: string | undefined): PartnersCommand['command'] => {
  if (word !== undefined && Object.hasOwn(used, word)) return word as PartnersCommand['command'];
  throw new UsageError(word === undefined ? help : `There is no command "${word}"; --help lists the commands`);
};

const nameIn = (command: string, [name, ...rest]: readonly string[]): string => {
  if (name !== undefined && name !== '' && rest.length === 0) return name;
  throw new UsageError(`Give one name, in quotes if it has spaces: ${command} "Example Partner"`);
};

const readFlagValues = (args: readonly string[]) =>
  readArguments({ args: [...args], options: flags, allowPositionals: true });

type Values = ReturnType<typeof readFlagValues>['values'];

const newPartnerIn = (name: string, stage: StageFlags, values: Values): PartnersCommand => {
  const redirectUris = values['redirect-uri'] ?? [];
  if (redirectUris.length === 0) throw new UsageError('Give --redirect-uri URI: where the app receives its codes');
  const isPublic = values.public === true;
  if (isPublic && values.jwks !== undefined) throw new UsageError('Give --public or --jwks, not both');
  return {
    command: 'new',
    name,
    stage,
    redirectUris,
    payers: values.payer ?? [],
    homePage: values['home-page'],
    logoFile: values.logo,
    privacyPolicy: values.privacy,
    isPublic,
    jwksFile: values.jwks,
  };
};

/**
 * Reads the command line.
 * @returns `help` if that was asked for
 * @throws UsageError
 */
export const readFlags = (args: readonly string[]): PartnersCommand | 'help' => {
  const { values, positionals } = readFlagValues(args);
  if (values.help === true) return 'help';
  const [word, ...rest] = positionals;
  const command = commandIn(word);
  const stage = { stage: values.stage, config: values.config };
  if (command === 'list') {
    if (rest.length > 0) throw new UsageError(`Unexpected argument "${rest.join(' ')}"; list takes no name`);
    refuseUnusedFlags(command, values, used[command]);
    return { command, stage: requireStage(command, stage), onlyBlocked: values.blocked === true };
  }
  const name = nameIn(command, rest);
  refuseUnusedFlags(command, values, used[command]);
  if (command === 'new') return newPartnerIn(name, stage, values);
  if (command === 'rotate') return { command, nameOrId: name, stage, leaked: values.leaked === true };
  const dryRun = values['dry-run'] === true;
  if (command === 'webhook') {
    return { command, nameOrId: name, action: webhookActionIn(values), dryRun, stage: requireStage(command, stage) };
  }
  if (command === 'replay') {
    const { event, since } = values;
    if ((event === undefined) === (since === undefined)) throw new UsageError('Give --since TIME or --event ID');
    return { command, nameOrId: name, event, since, dryRun, stage: requireStage(command, stage) };
  }
  return {
    command,
    nameOrId: name,
    reason: requireReason(values.reason, `Give --reason TEXT: the audit records why a partner was ${command}ed`),
    dryRun,
    stage: requireStage(command, stage),
  };
};
