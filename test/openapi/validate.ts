import addFormats from 'ajv-formats';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { openapi } from './document.ts';

const base = 'openapi';

type Node = Readonly<Record<string, unknown>>;

/** Schemas of answers and events. The document leaves them open, since later versions may add fields and values. */
export const openSchemas = [
  'RedirectErrorCode',
  'ErrorCode',
  'TokenAnswer',
  'Introspection',
  'FoundPayers',
  'Manifest',
  'Files',
  'Event',
] as const;

/** Closes a schema, so that the tests find anything that is sent but not documented. */
const close = (node: unknown): unknown => {
  if (Array.isArray(node)) return node.map(close);
  if (typeof node !== 'object' || node === null) return node;
  const { examples, ...rest } = node as Node;
  return {
    ...Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, close(value)])),
    ...(node['type' as keyof typeof node] === 'string' && Array.isArray(examples) ? { enum: examples } : {}),
    ...('properties' in node && !('additionalProperties' in node) ? { additionalProperties: false } : {}),
  };
};

const components = openapi['components'] as Readonly<Record<'schemas', Node>>;
const closed = {
  ...openapi,
  components: {
    ...components,
    schemas: {
      ...components.schemas,
      ...Object.fromEntries(openSchemas.map((name) => [name, close(components.schemas[name])])),
    },
  },
};

// `strict` would refuse OpenAPI's own keywords, such as `example`.
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema({ ...closed, $id: base }, undefined, false, false);

const compiled = new Map<string, ValidateFunction>();

const validatorAt = (pointer: string): ValidateFunction => {
  const known = compiled.get(pointer) ?? ajv.compile({ $ref: `${base}#${encodeURI(pointer)}` });
  compiled.set(pointer, known);
  return known;
};

/** Why a value does not fit the schema at a pointer of the document; nothing if it fits. */
export const problemsOf = (pointer: string, value: unknown): string[] => {
  const validate = validatorAt(pointer);
  if (validate(value)) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath || 'the value'} ${message}`);
};
