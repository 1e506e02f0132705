import { setTimeout as sleep } from 'node:timers/promises';
import { startDynamoDb, type LocalDynamoDb } from '../../sandbox/aws/dynamodb.ts';
import { localKms } from '../../sandbox/aws/kms.ts';
import type { Statement } from '../../sandbox/aws/policy.ts';

const request = (operation: string, parameters: object, caller = 'local') => ({
  method: 'POST',
  path: '/',
  query: new URLSearchParams(),
  headers: {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': `DynamoDB_20120810.${operation}`,
    'x-amz-date': '20260101T000000Z',
    authorization: `AWS4-HMAC-SHA256 Credential=${caller}/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0`,
  },
  body: Buffer.from(JSON.stringify({ TableName: 'Grants1', ...parameters })),
});
const get = (key: number) => request('GetItem', { Key: { grantId: { S: String(key) } } });

const grants = {
  name: 'grants',
  physicalName: 'Grants1',
  keySchema: [{ AttributeName: 'grantId', KeyType: 'HASH' }],
  attributeDefinitions: [
    { AttributeName: 'grantId', AttributeType: 'S' },
    { AttributeName: 'member', AttributeType: 'S' },
  ],
  indexes: [
    {
      IndexName: 'Member',
      KeySchema: [{ AttributeName: 'member', KeyType: 'HASH' }],
      Projection: { ProjectionType: 'KEYS_ONLY' },
    },
  ],
} as const;

describe('closing', () => {
  it('answers what it has begun, and refuses what comes after', async () => {
    const dynamoDb = await startDynamoDb(localKms());
    await dynamoDb.createTables([grants], () => {});
    const answers = Array.from({ length: 200 }, async (_, key) => dynamoDb.service(get(key)));
    // Some of them have reached the store, others wait for a connection.
    await sleep(20);
    await dynamoDb.close();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array.from(answers, () => 200));
    await expect((async () => dynamoDb.service(get(0)))()).rejects.toThrow('DynamoDB was stopped');
  });
});

