import { createHash } from 'node:crypto';
import { keptMap, noRooms, type Rooms } from '../state/room.ts';
import { decodeBody } from './aws-chunked.ts';
import { callerOf } from './calls.ts';
import { bodyStore, type BodyStore, type SavedBody } from './s3-bodies.ts';
import { currentOf, type Bucket, type BucketOptions, type StoredObject } from './s3-bucket.ts';
import { deleteObject, deleteObjects } from './s3-delete.ts';
import { s3Error, type S3ErrorCode } from './s3-errors.ts';
import { listBuckets, listObjects, listVersions } from './s3-list.ts';
import { rangeOf } from './s3-range.ts';
import type { AwsAnswer, AwsRequest, AwsService } from './service.ts';

/**
 * An embedded S3, path style: `PutObject` (with `If-None-Match: *`), `GetObject` (with a range), `HeadObject`,
 * `DeleteObject`, `DeleteObjects`, `ListObjectsV2`, `ListObjectVersions` and `ListBuckets`. Versions cannot be deleted, as
 * under an object lock, but a delete marker can hide them.
 */
export interface LocalS3 {
  readonly service: AwsService;
  readonly createBucket: (name: string, options?: BucketOptions) => void;
  /** Makes requests fail with the code that the function returns. Pass `undefined` to stop. */
  readonly failWith: (failure: S3Failure | undefined) => void;
  /** Every object, exactly as stored, by `bucket/key`. */
  readonly objects: () => IterableIterator<readonly [name: string, bytes: Buffer]>;
  readonly close: () => void;
}

/** Decides whether a request fails, by its action, such as `PutObject`. `DeleteObjects` asks once for each key. */
export type S3Failure = (about: {
  readonly action: string;
  readonly bucket: string;
  readonly key: string;
}) => S3ErrorCode | undefined;

const mostKeyBytes = 1024;

/** Other parameters would make it another operation (`?acl`, `?uploads`). `x-id` is the SDK's name for this one. */
const objectParameters = new Set(['x-id', 'versionId']);

const remembered =
  /^(content-type|content-disposition|cache-control|x-amz-meta-.*|x-amz-object-lock-.*|x-amz-server-side-encryption.*)$/;

const rememberedHeaders = ({ headers }: AwsRequest): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => remembered.test(name))
      .map(([name, value]) => [name, String(value)]),
  );

const putObject = (request: AwsRequest, bucket: Bucket, key: string, bodies: BodyStore): AwsAnswer => {
  const decoded = decodeBody(request);
  if ('problem' in decoded) return s3Error(decoded.problem, request);
  const condition = request.headers['if-none-match'];
  if (request.headers['if-match'] !== undefined || (condition !== undefined && condition !== '*')) {
    return s3Error('NotImplemented', request);
  }
  const versions = bucket.objects.get(key) ?? [];
  if (condition === '*' && currentOf(versions) !== undefined) return s3Error('PreconditionFailed', request);
  const { body, checksums } = decoded;
  const stored: StoredObject = {
    body: bodies.keep(body),
    etag: `"${createHash('md5').update(body).digest('hex')}"`,
    versionId: `local-${versions.length + 1}`,
    lastModified: new Date(),
    headers: { ...rememberedHeaders(request), ...checksums },
  };
  const isVersioned = bucket.versioned !== false;
  if (!isVersioned) for (const old of versions) old.body.drop();
  bucket.objects.set(key, isVersioned ? [...versions, stored] : [stored]);
  const headers: Record<string, string> = { etag: stored.etag, ...checksums };
  if (isVersioned) headers['x-amz-version-id'] = stored.versionId;
  return { status: 200, headers, body: '' };
};

const getObject = (request: AwsRequest, bucket: Bucket, key: string): AwsAnswer => {
  const versions = bucket.objects.get(key);
  const versionId = request.query.get('versionId');
  const stored =
    versionId === null ? currentOf(versions) : versions?.find((version) => version.versionId === versionId);
  if (stored === undefined && versionId !== null && versions !== undefined) return s3Error('NoSuchVersion', request);
  if (stored === undefined) {
    // https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, "Permissions"
    return s3Error(bucket.notListedBy?.has(callerOf(request)) === true ? 'AccessDenied' : 'NoSuchKey', request);
  }
  if (stored.isMarker === true) return s3Error('NotImplemented', request);
  const headers = {
    'content-type': 'binary/octet-stream',
    ...stored.headers,
    'accept-ranges': 'bytes',
    etag: stored.etag,
    'last-modified': stored.lastModified.toUTCString(),
    ...(bucket.versioned === false ? {} : { 'x-amz-version-id': stored.versionId }),
  };
  const { length } = stored.body;
  const range = rangeOf(request.headers.range, length);
  if (range === 'unsatisfiable') return s3Error('InvalidRange', request);
  if (range === undefined) {
    const body = request.method === 'HEAD' ? '' : stored.body.read();
    return { status: 200, headers: { ...headers, 'content-length': String(length) }, body };
  }
  const { from, to } = range;
  // S3's checksum covers the whole object, so it does not fit a range.
  const ofPart = Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('x-amz-checksum-')));
  const about = { 'content-length': String(to - from), 'content-range': `bytes ${from}-${to - 1}/${length}` };
  const body = request.method === 'HEAD' ? '' : stored.body.read(from, to);
  return { status: 206, headers: { ...ofPart, ...about }, body };
};

