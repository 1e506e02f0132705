import { everywhereSeconds } from '../../functions/shared/registry/everywhere.ts';
import { readCommand, type Read } from '../shared/command-line.ts';
import { recorded } from '../shared/reason.ts';
import { dryRun, exactlyOne, goesWith, noName, notBoth, oneWord, texts, type Rule, type Spec } from '../shared/spec.ts';
import { neededStage, stageFlags } from '../shared/stage-flags.ts';

const aName = oneWord((command) => `Give one name, in quotes if it has spaces: ${command} "Example Partner"`);

const hasUse: Rule = (given) =>
  given.has('redirect-uri') || given.has('exchange-npi')
    ? undefined
    : 'Give --redirect-uri URI: where the app receives its codes; or --exchange-npi NPI for a plan that asks former plans';
const hasPage: Rule = (given) =>
  given.has('redirect-uri') || given.has('home-page')
    ? undefined
    : 'Give --home-page URL with --exchange-npi: without --redirect-uri it cannot be derived';

export const spec = {
  call: 'npm run partners --',
  about: `Makes a partner's client and its secrets, cuts it off, and sends it its events. No file is written. Of new, rotate and
webhook only the secret goes to stdout, everything else to stderr. It is shown once.`,
  words: { nameOrId: aName },
  ...neededStage,
  commands: {
    'new NAME --redirect-uri URI [flags]': {
      or: 'NAME --exchange-npi NPI --jwks FILE --home-page URL [flags]',
      does: "makes a client: a client id, a secret, and the entry for the stage's configuration.",
      silent: true,
      words: { name: aName },
      rules: [
        hasUse,
        goesWith('--exchange-npi', '--jwks FILE', "a plan's system signs with a key of its own"),
        hasPage,
        notBoth('--public', '--jwks'),
        goesWith('--identity-audience', '--jwks FILE', "an app that presents its members' identity signs"),
        goesWith('--identity-audience', '--consent-reason TEXT'),
        goesWith('--consent-reason', '--identity-audience ISSUER=AUDIENCE'),
      ],
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
      silent: true,
      '--leaked': 'others know the old secret, so it is refused once the file is applied',
      ...stageFlags,
    },
    'block NAME-OR-CLIENT-ID --reason TEXT --stage NAME [--dry-run]': {
      changes: `cuts a partner off within ${everywhereSeconds} seconds, without a deployment: sign-ins, token calls, reads, and reads that are
        under way. Its grants stay. Neither a deployment nor an apply ends a block.`,
      ...recorded,
    },
    'unblock NAME-OR-CLIENT-ID --reason TEXT --stage NAME [--dry-run]': {
      changes: 'ends a block. Blocking or unblocking twice is no error: the second says what is so already.',
      ...recorded,
    },
    'list --stage NAME [--blocked]': {
      does: 'prints the partners in the registry, those that are blocked first, with who did it and why.',
      words: noName,
      '--blocked': 'only those that are blocked or damaged',
    },
    'webhook NAME-OR-CLIENT-ID --stage NAME [--rotate [--leaked] | --finish] [--dry-run]': {
      or: 'NAME-OR-CLIENT-ID --stage NAME --test | --enable [--dry-run]',
      changes: `makes the secret that signs the partner's events, and writes it to stdout.`,
      silent: true,
      rules: [notBoth('--rotate', '--finish', '--test', '--enable'), goesWith('--leaked', '--rotate')],
      '--rotate': 'makes a second secret beside the first',
      '--leaked': 'with --rotate: the new secret replaces every other at once, since others know the old one',
      '--finish': 'drops the older of two secrets',
      '--test': 'sends a test event',
      '--enable': 'ends what an answer of 410 began',
      ...dryRun,
    },
    'replay NAME-OR-CLIENT-ID --stage NAME --since TIME | --event ID | --from FILE [--dry-run]': {
      changes:
        'sends events again: all that were given up since a time, one, delivered or not, or those that never began.',
      rules: [exactlyOne('--since TIME', '--event ID', '--from FILE')],
      '--since TIME': 'given up from then on, such as 3d, 2h or 2026-11-27T06:00Z (up to 30 days ago)',
      '--event ID': 'this one, as in webhook-id',
      '--from FILE': 'the events in it that this partner did not get, as given_up in docs/operate.sh writes them',
      ...dryRun,
    },
  },
  rows: {
    'new NAME, rotate NAME': "makes a partner's client, or its second secret",
    'block NAME, unblock NAME, list': `blocks a partner within ${everywhereSeconds} seconds; unblocks it; lists partners`,
    'webhook NAME, replay NAME': "makes and rotates the secret of a partner's events; sends events again",
  },
} as const satisfies Spec;

type Given = Read<typeof spec>;
export type ReplayCommand = Extract<Given, { readonly command: 'replay' }>;
export type WebhookCommand = Extract<ReturnType<typeof readFlags>, { readonly command: 'webhook' }>;

/** @throws UsageError */
export const readFlags = (args: readonly string[]) => {
  const given: Given = readCommand(spec, args);
  if (given.command !== 'webhook') return given;
  const { rotate, leaked, finish, test, enable } = given;
  const of = { replace: leaked, rotate, finish, test, enable };
  const action = (Object.keys(of) as (keyof typeof of)[]).find((name) => of[name]) ?? ('make' as const);
  return { ...given, action };
};
