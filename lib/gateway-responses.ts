import { GatewayResponse, ResponseType, type IRestApi } from 'aws-cdk-lib/aws-apigateway';
import type { Construct } from 'constructs';
import { withReference } from '../functions/shared/errors.ts';
import { operationOutcome } from '../functions/shared/fhir/operation-outcome.ts';

/** An answer that comes from AWS and not from our functions. */
interface Answer {
  /** Left out: the type's own. The two defaults must, or every 4xx would get one and the same. */
  readonly status?: number;
  /** Of RFC 6749 §4.1.2.1 and §5.2. */
  readonly error: string;
  /** FHIR's issue type: https://hl7.org/fhir/R4/valueset-issue-type.html */
  readonly issueType: string;
  readonly message: string;
  readonly retryAfterSeconds?: number;
}

/**
 * One body for every caller: API Gateway has one for each type of answer, whatever the route, and can only put in
 * variables. It is RFC 6749's error (§5.2; clients ignore further members) and an OperationOutcome at once. A FHIR
 * parser that tolerates no unknown member shows the status alone, as it would for any answer that is not FHIR; lenient
 * ones, which are most, show the issue. Nothing of the request is in it: API Gateway's own messages quote headers.
 */
const body = ({ error, issueType, message }: Answer, reference?: string): string =>
  JSON.stringify({
    error,
    error_description: withReference(message, reference),
    ...operationOutcome(issueType, message, reference),
  });

/**
 * Headers by name. `*` gives away nothing: no answer here depends on who asks or carries data, and without it a page sees
 * "network error" in place of the status.
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

/** No method here has AWS's own authentication: a missing or unreadable AWS signature means an unknown path. */
const noSuchPath: Answer = {
  status: 404,
  error: 'invalid_request',
  issueType: 'not-found',
  message: 'There is nothing at this path.',
};

const tooSlow: Answer = {
  status: 504,
  error: 'temporarily_unavailable',
  issueType: 'timeout',
  message: 'The answer took too long. Please try again.',
  retryAfterSeconds: 5,
};

/** By type; what is not named here is one of the two defaults, with its own status. */
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

/** API Gateway's own id of a request, which no client can choose; the access log has it. */
const ownReference = '$context.extendedRequestId';

/** What the web ACL answers in API Gateway's place, and in CloudFront's, to an address that sends too much. */
export const tooManyFromAddress = {
  status: 429,
  // The web ACL looks back over minutes.
  headers: headers({ ...tooMany, retryAfterSeconds: 60 }),
  body: body(tooMany),
};

/**
 * Status, headers and body of all that API Gateway answers itself.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
 */
export const addGatewayResponses = (scope: Construct, restApi: IRestApi): void => {
  for (const [type, answer] of Object.entries<Answer>(answers)) {
    const quoted = Object.entries(headers(answer)).map(([name, value]) => [name, `'${value}'`]);
    new GatewayResponse(scope, type, {
      restApi,
      type: ResponseType.of(type),
      ...(answer.status === undefined ? {} : { statusCode: String(answer.status) }),
      responseHeaders: Object.fromEntries(quoted) as Record<string, string>,
      templates: { 'application/json': body(answer, ownReference) },
    });
  }
};
