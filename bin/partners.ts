import { randomBytes } from 'node:crypto';
import { writeNewPartner, writeRotated, type Stage } from './partners/commands.ts';
import { readJwks } from './partners/new-partner.ts';
import { readArguments, readStage, runTool, stageFile, stageFlags, UsageError } from './shared/command-line.ts';
import { output } from './shared/output.ts';

const help = `npm run --silent partners -- new NAME --redirect-uri URI [flags]
npm run --silent partners -- rotate NAME-OR-CLIENT-ID [--leaked] [flags]

new          makes a client: a client id, a secret, and the entry for the stage's configuration.
rotate       makes a second secret for a partner that has one, and says in which order to go on. With --leaked it is
             the only one: the old hash comes out at once.

Neither writes a file. The secret alone goes to stdout, all else to stderr. It is shown once; the configuration holds
its hash.

  --redirect-uri URI   new: where the app gets its codes; repeat it for more
  --payer ID           new: a payer that it may read from; repeat it for more (default: all of the stage)
  --home-page URL      new: a page of the app's (default: the root of the first redirect URI's site)
  --public             new: an app that can keep no secret, in a browser or on a phone
  --jwks FILE          new: the partner's public keys, for private_key_jwt in place of a secret
  --leaked             rotate: the old secret is known to others, so it is refused from the next deployment on
  --stage NAME         a stage in config/ (default local)
  --config FILE        a stage's configuration, .ts or .json
  --help               this text

Ends with 0 if it is done, 1 if it cannot be done, 2 if the command was given wrongly.`;

const flagTypes = {
  ...stageFlags,
  'redirect-uri': { type: 'string', multiple: true },
  payer: { type: 'string', multiple: true },
  'home-page': { type: 'string' },
  public: { type: 'boolean' },
  jwks: { type: 'string' },
  leaked: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const readFlags = () => readArguments({ options: flagTypes, allowPositionals: true });
type Flags = ReturnType<typeof readFlags>['values'];

const stageOf = async (flags: Flags): Promise<Stage> => {
  const config = await readStage(flags);
  return { config, file: stageFile(flags, config) };
};

const create = async (flags: Flags, name: string): Promise<number> => {
  const redirectUris = flags['redirect-uri'] ?? [];
  if (redirectUris.length === 0) throw new UsageError('Give --redirect-uri URI: where the app gets its codes');
  if (flags.public === true && flags.jwks !== undefined) throw new UsageError('Give --public or --jwks, not both');
  return writeNewPartner(randomBytes, output, await stageOf(flags), {
    name,
    redirectUris,
    payers: flags.payer ?? [],
    homePage: flags['home-page'],
    isPublic: flags.public === true,
    jwks: flags.jwks === undefined ? undefined : await readJwks(flags.jwks),
  });
};

/** Flags of `new` that `rotate` would not heed. */
const onlyForNew = ['redirect-uri', 'payer', 'home-page', 'public', 'jwks'] as const;

const run = async (): Promise<number> => {
  const { values: flags, positionals } = readFlags();
  const [command, name, ...rest] = positionals;
  if (flags.help === true) {
    console.log(help);
    return 0;
  }
  if (command === undefined) throw new UsageError(help);
  if (command !== 'new' && command !== 'rotate') {
    throw new UsageError(`There is no command "${command}"; --help lists them`);
  }
  if (name === undefined || rest.length > 0) {
    throw new UsageError(`Give one name, in quotes where it has blanks: ${command} "Example Partner"`);
  }
  if (command === 'new') {
    if (flags.leaked === true) throw new UsageError('--leaked is for rotate, not for new');
    return create(flags, name);
  }
  const unheeded = onlyForNew.find((flag) => flags[flag] !== undefined);
  if (unheeded !== undefined) throw new UsageError(`--${unheeded} is for new, not for rotate`);
  const leaked = flags.leaked === true;
  return writeRotated(randomBytes, output, await stageOf(flags), { nameOrId: name, leaked });
};

await runTool(run);
