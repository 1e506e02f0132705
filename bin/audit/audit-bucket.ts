import {
  GetObjectCommand,
  ListBucketsCommand,
  NoSuchKey,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3';
import { explainAwsFailure } from '../shared/aws.ts';
import { Refusal } from '../shared/command-line.ts';

/** The bucket that a stage's audit is in. */
export interface AuditBucket {
  readonly client: S3Client;
  readonly name: string;
}

/** Says what a person can do about a failure of S3's client; of what nobody foresaw, its name. */
export const explained = (error: unknown, stage: string): unknown => {
  if (error instanceof Error && error.name === 'NoSuchBucket') {
    return new Refusal('There is no such bucket. Look at --bucket and --stage.');
  }
  const rights = 's3:ListBucket and s3:GetObject on the audit bucket, and its key';
  return explainAwsFailure(error, { stage, service: 'S3', rights });
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
export const keysAfter = async function* (
  { client, name }: AuditBucket,
  prefix: string,
  startAfter: string,
): AsyncGenerator<string> {
  const pages = paginateListObjectsV2({ client }, { Bucket: name, Prefix: prefix, StartAfter: startAfter });
  for await (const { Contents: contents = [] } of pages) {
    for (const { Key: key } of contents) if (key !== undefined) yield key;
  }
};
