import { DynamoDBServiceException, type AttributeValue } from '@aws-sdk/client-dynamodb';

type Item = Record<string, AttributeValue>;
type Values = Record<string, AttributeValue> | undefined;

/** Reads each text once: tests send the same few expressions thousands of times. */
const once = <T>(read: (text: string) => T): ((text: string) => T) => {
  const known = new Map<string, T>();
  return (text) => {
    const found = known.get(text) ?? read(text);
    known.set(text, found);
    return found;
  };
};

const valuesUsedIn = once((expressions) => new Set<string>(expressions.match(/:\w+/g)));

/** DynamoDB's error for a malformed request. It does not depend on the item. */
export const invalid = (message: string): DynamoDBServiceException =>
  new DynamoDBServiceException({ name: 'ValidationException', $fault: 'client', $metadata: {}, message });

/** Refuses an empty attribute value: the SDK sends `{ S: undefined }` as `{}`. */
const checkValue = (name: string, value: AttributeValue): void => {
  const members = Object.values(value).filter((member) => member !== undefined);
  if (members.length !== 1) throw invalid(`${name} must have exactly one type`);
  if (value.N !== undefined && !/^-?\d+(\.\d+)?$/.test(value.N)) throw invalid(`${name} is not a number`);
  if (value.SS !== undefined && (value.SS.length === 0 || new Set(value.SS).size < value.SS.length)) {
    throw invalid(`${name} is a set that is empty or has a member twice`);
  }
  checkItem(value.M ?? {});
};

/** Refuses an item or a set of expression values with a malformed value. */
export const checkItem = (item: Item): void => {
  for (const [name, value] of Object.entries(item)) checkValue(name, value);
};

/** Refuses values that no expression uses, and expressions whose values are missing. */
export const checkExpressionValues = (expressions: readonly (string | undefined)[], values: Values): void => {
  const used = valuesUsedIn(expressions.join(' '));
  const given = Object.keys(values ?? {});
  if (values !== undefined && given.length === 0) throw invalid('ExpressionAttributeValues must not be empty');
  const unused = given.filter((name) => !used.has(name));
  if (unused.length > 0) throw invalid(`values that no expression uses: ${unused.join(', ')}`);
  const missing = [...used].filter((name) => !given.includes(name));
  if (missing.length > 0) throw invalid(`values that are not given: ${missing.join(', ')}`);
  checkItem(values ?? {});
};

const plain = (value: AttributeValue | undefined): string | number | undefined =>
  value?.S ?? (value?.N === undefined ? undefined : Number(value.N));

/** Of two values of the same type. */
const comparisons: Record<string, (left: string | number, right: string | number) => boolean> = {
  '=': (left, right) => left === right,
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
};

type Condition = (item: Item | undefined, values: Values) => boolean;

/** Reads the grammar that the store writes: functions, comparisons, AND, OR, parentheses. */
const readCondition = once((expression): Condition => {
  const tokens = expression.match(/[()]|<=|>=|<>|<|>|=|:?\w+|\S/g) ?? [];
  let at = 0;
  const next = (shape: RegExp): string => {
    const token = tokens[at++] ?? '';
    if (!shape.test(token)) throw invalid(`syntax error at "${token}" in ${expression}`);
    return token;
  };
  type Operand = (item: Item | undefined, values: Values) => string | number | undefined;
  const operand =
    (name: string): Operand =>
    (item, values) =>
      plain(name.startsWith(':') ? values?.[name] : item?.[name]);
  const size = (): Operand => {
    next(/^\($/);
    const set = next(/^\w+$/);
    next(/^\)$/);
    return (item) => item?.[set]?.SS?.length;
  };
  const primary = (): Condition => {
    const token = next(/^(\(|:?\w+)$/);
    if (token === '(') {
      const inner = or();
      next(/^\)$/);
      return inner;
    }
    if (token === 'contains' || token === 'begins_with') {
      next(/^\($/);
      const name = next(/^\w+$/);
      next(/^,$/);
      const value = next(/^:\w+$/);
      next(/^\)$/);
      return (item, values) => {
        const [attribute, text] = [item?.[name], values?.[value]?.S];
        if (text === undefined) return false;
        return token === 'contains' ? attribute?.SS?.includes(text) === true : attribute?.S?.startsWith(text) === true;
      };
    }
    if (token === 'attribute_exists' || token === 'attribute_not_exists') {
      next(/^\($/);
      const name = next(/^\w+$/);
      next(/^\)$/);
      return (item) => (item?.[name] !== undefined) === (token === 'attribute_exists');
    }
    const one = token === 'size' ? size() : operand(token);
    const comparator = next(/^(=|<>|<|<=|>|>=)$/);
    const other = operand(next(/^:?\w+$/));
    return (item, values) => {
      const [left, right] = [one(item, values), other(item, values)];
      // What is absent, or of another type, differs.
      if (comparator === '<>') return left !== right;
      if (left === undefined || right === undefined || typeof left !== typeof right) return false;
      return comparisons[comparator]?.(left, right) === true;
    };
  };
  const and = (): Condition => {
    const all = [primary()];
    while (tokens[at] === 'AND') {
      at += 1;
      all.push(primary());
    }
    return all.length === 1 ? all[0]! : (item, values) => all.every((one) => one(item, values));
  };
  const or = (): Condition => {
    const all = [and()];
    while (tokens[at] === 'OR') {
      at += 1;
      all.push(and());
    }
    return all.length === 1 ? all[0]! : (item, values) => all.some((one) => one(item, values));
  };
  const whole = or();
  if (at !== tokens.length) throw invalid(`syntax error at "${tokens[at]}" in ${expression}`);
  return whole;
});

