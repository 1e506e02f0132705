import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { StageConfig } from '../../config/stage.ts';
import { causeOf } from '../../functions/shared/errors.ts';
import { localEndpoint } from './aws.ts';
import { failureWords } from './failure-words.ts';

/** The endpoint to use instead of AWS: the one in the environment, or for stage `local` that of the stack that runs. */
export const awsEndpoint = (stage: string, env: NodeJS.ProcessEnv): string | undefined =>
  env['AWS_ENDPOINT_URL_SECRETS_MANAGER'] ??
  env['AWS_ENDPOINT_URL'] ??
  (stage === 'local' ? localEndpoint(env) : undefined);

/** A client for the stage's region. A stand-in gets made-up credentials, so that real ones are never sent to it. */
export const stageSecretsClient = ({ stage, region }: StageConfig, env: NodeJS.ProcessEnv): SecretsManagerClient => {
  const endpoint = awsEndpoint(stage, env);
  return new SecretsManagerClient({
    maxAttempts: 2,
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined
      ? {}
      : {
          endpoint,
          region: region ?? 'us-east-1',
          credentials: { accessKeyId: 'payers', secretAccessKey: 'none' },
        }),
  });
};

/** What is wrong, and what to do. */
export interface Explained {
  readonly problem: string;
  readonly todo: string;
}

/** AWS's errors by name and message: what is wrong, and what to do. */
const explanations: readonly (readonly [RegExp, string, string])[] = [
  // Only the message tells a secret without a value from one that does not exist.
  [/^ResourceNotFound.*staging label/s, 'has no value yet', 'put the value there (docs/payers.md says how)'],
  [
    /^ResourceNotFound/,
    'does not exist',
    "deploy the stage if its stack makes payers' secrets, else make it with: npm run payers -- secret ID; if it was made, check account and region",
  ],
  [
    /AccessDenied/,
    'may not be read with these credentials',
    'use a role with secretsmanager:GetSecretValue and kms:Decrypt, or skip it with --no-secrets',
  ],
  [/CredentialsProvider/, 'was not read: there are no AWS credentials', 'sign in to AWS, and run again'],
  [
    /ExpiredToken|UnrecognizedClient|InvalidSignature/,
    'was not read: AWS does not accept these credentials',
    'sign in to AWS again, and run again',
  ],
  [
    /Throttling|LimitExceeded|TooManyRequests/,
    'was not changed: Secrets Manager takes no more calls at the moment',
    'run again in a minute',
  ],
  [/^InvalidParameter/, 'was changed by someone else in the meantime', 'run again'],
  [/^ResourceExists/, 'was made by someone else just now', 'run again'],
  [
    /^(?:Encryption|Decryption)Failure|^InvalidRequest.*(?:KMS|key)|^NotFound.*lias/s,
    "cannot be encrypted with the stage's key",
    'deploy the stage, which makes the key; if it is deployed, check account and region, and whether the key is enabled',
  ],
  [/Region is missing/, 'was not read: no region is set', 'set AWS_REGION, or write region into the stage'],
];

/** What a tool that writes secrets may have to do with them. */
const writeRights =
  'secretsmanager:DescribeSecret, CreateSecret, PutSecretValue, UpdateSecretVersionStage and TagResource on the ' +
  "secret, and kms:GenerateDataKey and kms:Decrypt with the stage's key";

/**
 * What is wrong when a call to Secrets Manager fails, and what to do.
 * @param doing what the call was for
 */
export const explainSecretsFailure = (error: unknown, doing: 'read' | 'write' = 'read'): Explained => {
  const cause = causeOf(error);
  if (doing === 'write' && /AccessDenied/.test(cause)) {
    return { problem: 'may not be written with these credentials', todo: `use a role with ${writeRights}` };
  }
  const whole = `${cause} ${error instanceof Error ? error.message : ''}`;
  const [, problem, todo] = explanations.find(([pattern]) => pattern.test(whole)) ?? [];
  if (problem !== undefined && todo !== undefined) return { problem, todo };
  return {
    problem: `was not read: Secrets Manager ${failureWords(cause) ?? `answers ${cause}`}`,
    todo: 'check that AWS, or the stand-in that AWS_ENDPOINT_URL names, can be reached, and run again',
  };
};
