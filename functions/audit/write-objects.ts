import { setTimeout as sleep } from 'node:timers/promises';
import { PutObjectCommand, S3ServiceException } from '@aws-sdk/client-s3';
import type { AuditDeps } from './deps.ts';
import type { AuditObject } from './file-events.ts';

/** How many times a write is tried if another one of the same name, such as its own earlier try, is under way. */
const mostTries = 3;

const statusOf = (error: unknown): number | undefined =>
  error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;

const write = async ({ bucket }: Pick<AuditDeps, 'bucket'>, { key, body }: AuditObject, tries = 1): Promise<void> => {
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
    const status = statusOf(error);
    // It is there.
    if (status === 412) return;
    // Another write of the same name is under way and may still fail, so S3 asks to repeat this one.
    if (status !== 409 || tries === mostTries) throw error;
    await sleep(tries * 100);
    await write({ bucket }, { key, body }, tries + 1);
  }
};

/**
 * Writes objects that do not exist yet, and never overwrites one
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html, which has what 409 and 412 mean).
 * @throws the first error of S3's client, once every write has ended
 */
export const writeObjects = async (deps: AuditDeps, objects: readonly AuditObject[]): Promise<void> => {
  const results = await Promise.allSettled(objects.map((object) => write(deps, object)));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
};
