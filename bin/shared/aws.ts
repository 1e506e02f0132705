import { defaultPorts } from '../../config/local.ts';
import type { StageConfig } from '../../config/stage.ts';
import { causeOf } from '../../functions/shared/errors.ts';
import { Refusal } from './errors.ts';
import { runningStack } from './running-stack.ts';

/** The stand-in for AWS of the local stack that runs. */
export const localEndpoint = (environment: NodeJS.ProcessEnv): string =>
  `http://127.0.0.1:${runningStack(environment)?.ports.aws ?? defaultPorts.aws}`;

/**
 * Settings of an AWS client for a stage; for stage `local` those of the local stack, with made-up credentials.
 * @param tool names the caller to the local stack
 */
export const awsSettings = (
  { stage, region }: Pick<StageConfig, 'stage' | 'region'>,
  environment: NodeJS.ProcessEnv,
  tool: string,
) => {
  const requestHandler = { connectionTimeout: 5000, requestTimeout: 60_000, throwOnRequestTimeout: true };
  if (stage !== 'local') return { ...(region === undefined ? {} : { region }), requestHandler };
  return {
    endpoint: environment['AWS_ENDPOINT_URL'] ?? localEndpoint(environment),
    region: region ?? 'us-east-1',
    credentials: { accessKeyId: tool, secretAccessKey: 'none' },
    requestHandler,
  };
};

const unreachable = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ECONNRESET|EHOSTUNREACH|ETIMEDOUT|TimeoutError/;
const withoutCredentials =
  /^(?:CredentialsProviderError|TokenProviderError|ExpiredToken\w*|InvalidAccessKeyId|UnrecognizedClient\w*|InvalidSignature\w*)$/;
const limited = /^(?:Throttling\w*|ProvisionedThroughputExceeded\w*|RequestLimitExceeded|TooManyRequests\w*)$/;
const refused = /^(?:AccessDenied\w*|AuthorizationError\w*|UnauthorizedOperation|Forbidden|403)$/;

/** An error that an AWS service returned. */
interface ServiceException extends Error {
  readonly $metadata: { readonly httpStatusCode?: number };
}

/** Errors about a name that the service does not accept. */
const invalidName = /^Invalid(?:BucketName|Table|Name|ARN|Arn)\w*$/;
/** Errors about any value. A person gave it only if it is a name: `Value 'a b' at 'tableName' failed to satisfy constraint`. */
const invalidValue = /^(?:Validation|InvalidParameter|InvalidRequest|InvalidArgument)\w*$/;
const aboutName = /\b(?:table|bucket|logGroup)(?:Name|Arn|Identifiers?)\b|\btable\/index name\b/i;

/**
 * Turns a known failure of an AWS client into a Refusal that says what to do; returns any other error unchanged.
 * @param service as people call it, such as `S3`
 * @param rights the permissions that the tool needs
 */
export const explainAwsFailure = (
  error: unknown,
  { stage, service, rights }: { readonly stage: string; readonly service: string; readonly rights: string },
): unknown => {
  if (error instanceof Refusal || !(error instanceof Error)) return error;
  const cause = causeOf(error);
  if (unreachable.test(cause)) {
    return new Refusal(
      stage === 'local'
        ? 'The local stack does not answer. Run `npm start`, or set AWS_ENDPOINT_URL if it is elsewhere.'
        : `${service} cannot be reached (${cause}). Check AWS_REGION and AWS_ENDPOINT_URL.`,
    );
  }
  if (withoutCredentials.test(error.name)) {
    return new Refusal('There are no valid AWS credentials. Set AWS_PROFILE, or sign in.');
  }
  if (/region is missing/i.test(error.message)) return new Refusal('There is no AWS region. Set AWS_REGION.');
  if (limited.test(error.name)) {
    return new Refusal(
      `${service} takes no more calls at the moment (${error.name}). Run the same command in a minute.`,
    );
  }
  if (error.name === 'ResourceNotFoundException') {
    return new Refusal(
      `${service} has nothing by that name (${error.message}). Check the names that you gave, the stage, the account and the region.`,
    );
  }
  if (refused.test(error.name)) return new Refusal(`AWS denied access. The tool needs ${rights}.`);
  const { $metadata: { httpStatusCode: status = 0 } = {} } = error as Partial<ServiceException>;
  if (status >= 500)
    return new Refusal(`${service} failed (${error.name}, ${status}). Run the same command in a minute.`);
  if (invalidName.test(error.name) || (invalidValue.test(error.name) && aboutName.test(error.message))) {
    return new Refusal(
      `${service} does not accept the call (${error.name}: ${error.message.split('\n')[0]}). Check the names that you gave.`,
    );
  }
  return error;
};
