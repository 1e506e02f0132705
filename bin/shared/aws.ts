import { defaultPorts } from '../../config/local.ts';
import type { StageConfig } from '../../config/stage.ts';
import { causeOf } from '../../functions/shared/errors.ts';
import { Refusal } from './command-line.ts';

/** The local stack's AWS, unless the environment names another place. */
const localEndpoint = `http://127.0.0.1:${defaultPorts.aws}`;

/**
 * Settings of an AWS client for a stage; for stage `local` the local stack's, with made-up credentials.
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
    endpoint: environment['AWS_ENDPOINT_URL'] ?? localEndpoint,
    region: region ?? 'us-east-1',
    credentials: { accessKeyId: tool, secretAccessKey: 'none' },
    requestHandler,
  };
};

const unreachable = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ECONNRESET|EHOSTUNREACH|ETIMEDOUT|TimeoutError/;
const withoutCredentials =
  /^(?:CredentialsProviderError|TokenProviderError|ExpiredToken\w*|InvalidAccessKeyId|UnrecognizedClient\w*|InvalidSignature\w*)$/;
const refused = /^(?:AccessDenied\w*|Forbidden|403)$/;

/**
 * Says what a person can do about a failure of an AWS client; what nobody foresaw comes back as it is.
 * @param service as a person calls it, such as `S3`
 * @param rights what the tool needs, for a refusal
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
        ? 'The local stack does not answer. Is `npm start` running? AWS_ENDPOINT_URL says where it is, if elsewhere.'
        : `${service} cannot be reached (${cause}). Look at AWS_REGION and AWS_ENDPOINT_URL.`,
    );
  }
  if (withoutCredentials.test(error.name)) {
    return new Refusal('There are no AWS credentials that can be used. Set AWS_PROFILE, or sign in.');
  }
  if (/region is missing/i.test(error.message)) return new Refusal('There is no AWS region. Set AWS_REGION.');
  if (refused.test(error.name)) return new Refusal(`AWS refuses. It takes ${rights}.`);
  return error;
};
