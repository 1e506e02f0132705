import {
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
  type AttributeValue,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { stores, type Store } from '../model/store.ts';
import { memoryDynamo } from './memory-dynamo.ts';

/*
 * The memory must refuse what DynamoDB refuses, so dynalite, which speaks DynamoDB's protocol, gets the same requests.
 */
const whole = {
  TableName: 'Grants',
  Key: { grantId: { S: 'grant-1' } },
  UpdateExpression: 'SET a = :a, b = c REMOVE d',
  ConditionExpression: 'attribute_exists(grantId) AND (c = :c OR attribute_not_exists(d))',
  ExpressionAttributeValues: { ':a': { N: '1' }, ':c': { S: 'c' } },
} satisfies UpdateItemCommandInput;
const { ExpressionAttributeValues: values } = whole;
const textless = { S: undefined } as unknown as { S: string };

const malformed: [string, Partial<UpdateItemCommandInput>][] = [
  ['an empty key', { Key: { grantId: { S: '' } } }],
  ['a value without content', { ExpressionAttributeValues: { ...values, ':a': textless } }],
  ['a value within a map without content', { ExpressionAttributeValues: { ...values, ':a': { M: { a: textless } } } }],
  ['a malformed number', { ExpressionAttributeValues: { ...values, ':a': { N: 'one' } } }],
  ['a value that no expression uses', { ExpressionAttributeValues: { ...values, ':b': { S: 'b' } } }],
  ['a value that is not given', { ExpressionAttributeValues: { ':a': { N: '1' } } }],
  [
    'no values, but their map',
    {
      UpdateExpression: 'SET b = c',
      ConditionExpression: 'attribute_exists(d)',
      ExpressionAttributeValues: {},
    },
  ],
  ['nothing to remove', { UpdateExpression: 'SET a = :a REMOVE ' }],
  ['a gap in what to remove', { UpdateExpression: 'SET a = :a REMOVE d, ' }],
  ['two words to remove', { UpdateExpression: 'SET a = :a REMOVE d e' }],
  ['one name set twice', { UpdateExpression: 'SET a = :a, a = c' }],
  ['one name set and removed', { UpdateExpression: 'SET a = :a REMOVE a' }],
  ['a word after what to set', { UpdateExpression: 'SET a = :a and more' }],
  ['an attribute that the item lacks', { UpdateExpression: 'SET a = :a, b = missing' }],
  ['a condition cut short', { ConditionExpression: 'c = :c AND ' }],
  ['a condition with a word too many', { ConditionExpression: 'c = :c c' }],
  ['a parenthesis left open', { ConditionExpression: '(c = :c' }],
  ['an unknown operator', { ConditionExpression: 'c == :c' }],
  ['a malformed end behind what is true already', { ConditionExpression: 'c = :c OR c' }],
  ['unknown return values', { ReturnValues: '' as 'NONE' }],
];

describe.each(Object.entries(stores))('DynamoDB, %s', (_, open) => {
  let store: Store;
  beforeAll(async () => {
    store = await open();
  });
  afterAll(() => store.close());
  beforeEach(async () => {
    const Item = { grantId: { S: 'grant-1' }, c: { S: 'c' }, d: { S: 'd' } };
    await store.client.send(new PutItemCommand({ TableName: 'Grants', Item }));
  });
  const read = async () =>
    (await store.client.send(new GetItemCommand({ TableName: 'Grants', Key: whole.Key, ConsistentRead: true }))).Item;
  const update = (change: Partial<UpdateItemCommandInput>) =>
    store.client.send(new UpdateItemCommand({ ...whole, ...change }));

  it('sets and removes, and returns the new item on request', async () => {
    const { Attributes: unasked } = await update({});
    await store.client.send(new PutItemCommand({ TableName: 'Grants', Item: { ...(await read()), c: { S: 'c' } } }));
    const { Attributes: asked } = await update({ ReturnValues: 'ALL_NEW' });

    expect(unasked).toBeUndefined();
    expect(asked).toEqual({ grantId: { S: 'grant-1' }, a: { N: '1' }, b: { S: 'c' }, c: { S: 'c' } });
    expect(await read()).toEqual(asked);
  });

  it('adds to a set, once each, and knows its members and its size', async () => {
    const add = (text: string, condition = 'attribute_exists(grantId)', more: Record<string, AttributeValue> = {}) =>
      store.client.send(
        new UpdateItemCommand({
          TableName: 'Grants',
          Key: whole.Key,
          UpdateExpression: 'ADD e :e',
          ConditionExpression: condition,
          ExpressionAttributeValues: { ':e': { SS: [text] }, ...more },
        }),
      );
    await add('one');
    await add('one');
    await add('two', 'size(e) < :most AND contains(e, :one)', { ':most': { N: '2' }, ':one': { S: 'one' } });

    expect((await read())?.['e']?.SS?.toSorted()).toEqual(['one', 'two']);
    const refused = [
      ['size(e) < :most', { ':most': { N: '2' } }],
      ['contains(e, :three)', { ':three': { S: 'three' } }],
      ['contains(absent, :three)', { ':three': { S: 'three' } }],
      ['size(absent) < :most', { ':most': { N: '2' } }],
    ] as const;
    const names = [];
    for (const [condition, more] of refused) {
      names.push(await add('three', condition, more).catch((error: Error) => error.name));
    }
    expect(names).toEqual(refused.map(() => 'ConditionalCheckFailedException'));
  });

  it.each(malformed)('refuses an update with %s and changes nothing', async (_title, change) => {
    const before = await read();

    await expect(update(change)).rejects.toMatchObject({ name: 'ValidationException' });
    expect(await read()).toEqual(before);
  });

  it('refuses a malformed update even if its condition would fail', async () => {
    const change = {
      ConditionExpression: 'attribute_not_exists(grantId) AND c = :c',
      UpdateExpression: 'SET a = :a REMOVE ',
    };

    await expect(update(change)).rejects.toMatchObject({ name: 'ValidationException' });
  });

  it.each([
    ['an empty key', { grantId: { S: '' } }],
    ['an attribute without content', { grantId: { S: 'grant-2' }, scope: textless }],
  ])('refuses an item with %s', async (_title, Item) => {
    const put = store.client.send(new PutItemCommand({ TableName: 'Grants', Item }));

    await expect(put).rejects.toMatchObject({ name: 'ValidationException' });
  });
});

describe('the memory', () => {
  const put = (dynamo: ReturnType<typeof memoryDynamo>, grantId: string) =>
    dynamo.client
      .send(
        new PutItemCommand({
          TableName: 'Grants',
          Item: { grantId: { S: grantId } },
          ConditionExpression: 'attribute_not_exists(grantId)',
        }),
      )
      .then(
        () => 'written',
        ({ name }: Error) => name,
      );

  it('answers no read that may be stale, since such a read decides nothing', async () => {
    const { client } = memoryDynamo();
    for (const more of [{}, { ConsistentRead: false }]) {
      const stale = new GetItemCommand({ TableName: 'Grants', Key: whole.Key, ...more });
      await expect(client.send(stale)).rejects.toThrow('strongly consistent');
    }
  });

  it('sends a write again where it is told to, so that the second finds the first', async () => {
    const dynamo = memoryDynamo();
    dynamo.repeatNext('PutItem');
    expect([await put(dynamo, 'a'), await put(dynamo, 'b')]).toEqual(['ConditionalCheckFailedException', 'written']);
    dynamo.repeatWrite(1);
    expect([await put(dynamo, 'c'), await put(dynamo, 'd'), await put(dynamo, 'e')]).toEqual([
      'written',
      'ConditionalCheckFailedException',
      'written',
    ]);
    expect([...dynamo.items('Grants').keys()]).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('fails once where it is told to, before the write or after it', async () => {
    const dynamo = memoryDynamo();
    dynamo.failNext('PutItem', Object.assign(new Error(), { name: 'Before' }));
    dynamo.failNext('PutItem', Object.assign(new Error(), { name: 'After' }), { after: true });
    expect([await put(dynamo, 'a'), await put(dynamo, 'b'), await put(dynamo, 'c')]).toEqual([
      'Before',
      'After',
      'written',
    ]);
    expect([...dynamo.items('Grants').keys()]).toEqual(['b', 'c']);
  });
});
