import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  TagResourceCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { startAws, type LocalAws } from '../../sandbox/aws/aws.ts';
import { startAwsEndpoint } from '../../sandbox/aws/endpoint.ts';

const clientOptions = (aws: LocalAws, accessKeyId = 'local') => ({
  endpoint: aws.url,
  region: 'us-east-1',
  credentials: { accessKeyId, secretAccessKey: 'local' },
});
const keySchema = [{ AttributeName: 'grantId', KeyType: 'HASH' }] as const;
const attributeDefinitions = [{ AttributeName: 'grantId', AttributeType: 'S' }] as const;

let aws: LocalAws;
beforeAll(async () => {
  aws = await startAws(0);
  await aws.dynamoDb.createTables(
    [{ name: 'grants', physicalName: 'Grants1', keySchema, attributeDefinitions }],
    () => {},
  );
});
afterAll(() => aws.close());

describe('the endpoint', () => {
  it('knows which function made which call, by its access key', async () => {
    const dynamo = new DynamoDBClient(clientOptions(aws, 'fetch'));
    const secrets = new SecretsManagerClient(clientOptions(aws, 'token'));
    aws.secretsManager.setSecret('p2p/local/payers/called', 'value');
    aws.log.clear();

    await dynamo.send(new GetItemCommand({ TableName: 'Grants1', Key: { grantId: { S: 'x' } } }));
    const { ARN } = await secrets.send(new GetSecretValueCommand({ SecretId: 'p2p/local/payers/called' }));
    await secrets.send(new GetSecretValueCommand({ SecretId: ARN }));
    dynamo.destroy();
    secrets.destroy();

    const secretCall = {
      function: 'token',
      action: 'secretsmanager:GetSecretValue',
      resource: 'p2p/local/payers/called',
    };
    expect(aws.log.calls()).toEqual([
      { function: 'fetch', action: 'dynamodb:GetItem', resource: 'Grants1' },
      secretCall,
      secretCall,
    ]);
    aws.log.clear();
    expect(aws.log.calls()).toEqual([]);
  });

  it('refuses an unknown service, and says so', async () => {
    const headers = { 'x-amz-target': 'AmazonSQS.SendMessage', 'content-type': 'application/x-amz-json-1.1' };
    const answer = await fetch(aws.url, { method: 'POST', headers, body: '{}' });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      __type: 'UnknownOperationException',
      message: 'The local stack has no AmazonSQS.SendMessage',
    });
  });
});

it('the endpoint answers 500 if a service throws, and keeps running', async () => {
  const broken = () => {
    throw new Error('a defect');
  };
  const services = { dynamoDb: broken, secretsManager: broken, s3: broken, logs: broken, kms: broken, lambda: broken };
  const endpoint = await startAwsEndpoint(0, services);
  try {
    for (const target of ['DynamoDB_20120810.GetItem', 'secretsmanager.GetSecretValue']) {
      const answer = await fetch(endpoint.url, { method: 'POST', headers: { 'x-amz-target': target }, body: '{}' });
      expect(answer.status).toBe(500);
      expect(await answer.json()).toMatchObject({ __type: 'InternalFailure', message: 'Error: a defect' });
    }
  } finally {
    await endpoint.close();
  }
});

describe('the embedded STS', () => {
  const identify = (accessKeyId: string) => {
    const client = new STSClient(clientOptions(aws, accessKeyId));
    return client.send(new GetCallerIdentityCommand({})).finally(() => client.destroy());
  };

  it('knows each caller by its access key', async () => {
    for (const name of ['operator', 'somebody-else']) {
      expect(await identify(name)).toMatchObject({
        Arn: `arn:aws:iam::000000000000:user/${name}`,
        UserId: name,
        Account: '000000000000',
      });
    }
  });

  it('supports nothing else', async () => {
    const answer = await fetch(aws.url, {
      method: 'POST',
      body: new URLSearchParams({ Action: 'AssumeRole', Version: '2011-06-15' }),
    });
    expect([answer.status, await answer.json()]).toEqual([
      400,
      expect.objectContaining({ __type: 'InvalidAction' }) as unknown,
    ]);
  });
});

