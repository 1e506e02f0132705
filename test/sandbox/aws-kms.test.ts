/* `aws-contract.test.ts` tests what KMS does with a request. */
import { randomBytes } from 'node:crypto';
import {
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { KMSClient, ListKeysCommand } from '@aws-sdk/client-kms';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { openInJob, sealForJob } from '../../functions/shared/exports/seal-for-job.ts';
import { startAws, type LocalAws } from '../../sandbox/aws/aws.ts';

const KeyId = 'arn:aws:kms:us-east-1:000000000000:key/exports';
let aws: LocalAws;
let kms: KMSClient;

beforeAll(async () => {
  aws = await startAws(0);
  aws.kms.createKey(KeyId);
  kms = new KMSClient({
    endpoint: aws.url,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'fetch', secretAccessKey: 'local' },
  });
});
afterAll(async () => {
  kms.destroy();
  await aws.close();
});

it('what the kick-off seals opens in the job of that export only, and calls are recorded with their context', async () => {
  aws.log.clear();
  const box = await sealForJob(kms, KeyId, randomBytes)('an-export', 'payer token', Buffer.from('token'));
  const open = openInJob(kms, KeyId);
  expect(String(await open('an-export', 'payer token', box))).toBe('token');
  await expect(open('another', 'payer token', box)).rejects.toMatchObject({ code: 'temporarily_unavailable' });
  const context = { export: 'an-export' };
  expect(aws.log.calls().slice(0, 2)).toEqual([
    { function: 'fetch', action: 'kms:GenerateDataKey', resource: KeyId, context },
    { function: 'fetch', action: 'kms:Decrypt', resource: KeyId, context },
  ]);
});

it('the embedded KMS disables no key that it does not have, and serves nothing that no function or tool asks', async () => {
  expect(() => aws.kms.disable(`${KeyId}-none`)).toThrow('no KMS key');
  expect(aws.kms.isEnabled(KeyId)).toBe(true);
  await expect(kms.send(new ListKeysCommand({}))).rejects.toThrow();
});

/*
 * Secrets Manager: https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html. DynamoDB names no error of its own;
 * it answers so where it may not use a key
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html).
 */
describe('while a key is disabled', () => {
  const alias = 'alias/p2p-local-data';
  const keyArn = `${KeyId}-of-data`;
  const sealed = {
    name: 'sealed',
    physicalName: 'Sealed1',
    keySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    attributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
  } as const;
  const plain = { ...sealed, name: 'plain', physicalName: 'Plain1' };
  const id = { S: 'a' };
  let dynamo: DynamoDBClient;
  let secrets: SecretsManagerClient;
  const put = (TableName: string) => dynamo.send(new PutItemCommand({ TableName, Item: { id } }));
  const make = (Name: string, KmsKeyId?: string) =>
    secrets.send(new CreateSecretCommand({ Name, KmsKeyId, SecretString: 'value' }));
  const read = (SecretId: string) => secrets.send(new GetSecretValueCommand({ SecretId }));

  beforeAll(async () => {
    aws.kms.createKey(keyArn, [alias]);
    await aws.dynamoDb.createTables([{ ...sealed, keyArn }, plain], () => undefined);
    const settings = {
      endpoint: aws.url,
      region: 'us-east-1',
      maxAttempts: 1,
      credentials: { accessKeyId: 'token', secretAccessKey: 'local' },
    };
    dynamo = new DynamoDBClient(settings);
    secrets = new SecretsManagerClient(settings);
    for (const table of ['Sealed1', 'Plain1']) await put(table);
    await make('sealed', alias);
    await make('plain');
    aws.secretsManager.setSecret('of-the-stack', 'value', keyArn);
    aws.kms.disable(keyArn);
  });
  afterAll(() => {
    for (const client of [dynamo, secrets]) client.destroy();
  });

  it('DynamoDB neither reads nor writes items of its tables, and describes them', async () => {
    const TableName = 'Sealed1';
    const refused = { name: 'AccessDeniedException', message: `KMS key access denied error: ${keyArn} is disabled.` };
    await expect(put(TableName)).rejects.toMatchObject(refused);
    await expect(dynamo.send(new GetItemCommand({ TableName, Key: { id } }))).rejects.toMatchObject(refused);
    await expect(dynamo.send(new ScanCommand({ TableName }))).rejects.toMatchObject(refused);
    expect((await dynamo.send(new DescribeTableCommand({ TableName }))).Table?.TableName).toBe(TableName);
    await put('Plain1');
  });

  it('Secrets Manager neither reads nor writes values of its secrets, and describes them', async () => {
    for (const SecretId of ['sealed', 'of-the-stack']) {
      await expect(read(SecretId)).rejects.toMatchObject({ name: 'DecryptionFailure' });
      const write = secrets.send(new PutSecretValueCommand({ SecretId, SecretString: 'other' }));
      await expect(write).rejects.toMatchObject({ name: 'EncryptionFailure' });
      expect((await secrets.send(new DescribeSecretCommand({ SecretId }))).Name).toBe(SecretId);
    }
    await expect(make('another', alias)).rejects.toMatchObject({ name: 'EncryptionFailure' });
    expect((await read('plain')).SecretString).toBe('value');
  });

  it('nothing is lost: all is there once it is enabled', async () => {
    aws.kms.enable(keyArn);
    const { Item } = await dynamo.send(new GetItemCommand({ TableName: 'Sealed1', Key: { id } }));
    expect(Item).toEqual({ id });
    expect((await read('sealed')).SecretString).toBe('value');
    await expect(read('another')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});
