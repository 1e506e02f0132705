import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { defaultPorts } from '../../config/local.ts';
import type { StageConfig } from '../../config/stage.ts';
import { causeOf } from '../../functions/shared/errors.ts';
import { answerMs, withinMs } from './deadline.ts';
import { failureWords } from './probe.ts';
import type { SecretReading } from './secret.ts';

/** Where `npm start` serves its stand-ins for AWS. */
const localEndpoint = `http://127.0.0.1:${defaultPorts.aws}`;

/** The endpoint in place of AWS: what the environment names, else for stage `local` that of `npm start`. */
export const awsEndpoint = (stage: string, env: NodeJS.ProcessEnv): string | undefined =>
  env['AWS_ENDPOINT_URL_SECRETS_MANAGER'] ?? env['AWS_ENDPOINT_URL'] ?? (stage === 'local' ? localEndpoint : undefined);

/** A client for the stage's region; for a stand-in with made-up credentials, so that real ones never go there. */
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

type Explained = Exclude<SecretReading, { text: string }>;

/** AWS's errors, each told by its names and message: what is the matter, and what to do. */
const explanations: readonly (readonly [RegExp, string, string])[] = [
  // A secret without a value and none at all differ in the message only.
  [/^ResourceNotFound.*staging label/s, 'is there and has no value', 'put the value there (docs/payers.md says how)'],
  [/^ResourceNotFound/, 'is not there', 'deploy the stage, which makes it; check account and region if it is deployed'],
  [
    /AccessDenied/,
    'may not be read with these credentials',
    'use a role with secretsmanager:GetSecretValue and kms:Decrypt, or leave it out with --no-secrets',
  ],
  [/CredentialsProvider/, 'was not read: there are no AWS credentials', 'sign in to AWS, and run again'],
  [
    /ExpiredToken|UnrecognizedClient|InvalidSignature/,
    'was not read: AWS does not take these credentials',
    'sign in to AWS again, and run again',
  ],
  [/Region is missing/, 'was not read: no region is known', 'set AWS_REGION, or write region into the stage'],
];

export const explain = (error: unknown): Explained => {
  const cause = causeOf(error);
  const whole = `${cause} ${error instanceof Error ? error.message : ''}`;
  const [, problem, todo] = explanations.find(([pattern]) => pattern.test(whole)) ?? [];
  if (problem !== undefined && todo !== undefined) return { problem, todo };
  return {
    problem: `was not read: Secrets Manager ${failureWords(cause) ?? `answers ${cause}`}`,
    todo: 'check that AWS, or the stand-in that AWS_ENDPOINT_URL names, can be reached, and run again',
  };
};

/** Reads secrets, each within the doctor's time. It never throws, and what it says holds no secret. */
export const readSecretWith =
  (client: SecretsManagerClient) =>
  async (name: string): Promise<SecretReading> => {
    try {
      const command = new GetSecretValueCommand({ SecretId: name, VersionStage: 'AWSCURRENT' });
      const { SecretString } = await withinMs(answerMs, client.send(command));
      return { text: SecretString ?? '' };
    } catch (error) {
      return explain(error);
    }
  };
