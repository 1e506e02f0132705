const lineWidth = 120;

const key = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : text(name));

const text = (value: string): string => {
  const escaped = JSON.stringify(value);
  return value.includes("'") ? escaped : `'${escaped.slice(1, -1).replaceAll('\\"', '"')}'`;
};

const scalar = (value: unknown): string => (typeof value === 'string' ? text(value) : JSON.stringify(value));

/**
 * Prints a JSON value as TypeScript in this repository's style (Prettier's), to be pasted into a configuration.
 * Undefined members are omitted.
 * @param indent how many spaces the line starts with where it is pasted
 * @param before the length of what comes before the value in its line
 */
export const typeScript = (value: unknown, indent = 0, before = 0): string => {
  if (typeof value !== 'object' || value === null) return scalar(value);
  const pad = ' '.repeat(indent);
  const lines = (open: string, members: readonly string[], close: string): string =>
    `${open}\n${members.map((member) => `${pad}  ${member},\n`).join('')}${pad}${close}`;
  if (Array.isArray(value)) {
    const oneLine = `[${value.map((member) => typeScript(member, indent)).join(', ')}]`;
    const fits = indent + before + oneLine.length + 1 <= lineWidth && !oneLine.includes('\n');
    return fits
      ? oneLine
      : lines(
          '[',
          value.map((member) => typeScript(member, indent + 2)),
          ']',
        );
  }
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => `${key(name)}: ${typeScript(member, indent + 2, key(name).length + 2)}`);
  return members.length === 0 ? '{}' : lines('{', members, '}');
};
