import type { Context } from 'aws-lambda';
import { registryData } from '../../config/checks/load.ts';
import localStage from '../../config/local.ts';
import type { ApiEvent, ApiResponse } from '../../functions/shared/http/api.ts';
import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import type { PayerSecret } from '../../functions/shared/payer/secrets.ts';
import { registryOf } from '../../functions/shared/registry/registry.ts';
import type { Stop } from '../../functions/shared/registry/stops.ts';
import type { RegistryData } from '../../functions/shared/registry/types.ts';
import { jobBoxes } from './job-boxes.ts';
import { memoryDynamo, type MemoryDynamo } from './memory-dynamo.ts';
import { reference } from './reference.ts';
import { depsOver } from './world/deps.ts';

/** Noon, 1 June 2026: where the tests' clock starts. Milliseconds. */
export const startMs = Date.UTC(2026, 5, 1, 12);

let local: RegistryData | undefined;

/** The local stage, checked once per test file. */
export const localData = (): RegistryData => (local ??= registryData(localStage));

/** Everything that the functions need, under a test's control. */
export const testDeps = ({ registry = localData() }: { registry?: RegistryData } = {}) => {
  const dynamo: MemoryDynamo = memoryDynamo();
  const time = { ms: startMs };
  const lines: string[] = [];
  const boxes = jobBoxes();
  const stops = new Map<string, Stop>();
  const secrets: Record<string, PayerSecret | Error> = {
    'demo-health-plan': { client_secret: 'demo-health-plan-secret' },
  };
  const payer: { http: PayerHttp; requests: { url: string; init: RequestInit | undefined }[] } = {
    http: () => Promise.reject(new Error('no payer in this test')),
    requests: [],
  };
  const clock = { now: () => time.ms, monotonic: () => time.ms };
  const deps = depsOver((name) => ({ client: dynamo.client, name }), {
    clock,
    payerHttp: (input, init) => {
      payer.requests.push({ url: String(input), init });
      return payer.http(input, init);
    },
    registry: registryOf(registry, stops, clock.now),
    writeLog: (line: string) => void lines.push(line),
    sealForJob: boxes.sealForJob,
    readPayerSecret: (id: string): Promise<PayerSecret> => {
      const secret = secrets[id];
      return secret === undefined || secret instanceof Error
        ? Promise.reject(secret ?? new Error(`no secret for ${id}`))
        : Promise.resolve(secret);
    },
    sleep: (ms: number): Promise<void> => {
      time.ms += ms;
      return new Promise((resolve) => setImmediate(resolve));
    },
  });
  return {
    deps,
    dynamo,
    payer,
    secrets,
    /** Opens a value that was sealed for the job. */
    openInJob: boxes.openInJob,
    lines,
    /** The last line of the log. */
    lastLine: () => JSON.parse(lines.at(-1) ?? '{}') as Readonly<Record<string, unknown>>,
    /** What an operator has stopped, by the entry's id. */
    stops,
    /** Advances the time. */
    passSeconds: (seconds: number) => void (time.ms += seconds * 1000),
  };
};

interface EventOptions {
  readonly method?: string;
  readonly query?: string | readonly (readonly [string, string])[];
  readonly form?: Record<string, string> | string;
  readonly headers?: Record<string, string>;
  readonly path?: Record<string, string>;
}

let requests = 0;

/** A REST API's event. `resource` is the route's pattern, as API Gateway gives it. */
export const apiEvent = (
  resource: string,
  { method = 'GET', query = [], form, headers = {}, path = {} }: EventOptions = {},
): ApiEvent => {
  const pairs = typeof query === 'string' ? [...new URLSearchParams(query)] : query;
  const multi = Object.create(null) as Record<string, string[]>;
  for (const [name, value] of pairs) (multi[name] ??= []).push(value);
  const all: Record<string, string> = {
    ...(form === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }),
    ...headers,
  };
  requests += 1;
  return {
    resource,
    path: resource,
    httpMethod: method,
    headers: all,
    multiValueHeaders: Object.fromEntries(Object.entries(all).map(([name, value]) => [name, [value]])),
    queryStringParameters: null,
    multiValueQueryStringParameters: pairs.length === 0 ? null : multi,
    pathParameters: path,
    stageVariables: null,
    body: form === undefined ? null : typeof form === 'string' ? form : new URLSearchParams(form).toString(),
    isBase64Encoded: false,
    requestContext: { requestId: `request-${requests}` } as ApiEvent['requestContext'],
  };
};

let invocations = 0;

/** A Lambda context with this much time left. */
export const lambdaContext = (remainingMs = 29_000): Context =>
  ({
    awsRequestId: `${reference}-4000-8000-${String((invocations += 1)).padStart(12, '0')}`,
    functionName: 'test',
    getRemainingTimeInMillis: () => remainingMs,
  }) as Context;

type Handler = (event: ApiEvent, context: Context) => Promise<unknown>;

/** Calls a handler that answers without streaming. */
export const call = async (
  handler: unknown,
  event: ApiEvent,
  context = lambdaContext(),
): Promise<ApiResponse & { body: string }> =>
  (await (handler as Handler)(event, context)) as ApiResponse & { body: string };

/** The cookies that an answer sets, as a `Cookie` header. */
export const cookiesOf = (response: ApiResponse): string =>
  (response.multiValueHeaders?.['Set-Cookie'] ?? []).map((cookie) => cookie.split(';')[0]).join('; ');
