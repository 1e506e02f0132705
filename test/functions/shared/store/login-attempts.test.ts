import { createDecipheriv, createHash, hkdfSync } from 'node:crypto';
import { dynamoClient } from '../../../../functions/shared/store/dynamo.ts';
import { memoryDynamo } from '../../../support/memory-dynamo.ts';
import { readsOf } from '../../../support/stale-reads.ts';
import { loginAttemptCases, startAttempt } from './login-attempts-cases.ts';

loginAttemptCases(async () => ({ client: memoryDynamo().client, name: 'LoginAttempts' }));

it('a login attempt that is found usable only after its condition failed grants nothing', async () => {
  const dynamo = memoryDynamo();
  const { consume } = await startAttempt({ client: dynamo.client, name: 'LoginAttempts' });
  const [item] = dynamo.items('LoginAttempts').values();
  dynamo.items('LoginAttempts').clear();
  readsOf(dynamo, item);

  expect(await consume()).toEqual({ outcome: 'unknown' });
});

it('a login attempt costs one write to begin and one to end, and a browser without its cookie causes none', async () => {
  const dynamo = memoryDynamo();
  const { consume } = await startAttempt({ client: dynamo.client, name: 'LoginAttempts' });
  expect(dynamo.calls()).toEqual(['PutItem']);

  await consume({ cookie: undefined });
  expect(dynamo.calls()).toEqual(['GetItem']);
  await consume();
  expect(dynamo.calls()).toEqual(['UpdateItem']);
});

it('a login attempt is sealed the same way in every release, since one under way would end otherwise', async () => {
  const dynamo = memoryDynamo();
  await startAttempt({ client: dynamo.client, name: 'LoginAttempts' }, { partnerState: 'partner-state' });
  const sealed = Buffer.from([...dynamo.items('LoginAttempts').values()][0]?.['sealed']?.B ?? []);

  const key = new Uint8Array(hkdfSync('sha256', 'state', '', 'p2p login attempt', 32));
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12))
    .setAAD(Buffer.from(createHash('sha256').update('state').digest('base64url')))
    .setAuthTag(sealed.subarray(-16));
  const plain = decipher.update(sealed.subarray(12, -16)).toString() + decipher.final('utf8');

  expect(JSON.parse(plain)).toEqual({ verifier: 'verifier', partnerState: 'partner-state' });
});

it('DynamoDB’s client gives up early, since a member waits', async () => {
  const client = dynamoClient();

  expect(await client.config.maxAttempts()).toBe(3);
});
