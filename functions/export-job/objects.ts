import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { causeOf, unavailable } from '../shared/errors.ts';
import type { ObjectStore } from './state/sealed-file.ts';

const sendOrUnavailable = async <T>(call: Promise<T>): Promise<T> => {
  try {
    return await call;
  } catch (error) {
    throw unavailable(`s3: ${causeOf(error)}`);
  }
};

/** The exports' bucket as the job uses it. */
export const bucketOf = (client: S3Client, name: string): ObjectStore => ({
  put: async (key, body) => {
    await sendOrUnavailable(client.send(new PutObjectCommand({ Bucket: name, Key: key, Body: body })));
  },
  get: async (key) => {
    const { Body } = await sendOrUnavailable(client.send(new GetObjectCommand({ Bucket: name, Key: key })));
    if (Body === undefined) throw unavailable('s3: an object without a body');
    return sendOrUnavailable(Body.transformToByteArray());
  },
});
