import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { close, listen } from '../../sandbox/aws/listen.ts';

/** An AWS endpoint that passes calls on, but answers some by itself. */
export interface AwsAnswers {
  readonly url: string;
  /**
   * Sets the answer to an operation. A body with a `__type` is an error.
   * @param times how many times it is given
   * @default always
   */
  readonly answer: (operation: string, body: object, times?: number) => void;
  /** The calls of operations of Secrets Manager so far, in order. */
  readonly sent: () => readonly { readonly operation: string; readonly input: Readonly<Record<string, unknown>> }[];
  readonly close: () => Promise<void>;
}

/** Starts an endpoint in front of another. */
export const answeringAws = async (upstream: string): Promise<AwsAnswers> => {
  const answers = new Map<string, { body: object; left: number }>();
  const sent: { operation: string; input: Record<string, unknown> }[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const [service, operation = ''] = String(request.headers['x-amz-target']).split('.');
      const body = await buffer(request);
      if (service === 'secretsmanager') {
        sent.push({ operation, input: JSON.parse(body.toString()) as Record<string, unknown> });
      }
      const scripted = answers.get(operation);
      if (scripted !== undefined && scripted.left > 0) {
        scripted.left -= 1;
        const status = '__type' in scripted.body ? 400 : 200;
        response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(scripted.body));
        return;
      }
      const { host: _host, 'content-length': _length, connection: _connection, ...headers } = request.headers;
      const answer = await fetch(`${upstream}${request.url}`, {
        method: request.method ?? 'POST',
        headers: headers as Record<string, string>,
        // fetch refuses a body for these.
        ...(/^(?:GET|HEAD)$/.test(request.method ?? '') ? {} : { body }),
      });
      response
        .writeHead(answer.status, Object.fromEntries(answer.headers))
        .end(Buffer.from(await answer.arrayBuffer()));
    })();
  });
  const url = `http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}`;
  return {
    url,
    answer: (operation, body, times = Number.POSITIVE_INFINITY) => void answers.set(operation, { body, left: times }),
    sent: () => [...sent],
    close: () => close(server),
  };
};
