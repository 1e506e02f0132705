import { randomUUID } from 'node:crypto';
import { keptMap, noRooms, type Rooms } from '../state/room.ts';
import { secretNameOf } from './calls.ts';
import { account, region } from './intrinsics.ts';
import type { LocalKms } from './kms.ts';
import { addVersion, emptySecret, labelsByVersion, moveLabel, type Secret } from './secret-versions.ts';
import { jsonError, type AwsAnswer, type AwsService } from './service.ts';

/** An embedded Secrets Manager (JSON 1.1 protocol) with the operations that the functions and the tools use. */
export interface LocalSecretsManager {
  readonly service: AwsService;
  /**
   * Sets a secret's value, and creates it if there is none. With `undefined` it exists but is empty.
   * @param keyId the key that a new one is encrypted with
   */
  readonly setSecret: (name: string, value: string | undefined, keyId?: string) => void;
  /** A secret's present value; undefined if it is empty, or if there is none. */
  readonly currentValue: (name: string) => string | undefined;
}

/** A request's parameters, of all operations together. */
interface Parameters {
  readonly SecretId?: string;
  readonly Name?: string;
  readonly KmsKeyId?: string;
  readonly SecretString?: string;
  readonly ClientRequestToken?: string;
  readonly VersionId?: string;
  readonly VersionStage?: string;
  readonly VersionStages?: readonly string[];
  readonly MoveToVersionId?: string;
  readonly RemoveFromVersionId?: string;
  readonly Tags?: readonly { readonly Key: string; readonly Value: string }[];
}

/** A secret that a request found. */
interface Found {
  readonly name: string;
  readonly secret: Secret;
}

const arnOf = (name: string): string => `arn:aws:secretsmanager:${region}:${account}:secret:${name}-local1`;

const answer = (body: object): AwsAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/x-amz-json-1.1' },
  body: JSON.stringify(body),
});

const getSecretValue = ({ name, secret }: Found, { VersionId, VersionStage }: Parameters): AwsAnswer => {
  const label = VersionStage ?? 'AWSCURRENT';
  const version = VersionId ?? secret.labels.get(label);
  const value = version === undefined ? undefined : secret.versions.get(version);
  if (version === undefined || value === undefined) {
    const what = VersionId === undefined ? `staging label: ${label}` : `VersionId: ${VersionId}`;
    return jsonError('ResourceNotFoundException', `Secrets Manager can't find the specified secret value for ${what}`);
  }
  const stages = labelsByVersion(secret)[version];
  if (VersionStage !== undefined && stages?.includes(VersionStage) !== true) {
    return jsonError(
      'InvalidRequestException',
      'You provided a VersionStage that is not associated to the provided VersionId.',
    );
  }
  return answer({ ARN: arnOf(name), Name: name, VersionId: version, SecretString: value, VersionStages: stages });
};

const describeSecret = ({ name, secret }: Found): AwsAnswer =>
  answer({
    ARN: arnOf(name),
    Name: name,
    VersionIdsToStages: labelsByVersion(secret),
    Tags: [...secret.tags].map(([Key, Value]) => ({ Key, Value })),
  });

const setTags = ({ tags }: Secret, { Tags = [] }: Parameters): void => {
  for (const { Key, Value } of Tags) tags.set(Key, Value);
};

const tagResource = ({ secret }: Found, parameters: Parameters): AwsAnswer => {
  setTags(secret, parameters);
  return answer({});
};

const putSecretValue = (
  { name, secret }: Found,
  { ClientRequestToken: version = randomUUID(), SecretString = '', VersionStages = ['AWSCURRENT'] }: Parameters,
): AwsAnswer => {
  const before = secret.versions.get(version);
  if (before !== undefined && before !== SecretString) {
    return jsonError('ResourceExistsException', 'A version with this ID already exists, and it has another value.');
  }
  if (before === undefined) addVersion(secret, version, SecretString, VersionStages);
  return answer({ ARN: arnOf(name), Name: name, VersionId: version, VersionStages: labelsByVersion(secret)[version] });
};

const updateSecretVersionStage = (
  { name, secret }: Found,
  { VersionStage: label = '', MoveToVersionId: to, RemoveFromVersionId: from }: Parameters,
): AwsAnswer => {
  const at = secret.labels.get(label);
  if (to !== undefined && !secret.versions.has(to)) {
    return jsonError('ResourceNotFoundException', `Secrets Manager can't find the specified version: ${to}`);
  }
  if (at !== from && at !== to) {
    return jsonError('InvalidParameterException', `The staging label ${label} is currently attached to version ${at}.`);
  }
  moveLabel(secret, label, to);
  return answer({ ARN: arnOf(name), Name: name });
};

/** The shortest and the longest value of each parameter, as the service's model has them. */
const lengths: Readonly<Partial<Record<keyof Parameters, readonly [least: number, most: number]>>> = {
  SecretId: [1, 2048],
  Name: [1, 512],
  SecretString: [1, 65_536],
  ClientRequestToken: [32, 64],
  VersionId: [32, 64],
  VersionStage: [1, 256],
  MoveToVersionId: [32, 64],
  RemoveFromVersionId: [32, 64],
};

