/**
 * A server in its own process with two ways to stream an export's file: the export function, which opens the file's
 * seal, and a pipe of the same objects, sealed as they are.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { bucketReader, exportsS3 } from '../../functions/export/exports-bucket.ts';
import type { ApiEvent } from '../../functions/shared/http/api.ts';
import { listen } from '../../sandbox/aws/listen.ts';
import { apiEvent, lambdaContext } from '../api-event.ts';
import { measured } from '../stage.ts';

type StreamingHandler = (event: ApiEvent, response: ServerResponse, context: unknown) => Promise<void>;

Object.assign(globalThis, {
  awslambda: {
    streamifyResponse: (handler: unknown): unknown => handler,
    HttpResponseStream: {
      from: (
        response: ServerResponse,
        { statusCode, headers }: { statusCode: number; headers: Record<string, string> },
      ) => response.writeHead(statusCode, headers),
    },
  },
});
// The function reads its variables, and the global, when it is loaded.
const { handler } = (await import('../../functions/export/index.ts')) as unknown as { handler: StreamingHandler };
const openObject = bucketReader(exportsS3(), process.env['EXPORTS_BUCKET'] ?? '');

const openFile = async ({ headers }: IncomingMessage, response: ServerResponse, path: string): Promise<void> => {
  const [, , payer = measured.payer, exportId = '', file = ''] = path.split('/');
  const event = apiEvent('/exports/{payer}/{export}/{file}', {
    path,
    pathParameters: { payer, export: exportId, file },
    headers: { Authorization: headers.authorization ?? '', 'Accept-Encoding': 'identity' },
  });
  await handler(event, response, lambdaContext());
};

/** Sends the objects whose names are in the query. */
const pipeObjects = async (response: ServerResponse, names: readonly string[]): Promise<void> => {
  const { signal } = new AbortController();
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    for (const name of names) yield* await openObject(name, signal);
  };
  response.writeHead(200, { 'content-type': 'application/octet-stream' });
  await pipeline(pieces(), response);
};

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const sent = url.pathname.startsWith('/exports/')
    ? openFile(request, response, url.pathname)
    : pipeObjects(response, url.searchParams.getAll('object'));
  sent.catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
});
const port = await listen(server, 0, '127.0.0.1');
process.on('disconnect', () => process.exit());
process.send?.({ port });