const actions: Readonly<Record<string, string>> = {
  'PUT object': 'PutObject',
  'GET object': 'GetObject',
  'HEAD object': 'GetObject',
  'DELETE object': 'DeleteObject',
  'GET bucket': 'ListBucket',
};

/** The state that all requests share. */
interface Store {
  readonly buckets: ReadonlyMap<string, Bucket>;
  readonly bodies: BodyStore;
  readonly failure: S3Failure | undefined;
  readonly isKeyEnabled: (arn: string) => boolean;
}

const withObject = (request: AwsRequest, bucket: Bucket, key: string, store: Store): AwsAnswer => {
  const { method, query } = request;
  if ([...query.keys()].some((name) => !objectParameters.has(name))) return s3Error('NotImplemented', request);
  if (method === 'DELETE') return deleteObject(request, bucket, key, store.bodies);
  // S3 itself asks KMS for each object's key.
  if (bucket.keyArn !== undefined && !store.isKeyEnabled(bucket.keyArn)) {
    return s3Error('KMS.DisabledException', request);
  }
  if (method === 'PUT') return putObject(request, bucket, key, store.bodies);
  if (method === 'GET' || method === 'HEAD') return getObject(request, bucket, key);
  return s3Error('NotImplemented', request);
};

const withBucket = (request: AwsRequest, bucket: Bucket, { failure }: Store): AwsAnswer => {
  const { method, query } = request;
  if (method === 'GET' && query.get('list-type') === '2') return listObjects(bucket.name, bucket.objects, request);
  if (method === 'GET' && query.has('versions')) return listVersions(bucket.name, bucket.objects, request);
  if (method !== 'POST' || !query.has('delete')) return s3Error('NotImplemented', request);
  return deleteObjects(request, bucket, (key) => failure?.({ action: 'DeleteObject', bucket: bucket.name, key }));
};

const answer = (request: AwsRequest, store: Store): AwsAnswer => {
  const { method, path, headers } = request;
  if (headers.authorization === undefined) return s3Error('AccessDenied', request);
  const [bucketName = '', ...rest] = path.slice(1).split('/').map(decodeURIComponent);
  if (bucketName === '') {
    return method === 'GET' ? listBuckets(store.buckets.keys(), request) : s3Error('NotImplemented', request);
  }
  const bucket = store.buckets.get(bucketName);
  if (bucket === undefined) return s3Error('NoSuchBucket', request);
  const key = rest.join('/');
  if (Buffer.byteLength(key) > mostKeyBytes) return s3Error('KeyTooLongError', request);
  const action = actions[`${method} ${key === '' ? 'bucket' : 'object'}`];
  const code = action === undefined ? undefined : store.failure?.({ action, bucket: bucketName, key });
  if (code !== undefined) return s3Error(code, request);
  return key === '' ? withBucket(request, bucket, store) : withObject(request, bucket, key, store);
};

/** Yields one object at a time, since they may not all fit into memory. */
const objectsOf = function* (buckets: ReadonlyMap<string, Bucket>): IterableIterator<readonly [string, Buffer]> {
  for (const { name, objects } of buckets.values()) {
    for (const [key, versions] of objects.entries()) {
      for (const { body, isMarker } of versions) if (isMarker !== true) yield [`${name}/${key}`, body.read()];
    }
  }
};

/** How an object is kept beyond the process. */
interface SavedObject extends Omit<StoredObject, 'body' | 'lastModified'> {
  readonly body: SavedBody;
  readonly lastModified: string;
}

const shapeOf = (bodies: BodyStore) => ({
  store: (versions: readonly StoredObject[]): readonly SavedObject[] =>
    versions.map((version) => ({
      ...version,
      body: version.body.saved(),
      lastModified: version.lastModified.toISOString(),
    })),
  restore: (saved: readonly SavedObject[]): readonly StoredObject[] =>
    saved.map((version) => ({
      ...version,
      body: bodies.restore(version.body),
      lastModified: new Date(version.lastModified),
    })),
});

export interface LocalS3Options {
  readonly isKeyEnabled?: (arn: string) => boolean;
  /** Where buckets keep their objects. @default nothing outlives the process */
  readonly rooms?: Rooms;
  /** The folder for large objects, if they are kept. */
  readonly folder?: string | undefined;
}

/** Creates an S3 without buckets. A bucket that is created again has the objects that were kept of it. */
export const localS3 = ({ isKeyEnabled = () => true, rooms = noRooms, folder }: LocalS3Options = {}): LocalS3 => {
  const buckets = new Map<string, Bucket>();
  const bodies = bodyStore(folder);
  let failure: S3Failure | undefined;
  return {
    service: (request) => answer(request, { buckets, bodies, failure, isKeyEnabled }),
    createBucket: (name, options = {}) =>
      buckets.set(name, { name, objects: keptMap(rooms(`s3/${name}`), shapeOf(bodies)), ...options }),
    failWith: (next) => (failure = next),
    objects: () => objectsOf(buckets),
    close: bodies.close,
  };
};
