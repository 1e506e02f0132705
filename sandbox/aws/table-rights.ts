import { callerOf } from './calls.ts';
import { constructName, type Reading } from './cloudformation.ts';
import { tableArn } from './intrinsics.ts';
import { isAllowed, requireKnown, statementsOf, type ConditionKeys, type Statement, type Use } from './policy.ts';
import { jsonError, type AwsAnswer, type AwsRequest } from './service.ts';
import type { TableSpec } from './template-data.ts';

/** What the functions' roles allow on tables, by the functions' names. */
export type TableRights = ReadonlyMap<string, readonly Statement[]>;

/** @throws Error if a statement has a condition that cannot be evaluated here */
export const tableRightsOf = (reading: Reading): TableRights =>
  new Map(
    reading.ofType('AWS::Lambda::Function').map((lambda) => {
      const statements = statementsOf(reading, lambda).filter(({ actions }) =>
        actions.some((action) => /^(dynamodb:|\*$)/i.test(action)),
      );
      requireKnown(statements, conditionKeys);
      return [constructName(lambda), statements] as const;
    }),
  );

type Values = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The parameters of all operations in one type. */
interface Parameters {
  readonly TableName?: string;
  readonly IndexName?: string;
  readonly Key?: Values;
  readonly Item?: Values;
  readonly KeyConditionExpression?: string;
  readonly ProjectionExpression?: string;
  readonly Select?: string;
  readonly ReturnValues?: string;
  /** No condition key is about it, so a write whose condition fails may return the item whatever the role's rights. */
  readonly ReturnValuesOnConditionCheckFailure?: string;
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues?: Values;
}

const conditionKeys: ReadonlySet<string> = new Set([
  'dynamodb:LeadingKeys',
  'dynamodb:Attributes',
  'dynamodb:Select',
  'dynamodb:ReturnValues',
]);

/** The operations whose requests are understood, which are those that the functions use. No other is allowed. */
const reads = new Set(['GetItem', 'Query', 'Scan']);
const writes = new Set(['PutItem', 'UpdateItem', 'DeleteItem']);

const keywords = new Set(['SET', 'REMOVE', 'ADD', 'DELETE', 'AND', 'OR', 'NOT', 'BETWEEN', 'IN']);

/** The attributes that an expression names, without what is inside them: neither functions, values nor keywords. */
const namesIn = (expression: string, { ExpressionAttributeNames: names = {} }: Parameters): string[] =>
  [...expression.matchAll(/(?<![\w.:#])#?[A-Za-z_]\w*(?!\s*\(|\w)/g)]
    .map(([name]) => name)
    .filter((name) => !keywords.has(name.toUpperCase()))
    .map((name) => names[name] ?? name);

const attributesOf = (parameters: Parameters): string[] => {
  const { Key = {}, Item = {}, ...rest } = parameters;
  const expressions = Object.entries(rest).flatMap(([name, text]) =>
    name.endsWith('Expression') && typeof text === 'string' ? text : [],
  );
  const named = expressions.flatMap((expression) => namesIn(expression, parameters));
  return [...new Set([...Object.keys(Key), ...Object.keys(Item), ...named])];
};

const textOf = (value: Values[string] | undefined): string[] =>
  value === undefined ? [] : [String(Object.values(value)[0])];

/** The values of the partition key of the table, or of the index that is read. */
const leadingKeysOf = (parameters: Parameters, { keySchema, indexes = [] }: TableSpec): string[] => {
  const { IndexName, Key, Item, KeyConditionExpression = '', ExpressionAttributeValues: values = {} } = parameters;
  const index = (indexes as readonly { IndexName: string; KeySchema: TableSpec['keySchema'] }[]).find(
    (one) => one.IndexName === IndexName,
  );
  const { AttributeName: hash = '' } = (index?.KeySchema ?? keySchema).find(({ KeyType }) => KeyType === 'HASH') ?? {};
  const equal = [...KeyConditionExpression.matchAll(/(#?[A-Za-z_]\w*)\s*=\s*(:\w+)/g)].find(
    ([, name = '']) => namesIn(name, parameters)[0] === hash,
  );
  return textOf(equal === undefined ? (Key ?? Item)?.[hash] : values[equal[2] ?? '']);
};

/**
 * What is selected without `Select` follows from the rest of the request
 * (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html#DDB-Query-request-Select). A GetItem has no such
 * parameter, but is judged in the same way.
 */
const selectOf = ({ Select, ProjectionExpression, IndexName }: Parameters): string =>
  Select ??
  (ProjectionExpression !== undefined
    ? 'SPECIFIC_ATTRIBUTES'
    : IndexName === undefined
      ? 'ALL_ATTRIBUTES'
      : 'ALL_PROJECTED_ATTRIBUTES');

const orAbsent = (values: string[]): readonly string[] | undefined => (values.length === 0 ? undefined : values);

/**
 * A request's condition keys. Attributes are those that the request names, not those that the answer has
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html).
 */
const keysOf = (operation: string, parameters: Parameters, table: TableSpec): ConditionKeys => ({
  'dynamodb:LeadingKeys': orAbsent(leadingKeysOf(parameters, table)),
  'dynamodb:Attributes': orAbsent(attributesOf(parameters)),
  'dynamodb:Select': reads.has(operation) ? selectOf(parameters) : undefined,
  'dynamodb:ReturnValues': parameters.ReturnValues,
});

/** What IAM is asked about a request. @returns undefined if nothing can be said of it */
export const useOf = (
  operation: string,
  parameters: Parameters,
  tables: ReadonlyMap<string, TableSpec>,
): Use | undefined => {
  const { TableName = '', IndexName } = parameters;
  const table = tables.get(TableName);
  if (table === undefined || (!reads.has(operation) && !writes.has(operation))) return undefined;
  return {
    action: `dynamodb:${operation}`,
    resource: `${tableArn(TableName)}${IndexName === undefined ? '' : `/index/${IndexName}`}`,
    keys: keysOf(operation, parameters, table),
  };
};

/** Refuses what the caller's role does not allow. A caller that is not a function may do everything. */
export const refuseRequest = (
  request: AwsRequest,
  rights: TableRights,
  tables: ReadonlyMap<string, TableSpec>,
): AwsAnswer | undefined => {
  const caller = callerOf(request);
  const statements = rights.get(caller);
  if (statements === undefined) return undefined;
  const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
  const use = useOf(operation, JSON.parse(request.body.toString()) as Parameters, tables);
  if (use !== undefined && isAllowed(statements, use)) return undefined;
  const what = `dynamodb:${operation} on resource: ${use?.resource ?? '*'}`;
  return jsonError(
    'AccessDeniedException',
    `User: ${caller} is not authorized to perform: ${what} because no identity-based policy allows the dynamodb:${operation} action`,
  );
};
