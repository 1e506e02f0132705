import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type GetObjectCommandInput,
  type ListObjectsV2CommandInput,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { casesFrom, type Case } from './contract.ts';

/** An S3 with an empty bucket without versions, and another with them. */
export interface S3 {
  readonly client: S3Client;
  readonly plain: string;
  readonly versioned: string;
}

const reference = 'https://docs.aws.amazon.com/AmazonS3/latest/API';
const guide = 'https://docs.aws.amazon.com/AmazonS3/latest/userguide';
const putting = casesFrom<S3>(`${reference}/API_PutObject.html`);
const getting = casesFrom<S3>(`${reference}/API_GetObject.html`);
const ranges = casesFrom<S3>('https://www.rfc-editor.org/rfc/rfc9110#section-14');
const heading = casesFrom<S3>(`${reference}/API_HeadObject.html`);
const listing = casesFrom<S3>(`${reference}/API_ListObjectsV2.html`);
const deleting = casesFrom<S3>(`${reference}/API_DeleteObject.html`);
const deletingMany = casesFrom<S3>(`${reference}/API_DeleteObjects.html`);
const keys = casesFrom<S3>(`${guide}/object-keys.html`);
const integrity = casesFrom<S3>(`${guide}/checking-object-integrity.html`);
const writes = casesFrom<S3>(`${guide}/conditional-writes.html`);

let made = 0;
/** A prefix that no other case uses. */
const freshPrefix = (): string => `case-${(made += 1)}/`;

const put = (
  { client, plain }: S3,
  Key: string,
  Body: string | Buffer | Readable,
  more: Partial<PutObjectCommandInput> = {},
) => client.send(new PutObjectCommand({ Bucket: plain, Key, Body, ...more }));
const get = ({ client, plain }: S3, Key: string, more: Partial<GetObjectCommandInput> = {}) =>
  client.send(new GetObjectCommand({ Bucket: plain, Key, ...more }));
const textOf = async (target: S3, Key: string, more: Partial<GetObjectCommandInput> = {}) =>
  (await get(target, Key, more)).Body?.transformToString();
const bytesOf = async (target: S3, Key: string, more: Partial<GetObjectCommandInput> = {}): Promise<Buffer> =>
  Buffer.from((await (await get(target, Key, more)).Body?.transformToByteArray()) ?? []);
const list = ({ client, plain }: S3, Prefix: string, more: Partial<ListObjectsV2CommandInput> = {}) =>
  client.send(new ListObjectsV2Command({ Bucket: plain, Prefix, ...more }));
const keysUnder = async (target: S3, prefix: string, more: Partial<ListObjectsV2CommandInput> = {}) =>
  ((await list(target, prefix, more)).Contents ?? []).map(({ Key }) => Key);
const removeMany = ({ client, plain }: S3, all: readonly string[], more: object = {}) =>
  client.send(new DeleteObjectsCommand({ Bucket: plain, Delete: { Objects: all.map((Key) => ({ Key })), ...more } }));
const putAll = async (target: S3, all: readonly string[]): Promise<void> => {
  for (const key of all) await put(target, key, key);
};
const refuses = (sending: Promise<unknown>, name: string, httpStatusCode: number) =>
  expect(sending).rejects.toMatchObject({ name, $metadata: { httpStatusCode } });

/** Some 330 KB without repetition. */
const large = Buffer.from(Array.from({ length: 60_000 }, (_none, n) => String(n)).join(' '));

