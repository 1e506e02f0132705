/* `aws-contract.test.ts` tests what S3 does with a request. */
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { bucketOf } from '../../functions/export-job/objects.ts';
import { bucketReader } from '../../functions/export/exports-bucket.ts';
import { startAws, type LocalAws } from '../../sandbox/aws/aws.ts';

const Bucket = 'files';
const keyArn = 'arn:aws:kms:us-east-1:000000000000:key/exports';
let aws: LocalAws;
let client: S3Client;
const clientOf = (accessKeyId: string): S3Client =>
  new S3Client({
    endpoint: aws.url,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId, secretAccessKey: 'local' },
  });

beforeAll(async () => {
  aws = await startAws(0);
  aws.kms.createKey(keyArn);
  aws.s3.createBucket(Bucket, { versioned: false, keyArn, notListedBy: new Set(['export']) });
  aws.s3.createBucket('locked');
  client = clientOf('sweep');
});
afterAll(async () => {
  client.destroy();
  await aws.close();
});
afterEach(() => {
  aws.s3.failWith(undefined);
  aws.kms.enable(keyArn);
});

const put = (Key: string, Body: string, more: object = {}) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const textOf = async (Key: string) =>
  (await client.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString();
const keysUnder = async (Prefix: string): Promise<readonly (string | undefined)[]> =>
  ((await client.send(new ListObjectsV2Command({ Bucket, Prefix }))).Contents ?? []).map(({ Key }) => Key);
const remove = (keys: readonly string[], more: object = {}) =>
  client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })), ...more } }));

describe('the embedded S3', () => {
  it('keeps the lock of an object, and deletes no version where it keeps versions', async () => {
    const lock = { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: new Date('2032-01-01T00:00:00.000Z') };
    const object = { Bucket: 'locked', Key: 'a' };
    await put('a', 'x', { ...lock, Bucket: 'locked' });
    expect(await client.send(new HeadObjectCommand(object))).toMatchObject(lock);
    const many = new DeleteObjectsCommand({ Bucket: 'locked', Delete: { Objects: [{ Key: 'a' }] } });
    const name = 'NotImplemented';
    await expect(client.send(many)).rejects.toMatchObject({ name });
    const VersionId = (await client.send(new HeadObjectCommand(object))).VersionId;
    await expect(client.send(new DeleteObjectCommand({ ...object, VersionId }))).rejects.toMatchObject({ name });
    expect(await client.send(new HeadObjectCommand(object))).toMatchObject(lock);
  });

  it('lists versions page by page, delete markers among them, and begins after a key', async () => {
    const locked = { Bucket: 'locked' };
    for (const key of ['p/a', 'p/b', 'p/b', 'p/c']) await put(key, 'x', locked);
    await client.send(new DeleteObjectCommand({ ...locked, Key: 'p/b' }));
    const seen: string[] = [];
    let from = {};
    for (let isTruncated = true; isTruncated;) {
      const page = await client.send(
        new ListObjectVersionsCommand({ ...locked, Prefix: 'p/', MaxKeys: 2, KeyMarker: 'p/', ...from }),
      );
      seen.push([...(page.DeleteMarkers ?? []), ...(page.Versions ?? [])].map(({ Key }) => Key).join(' '));
      isTruncated = page.IsTruncated === true;
      from = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
    }
    expect(seen).toEqual(['p/b p/a', 'p/b p/b', 'p/c']);
    const later = new ListObjectVersionsCommand({ ...locked, Prefix: 'p/', KeyMarker: 'p/b' });
    expect((await client.send(later)).Versions?.map(({ Key }) => Key)).toEqual(['p/c']);
  });

  it('says which requests it does not support, and changes nothing', async () => {
    await put('whole', '0123456789');
    const unsupported = [
      () => put('whole', 'x', { IfMatch: '"etag"' }),
      () => put('whole', 'x', { IfNoneMatch: '"etag"' }),
      () => client.send(new GetObjectAclCommand({ Bucket, Key: 'whole' })),
      // The first version of the listing.
      () => client.send(new ListObjectsCommand({ Bucket })),
    ];
    for (const send of unsupported) {
      await expect(send()).rejects.toMatchObject({ name: 'NotImplemented', $metadata: { httpStatusCode: 501 } });
    }
    expect(await textOf('whole')).toBe('0123456789');
  });

  it.each([
    ['AccessDenied', 403],
    ['BadDigest', 400],
    ['IncompleteBody', 400],
    ['InternalError', 500],
    ['InvalidArgument', 400],
    ['InvalidRange', 416],
    ['InvalidRequest', 400],
    ['KeyTooLongError', 400],
    ['MalformedXML', 400],
    ['NoSuchBucket', 404],
    ['NoSuchKey', 404],
    ['NoSuchVersion', 404],
    ['NotImplemented', 501],
    ['PreconditionFailed', 412],
    ['SlowDown', 503],
    // https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
  ] as const)('answers %s with the status %i', async (code, httpStatusCode) => {
    aws.s3.failWith(() => code);
    await expect(put('failing', 'x')).rejects.toMatchObject({ name: code, $metadata: { httpStatusCode } });
  });

  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html: 404 with s3:ListBucket, 403 without it.
  it.each([
    ['AccessDenied', 403, 'export'],
    ['NoSuchKey', 404, 'sweep'],
  ])(
    'answers %s for an object that is missing (%i) to a caller like %s, and our readers treat both alike',
    async (name, httpStatusCode, caller) => {
      const asking = clientOf(caller);
      const get = asking.send(new GetObjectCommand({ Bucket, Key: 'missing' }));
      await expect(get).rejects.toMatchObject({ name, $metadata: { httpStatusCode } });
      const head = asking.send(new HeadObjectCommand({ Bucket, Key: 'missing' }));
      await expect(head).rejects.toMatchObject({ $metadata: { httpStatusCode } });

      const unavailable = { code: 'temporarily_unavailable', detail: `s3: ${name}` };
      await expect(bucketReader(asking, Bucket)('missing', new AbortController().signal)).rejects.toMatchObject(
        unavailable,
      );
      await expect(bucketOf(asking, Bucket).get('missing')).rejects.toMatchObject(unavailable);
      asking.destroy();
    },
  );

  it('refuses to delete many objects without a checksum of the list', async () => {
    const answer = await fetch(`${aws.url}/${Bucket}?delete=`, {
      method: 'POST',
      headers: { authorization: 'AWS4-HMAC-SHA256 Credential=sweep/20260101/us-east-1/s3/aws4_request, Signature=0' },
      body: '<Delete><Object><Key>a</Key></Object></Delete>',
    });
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('<Code>InvalidRequest<')]);
  });

  it('refuses a request without a signature', async () => {
    const anonymous = await fetch(`${aws.url}/${Bucket}/whole`);
    expect([anonymous.status, await anonymous.text()]).toEqual([403, expect.stringContaining('<Code>AccessDenied<')]);
  });

  it('shows every stored object, for a search of what is at rest', async () => {
    await put('shown', 'these bytes');
    expect(new Map(aws.s3.objects()).get('files/shown')?.toString()).toBe('these bytes');
  });
});

