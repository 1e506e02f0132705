import {
  exitHelp,
  readArguments,
  refuseUnusedFlags,
  stageFlags,
  UsageError,
  type StageFlags,
} from '../shared/command-line.ts';

export const help = `npm run --silent partners -- new NAME --redirect-uri URI [flags]
npm run --silent partners -- rotate NAME-OR-CLIENT-ID [--leaked] [flags]

new          makes a client: a client id, a secret, and the entry for the stage's configuration.
rotate       makes a second secret for a partner that has one, and lists the next steps. With --leaked it replaces the
             old one, whose hash has to be removed at once.

Neither writes a file. Only the secret goes to stdout, everything else to stderr. It is shown once; the configuration
holds its hash.

  --redirect-uri URI   new: where the app receives its codes; repeat it for more
  --payer ID           new: a payer that it may read from; repeat it for more (default: all of the stage's payers)
  --home-page URL      new: a page of the app (default: the root of the first redirect URI's site)
  --public             new: an app that cannot keep a secret, in a browser or on a phone
  --jwks FILE          new: the partner's public keys, for private_key_jwt instead of a secret
  --leaked             rotate: others know the old secret, so it is refused from the next deployment on
  --stage NAME         a stage in config/ (default local)
  --config FILE        a stage's configuration, .ts or .json
  --help               this text

${exitHelp}`;

/** What is to be done. */
export type PartnersCommand =
  | {
      readonly command: 'new';
      readonly name: string;
      readonly stage: StageFlags;
      readonly redirectUris: readonly string[];
      readonly payers: readonly string[];
      readonly homePage: string | undefined;
      readonly isPublic: boolean;
      readonly jwksFile: string | undefined;
    }
  | { readonly command: 'rotate'; readonly nameOrId: string; readonly stage: StageFlags; readonly leaked: boolean };

const flags = {
  ...stageFlags,
  'redirect-uri': { type: 'string', multiple: true },
  payer: { type: 'string', multiple: true },
  'home-page': { type: 'string' },
  public: { type: 'boolean' },
  jwks: { type: 'string' },
  leaked: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const commandIn = (word: string | undefined): PartnersCommand['command'] => {
  if (word === 'new' || word === 'rotate') return word;
  throw new UsageError(word === undefined ? help : `There is no command "${word}"; --help lists the commands`);
};

/** The flags that each command uses. */
const used: Readonly<Record<PartnersCommand['command'], readonly (keyof typeof flags)[]>> = {
  new: ['stage', 'config', 'redirect-uri', 'payer', 'home-page', 'public', 'jwks'],
  rotate: ['stage', 'config', 'leaked'],
};

/**
 * Reads the command line.
 * @returns `help` if that was asked for
 * @throws UsageError
 */
export const readFlags = (args: readonly string[]): PartnersCommand | 'help' => {
  const { values, positionals } = readArguments({ args: [...args], options: flags, allowPositionals: true });
  if (values.help === true) return 'help';
  const [word, name, ...rest] = positionals;
  const command = commandIn(word);
  if (name === undefined || rest.length > 0) {
    throw new UsageError(`Give one name, in quotes if it has spaces: ${command} "Example Partner"`);
  }
  const stage = { stage: values.stage, config: values.config };
  refuseUnusedFlags(command, values, used[command]);
  if (command === 'rotate') return { command, nameOrId: name, stage, leaked: values.leaked === true };
  const redirectUris = values['redirect-uri'] ?? [];
  if (redirectUris.length === 0) throw new UsageError('Give --redirect-uri URI: where the app receives its codes');
  const isPublic = values.public === true;
  if (isPublic && values.jwks !== undefined) throw new UsageError('Give --public or --jwks, not both');
  return {
    command,
    name,
    stage,
    redirectUris,
    payers: values.payer ?? [],
    homePage: values['home-page'],
    isPublic,
    jwksFile: values.jwks,
  };
};
