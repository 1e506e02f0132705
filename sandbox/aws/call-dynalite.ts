import { EventEmitter } from 'node:events';
import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AwsAnswer } from './service.ts';
import type { CallDynamoDb } from './stream-records.ts';

/** dynalite's answer. */
export interface DynaliteAnswer extends AwsAnswer {
  readonly body: Buffer;
}

const passedOn = new Set(['content-type', 'x-amz-crc32', 'x-amzn-requestid']);

/**
 * Sends a request to dynalite, as its HTTP server would hand it over, but without a socket: over HTTP, a call would take
 * twice as long.
 */
export const callDynalite = (
  server: Server,
  body: Buffer,
  headers: Readonly<Record<string, string>>,
): Promise<DynaliteAnswer> =>
  new Promise((resolve) => {
    const request = Object.assign(new EventEmitter(), { method: 'POST', url: '/', headers });
    const said: Record<string, string> = {};
    const response = {
      statusCode: 200,
      setHeader: (name: string, value: string | number) => {
        if (passedOn.has(name.toLowerCase())) said[name.toLowerCase()] = String(value);
      },
      end: (text = '') => resolve({ status: response.statusCode, headers: said, body: Buffer.from(text) }),
    };
    server.emit('request', request, response);
    request.emit('data', body);
    request.emit('end');
  });

/** Creates a table, and waits until it can be used. */
export const createTable = async (call: CallDynamoDb, table: Readonly<Record<string, unknown>>): Promise<void> => {
  await call('CreateTable', table);
  const { TableName } = table;
  const isActive = async (): Promise<boolean> => {
    const { Table } = await call('DescribeTable', { TableName });
    return (Table as { readonly TableStatus: string }).TableStatus === 'ACTIVE';
  };
  while (!(await isActive())) await sleep(1);
};
