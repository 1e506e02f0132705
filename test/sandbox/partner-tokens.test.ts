import { setImmediate } from 'node:timers/promises';
import type { GatewayClient, Tokens } from '../../sandbox/partner/gateway-client.ts';
import { gatewaySend } from '../../sandbox/partner/gateway-fetch.ts';
import type { Connection } from '../../sandbox/partner/sessions.ts';
import { startFakeGateway } from './partner-fake-gateway.ts';

const tokensNamed = (accessToken: string, expiresInMs = 3_600_000): Tokens => ({
  accessToken,
  refreshToken: `refresh of ${accessToken}`,
  patientId: 'p1',
  grantId: 'grant-1',
  expiresAtMs: Date.now() + expiresInMs,
});

const connectionWith = (tokens: Tokens): Connection => ({
  tokens,
  renewing: undefined,
  record: undefined,
  wholeRecord: undefined,
});

it('parallel reads that meet an ended token renew it once, and all go on with the new one', async () => {
  const fake = await startFakeGateway();
  let renewals = 0;
  const gateway = {
    renew: async () => {
      renewals += 1;
      while (fake.seen.length < 4) await setImmediate();
      fake.fhirStatus = 200;
      return tokensNamed('second');
    },
  } as unknown as GatewayClient;
  fake.fhirStatus = 401;
  const send = gatewaySend({ gateway, gatewayOrigin: fake.origin }, 'plan', connectionWith(tokensNamed('first')));
  const answers = await Promise.all([1, 2, 3, 4].map(() => send(`${fake.origin}/r4/plan/Patient/p1`)));
  await fake.close();

  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(renewals).toBe(1);
  expect(new Set(fake.seen.slice(-4).map(({ authorization }) => authorization))).toEqual(new Set(['Bearer second']));
});

it('a token is sent to the gateway alone', async () => {
  const gateway = {} as GatewayClient;
  const send = gatewaySend(
    { gateway, gatewayOrigin: 'https://gateway.example' },
    'plan',
    connectionWith(tokensNamed('t')),
  );

  await expect(send('https://gateway.example.evil/r4/plan/Patient')).rejects.toThrow('another server');
});