describe('the embedded Secrets Manager', () => {
  let client: SecretsManagerClient;
  const read = () => client.send(new GetSecretValueCommand({ SecretId: 'p2p/local/payers/empty' }));

  beforeAll(() => {
    client = new SecretsManagerClient(clientOptions(aws));
  });

  afterAll(() => client.destroy());

  it('returns a secret by name and by ARN', async () => {
    aws.secretsManager.setSecret('p2p/local/payers/x-y', '{"client_secret":"s"}');
    const byName = await client.send(new GetSecretValueCommand({ SecretId: 'p2p/local/payers/x-y' }));
    const byArn = await client.send(new GetSecretValueCommand({ SecretId: byName.ARN }));
    expect(byName.SecretString).toBe('{"client_secret":"s"}');
    expect(byArn.SecretString).toBe(byName.SecretString);
  });

  it.each(['p2p/local/payers/x', 'p2p/local/payers/X-Y', 'p2p/local/payers', ''])(
    'does not give a secret by another name: %j',
    async (SecretId) => {
      aws.secretsManager.setSecret('p2p/local/payers/x-y', 'value');
      await expect(client.send(new GetSecretValueCommand({ SecretId }))).rejects.toMatchObject({
        name: 'ResourceNotFoundException',
        message: "Secrets Manager can't find the specified secret.",
      });
    },
  );

  it('answers as AWS does for a secret that does not exist, and for one without a value', async () => {
    await expect(read()).rejects.toThrow("can't find the specified secret.");
    aws.secretsManager.setSecret('p2p/local/payers/empty', 'value');
    await expect(read()).resolves.toMatchObject({ SecretString: 'value' });
    aws.secretsManager.setSecret('p2p/local/payers/empty', undefined);
    await expect(read()).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: expect.stringContaining('staging label'),
    });
  });

  describe('for the tools', () => {
    const SecretId = 'p2p/local/payers/made';
    const valueOf = async (options: { VersionStage?: string; VersionId?: string } = {}) =>
      (await client.send(new GetSecretValueCommand({ SecretId, ...options }))).SecretString;
    const put = async (SecretString: string, VersionStages?: string[]): Promise<string> => {
      const command = new PutSecretValueCommand({ SecretId, SecretString, ...(VersionStages && { VersionStages }) });
      return (await client.send(command)).VersionId ?? '';
    };
    const labels = async () => {
      const { VersionIdsToStages = {} } = await client.send(new DescribeSecretCommand({ SecretId }));
      return new Map(Object.entries(VersionIdsToStages).map(([version, on]) => [version, on.toSorted()]));
    };
    const move = (MoveToVersionId: string, RemoveFromVersionId?: string) =>
      client.send(
        new UpdateSecretVersionStageCommand({
          SecretId,
          VersionStage: 'AWSCURRENT',
          MoveToVersionId,
          ...(RemoveFromVersionId === undefined ? {} : { RemoveFromVersionId }),
        }),
      );

    it('creates a secret once, without a value until one is put', async () => {
      await client.send(new CreateSecretCommand({ Name: SecretId }));
      expect(await labels()).toEqual(new Map());
      await expect(valueOf()).rejects.toThrow('staging label: AWSCURRENT');
      await expect(client.send(new CreateSecretCommand({ Name: SecretId }))).rejects.toMatchObject({
        name: 'ResourceExistsException',
      });

      const first = await put('first', ['AWSPENDING']);
      expect(await labels()).toEqual(new Map([[first, ['AWSCURRENT', 'AWSPENDING']]]));
      expect(await valueOf()).toBe('first');
    });

    it('keeps a pending value beside the current one, and the previous one until there is another', async () => {
      const [first = ''] = (await labels()).keys();
      const second = await put('second', ['AWSPENDING']);
      expect(await valueOf()).toBe('first');
      expect(await valueOf({ VersionStage: 'AWSPENDING' })).toBe('second');

      await expect(move(second)).rejects.toMatchObject({ name: 'InvalidParameterException' });
      await move(second, first);
      expect(await valueOf()).toBe('second');
      expect(await valueOf({ VersionId: first })).toBe('first');
      expect((await labels()).get(first)).toEqual(['AWSPREVIOUS']);

      const third = await put('third');
      expect((await labels()).get(second)).toEqual(['AWSPENDING', 'AWSPREVIOUS']);
      expect((await labels()).get(third)).toEqual(['AWSCURRENT']);
      await expect(valueOf({ VersionId: first })).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    });

    it('keeps tags, of its making and later ones', async () => {
      const Name = `${SecretId}-tagged`;
      await client.send(new CreateSecretCommand({ Name, Tags: [{ Key: 'stage', Value: 'demo' }] }));
      const Tags = [
        { Key: 'stage', Value: 'local' },
        { Key: 'cost-center', Value: '4711' },
      ];
      await client.send(new TagResourceCommand({ SecretId: Name, Tags }));
      expect((await client.send(new DescribeSecretCommand({ SecretId: Name }))).Tags).toEqual(Tags);
    });

    it('refuses to move a label to a version that does not exist', async () => {
      await expect(move('a-version-that-does-not-exist-at-all')).rejects.toMatchObject({
        name: 'ResourceNotFoundException',
      });
    });

    it('takes a repeated request once, and refuses another value under its token', async () => {
      const request = { SecretId, SecretString: 'fourth', ClientRequestToken: '0'.repeat(32) };
      await client.send(new PutSecretValueCommand(request));
      const before = await labels();
      await client.send(new PutSecretValueCommand(request));
      expect(await labels()).toEqual(before);
      const other = client.send(new PutSecretValueCommand({ ...request, SecretString: 'another' }));
      await expect(other).rejects.toMatchObject({ name: 'ResourceExistsException' });
    });
  });

  it('refuses what neither functions nor tools do', async () => {
    await expect(client.send(new ListSecretsCommand({}))).rejects.toMatchObject({ name: 'InvalidRequestException' });
  });
});