/** The refusal of a request with a parameter that is too short or too long. */
const wrongLength = (parameters: Parameters): AwsAnswer | undefined => {
  for (const [name, [least, most]] of Object.entries(lengths)) {
    const value = parameters[name as keyof Parameters];
    if (typeof value !== 'string' || (value.length >= least && value.length <= most)) continue;
    const bound = value.length < least ? `greater than or equal to ${least}` : `less than or equal to ${most}`;
    const where = `${name.charAt(0).toLowerCase()}${name.slice(1)}`;
    return jsonError(
      'ValidationException',
      `1 validation error detected: Value at '${where}' failed to satisfy constraint: Member must have length ${bound}`,
    );
  }
  return undefined;
};

type Operation = (found: Found, parameters: Parameters) => AwsAnswer;

const operations: Readonly<Record<string, Operation>> = {
  GetSecretValue: getSecretValue,
  DescribeSecret: describeSecret,
  PutSecretValue: putSecretValue,
  TagResource: tagResource,
  UpdateSecretVersionStage: updateSecretVersionStage,
};

const readOnly: ReadonlySet<string> = new Set(['GetSecretValue', 'DescribeSecret']);

/**
 * What Secrets Manager answers while the secret's key is disabled. Other operations touch no value
 * (https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html).
 */
const withDisabledKey: Readonly<Record<string, readonly [error: string, message: string]>> = {
  GetSecretValue: [
    'DecryptionFailure',
    "Secrets Manager can't decrypt the protected secret text using the provided KMS key.",
  ],
  PutSecretValue: [
    'EncryptionFailure',
    "Secrets Manager can't encrypt the protected secret text using the provided KMS key.",
  ],
};

/** How a secret is kept beyond the process. */
interface SavedSecret {
  readonly versions: readonly (readonly [id: string, value: string])[];
  readonly labels: readonly (readonly [label: string, version: string])[];
  /** Absent in what was kept before there were tags. */
  readonly tags?: readonly (readonly [key: string, value: string])[];
  readonly keyId?: string | undefined;
}

const shape = {
  store: ({ versions, labels, tags, keyId }: Secret): SavedSecret => ({
    versions: [...versions],
    labels: [...labels],
    tags: [...tags],
    keyId,
  }),
  restore: ({ versions, labels, tags = [], keyId }: SavedSecret): Secret => ({
    versions: new Map(versions),
    labels: new Map(labels),
    tags: new Map(tags),
    keyId,
  }),
};

/** Creates a Secrets Manager with the secrets that were kept. @param kms is asked whether a secret's key is disabled */
export const localSecretsManager = (kms: Pick<LocalKms, 'isDisabled'>, rooms: Rooms = noRooms): LocalSecretsManager => {
  const secrets = keptMap(rooms('secrets'), shape);
  const refuseKey = (operation: string, { keyId }: Secret): AwsAnswer | undefined => {
    const refusal = withDisabledKey[operation];
    if (refusal === undefined || keyId === undefined || !kms.isDisabled(keyId)) return undefined;
    return jsonError(...refusal);
  };
  const createSecret = ({ Name = '', ...parameters }: Parameters): AwsAnswer => {
    if (secrets.get(Name) !== undefined) {
      return jsonError('ResourceExistsException', `The operation failed because the secret ${Name} already exists.`);
    }
    const secret = emptySecret(parameters.KmsKeyId);
    setTags(secret, parameters);
    const isEmpty = parameters.SecretString === undefined;
    const refused = isEmpty ? undefined : refuseKey('PutSecretValue', secret);
    if (refused !== undefined) return refused;
    const made = isEmpty ? answer({ ARN: arnOf(Name), Name }) : putSecretValue({ name: Name, secret }, parameters);
    secrets.set(Name, secret);
    return made;
  };
  return {
    service: ({ headers, body }) => {
      const [, name = ''] = String(headers['x-amz-target']).split('.');
      const parameters = JSON.parse(body.toString()) as Parameters;
      const refused = wrongLength(parameters);
      if (refused !== undefined) return refused;
      if (name === 'CreateSecret') return createSecret(parameters);
      const operation = operations[name];
      if (operation === undefined) {
        return jsonError(
          'InvalidRequestException',
          `Only CreateSecret, ${Object.keys(operations).join(', ')} are served here`,
        );
      }
      const found = secretNameOf(parameters.SecretId ?? '');
      const secret = secrets.get(found);
      if (secret === undefined) {
        return jsonError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
      }
      const unusable = refuseKey(name, secret);
      if (unusable !== undefined) return unusable;
      const answered = operation({ name: found, secret }, parameters);
      if (!readOnly.has(name)) secrets.set(found, secret);
      return answered;
    },
    setSecret: (name, value, keyId) => {
      if (value === undefined) secrets.set(name, emptySecret(keyId));
      else {
        const secret = secrets.get(name) ?? emptySecret(keyId);
        addVersion(secret, randomUUID(), value, ['AWSCURRENT']);
        secrets.set(name, secret);
      }
    },
    currentValue: (name) => {
      const { labels, versions } = secrets.get(name) ?? emptySecret();
      return versions.get(labels.get('AWSCURRENT') ?? '');
    },
  };
};
