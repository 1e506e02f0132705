import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { root } from '../docs/documents.ts';

/** The API's description, from the repository's root. */
export const openapiPath = 'docs/openapi.yaml';

type Node = Readonly<Record<string, unknown>>;

/** A header, a media type, or an example, with its pointer into the document. */
export interface Part {
  readonly pointer: string;
  readonly node: Node;
}

/** One documented answer of an operation. */
export interface DocumentedAnswer extends Part {
  /** A status, a range such as `4XX`, or `default`. */
  readonly status: string;
  readonly description: string;
}

/** A documented operation. */
export interface Operation extends Part {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly answers: readonly DocumentedAnswer[];
}

/** The whole document as it is written. */
export const openapi = parse(readFileSync(join(root, openapiPath), 'utf8'), { maxAliasCount: -1 }) as Node;

/** A name as a JSON Pointer has it (RFC 6901). */
export const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

const at = (pointer: string): unknown =>
  pointer
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((node, name) => (node as Node | undefined)?.[name], openapi);

/** The node at a pointer, with references followed. @throws Error if there is none */
const partAt = (pointer: string): Part => {
  const node = at(pointer);
  if (typeof node !== 'object' || node === null) throw new Error(`${openapiPath} has nothing at ${pointer}`);
  const ref: unknown = (node as Node)['$ref'];
  return typeof ref === 'string' ? partAt(ref.slice(1)) : { pointer, node: node as Node };
};

/** The parts of a node's member, such as a response's headers, by name. */
export const partsOf = ({ pointer, node }: Part, member: string): ReadonlyMap<string, Part> => {
  const members = (node[member] ?? {}) as Node;
  return new Map(Object.keys(members).map((name) => [name, partAt(`${pointer}/${member}/${escaped(name)}`)]));
};

const methods = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options'];

const operationAt = (pointer: string, method: string, path: string): Operation => {
  const part = partAt(pointer);
  const answers = [...partsOf(part, 'responses')].map(([status, answer]) => ({
    pointer: answer.pointer,
    node: answer.node,
    status,
    description: String(answer.node['description']),
  }));
  return { ...part, id: String(part.node['operationId']), method, path, answers };
};

/** Every operation of the document's paths. */
export const operations: readonly Operation[] = [...partsOf(partAt(''), 'paths')].flatMap(([path, item]) =>
  methods
    .filter((method) => method in item.node)
    .map((method) => operationAt(`${item.pointer}/${method}`, method.toUpperCase(), path)),
);

/** A code that a description lists, and in which issue types of an OperationOutcome it shows. */
export interface ListedCode {
  readonly code: string;
  readonly issueTypes: readonly string[];
}

/** The codes that a description lists, one an item: "- `code` (`issue-type`): when". */
export const codesIn = (description: string): ListedCode[] =>
  [...description.matchAll(/^- `(\w+)`(?: \(([^)]+)\))?:/gm)].map(([, code = '', types = '']) => ({
    code,
    issueTypes: [...types.matchAll(/`([\w-]+)`/g)].map(([, type = '']) => type),
  }));
