import { dynamoClient } from '../../../../functions/shared/store/dynamo.ts';
import { memoryDynamo } from '../../../support/memory-dynamo.ts';
import { readsOf } from '../../../support/stale-reads.ts';
import { loginAttemptCases, startAttempt } from './login-attempts-cases.ts';

loginAttemptCases(async () => ({ client: memoryDynamo().client, name: 'LoginAttempts' }));

it('a login attempt that is usable only after its condition failed is not given', async () => {
  const dynamo = memoryDynamo();
  const { consume } = await startAttempt({ client: dynamo.client, name: 'LoginAttempts' });
  const [item] = dynamo.items('LoginAttempts').values();
  dynamo.items('LoginAttempts').clear();
  readsOf(dynamo, item);

  expect(await consume()).toEqual({ outcome: 'unknown' });
});

it('DynamoDB’s client gives up soon, since a member waits', async () => {
  const client = dynamoClient();

  expect(await client.config.maxAttempts()).toBe(3);
});
