/** One transfer in its own process, to measure its memory: the gateway's, a bare pipe's, or that of a parser. */
import { once } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createPayerHttp } from '../functions/shared/payer/http-client.ts';
import type { PayerResponse } from '../functions/shared/payer/http.ts';
import { dynamoClient } from '../functions/shared/store/dynamo.ts';
import { gatewayOver, type Gateway } from './gateway.ts';
import { collectGarbage, timed } from './measure.ts';
import { patientId } from './payer-data.ts';
import { parseAndPrint } from './peers/parse-and-print.ts';
import type { TransferOrder, TransferResult } from './transfer-order.ts';
import { fetchEvent } from './walk.ts';

const order = JSON.parse(process.argv[2] ?? '') as TransferOrder;
const { kind, accessToken, payerBase, facade, tables, registry, entries } = order;

let peakBytes = 0;
let watching = false;
collectGarbage();
const look = (): void => {
  if (watching) peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
};
const drain = (): Writable =>
  new Writable({
    write: (_chunk, _encoding, done) => {
      look();
      done();
    },
  });

const gateway: Gateway = gatewayOver({ tables, client: dynamoClient(), registry, onWrite: look });

const ours = async (path: string, query?: Record<string, string>): Promise<void> => {
  const status = await gateway.fetch(fetchEvent(accessToken, path, query));
  if (status !== 200) throw new Error(`no answer, but ${status}`);
};

/** The functions' own client: that of `fetch` holds tens of megabytes, which would hide what the gateway's code holds. */
const payerClient = createPayerHttp();

const answerOf = async (path: string, query?: Record<string, string>): Promise<PayerResponse> => {
  const response = await payerClient(`${payerBase}/${path}?${new URLSearchParams(query)}`);
  if (response.status !== 200) throw new Error(`the payer answered ${response.status}`);
  return response;
};

const piped = async (path: string, query?: Record<string, string>): Promise<void> => {
  const { body } = await answerOf(path, query);
  const stream = drain();
  for await (const chunk of body ?? []) if (!stream.write(chunk)) await once(stream, 'drain');
  stream.end();
};

const parsed = async (path: string, query?: Record<string, string>): Promise<void> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of (await answerOf(path, query)).body ?? []) chunks.push(chunk);
  look();
  const text = parseAndPrint(chunks, { from: payerBase, to: facade });
  look();
  await pipeline(Readable.from([text]), drain());
};

const ways = { ours, pipe: piped, parse: parsed };
const transfer = ways[kind];
// Every process does the same work before it is measured, so the rises in memory are comparable.
for (let warmUp = 0; warmUp < 20; warmUp += 1) for (const way of Object.values(ways)) await way(`Patient/${patientId}`);
const search = (): Promise<void> => transfer('Observation', { _count: String(entries) });

collectGarbage();
const before = process.memoryUsage.rss();
watching = true;
await search();
watching = false;
const result: TransferResult = { ...(await timed(search)), grownMb: Math.max(0, peakBytes - before) / 2 ** 20 };
process.send?.(result, () => process.exit());
