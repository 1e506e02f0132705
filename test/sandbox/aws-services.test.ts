import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand, ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
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
  const services = {
    dynamoDb: broken,
    secretsManager: broken,
    s3: broken,
    logs: broken,
    kms: broken,
    lambda: broken,
    stacks: broken,
  };
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
        $metadata: { httpStatusCode: 200 },
      });
    }
  });

  it('supports nothing else', async () => {
    const answer = await fetch(aws.url, {
      method: 'POST',
      body: new URLSearchParams({ Action: 'AssumeRole', Version: '2011-06-15' }),
    });
    // In the words of the services that take forms, so that a client of theirs can read it.
    expect([answer.status, await answer.text()]).toEqual([
      400,
      expect.stringContaining(
        '<Code>InvalidAction</Code><Message>The local stack has no AssumeRole</Message>',
      ) as unknown,
    ]);
  });
});

it("the embedded CloudFormation says what the shell functions of the operators' pages ask", async () => {
  const ask = async (action: string, stack: string) => {
    const body = new URLSearchParams({ Action: action, Version: '2010-05-15', StackName: stack });
    return (await fetch(aws.url, { method: 'POST', body })).text();
  };
  const resource = { logicalId: 'TablesGrants1', type: 'AWS::DynamoDB::Table', physicalId: 'p2p-gateway-local-1' };
  aws.stacks.deploy({ name: 'p2p-gateway-local', outputs: { GrantsTable: 'a & b' }, resources: [resource] });

  expect(await ask('DescribeStacks', 'p2p-gateway-local')).toContain(
    '<Outputs><member><OutputKey>GrantsTable</OutputKey><OutputValue>a &amp; b</OutputValue></member></Outputs>',
  );
  expect(await ask('ListStackResources', 'p2p-gateway-local')).toMatch(
    /<LogicalResourceId>TablesGrants1<.*<PhysicalResourceId>p2p-gateway-local-1<.*<ResourceType>AWS::DynamoDB::Table</,
  );
  expect(await ask('DescribeStacks', 'p2p-gateway-demo')).toContain('Stack with id p2p-gateway-demo does not exist');
});

it('the embedded Secrets Manager is emptied and filled by hand, and serves nothing that no function or tool asks', async () => {
  const client = new SecretsManagerClient(clientOptions(aws));
  const read = () => client.send(new GetSecretValueCommand({ SecretId: 'p2p/local/payers/empty' }));
  aws.secretsManager.setSecret('p2p/local/payers/empty', 'value');
  expect((await read()).SecretString).toBe('value');
  expect(aws.secretsManager.currentValue('p2p/local/payers/empty')).toBe('value');
  aws.secretsManager.setSecret('p2p/local/payers/empty', undefined);
  await expect(read()).rejects.toThrow('staging label: AWSCURRENT');
  expect(aws.secretsManager.currentValue('p2p/local/payers/empty')).toBeUndefined();
  await expect(client.send(new ListSecretsCommand({}))).rejects.toMatchObject({ name: 'InvalidRequestException' });
  client.destroy();
});
