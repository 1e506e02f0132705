/** What is wrong with the values: the whole message, since a platform engineer sees nothing else. */
type Message = string | undefined | ((value: string) => string);

/** What a rule says, and the values of which it says that. */
export type Case = readonly [message: Message, ...values: string[]];

/** What a rule says of a value that is right. */
export const ok = undefined;

/** A test for each value of a rule. */
export const holds = (name: string, rule: (value: string) => string | undefined, ...cases: readonly Case[]): void => {
  const rows = cases.flatMap(([message, ...values]) =>
    values.map((value) => [value, typeof message === 'function' ? message(value) : message] as const),
  );
  it.each(rows)(`${name}, %j: %s`, (value, message) => {
    expect(rule(value)).toBe(message);
  });
};
