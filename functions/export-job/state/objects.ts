import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { Deps } from '../../shared/deps.ts';
import { causeOf, unavailable } from '../../shared/errors.ts';

/** The exports' bucket. Both functions throw GatewayError `temporarily_unavailable`. */
export interface ObjectStore {
  /** The body is read until this resolves, and may change after it. */
  readonly put: (name: string, body: Uint8Array) => Promise<void>;
  readonly get: (name: string) => Promise<Uint8Array>;
}

/** What writes files of the state. */
export interface FileDeps extends Pick<Deps, 'randomBytes'> {
  readonly objects: ObjectStore;
}

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
