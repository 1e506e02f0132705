import { evalFhirPathTyped, getParsedExpressionForResourceType, toTypedValue } from '@medplum/core';
import type { SearchParameter } from './definitions.ts';
import type { Resource, StoredResource } from './resource.ts';

// The index: what each parameter finds in each resource, evaluated at first use and kept.
const index = new WeakMap<Resource, Map<string, readonly unknown[]>>();

/** What a search parameter's FHIRPath expression finds in a resource. */
export const valuesOf = ({ body }: Pick<StoredResource, 'body'>, parameter: SearchParameter): readonly unknown[] => {
  let values = index.get(body);
  if (!values) index.set(body, (values = new Map()));
  let found = values.get(parameter.code);
  if (!found) {
    const expression = getParsedExpressionForResourceType(body.resourceType, parameter.expression);
    const results = evalFhirPathTyped(expression, [toTypedValue(body)]) as { value: unknown }[];
    values.set(parameter.code, (found = results.map(({ value }) => value)));
  }
  return found;
};

/** The `Type/id` references among the values of a parameter. */
export const referencesOf = (resource: Pick<StoredResource, 'body'>, parameter: SearchParameter): string[] => {
  return valuesOf(resource, parameter).flatMap((value) => {
    const { reference } = Object(value) as { reference?: unknown };
    return typeof reference === 'string' ? [reference] : [];
  });
};
