import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { jest } from '@jest/globals';
import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import { registryData } from '../../../config/checks/load.ts';
import { localStage } from '../../../config/local.ts';
import { entriesOf } from '../../../functions/shared/registry/entry-items.ts';
import { close, listen } from '../../../sandbox/aws/listen.ts';
import { stores } from '../../model/store.ts';

it('fills the table that its environment names from the file beside its code, and answers over HTTP', async () => {
  const data = registryData(localStage());
  const folder = mkdtempSync(join(tmpdir(), 'fill-registry-'));
  writeFileSync(join(folder, 'registry.json'), JSON.stringify(data));
  const store = await stores.dynalite();
  const endpoint = await store.client.config.endpoint?.();
  const answers: { method: string | undefined; headers: IncomingHttpHeaders; body: string }[] = [];
  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    answers.push({ method: request.method, headers: request.headers, body: await text(request) });
    response.end();
  };
  const cloudFormation = createServer((request, response) => void receive(request, response));
  const port = await listen(cloudFormation, 0, '127.0.0.1');
  Object.assign(process.env, {
    LAMBDA_TASK_ROOT: folder,
    REGISTRY_TABLE: store.tables.Registry,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${endpoint?.port}`,
  });

  const { handler } = await import('../../../functions/fill-registry/index.ts');
  const event = {
    RequestType: 'Create',
    ResponseURL: `http://127.0.0.1:${port}/answer?signed`,
    StackId: 'stack',
    RequestId: 'request',
    LogicalResourceId: 'Registry',
  };
  const lines = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  await handler(event as CloudFormationCustomResourceEvent, {
    awsRequestId: 'fill-1',
    invokedFunctionArn: 'arn:aws:lambda:eu-central-1:111122223333:function:fill',
    getRemainingTimeInMillis: () => 60_000,
  });
  lines.mockRestore();

  const { Items: items = [] } = await store.client.send(new ScanCommand({ TableName: store.tables.Registry }));
  expect(items.map(({ entryId }) => entryId?.S ?? '').sort()).toEqual([...entriesOf(data).keys()].sort());
  expect(answers.map(({ method }) => method)).toEqual(['PUT']);
  // The URL is signed for an empty content type, and its bucket takes no chunked body.
  expect(answers[0]?.headers).toMatchObject({ 'content-type': '', 'content-length': expect.any(String) as string });
  expect(JSON.parse(answers[0]?.body ?? '')).toMatchObject({ Status: 'SUCCESS', RequestId: 'request' });

  await close(cloudFormation);
  await store.close();
  rmSync(folder, { recursive: true });
});
