import { GatewayResponse, ResponseType, type IRestApi } from 'aws-cdk-lib/aws-apigateway';
import type { Construct } from 'constructs';
import { withReference } from '../functions/shared/errors.ts';
import { operationOutcome } from '../functions/shared/fhir/operation-outcome.ts';
import { withReadOn } from '../functions/shared/http/read-on.ts';

/** A response that comes from AWS and not from our functions. */
interface Answer {
  /** @default the type's own; the two defaults need that, or every 4xx would get the same status */
  readonly status?: number;
  /** Of RFC 6749 §4.1.2.1 and §5.2. */
  readonly error: string;
  /** FHIR's issue type: https://hl7.org/fhir/R4/valueset-issue-type.html */
  readonly issueType: string;
  readonly message: string;
  readonly retryAfterSeconds?: number;
}

/**
 * One body for every caller: API Gateway has one template per type of response, whatever the route, and can only fill
 * in variables. The body is an RFC 6749 error (§5.2; clients ignore other members) and an OperationOutcome at once. A
 * strict FHIR parser shows only the status, as for any response that is not FHIR; lenient parsers, which are the
 * majority, show the issue. It quotes nothing from the request: API Gateway's own messages quote headers.
 */
const body = ({ error, issueType, message }: Answer, reference?: string, errorsUrl?: string): string => {
  const uri = errorsUrl === undefined ? undefined : `${errorsUrl}#in-front-of-the-gateway`;
  return JSON.stringify({
    error,
    error_description: withReference(message, reference),
    ...(uri === undefined ? {} : { error_uri: uri }),
    ...operationOutcome(issueType, message, withReadOn(message, reference, uri)),
  });
};

/**
 * Headers by name. `*` is safe: no response here carries data or depends on who asks. Without it, a page sees "network
 * error" instead of the status.
 */
const headers = ({ retryAfterSeconds }: Answer): Record<string, string> => ({
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'Retry-After',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  ...(retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) }),
});

const tooMany: Answer = {
  status: 429,
  error: 'temporarily_unavailable',
  issueType: 'throttled',
  message: 'Too many requests. Wait as long as Retry-After says, then try again.',
  retryAfterSeconds: 1,
};

/** No method here uses AWS authentication: AWS reports an unknown path as a missing or invalid AWS signature. */
const noSuchPath: Answer = {
  status: 404,
  error: 'invalid_request',
  issueType: 'not-found',
  message: 'There is nothing at this path. Discovery is at /r4/{payer}/.well-known/smart-configuration.',
};

const tooSlow: Answer = {
  status: 504,
  error: 'temporarily_unavailable',
  issueType: 'timeout',
  message: 'The answer took too long. Please try again.',
  retryAfterSeconds: 5,
};

/** By type. Every type not listed gets one of the two defaults, with its own status. */
const answers = {
  DEFAULT_4XX: { error: 'invalid_request', issueType: 'invalid', message: 'The request cannot be read.' },
  DEFAULT_5XX: { error: 'server_error', issueType: 'exception', message: 'Something went wrong on our side.' },
  MISSING_AUTHENTICATION_TOKEN: noSuchPath,
  INVALID_SIGNATURE: noSuchPath,
  RESOURCE_NOT_FOUND: noSuchPath,
  REQUEST_TOO_LARGE: {
    status: 413,
    error: 'invalid_request',
    issueType: 'too-long',
    message: 'The request is too large.',
  },
  THROTTLED: tooMany,
  QUOTA_EXCEEDED: tooMany,
  WAF_FILTERED: {
    status: 403,
    error: 'access_denied',
    issueType: 'forbidden',
    message: 'The request looks like an attack and was stopped.',
  },
  INTEGRATION_TIMEOUT: tooSlow,
  INTEGRATION_FAILURE: {
    status: 503,
    error: 'temporarily_unavailable',
    issueType: 'transient',
    message: 'The service is briefly unavailable. Please try again.',
    retryAfterSeconds: 5,
  },
} as const satisfies Record<string, Answer>;

/** API Gateway's own request id, which no client can choose; it is in the access log. */
const ownReference = '$context.extendedRequestId';

/** What a web ACL answers, for API Gateway or CloudFront, to an address that sends too many requests. */
export const tooManyFromAddress = {
  status: 429,
  // The web ACL counts over several minutes.
  headers: headers({ ...tooMany, retryAfterSeconds: 60 }),
  body: body(tooMany),
};

/**
 * Sets status, headers and body of every response that API Gateway generates itself.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
 */
export const addGatewayResponses = (scope: Construct, restApi: IRestApi, errorsUrl: string | undefined): void => {
  for (const [type, answer] of Object.entries<Answer>(answers)) {
    const quoted = Object.entries(headers(answer)).map(([name, value]) => [name, `'${value}'`]);
    new GatewayResponse(scope, type, {
      restApi,
      type: ResponseType.of(type),
      ...(answer.status === undefined ? {} : { statusCode: String(answer.status) }),
      responseHeaders: Object.fromEntries(quoted) as Record<string, string>,
      templates: { 'application/json': body(answer, ownReference, errorsUrl) },
    });
  }
};
