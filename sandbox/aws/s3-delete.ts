import { decodeBody } from './aws-chunked.ts';
import type { BodyStore } from './s3-bodies.ts';
import type { Bucket } from './s3-bucket.ts';
import { escapeXml, s3Error, unescapeXml, xml } from './s3-errors.ts';
import type { AwsAnswer, AwsRequest } from './service.ts';

const remove = ({ objects }: Bucket, key: string): void => {
  for (const { body } of objects.get(key) ?? []) body.drop();
  objects.delete(key);
};

/** Hides an object behind a delete marker, as a versioned bucket does. All versions stay, locked or not. */
const hide = ({ objects }: Bucket, key: string, bodies: BodyStore): string => {
  const versions = objects.get(key) ?? [];
  const versionId = `local-${versions.length + 1}`;
  const marker = { body: bodies.keep(Buffer.alloc(0)), etag: '', versionId, lastModified: new Date(), headers: {} };
  objects.set(key, [...versions, { ...marker, isMarker: true }]);
  return versionId;
};

/** `DeleteObject`, which succeeds even if there is no such object. */
export const deleteObject = (request: AwsRequest, bucket: Bucket, key: string, bodies: BodyStore): AwsAnswer => {
  if (request.query.has('versionId')) return s3Error('NotImplemented', request);
  if (bucket.versioned !== false) {
    const id = hide(bucket, key, bodies);
    return { status: 204, headers: { 'x-amz-delete-marker': 'true', 'x-amz-version-id': id }, body: '' };
  }
  remove(bucket, key);
  return { status: 204, headers: {}, body: '' };
};

const mostKeys = 1000;

/**
 * `DeleteObjects` (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html).
 * @param refusal returns the error for a key that must not be deleted
 */
export const deleteObjects = (
  request: AwsRequest,
  bucket: Bucket,
  refusal: (key: string) => string | undefined,
): AwsAnswer => {
  if (bucket.versioned !== false) return s3Error('NotImplemented', request);
  const decoded = decodeBody(request);
  if ('problem' in decoded) return s3Error(decoded.problem, request);
  const hasDigest = request.headers['content-md5'] !== undefined || Object.keys(decoded.checksums).length > 0;
  if (!hasDigest) return s3Error('InvalidRequest', request);
  const text = decoded.body.toString();
  const keys = [...text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = '']) => unescapeXml(key));
  if (keys.length === 0 || keys.length > mostKeys) return s3Error('MalformedXML', request);
  const isQuiet = /<Quiet>true<\/Quiet>/.test(text);
  const results = keys.map((key) => {
    const code = refusal(key);
    const name = `<Key>${escapeXml(key)}</Key>`;
    if (code !== undefined) return `<Error>${name}<Code>${code}</Code><Message>${code}</Message></Error>`;
    remove(bucket, key);
    return isQuiet ? '' : `<Deleted>${name}</Deleted>`;
  });
  return xml(200, `<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${results.join('')}</DeleteResult>`);
};
