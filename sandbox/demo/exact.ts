/** A resource's type and id, and its text without white space between tokens. */
export interface ExactResource {
  /** `Observation/12` */
  readonly name: string;
  readonly text: string;
}

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** Keeps each value's source text, so that `1.00` and `\u0041` do not change. */
const asWritten: Reviver = (_key, value, context) => context.source ?? value;

/** Parses JSON so that {@link exactly} can write it again, to the last character of each value. */
const parseAsWritten = (text: string): unknown => JSON.parse(text, asWritten as (key: string) => unknown);

/** Writes what {@link parseAsWritten} read, without white space between tokens. */
const exactly = (value: unknown): string => {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return `[${value.map(exactly).join(',')}]`;
  const members = Object.entries(value as object).map(([name, inner]) => `${JSON.stringify(name)}:${exactly(inner)}`);
  return `{${members.join(',')}}`;
};

interface Parsed {
  readonly [element: string]: unknown;
}

const named = (resource: Parsed): ExactResource => {
  const plain = (value: unknown): unknown => (typeof value === 'string' ? JSON.parse(value) : value);
  const text = exactly(resource);
  return { name: `${String(plain(resource['resourceType']))}/${String(plain(resource['id']))}`, text };
};

/** Parses a line of NDJSON. */
export const exactLine = (line: string): ExactResource => named(parseAsWritten(line) as Parsed);

/** Parses a Bundle into its resources and its link to the next page. */
export const exactPage = (text: string): { resources: readonly ExactResource[]; next: string | undefined } => {
  const { entry = [], link = [] } = parseAsWritten(text) as {
    entry?: readonly { resource?: Parsed }[];
    link?: readonly { relation: string; url: string }[];
  };
  const next = link.find(({ relation }) => relation === '"next"')?.url;
  return {
    resources: entry.flatMap(({ resource }) => (resource === undefined ? [] : [named(resource)])),
    next: next === undefined ? undefined : (JSON.parse(next) as string),
  };
};
