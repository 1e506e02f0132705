import addFormats from 'ajv-formats';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { openapi } from './document.ts';

const base = 'openapi';

// `strict` would refuse OpenAPI's own keywords, such as `example`.
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema({ ...openapi, $id: base }, undefined, false, false);

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