/**
 * Evaluates a condition. Its malformed end is refused even if the result is clear early.
 * @throws DynamoDBServiceException ValidationException
 */
export const evaluateCondition = (expression: string, item: Item | undefined, values: Values): boolean =>
  readCondition(expression)(item, values);

const sum = (left: AttributeValue, right: AttributeValue | undefined): AttributeValue => {
  if (left.N === undefined || right?.N === undefined) throw invalid('only numbers can be added');
  return { N: String(Number(left.N) + Number(right.N)) };
};

/** Reads `SET name = from, name = from + :value, … REMOVE name, … ADD name :set, …`, each part optional. */
const readUpdate = once((expression) => {
  const syntaxError = (): Error => invalid(`syntax error in ${expression}`);
  const parts = /^(?:SET (?<set>.*?))?(?:(?:^| )REMOVE (?<remove>.*?))?(?:(?:^| )ADD (?<add>.*))?$/s.exec(expression);
  const { set, remove, add } = parts?.groups ?? {};
  if (set === undefined && remove === undefined && add === undefined) throw syntaxError();
  const assignments = (set?.split(',') ?? []).map((assignment): [string, string, string | undefined] => {
    const [, name, from, plus] = /^\s*(\w+) = (:?\w+)(?: \+ (:\w+))?\s*$/.exec(assignment) ?? [];
    if (name === undefined || from === undefined) throw syntaxError();
    return [name, from, plus];
  });
  const removals = (remove?.split(',') ?? []).map((name) => name.trim());
  if (!removals.every((name) => /^\w+$/.test(name))) throw syntaxError();
  const additions = (add?.split(',') ?? []).map((addition): [string, string] => {
    const [, name, more] = /^\s*(\w+) (:\w+)\s*$/.exec(addition) ?? [];
    if (name === undefined || more === undefined) throw syntaxError();
    return [name, more];
  });
  const paths = [...assignments.map(([name]) => name), ...removals, ...additions.map(([name]) => name)];
  if (new Set(paths).size < paths.length) throw invalid(`paths overlap in ${expression}`);
  return { assignments, removals, additions, paths };
});

/**
 * Reads an update, and applies it to an item.
 * @throws DynamoDBServiceException ValidationException if the expression is malformed, or if the item has no attribute
 *   `from`
 */
export const parseUpdate = (
  expression: string,
  values: Values,
  keyNames: readonly string[],
): ((item: Item) => Item) => {
  const { assignments, removals, additions, paths } = readUpdate(expression);
  const added = additions.map(([name, more]): [string, AttributeValue] => {
    const value = values?.[more];
    if (value?.SS === undefined && value?.N === undefined) throw invalid(`${more} cannot be added: ${expression}`);
    return [name, value];
  });
  if (paths.some((name) => keyNames.includes(name))) throw invalid(`the key cannot be changed: ${expression}`);
  return (item) => {
    const next = { ...item };
    for (const [name, from, plus] of assignments) {
      const value = from.startsWith(':') ? values?.[from] : item[from];
      if (value === undefined) throw invalid(`no attribute ${from}`);
      next[name] = plus === undefined ? value : sum(value, values?.[plus]);
    }
    for (const name of removals) delete next[name];
    for (const [name, more] of added) {
      next[name] =
        more.SS === undefined
          ? sum(next[name] ?? { N: '0' }, more)
          : { SS: [...new Set([...(next[name]?.SS ?? []), ...more.SS])] };
    }
    return next;
  };
};
