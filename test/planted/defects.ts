import { readFileSync } from 'node:fs';
import { parseSync } from '@swc/core';

/** A change such as a tired engineer makes: one value or one condition, never a whole function. */
export interface Defect {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** Offsets in bytes. */
  readonly start: number;
  readonly end: number;
  readonly kind: string;
  readonly was: string;
  readonly becomes: string;
}

interface Node {
  readonly type: string;
  readonly span: { readonly start: number; readonly end: number };
  readonly [key: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && 'span' in value;

const operators: Readonly<Record<string, readonly string[]>> = {
  '<': ['<=', '>'],
  '<=': ['<'],
  '>': ['>=', '<'],
  '>=': ['>'],
  '===': ['!=='],
  '!==': ['==='],
  '&&': ['||'],
  '||': ['&&'],
  '-': ['+'],
  '*': ['/'],
};

const methods: ReadonlyMap<string, string> = new Map([
  ['every', 'some'],
  ['some', 'every'],
  ['min', 'max'],
  ['max', 'min'],
]);

const numbersNear = (raw: string): readonly string[] => {
  const value = Number(raw.replaceAll('_', ''));
  if (!Number.isSafeInteger(value)) return [];
  const units = value >= 60 ? [String(value * 1000), String(Math.ceil(value / 60)), String(value * 2)] : [];
  return [String(value + 1), ...(value > 0 ? [String(value - 1)] : []), ...units];
};

/** What could be planted at this node: the kind of defect, the part that changes, and its replacement. */
const changesAt = (node: Node, textOf: (part: Node) => string): readonly (readonly [string, Node, string])[] => {
  const child = (key: string): Node => node[key] as Node;
  switch (node.type) {
    case 'BinaryExpression': {
      const [left, right] = [child('left'), child('right')];
      const operator = String(node['operator']);
      const swapped = (operators[operator] ?? []).map(
        (other) => [`${operator} for ${other}`, node, `${textOf(left)} ${other} ${textOf(right)}`] as const,
      );
      if (operator !== '&&' && operator !== '||') return swapped;
      return [
        ...swapped,
        ['a condition less', node, textOf(left)] as const,
        ['a condition less', node, textOf(right)] as const,
      ];
    }
    case 'NumericLiteral':
      return numbersNear(textOf(node)).map((other) => ['another number', node, other] as const);
    case 'BooleanLiteral':
      return [['the other answer', node, textOf(node) === 'true' ? 'false' : 'true']];
    case 'IfStatement':
      return [['a branch never taken', child('test'), 'false']];
    case 'UnaryExpression':
      return node['operator'] === '!' ? [['a negation less', node, textOf(child('argument'))]] : [];
    case 'ConditionalExpression':
      return [
        [
          'the other branch',
          node,
          `${textOf(child('test'))} ? ${textOf(child('alternate'))} : ${textOf(child('consequent'))}`,
        ],
      ];
    case 'ExpressionStatement': {
      const awaited = child('expression');
      return awaited.type === 'AwaitExpression'
        ? [['no await', awaited, `void ${textOf(awaited['argument'] as Node)}`]]
        : [];
    }
    case 'CallExpression': {
      const parts = (node['arguments'] as readonly { expression: Node; spread: unknown }[]).map(
        ({ expression }) => expression,
      );
      const [first, second] = parts;
      if (parts.length < 2 || first?.type !== 'Identifier' || second?.type !== 'Identifier') return [];
      const both = { ...first, span: { start: first.span.start, end: second.span.end } };
      return [['swapped arguments', both, `${textOf(second)}, ${textOf(first)}`]];
    }
    case 'MemberExpression': {
      const property = child('property');
      const other = property.type === 'Identifier' ? methods.get(textOf(property)) : undefined;
      return other === undefined ? [] : [['the opposite method', property, other]];
    }
    case 'ArrayExpression': {
      const elements = (node['elements'] as readonly ({ expression: Node } | undefined)[]).map(
        (one) => one?.expression,
      );
      if (elements.length < 3 || !elements.every((one) => one?.type === 'StringLiteral')) return [];
      return elements.map((one) => {
        const others = elements.filter((other) => other !== one).map((other) => textOf(other!));
        return [`no ${textOf(one!)} in the list`, node, `[${others.join(', ')}]`] as const;
      });
    }
    case 'ObjectExpression': {
      const parts = node['properties'] as readonly Node[];
      // A key with its value has no span of its own; methods and spreads are left alone.
      if (!parts.every(({ type }) => type === 'Identifier' || type === 'KeyValueProperty')) return [];
      const written = parts.map((part) => {
        if (part.type === 'Identifier') return textOf(part);
        const [key, value] = [part['key'] as Node, part['value'] as Node];
        return textOf({ ...key, span: { start: key.span.start, end: value.span.end } });
      });
      return written.flatMap((removed, index) => {
        if (parts[index]!.type !== 'Identifier') return [];
        return [[`no ${removed}`, node, `{ ${written.toSpliced(index, 1).join(', ')} }`] as const];
      });
    }
    case 'RegExpLiteral': {
      const [, pattern = '', flags = ''] = /^\/(.*)\/(\w*)$/s.exec(textOf(node)) ?? [];
      const loose = [
        ...(pattern.startsWith('^') ? [pattern.slice(1)] : []),
        ...(pattern.endsWith('$') ? [pattern.slice(0, -1)] : []),
      ];
      return loose.map((other) => ['a pattern without an anchor', node, `/${other}/${flags}`] as const);
    }
    default:
      return [];
  }
};

/** Everything that could be planted in a file. */
export const defectsOf = (file: string): readonly Defect[] => {
  const source = readFileSync(file);
  // Without a first statement of known place, swc counts from the first that the file has.
  const { body } = parseSync(`0;${source.toString('utf8')}`, { syntax: 'typescript', target: 'es2024' });
  const offset = (place: number): number => place - 3;
  const textOf = ({ span }: Node): string => source.subarray(offset(span.start), offset(span.end)).toString('utf8');
  const found: Defect[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(visit);
    if (typeof value !== 'object' || value === null) return;
    if (isNode(value)) {
      if (value.type.startsWith('Ts') && value.type.endsWith('Declaration')) return;
      if (value.type === 'TsTypeAnnotation') return;
      for (const [kind, part, becomes] of changesAt(value, textOf)) {
        const [start, end] = [offset(part.span.start), offset(part.span.end)];
        const line = source.subarray(0, start).toString('latin1').split('\n').length;
        found.push({ file, line, start, end, kind, was: textOf(part), becomes });
      }
    }
    Object.values(value).forEach(visit);
  };
  body.slice(1).forEach((statement) => {
    if (statement.type !== 'ImportDeclaration') visit(statement);
  });
  return found;
};

/** The file's bytes with the defect in them. */
export const planted = ({ start, end, becomes }: Defect, source: Uint8Array): Uint8Array =>
  Buffer.concat([source.subarray(0, start), Buffer.from(becomes), source.subarray(end)]);
