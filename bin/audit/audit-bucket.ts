import {
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectVersionsCommand,
  NoSuchKey,
  type ListObjectVersionsCommandInput,
  type ListObjectVersionsCommandOutput,
  type ObjectVersion,
  type S3Client,
} from '@aws-sdk/client-s3';
import { explainAwsFailure } from '../shared/aws.ts';
import { Refusal } from '../shared/errors.ts';

/** The bucket with a stage's audit. */
export interface AuditBucket {
  readonly client: S3Client;
  readonly name: string;
}

/** What every tool that reads the audit needs. Without `s3:ListBucket`, S3 refuses an object that is missing. */
export const auditRights =
  's3:ListBucket, s3:ListBucketVersions, s3:GetObject and s3:GetObjectVersion on the audit bucket';

/** Turns a known failure of S3's client into a Refusal that says what to do; returns any other error unchanged. */
export const explainS3Failure = (error: unknown, stage: string): unknown => {
  if (error instanceof Error && error.name === 'NoSuchBucket') {
    return new Refusal('There is no such bucket. Check --bucket and --stage.');
  }
  return explainAwsFailure(error, { stage, service: 'S3', rights: `${auditRights}, and use of its key` });
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

/**
 * Lists the versions of the objects under a prefix: in the order of their keys, the newest version first, without delete markers.
 * If `auditDays` was lowered, S3's lifecycle hides objects that are still locked, but their versions are still listed
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html#object-lock-managing-lifecycle).
 */
const versionsAfter = async function* (
  { client, name }: AuditBucket,
  prefix: string,
  startAfter: string,
): AsyncGenerator<ObjectVersion> {
  let from: Pick<ListObjectVersionsCommandInput, 'KeyMarker' | 'VersionIdMarker'> | undefined =
    startAfter <= prefix ? {} : { KeyMarker: startAfter };
  while (from !== undefined) {
    const page: ListObjectVersionsCommandOutput = await client.send(
      new ListObjectVersionsCommand({ Bucket: name, Prefix: prefix, ...from }),
    );
    yield* page.Versions ?? [];
    from =
      page.IsTruncated === true
        ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
        : undefined;
  }
};

const readVersion = async ({ client, name }: AuditBucket, key: string, versionId?: string): Promise<string> => {
  const { Body: body } = await client.send(new GetObjectCommand({ Bucket: name, Key: key, VersionId: versionId }));
  return (await body?.transformToString()) ?? '';
};

/** Reads an object's text, or that of its newest version if a delete marker hides it; `undefined` if there is no such object. */
export const readObject = async (bucket: AuditBucket, key: string): Promise<string | undefined> => {
  try {
    return await readVersion(bucket, key);
  } catch (error) {
    if (!(error instanceof NoSuchKey)) throw error;
  }
  // A key that begins with this one sorts after it.
  const { value: version } = await versionsAfter(bucket, key, '').next();
  return version?.Key === key ? readVersion(bucket, key, version.VersionId) : undefined;
};

/** Lists the keys under a prefix in order, including those of hidden objects. @param startAfter sorts before the first key to list, and is not a key itself */
export const keysAfter = async function* (
  bucket: AuditBucket,
  prefix: string,
  startAfter: string,
): AsyncGenerator<string> {
  let last: string | undefined;
  for await (const { Key: key } of versionsAfter(bucket, prefix, startAfter)) {
    if (key !== undefined && key !== last) yield key;
    last = key;
  }
};
