import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { bucketReader, exportsS3 } from '../../../functions/export/exports-bucket.ts';

const reading = () => {
  Object.assign(process.env, { AWS_REGION: 'eu-central-1' });
  const client = exportsS3();
  return { client, s3: mockClient(client), open: bucketReader(client, 'exports') };
};
const never = new AbortController().signal;

describe('an object of the bucket', () => {
  it('is read by its name, byte for byte', async () => {
    const { s3, open } = reading();
    s3.on(GetObjectCommand).resolves({ Body: Readable.from([Buffer.from('sea'), Buffer.from('led')]) as never });

    expect((await buffer(await open('export-1/parts/a', never))).toString()).toBe('sealed');
    expect(s3.calls().map(({ args: [{ input }] }) => input)).toEqual([{ Bucket: 'exports', Key: 'export-1/parts/a' }]);
  });

  it.each(['AccessDenied', 'SlowDown', 'NoSuchKey', 'KMS.DisabledException'])(
    'is briefly unavailable while S3 answers %s, and the log has that name alone',
    async (name) => {
      const { s3, open } = reading();
      s3.on(GetObjectCommand).rejects(Object.assign(new Error('export-1/parts/a'), { name }));

      await expect(open('export-1/parts/a', never)).rejects.toMatchObject({
        code: 'temporarily_unavailable',
        detail: `s3: ${name}`,
      });
    },
  );

  it('is no longer transferred once its reader has left', async () => {
    const { s3, open } = reading();
    const body = new Readable({ read: () => {} });
    s3.on(GetObjectCommand).resolves({ Body: body as never });
    const caller = new AbortController();
    const bytes = buffer(await open('export-1/parts/a', caller.signal));

    caller.abort();

    await expect(bytes).rejects.toMatchObject({ name: 'AbortError' });
    expect(body.destroyed).toBe(true);
  });
});

it('the client tries three times, and leaves the checksum to the manifest', async () => {
  const { client } = reading();
  expect(await client.config.maxAttempts()).toBe(3);
  expect(await client.config.responseChecksumValidation()).toBe('WHEN_REQUIRED');
});
