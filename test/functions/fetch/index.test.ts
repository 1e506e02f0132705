import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { jest } from '@jest/globals';
import { entriesOf, newEntryItem } from '../../../functions/shared/registry/entry-items.ts';
import { fetchGateway, readEvent } from '../../support/fetch-gateway.ts';
import { localRegistry, withPayer } from '../../support/login.ts';
import { callStreaming } from '../../support/stream-handler.ts';

interface Asked {
  readonly TableName: string;
  readonly Key?: Readonly<Record<string, { readonly S: string }>>;
}

/** DynamoDB and the payer in one server: DynamoDB is called by POST, the payer by GET. */
const backEnd = async (find: (table: string, key: string) => object | undefined) => {
  const server = createServer(async (request, response) => {
    response.writeHead(200, {
      'content-type': request.method === 'GET' ? 'application/fhir+json' : 'application/x-amz-json-1.0',
    });
    if (request.method === 'GET') return void response.end('{"resourceType":"Patient"}');
    const { TableName, Key = {} } = (await json(request)) as Asked;
    // Binary values are base64 on the wire.
    const wire = (_name: string, value: unknown): unknown =>
      value !== null && typeof value === 'object' && 'type' in value && value.type === 'Buffer' && 'data' in value
        ? Buffer.from(value.data as number[]).toString('base64')
        : value;
    response.end(JSON.stringify({ Item: find(TableName, Object.values(Key)[0]?.S ?? '') }, wire));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
};

it('starts from its environment, and reads with what that names', async () => {
  const test = fetchGateway();
  const { token, grantId } = await test.grant({
    tokens: { accessToken: 'payer-access-1' },
    accessLives: 3e9,
    lives: 3e9,
  });
  const entries = new Map<string, object>();
  const { server, url } = await backEnd((table, key) =>
    table === 'Registry' ? entries.get(key) : test.dynamo.items('Grants').get(grantId),
  );
  const registry = withPayer('northwind', { fhirBaseUrl: `${url}/r4` })(localRegistry());
  const changed = { changedAt: 1, changedBy: 'arn', reason: 'test' };
  for (const [id, entry] of entriesOf(registry)) entries.set(id, newEntryItem(id, entry, changed));
  Object.assign(process.env, {
    REGISTRY_TABLE: 'Registry',
    STAGE: 'local',
    LIFETIMES: JSON.stringify(registry.lifetimes),
    ORIGIN: 'https://gateway.example.org',
    GRANTS_TABLE: 'Grants',
    PAYER_SECRET_PREFIX: 'payers/',
    AUDIT_TABLE: 'AuditEvents',
    LIMITS_TABLE: 'Limits',
    EXPORTS_TABLE: 'Exports',
    EXPORTS_KEY: 'arn:aws:kms:eu-central-1:111122223333:key/exports',
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_DYNAMODB: url,
  });
  const written = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  const { handler } = await import('../../../functions/fetch/index.ts');

  expect((await callStreaming(handler, readEvent('Patient', undefined))).statusCode).toBe(401);
  expect((await callStreaming(handler, readEvent('/metadata', undefined))).headers['Location']).toBe(
    'https://gateway.example.org/r4/northwind/metadata',
  );
  const answer = await callStreaming(handler, readEvent('Patient', token));
  expect(answer).toMatchObject({ statusCode: 200, text: '{"resourceType":"Patient"}', error: undefined });

  expect(written).toHaveBeenCalledTimes(3);
  expect(written).toHaveBeenCalledWith(expect.stringMatching(/^\{.*"outcome":"ok".*\}\n$/));
  written.mockRestore();
  server.closeAllConnections();
  server.close();
});
