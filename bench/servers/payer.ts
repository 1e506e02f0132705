/**
 * A payer in its own process: a token endpoint, a 2 KB patient, a search of any size, a record in pages, and Secrets
 * Manager.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { listen } from '../../sandbox/aws/listen.ts';
import {
  patientOf,
  payerPaths,
  recordOfPath,
  recordPage,
  recordPath,
  searchChunks,
  secretAnswer,
  tokenAnswer,
} from '../payer-data.ts';

const json = (response: ServerResponse, body: Buffer | string, type = 'application/json'): void => {
  response.writeHead(200, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body);
};

/** What the record's server declares, so that an export need not guess what else there might be. */
const capabilities = JSON.stringify({
  resourceType: 'CapabilityStatement',
  status: 'active',
  date: '2026-01-01',
  kind: 'instance',
  fhirVersion: '4.0.1',
  format: ['json'],
  rest: [
    {
      mode: 'server',
      resource: [
        { type: 'Patient', interaction: [{ code: 'read' }], operation: [{ name: 'everything' }] },
        { type: 'Observation', interaction: [{ code: 'read' }] },
        { type: 'Organization', interaction: [{ code: 'read' }] },
      ],
    },
  ],
});

const nothingFound = JSON.stringify({ resourceType: 'Bundle', type: 'searchset', total: 0 });

/** A page of a record, a resource that the record refers to, or that no search finds more. */
const answerRecord = async (response: ServerResponse, url: URL): Promise<void> => {
  const record = recordOfPath(url.pathname);
  const path = recordPath(record);
  const [type, id, operation] = url.pathname.slice(path.length + 1).split('/');
  if (type === 'metadata') return json(response, capabilities, 'application/fhir+json');
  if (id === undefined) return json(response, nothingFound, 'application/fhir+json');
  if (operation !== '$everything') {
    return json(response, JSON.stringify({ resourceType: type, id }), 'application/fhir+json');
  }
  await sleep(record.pageMs);
  const page = Number(url.searchParams.get('page') ?? 0);
  json(response, recordPage(origin + path, record, page), 'application/fhir+json');
};

const answer = (request: IncomingMessage, response: ServerResponse): void => {
  const url = new URL(request.url ?? '/', origin);
  if (url.pathname.startsWith(payerPaths.secrets)) return json(response, secretAnswer);
  if (url.pathname === payerPaths.token) return json(response, tokenAnswer);
  if (url.pathname.startsWith(`${payerPaths.fhir}/Patient/`)) return json(response, patient, 'application/fhir+json');
  if (url.pathname === `${payerPaths.fhir}/Observation`) {
    response.writeHead(200, { 'content-type': 'application/fhir+json' });
    Readable.from(searchChunks(base, Number(url.searchParams.get('_count')))).pipe(response);
    return;
  }
  if (url.pathname.startsWith(payerPaths.records)) return void answerRecord(response, url);
  response.writeHead(404).end();
};

const server = createServer((request, response) => {
  // Read the whole request first, as a server that parses forms does.
  request.resume().once('end', () => answer(request, response));
});
server.keepAliveTimeout = 0;
const origin = `http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}`;
const base = origin + payerPaths.fhir;
const patient = patientOf(base);
process.on('disconnect', () => process.exit());
process.send?.({ port: Number(new URL(origin).port) });
