import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { fetchGateway, readEvent } from '../../support/fetch-gateway.ts';
import { localRegistry, withPayer } from '../../support/login.ts';
import { callStreaming } from '../../support/stream-handler.ts';

/** DynamoDB and the payer in one server: DynamoDB is called by POST, the payer by GET. */
const backEnd = async (item: () => object) => {
  const server = createServer((request, response) => {
    response.writeHead(200, {
      'content-type': request.method === 'GET' ? 'application/fhir+json' : 'application/x-amz-json-1.0',
    });
    // Binary values are base64 on the wire.
    const wire = (_name: string, value: unknown): unknown =>
      value !== null && typeof value === 'object' && 'type' in value && value.type === 'Buffer' && 'data' in value
        ? Buffer.from(value.data as number[]).toString('base64')
        : value;
    response.end(request.method === 'GET' ? '{"resourceType":"Patient"}' : JSON.stringify({ Item: item() }, wire));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
};

it('starts from its environment and the registry beside its code, and reads with what they name', async () => {
  const test = fetchGateway();
  const { token, grantId } = await test.grant({
    tokens: { accessToken: 'payer-access-1' },
    accessLives: 3e9,
    lives: 3e9,
  });
  const { server, url } = await backEnd(() => test.dynamo.items('Grants').get(grantId) ?? {});
  const root = await mkdtemp(join(tmpdir(), 'fetch-'));
  const registry = withPayer('northwind', { fhirBaseUrl: `${url}/r4` })(localRegistry());
  await writeFile(join(root, 'registry.json'), JSON.stringify(registry));
  Object.assign(process.env, {
    LAMBDA_TASK_ROOT: root,
    ORIGIN: 'https://gateway.example.org',
    GRANTS_TABLE: 'Grants',
    PAYER_SECRET_PREFIX: 'payers/',
    AUDIT_TABLE: 'AuditEvents',
    LIMITS_TABLE: 'Limits',
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
  await rm(root, { recursive: true });
});
