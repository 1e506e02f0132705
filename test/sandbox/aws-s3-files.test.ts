import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { startAws, type LocalAws } from '../../sandbox/aws/aws.ts';

const Bucket = 'files';
const keyArn = 'arn:aws:kms:us-east-1:000000000000:key/exports';
let aws: LocalAws;
let client: S3Client;

beforeAll(async () => {
  aws = await startAws(0);
  aws.kms.createKey(keyArn);
  aws.s3.createBucket(Bucket, { versioned: false, keyArn });
  aws.s3.createBucket('locked');
  client = new S3Client({
    endpoint: aws.url,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'sweep', secretAccessKey: 'local' },
  });
});
afterAll(async () => {
  client.destroy();
  await aws.close();
});
afterEach(() => {
  aws.s3.failWith(undefined);
  aws.kms.enable(keyArn);
});

const put = (Key: string, Body: string | Buffer | Readable, more: object = {}) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const bytesOf = async (Key: string, more: object = {}): Promise<Buffer> => {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
};
const keysUnder = async (Prefix: string): Promise<readonly (string | undefined)[]> =>
  ((await client.send(new ListObjectsV2Command({ Bucket, Prefix }))).Contents ?? []).map(({ Key }) => Key);
const remove = (keys: readonly string[], more: object = {}) =>
  client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })), ...more } }));

/** Larger than the store keeps in memory, and without repetition. */
const large = Buffer.from(Array.from({ length: 60_000 }, (_none, n) => String(n)).join(' '));

describe('a bucket without versions', () => {
  it('has the last body only, and no version', async () => {
    await put('twice', 'first');
    expect((await put('twice', 'second')).VersionId).toBeUndefined();
    expect(String(await bytesOf('twice'))).toBe('second');
  });

  it('keeps large objects byte for byte, streamed ones too', async () => {
    await put('large', large);
    await put('streamed', Readable.from([large.subarray(0, 70_000), large.subarray(70_000)]), {
      ContentLength: large.length,
    });
    for (const key of ['large', 'streamed']) {
      expect(
        createHash('sha256')
          .update(await bytesOf(key))
          .digest('hex'),
      ).toBe(createHash('sha256').update(large).digest('hex'));
    }
  });

  it.each([
    ['bytes=0-3', 0, 4],
    ['bytes=5-5', 5, 6],
    ['bytes=300000-', 300_000, large.length],
    ['bytes=-7', large.length - 7, large.length],
    [`bytes=10-${large.length + 5}`, 10, large.length],
  ])('answers %s with those bytes', async (Range, from, to) => {
    await put('ranged', large);
    const { ContentRange, ContentLength } = await client.send(new GetObjectCommand({ Bucket, Key: 'ranged', Range }));
    expect({ ContentRange, ContentLength }).toEqual({
      ContentRange: `bytes ${from}-${to - 1}/${large.length}`,
      ContentLength: to - from,
    });
    expect((await bytesOf('ranged', { Range })).equals(large.subarray(from, to))).toBe(true);
  });

  it('refuses a range after the end', async () => {
    await put('short', 'abc');
    await expect(bytesOf('short', { Range: 'bytes=3-' })).rejects.toMatchObject({ name: 'InvalidRange' });
  });

  it('names the length in an answer to HEAD', async () => {
    await put('headed', large);
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'headed' }));
    expect(head.ContentLength).toBe(large.length);
  });

  it('deletes one object, and again without an error', async () => {
    await put('gone', large);
    for (let times = 0; times < 2; times += 1) await client.send(new DeleteObjectCommand({ Bucket, Key: 'gone' }));
    await expect(bytesOf('gone')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  it('deletes many in one request, those with special characters and those that are not there', async () => {
    const keys = ['many/a&b', 'many/<c>', 'many/ö "d"', 'many/e'];
    for (const key of keys) await put(key, 'x');
    const { Deleted } = await remove([...keys.slice(0, 3), 'many/none']);
    expect(Deleted?.map(({ Key }) => Key)).toEqual([...keys.slice(0, 3), 'many/none']);
    expect(await keysUnder('many/')).toEqual(['many/e']);
    expect((await remove(['many/e'], { Quiet: true })).Deleted).toBeUndefined();
    expect(await keysUnder('many/')).toEqual([]);
  });

  it('refuses to delete more than 1,000 at once', async () => {
    const keys = Array.from({ length: 1001 }, (_none, n) => `k${n}`);
    await expect(remove(keys)).rejects.toMatchObject({ name: 'MalformedXML' });
  });

  it('records deletions as rights to the objects', async () => {
    aws.log.clear();
    await remove(['a', 'b']);
    expect(aws.log.calls()).toEqual([{ function: 'sweep', action: 's3:DeleteObject', resource: 'files/*' }]);
  });
});

it('a versioned bucket does not delete', async () => {
  const objects = { Bucket: 'locked', Delete: { Objects: [{ Key: 'a' }] } };
  await expect(client.send(new DeleteObjectsCommand(objects))).rejects.toMatchObject({ name: 'NotImplemented' });
});

describe('switched failures', () => {
  it('refuse what they name, and nothing else', async () => {
    aws.s3.failWith(({ action, key }) => (action === 'PutObject' && key.startsWith('slow/') ? 'SlowDown' : undefined));
    await expect(put('slow/a', 'x')).rejects.toMatchObject({ name: 'SlowDown', $metadata: { httpStatusCode: 503 } });
    await put('fast/a', 'x');
    expect(String(await bytesOf('fast/a'))).toBe('x');
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
    await expect(bytesOf('sealed')).rejects.toMatchObject(disabled);
    await expect(put('other', 'x')).rejects.toMatchObject(disabled);
    await remove(['sealed']);
    expect(await keysUnder('sealed')).toEqual([]);
  });
});

it('shows every stored object, for a search of what is at rest', async () => {
  await put('shown', 'these bytes');
  expect(new Map(aws.s3.objects()).get('files/shown')?.toString()).toBe('these bytes');
});
