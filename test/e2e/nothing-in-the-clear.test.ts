import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { type RunningStack, connect, startStack, walkLogin } from './support.ts';

let stack: RunningStack;
beforeAll(async () => {
  stack = await startStack();
}, 60_000);
afterAll(() => stack.close());

const dump = async (): Promise<string> => {
  const client = new DynamoDBClient({
    endpoint: stack.awsEndpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const tables = await Promise.all(
    Object.values(stack.tables).map((name) => client.send(new ScanCommand({ TableName: name, ConsistentRead: true }))),
  );
  const items = tables.flatMap(({ Items }) => Items ?? []);
  expect(tables.every(({ Items }) => (Items?.length ?? 0) > 0)).toBe(true);
  // Binary attributes in every spelling that could show what they hold.
  return JSON.stringify(items, (_key, value: unknown) =>
    value instanceof Uint8Array
      ? [
          Buffer.from(value).toString('utf8'),
          Buffer.from(value).toString('base64'),
          Buffer.from(value).toString('base64url'),
        ]
      : value,
  );
};

it('keeps no token, code, secret, state, name or birth date in the clear, in neither the tables nor the logs', async () => {
  const secrets: string[] = [
    'demo-partner-secret',
    'demo-health-plan-secret',
    'Mayte822',
    'Venegas795',
    '2011-01-04',
    '01/04/2011',
  ];
  for (const payer of ['demo-health-plan', 'northwind']) {
    const query = new URLSearchParams({
      client_id: 'demo-partner',
      redirect_uri: `${stack.urls.partner}/callback`,
      state: `canary-state-${payer}`,
    });
    const authorizeUrl = `${stack.origin}/oauth2/authorize/${payer}?${query}`;
    const toPayer = await fetch(authorizeUrl, { redirect: 'manual' });
    const ours = new URL(toPayer.headers.get('location') ?? '').searchParams.get('state') ?? '';
    const cookie = toPayer.headers.getSetCookie()[0]?.split(';')[0]?.split('=')[1] ?? '';
    const back = await walkLogin(authorizeUrl);
    const code = back.searchParams.get('code') ?? '';
    const tokens = await connect(stack, payer);
    secrets.push(`canary-state-${payer}`, ours, cookie, code, tokens.access_token, tokens.refresh_token);
    const read = await fetch(`${stack.origin}/r4/${payer}/Patient?birthdate=2011-01-04`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    expect(read.status).toBe(200);
    await read.text();
    const refreshed = await fetch(`${stack.origin}/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: 'demo-partner',
        client_secret: 'demo-partner-secret',
        refresh_token: tokens.refresh_token,
      }),
    });
    const pair = (await refreshed.json()) as { access_token: string; refresh_token: string };
    secrets.push(pair.access_token, pair.refresh_token);
    await fetch(`${stack.origin}/r4/${payer}/Patient?name=Mayte822`);
    await fetch(`${stack.origin}/oauth2/callback/${payer}?code=canary-code&state=${ours}`);
  }
  secrets.push('canary-code');
  expect(secrets.every((secret) => secret.length > 7)).toBe(true);

  const places = {
    tables: await dump(),
    functions: stack.functionLines.join('\n'),
    requests: stack.requestLines.join('\n'),
  };

  expect(stack.functionLines.length).toBeGreaterThan(10);
  expect(stack.requestLines.length).toBeGreaterThan(10);
  const found = Object.entries(places).flatMap(([place, text]) =>
    secrets.filter((secret) => text.includes(secret)).map((secret) => `${place}: ${secret.slice(0, 12)}`),
  );
  expect(found).toEqual([]);
});
