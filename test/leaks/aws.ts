import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Item } from '../../functions/shared/store/items.ts';
import { es384Jwk } from '../support/login.ts';
import type { MemoryDynamo } from '../support/memory-dynamo.ts';
import type { Garden } from './garden.ts';

/** Failures of AWS: which commands fail, and how. */
export interface Trouble {
  /** Whether this command, such as `UpdateItemCommand`, fails; its error then quotes everything it was sent. */
  dynamo: (command: string) => boolean;
  /** What Secrets Manager returns instead. */
  secretsManager: ((secretId: string) => { SecretString?: string } | Error) | undefined;
  /** Thrown when random bytes are drawn. */
  randomBytes: Error | undefined;
  registry: Error | undefined;
}

/** All is well. */
export const noTrouble: Readonly<Trouble> = {
  dynamo: () => false,
  secretsManager: undefined,
  randomBytes: undefined,
  registry: undefined,
};

const asText = (value: unknown, without: readonly string[] = []): string =>
  JSON.stringify(value, (name, member: unknown) =>
    without.includes(name) ? undefined : member instanceof Uint8Array ? Buffer.from(member).toString('base64') : member,
  );

/** A grant's link key is stored unsealed (docs/storage.md), in this attribute and nowhere else. */
const linkKeyNames = ['linkKey', ':linkKey'];

/** A DynamoDB client that records everything it is sent. */
export const shownClient = (dynamo: MemoryDynamo, garden: Garden, trouble: Trouble): DynamoDBClient => {
  const send = async (command: {
    constructor: { name: string };
    input: { TableName?: string; Item?: Item; ExpressionAttributeValues?: Item };
  }): Promise<unknown> => {
    const { input, constructor } = command;
    const salt = input.ExpressionAttributeValues?.[':rotationSalt']?.B;
    // The random bytes are followed by a hash of the requested scope, which is not secret.
    if (salt !== undefined) garden.note('rotation salt', salt.subarray(0, 32));
    const linkKey = (input.Item?.['linkKey'] ?? input.ExpressionAttributeValues?.[':linkKey'])?.B;
    const isGrant = input.TableName === 'Grants';
    if (isGrant && linkKey !== undefined) {
      garden.note('link key', linkKey);
      garden.see("a grant's link key", asText(linkKey));
    }
    const sent = asText(input);
    garden.see(
      input.TableName === 'AuditEvents' ? 'audit item' : 'write to a table',
      isGrant ? asText(input, linkKeyNames) : sent,
    );
    if (trouble.dynamo(constructor.name)) {
      const stored = asText([...dynamo.items('Grants').values()]);
      const message = `${garden.canary('AWS error')} ${sent} ${stored}`;
      throw Object.assign(new Error(message), {
        name: 'ValidationException',
        item: message,
        $response: { body: message },
      });
    }
    return (dynamo.client.send as unknown as (one: unknown) => Promise<unknown>)(command);
  };
  return Object.assign(Object.create(dynamo.client) as DynamoDBClient, { send });
};

/** The gateway's credentials at the payers: a key at one, a secret at the other. */
export const canarySecrets = (garden: Garden) => {
  const { privateJwk, publicJwk } = es384Jwk('northwind-local-1');
  garden.note('payer secret', String(privateJwk['d']));
  const secret = garden.canary('payer secret');
  return {
    publicJwk,
    secret,
    stored: { 'demo-health-plan': { client_secret: secret }, northwind: { private_key_jwk: privateJwk } },
  };
};

/** A Secrets Manager that returns these, or fails. */
export const secretsManager = (secrets: Readonly<Record<string, object>>, trouble: Trouble): SecretsManagerClient => {
  const send = async ({ input: { SecretId } }: { input: { SecretId: string } }): Promise<object> => {
    const answer = trouble.secretsManager?.(SecretId);
    if (answer instanceof Error) throw answer;
    return answer ?? { SecretString: JSON.stringify(secrets[SecretId]) };
  };
  return Object.assign(new SecretsManagerClient({ region: 'eu-central-1' }), { send });
};
