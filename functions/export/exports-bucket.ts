import { addAbortSignal, type Readable } from 'node:stream';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { awsLimits } from '../shared/aws/aws-limits.ts';
import { causeOf, unavailable } from '../shared/errors.ts';
import type { OpenObject } from './deps.ts';

/** The bytes are checked against the manifest, so S3's own checksum would only add a second pass. */
export const exportsS3 = (): S3Client =>
  new S3Client({ ...awsLimits({ maxAttempts: 3, requestMs: 5000 }), responseChecksumValidation: 'WHEN_REQUIRED' });

/** Opens objects of the exports' bucket. */
export const bucketReader =
  (client: S3Client, bucket: string): OpenObject =>
  async (name, signal) => {
    try {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: name }), { abortSignal: signal });
      return addAbortSignal(signal, Body as Readable);
    } catch (error) {
      throw unavailable(`s3: ${causeOf(error)}`);
    }
  };