const objects: readonly Case<S3>[] = [
  putting('S3 keeps an object with its type and metadata, whatever the characters of its key', async (target) => {
    const key = `${freshPrefix()}partner=a b+c/ö.ndjson`;
    const more = { ContentType: 'application/fhir+ndjson', Metadata: { source: 'grants' } };
    const { ETag, $metadata } = await put(target, key, '{"é":1}\n', more);
    expect($metadata.httpStatusCode).toBe(200);
    expect(await textOf(target, key)).toBe('{"é":1}\n');
    const head = await target.client.send(new HeadObjectCommand({ Bucket: target.plain, Key: key }));
    expect(head).toMatchObject({ ContentLength: 9, ETag, ...more });
    expect(ETag).toBe(`"${createHash('md5').update('{"é":1}\n').digest('hex')}"`);
  }),
  putting('S3 keeps large bodies byte for byte, streamed ones too', async (target) => {
    const prefix = freshPrefix();
    await put(target, `${prefix}whole`, large);
    const parts = Readable.from([large.subarray(0, 70_000), large.subarray(70_000)]);
    await put(target, `${prefix}streamed`, parts, { ContentLength: large.length });
    for (const name of ['whole', 'streamed']) {
      expect((await bytesOf(target, `${prefix}${name}`)).equals(large)).toBe(true);
    }
  }),
  putting('S3 keeps only the last body in a bucket without versions, and gives it no version id', async (target) => {
    const key = `${freshPrefix()}a`;
    await put(target, key, 'first');
    expect((await put(target, key, 'second')).VersionId).toBeUndefined();
    expect(await textOf(target, key)).toBe('second');
  }),
  integrity('S3 refuses a body that does not match its CRC-32, and keeps nothing of it', async (target) => {
    const key = `${freshPrefix()}broken`;
    await refuses(put(target, key, 'text', { ChecksumCRC32: 'AAAAAA==' }), 'BadDigest', 400);
    await refuses(get(target, key), 'NoSuchKey', 404);
  }),
  integrity('S3 refuses a body that does not match its MD5, and keeps one that does', async (target) => {
    const key = `${freshPrefix()}digest`;
    const md5 = (text: string) => createHash('md5').update(text).digest('base64');
    await refuses(put(target, key, 'text', { ContentMD5: md5('another text') }), 'BadDigest', 400);
    await refuses(get(target, key), 'NoSuchKey', 404);
    await put(target, key, 'text', { ContentMD5: md5('text') });
    expect(await textOf(target, key)).toBe('text');
  }),
  writes('S3 writes an object once if asked to, however many calls compete', async (target) => {
    const key = `${freshPrefix()}once`;
    const tries = await Promise.allSettled(
      Array.from({ length: 20 }, (_none, index) => put(target, key, `writer ${index}`, { IfNoneMatch: '*' })),
    );
    const refused = tries.filter((tried) => tried.status === 'rejected');
    expect(refused).toHaveLength(19);
    for (const { reason } of refused) {
      expect(reason).toMatchObject({ name: 'PreconditionFailed', $metadata: { httpStatusCode: 412 } });
    }
    await target.client.send(new DeleteObjectCommand({ Bucket: target.plain, Key: key }));
    await put(target, key, 'after', { IfNoneMatch: '*' });
    expect(await textOf(target, key)).toBe('after');
  }),
  keys('S3 takes a key of 1,024 bytes, and refuses one byte more', async (target) => {
    const prefix = freshPrefix();
    const longest = `${prefix}${'é'.repeat(500)}`.padEnd(1024 - 500, 'x');
    expect(Buffer.byteLength(longest)).toBe(1024);
    await put(target, longest, 'x');
    expect(await keysUnder(target, prefix)).toEqual([longest]);
    await refuses(put(target, `${longest}x`, 'x'), 'KeyTooLongError', 400);
  }),
  heading('S3 names the length of an object in an answer to HEAD', async (target) => {
    const key = `${freshPrefix()}headed`;
    await put(target, key, large);
    const head = await target.client.send(new HeadObjectCommand({ Bucket: target.plain, Key: key }));
    expect(head).toMatchObject({ ContentLength: large.length, LastModified: expect.any(Date) as Date });
  }),
  getting('S3 finds no object that was not put, and no bucket that was not made', async (target) => {
    await refuses(get(target, 'nothing'), 'NoSuchKey', 404);
    await refuses(get(target, 'nothing', { Bucket: 'nowhere' }), 'NoSuchBucket', 404);
    await refuses(put(target, 'a', 'a', { Bucket: 'nowhere' }), 'NoSuchBucket', 404);
    const head = target.client.send(new HeadObjectCommand({ Bucket: target.plain, Key: 'nothing' }));
    await refuses(head, 'NotFound', 404);
  }),
  casesFrom<S3>(`${guide}/versioning-workflows.html`)(
    'S3 keeps every version in a bucket with versions',
    async (target) => {
      const key = `${freshPrefix()}versions`;
      const Bucket = target.versioned;
      const first = await put(target, key, 'first', { Bucket });
      const second = await put(target, key, 'second', { Bucket });
      expect(await textOf(target, key, { Bucket })).toBe('second');
      expect(await textOf(target, key, { Bucket, VersionId: first.VersionId })).toBe('first');
      expect((await get(target, key, { Bucket })).VersionId).toBe(second.VersionId);
      expect(second.VersionId).not.toBe(first.VersionId);
      await expect(get(target, key, { Bucket, VersionId: 'none' })).rejects.toMatchObject({ $fault: 'client' });
    },
  ),
  casesFrom<S3>(`${guide}/DeleteMarker.html`)(
    'S3 hides an object behind a delete marker, and keeps its version',
    async (target) => {
      const prefix = freshPrefix();
      const [Bucket, key] = [target.versioned, `${prefix}hidden`];
      const { VersionId } = await put(target, key, 'text', { Bucket });
      await put(target, `${prefix}shown`, 'text', { Bucket });
      const { DeleteMarker } = await target.client.send(new DeleteObjectCommand({ Bucket, Key: key }));
      expect(DeleteMarker).toBe(true);
      await refuses(get(target, key, { Bucket }), 'NoSuchKey', 404);
      expect(await keysUnder(target, prefix, { Bucket })).toEqual([`${prefix}shown`]);
      expect(await textOf(target, key, { Bucket, VersionId })).toBe('text');
      const all = await target.client.send(new ListObjectVersionsCommand({ Bucket, Prefix: prefix }));
      expect(all.Versions?.map(({ Key, IsLatest }) => [Key, IsLatest])).toEqual([
        [key, false],
        [`${prefix}shown`, true],
      ]);
      expect(all.DeleteMarkers).toMatchObject([{ Key: key, IsLatest: true }]);
    },
  ),
];

