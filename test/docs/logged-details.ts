import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from '@swc/core';
import { root } from './documents.ts';

/** A node of a program's syntax, as far as this looks into it. */
interface Node {
  readonly type?: string;
  readonly [member: string]: unknown;
}

const childrenOf = (node: Node): Node[] =>
  Object.values(node)
    .flat()
    .filter((value): value is Node => typeof value === 'object' && value !== null);

const each = (node: Node, visit: (node: Node) => void): void => {
  visit(node);
  for (const child of childrenOf(node)) each(child, visit);
};

const nameOf = (node: unknown): string | undefined => {
  const { type, value } = (node ?? {}) as Node;
  return type === 'Identifier' && typeof value === 'string' ? value : undefined;
};

/** The texts that an expression can give, `…` for what is only known at run time; none if it is only that. */
const textsOf = (node: unknown): string[] => {
  const { type, ...parts } = (node ?? {}) as Node;
  switch (type) {
    case 'StringLiteral':
      return [String(parts['value'])];
    case 'TemplateLiteral':
      return [(parts['quasis'] as Node[]).map((quasi) => String(quasi['cooked'])).join('…')];
    case 'ConditionalExpression':
      return [...textsOf(parts['consequent']), ...textsOf(parts['alternate'])];
    case 'BinaryExpression':
      return parts['operator'] === '??' ? [...textsOf(parts['left']), ...textsOf(parts['right'])] : [];
    case 'ParenthesisExpression':
      return textsOf(parts['expression']);
    default:
      return [];
  }
};

/** Where functions take a parameter `detail`, by name. */
type Takers = ReadonlyMap<string, number>;

const sources = globSync('functions/**/*.ts', { cwd: root }).map((file) => {
  const text = readFileSync(join(root, file), 'utf8');
  return { text, program: parseSync(text, { syntax: 'typescript', target: 'es2024' }) as unknown as Node };
});

const takersIn = (program: Node): Takers => {
  const takers = new Map<string, number>();
  each(program, ({ type, id, init }) => {
    const { type: kind, params = [] } = (init ?? {}) as {
      readonly type?: string;
      readonly params?: readonly unknown[];
    };
    if (type !== 'VariableDeclarator' || kind !== 'ArrowFunctionExpression') return;
    const at = params.findIndex((one) => nameOf(one) === 'detail');
    const name = nameOf(id);
    if (at >= 0 && name !== undefined) takers.set(name, at);
  });
  return takers;
};

/** Those that other files can call. */
const exported: Takers = new Map(
  sources.flatMap(({ text, program }) =>
    [...takersIn(program)].filter(([name]) => text.includes(`export const ${name} =`)),
  ),
);

/** Every text that the code gives as `detail`: as a property, an assignment, or to a function that takes one. */
export const loggedDetails = (): readonly string[] => {
  const found = new Set<string>();
  const add = (node: unknown): void => {
    for (const text of textsOf(node)) if (/[^…\s]/.test(text)) found.add(text);
  };
  for (const { program } of sources) {
    const own = takersIn(program);
    each(program, (node) => {
      const { type, key, value, left, right, callee } = node;
      if (type === 'KeyValueProperty' && nameOf(key) === 'detail') add(value);
      if (type === 'AssignmentExpression' && nameOf((left as Node)['property']) === 'detail') add(right);
      if (type !== 'CallExpression') return;
      const name = nameOf(callee) ?? '';
      const at = own.get(name) ?? exported.get(name);
      if (at !== undefined) add((node['arguments'] as readonly Node[])[at]?.['expression']);
    });
  }
  return [...found].toSorted((a, b) => (a < b ? -1 : 1));
};
