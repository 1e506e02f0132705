import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { GatewayResponseSpec } from './template-data.ts';

/** A case in which API Gateway answers itself, with the default answer if the stack has no gateway response for it. */
export interface OwnAnswer {
  /** An API Gateway response type, such as `REQUEST_TOO_LARGE`. */
  readonly type: string;
  readonly status: number;
  readonly message: string;
}

/** The values of `$context.…`, by name without that prefix. */
export type GatewayContext = Readonly<Record<string, string>>;

const missing: GatewayResponseSpec = {
  type: '',
  headers: {},
  templates: { 'application/json': '{"message":$context.error.messageString}' },
};

/**
 * The type's own response, or that of its class
 * (https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html).
 */
const specOf = ({ type, status }: OwnAnswer, specs: readonly GatewayResponseSpec[]): GatewayResponseSpec => {
  const classType = status < 500 ? 'DEFAULT_4XX' : 'DEFAULT_5XX';
  return specs.find((spec) => spec.type === type) ?? specs.find((spec) => spec.type === classType) ?? missing;
};

/** Fills in `$context.…` variables, with `absent` for missing ones. */
export const substitute = (text: string, context: GatewayContext, absent = ''): string =>
  text.replaceAll(/\$context\.([A-Za-z]+(?:\.[A-Za-z]+)*)/g, (_match, name: string) => context[name] ?? absent);

/**
 * A header's value is a quoted text, a context variable or a request header. If that request header is missing, the
 * header is omitted.
 */
const headerOf = (value: string, context: GatewayContext, request: IncomingMessage): string | undefined => {
  const [, literal] = /^'(.*)'$/s.exec(value) ?? [];
  if (literal !== undefined) return literal;
  const [, variable] = /^context\.(.+)$/.exec(value) ?? [];
  if (variable !== undefined) return context[variable];
  const [, header = ''] = /^method\.request\.header\.(.+)$/.exec(value) ?? [];
  return request.headers[header.toLowerCase()]?.toString();
};

/** The template of a type that the caller accepts by name, or JSON, or the first. */
const templateOf = (templates: Readonly<Record<string, string>>, accept = ''): readonly [string, string] => {
  const accepted = accept.split(',').map((part) => part.split(';')[0]?.trim() ?? '');
  const type = [...accepted, 'application/json', ...Object.keys(templates)].find((name) =>
    Object.hasOwn(templates, name),
  );
  return type === undefined ? ['application/json', ''] : [type, templates[type] ?? ''];
};

/** Status, headers and body of an answer that API Gateway makes itself. */
export const gatewayAnswer = (
  own: OwnAnswer,
  request: IncomingMessage,
  specs: readonly GatewayResponseSpec[],
  context: GatewayContext,
): { readonly status: number; readonly headers: OutgoingHttpHeaders; readonly body: string } => {
  const spec = specOf(own, specs);
  const filled = {
    ...context,
    'error.message': own.message,
    'error.messageString': JSON.stringify(own.message),
    'error.responseType': own.type,
  };
  const [contentType, template] = templateOf(
    Object.keys(spec.templates).length === 0 ? missing.templates : spec.templates,
    request.headers.accept,
  );
  const headers = Object.entries(spec.headers)
    .map(([name, value]) => [name, headerOf(value, filled, request)] as const)
    .filter((pair): pair is [string, string] => pair[1] !== undefined);
  return {
    status: spec.status ?? own.status,
    headers: { 'content-type': contentType, ...Object.fromEntries(headers) },
    body: substitute(template, filled),
  };
};

/**
 * An error body whose sentence also says what AWS would not: why the local stack answers so. A body of any other form stays
 * as it is.
 */
export const explained = (body: string, why: string): string => {
  const { error_description: sentence, ...rest } = JSON.parse(body) as Record<string, unknown>;
  if (typeof sentence !== 'string') return body;
  const { issue: [issue, ...issues] = [] } = rest as { issue?: readonly object[] };
  return JSON.stringify({
    ...rest,
    error_description: `${sentence} ${why}`,
    ...(issue === undefined ? {} : { issue: [{ ...issue, diagnostics: `${sentence} ${why}` }, ...issues] }),
  });
};
