import type { IncomingMessage } from 'node:http';
import { badRequest, FhirError } from './outcome.ts';
import type { Parameters } from './query.ts';

/** The parts of an HTTP request that FHIR uses. */
export interface FhirRequest {
  /** The path below the base, `['Patient', '1']`. */
  readonly segments: readonly string[];
  readonly parameters: Parameters;
  /** Whether it was sent as `POST …/_search`. The segments omit `_search`. */
  readonly posted: boolean;
}

const maximumBodyBytes = 65_536;

/** Parses a request. The base's own path may precede the segments, or may have been removed already. */
export const readRequest = async (request: IncomingMessage, baseUrl: string): Promise<FhirRequest> => {
  const url = new URL(request.url ?? '/', 'http://fhir');
  const basePath = new URL(baseUrl).pathname.replace(/\/$/, '');
  const below = url.pathname === basePath || url.pathname.startsWith(`${basePath}/`);
  const segments = pathSegments(below ? url.pathname.slice(basePath.length) : url.pathname);
  const parameters = Array.from(url.searchParams);
  const method = request.method ?? 'GET';
  if (method === 'GET' || method === 'HEAD') return { segments, parameters, posted: false };
  if (method !== 'POST' || segments.at(-1) !== '_search') {
    throw new FhirError(405, 'not-supported', 'This server is read-only', { allow: 'GET, HEAD' });
  }
  const form = new URLSearchParams(await readForm(request));
  return { segments: segments.slice(0, -1), parameters: [...parameters, ...form], posted: true };
};

const pathSegments = (path: string): string[] => {
  try {
    return path.split('/').filter(Boolean).map(decodeURIComponent);
  } catch {
    throw badRequest('The path is not well encoded');
  }
};

const readForm = async (request: IncomingMessage): Promise<string> => {
  const type = request.headers['content-type'] ?? '';
  if (!type.startsWith('application/x-www-form-urlencoded')) {
    throw new FhirError(415, 'not-supported', '_search takes application/x-www-form-urlencoded');
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maximumBodyBytes) throw new FhirError(413, 'too-long', 'The body is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
};

const served = new Set(['*/*', 'application/*', 'json', 'application/json', 'application/fhir+json', 'text/json']);

/** Refuses requests for anything but JSON (406). In FHIR, `_format` overrides `Accept`. */
export const checkFormat = (request: IncomingMessage, parameters: Parameters): void => {
  const format = parameters.find(([name]) => name === '_format')?.[1].replaceAll(' ', '+');
  const wanted = format ?? request.headers.accept ?? '*/*';
  const accepted = wanted.split(',').map((part) => (part.split(';')[0] ?? '').trim());
  if (!accepted.some((type) => served.has(type))) {
    throw new FhirError(406, 'not-supported', 'Only application/fhir+json is served');
  }
};

/** Whether a Binary is requested as a FHIR resource rather than in its own format. */
export const wantsResource = (request: IncomingMessage): boolean => {
  return /application\/(fhir\+)?json/.test(request.headers.accept ?? '');
};
