import { PutObjectCommand, S3ServiceException } from '@aws-sdk/client-s3';
import type { AuditDeps } from './deps.ts';
import type { AuditObject } from './file-events.ts';

const isThere = (error: unknown): boolean =>
  error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412;

const write = async ({ bucket }: AuditDeps, { key, body }: AuditObject): Promise<void> => {
  try {
    await bucket.client.send(
      new PutObjectCommand({
        Bucket: bucket.name,
        Key: key,
        Body: body,
        ContentType: 'application/fhir+ndjson',
        IfNoneMatch: '*',
      }),
    );
  } catch (error) {
    // A 409 is different: another write of the same name is under way and may still fail.
    if (!isThere(error)) throw error;
  }
};

/**
 * Writes objects that do not exist yet, and never overwrites one
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
 * @throws the first error of S3's client, once every write has ended
 */
export const writeObjects = async (deps: AuditDeps, objects: readonly AuditObject[]): Promise<void> => {
  const results = await Promise.allSettled(objects.map((object) => write(deps, object)));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
};
