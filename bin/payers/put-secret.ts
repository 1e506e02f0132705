import {
  DescribeSecretCommand,
  PutSecretValueCommand,
  UpdateSecretVersionStageCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { clientSecret } from '../../config/rules.ts';
import { parseObject } from '../../functions/shared/json-object.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { Refusal } from '../shared/command-line.ts';
import { answerMs, withinMs } from './deadline.ts';
import { judgeSecret } from './secret.ts';
import { explainSecretsFailure } from './secrets-manager.ts';

/** The value for Secrets Manager, and how messages call it: they quote no part of the secret but a key's `kid`. */
interface Value {
  readonly text: string;
  readonly what: string;
}

const keyValue = (given: string, payer: Payer): Value => {
  const value = parseObject(given);
  if (value === undefined) {
    throw new Refusal(
      `The gateway signs with a key at ${payer.id}, but what was given is not a JSON object; give what "payers -- key" printed`,
    );
  }
  const text = JSON.stringify('private_key_jwk' in value ? value : { private_key_jwk: value });
  const { text: said, todo } = judgeSecret('The key', { text }, payer);
  if (todo !== undefined) throw new Refusal(`${said}; ${todo}`);
  return { text, what: said.replace('The key: ', '') };
};

const clientSecretValue = (given: string, payer: Payer): Value => {
  if (parseObject(given)?.['client_secret'] !== undefined) {
    throw new Refusal(`The secret of ${payer.id} was given as JSON; give only the secret, the tool makes the JSON`);
  }
  const wrong = clientSecret(given);
  if (wrong !== undefined) throw new Refusal(`The secret of ${payer.id} ${wrong}`);
  return { text: JSON.stringify({ client_secret: given }), what: `a client secret of ${given.length} characters` };
};

/**
 * Makes the value of a payer's secret from what a person gave.
 * @throws Refusal, which does not quote it
 */
export const secretValue = (given: string, payer: Payer): Value =>
  payer.clientAuthentication === 'private_key_jwt' ? keyValue(given, payer) : clientSecretValue(given, payer);

/** Sends a command. @throws Refusal that says what to do */
const send = async <T>(name: string, sending: Promise<T>): Promise<T> => {
  try {
    return await withinMs(answerMs, sending);
  } catch (error) {
    const { problem, todo } = explainSecretsFailure(error);
    throw new Refusal(`${name} ${problem}; ${todo}`);
  }
};

/** Reads which version has which label; a secret that was never filled has none. */
const labelled = async (client: SecretsManagerClient, name: string): Promise<(label: string) => string | undefined> => {
  const { VersionIdsToStages: versions = {} } = await send(
    name,
    client.send(new DescribeSecretCommand({ SecretId: name })),
  );
  return (label) => Object.entries(versions).find(([, labels]) => labels.includes(label))?.[0];
};

/**
 * Puts a value into a payer's secret; the old value stays as AWSPREVIOUS.
 * @returns one line: what was done, or would be
 * @throws Refusal if the secret does not exist or may not be written
 */
export const putSecret = async (
  client: SecretsManagerClient,
  name: string,
  { text, what }: Value,
  { dryRun }: { readonly dryRun: boolean },
): Promise<string> => {
  const labels = await labelled(client, name);
  const before =
    labels('AWSCURRENT') === undefined ? 'It has no value yet.' : 'Its present value would become the previous one.';
  if (dryRun) return `${name} would get ${what}. ${before} Nothing was changed.`;
  await send(name, client.send(new PutSecretValueCommand({ SecretId: name, SecretString: text })));
  return `${name} now has ${what}. Functions use it within five minutes, or at once if the payer refuses the old one.`;
};

/**
 * Restores the previous value: it trades places with the present one, so a second call undoes the first.
 * @returns one line: what was done, or would be
 * @throws Refusal if there is none
 */
export const restorePrevious = async (
  client: SecretsManagerClient,
  name: string,
  { dryRun }: { readonly dryRun: boolean },
): Promise<string> => {
  const labels = await labelled(client, name);
  const [current, previous] = [labels('AWSCURRENT'), labels('AWSPREVIOUS')];
  if (current === undefined || previous === undefined) {
    throw new Refusal(`${name} has no previous value to go back to`);
  }
  if (dryRun) return `${name} would have version ${previous} again instead of ${current}. Nothing was changed.`;
  await send(
    name,
    client.send(
      new UpdateSecretVersionStageCommand({
        SecretId: name,
        VersionStage: 'AWSCURRENT',
        MoveToVersionId: previous,
        RemoveFromVersionId: current,
      }),
    ),
  );
  return `${name} has its previous value again (version ${previous}). Run the same command to go back to ${current}.`;
};
