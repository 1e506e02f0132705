import { once } from 'node:events';
import { Agent, createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { close, listen } from '../../sandbox/aws/listen.ts';
import type { StoreCall } from '../support/world/functions.ts';
import type { StoreFault, Wire } from './target.ts';

/** Stands between the functions and AWS: records each call to DynamoDB on the wire, and can break it. */
export interface AwsProxy extends Wire {
  readonly url: string;
  readonly close: () => Promise<void>;
}

const faults = {
  throttled: { status: 400, type: 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException' },
  down: { status: 500, type: 'com.amazonaws.dynamodb.v20120810#InternalServerError' },
} as const;

const callerOf = ({ headers }: IncomingMessage): string =>
  /Credential=([^/,]+)\//.exec(headers.authorization ?? '')?.[1] ?? '';

/** Starts the proxy in front of an AWS endpoint. */
export const startAwsProxy = async (upstream: string): Promise<AwsProxy> => {
  const calls: StoreCall[] = [];
  const agent = new Agent({ keepAlive: true });
  let fault: StoreFault | undefined;

  const note = (incoming: IncomingMessage, body: Buffer): boolean => {
    const [service = '', operation = ''] = String(incoming.headers['x-amz-target'] ?? '').split('.');
    if (!service.startsWith('DynamoDB_')) return false;
    const parameters = JSON.parse(body.toString()) as StoreCall['parameters'];
    calls.push({ caller: callerOf(incoming), operation, parameters });
    return true;
  };

  const server = createServer((incoming, response) => {
    void (async () => {
      const body = await buffer(incoming);
      if (note(incoming, body) && fault !== undefined) {
        const { status, type } = faults[fault];
        const headers = { 'content-type': 'application/x-amz-json-1.0' };
        response.writeHead(status, headers).end(JSON.stringify({ __type: type, message: 'out of order' }));
        return;
      }
      const { method, headers } = incoming;
      const outgoing = httpRequest(new URL(incoming.url ?? '/', upstream), { method, headers, agent });
      outgoing.end(body);
      const [answered] = (await once(outgoing, 'response')) as [IncomingMessage];
      response.writeHead(answered.statusCode ?? 500, answered.headers);
      answered.pipe(response);
    })().catch(() => response.destroy());
  });
  const url = `http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}`;
  const stop = async (): Promise<void> => {
    agent.destroy();
    await close(server);
  };
  return { url, calls: () => calls, setFault: (next) => (fault = next), close: stop };
};
