import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { guarded } from '../partner/local-requests.ts';
import { callLog, isForLambda, isForm, type CallLog } from './calls.ts';
import { close, listen } from './listen.ts';
import { jsonError, type AwsAnswer, type AwsRequest, type AwsService } from './service.ts';
import { xmlError } from './stack-service.ts';
import { callerIdentity } from './sts.ts';

/** The services behind the endpoint, by what identifies each. */
export interface AwsServices {
  readonly dynamoDb: AwsService;
  readonly secretsManager: AwsService;
  readonly s3: AwsService;
  readonly logs: AwsService;
  readonly kms: AwsService;
  readonly lambda: AwsService;
  readonly stacks: AwsService;
}

/** One HTTP endpoint for all of AWS, as `AWS_ENDPOINT_URL` names it. */
export interface LocalAwsEndpoint {
  readonly url: string;
  readonly log: Pick<CallLog, 'calls' | 'clear'>;
  readonly close: () => Promise<void>;
}

const readRequest = async (request: IncomingMessage): Promise<AwsRequest> => {
  const [path = '/', query = ''] = (request.url ?? '/').split(/\?(.*)/s);
  const { method = 'GET', headers } = request;
  return { method, path, query: new URLSearchParams(query), headers, body: await buffer(request) };
};

/** Services that take forms name their operation in the form. */
const serviceOfForm = ({ body }: AwsRequest, { stacks }: AwsServices): AwsService => {
  const action = new URLSearchParams(body.toString()).get('Action') ?? '';
  if (action === 'GetCallerIdentity') return callerIdentity;
  if (action === 'DescribeStacks' || action === 'ListStackResources') return stacks;
  return () => xmlError('InvalidAction', `The local stack has no ${action}`);
};

/**
 * JSON services name their operation in `X-Amz-Target`. A request without it is for Lambda by its path, for STS or
 * CloudFormation if it is a form, or for S3.
 */
const serviceOf = (request: AwsRequest, services: AwsServices): AwsService => {
  const target = request.headers['x-amz-target'];
  if (target === undefined) {
    if (isForm(request)) return serviceOfForm(request, services);
    return isForLambda(request) ? services.lambda : services.s3;
  }
  const [name] = String(target).split('.');
  if (name?.startsWith('DynamoDB_') === true) return services.dynamoDb;
  if (name === 'secretsmanager') return services.secretsManager;
  if (name === 'TrentService') return services.kms;
  if (name?.startsWith('Logs_') === true) return services.logs;
  return () => jsonError('UnknownOperationException', `The local stack has no ${String(target)}`);
};

const send = (response: ServerResponse, { status, headers, body }: AwsAnswer): void => {
  // The answer to `HEAD` names the length of a body that it does not have.
  response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers }).end(body);
};

/** Sees a call and its answer. */
export type WatchAws = (request: AwsRequest, answer: AwsAnswer) => void;

/** Answers a call in place of its service; undefined leaves it to the service. */
export type AnswerAws = (request: AwsRequest) => AwsAnswer | undefined;

/**
 * Starts the endpoint.
 * @param port 0 for any free port
 * @param answerFirst is asked before the services, and can break them
 */
export const startAwsEndpoint = async (
  port: number,
  services: AwsServices,
  watch: WatchAws = () => {},
  answerFirst: AnswerAws = () => undefined,
): Promise<LocalAwsEndpoint> => {
  const log = callLog();
  const answer = async (incoming: IncomingMessage): Promise<AwsAnswer> => {
    const request = await readRequest(incoming);
    log.note(request);
    const answered = answerFirst(request) ?? (await serviceOf(request, services)(request));
    watch(request, answered);
    return answered;
  };
  const server = createServer(
    guarded({ callers: 'programs' }, (request, response) => {
      answer(request)
        .then((found) => send(response, found))
        .catch((error: unknown) => send(response, { ...jsonError('InternalFailure', String(error)), status: 500 }));
    }),
  );
  const url = `http://127.0.0.1:${await listen(server, port, '127.0.0.1')}`;
  return { url, log, close: () => close(server) };
};
