import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';

const bodyLimit = 64 * 1024;

/** The fields of a posted form; undefined if the body is not a form, or is larger than this server's forms. */
export const readForm = async (req: IncomingMessage): Promise<URLSearchParams | undefined> => {
  const type = req.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== undefined && type !== 'application/x-www-form-urlencoded') return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyLimit) return undefined;
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
};

/** Reads a small body, and puts it back, edited, for the next reader. Returns what was there before. */
export const rewriteBody = async (req: IncomingMessage, edit = (text: string): string => text): Promise<string> => {
  const length = Number(req.headers['content-length'] ?? 0);
  if (length > bodyLimit) return '';
  let body = Buffer.alloc(0);
  while (body.length < length && req.readable) {
    const chunk = req.read() as Buffer | null;
    if (chunk === null) await once(req, 'readable');
    else body = Buffer.concat([body, chunk]);
  }
  const text = body.toString('utf8');
  const edited = Buffer.from(edit(text));
  req.headers['content-length'] = String(edited.length);
  if (edited.length > 0) req.unshift(edited);
  return text;
};

/** Reads a small form, and puts it back for the next reader. */
export const peekForm = async (req: IncomingMessage): Promise<URLSearchParams> =>
  new URLSearchParams(await rewriteBody(req));

/** Redirects the browser to a GET. */
export const seeOther = (res: ServerResponse, location: string): void => {
  res.writeHead(303, { location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }).end();
};

/** Sends a value as JSON. */
export const sendJson = (
  res: ServerResponse,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void => {
  res.writeHead(status, { 'content-type': 'application/json', 'x-content-type-options': 'nosniff', ...headers });
  res.end(JSON.stringify(value));
};