const ranged: readonly Case<S3>[] = [
  ...(
    [
      ['bytes=0-3', 0, 4],
      ['bytes=5-5', 5, 6],
      ['bytes=7-', 7, 10],
      ['bytes=-3', 7, 10],
      ['bytes=-20', 0, 10],
      ['bytes=4-20', 4, 10],
      ['bytes=9-9', 9, 10],
      ['bytes=0-9', 0, 10],
    ] as const
  ).map(([Range, from, to]) =>
    ranges(`S3 answers ${Range} of ten bytes with the bytes from ${from} to below ${to}`, async (target) => {
      const key = `${freshPrefix()}ranged`;
      await put(target, key, '0123456789');
      const { ContentRange, ContentLength, AcceptRanges, Body, $metadata } = await get(target, key, { Range });
      expect({ ContentRange, ContentLength, AcceptRanges, status: $metadata.httpStatusCode }).toEqual({
        AcceptRanges: 'bytes',
        ContentRange: `bytes ${from}-${to - 1}/10`,
        ContentLength: to - from,
        status: 206,
      });
      expect(await Body?.transformToString()).toBe('0123456789'.slice(from, to));
    }),
  ),
  ...['bytes=10-', 'bytes=10-12', 'bytes=-0'].map((Range) =>
    ranges(`S3 refuses ${Range} of ten bytes`, async (target) => {
      const key = `${freshPrefix()}ranged`;
      await put(target, key, '0123456789');
      await refuses(get(target, key, { Range }), 'InvalidRange', 416);
    }),
  ),
  ...['bytes=5-3', 'lines=0-3', 'bytes=x-3'].map((Range) =>
    ranges(`S3 ignores ${Range}, which is no range`, async (target) => {
      const key = `${freshPrefix()}ranged`;
      await put(target, key, '0123456789');
      const { Body, $metadata } = await get(target, key, { Range });
      expect([$metadata.httpStatusCode, await Body?.transformToString()]).toEqual([200, '0123456789']);
    }),
  ),
  ranges('S3 answers a range across the middle of a large body byte for byte', async (target) => {
    const key = `${freshPrefix()}large`;
    await put(target, key, large);
    const found = await bytesOf(target, key, { Range: 'bytes=100000-300001' });
    expect(found.equals(large.subarray(100_000, 300_002))).toBe(true);
  }),
];

