/**
 * A function's process, in the role of Lambda's Node.js runtime. It serves calls over HTTP on a unix socket. The parent
 * sends one call at a time.
 */
import { once } from 'node:events';
import { readFileSync, readSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire, flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Context } from 'aws-lambda';

type RuntimeContext = Omit<Context, 'done' | 'fail' | 'succeed'>;
type BufferedHandler = (event: unknown, context: RuntimeContext) => Promise<unknown>;
type StreamingHandler = (event: unknown, stream: ResponseStream, context: RuntimeContext) => Promise<unknown>;
type ResponseStream = Writable & {
  setContentType: (contentType: string) => void;
  onBeforeFirstWrite?: (write: (chunk: string | Uint8Array) => void) => void;
};

/** Messages to the parent process. */
export type FromRuntime =
  { readonly ready: true } | { readonly held: number } | { /** The request id of a call. */ readonly returned: string };

const tell = (message: FromRuntime): void => void process.send?.(message);

/** Marks a handler that streams, as Lambda's runtime does. */
const streaming = Symbol.for('aws.lambda.runtime.handler.streaming');

/** The content type by which API Gateway knows that a prelude with status and headers comes first. */
const integrationResponse = 'application/vnd.awslambda.http-integration-response';

const awslambda = {
  streamifyResponse: (handler: StreamingHandler): StreamingHandler => Object.assign(handler, { [streaming]: true }),
  HttpResponseStream: {
    /**
     * The prelude and eight NUL bytes are sent with the first write, even an empty one. Without a write there is no
     * prelude.
     */
    from: (stream: ResponseStream, prelude: Readonly<Record<string, unknown>>): ResponseStream => {
      stream.setContentType(integrationResponse);
      stream.onBeforeFirstWrite = (write) => {
        write(JSON.stringify(prelude));
        write(new Uint8Array(8));
      };
      return stream;
    },
  },
};

const environment = (name: string): string => process.env[name] ?? '';

const contextOf = (request: IncomingMessage): RuntimeContext => {
  const deadlineMs = Number(request.headers['x-deadline-ms']);
  const functionName = environment('AWS_LAMBDA_FUNCTION_NAME');
  const functionVersion = environment('AWS_LAMBDA_FUNCTION_VERSION');
  // The ARN of a published version ends with its number.
  const qualifier = functionVersion === '$LATEST' ? '' : `:${functionVersion}`;
  return {
    awsRequestId: String(request.headers['x-request-id']),
    callbackWaitsForEmptyEventLoop: true,
    functionName,
    functionVersion,
    invokedFunctionArn: `arn:aws:lambda:${environment('AWS_REGION')}:000000000000:function:${functionName}${qualifier}`,
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: 'local',
    memoryLimitInMB: environment('AWS_LAMBDA_FUNCTION_MEMORY_SIZE'),
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
  };
};

const responseStreamOf = (response: ServerResponse): ResponseStream => {
  const stream = new Writable({
    write: (chunk: Uint8Array, _encoding, done) => {
      stream.onBeforeFirstWrite?.((part) => response.write(part));
      delete stream.onBeforeFirstWrite;
      // Wait for the socket to drain, so that a slow client slows down the handler.
      if (response.write(chunk)) done();
      else response.once('drain', () => done());
    },
    final: (done) => response.end(() => done()),
    destroy: (error, done) => {
      if (!response.writableFinished) response.destroy();
      done(error);
    },
  }) as ResponseStream;
  stream.setContentType = (contentType) => response.setHeader('content-type', contentType);
  stream.on('error', () => {});
  return stream;
};

/** Headers of a buffered answer. They tell the caller that the handler has returned. */
const wholeAnswer = { 'content-type': 'application/json', 'x-handler': 'returned' };

const failure = (error: unknown): { errorType: string; errorMessage: string; stack: string[] } => {
  const { name, message, stack = '' } = error instanceof Error ? error : new Error(String(error));
  return { errorType: name, errorMessage: message, stack: stack.split('\n').slice(1) };
};

const fail = (response: ServerResponse, error: unknown): void => {
  console.error(JSON.stringify({ level: 'error', message: 'Invoke Error', ...failure(error) }));
  if (response.headersSent) response.destroy();
  else response.writeHead(500, wholeAnswer).end(JSON.stringify(failure(error)));
};

// Now, since most of these processes are killed.
flushCompileCache();
delete process.env['NODE_COMPILE_CACHE'];

const [file = 'index', name = 'handler'] = environment('_HANDLER').split('.');
Object.assign(globalThis, { awslambda });
const bundle = createRequire(import.meta.url)(join(environment('LAMBDA_TASK_ROOT'), file)) as Record<string, unknown>;
const handler = bundle[name] as (BufferedHandler | StreamingHandler) & { [streaming]?: true };
if (typeof handler !== 'function') throw new Error(`${file} exports no function "${name}"`);

const invoke = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const event = JSON.parse(await text(request)) as unknown;
  const context = contextOf(request);
  if (handler[streaming] === true) {
    const stream = responseStreamOf(response);
    await (handler as StreamingHandler)(event, stream, context);
    // Before the end of the body, so that this environment is free once the caller has read it.
    tell({ returned: context.awsRequestId });
    if (!stream.writableEnded && !stream.destroyed) stream.end();
    return;
  }
  const result = await (handler as BufferedHandler)(event, context);
  response.writeHead(200, wholeAnswer).end(JSON.stringify(result ?? null));
};

type Collect = (how: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

/** Makes V8 release all the memory that it can, so that only the handler's remains, then measures it (Linux only). */
const heldBytes = (): number => {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as Collect)({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  // Without file-backed pages, such as Node's own program, which the system may drop and reload at any time.
  const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
};

/** Answers that are not sent yet. */
const unsent = new Set<Promise<unknown>>();

const sent = async (response: ServerResponse): Promise<void> => {
  const closed = once(response, 'close');
  unsent.add(closed);
  await closed;
  unsent.delete(closed);
};

/**
 * Lambda freezes an environment between calls (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html).
 * Reading a byte that arrives with the next call blocks this thread. The read also ends if the local stack crashes.
 */
const freeze = async (): Promise<void> => {
  await Promise.all(unsent);
  if (readSync(0, Buffer.alloc(1)) === 0) process.exit();
};

const server = createServer((request, response) => {
  void sent(response);
  // Tells the caller that this process took the call, even if it ends without an answer.
  response.writeProcessing();
  void invoke(request, response)
    .catch((error: unknown) => fail(response, error))
    .then(() => tell({ returned: String(request.headers['x-request-id']) }));
});
// A read of the record may take minutes, and the parent enforces the timeout.
server.requestTimeout = 0;
server.keepAliveTimeout = 0;
server.listen(process.argv[2], () => tell({ ready: true }));
process.on('message', (what) => (what === 'freeze' ? void freeze() : tell({ held: heldBytes() })));
// The local stack has ended or crashed.
process.on('disconnect', () => process.exit());
// Ctrl-C reaches the whole process group, but the local stack decides when a function ends.
process.on('SIGINT', () => {});
