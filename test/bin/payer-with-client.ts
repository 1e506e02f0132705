import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How a payer's token endpoint answers. */
export type Answering = (form: URLSearchParams, authorization: string | undefined) => [status: number, body: object];

/** A payer's token endpoint on this machine, and what it was sent. */
export const tokenEndpoint = async (answering: Answering) => {
  const asked: { form: URLSearchParams; authorization: string | undefined }[] = [];
  let current = answering;
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const form = new URLSearchParams(body);
      const { authorization } = request.headers;
      asked.push({ form, authorization });
      const [status, said] = current(form, authorization);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(said));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answerWith: (next: Answering): void => {
      current = next;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};

/** The secret in HTTP Basic authentication, as RFC 6749 §2.3.1 encodes it. */
export const secretIn = (authorization = ''): string => {
  const [, secret = ''] = Buffer.from(authorization.replace('Basic ', ''), 'base64').toString().split(/:(.*)/s);
  return decodeURIComponent(secret.replaceAll('+', '%20'));
};

/** A payer that looks at the client first, and accepts one secret. */
export const accepting =
  (secret: () => string): Answering =>
  (_form, authorization) =>
    secretIn(authorization) === secret() ? [400, { error: 'invalid_grant' }] : [401, { error: 'invalid_client' }];
