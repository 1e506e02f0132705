import {
  DeleteItemCommand,
  DescribeTableCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
  type AttributeValue,
  type DynamoDBClient,
  type ScanCommandInput,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { TableSpec } from '../../../sandbox/aws/template-data.ts';
import { casesFrom, type Case } from './contract.ts';

/** A DynamoDB with the tables of {@link tables}. */
export interface Dynamo {
  readonly client: DynamoDBClient;
}

type Item = Record<string, AttributeValue>;

const table = (name: string): TableSpec => ({
  name,
  physicalName: name,
  keySchema: [{ AttributeName: 'grantId', KeyType: 'HASH' }],
  attributeDefinitions: [{ AttributeName: 'grantId', AttributeType: 'S' }],
});

/** The tables that the cases expect, empty. */
export const tables: readonly TableSpec[] = [
  table('Grants'),
  table('Scanned'),
  table('Large'),
  {
    ...table('Indexed'),
    attributeDefinitions: [
      { AttributeName: 'grantId', AttributeType: 'S' },
      { AttributeName: 'openAt', AttributeType: 'S' },
    ],
    indexes: [
      {
        IndexName: 'OpenReads',
        KeySchema: [{ AttributeName: 'openAt', KeyType: 'HASH' }],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
    ],
  },
];

const guide = 'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide';
const reference = 'https://docs.aws.amazon.com/amazondynamodb/latest/APIReference';
const updates = casesFrom<Dynamo>(`${guide}/Expressions.UpdateExpressions.html`);
const conditions = casesFrom<Dynamo>(`${guide}/Expressions.OperatorsAndFunctions.html`);
const limits = casesFrom<Dynamo>(`${guide}/Constraints.html`);
const scans = casesFrom<Dynamo>(`${guide}/Scan.html`);
const updateItem = casesFrom<Dynamo>(`${reference}/API_UpdateItem.html`);
const errors = casesFrom<Dynamo>(`${guide}/Programming.Errors.html`);

let made = 0;
/** The key of an item that no other case knows. */
const freshKey = (): { grantId: { S: string } } => ({ grantId: { S: `grant-${(made += 1)}` } });

const put = ({ client }: Dynamo, Item: Item, TableName = 'Grants') =>
  client.send(new PutItemCommand({ TableName, Item }));
const read = async ({ client }: Dynamo, Key: Item, TableName = 'Grants') =>
  (await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item;
const update = ({ client }: Dynamo, change: Partial<UpdateItemCommandInput> & { Key: Item }) =>
  client.send(new UpdateItemCommand({ TableName: 'Grants', ...change }));

/** The outcome of a request, by the name of its error. */
const outcomeOf = (sending: Promise<unknown>): Promise<string> =>
  sending.then(
    () => 'done',
    ({ name }: Error) => name,
  );
const refuses = async (sending: Promise<unknown>, name = 'ValidationException'): Promise<void> => {
  await expect(sending).rejects.toMatchObject({ name, $fault: 'client' });
};

const updating: readonly Case<Dynamo>[] = [
  updates('DynamoDB sets an attribute to a value or to another attribute, and removes one', async (target) => {
    const Key = freshKey();
    await put(target, { ...Key, c: { S: 'c' }, d: { S: 'd' } });
    await update(target, {
      Key,
      UpdateExpression: 'SET a = :a, b = c REMOVE d',
      ExpressionAttributeValues: { ':a': { N: '1' } },
    });
    expect(await read(target, Key)).toEqual({ ...Key, a: { N: '1' }, b: { S: 'c' }, c: { S: 'c' } });
  }),
  updates('DynamoDB adds to a number of an item, which was set before', async (target) => {
    const Key = freshKey();
    await put(target, { ...Key, n: { N: '41' } });
    await update(target, {
      Key,
      UpdateExpression: 'SET n = n + :n',
      ExpressionAttributeValues: { ':n': { N: '1' } },
    });
    expect((await read(target, Key))?.['n']).toEqual({ N: '42' });
  }),
  updates('DynamoDB adds a member to a set once, and makes the set with its first member', async (target) => {
    const Key = freshKey();
    for (const member of ['one', 'one', 'two']) {
      await update(target, {
        Key,
        UpdateExpression: 'ADD e :e',
        ExpressionAttributeValues: { ':e': { SS: [member] } },
      });
    }
    expect((await read(target, Key))?.['e']?.SS?.toSorted()).toEqual(['one', 'two']);
  }),
  updateItem('DynamoDB makes the item of an update if there is none, with the key and what is set', async (target) => {
    const Key = freshKey();
    const change = { UpdateExpression: 'SET a = :a', ExpressionAttributeValues: { ':a': { S: 'a' } } };
    expect((await update(target, { Key, ...change, ReturnValues: 'ALL_NEW' })).Attributes).toEqual({
      ...Key,
      a: { S: 'a' },
    });
  }),
  ...(
    [
      ['NONE', undefined],
      ['ALL_OLD', { a: { S: 'old' }, kept: { S: 'kept' } }],
      ['UPDATED_OLD', { a: { S: 'old' } }],
      ['ALL_NEW', { a: { S: 'new' }, kept: { S: 'kept' } }],
      ['UPDATED_NEW', { a: { S: 'new' } }],
    ] as const
  ).map(([ReturnValues, expected]) =>
    updateItem(
      `DynamoDB answers an update with the attributes that ReturnValues ${ReturnValues} means`,
      async (target) => {
        const Key = freshKey();
        await put(target, { ...Key, a: { S: 'old' }, kept: { S: 'kept' } });
        const { Attributes } = await update(target, {
          Key,
          UpdateExpression: 'SET a = :a',
          ExpressionAttributeValues: { ':a': { S: 'new' } },
          ReturnValues,
        });
        const key = ReturnValues.startsWith('ALL') ? Key : {};
        expect(Attributes).toEqual(expected === undefined ? undefined : { ...key, ...expected });
      },
    ),
  ),
];

const whole = {
  UpdateExpression: 'SET a = :a, b = c REMOVE d',
  ConditionExpression: 'attribute_exists(grantId) AND (c = :c OR attribute_not_exists(d))',
  ExpressionAttributeValues: { ':a': { N: '1' }, ':c': { S: 'c' } },
} satisfies Partial<UpdateItemCommandInput>;
const { ExpressionAttributeValues: values } = whole;
const textless = { S: undefined } as unknown as { S: string };

/** Each is a change of a correct update, whose condition holds. */
const malformed: readonly (readonly [string, Partial<UpdateItemCommandInput>])[] = [
  ['a value without content', { ExpressionAttributeValues: { ...values, ':a': textless } }],
  ['a value within a map without content', { ExpressionAttributeValues: { ...values, ':a': { M: { a: textless } } } }],
  ['a malformed number', { ExpressionAttributeValues: { ...values, ':a': { N: 'one' } } }],
  ['an empty set', { ExpressionAttributeValues: { ...values, ':a': { SS: [] } } }],
  ['a set that has a member twice', { ExpressionAttributeValues: { ...values, ':a': { SS: ['a', 'a'] } } }],
  ['a value that no expression uses', { ExpressionAttributeValues: { ...values, ':b': { S: 'b' } } }],
  ['a value that is not given', { ExpressionAttributeValues: { ':a': { N: '1' } } }],
  [
    'an empty map of values',
    { UpdateExpression: 'SET b = c', ConditionExpression: 'attribute_exists(d)', ExpressionAttributeValues: {} },
  ],
  ['a name that no expression uses', { ExpressionAttributeNames: { '#a': 'a' } }],
  ['a name that is not given', { UpdateExpression: 'SET a = :a REMOVE #d' }],
  ['an empty expression', { UpdateExpression: '', ConditionExpression: 'a = :a AND c = :c' }],
  ['nothing to remove', { UpdateExpression: 'SET a = :a REMOVE ' }],
  ['a gap in what to remove', { UpdateExpression: 'SET a = :a REMOVE d, ' }],
  ['two words to remove', { UpdateExpression: 'SET a = :a REMOVE d e' }],
  ['one name set twice', { UpdateExpression: 'SET a = :a, a = c' }],
  ['one name set and removed', { UpdateExpression: 'SET a = :a REMOVE a' }],
  ['a word after what to set', { UpdateExpression: 'SET a = :a and more' }],
  ['an attribute to copy that the item lacks', { UpdateExpression: 'SET a = :a, b = absent' }],
  ['a sum with text', { UpdateExpression: 'SET b = c + :a' }],
  ['a change of the key', { UpdateExpression: 'SET grantId = :c, a = :a' }],
  ['a reserved word for a name', { UpdateExpression: 'SET status = :a' }],
  ['a condition cut short', { ConditionExpression: 'c = :c AND ' }],
  ['a condition with a word too many', { ConditionExpression: 'c = :c c' }],
  ['a parenthesis left open', { ConditionExpression: '(c = :c' }],
  ['an unknown operator', { ConditionExpression: 'c == :c' }],
  ['a malformed end behind what is true already', { ConditionExpression: 'c = :c OR c' }],
  ['return values that do not exist', { ReturnValues: '' as 'NONE' }],
];

const malformedUpdates: readonly Case<Dynamo>[] = [
  ...malformed.map(([what, change]) =>
    updateItem(`DynamoDB refuses an update with ${what}, and changes nothing`, async (target) => {
      const Key = freshKey();
      const before = { ...Key, c: { S: 'c' }, d: { S: 'd' } };
      await put(target, before);
      await refuses(update(target, { Key, ...whole, ...change }));
      expect(await read(target, Key)).toEqual(before);
    }),
  ),
  updateItem('DynamoDB refuses a malformed update as such, even if its condition would fail', async (target) => {
    const Key = freshKey();
    await put(target, { ...Key, c: { S: 'c' }, d: { S: 'd' } });
    const ConditionExpression = 'attribute_not_exists(grantId) AND c = :c';
    await refuses(update(target, { Key, ...whole, ConditionExpression, UpdateExpression: 'SET a = :a REMOVE ' }));
  }),
];

/** Conditions on {@link conditioned}, and whether they hold. */
const decisions: readonly (readonly [string, boolean])[] = [
  ...(
    [
      ['=', false, true, false],
      ['<>', true, false, true],
      ['<', true, false, false],
      ['<=', true, true, false],
      ['>', false, false, true],
      ['>=', false, true, true],
    ] as const
  ).flatMap(([comparator, ofLess, ofEqual, ofMore]) => [
    [`n ${comparator} :n10`, ofLess] as const,
    [`n ${comparator} :n9`, ofEqual] as const,
    [`n ${comparator} :n8`, ofMore] as const,
    [`s ${comparator} :t`, ofLess] as const,
    [`s ${comparator} :s`, ofEqual] as const,
    [`s ${comparator} :r`, ofMore] as const,
    // Nothing is equal to, less or more than what is not there, or what is of another type.
    [`absent ${comparator} :n9`, comparator === '<>'] as const,
    [`n ${comparator} :text9`, comparator === '<>'] as const,
  ]),
  ['attribute_exists(n)', true],
  ['attribute_exists(absent)', false],
  ['attribute_not_exists(n)', false],
  ['attribute_not_exists(absent)', true],
  ['contains(e, :one)', true],
  ['contains(e, :s)', false],
  ['contains(absent, :one)', false],
  ['size(e) < :n3', true],
  ['size(e) < :n2', false],
  ['size(absent) < :n3', false],
  // The guide's own examples of precedence.
  ['n = :n9 OR s = :s AND s = :t', true],
  ['(n = :n9 OR s = :s) AND s = :t', false],
  ['n = :n8 OR s = :s', true],
  ['n = :n8 OR s = :t', false],
  ['n = :n9 AND s = :s', true],
  ['n = :n8 AND s = :s', false],
];
const conditioned: Item = { n: { N: '9' }, s: { S: 's' }, e: { SS: ['one', 'two'] } };
const operands: Item = {
  ':n2': { N: '2' },
  ':n3': { N: '3' },
  ':n8': { N: '8' },
  ':n9': { N: '9.0' },
  ':n10': { N: '10' },
  ':text9': { S: '9' },
  ':r': { S: 'r' },
  ':s': { S: 's' },
  ':t': { S: 't' },
  ':one': { S: 'one' },
};
const operandsOf = (expression: string): Item =>
  Object.fromEntries(Object.entries(operands).filter(([name]) => new RegExp(`${name}\\b`).test(expression)));

const spelledOut = (expression: string): string =>
  expression.replaceAll(/:\w+/g, (name) => operands[name]?.N ?? JSON.stringify(operands[name]?.S));

/** The writes that may have a condition, each of an item that has been written. */
const conditional = {
  put: (Key: Item, more: object) => new PutItemCommand({ TableName: 'Grants', Item: Key, ...more }),
  delete: (Key: Item, more: object) => new DeleteItemCommand({ TableName: 'Grants', Key, ...more }),
  update: (Key: Item, more: object) =>
    new UpdateItemCommand({ TableName: 'Grants', Key, UpdateExpression: 'REMOVE n', ...more }),
} as const;

const deciding: readonly Case<Dynamo>[] = [
  ...decisions.map(([ConditionExpression, holds]) =>
    conditions(
      `DynamoDB evaluates ${spelledOut(ConditionExpression)} to ${holds} if n is 9, s is "s" and e is {"one", "two"}`,
      async (target) => {
        const Key = freshKey();
        await put(target, { ...Key, ...conditioned });
        const ExpressionAttributeValues = operandsOf(ConditionExpression);
        const given = Object.keys(ExpressionAttributeValues).length === 0 ? {} : { ExpressionAttributeValues };
        const sending = update(target, { Key, UpdateExpression: 'REMOVE x', ConditionExpression, ...given });
        expect(await outcomeOf(sending)).toBe(holds ? 'done' : 'ConditionalCheckFailedException');
      },
    ),
  ),
  ...(['put', 'delete', 'update'] as const).map((kind) =>
    errors(
      `DynamoDB answers 400 if the condition of the ${kind} of an item fails, and changes nothing`,
      async (target) => {
        const Key = freshKey();
        const before = { ...Key, ...conditioned };
        await put(target, before);
        const failing = conditional[kind](Key, { ConditionExpression: 'attribute_not_exists(n)' });
        await expect(target.client.send(failing as PutItemCommand)).rejects.toMatchObject({
          name: 'ConditionalCheckFailedException',
          message: 'The conditional request failed',
        });
        const after = await read(target, Key);
        expect({ ...after, e: after?.['e']?.SS?.toSorted() }).toEqual({ ...before, e: ['one', 'two'] });
      },
    ),
  ),
  ...(['put', 'delete'] as const).map((kind) =>
    errors(`DynamoDB carries out the ${kind} of an item whose condition holds`, async (target) => {
      const Key = freshKey();
      await put(target, { ...Key, ...conditioned });
      const holding = conditional[kind](Key, { ConditionExpression: 'attribute_exists(n)' });
      await target.client.send(holding as PutItemCommand);
      expect(await read(target, Key)).toEqual(kind === 'put' ? Key : undefined);
    }),
  ),
];

const items: readonly Case<Dynamo>[] = [
  casesFrom<Dynamo>(`${reference}/API_PutItem.html`)(
    'DynamoDB puts an item in the place of the one before',
    async (target) => {
      const Key = freshKey();
      await put(target, { ...Key, a: { S: 'a' } });
      await put(target, { ...Key, b: { S: 'b' } });
      expect(await read(target, Key)).toEqual({ ...Key, b: { S: 'b' } });
    },
  ),
  casesFrom<Dynamo>(`${reference}/API_GetItem.html`)(
    'DynamoDB answers without an item where there is none',
    async (target) => {
      expect(await read(target, freshKey())).toBeUndefined();
    },
  ),
  casesFrom<Dynamo>(`${guide}/Expressions.ProjectionExpressions.html`)(
    'DynamoDB reads only the attributes that a projection names',
    async (target) => {
      const Key = freshKey();
      await put(target, { ...Key, a: { S: 'a' }, status: { S: 'open' }, b: { S: 'b' } });
      const { Item } = await target.client.send(
        new GetItemCommand({
          TableName: 'Grants',
          Key,
          ConsistentRead: true,
          ProjectionExpression: 'a, #s, absent',
          ExpressionAttributeNames: { '#s': 'status' },
        }),
      );
      expect(Item).toEqual({ a: { S: 'a' }, status: { S: 'open' } });
    },
  ),
  casesFrom<Dynamo>(`${reference}/API_DeleteItem.html`)(
    'DynamoDB deletes an item, and again without an error',
    async (target) => {
      const Key = freshKey();
      await put(target, Key);
      for (let times = 0; times < 2; times += 1) {
        await target.client.send(new DeleteItemCommand({ TableName: 'Grants', Key }));
        expect(await read(target, Key)).toBeUndefined();
      }
    },
  ),
  ...(
    [
      ['empty', { grantId: { S: '' } }],
      ['missing', { other: { S: 'a' } }],
      ['of another type', { grantId: { N: '1' } }],
    ] as readonly (readonly [string, Item])[]
  ).map(([what, Key]) =>
    errors(`DynamoDB refuses to put, read, update and delete an item whose key is ${what}`, async (target) => {
      await refuses(put(target, Key));
      await refuses(read(target, Key));
      await refuses(update(target, { Key, UpdateExpression: 'REMOVE a' }));
      await refuses(target.client.send(new DeleteItemCommand({ TableName: 'Grants', Key })));
    }),
  ),
  errors('DynamoDB refuses to read by more than the key', async (target) => {
    await refuses(read(target, { ...freshKey(), other: { S: 'a' } }));
  }),
  errors('DynamoDB refuses to put an attribute without content', async (target) => {
    await refuses(put(target, { ...freshKey(), scope: textless }));
  }),
  errors('DynamoDB finds no table that was not made', async (target) => {
    await refuses(read(target, freshKey(), 'NoSuchTable'), 'ResourceNotFoundException');
    await refuses(put(target, freshKey(), 'NoSuchTable'), 'ResourceNotFoundException');
    await refuses(
      target.client.send(new DescribeTableCommand({ TableName: 'NoSuchTable' })),
      'ResourceNotFoundException',
    );
  }),
];

/** Text that makes an item of this many bytes: names and values count, in UTF-8. */
const filling = (Key: { grantId: { S: string } }, bytes: number): Item => {
  const others = Buffer.byteLength(`grantId${Key.grantId.S}v`);
  return { ...Key, v: { S: 'x'.repeat(bytes - others) } };
};
/** A condition of this many bytes that holds for every written item. */
const conditionOf = (bytes: number): string => {
  const condition = Array.from({ length: 100 }, () => 'attribute_exists(grantId)').join(' OR ');
  return condition.padEnd(bytes, ' ');
};
const longest = 400 * 1024;

const limited: readonly Case<Dynamo>[] = [
  limits('DynamoDB takes an item of 400 KB, and refuses one byte more', async (target) => {
    const Key = freshKey();
    await put(target, filling(Key, longest));
    await expect(put(target, filling(Key, longest + 1))).rejects.toMatchObject({
      name: 'ValidationException',
      message: 'Item size has exceeded the maximum allowed size',
    });
  }),
  limits('DynamoDB updates an item up to 400 KB, and refuses to make it one byte longer', async (target) => {
    const Key = freshKey();
    await put(target, filling(Key, longest - 2));
    const grow = (text: string) =>
      update(target, { Key, UpdateExpression: 'SET w = :w', ExpressionAttributeValues: { ':w': { S: text } } });
    await grow('x');
    await expect(grow('xx')).rejects.toMatchObject({
      name: 'ValidationException',
      message: 'Item size to update has exceeded the maximum allowed size',
    });
  }),
  limits('DynamoDB takes a key of 2,048 bytes, and refuses one byte more', async (target) => {
    await put(target, { grantId: { S: 'x'.repeat(2048) } });
    await refuses(put(target, { grantId: { S: 'x'.repeat(2049) } }));
  }),
  limits('DynamoDB takes a number of 38 digits, and refuses one of 39', async (target) => {
    const Key = freshKey();
    const digits = '123456789'.repeat(5);
    await put(target, { ...Key, n: { N: digits.slice(0, 38) } });
    expect((await read(target, Key))?.['n']).toEqual({ N: digits.slice(0, 38) });
    await refuses(put(target, { ...Key, n: { N: digits.slice(0, 39) } }));
  }),
  limits(
    'DynamoDB takes numbers from 1E-130 to below 1E+126 of either sign, and refuses the next ones',
    async (target) => {
      const Key = freshKey();
      const most = '9.9999999999999999999999999999999999999E+125';
      for (const sign of ['', '-']) {
        for (const legal of [most, '1E-130']) await put(target, { ...Key, n: { N: `${sign}${legal}` } });
        for (const illegal of ['1E+126', '9E-131'])
          await refuses(put(target, { ...Key, n: { N: `${sign}${illegal}` } }));
      }
    },
  ),
  limits('DynamoDB takes an empty text, list and map in an attribute that is no key', async (target) => {
    const item: Item = { ...freshKey(), s: { S: '' }, l: { L: [] }, m: { M: {} } };
    await put(target, item);
    expect(await read(target, { grantId: item['grantId']! })).toEqual(item);
  }),
  limits('DynamoDB takes a condition of 4 KB, and refuses one byte more', async (target) => {
    const Key = freshKey();
    await put(target, Key);
    const send = (bytes: number) =>
      update(target, { Key, UpdateExpression: 'REMOVE a', ConditionExpression: conditionOf(bytes) });
    await send(4096);
    await expect(send(4097)).rejects.toMatchObject({
      name: 'ValidationException',
      message:
        'Invalid ConditionExpression: Expression size has exceeded the maximum allowed size; expression size: 4097',
    });
  }),
  limits('DynamoDB takes an update expression of 4 KB, and refuses one byte more', async (target) => {
    const send = (bytes: number) => {
      const start = 'SET a = :a, ';
      const name = 'b'.repeat(200);
      const UpdateExpression = `${start}${name} = :a`.padEnd(bytes, ' ');
      return update(target, { Key: freshKey(), UpdateExpression, ExpressionAttributeValues: { ':a': { S: 'a' } } });
    };
    await send(4096);
    await refuses(send(4097));
  }),
  limits('DynamoDB takes a filter of 4 KB, and refuses one byte more', async ({ client }) => {
    const send = (bytes: number) =>
      client.send(new ScanCommand({ TableName: 'Grants', FilterExpression: conditionOf(bytes) }));
    await send(4096);
    await refuses(send(4097));
  }),
];

const scanned = (target: Dynamo, more: Partial<ScanCommandInput> = {}) =>
  target.client.send(new ScanCommand({ TableName: 'Scanned', ...more }));
/** All pages of a scan. */
const pagesOf = async (target: Dynamo, more: Partial<ScanCommandInput>) => {
  const pages: { items: Item[]; scanned: number | undefined }[] = [];
  let from: Item | undefined;
  do {
    const answer = await scanned(target, { ...more, ...(from && { ExclusiveStartKey: from }) });
    pages.push({ items: answer.Items ?? [], scanned: answer.ScannedCount });
    from = answer.LastEvaluatedKey;
  } while (from !== undefined);
  return pages;
};
const idsIn = (pages: readonly { readonly items: readonly Item[] }[]) =>
  pages.flatMap(({ items: found }) => found.map(({ grantId }) => grantId?.S ?? '')).toSorted();
const eleven = Array.from({ length: 11 }, (_none, n) => `scanned-${String(n).padStart(2, '0')}`);
const fillScanned = async (target: Dynamo): Promise<void> => {
  for (const [n, id] of eleven.entries()) await put(target, { grantId: { S: id }, n: { N: String(n) } }, 'Scanned');
};

const scanning: readonly Case<Dynamo>[] = [
  scans('DynamoDB scans every item once, in pages of the limit', async (target) => {
    await fillScanned(target);
    const pages = await pagesOf(target, { Limit: 4 });
    expect(idsIn(pages)).toEqual(eleven);
    expect(pages.slice(0, 3).map(({ items: found }) => found.length)).toEqual([4, 4, 3]);
  }),
  scans('DynamoDB filters a page after its limit, and counts what it scanned', async (target) => {
    await fillScanned(target);
    const filter = { FilterExpression: 'n >= :n', ExpressionAttributeValues: { ':n': { N: '9' } } };
    const pages = await pagesOf(target, { Limit: 4, ...filter });
    expect(idsIn(pages)).toEqual(eleven.slice(9));
    expect(pages.reduce((sum, { scanned: count = 0 }) => sum + count, 0)).toBe(11);
    expect(pages.length).toBeGreaterThanOrEqual(3);
  }),
  scans('DynamoDB shares a parallel scan out, so that each item is in one segment', async (target) => {
    await fillScanned(target);
    const segments = await Promise.all([0, 1, 2].map((Segment) => pagesOf(target, { Segment, TotalSegments: 3 })));
    expect(idsIn(segments.flat())).toEqual(eleven);
  }),
  scans('DynamoDB refuses a scan whose limit is 0, or whose segment is not below their number', async (target) => {
    await refuses(scanned(target, { Limit: 0 }));
    await refuses(scanned(target, { Segment: 3, TotalSegments: 3 }));
  }),
  scans('DynamoDB ends a page of a scan after 1 MB, and goes on with the next', async (target) => {
    const five = ['a', 'b', 'c', 'd', 'e'];
    for (const id of five) await put(target, filling({ grantId: { S: id } }, 300 * 1024), 'Large');
    const pages = await pagesOf(target, { TableName: 'Large' });
    expect(idsIn(pages)).toEqual(five);
    expect([3, 4]).toContain(pages[0]?.items.length);
  }),
];

const indexed: readonly Case<Dynamo>[] = [
  casesFrom<Dynamo>(`${guide}/bp-indexes-general-sparse-indexes.html`)(
    'DynamoDB has in an index only the items with its key, and of them only what is projected',
    async (target) => {
      const open = { ...freshKey(), openAt: { S: 'a day' } };
      await put(target, { ...open, more: { S: 'more' } }, 'Indexed');
      await put(target, { ...freshKey(), more: { S: 'more' } }, 'Indexed');
      const index = { TableName: 'Indexed', IndexName: 'OpenReads', ConsistentRead: false };
      const { Items } = await scanned(target, index);
      expect(Items).toEqual([open]);
      const asked = new QueryCommand({
        TableName: 'Indexed',
        IndexName: 'OpenReads',
        KeyConditionExpression: 'openAt = :at',
        ExpressionAttributeValues: { ':at': { S: 'another day' } },
      });
      expect((await target.client.send(asked)).Items).toEqual([]);
      asked.input.ExpressionAttributeValues = { ':at': open.openAt };
      expect((await target.client.send(asked)).Items).toEqual([open]);
    },
  ),
  casesFrom<Dynamo>(`${reference}/API_Scan.html`)(
    'DynamoDB refuses a strongly consistent scan of an index',
    async (target) => {
      await refuses(scanned(target, { TableName: 'Indexed', IndexName: 'OpenReads', ConsistentRead: true }));
    },
  ),
  casesFrom<Dynamo>(`${reference}/API_DescribeTable.html`)(
    'DynamoDB describes a table by its keys and indexes, and that it can be used',
    async ({ client }) => {
      const { Table } = await client.send(new DescribeTableCommand({ TableName: 'Indexed' }));
      expect(Table).toMatchObject({
        TableName: 'Indexed',
        TableStatus: 'ACTIVE',
        KeySchema: [{ AttributeName: 'grantId', KeyType: 'HASH' }],
        GlobalSecondaryIndexes: [{ IndexName: 'OpenReads', KeySchema: [{ AttributeName: 'openAt', KeyType: 'HASH' }] }],
      });
    },
  ),
];

/** What DynamoDB does with what functions and tools send. */
export const dynamoCases: readonly Case<Dynamo>[] = [
  ...items,
  ...updating,
  ...malformedUpdates,
  ...deciding,
  ...limited,
  ...scanning,
  ...indexed,
];
