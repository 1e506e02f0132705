import { GetObjectCommand, ListBucketsCommand, NoSuchKey, S3Client, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { defaultPorts } from '../../config/local.ts';
import type { StageConfig } from '../../config/stage.ts';
import { causeOf } from '../../functions/shared/errors.ts';
import { Refusal } from '../shared/command-line.ts';

/** The bucket that a stage's audit is in. */
export interface AuditBucket {
  readonly client: S3Client;
  readonly name: string;
}

/** The local stack's AWS, unless the environment names another place. */
const localEndpoint = `http://127.0.0.1:${defaultPorts.aws}`;

/** S3 of a stage; for stage `local` the local stack's, with made-up credentials. */
export const s3Client = (
  { stage, region }: Pick<StageConfig, 'stage' | 'region'>,
  environment: NodeJS.ProcessEnv,
): S3Client => {
  const requestHandler = { connectionTimeout: 5000, requestTimeout: 60_000, throwOnRequestTimeout: true };
  if (stage !== 'local') return new S3Client({ ...(region === undefined ? {} : { region }), requestHandler });
  return new S3Client({
    endpoint: environment['AWS_ENDPOINT_URL'] ?? localEndpoint,
    region: region ?? 'us-east-1',
    credentials: { accessKeyId: 'audit-reader', secretAccessKey: 'none' },
    requestHandler,
  });
};

const hasText = (error: unknown, pattern: RegExp): boolean => error instanceof Error && pattern.test(error.message);
const isCalled = (error: unknown, ...names: string[]): boolean => error instanceof Error && names.includes(error.name);

/** Says what a person can do about a failure of S3's client; of what nobody foresaw, its name. */
export const explained = (error: unknown, stage: string): unknown => {
  if (error instanceof Refusal) return error;
  const cause = causeOf(error);
  if (/ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ECONNRESET|EHOSTUNREACH|ETIMEDOUT|TimeoutError/.test(cause)) {
    return new Refusal(
      stage === 'local'
        ? 'The local stack does not answer. Is `npm start` running? AWS_ENDPOINT_URL says where it is, if elsewhere.'
        : `S3 cannot be reached (${cause}). Look at AWS_REGION and AWS_ENDPOINT_URL.`,
    );
  }
  if (isCalled(error, 'CredentialsProviderError', 'TokenProviderError', 'ExpiredToken', 'InvalidAccessKeyId')) {
    return new Refusal('There are no AWS credentials that can be used. Set AWS_PROFILE, or sign in.');
  }
  if (hasText(error, /region is missing/i)) return new Refusal('There is no AWS region. Set AWS_REGION.');
  if (isCalled(error, 'NoSuchBucket')) return new Refusal('There is no such bucket. Look at --bucket and --stage.');
  if (isCalled(error, 'AccessDenied', 'Forbidden', '403')) {
    return new Refusal('AWS refuses. It takes s3:ListBucket and s3:GetObject on the audit bucket, and its key.');
  }
  return error;
};

/**
 * The bucket by its name, or the one that is named as the stack names it.
 * @throws Refusal where there is none or more than one
 */
export const findBucket = async (client: S3Client, stage: string, given: string | undefined): Promise<AuditBucket> => {
  if (given !== undefined) return { client, name: given };
  const prefix = `p2p-gateway-${stage}-auditbucket`;
  const { Buckets: buckets = [] } = await client.send(new ListBucketsCommand({ Prefix: prefix }));
  const names = buckets.flatMap(({ Name: name }) => (name?.startsWith(prefix) === true ? [name] : []));
  const [name, ...others] = names;
  if (name === undefined) throw new Refusal(`There is no bucket ${prefix}… here. Give --bucket NAME.`);
  if (others.length > 0) throw new Refusal(`Give --bucket, one of: ${names.join(', ')}`);
  return { client, name };
};

/** An object's text; nothing where there is none. */
export const readObject = async ({ client, name }: AuditBucket, key: string): Promise<string | undefined> => {
  try {
    const { Body: body } = await client.send(new GetObjectCommand({ Bucket: name, Key: key }));
    return (await body?.transformToString()) ?? '';
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined;
    throw error;
  }
};

/** The keys below a prefix that come after a key, in their order. */
export async function* keysAfter(
  { client, name }: AuditBucket,
  prefix: string,
  startAfter: string,
): AsyncGenerator<string> {
  const pages = paginateListObjectsV2({ client }, { Bucket: name, Prefix: prefix, StartAfter: startAfter });
  for await (const { Contents: contents = [] } of pages) {
    for (const { Key: key } of contents) if (key !== undefined) yield key;
  }
}
