import type { StageConfig } from '../../config/stage.ts';
import {
  exchangeSecretDescription,
  exchangeSecretPrefix,
  payerSecretDescription,
  payerSecretPrefix,
  secretOwnerOf,
} from '../../functions/shared/registry/profile.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { requireAccount } from '../shared/caller.ts';
import { damagedEntry } from '../shared/damaged-entry.ts';
import { Refusal, UsageError } from '../shared/errors.ts';
import type { Output } from '../shared/output.ts';
import {
  missingTags,
  putSecret,
  readVersions,
  restorePrevious,
  type SecretPlace,
  type Versions,
} from '../shared/put-secret.ts';
import { stageSecretsClient } from '../shared/secrets-manager.ts';
import { readStage, stageFile } from '../shared/stage-flags.ts';
import { asFormerPlan, isAsked, tryExchangeSecret } from './exchange.ts';
import type { PayersCommand } from './flags.ts';
import { secretValue, type SecretValue } from './secret-value.ts';
import { payersOfStage } from './source.ts';
import { trySecret, type Tried, type TryDeps } from './try-secret.ts';

/** What the command is given from outside. */
export interface SecretDeps extends TryDeps {
  readonly environment: NodeJS.ProcessEnv;
  readonly output: Output;
  /** Prompts for a secret, or reads it from stdin. */
  readonly askSecret: (question: string) => Promise<string>;
}

type SecretCommand = Extract<PayersCommand, { readonly command: 'secret' }>;

/** An origin for the redirect URI of a stage whose origin is the API's own URL: no host has this name (RFC 6761 §6.4). */
const unknownOrigin = 'https://gateway.invalid';

/** @throws UsageError if the payer has no secret of its own, Refusal if its entry is damaged */
const payerWithSecret = async (
  config: StageConfig,
  command: SecretCommand,
  { environment, output }: SecretDeps,
): Promise<Payer> => {
  const { id } = command;
  const source = { config, file: stageFile(command, config), environment, id };
  const [found] = await payersOfStage(source, { evenIfUnreadable: false, note: output.note });
  const payer = found?.payer;
  if (payer === undefined) throw new Refusal(damagedEntry(id));
  if (command.exchange) {
    if (!isAsked(payer)) throw new UsageError(`${id} is not asked as a former plan: its entry has no exchange`);
    return payer;
  }
  const owner = secretOwnerOf(payer);
  if (owner === undefined)
    throw new UsageError(`${id} is a public client (clientAuthentication "none") and has no secret`);
  if (owner !== id) throw new UsageError(`${id} uses the secret of ${owner} (secretOf); name that payer`);
  return payer;
};

/** Which secret of a payer a command is about. */
const placeOf = ({ exchange }: SecretCommand, { stage }: StageConfig, payer: Payer) =>
  exchange && isAsked(payer)
    ? {
        name: `${exchangeSecretPrefix(stage)}${payer.id}`,
        description: exchangeSecretDescription(payer),
        client: asFormerPlan(payer),
        trial: (deps: TryDeps, secret: SecretValue['secret']) => tryExchangeSecret(deps, payer, secret),
      }
    : {
        name: `${payerSecretPrefix(stage)}${payer.id}`,
        description: payerSecretDescription(payer),
        client: payer,
        trial: (deps: TryDeps, secret: SecretValue['secret'], origin: string) => trySecret(deps, payer, secret, origin),
      };

/** @throws Refusal if the payer does not accept the secret, or does not say */
const requireAccepted = (payer: Payer, tried: Tried): void => {
  if (tried.result === 'accepted') return;
  throw new Refusal(
    tried.result === 'refused'
      ? `${payer.displayName} ${tried.detail}. Nothing was changed. Check the value and clientId; for a key, ask whether the ` +
          'payer has read our JWKS URL since.'
      : `It is not known whether ${payer.displayName} accepts it: the payer ${tried.detail}. Nothing was changed. Run again, ` +
          'or put it there without asking: --unchecked',
  );
};

const effect = 'Functions use it within five minutes, or at once if the payer refuses the old one.';

const before = (versions: Versions | undefined, config: StageConfig): string => {
  if (versions === undefined) return 'The secret would be made.';
  const tags = Object.keys(missingTags(config, versions));
  const value =
    versions.current === undefined ? 'It has no value yet.' : 'Its present value would become the previous one.';
  return tags.length === 0 ? value : `${value} It would get the tags ${tags.join(', ')}.`;
};

/**
 * Puts a payer's secret, once the payer accepts it, or restores the previous one.
 * @returns the exit code
 * @throws UsageError, Refusal
 */
export const writeSecret = async (command: SecretCommand, deps: SecretDeps): Promise<number> => {
  const { previous, unchecked, dryRun } = command;
  const { environment, output, askSecret } = deps;
  const config = await readStage(command);
  if (config.stage === 'local') {
    throw new UsageError('npm start makes the secrets of stage local itself; name another stage');
  }
  await requireAccount(config, environment, 'payers');
  const payer = await payerWithSecret(config, command, deps);
  const client = stageSecretsClient(config, environment);
  const about = placeOf(command, config, payer);
  const place: SecretPlace = { client, name: about.name };
  try {
    if (previous) {
      output.out(await restorePrevious(place, { dryRun }));
      return 0;
    }
    const versions = await readVersions(place);
    if (versions === undefined && config.payerSecrets === 'stack') {
      throw new Refusal(
        `${place.name} does not exist: the stack makes it (payerSecrets: "stack"). ` +
          `${config.payers.some(({ id }) => id === payer.id) ? 'Deploy' : `Write ${payer.id} into the stage's file, deploy`}, and run again.`,
      );
    }
    const { secret, what } = secretValue(await askSecret(`The secret of ${payer.displayName}: `), about.client);
    if (unchecked) output.note(`UNCHECKED: ${payer.displayName} was not asked whether it accepts this value.`);
    else requireAccepted(payer, await about.trial(deps, secret, command.origin ?? config.origin ?? unknownOrigin));
    const accepted = unchecked ? '' : ', which the payer accepts';
    if (dryRun) {
      output.out(`${place.name} would get ${what}${accepted}. ${before(versions, config)} Nothing was changed.`);
      return 0;
    }
    const untagged = await putSecret(place, JSON.stringify(secret), versions, {
      config,
      description: about.description,
    });
    output.out(`${place.name} now has ${what}${accepted}. ${effect}`);
    if (untagged !== undefined) output.note(untagged);
    return 0;
  } finally {
    client.destroy();
  }
};
