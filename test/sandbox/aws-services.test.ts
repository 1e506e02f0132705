import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand, ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { startDynamoDb } from '../../sandbox/aws/dynamodb.ts';
import { startSecretsManager } from '../../sandbox/aws/secrets-manager.ts';

const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
const region = 'us-east-1';

describe('the embedded DynamoDB', () => {
  it('has the tables of the template, ready at once', async () => {
    const dynamoDb = await startDynamoDb();
    try {
      const keySchema = [{ AttributeName: 'grantId', KeyType: 'HASH' }] as const;
      const attributeDefinitions = [{ AttributeName: 'grantId', AttributeType: 'S' }] as const;
      await dynamoDb.createTables([{ name: 'grants', physicalName: 'Grants1', keySchema, attributeDefinitions }]);
      const client = new DynamoDBClient({ endpoint: dynamoDb.endpoint, region, credentials });
      const { Table } = await client.send(new DescribeTableCommand({ TableName: 'Grants1' }));
      client.destroy();
      expect(Table).toMatchObject({ TableStatus: 'ACTIVE', KeySchema: keySchema });
    } finally {
      await dynamoDb.close();
    }
  });
});

describe('the embedded Secrets Manager', () => {
  let secrets: Awaited<ReturnType<typeof startSecretsManager>>;
  let client: SecretsManagerClient;
  const read = () => client.send(new GetSecretValueCommand({ SecretId: 'p2p/local/payers/empty' }));

  beforeAll(async () => {
    secrets = await startSecretsManager();
    client = new SecretsManagerClient({ endpoint: secrets.endpoint, region, credentials });
  });

  afterAll(async () => {
    client.destroy();
    await secrets.close();
  });

  it('gives a secret by name and by ARN', async () => {
    secrets.setSecret('p2p/local/payers/x-y', '{"client_secret":"s"}');
    const byName = await client.send(new GetSecretValueCommand({ SecretId: 'p2p/local/payers/x-y' }));
    const byArn = await client.send(new GetSecretValueCommand({ SecretId: byName.ARN }));
    expect(byName.SecretString).toBe('{"client_secret":"s"}');
    expect(byArn.SecretString).toBe(byName.SecretString);
  });

  it('answers as AWS does for a secret that nobody has filled, or that was emptied', async () => {
    await expect(read()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    secrets.setSecret('p2p/local/payers/empty', 'value');
    await expect(read()).resolves.toMatchObject({ SecretString: 'value' });
    secrets.setSecret('p2p/local/payers/empty', undefined);
    await expect(read()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  it('refuses what the functions have no right to', async () => {
    await expect(client.send(new ListSecretsCommand({}))).rejects.toMatchObject({ name: 'InvalidRequestException' });
  });
});
