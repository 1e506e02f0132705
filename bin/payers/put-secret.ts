import {
  DescribeSecretCommand,
  PutSecretValueCommand,
  UpdateSecretVersionStageCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { clientSecret } from '../../config/rules.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { Refusal } from '../shared/command-line.ts';
import { answerMs, withinMs } from './deadline.ts';
import { judgeSecret } from './secret.ts';
import { explain } from './secrets-manager.ts';

/** What Secrets Manager gets, and what is said of it: never any part of the secret but a key's `kid`. */
interface Value {
  readonly text: string;
  readonly what: string;
}

const parsed = (text: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
};

const keyValue = (given: string, payer: Payer): Value => {
  const value = parsed(given);
  if (value === undefined) {
    throw new Refusal(`${payer.id} signs with a key, and what was given is no JSON; give what "payers -- key" printed`);
  }
  const text = JSON.stringify('private_key_jwk' in value ? value : { private_key_jwk: value });
  const { text: said, todo } = judgeSecret('The key', { text }, payer);
  if (todo !== undefined) throw new Refusal(`${said}; ${todo}`);
  return { text, what: said.replace('The key: ', '') };
};

const clientSecretValue = (given: string, payer: Payer): Value => {
  if (parsed(given)?.['client_secret'] !== undefined) {
    throw new Refusal(`The secret of ${payer.id} was given as JSON; give the secret alone, JSON is made of it here`);
  }
  const wrong = clientSecret(given);
  if (wrong !== undefined) throw new Refusal(`The secret of ${payer.id} ${wrong}`);
  return { text: JSON.stringify({ client_secret: given }), what: `a client secret of ${given.length} characters` };
};

/**
 * What a payer's secret holds, of what a person gave.
 * @throws Refusal that does not quote it
 */
export const secretValue = (given: string, payer: Payer): Value =>
  payer.clientAuthentication === 'private_key_jwt' ? keyValue(given, payer) : clientSecretValue(given, payer);

/** Sends a command. @throws Refusal with what to do */
const send = async <T>(name: string, sending: Promise<T>): Promise<T> => {
  try {
    return await withinMs(answerMs, sending);
  } catch (error) {
    const { problem, todo } = explain(error);
    throw new Refusal(`${name} ${problem}; ${todo}`);
  }
};

/** Which version has which label; a secret that was never filled has none. */
const labelled = async (client: SecretsManagerClient, name: string): Promise<(label: string) => string | undefined> => {
  const { VersionIdsToStages: versions = {} } = await send(
    name,
    client.send(new DescribeSecretCommand({ SecretId: name })),
  );
  return (label) => Object.entries(versions).find(([, labels]) => labels.includes(label))?.[0];
};

/**
 * Puts a value into a payer's secret; the one before stays as AWSPREVIOUS.
 * @returns what was done, or would be, in a line
 * @throws Refusal where it is not there or may not be written
 */
export const putSecret = async (
  client: SecretsManagerClient,
  name: string,
  { text, what }: Value,
  { dryRun }: { readonly dryRun: boolean },
): Promise<string> => {
  const labels = await labelled(client, name);
  const before =
    labels('AWSCURRENT') === undefined ? 'It has no value yet.' : 'Its value now becomes the previous one.';
  if (dryRun) return `${name} would get ${what}. ${before} Nothing was changed.`;
  await send(name, client.send(new PutSecretValueCommand({ SecretId: name, SecretString: text })));
  return `${name} has ${what}. Functions use it within five minutes, or at once when the payer refuses the old one.`;
};

/**
 * Makes the value before the present one again: the two change places, so that a second call undoes the first.
 * @returns what was done, or would be, in a line
 * @throws Refusal where there is none
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
  if (dryRun) return `${name} would have version ${previous} again in place of ${current}. Nothing was changed.`;
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
  return `${name} has its previous value again (version ${previous}). The same command goes back to ${current}.`;
};
