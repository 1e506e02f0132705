import { lookup } from 'node:dns/promises';
import { defaultPorts } from '../config/local.ts';
import { baseUrl } from '../config/rules.ts';
import { createPayerHttp } from '../functions/shared/payer/http-client.ts';
import { checkPayers, payersOf, proposePayer, writeKeyPair } from './payers/commands.ts';
import { connect } from './payers/connect.ts';
import type { ExamineDeps } from './payers/examine.ts';
import { runningLocalStage } from './payers/local-stage.ts';
import { putSecret, restorePrevious, secretValue } from './payers/put-secret.ts';
import { awsEndpoint, readSecretWith, stageSecretsClient } from './payers/secrets-manager.ts';
import { readSecret } from './shared/ask.ts';
import { readArguments, readStage, runTool, stageFile, stageFlags, UsageError } from './shared/command-line.ts';
import { output } from './shared/output.ts';

const help = `npm run payers -- check [ID | URL] [flags]
npm run --silent payers -- key [--rsa]
npm run payers -- secret ID [--previous] [--dry-run] [flags]

check        examines the stage's payers, or the one with this ID: names, TLS, endpoints, discovery, secret.
             Each line is a pass, or what to do. Nothing that is sent holds a credential.
check URL    reads what a payer publishes at its FHIR base URL or issuer, and writes the entry for its profile.
key          makes a key pair for private_key_jwt: what the secret holds goes to stdout, the public half to stderr.

secret       puts the secret that a payer gave, or the key that "key" printed, into Secrets Manager. It asks for it, or takes
             what is piped in; it is never an argument. --previous makes the value before the present one again.

  --stage NAME     a stage in config/ (default local, which npm start serves)
  --config FILE    a stage's configuration, .ts or .json
  --origin URL     the gateway's public origin, where it is the API's own URL
  --no-secrets     leaves Secrets Manager alone
  --json           writes JSON
  --previous       secret: the value before, in place of the present one
  --dry-run        secret: says what it would do, and does nothing
  --rsa            key: for RS384 in place of ES384
  --help           this text

AWS_ENDPOINT_URL names a stand-in for AWS (stage local: the one of npm start, port ${defaultPorts.aws}).
Exits with 0 if nothing is wrong, 1 if there is something to do, 2 if the command line is wrong.`;

const http = createPayerHttp();

const flagTypes = {
  ...stageFlags,
  origin: { type: 'string' },
  'no-secrets': { type: 'boolean' },
  json: { type: 'boolean' },
  rsa: { type: 'boolean' },
  previous: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const readFlags = () => readArguments({ options: flagTypes, allowPositionals: true });
type Flags = ReturnType<typeof readFlags>['values'];

/** It may have a path: the API's own URL has its stage's. */
const readOrigin = ({ origin }: Flags): string | undefined => {
  const problem = origin === undefined ? undefined : baseUrl(origin);
  if (problem !== undefined) throw new UsageError(`--origin ${problem}`);
  return origin;
};

const check = async (flags: Flags, target: string | undefined): Promise<number> => {
  const isUrl = target?.includes('://') === true;
  const written = await readStage(flags);
  const isLocal = flags.config === undefined && written.stage === 'local' && !isUrl;
  const endpoint = awsEndpoint(written.stage, process.env);
  const config = isLocal && endpoint !== undefined ? await runningLocalStage(http, written, endpoint) : written;
  const options = {
    config,
    file: stageFile(flags, config),
    origin: readOrigin(flags) ?? config.origin,
    json: flags.json === true,
  };
  if (isUrl && target !== undefined) return proposePayer({ http }, output, options, target);
  const deps: ExamineDeps = {
    http,
    connect,
    now: Date.now,
    lookup: async (hostname) => (await lookup(hostname, { all: true })).map(({ address }) => address),
    ...(flags['no-secrets'] === true ? {} : { readSecret: readSecretWith(stageSecretsClient(config, process.env)) }),
  };
  return checkPayers(deps, output, options, target);
};

/** Puts a payer's secret, or goes back to the one before. */
const writeSecret = async (flags: Flags, id: string | undefined): Promise<number> => {
  if (id === undefined) throw new UsageError('Give the payer: secret ID --stage NAME');
  if (flags.stage === undefined && flags.config === undefined)
    throw new UsageError('Give --stage NAME: no stage is meant');
  const config = await readStage(flags);
  if (config.stage === 'local')
    throw new UsageError('npm start makes the secrets of stage local itself; name another stage');
  const [payer] = payersOf(config, id);
  if (payer === undefined) throw new UsageError(`There is no payer ${id}`);
  const client = stageSecretsClient(config, process.env);
  const name = `p2p/${config.stage}/payers/${payer.id}`;
  const how = { dryRun: flags['dry-run'] === true };
  output.out(
    flags.previous === true
      ? await restorePrevious(client, name, how)
      : await putSecret(
          client,
          name,
          secretValue(await readSecret(`The secret of ${payer.displayName}: `), payer),
          how,
        ),
  );
  return 0;
};

/** Flags that only some commands heed. */
const heeded: Readonly<Record<string, readonly (keyof Flags)[]>> = {
  check: ['stage', 'config', 'origin', 'no-secrets', 'json'],
  key: ['rsa'],
  secret: ['stage', 'config', 'previous', 'dry-run'],
};

const requireHeeded = (command: string, flags: Flags): void => {
  const unheeded = (Object.keys(flags) as (keyof Flags)[]).find((flag) => heeded[command]?.includes(flag) === false);
  if (unheeded !== undefined) throw new UsageError(`--${unheeded} is not for ${command}; --help says what is`);
};

const run = (): Promise<number> | number => {
  const { values: flags, positionals } = readFlags();
  const [command, target, ...rest] = positionals;
  if (flags.help === true) {
    console.log(help);
    return 0;
  }
  if (rest.length > 0) throw new UsageError(`"${rest.join(' ')}" is too much; --help lists the commands`);
  requireHeeded(command ?? '', flags);
  if (command === 'secret') return writeSecret(flags, target);
  if (command === 'check') return check(flags, target);
  if (command === 'key' && target === undefined) return writeKeyPair(output, { rsa: flags.rsa === true });
  throw new UsageError(
    command === undefined ? help : `There is no command "${positionals.join(' ')}"; --help lists them`,
  );
};

await runTool(async () => run());
