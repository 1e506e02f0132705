import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
  type AttributeValue,
  type GetItemCommandInput,
  type PutItemCommandInput,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { checkExpressionValues, checkItem, evaluateCondition, invalid, parseUpdate } from './dynamo-expressions.ts';

type Item = Record<string, AttributeValue>;

/**
 * DynamoDB as the store uses it, in memory behind a mocked client: conditions are really evaluated, and what DynamoDB
 * would refuse with a ValidationException is refused, before any condition.
 */
export interface MemoryDynamo {
  readonly client: DynamoDBClient;
  readonly mock: ReturnType<typeof mockClient>;
  readonly items: (table: string) => Map<string, Item>;
  /** Names of the commands sent since the last call. */
  readonly calls: () => string[];
  /** The next commands of this name fail so; `after` lets the write happen first. */
  readonly failNext: (command: string, error: Error, options?: { after?: boolean }) => void;
  /** The next command of this name is sent twice, as the SDK does after a lost answer: only the second answer counts. */
  readonly repeatNext: (command: string) => void;
  /** The same for one write, by its number from now on (0 is the next). */
  readonly repeatWrite: (number: number) => void;
  /** Every item that was put, in the order of the puts: what has taken another's place is here too. */
  readonly puts: (table: string) => readonly Item[];
  /** What was written since the last call: each write's expressions, or `put` and its condition. */
  readonly writes: () => string[];
}

const keyNames = ['stateHash', 'eventId', 'grantId', 'limitId'];

/** The key of an item or of a request for one, which may be no empty string. */
const keyOf = (item: Item): string => {
  const key = keyNames.map((name) => item[name]?.S).find((value) => value !== undefined);
  if (!key) throw invalid('a key attribute must be a string that is not empty');
  return key;
};

/** Makes an empty DynamoDB. */
export const memoryDynamo = (): MemoryDynamo => {
  const client = new DynamoDBClient({ region: 'eu-central-1' });
  const mock = mockClient(client);
  const tables = new Map<string, Map<string, Item>>();
  const failures: { command: string; error: Error; after: boolean }[] = [];
  const repeats: string[] = [];
  const put: { table: string | undefined; item: Item }[] = [];
  let calls: string[] = [];
  let written: string[] = [];
  let writeToRepeat: number | undefined;
  const items = (table: string): Map<string, Item> => {
    const found = tables.get(table) ?? new Map<string, Item>();
    tables.set(table, found);
    return found;
  };
  const run = async <T>(command: string, work: () => T): Promise<T> => {
    calls.push(command);
    const index = failures.findIndex((failure) => failure.command === command);
    const [failure] = index < 0 ? [] : failures.splice(index, 1);
    if (failure && !failure.after) throw failure.error;
    const repeat = repeats.indexOf(command);
    const isTwice = writeToRepeat === 0 && command !== 'GetItem';
    if (writeToRepeat !== undefined && command !== 'GetItem') writeToRepeat -= 1;
    if (repeat >= 0) repeats.splice(repeat, 1);
    if (repeat >= 0 || isTwice) work();
    const result = work();
    if (failure) throw failure.error;
    return result;
  };
  const check = (
    item: Item | undefined,
    { ConditionExpression: condition, ExpressionAttributeValues: values }: PutItemCommandInput | UpdateItemCommandInput,
  ): void => {
    if (condition !== undefined && !evaluateCondition(condition, item, values)) {
      throw new ConditionalCheckFailedException({ message: 'The conditional request failed', $metadata: {} });
    }
  };
  mock.on(GetItemCommand).callsFake((input: GetItemCommandInput) =>
    run('GetItem', () => {
      if (input.ConsistentRead !== true) throw new Error('a read that decides must be strongly consistent');
      return { Item: items(input.TableName ?? '').get(keyOf(input.Key ?? {})) };
    }),
  );
  mock.on(PutItemCommand).callsFake((input: PutItemCommandInput) =>
    run('PutItem', () => {
      written.push(`put ${input.ConditionExpression}`);
      const table = items(input.TableName ?? '');
      const item = input.Item ?? {};
      const key = keyOf(item);
      checkItem(item);
      checkExpressionValues([input.ConditionExpression], input.ExpressionAttributeValues);
      check(table.get(key), input);
      table.set(key, item);
      put.push({ table: input.TableName, item });
      return {};
    }),
  );
  mock.on(UpdateItemCommand).callsFake((input: UpdateItemCommandInput) =>
    run('UpdateItem', () => {
      written.push(`${input.UpdateExpression} IF ${input.ConditionExpression}`);
      const table = items(input.TableName ?? '');
      const { UpdateExpression = '', ReturnValues = 'NONE', ExpressionAttributeValues: values } = input;
      if (!['NONE', 'ALL_NEW'].includes(ReturnValues)) throw invalid(`ReturnValues are not ${ReturnValues}`);
      const key = keyOf(input.Key ?? {});
      checkExpressionValues([UpdateExpression, input.ConditionExpression], values);
      const updated = parseUpdate(UpdateExpression, values);
      check(table.get(key), input);
      const next = updated(table.get(key) ?? input.Key ?? {});
      table.set(key, next);
      return ReturnValues === 'ALL_NEW' ? { Attributes: next } : {};
    }),
  );
  return {
    client,
    mock,
    items,
    calls: () => {
      const made = calls;
      calls = [];
      return made;
    },
    failNext: (command, error, { after = false } = {}) => void failures.push({ command, error, after }),
    repeatNext: (command) => void repeats.push(command),
    repeatWrite: (number) => void (writeToRepeat = number),
    puts: (name) => put.filter(({ table }) => table === name).map(({ item }) => item),
    writes: () => {
      const made = written;
      written = [];
      return made;
    },
  };
};
