import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { answeringAws, ownKey } from './answering-aws.ts';

/**
 * The local stack's Secrets Manager, without a registry beside it.
 * @param names secrets that are there, still without a value
 */
export const fakeSecrets = async (names: readonly string[]) => {
  const aws = await answeringAws();
  for (const name of names) aws.secretsManager.setSecret(name, undefined);
  const client = new SecretsManagerClient({ endpoint: aws.url, region: 'us-east-1', credentials: ownKey });
  return {
    env: {
      AWS_ENDPOINT_URL: aws.url,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'operator',
      AWS_SECRET_ACCESS_KEY: 'none',
    },
    /** The calls to Secrets Manager, and with what. */
    sent: aws.sent,
    /** Makes every call of an operation fail with this error. */
    failWith: (operation: string, error: { readonly __type: string; readonly Message?: string }): void =>
      aws.answer(operation, error),
    /** What a function would read. */
    current: aws.secretsManager.currentValue,
    describe: async (name: string) => {
      const { Tags: tags = [], VersionIdsToStages: labels = {} } = await client.send(
        new DescribeSecretCommand({ SecretId: name }),
      );
      const version = (label: string) => Object.entries(labels).find(([, of]) => of.includes(label))?.[0];
      return { tags: Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value])), version };
    },
    close: async (): Promise<void> => {
      client.destroy();
      await aws.close();
    },
  };
};
