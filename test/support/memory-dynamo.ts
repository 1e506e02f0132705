import { inspect } from 'node:util';
import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
  type AttributeValue,
  type DeleteItemCommandInput,
  type GetItemCommandInput,
  type PutItemCommandInput,
  type QueryCommandInput,
  type ScanCommandInput,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { validateExpressions } from 'dynalite/validations/index.js';
import { checkExpressionValues, checkItem, evaluateCondition, invalid, parseUpdate } from './dynamo-expressions.ts';

type Item = Record<string, AttributeValue>;

/** A command as the client received it. */
interface SentCommand {
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Answers a command instead of the tables; `undefined` leaves it to them. */
type Stand = (input: Readonly<Record<string, unknown>>) => Promise<object> | undefined;

/**
 * DynamoDB as the store uses it: in memory, behind a client whose `send` is replaced. Conditions are really evaluated,
 * and what DynamoDB would refuse with a ValidationException is refused before any condition.
 */
export interface MemoryDynamo {
  readonly client: DynamoDBClient;
  /** Every command so far, in order. */
  readonly sent: () => readonly SentCommand[];
  /** From now on, commands of this name get this answer. */
  readonly standIn: (command: string, stand: Stand) => void;
  /** Forgets the commands so far. */
  readonly forget: () => void;
  readonly items: (table: string) => Map<string, Item>;
  /** Names of the commands sent since the last call. */
  readonly calls: () => string[];
  /** The next commands of this name fail; with `after`, the write happens first. */
  readonly failNext: (command: string, error: Error, options?: { after?: boolean }) => void;
  /**
   * The next command of this name is sent twice, as the SDK does after a lost answer: only the second answer counts.
   */
  readonly repeatNext: (command: string) => void;
  /** The same for one write, by its number from now on (0 is the next). */
  readonly repeatWrite: (number: number) => void;
  /** Every item that was put, in order, including replaced ones. */
  readonly puts: (table: string) => readonly Item[];
  /** What was written since the last call: each write's expressions, or `put` and its condition. */
  readonly writes: () => string[];
}

const keyNames = ['stateHash', 'eventId', 'grantId', 'limitId', 'entryId', 'owner'];

/** The key of an item or of a request for one; an empty string is refused. */
const keyOf = (item: Item): string => {
  const key = keyNames.map((name) => item[name]?.S).find((value) => value !== undefined);
  if (!key) throw invalid('a key attribute must be a string that is not empty');
  return item['owner']?.S === key ? `${key}\n${item['name']?.S ?? ''}` : key;
};

/** Replaces the placeholders of attribute names in the expressions with the names. */
const withNames = <Input extends object>(input: Input): Input => {
  const { ExpressionAttributeNames: names } = input as { ExpressionAttributeNames?: Record<string, string> };
  if (names === undefined) return input;
  const entries = Object.entries(input).map(([key, value]) => {
    if (!key.endsWith('Expression') || typeof value !== 'string') return [key, value] as const;
    return [key, value.replaceAll(/#\w+/g, (name) => names[name] ?? name)] as const;
  });
  return Object.fromEntries(entries) as Input;
};

/** Without its stack, which takes as long as all the rest of a call. */
const refusal = (found: { readonly Item?: Item }): ConditionalCheckFailedException => {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const message = 'The conditional request failed';
  const error = new ConditionalCheckFailedException({ message, $metadata: {}, ...found });
  Error.stackTraceLimit = stackTraceLimit;
  return error;
};

/** Fixed values of the types that most values have; bytes are in base64, as the check wants them. */
const samples: Readonly<Record<string, object>> = { B: { B: 'AA==' }, N: { N: '1' }, S: { S: 'x' } };

/** Within a map, usual texts and numbers as in `samples`: an audit event has others in each call. */
const sampleWithin = (value: AttributeValue): object => {
  const [[type, content] = ['', undefined], ...more] = Object.entries(value) as [string, unknown][];
  if (more.length > 0) return value;
  if (type === 'M') {
    const entries = Object.entries(content as Item);
    return { M: Object.fromEntries(entries.map(([name, one]) => [name, sampleWithin(one)])) };
  }
  const isUsual = (type === 'S' && content !== '') || (type === 'N' && /^-?\d{1,15}$/.test(String(content)));
  return (isUsual ? samples[type] : undefined) ?? value;
};

const sampleOf = (value: AttributeValue): object => {
  const [type = ''] = Object.keys(value);
  return samples[type] ?? sampleWithin(value);
};

const isOfExpressions = /Expression$|AttributeNames$|AttributeValues$/;
/** All test files of a process share what is right. */
const { rightExpressions: checked = new Set<string>() } = globalThis as { readonly rightExpressions?: Set<string> };

/** All that decides whether the expressions are right: calls that differ in their values only are checked once. */
const shapeOf = (parts: readonly (readonly [string, unknown])[]): string => {
  let shape = '';
  for (const [key, part] of parts) {
    shape += `${key}\0`;
    if (typeof part === 'string') shape += `${part}\0`;
    else {
      for (const name in part as object) {
        const value = (part as Readonly<Record<string, unknown>>)[name];
        const [type = ''] = typeof value === 'object' && value !== null ? Object.keys(value) : [];
        // Not as JSON, whose uses some tests count.
        const told = type === 'M' ? sampleWithin(value as AttributeValue) : value;
        shape += `${name}\0${type in samples ? type : inspect(told, { depth: Infinity })}\0`;
      }
    }
  }
  return shape;
};

/**
 * Refuses expressions as DynamoDB does: reserved words, what cannot be parsed, and unused names and values.
 * @throws DynamoDBServiceException
 */
const checkExpressions = (input: object): void => {
  const parts = Object.entries(input).filter(([key, part]) => part !== undefined && isOfExpressions.test(key));
  const shape = shapeOf(parts);
  if (checked.has(shape)) return;
  const request = Object.fromEntries(parts) as { ExpressionAttributeValues?: Record<string, AttributeValue> };
  const { ExpressionAttributeValues: given } = request;
  if (given) {
    request.ExpressionAttributeValues = Object.fromEntries(
      Object.entries(given).map(([name, value]) => [name, sampleOf(value) as AttributeValue]),
    );
  }
  const problem = validateExpressions(structuredClone(request));
  if (problem) throw invalid(problem);
  checked.add(shape);
};

/** The attributes of an item that a read asks for. */
const projected = (item: Item | undefined, projection: string | undefined): Item | undefined => {
  if (item === undefined || projection === undefined) return item;
  const names = new Set(projection.split(',').map((name) => name.trim()));
  return Object.fromEntries(Object.entries(item).filter(([name]) => names.has(name)));
};

/** What each client inherits. To make one takes a tenth of a millisecond, and tests make thousands. */
const plainClient = new DynamoDBClient({ region: 'eu-central-1' });

/** Makes an empty DynamoDB. */
export const memoryDynamo = (): MemoryDynamo => {
  const client = Object.create(plainClient) as DynamoDBClient;
  const stands = new Map<string, Stand>();
  let sent: SentCommand[] = [];
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
    {
      ConditionExpression: condition,
      ExpressionAttributeValues: values,
      ReturnValuesOnConditionCheckFailure: returns,
    }: PutItemCommandInput | UpdateItemCommandInput | DeleteItemCommandInput,
  ): void => {
    if (condition !== undefined && !evaluateCondition(condition, item, values)) {
      const found = returns === 'ALL_OLD' && item !== undefined ? { Item: item } : {};
      throw refusal(found);
    }
  };
  const get = (input: GetItemCommandInput): Promise<object> =>
    run('GetItem', () => {
      const isLook = input.Key?.['limitId']?.S?.startsWith('breaker#') === true;
      if (input.ConsistentRead !== true && !isLook) throw new Error('a read that decides must be strongly consistent');
      const item = items(input.TableName ?? '').get(keyOf(input.Key ?? {}));
      return { Item: projected(item, input.ProjectionExpression) };
    });
  const scan = (input: ScanCommandInput): Promise<object> =>
    run('Scan', () => {
      const { FilterExpression: filter, ExpressionAttributeValues: values, Limit: limit = Infinity } = input;
      const all = [...items(input.TableName ?? '')].toSorted(([a], [b]) => (a < b ? -1 : 1));
      const from = input.ExclusiveStartKey === undefined ? '' : keyOf(input.ExclusiveStartKey);
      const page = all.filter(([key]) => key > from).slice(0, limit);
      const last = page.at(-1)?.[1];
      const matching = page
        .map(([, item]) => item)
        .filter((item) => !filter || evaluateCondition(filter, item, values));
      const isWhole = last === undefined || last === all.at(-1)?.[1];
      return { Items: matching, ScannedCount: page.length, ...(isWhole ? {} : { LastEvaluatedKey: last }) };
    });
  const queryTable = ({ Limit: limit = Infinity, ExclusiveStartKey: after, ...input }: QueryCommandInput): object => {
    if (input.ConsistentRead !== true) throw new Error('a read that decides must be strongly consistent');
    const found = [...items(input.TableName ?? '')]
      .filter(([, item]) =>
        evaluateCondition(input.KeyConditionExpression ?? '', item, input.ExpressionAttributeValues),
      )
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .filter(([key]) => after === undefined || key > keyOf(after));
    const page = found.slice(0, limit).map(([, item]) => item);
    const last = page.at(-1);
    // As DynamoDB does, also if the page ends with the last item.
    return { Items: page, ...(page.length < limit || last === undefined ? {} : { LastEvaluatedKey: last }) };
  };
  /** Of an index with one key, which has the keys of its items only and is never behind; or of a table with a sort key. */
  const query = (input: QueryCommandInput): Promise<object> =>
    run('Query', () => {
      const { KeyConditionExpression: condition = '', ExpressionAttributeValues: values, IndexName } = input;
      if (IndexName === undefined && input.TableName === 'Exchanges') return queryTable(input);
      if (IndexName === undefined || input.ConsistentRead === true)
        throw invalid('an index is read eventually consistent');
      const [key = ''] = condition.split(' ');
      const found = [...items(input.TableName ?? '').values()].filter((item) =>
        evaluateCondition(condition, item, values),
      );
      return { Items: found.map((item) => projected(item, [...keyNames, key].join(','))) };
    });
  const putItem = (input: PutItemCommandInput): Promise<object> =>
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
    });
  const update = (input: UpdateItemCommandInput): Promise<object> =>
    run('UpdateItem', () => {
      written.push(`${input.UpdateExpression} IF ${input.ConditionExpression}`);
      const table = items(input.TableName ?? '');
      const { UpdateExpression = '', ReturnValues = 'NONE', ExpressionAttributeValues: values } = input;
      if (!['NONE', 'ALL_NEW'].includes(ReturnValues)) throw invalid(`ReturnValues are not ${ReturnValues}`);
      const key = keyOf(input.Key ?? {});
      checkExpressionValues([UpdateExpression, input.ConditionExpression], values);
      const updated = parseUpdate(UpdateExpression, values, Object.keys(input.Key ?? {}));
      check(table.get(key), input);
      const next = updated(table.get(key) ?? input.Key ?? {});
      table.set(key, next);
      return ReturnValues === 'ALL_NEW' ? { Attributes: next } : {};
    });
  const deleteItem = (input: DeleteItemCommandInput): Promise<object> =>
    run('DeleteItem', () => {
      written.push(`delete IF ${input.ConditionExpression}`);
      const table = items(input.TableName ?? '');
      const key = keyOf(input.Key ?? {});
      checkExpressionValues([input.ConditionExpression], input.ExpressionAttributeValues);
      const { ReturnValues = 'NONE' } = input;
      if (!['NONE', 'ALL_OLD'].includes(ReturnValues)) throw invalid(`ReturnValues are not ${ReturnValues}`);
      const old = table.get(key);
      check(old, input);
      table.delete(key);
      return ReturnValues === 'ALL_OLD' && old !== undefined ? { Attributes: old } : {};
    });
  const send = async (command: object): Promise<object> => {
    if (command instanceof GetItemCommand) return answer('GetItem', command.input, get);
    if (command instanceof PutItemCommand) return answer('PutItem', command.input, putItem);
    if (command instanceof QueryCommand) return answer('Query', command.input, query);
    if (command instanceof ScanCommand) return answer('Scan', command.input, scan);
    if (command instanceof DeleteItemCommand) return answer('DeleteItem', command.input, deleteItem);
    if (command instanceof UpdateItemCommand) return answer('UpdateItem', command.input, update);
    throw new Error(`${command.constructor.name} is not a command that the store uses`);
  };
  const answer = <Input extends object>(name: string, input: Input, byTables: (input: Input) => Promise<object>) => {
    const given = input as Readonly<Record<string, unknown>>;
    sent.push({ name, input: given });
    checkExpressions(input);
    return stands.get(name)?.(given) ?? byTables(withNames(input));
  };
  Object.assign(client, { send });
  return {
    client,
    sent: () => sent,
    forget: () => void (sent = []),
    standIn: (command, stand) => void stands.set(command, stand),
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
