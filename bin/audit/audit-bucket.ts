import {
  GetObjectCommand,
  ListBucketsCommand,
  NoSuchKey,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3';
import { explainAwsFailure } from '../shared/aws.ts';
import { Refusal } from '../shared/errors.ts';

/** The bucket with a stage's audit. */
export interface AuditBucket {
  readonly client: S3Client;
  readonly name: string;
}

/** Turns a known failure of S3's client into a Refusal that says what to do; returns any other error unchanged. */
export const explainS3Failure = (error: unknown, stage: string): unknown => {
  if (error instanceof Error && error.name === 'NoSuchBucket') {
    return new Refusal('There is no such bucket. Check --bucket and --stage.');
  }
  const rights = 's3:ListBucket and s3:GetObject on the audit bucket, and use of its key';
  return explainAwsFailure(error, { stage, service: 'S3', rights });
};

/**
 * Finds the audit bucket: the one given, or the one with the name that the stack gives it.
 * @throws Refusal if there is none or more than one
 */
export const findBucket = async (client: S3Client, stage: string, given: string | undefined): Promise<AuditBucket> => {
  if (given !== undefined) return { client, name: given };
  const prefix = `p2p-gateway-${stage}-auditbucket`;
  const { Buckets: buckets = [] } = await client.send(new ListBucketsCommand({ Prefix: prefix }));
  const names = buckets.flatMap(({ Name: name }) => (name?.startsWith(prefix) === true ? [name] : []));
  const [name, ...others] = names;
  if (name === undefined) throw new Refusal(`There is no bucket ${prefix}… in this account. Give --bucket NAME.`);
  if (others.length > 0) throw new Refusal(`Give --bucket, one of: ${names.join(', ')}`);
  return { client, name };
};

/** Reads an object's text; `undefined` if there is no such object. */
export const readObject = async ({ client, name }: AuditBucket, key: string): Promise<string | undefined> => {
  try {
    const { Body: body } = await client.send(new GetObjectCommand({ Bucket: name, Key: key }));
    return (await body?.transformToString()) ?? '';
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined;
    throw error;
  }
};

/** The keys under a prefix that sort after a key, in order. */
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
