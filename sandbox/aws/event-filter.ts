/** Whether an event passes a filter of an event source mapping. */
export type EventFilter = (event: unknown) => boolean;

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

type Test = (value: unknown) => boolean;

const onText =
  (test: (text: string) => boolean): Test =>
  (value) =>
    typeof value === 'string' && test(value);

const tests: Readonly<Record<string, (argument: unknown) => Test>> = {
  exists: (wanted) => (value) => (value !== undefined) === wanted,
  prefix: (start) => onText((text) => text.startsWith(String(start))),
  suffix: (end) => onText((text) => text.endsWith(String(end))),
  'equals-ignore-case': (other) => onText((text) => text.toLowerCase() === String(other).toLowerCase()),
  'anything-but': (others) => (value) => value !== undefined && ![others].flat().includes(value),
};

const testOf = (rule: unknown): Test => {
  if (!isMap(rule)) return (value) => value === rule;
  const [name = '', argument] = Object.entries(rule)[0] ?? [];
  const make = tests[name];
  if (make === undefined) throw new Error(`The local stack has no filter rule ${JSON.stringify(rule)}`);
  return make(argument);
};

const filterOf = (pattern: unknown): EventFilter => {
  if (Array.isArray(pattern)) {
    const any = pattern.map(testOf);
    return (value) => any.some((test) => test(value));
  }
  if (!isMap(pattern)) throw new Error(`The local stack can't read the filter ${JSON.stringify(pattern)}`);
  const all = Object.entries(pattern).map(([name, inner]) => [name, filterOf(inner)] as const);
  return (value) => all.every(([name, test]) => test(isMap(value) ? value[name] : undefined));
};

/**
 * Reads filters, each a JSON text. An event passes if it matches one of them
 * (https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html).
 * @throws Error that names an unsupported rule
 */
export const eventFilter = (patterns: readonly string[]): EventFilter => {
  const filters = patterns.map((pattern) => filterOf(JSON.parse(pattern)));
  return (event) => filters.length === 0 || filters.some((filter) => filter(event));
};
