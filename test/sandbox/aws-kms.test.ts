/* `aws-contract.test.ts` tests what KMS does with a request. */
import { randomBytes } from 'node:crypto';
import { KMSClient, ListKeysCommand } from '@aws-sdk/client-kms';
import { openInJob, sealForJob } from '../../functions/shared/exports/seal-for-job.ts';
import { startAws, type LocalAws } from '../../sandbox/aws/aws.ts';

const KeyId = 'arn:aws:kms:us-east-1:000000000000:key/exports';
let aws: LocalAws;
let kms: KMSClient;

beforeAll(async () => {
  aws = await startAws(0);
  aws.kms.createKey(KeyId);
  kms = new KMSClient({
    endpoint: aws.url,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'fetch', secretAccessKey: 'local' },
  });
});
afterAll(async () => {
  kms.destroy();
  await aws.close();
});

it('what the kick-off seals opens in the job of that export only, and calls are recorded with their context', async () => {
  aws.log.clear();
  const box = await sealForJob(kms, KeyId, randomBytes)('an-export', 'payer token', Buffer.from('token'));
  const open = openInJob(kms, KeyId);
  expect(String(await open('an-export', 'payer token', box))).toBe('token');
  await expect(open('another', 'payer token', box)).rejects.toMatchObject({ code: 'temporarily_unavailable' });
  const context = { export: 'an-export' };
  expect(aws.log.calls().slice(0, 2)).toEqual([
    { function: 'fetch', action: 'kms:GenerateDataKey', resource: KeyId, context },
    { function: 'fetch', action: 'kms:Decrypt', resource: KeyId, context },
  ]);
});

it('the embedded KMS disables no key that it does not have, and serves nothing that no function or tool asks', async () => {
  expect(() => aws.kms.disable(`${KeyId}-none`)).toThrow('no KMS key');
  expect(aws.kms.isEnabled(KeyId)).toBe(true);
  await expect(kms.send(new ListKeysCommand({}))).rejects.toThrow();
});
