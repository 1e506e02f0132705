import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  type GetItemCommandInput,
  PutItemCommand,
  type PutItemCommandInput,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';

type Item = Record<string, AttributeValue>;
type Values = Record<string, AttributeValue> | undefined;

/** DynamoDB as the store uses it, in memory behind a mocked client: conditions are really evaluated. */
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
}

const keyOf = (key: Item): string => Object.values(key)[0]?.S ?? '';
const plain = (value: AttributeValue | undefined): string | number | undefined =>
  value?.S ?? (value?.N === undefined ? undefined : Number(value.N));

/** Evaluates the grammar that the store writes: functions, comparisons, AND, OR, parentheses. */
const evaluateCondition = (expression: string, item: Item | undefined, values: Values): boolean => {
  const tokens = expression.match(/[()]|<=|>=|<|>|=|:?\w+/g) ?? [];
  let at = 0;
  const operand = (name: string) => plain(name.startsWith(':') ? values?.[name] : item?.[name]);
  const primary = (): boolean => {
    const token = tokens[at++] ?? '';
    if (token === '(') {
      const inner = or();
      at += 1;
      return inner;
    }
    if (token === 'attribute_exists' || token === 'attribute_not_exists') {
      const name = tokens[at + 1] ?? '';
      at += 3;
      return (item?.[name] !== undefined) === (token === 'attribute_exists');
    }
    const [left, operator, right] = [operand(token), tokens[at++], operand(tokens[at++] ?? '')];
    if (left === undefined || right === undefined) return false;
    if (operator === '=') return left === right;
    if (operator === '<') return left < right;
    if (operator === '<=') return left <= right;
    if (operator === '>') return left > right;
    throw new Error(`unknown operator ${operator}`);
  };
  const and = (): boolean => {
    let result = primary();
    while (tokens[at] === 'AND') {
      at += 1;
      const next = primary();
      result &&= next;
    }
    return result;
  };
  const or = (): boolean => {
    let result = and();
    while (tokens[at] === 'OR') {
      at += 1;
      const next = and();
      result ||= next;
    }
    return result;
  };
  return or();
};

const applyUpdate = (expression: string, item: Item, values: Values): Item => {
  const [, set = '', remove] = /^SET (.*?)(?: REMOVE (.*))?$/s.exec(expression) ?? [];
  const next = { ...item };
  for (const assignment of set.split(',')) {
    const [name = '', from = ''] = assignment.split('=').map((part) => part.trim());
    const value = from.startsWith(':') ? values?.[from] : item[from];
    if (value === undefined) throw new Error(`no value for ${from}`);
    next[name] = value;
  }
  for (const name of remove?.split(',') ?? []) delete next[name.trim()];
  return next;
};

/** Makes an empty DynamoDB. */
export const memoryDynamo = (): MemoryDynamo => {
  const client = new DynamoDBClient({ region: 'eu-central-1' });
  const mock = mockClient(client);
  const tables = new Map<string, Map<string, Item>>();
  const failures: { command: string; error: Error; after: boolean }[] = [];
  const repeats: string[] = [];
  let calls: string[] = [];
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
    if (repeat >= 0) {
      repeats.splice(repeat, 1);
      work();
    }
    const result = work();
    if (failure) throw failure.error;
    return result;
  };
  const check = (condition: string | undefined, item: Item | undefined, values: Values): void => {
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
      const table = items(input.TableName ?? '');
      const item = input.Item ?? {};
      const key = item['stateHash']?.S ?? item['eventId']?.S ?? item['grantId']?.S ?? '';
      check(input.ConditionExpression, table.get(key), input.ExpressionAttributeValues);
      table.set(key, item);
      return {};
    }),
  );
  mock.on(UpdateItemCommand).callsFake((input: UpdateItemCommandInput) =>
    run('UpdateItem', () => {
      const table = items(input.TableName ?? '');
      const key = keyOf(input.Key ?? {});
      check(input.ConditionExpression, table.get(key), input.ExpressionAttributeValues);
      const next = applyUpdate(input.UpdateExpression ?? '', table.get(key) ?? {}, input.ExpressionAttributeValues);
      table.set(key, next);
      return { Attributes: next };
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
  };
};
