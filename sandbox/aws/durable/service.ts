import type { ErrorObject, OperationUpdate } from '@aws/durable-execution-sdk-js';
import { functionArn } from '../intrinsics.ts';
import type { AwsAnswer, AwsRequest, AwsService } from '../service.ts';
import type { FunctionSpec } from '../template-functions.ts';
import { invalid, LambdaError } from './errors.ts';
import { durableLambda, nameParts, type DurableLambda } from './local-lambda.ts';
import type { Vault } from './operations.ts';
import { executionShown, executionsShown } from './shown-executions.ts';

/** Durable functions behind Lambda's HTTP API. The local stack itself invokes all other functions. */
export interface LocalLambda extends DurableLambda {
  readonly service: AwsService;
  /** Adds a function to `ListFunctions`, durable or not. */
  readonly show: (spec: Pick<FunctionSpec, 'physicalName' | 'environment'>) => void;
}

/** Lambda's timestamps are seconds since the epoch, with fractions. */
const wireText = (value: unknown): string =>
  JSON.stringify(value, function (this: Readonly<Record<string, unknown>>, name, encoded: unknown) {
    const raw = this[name];
    return raw instanceof Date ? raw.getTime() / 1000 : encoded;
  });

const answer = (value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): AwsAnswer => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: wireText(value),
});

const errorAnswer = ({ name, status, message }: LambdaError): AwsAnswer => ({
  status,
  headers: { 'content-type': 'application/json', 'x-amzn-errortype': name },
  body: JSON.stringify({ Type: status < 500 ? 'User' : 'Service', message, Message: message }),
});

const bodyOf = <T>({ body }: AwsRequest): Partial<T> => {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString()) as Partial<T>;
  } catch {
    throw new LambdaError('InvalidRequestContentException', 400, 'Could not parse request body into json');
  }
};

const requireJson = (text: string): string => {
  try {
    JSON.parse(text);
    return text;
  } catch {
    throw new LambdaError('InvalidRequestContentException', 400, 'Could not parse request body into json');
  }
};

interface CheckpointBody {
  readonly CheckpointToken: string;
  readonly Updates: readonly OperationUpdate[];
  readonly ClientToken: string;
}

type Route = (lambda: DurableLambda, id: string, request: AwsRequest) => AwsAnswer | Promise<AwsAnswer>;

const invoke: Route = async ({ engine, versionOf }, function_, { headers, query, body }) => {
  const fn = versionOf(function_, query.get('Qualifier') ?? undefined);
  const type = headers['x-amz-invocation-type'] ?? 'RequestResponse';
  const name = headers['x-amz-durable-execution-name'];
  const payload = requireJson(body.length === 0 ? '{}' : body.toString());
  if (type === 'DryRun') return answer({}, 204);
  const arn = engine.start(fn, { name: name === undefined ? undefined : String(name), payload });
  const about = { 'x-amz-durable-execution-arn': arn, 'x-amz-executed-version': fn.version };
  if (type === 'Event') return { status: 202, headers: about, body: '' };
  await engine.over(arn);
  const { Result = 'null', Error: error } = executionShown(engine.find(arn), true);
  if (error === undefined) return { status: 200, headers: about, body: Result };
  const failure = { errorType: error.ErrorType, errorMessage: error.ErrorMessage };
  return answer(failure, 200, { ...about, 'x-amz-function-error': 'Unhandled' });
};

const routes: readonly (readonly [method: string, path: RegExp, route: Route])[] = [
  ['POST', /^\/2015-03-31\/functions\/([^/]+)\/invocations$/, invoke],
  [
    'POST',
    /^\/2025-12-01\/durable-executions\/([^/]+)\/checkpoint$/,
    ({ engine }, arn, request) => {
      const { CheckpointToken: token = '', Updates: updates = [], ClientToken } = bodyOf<CheckpointBody>(request);
      return answer(engine.checkpoint({ arn, token, updates, clientToken: ClientToken }));
    },
  ],
  [
    'GET',
    /^\/2025-12-01\/durable-executions\/([^/]+)\/state$/,
    ({ engine }, arn, { query }) => {
      const from = { marker: query.get('Marker') ?? undefined, maxItems: Number(query.get('MaxItems') ?? 0) };
      return answer(engine.state(arn, query.get('CheckpointToken') ?? '', from));
    },
  ],
  [
    'POST',
    /^\/2025-12-01\/durable-executions\/([^/]+)\/stop$/,
    ({ engine }, arn, { body }) => {
      const error = body.length === 0 ? undefined : (JSON.parse(body.toString()) as ErrorObject);
      return answer({ StopTimestamp: new Date(engine.stop(arn, error)) });
    },
  ],
  [
    'GET',
    /^\/2025-12-01\/durable-executions\/([^/]+)$/,
    ({ engine }, arn, { query }) =>
      answer(executionShown(engine.find(arn), query.get('IncludeExecutionData') !== 'false')),
  ],
  [
    'GET',
    /^\/2025-12-01\/functions\/([^/]+)\/durable-executions$/,
    ({ engine }, function_, { query }) => answer(executionsShown(engine.all(), { ...nameParts(function_), query })),
  ],
  [
    'POST',
    /^\/2025-12-01\/durable-execution-callbacks\/([^/]+)\/succeed$/,
    ({ engine }, id, { body }) => {
      engine.succeedCallback(id, body.length === 0 ? undefined : body.toString());
      return answer({});
    },
  ],
  [
    'POST',
    /^\/2025-12-01\/durable-execution-callbacks\/([^/]+)\/fail$/,
    ({ engine }, id, request) => {
      engine.failCallback(id, bodyOf<ErrorObject>(request));
      return answer({});
    },
  ],
  [
    'POST',
    /^\/2025-12-01\/durable-execution-callbacks\/([^/]+)\/heartbeat$/,
    ({ engine }, id) => {
      engine.heartbeat(id);
      return answer({});
    },
  ],
];

const serve = async (lambda: DurableLambda, request: AwsRequest): Promise<AwsAnswer> => {
  for (const [method, path, route] of routes) {
    const [, id] = path.exec(request.path) ?? [];
    if (id !== undefined && method === request.method) return route(lambda, decodeURIComponent(id), request);
  }
  throw invalid(`The local stack does not support ${request.method} ${request.path} of Lambda`);
};

/** Answers `ListFunctions` with one page, and leaves other requests to {@link serve}. */
const answerOf = async (lambda: DurableLambda, shown: readonly object[], request: AwsRequest): Promise<AwsAnswer> =>
  request.method === 'GET' && /^\/2015-03-31\/functions\/?$/.test(request.path)
    ? answer({ Functions: shown })
    : serve(lambda, request);

/** Creates a local Lambda that has no functions yet. */
export const localLambda = (options: { readonly vaultOf: (keyArn: string | undefined) => Vault }): LocalLambda => {
  const lambda = durableLambda(options);
  const shown: object[] = [];
  return {
    ...lambda,
    show: ({ physicalName, environment }) =>
      void shown.push({
        FunctionName: physicalName,
        FunctionArn: functionArn(physicalName),
        Environment: { Variables: environment },
      }),
    service: (request) =>
      answerOf(lambda, shown, request).catch((error: unknown) => {
        if (error instanceof LambdaError) return errorAnswer(error);
        throw error;
      }),
  };
};
