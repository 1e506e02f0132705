import { secretNameOf } from './calls.ts';
import { account, region } from './intrinsics.ts';
import { jsonError, type AwsAnswer, type AwsService } from './service.ts';

/** An embedded Secrets Manager that answers `GetSecretValue` (JSON 1.1 protocol). */
export interface LocalSecretsManager {
  readonly service: AwsService;
  /** Sets a secret's value. With `undefined` the secret exists but is empty, as the stack creates it. */
  readonly setSecret: (name: string, value: string | undefined) => void;
}

const getSecretValue = (secrets: ReadonlyMap<string, string | undefined>, requestBody: string): AwsAnswer => {
  const { SecretId = '' } = JSON.parse(requestBody) as { SecretId?: string };
  const name = secretNameOf(SecretId);
  if (!secrets.has(name)) {
    return jsonError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
  }
  const value = secrets.get(name);
  if (value === undefined) {
    const message = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT";
    return jsonError('ResourceNotFoundException', message);
  }
  const body = {
    ARN: `arn:aws:secretsmanager:${region}:${account}:secret:${name}-local1`,
    Name: name,
    SecretString: value,
    VersionStages: ['AWSCURRENT'],
  };
  return { status: 200, headers: { 'content-type': 'application/x-amz-json-1.1' }, body: JSON.stringify(body) };
};

/** Creates a Secrets Manager without secrets. */
export const localSecretsManager = (): LocalSecretsManager => {
  const secrets = new Map<string, string | undefined>();
  return {
    service: ({ headers, body }) =>
      headers['x-amz-target'] === 'secretsmanager.GetSecretValue'
        ? getSecretValue(secrets, body.toString())
        : jsonError('InvalidRequestException', 'Only GetSecretValue is served here'),
    setSecret: (name, value) => {
      secrets.set(name, value);
    },
  };
};
