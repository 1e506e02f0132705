import { GatewayError } from '../../shared/errors.ts';
import type { Parameter } from '../../shared/fhir/fhir-request.ts';
import { malformed } from '../../shared/fhir/refusals.ts';
import { header, type ApiEvent } from '../../shared/http/api.ts';
import { isObject, objectsIn, parseObject, type JsonObject } from '../../shared/json/json-object.ts';

/** In bytes. A kick-off only names types, a time and a patient. */
const longestBody = 65_536;

const jsonTypes = new Set(['application/fhir+json', 'application/json', 'text/json']);

/** A parameter's value: its one `value[x]` as text, and for a Reference its `reference`. */
const valueOf = (parameter: JsonObject): string => {
  const values = Object.entries(parameter).filter(([name]) => name.startsWith('value'));
  const [value] = values.map(([, given]) => (isObject(given) ? given['reference'] : given));
  if (values.length !== 1 || !['string', 'boolean', 'number'].includes(typeof value)) {
    throw malformed('Each parameter of the Parameters resource needs one value, such as valueString.');
  }
  return String(value);
};

/**
 * The parameters of a kick-off's body: a FHIR Parameters resource. An empty body has none.
 * @throws GatewayError 400, 413
 */
export const readParametersBody = (event: ApiEvent): Parameter[] => {
  const text = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  if (text.length === 0) return [];
  if (text.length > longestBody) {
    throw new GatewayError('invalid_request', `The body is longer than ${longestBody} bytes.`, { status: 413 });
  }
  const mediaType = header(event, 'content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
  const body = jsonTypes.has(mediaType) ? parseObject(text.toString('utf8')) : undefined;
  if (body?.['resourceType'] !== 'Parameters') {
    throw malformed('Send the parameters as a FHIR Parameters resource, in application/fhir+json.');
  }
  return objectsIn(body['parameter']).map((parameter) => {
    const { name } = parameter;
    if (typeof name !== 'string') throw malformed('Each parameter of the Parameters resource needs a name.');
    return [name, valueOf(parameter)];
  });
};
