import { secretOwnerOf } from '../../functions/shared/registry/profile.ts';
import { readStage, stageFile, UsageError } from '../shared/command-line.ts';
import type { Output } from '../shared/output.ts';
import { checkPayers, learnPayer, payersOf, writeKeyPair } from './commands.ts';
import type { ExamineDeps } from './examine.ts';
import { help, readFlags, type PayersCommand } from './flags.ts';
import { runningLocalStage } from './local-stage.ts';
import { putSecret, restorePrevious, secretValue } from './put-secret.ts';
import { awsEndpoint, readSecretWith, stageSecretsClient } from './secrets-manager.ts';

/** What the tool is given from outside. */
export interface PayersToolDeps extends Omit<ExamineDeps, 'readSecret'> {
  readonly environment: NodeJS.ProcessEnv;
  readonly output: Output;
  /** Prompts for a secret, or reads it from stdin. */
  readonly askSecret: (question: string) => Promise<string>;
}

type Command<Name extends PayersCommand['command']> = Extract<PayersCommand, { readonly command: Name }>;

const learn = async ({ url, stage, origin, json }: Command<'learn'>, deps: PayersToolDeps): Promise<number> => {
  const config = await readStage(stage);
  const options = { config, file: stageFile(stage, config), origin: origin ?? config.origin, json };
  return learnPayer(deps, deps.output, options, url);
};

const check = async (command: Command<'check'>, deps: PayersToolDeps): Promise<number> => {
  const { target, stage } = command;
  const { environment, output, ...examineDeps } = deps;
  const written = await readStage(stage);
  const isLocal = stage.config === undefined && written.stage === 'local';
  const endpoint = awsEndpoint(written.stage, environment);
  const config = isLocal && endpoint !== undefined ? await runningLocalStage(deps.http, written, endpoint) : written;
  const options = {
    config,
    file: stageFile(stage, config),
    origin: command.origin ?? config.origin,
    json: command.json,
  };
  const readSecret = command.readsSecrets ? readSecretWith(stageSecretsClient(config, environment)) : undefined;
  return checkPayers({ ...examineDeps, readSecret }, output, options, target);
};

/** Puts a payer's secret, or restores the previous one. */
const writeSecret = async (
  { id, stage, previous, dryRun }: Command<'secret'>,
  { environment, output, askSecret }: PayersToolDeps,
): Promise<number> => {
  const config = await readStage(stage);
  if (config.stage === 'local') {
    throw new UsageError('npm start makes the secrets of stage local itself; name another stage');
  }
  const [payer] = payersOf(config, id);
  if (payer === undefined) throw new UsageError(`There is no payer ${id}`);
  const owner = secretOwnerOf(payer);
  if (owner === undefined)
    throw new UsageError(`${id} is a public client (clientAuthentication "none") and has no secret`);
  if (owner !== id) throw new UsageError(`${id} uses the secret of ${owner} (secretOf); name that payer`);
  const client = stageSecretsClient(config, environment);
  const name = `p2p/${config.stage}/payers/${payer.id}`;
  const done = previous
    ? await restorePrevious(client, name, { dryRun })
    : await putSecret(client, name, secretValue(await askSecret(`The secret of ${payer.displayName}: `), payer), {
        dryRun,
      });
  output.out(done);
  return 0;
};

/**
 * Checks payers, learns what one publishes, makes a key pair for one, or puts its secret into Secrets Manager.
 * @returns the exit code
 * @throws UsageError, Refusal, ConfigError
 */
export const payers = async (args: readonly string[], deps: PayersToolDeps): Promise<number> => {
  const command = readFlags(args);
  if (command === 'help') {
    deps.output.out(help);
    return 0;
  }
  if (command.command === 'check') return check(command, deps);
  if (command.command === 'learn') return learn(command, deps);
  return command.command === 'secret' ? writeSecret(command, deps) : writeKeyPair(deps.output, command);
};
