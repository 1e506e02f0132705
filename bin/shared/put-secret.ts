import {
  CreateSecretCommand,
  DescribeSecretCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  TagResourceCommand,
  UpdateSecretVersionStageCommand,
  type SecretsManagerClient,
  type Tag,
} from '@aws-sdk/client-secrets-manager';
import { stageTags } from '../../config/account/stage-tags.ts';
import type { StageConfig } from '../../config/stage.ts';
import { causeOf } from '../../functions/shared/errors.ts';
import { answerMs, withinMs } from './deadline.ts';
import { Refusal } from './errors.ts';
import { explainSecretsFailure } from './secrets-manager.ts';

/** A secret in Secrets Manager. */
export interface SecretPlace {
  readonly client: SecretsManagerClient;
  readonly name: string;
}

/** A secret's settings besides its value. */
export interface SecretSettings {
  readonly config: Pick<StageConfig, 'stage' | 'tags'>;
  readonly description: string;
}

/** Which version is in use, and which was before. */
export interface Versions {
  readonly current: string | undefined;
  readonly previous: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

/** Sends a command. @throws Refusal that says what to do */
const send = async <T>(name: string, sending: Promise<T>): Promise<T> => {
  try {
    return await withinMs(answerMs, sending);
  } catch (error) {
    const { problem, todo } = explainSecretsFailure(error, 'write');
    throw new Refusal(`${name} ${problem}; ${todo}`);
  }
};

/**
 * Reads which versions a secret has.
 * @returns undefined if there is no such secret
 * @throws Refusal if it cannot be used
 */
export const readVersions = async ({ client, name }: SecretPlace): Promise<Versions | undefined> => {
  const described = client.send(new DescribeSecretCommand({ SecretId: name })).catch((error: unknown) => {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  });
  const secret = await send(name, described);
  if (secret === undefined) return undefined;
  if (secret.DeletedDate !== undefined) {
    throw new Refusal(
      `${name} is about to be deleted; keep it with: aws secretsmanager restore-secret --secret-id ${name}`,
    );
  }
  const versions = Object.entries(secret.VersionIdsToStages ?? {});
  const versionOf = (label: string) => versions.find(([, labels]) => labels.includes(label))?.[0];
  const tags = Object.fromEntries((secret.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
  return { current: versionOf('AWSCURRENT'), previous: versionOf('AWSPREVIOUS'), tags };
};

const asTags = (tags: Readonly<Record<string, string>>): Tag[] =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

/** The stage's tags that a secret lacks. */
export const missingTags = (
  config: SecretSettings['config'],
  { tags: present }: Pick<Versions, 'tags'>,
): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(stageTags(config)).filter(([key, value]) => present[key] !== value));

/**
 * Gives a secret the stage's tags. A tag that the stage no longer has stays: someone else may have set it. A failure does
 * not undo the value, which members wait for.
 * @returns a line about a failure, with what to do
 */
const addTags = async (
  { client, name }: SecretPlace,
  versions: Versions,
  { config }: Pick<SecretSettings, 'config'>,
): Promise<string | undefined> => {
  const missing = missingTags(config, versions);
  const keys = Object.keys(missing);
  if (keys.length === 0) return undefined;
  try {
    await withinMs(answerMs, client.send(new TagResourceCommand({ SecretId: name, Tags: asTags(missing) })));
    return undefined;
  } catch (error) {
    return (
      `${name} did not get its tags ${keys.join(', ')} (${causeOf(error)}). Its value is in place. With ` +
      `secretsmanager:TagResource: aws secretsmanager tag-resource --secret-id ${name} --tags '${JSON.stringify(asTags(missing))}'`
    );
  }
};

/**
 * Makes a value the current one, and the secret first if there is none. It is one call, so that nothing is ever half
 * done; the value was checked before, since a secret's first version becomes the current one whatever its labels
 * (https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html).
 * @param seen what the secret had when the value was checked
 * @returns a line for a person, if the secret could not get the stage's tags
 * @throws Refusal if someone else changed it since, or it may not be written
 */
export const putSecret = async (
  place: SecretPlace,
  text: string,
  seen: Versions | undefined,
  settings: SecretSettings,
): Promise<string | undefined> => {
  const { client, name } = place;
  const now = await readVersions(place);
  if (now?.current !== seen?.current) {
    throw new Refusal(`${name} was changed by someone else in the meantime. Nothing was changed; run again.`);
  }
  if (now !== undefined) {
    await send(name, client.send(new PutSecretValueCommand({ SecretId: name, SecretString: text })));
    return addTags(place, now, settings);
  }
  const create = new CreateSecretCommand({
    Name: name,
    Description: settings.description,
    KmsKeyId: `alias/p2p-${settings.config.stage}-data`,
    SecretString: text,
    Tags: asTags(stageTags(settings.config)),
  });
  await send(name, client.send(create));
  return undefined;
};

/**
 * Restores the previous value: it trades places with the present one, so a second call undoes the first. It leaves tags
 * as they are.
 * @returns one line: what was done, or would be
 * @throws Refusal if there is none
 */
export const restorePrevious = async (
  place: SecretPlace,
  { dryRun }: { readonly dryRun: boolean },
): Promise<string> => {
  const { client, name } = place;
  const { current, previous } = (await readVersions(place)) ?? {};
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
