import { visibleLine } from '../../config/checks/visible.ts';

const lineWidth = 120;

const key = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : text(name));

const text = (value: string): string => {
  const quoted = visibleLine(JSON.stringify(value));
  return value.includes("'") ? quoted : `'${quoted.slice(1, -1).replaceAll('\\"', '"')}'`;
};

const scalar = (value: unknown): string => (typeof value === 'string' ? text(value) : JSON.stringify(value));

/** A comment by the path of its member, such as `quirks.aud`. */
export type Comments = ReadonlyMap<string, string>;

/** Words in lines of a width, each word whole. */
const wrapped = (words: string, width: number): string[] => {
  const lines = [''];
  for (const word of words.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
};

const commentLines = (comment: string | undefined, pad: string): string =>
  comment === undefined
    ? ''
    : wrapped(visibleLine(comment), lineWidth - pad.length - 3)
        .map((line) => `${pad}// ${line}\n`)
        .join('');

interface Print {
  readonly value: unknown;
  readonly indent: number;
  readonly before: number;
  readonly path: string;
  readonly comments: Comments;
}

const print = ({ value, indent, before, path, comments }: Print): string => {
  if (typeof value !== 'object' || value === null) return scalar(value);
  const pad = ' '.repeat(indent);
  const within = (inner: unknown, member: string, length = 0): string =>
    print({ value: inner, indent: indent + 2, before: length, path: member, comments });
  if (Array.isArray(value)) {
    const oneLine = `[${value.map((member) => print({ value: member, indent, before: 0, path, comments })).join(', ')}]`;
    const fits = indent + before + oneLine.length + 1 <= lineWidth && !oneLine.includes('\n');
    return fits ? oneLine : `[\n${value.map((member) => `${pad}  ${within(member, path)},\n`).join('')}${pad}]`;
  }
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => {
      const inner = path === '' ? name : `${path}.${name}`;
      const comment = commentLines(comments.get(inner), `${pad}  `);
      return `${comment}${pad}  ${key(name)}: ${within(member, inner, key(name).length + 2)},\n`;
    });
  return members.length === 0 ? '{}' : `{\n${members.join('')}${pad}}`;
};

/**
 * Prints a JSON value as TypeScript in this repository's style (Prettier's), to be pasted into a configuration.
 * Undefined members are omitted. Whatever is in its strings and comments stays in them.
 * @param indent how many spaces the line starts with where it is pasted
 * @param before the length of what comes before the value in its line
 * @param comments what to write above a member
 */
export const typeScript = (value: unknown, indent = 0, before = 0, comments: Comments = new Map()): string =>
  print({ value, indent, before, path: '', comments });