/** What each condition key is: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html */
describe('a condition of a role', () => {
  let dynamoDb: LocalDynamoDb;
  beforeAll(async () => {
    dynamoDb = await startDynamoDb(localKms());
    await dynamoDb.createTables([grants], () => {});
  });
  afterAll(() => dynamoDb.close());

  const table = 'arn:aws:dynamodb:us-east-1:000000000000:table/Grants1';
  const when = (operator: string, key: string, ...values: string[]) => ({ operator, key: `dynamodb:${key}`, values });
  const mayAfter = async (
    statement: Partial<Statement>,
    operation: string,
    parameters: object,
    caller = 'fetch',
  ): Promise<boolean> => {
    const whole = { effect: 'Allow', actions: ['dynamodb:*'], resources: [`${table}*`], conditions: [], ...statement };
    dynamoDb.allowOnly(new Map([['fetch', [whole]]]));
    const { body } = await dynamoDb.service(request(operation, parameters, caller));
    return !body.includes('AccessDeniedException');
  };

  const Key = { grantId: { S: 'jti.1' } };
  const another = { grantId: { S: 'a' } };
  const ofKey = (name: string, value: string) => ({
    KeyConditionExpression: '#key = :key',
    ExpressionAttributeNames: { '#key': name },
    ExpressionAttributeValues: { ':key': { S: value } },
  });
  const likeKeys = when('ForAllValues:StringLike', 'LeadingKeys', 'jti.*');
  it.each<[operation: string, parameters: object, may: boolean]>([
    ['GetItem', { Key }, true],
    ['GetItem', { Key: another }, false],
    ['PutItem', { Item: { a: { S: 'jti.1' }, ...Key } }, true],
    ['PutItem', { Item: { a: { S: 'jti.1' }, ...another } }, false],
    ['DeleteItem', { Key: another }, false],
    ['Query', ofKey('grantId', 'jti.2'), true],
    ['Query', ofKey('grantId', 'a'), false],
    ['Query', { IndexName: 'Member', ...ofKey('member', 'jti.2') }, true],
    ['Query', { IndexName: 'Member', ...ofKey('member', 'a') }, false],
    ['Scan', {}, false],
  ])('on LeadingKeys is about the partition key: %s %j', async (operation, parameters, may) => {
    const named = when('Null', 'LeadingKeys', 'false');

    expect(await mayAfter({ conditions: [likeKeys, named] }, operation, parameters)).toBe(may);
  });

  it('with ForAllValues alone lets a request pass that names no key', async () => {
    expect(await mayAfter({ conditions: [likeKeys] }, 'Scan', {})).toBe(true);
  });

  const update = (UpdateExpression: string, more: object = {}) => ({
    Key,
    UpdateExpression,
    ExpressionAttributeValues: { ':one': { N: '1' } },
    ...more,
  });
  it.each<[operation: string, parameters: object, may: boolean]>([
    ['UpdateItem', update('SET a = :one, b = if_not_exists(a, :one) REMOVE grantId'), true],
    ['UpdateItem', update('SET a.c.d[1] = :one ADD b :one'), true],
    ['UpdateItem', update('SET c = :one'), false],
    ['UpdateItem', update('SET #c = :one', { ExpressionAttributeNames: { '#c': 'c' } }), false],
    ['UpdateItem', update('SET #c = :one', { ExpressionAttributeNames: { '#c': 'a' } }), true],
    ['UpdateItem', update('SET a = if_not_exists(c, :one)'), false],
    ['UpdateItem', update('SET a = :one', { ConditionExpression: 'attribute_exists(c)' }), false],
    [
      'UpdateItem',
      update('SET a = :one', { ConditionExpression: 'NOT (a IN (:one) OR b BETWEEN :one AND :one)' }),
      true,
    ],
    ['PutItem', { Item: { ...Key, a: { S: 'c' } } }, true],
    ['PutItem', { Item: { ...Key, c: { S: 'a' } } }, false],
    ['GetItem', { Key, ProjectionExpression: 'grantId, a.c' }, true],
    ['GetItem', { Key, ProjectionExpression: 'grantId, c' }, false],
    ['Scan', { FilterExpression: 'c = :one', ExpressionAttributeValues: { ':one': { N: '1' } } }, false],
    ['Scan', {}, false],
  ])('on Attributes is about those that the request names: %s %j', async (operation, parameters, may) => {
    const conditions = [
      when('ForAllValues:StringEquals', 'Attributes', 'grantId', 'a', 'b'),
      when('Null', 'Attributes', 'false'),
    ];

    expect(await mayAfter({ conditions }, operation, parameters)).toBe(may);
  });

  it.each<[operation: string, parameters: object, may: boolean]>([
    ['GetItem', { Key }, false],
    ['GetItem', { Key, ProjectionExpression: 'a' }, true],
    ['Scan', {}, false],
    ['Scan', { ProjectionExpression: 'a' }, true],
    ['Scan', { Select: 'COUNT' }, false],
    ['Scan', { IndexName: 'Member' }, false],
    ['PutItem', { Item: Key }, false],
  ])('on Select is about what a read returns: %s %j', async (operation, parameters, may) => {
    const conditions = [when('StringEquals', 'Select', 'SPECIFIC_ATTRIBUTES')];

    expect(await mayAfter({ conditions }, operation, parameters)).toBe(may);
  });

  it.each<[parameters: object, may: boolean]>([
    [{}, true],
    [{ ReturnValues: 'NONE' }, true],
    [{ ReturnValues: 'ALL_NEW' }, false],
    [{ ReturnValues: 'UPDATED_OLD' }, false],
    // IAM has no condition key for it:
    // https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
    [{ ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }, true],
  ])('on ReturnValues is about what a write returns: %j', async (parameters, may) => {
    const conditions = [when('StringEqualsIfExists', 'ReturnValues', 'NONE')];

    expect(await mayAfter({ conditions }, 'UpdateItem', update('SET a = :one', parameters))).toBe(may);
  });

  it('is not the only thing that counts: a statement is about an action on a table or an index', async () => {
    const scan = (statement: Partial<Statement>, more: object = {}) => mayAfter(statement, 'Scan', more);
    const index = { IndexName: 'Member' };

    expect(await scan({ resources: [table] })).toBe(true);
    expect(await scan({ resources: [table] }, index)).toBe(false);
    expect(await scan({ resources: [`${table}/index/Member`] })).toBe(false);
    expect(await scan({ resources: [`${table}/index/Member`] }, index)).toBe(true);
    expect(await scan({ actions: ['dynamodb:Query'] })).toBe(false);
    expect(await scan({ effect: 'Deny' })).toBe(false);
    // The local stack does not know what a batch is about.
    expect(await mayAfter({}, 'BatchGetItem', { RequestItems: {} })).toBe(false);
    // Tools and tests are not functions of the stack.
    expect(await mayAfter({ effect: 'Deny' }, 'Scan', {}, 'local')).toBe(true);
  });
});
