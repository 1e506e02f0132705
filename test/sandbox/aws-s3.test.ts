import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { startAws, type LocalAws } from '../../sandbox/aws/aws.ts';

const Bucket = 'audit';
let aws: LocalAws;
let client: S3Client;

beforeAll(async () => {
  aws = await startAws(0);
  aws.s3.createBucket(Bucket);
  client = new S3Client({
    endpoint: aws.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'audit', secretAccessKey: 'local' },
  });
});
afterAll(async () => {
  client.destroy();
  await aws.close();
});

const put = (Key: string, Body: string | Readable | Buffer, more: object = {}) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const get = async (Key: string, more: object = {}) =>
  (await client.send(new GetObjectCommand({ Bucket, Key, ...more }))).Body?.transformToString();

describe('the embedded S3, called with the SDK', () => {
  it('keeps an object with its type, metadata and lock', async () => {
    const until = new Date('2032-01-01T00:00:00.000Z');
    await put('events/partner=a b+c/ö.ndjson', '{"é":1}\n', {
      ContentType: 'application/fhir+ndjson',
      Metadata: { source: 'grants' },
      ObjectLockMode: 'GOVERNANCE',
      ObjectLockRetainUntilDate: until,
    });

    expect(await get('events/partner=a b+c/ö.ndjson')).toBe('{"é":1}\n');
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'events/partner=a b+c/ö.ndjson' }));
    expect(head).toMatchObject({
      ContentLength: 9,
      ContentType: 'application/fhir+ndjson',
      Metadata: { source: 'grants' },
      ObjectLockMode: 'GOVERNANCE',
      ObjectLockRetainUntilDate: until,
      VersionId: expect.any(String),
    });
  });

  it('accepts a stream, whose checksum the SDK sends as a trailer', async () => {
    const lines = Array.from({ length: 20_000 }, (_none, index) => `line ${index}\n`);
    const text = lines.join('');
    await put('streamed', Readable.from([Buffer.from(text)]), { ContentLength: Buffer.byteLength(text) });
    expect(await get('streamed')).toBe(text);
  });

  it('refuses a body that does not match its checksum', async () => {
    await expect(put('broken', 'text', { ChecksumCRC32: 'AAAAAA==' })).rejects.toMatchObject({ name: 'BadDigest' });
    await expect(get('broken')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  it('writes an object once if asked to, however many calls compete', async () => {
    const tries = await Promise.allSettled(
      Array.from({ length: 20 }, (_none, index) => put('once', `writer ${index}`, { IfNoneMatch: '*' })),
    );
    const refused = tries.filter((tried) => tried.status === 'rejected');
    expect(refused).toHaveLength(19);
    expect(refused[0]?.reason).toMatchObject({ name: 'PreconditionFailed', $metadata: { httpStatusCode: 412 } });
  });

  it('keeps every version of an overwritten object', async () => {
    const first = await put('versions', 'first');
    const second = await put('versions', 'second');
    expect(await get('versions')).toBe('second');
    expect(await get('versions', { VersionId: first.VersionId })).toBe('first');
    expect(second.VersionId).not.toBe(first.VersionId);
    await expect(get('versions', { VersionId: 'none' })).rejects.toMatchObject({ name: 'NoSuchVersion' });
  });

  it('lists keys by prefix, page by page, in byte order', async () => {
    const keys = ['list/a&b', 'list/<c>', 'list/é', 'list/Z', 'list/a'];
    for (const key of keys) await put(key, key);
    await put('other/a', 'x');

    const found: (string | undefined)[] = [];
    let ContinuationToken: string | undefined;
    let pages = 0;
    do {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket, Prefix: 'list/', MaxKeys: 2, ContinuationToken }),
      );
      found.push(...(page.Contents ?? []).map(({ Key }) => Key));
      ContinuationToken = page.NextContinuationToken;
      pages += 1;
    } while (ContinuationToken !== undefined);

    expect(found).toEqual(['list/<c>', 'list/Z', 'list/a', 'list/a&b', 'list/é']);
    expect(pages).toBe(3);
    const after = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'list/', StartAfter: 'list/a' }));
    expect(after).toMatchObject({ KeyCount: 2, IsTruncated: false, Contents: [{ Size: 8 }, { Size: 7 }] });
    const many = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'list/', MaxKeys: 5000 }));
    expect(many.MaxKeys).toBe(1000);
  });

  it('orders keys by their bytes, also where UTF-16 would differ', async () => {
    // Their first bytes are EF and F0 in UTF-8, but their first units FFE5 and D83D in UTF-16.
    for (const key of ['bytes/\u{1F600}', 'bytes/\uFFE5']) await put(key, key);
    const list = async (more: object = {}) =>
      (await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'bytes/', ...more }))).Contents?.map(
        ({ Key }) => Key,
      );
    expect(await list()).toEqual(['bytes/\uFFE5', 'bytes/\u{1F600}']);
    expect(await list({ StartAfter: 'bytes/\uFFE5' })).toEqual(['bytes/\u{1F600}']);
  });

  it('lists keys as they were put, whatever their characters mean in XML', async () => {
    const keys = ['xml/&amp;', 'xml/&lt;b&gt;', 'xml/<b>', 'xml/"\''];
    for (const key of keys) await put(key, 'x');
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'xml/' }));
    expect(new Set(Contents?.map(({ Key }) => Key))).toEqual(new Set(keys));
  });

  describe('refuses a chunked body with', () => {
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
      ['whose last one is missing', '4\r\ntext\r\n', 4],
      ['that ends within one', '5\r\ntext', 4],
    ])('%s', async (_name, body, decodedLength) => {
      const answer = await sendChunks(body, decodedLength);
      expect(answer.status).toBe(400);
      expect(await answer.text()).toContain('<Code>IncompleteBody</Code>');
    });

    it('but accepts one whose length is as stated', async () => {
      expect((await sendChunks('4\r\ntext\r\n0\r\n\r\n', 4)).status).toBe(200);
      expect(await get('chunks')).toBe('text');
    });
  });

  it('finds buckets by prefix', async () => {
    aws.s3.createBucket('other');
    const { Buckets } = await client.send(new ListBucketsCommand({ Prefix: 'aud' }));
    expect(Buckets?.map(({ Name }) => Name)).toEqual([Bucket]);
  });

  it('groups keys up to a delimiter', async () => {
    for (const key of ['days/1/a', 'days/1/b', 'days/2/a', 'days/top']) await put(key, 'x');
    const page = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'days/', Delimiter: '/' }));
    expect(page.CommonPrefixes).toEqual([{ Prefix: 'days/1/' }, { Prefix: 'days/2/' }]);
    expect(page.Contents?.map(({ Key }) => Key)).toEqual(['days/top']);
  });

  it('answers as S3 does for what does not exist and what it does not support', async () => {
    await expect(get('nothing')).rejects.toMatchObject({ name: 'NoSuchKey' });
    await expect(client.send(new HeadObjectCommand({ Bucket, Key: 'nothing' }))).rejects.toMatchObject({
      name: 'NotFound',
    });
    await expect(get('x', { Bucket: 'nowhere' })).rejects.toMatchObject({ name: 'NoSuchBucket' });
    const remove = client.send(new DeleteObjectCommand({ Bucket, Key: 'once' }));
    await expect(remove).rejects.toMatchObject({ name: 'NotImplemented' });
    await put('whole', '0123456789');
    const unsupported = [
      () => put('whole', 'x', { IfMatch: '"etag"' }),
      () => put('whole', 'x', { IfNoneMatch: '"etag"' }),
      () => client.send(new GetObjectAclCommand({ Bucket, Key: 'whole' })),
    ];
    for (const send of unsupported) await expect(send()).rejects.toMatchObject({ name: 'NotImplemented' });
    expect(await get('whole')).toBe('0123456789');
    const anonymous = await fetch(`${aws.url}/${Bucket}/once`);
    expect(anonymous.status).toBe(403);
    expect(await anonymous.text()).toContain('<Code>AccessDenied</Code>');
  });

  it('records the right that each call uses', async () => {
    aws.log.clear();
    await put('noted/x', 'x');
    await client.send(new HeadObjectCommand({ Bucket, Key: 'noted/x' }));
    await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'noted/' }));
    expect(aws.log.calls()).toEqual([
      { function: 'audit', action: 's3:PutObject', resource: 'audit/noted/x' },
      { function: 'audit', action: 's3:GetObject', resource: 'audit/noted/x' },
      { function: 'audit', action: 's3:ListBucket', resource: 'audit' },
    ]);
  });
});