const listed: readonly Case<S3>[] = [
  listing('S3 lists keys under a prefix, page by page, in the order of their bytes', async (target) => {
    const prefix = freshPrefix();
    // The first bytes of the last two are EF and F0 in UTF-8, but their first units FFE5 and D83D in UTF-16.
    const names = ['<c>', 'Z', 'a', 'a&b', 'é', '\uFFE5', '\u{1F600}'].map((name) => `${prefix}${name}`);
    await putAll(target, [...names.toReversed(), `other-${prefix}a`]);
    const found: (string | undefined)[] = [];
    const counts: (number | undefined)[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await list(target, prefix, { MaxKeys: 3, ContinuationToken });
      found.push(...(page.Contents ?? []).map(({ Key }) => Key));
      counts.push(page.KeyCount);
      expect(page.IsTruncated).toBe(page.NextContinuationToken !== undefined);
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    expect(found).toEqual(names);
    expect(counts).toEqual([3, 3, 1]);
  }),
  listing('S3 lists the size of each object', async (target) => {
    const prefix = freshPrefix();
    await put(target, `${prefix}a`, 'four');
    expect((await list(target, prefix)).Contents).toMatchObject([
      { Key: `${prefix}a`, Size: 4, StorageClass: 'STANDARD' },
    ]);
  }),
  listing('S3 lists the keys after another, which need not exist', async (target) => {
    const prefix = freshPrefix();
    await putAll(target, [`${prefix}a`, `${prefix}b`, `${prefix}c`]);
    expect(await keysUnder(target, prefix, { StartAfter: `${prefix}b` })).toEqual([`${prefix}c`]);
    expect(await keysUnder(target, prefix, { StartAfter: `${prefix}aa` })).toEqual([`${prefix}b`, `${prefix}c`]);
  }),
  listing('S3 ends no page early where there are just as many keys as asked for', async (target) => {
    const prefix = freshPrefix();
    await putAll(target, [`${prefix}a`, `${prefix}b`]);
    expect(await list(target, prefix, { MaxKeys: 2 })).toMatchObject({ KeyCount: 2, IsTruncated: false });
  }),
  listing('S3 lists a thousand keys at most', async (target) => {
    expect((await list(target, freshPrefix(), { MaxKeys: 1001 })).MaxKeys).toBe(1000);
    expect((await list(target, freshPrefix())).MaxKeys).toBe(1000);
  }),
  listing('S3 lists nothing if no keys are asked for, and refuses to list fewer', async (target) => {
    const prefix = freshPrefix();
    await putAll(target, [`${prefix}a`]);
    expect(await list(target, prefix, { MaxKeys: 0 })).toMatchObject({ KeyCount: 0, IsTruncated: false, MaxKeys: 0 });
    await refuses(list(target, prefix, { MaxKeys: -1 }), 'InvalidArgument', 400);
  }),
  listing('S3 refuses a token that it did not give', async (target) => {
    await refuses(list(target, freshPrefix(), { ContinuationToken: '' }), 'InvalidArgument', 400);
  }),
  listing('S3 lists keys as they were put, whatever their characters mean in XML', async (target) => {
    const prefix = freshPrefix();
    const names = ['&amp;', '&lt;b&gt;', '<b>', '"\''].map((name) => `${prefix}${name}`);
    await putAll(target, names);
    expect(new Set(await keysUnder(target, prefix))).toEqual(new Set(names));
  }),
  listing('S3 lists a key with a carriage return as it was put', async (target) => {
    const prefix = freshPrefix();
    await putAll(target, [`${prefix}a\rb`]);
    expect(await keysUnder(target, prefix)).toEqual([`${prefix}a\rb`]);
  }),
  listing('S3 groups keys up to a delimiter, and counts each group as one', async (target) => {
    const prefix = freshPrefix();
    await putAll(
      target,
      ['1/a', '1/b', '2/a', 'top'].map((name) => `${prefix}${name}`),
    );
    const page = await list(target, prefix, { Delimiter: '/' });
    expect(page.CommonPrefixes).toEqual([{ Prefix: `${prefix}1/` }, { Prefix: `${prefix}2/` }]);
    expect(page.Contents?.map(({ Key }) => Key)).toEqual([`${prefix}top`]);
    expect(page.KeyCount).toBe(3);
  }),
  casesFrom<S3>(`${reference}/API_ListBuckets.html`)(
    'S3 finds buckets by the beginning of their names',
    async (target) => {
      const { Buckets } = await target.client.send(new ListBucketsCommand({ Prefix: target.plain.slice(0, -1) }));
      expect(Buckets?.map(({ Name }) => Name)).toEqual([target.plain]);
    },
  ),
];

const deleted: readonly Case<S3>[] = [
  deleting('S3 deletes an object, and again without an error', async (target) => {
    const key = `${freshPrefix()}gone`;
    await put(target, key, large);
    for (let times = 0; times < 2; times += 1) {
      const { $metadata } = await target.client.send(new DeleteObjectCommand({ Bucket: target.plain, Key: key }));
      expect($metadata.httpStatusCode).toBe(204);
    }
    await refuses(get(target, key), 'NoSuchKey', 404);
  }),
  deletingMany('S3 deletes many objects in one request, those that are not there too', async (target) => {
    const prefix = freshPrefix();
    const names = ['a&b', '<c>', 'ö "d"', 'kept'].map((name) => `${prefix}${name}`);
    await putAll(target, names);
    const { Deleted, $metadata } = await removeMany(target, [...names.slice(0, 3), `${prefix}none`]);
    expect($metadata.httpStatusCode).toBe(200);
    expect(new Set(Deleted?.map(({ Key }) => Key))).toEqual(new Set([...names.slice(0, 3), `${prefix}none`]));
    expect(await keysUnder(target, prefix)).toEqual([`${prefix}kept`]);
  }),
  deletingMany('S3 does not name what it deleted if it is asked to be quiet', async (target) => {
    const prefix = freshPrefix();
    await putAll(target, [`${prefix}a`]);
    expect((await removeMany(target, [`${prefix}a`], { Quiet: true })).Deleted).toBeUndefined();
    expect(await keysUnder(target, prefix)).toEqual([]);
  }),
  deletingMany('S3 deletes 1,000 objects at once, and refuses one more and none', async (target) => {
    const names = Array.from({ length: 1001 }, (_none, n) => `none/${n}`);
    expect((await removeMany(target, names.slice(1))).Deleted).toHaveLength(1000);
    await refuses(removeMany(target, names), 'MalformedXML', 400);
    await refuses(removeMany(target, []), 'MalformedXML', 400);
  }),
];

/** What S3 does with what functions and tools send. */
export const s3Cases: readonly Case<S3>[] = [...objects, ...ranged, ...listed, ...deleted];
