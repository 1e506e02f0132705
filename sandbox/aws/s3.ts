import { createHash } from 'node:crypto';
import { decodeBody } from './aws-chunked.ts';
import type { Bucket, StoredObject } from './s3-bucket.ts';
import { s3Error } from './s3-errors.ts';
import { listBuckets, listObjects } from './s3-list.ts';
import type { AwsAnswer, AwsRequest, AwsService } from './service.ts';

/**
 * An embedded S3 in memory, path style: `PutObject` (with `If-None-Match: *`), `GetObject`, `HeadObject`,
 * `ListObjectsV2` and `ListBuckets` on versioned buckets. Objects cannot be deleted, as under an object lock.
 */
export interface LocalS3 {
  readonly service: AwsService;
  readonly createBucket: (name: string) => void;
}

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

const putObject = (request: AwsRequest, bucket: Bucket, key: string): AwsAnswer => {
  const decoded = decodeBody(request);
  if ('problem' in decoded) return s3Error(decoded.problem, request);
  const condition = request.headers['if-none-match'];
  if (request.headers['if-match'] !== undefined || (condition !== undefined && condition !== '*')) {
    return s3Error('NotImplemented', request);
  }
  const versions = bucket.get(key) ?? [];
  if (condition === '*' && versions.length > 0) return s3Error('PreconditionFailed', request);
  const { body, checksums } = decoded;
  const stored: StoredObject = {
    body,
    etag: `"${createHash('md5').update(body).digest('hex')}"`,
    versionId: `local-${versions.length + 1}`,
    lastModified: new Date(),
    headers: { ...rememberedHeaders(request), ...checksums },
  };
  bucket.set(key, [...versions, stored]);
  return { status: 200, headers: { etag: stored.etag, 'x-amz-version-id': stored.versionId, ...checksums }, body: '' };
};

const getObject = (request: AwsRequest, bucket: Bucket, key: string): AwsAnswer => {
  if (request.headers.range !== undefined) return s3Error('NotImplemented', request);
  const versions = bucket.get(key);
  if (versions === undefined) return s3Error('NoSuchKey', request);
  const versionId = request.query.get('versionId');
  const stored = versionId === null ? versions.at(-1) : versions.find((version) => version.versionId === versionId);
  if (stored === undefined) return s3Error('NoSuchVersion', request);
  const headers = {
    'content-type': 'binary/octet-stream',
    ...stored.headers,
    etag: stored.etag,
    'last-modified': stored.lastModified.toUTCString(),
    'x-amz-version-id': stored.versionId,
  };
  return { status: 200, headers, body: stored.body };
};

const answer = (request: AwsRequest, buckets: ReadonlyMap<string, Bucket>): AwsAnswer => {
  const { method, path, query, headers } = request;
  if (headers.authorization === undefined) return s3Error('AccessDenied', request);
  const [bucketName = '', ...rest] = path.slice(1).split('/').map(decodeURIComponent);
  if (bucketName === '')
    return method === 'GET' ? listBuckets(buckets.keys(), request) : s3Error('NotImplemented', request);
  const bucket = buckets.get(bucketName);
  if (bucket === undefined) return s3Error('NoSuchBucket', request);
  const key = rest.join('/');
  if (key === '') {
    const isList = method === 'GET' && query.get('list-type') === '2';
    return isList ? listObjects(bucketName, bucket, request) : s3Error('NotImplemented', request);
  }
  if ([...query.keys()].some((name) => !objectParameters.has(name))) return s3Error('NotImplemented', request);
  if (method === 'PUT') return putObject(request, bucket, key);
  if (method === 'GET' || method === 'HEAD') return getObject(request, bucket, key);
  return s3Error('NotImplemented', request);
};

/** Creates an S3 without buckets. */
export const localS3 = (): LocalS3 => {
  const buckets = new Map<string, Bucket>();
  return {
    service: (request) => answer(request, buckets),
    createBucket: (name) => buckets.set(name, new Map()),
  };
};