describe('the embedded S3 refuses a chunked body', () => {
  const sendChunks = (body: string, decodedLength: number): Promise<Response> =>
    fetch(`${aws.url}/${Bucket}/chunks`, {
      method: 'PUT',
      body,
      headers: {
        authorization: 'AWS4-HMAC-SHA256 Credential=audit/20260101/us-east-1/s3/aws4_request, Signature=0',
        'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        'x-amz-decoded-content-length': String(decodedLength),
      },
    });

  it.each([
    ['that is shorter than it says decoded', '4\r\ntext\r\n0\r\n\r\n', 5],
    ['that is longer than it says decoded', '4\r\ntext\r\n0\r\n\r\n', 3],
    ['whose last chunk is missing', '4\r\ntext\r\n', 4],
    ['that ends within a chunk', '5\r\ntext', 4],
    ['that ends within the line of a length', '4\r\ntext\r\n0', 4],
    ['with a length that is no number', 'x\r\ntext\r\n0\r\n\r\n', 4],
  ])('%s', async (_name, body, decodedLength) => {
    const answer = await sendChunks(body, decodedLength);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('<Code>IncompleteBody</Code>');
  });

  it('but none whose length is as stated', async () => {
    expect((await sendChunks('4\r\ntext\r\n0\r\n\r\n', 4)).status).toBe(200);
    expect(await textOf('chunks')).toBe('text');
  });
});

describe('switched failures of the embedded S3', () => {
  it('refuse what they name, and nothing else', async () => {
    aws.s3.failWith(({ action, key }) => (action === 'PutObject' && key.startsWith('slow/') ? 'SlowDown' : undefined));
    await expect(put('slow/a', 'x')).rejects.toMatchObject({ name: 'SlowDown', $metadata: { httpStatusCode: 503 } });
    await put('fast/a', 'x');
    expect(await textOf('fast/a')).toBe('x');
  });

  it('can affect single objects of a deletion', async () => {
    for (const key of ['left/a', 'left/b']) await put(key, 'x');
    aws.s3.failWith(({ action, key }) => (action === 'DeleteObject' && key === 'left/a' ? 'AccessDenied' : undefined));
    const { Errors } = await remove(['left/a', 'left/b'], { Quiet: true });
    expect(Errors?.map(({ Key, Code }) => [Key, Code])).toEqual([['left/a', 'AccessDenied']]);
    expect(await keysUnder('left/')).toEqual(['left/a']);
  });

  it('come from a disabled key for reads and writes, not for deletions', async () => {
    await put('sealed', 'x');
    aws.kms.disable(keyArn);
    const disabled = { name: 'KMS.DisabledException', $metadata: { httpStatusCode: 400 } };
    await expect(textOf('sealed')).rejects.toMatchObject(disabled);
    await expect(put('other', 'x')).rejects.toMatchObject(disabled);
    await remove(['sealed']);
    expect(await keysUnder('sealed')).toEqual([]);
  });
});
