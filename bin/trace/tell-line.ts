import { visibleLine } from '../../config/visible.ts';
import { parseObject } from '../../functions/shared/json-object.ts';
import type { FoundLine } from './find-lines.ts';

/** What a person reads first, in this order; the line's other fields follow. */
const first = [
  'level',
  'function',
  'step',
  'status',
  'outcome',
  'error',
  'detail',
  'partner',
  'payer',
  'grantId',
] as const;
/** Fields of the metrics, and the time, which the line starts with. */
const leftOut = new Set(['_aws', 'time', 'requests']);

const tell = (value: unknown): string =>
  typeof value === 'string' && /^[\w./:{}+*-]+$/.test(value) ? value : JSON.stringify(value);

/** A log line for a person: its time and its fields by name. A line that is not a JSON object stays as it is. */
export const tellLine = ({ atMs, text }: FoundLine): string => {
  const time = new Date(atMs).toISOString();
  const fields = parseObject(text);
  if (fields === undefined) return `${time}  ${visibleLine(text)}`;
  const rest = Object.keys(fields).filter((name) => !leftOut.has(name) && !(first as readonly string[]).includes(name));
  const told = [...first, ...rest]
    .filter((name) => fields[name] !== undefined && fields[name] !== '-')
    .map((name) => `${name}=${tell(fields[name])}`);
  return `${time}  ${told.join('  ')}`;
};
