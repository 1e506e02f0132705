import type { Mistake } from '../../shared/errors.ts';
import { isObject, objectsIn, type JsonObject } from '../../shared/json/json-object.ts';

/** A mistake unless the condition holds. */
export const unless = (
  holds: boolean,
  code: Mistake['code'],
  expression: string,
  message: string,
): readonly Mistake[] => (holds ? [] : [{ code, expression, message }]);

/** An object of a JSON value; an empty one if it is something else. */
export const objectOf = (value: unknown): JsonObject => (isObject(value) ? value : {});

/** Whether a CodeableConcept has a code. https://hl7.org/fhir/R4/datatypes.html#CodeableConcept */
export const hasCode = (concept: unknown, system: string, code: string): boolean =>
  objectsIn(objectOf(concept)['coding']).some((coding) => coding['system'] === system && coding['code'] === code);

/** Whether a value is a text with something in it. */
export const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';
