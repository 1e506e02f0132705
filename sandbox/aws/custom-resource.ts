import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import { LocalStackError } from '../local-stack-error.ts';
import { guarded } from '../partner/local-requests.ts';
import { account, region } from './intrinsics.ts';
import { close, listen } from './listen.ts';
import type { CustomResourceSpec } from './template-functions.ts';

/** What CloudFormation asks of a custom resource's function. */
export type CustomResourceRequest = CloudFormationCustomResourceEvent['RequestType'];

/** Passes an event to the resource's function. @throws Error if the function fails */
type Invoke = (functionName: string, event: CloudFormationCustomResourceEvent) => Promise<unknown>;

const answerPath = '/cloudformation-custom-resource-response';
/** Bytes. */
const longestAnswer = 4096;

/** Receives one answer, at a URL like CloudFormation's signed ones. */
const openMailbox = async () => {
  const { promise: answered, resolve } = Promise.withResolvers<string>();
  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(request);
    // The URL's signature covers an empty content type.
    const isSigned = request.method === 'PUT' && request.url === answerPath && !request.headers['content-type'];
    response.writeHead(isSigned ? 200 : 403).end();
    if (isSigned) resolve(body.toString());
  };
  const server = createServer(
    guarded({ callers: 'programs' }, (request, response) => {
      receive(request, response).catch(() => response.destroy());
    }),
  );
  const port = await listen(server, 0, '127.0.0.1');
  return { url: `http://127.0.0.1:${port}${answerPath}`, answered, close: () => close(server) };
};

const eventFor = (
  { logicalId, type, properties }: CustomResourceSpec,
  request: CustomResourceRequest,
  responseUrl: string,
): CloudFormationCustomResourceEvent => {
  const given = { ...properties, ServiceToken: properties['ServiceToken'] ?? '' };
  const common = {
    ServiceToken: given.ServiceToken,
    ResponseURL: responseUrl,
    StackId: `arn:aws:cloudformation:${region}:${account}:stack/local/1`,
    RequestId: randomUUID(),
    LogicalResourceId: logicalId,
    ResourceType: type,
    ResourceProperties: given,
  };
  if (request === 'Create') return { ...common, RequestType: request };
  const existing = { ...common, PhysicalResourceId: logicalId };
  return request === 'Delete'
    ? { ...existing, RequestType: request }
    : { ...existing, RequestType: request, OldResourceProperties: given };
};

const parseObject = (text: string): Readonly<Record<string, unknown>> => {
  try {
    return (JSON.parse(text) as Record<string, unknown> | null) ?? {};
  } catch {
    return {};
  }
};

/** Says why CloudFormation would not accept an answer. */
const wrongWith = (text: string, sent: CloudFormationCustomResourceEvent): string | undefined => {
  if (Buffer.byteLength(text) > longestAnswer) return 'its answer is longer than 4,096 bytes';
  const answer = parseObject(text);
  const repeated = (['StackId', 'RequestId', 'LogicalResourceId'] as const).find((name) => answer[name] !== sent[name]);
  if (repeated !== undefined) return `its answer has another ${repeated}`;
  if (typeof answer['PhysicalResourceId'] !== 'string' || answer['PhysicalResourceId'] === '') {
    return 'its answer has no PhysicalResourceId';
  }
  if (answer['Status'] === 'SUCCESS') return undefined;
  return typeof answer['Reason'] === 'string' ? answer['Reason'] : 'it gave no reason';
};

/**
 * Has a function make, change or delete a custom resource, as CloudFormation does
 * (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html). AWS waits an hour for an answer that
 * does not come; this fails as soon as the function has ended.
 * @throws LocalStackError with the function's reason
 */
export const requestCustomResource = async (
  resource: CustomResourceSpec,
  request: CustomResourceRequest,
  invoke: Invoke,
): Promise<void> => {
  const mailbox = await openMailbox();
  try {
    const event = eventFor(resource, request, mailbox.url);
    const invoked = invoke(resource.functionName, event).then(
      () => 'its function ended without an answer',
      (error: unknown) => (error as Error).message,
    );
    const wrong = await Promise.race([mailbox.answered.then((text) => wrongWith(text, event)), invoked]);
    if (wrong !== undefined) throw new LocalStackError(`${resource.type} (${request}) failed: ${wrong}`);
    await invoked;
  } finally {
    await mailbox.close();
  }
};
