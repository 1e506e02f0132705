import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { pageHeaders } from './page-headers.ts';

/** Nothing from elsewhere, no inline script or style. The viewer's arrows are `data:` pictures in its style sheet. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const headers = {
  'content-security-policy': policy,
  ...pageHeaders,
};

const script = 'text/javascript; charset=utf-8';
const style = 'text/css; charset=utf-8';
const { resolve } = createRequire(import.meta.url);
const viewer = (name: string): string => resolve(`swagger-ui-dist/${name}`);
const own = (name: string): URL => new URL(`static/${name}`, import.meta.url);
const documentsFolder = new URL('../../docs/', import.meta.url);
const document = (name: string): URL => new URL(name, documentsFolder);

const files: Readonly<Record<string, readonly [file: string | URL, type: string]>> = {
  '/api': [own('index.html'), 'text/html; charset=utf-8'],
  '/api/page.js': [own('page.js'), script],
  '/api/page.css': [own('page.css'), style],
  '/api/swagger-ui-bundle.js': [viewer('swagger-ui-bundle.js'), script],
  '/api/swagger-ui.css': [viewer('swagger-ui.css'), style],
  '/api/openapi.yaml': [document('openapi.yaml'), 'application/yaml; charset=utf-8'],
  '/api/llms.txt': [document('llms.txt'), 'text/plain; charset=utf-8'],
};

const say = (response: ServerResponse, status: number, text: string): void => {
  response.writeHead(status, { ...headers, 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
};

const answer = async (
  { method }: IncomingMessage,
  response: ServerResponse,
  { pathname }: URL,
  asRun: (text: string) => string,
): Promise<void> => {
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return say(response, 405, 'These pages can only be read.');
  }
  const path = pathname.replace(/\/$/, '');
  const found = Object.hasOwn(files, path) ? files[path] : undefined;
  if (found === undefined) return say(response, 404, 'There is no such page. The API documents are at /api.');
  const [file, type] = found;
  const isDocument = file instanceof URL && file.href.startsWith(documentsFolder.href);
  const content = isDocument ? asRun(await readFile(file, 'utf8')) : await readFile(file);
  response.writeHead(200, { ...headers, 'content-type': type }).end(content);
};

/**
 * A page of the live server: the API documents, rendered by Swagger UI at `/api`, and what it needs below that.
 * @param asRun puts what runs into a text that names the usual ports
 */
export const apiDocuments = (asRun: (text: string) => string = (text) => text) => ({
  path: '/api',
  title: 'API',
  answer: (request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> =>
    answer(request, response, url, asRun),
});
