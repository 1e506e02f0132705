import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { DynaliteAnswer } from '../../sandbox/aws/call-dynalite.ts';
import { close, listen } from '../../sandbox/aws/listen.ts';

/** What can happen to a call. */
export const faultKinds = ['refused', 'throttled', 'out of order', 'answer lost', 'answer cut', 'answer late'] as const;
type FaultKind = (typeof faultKinds)[number];

/** A fault of one call: of this request alone, or of its dependency from this request on. */
export interface Fault {
  readonly call: string;
  readonly kind: FaultKind | 'killed before' | 'killed after';
  readonly times: 'once' | 'always';
}

/** One of the functions' dependencies. */
export type Dependency = 'DynamoDB' | 'audit' | 'limits' | 'Secrets Manager' | 'KMS' | 'payer OAuth' | 'payer FHIR';

/** Which dependency a call is for, from its name. */
export const dependencyOf = (call: string): Dependency => call.split(':')[0] as Dependency;

/** A request to a dependency, as the proxy sees it. */
export interface DependencyCall {
  readonly dependency: Dependency;
  /** Such as `DynamoDB: UpdateItem Grants (redeemedAt)`. */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Stands between the functions and everything that they call. */
export interface Proxy {
  readonly url: string;
  /** Calls since {@link Proxy.record}, numbered if their names repeat. */
  readonly calls: () => readonly string[];
  readonly record: () => void;
  /** Whether a fault is armed or calls are recorded. */
  readonly isWatched: () => boolean;
  readonly arm: (fault: Fault, kill?: () => void) => void;
  /** Whether the armed fault has happened. */
  readonly struck: () => boolean;
  readonly heal: () => void;
  readonly close: () => Promise<void>;
}

const awsDependency = (target: string, body: string): [Dependency, string] => {
  const action = target.split('.')[1] ?? target;
  if (target.startsWith('secretsmanager')) return ['Secrets Manager', action];
  if (target.startsWith('TrentService')) return ['KMS', action];
  const { TableName = '', UpdateExpression = '' } = JSON.parse(body) as Record<string, string | undefined>;
  const table = TableName.split('.')[0] ?? '';
  const first = /^SET (\w+)/.exec(UpdateExpression)?.[1];
  return [
    table === 'AuditEvents' ? 'audit' : table === 'Limits' ? 'limits' : 'DynamoDB',
    `${action} ${table}${first === undefined ? '' : ` (${first})`}`,
  ];
};

const callOf = async (request: IncomingMessage): Promise<DependencyCall> => {
  const body = await buffer(request);
  const { method = '', url: path = '' } = request;
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  );
  const target = headers['x-amz-target'];
  const bare = path.split('?')[0];
  const [dependency, what] =
    target === undefined
      ? ([path.startsWith('/oauth2/') ? 'payer OAuth' : 'payer FHIR', `${method} ${bare}`] as const)
      : awsDependency(target, body.toString());
  return { dependency, name: `${dependency}: ${what}`, method, path, headers, body };
};

const awsErrors = {
  throttled: {
    DynamoDB: 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException',
    'Secrets Manager': 'ThrottlingException',
    KMS: 'ThrottlingException',
  },
  'out of order': {
    DynamoDB: 'com.amazonaws.dynamodb.v20120810#InternalServerError',
    'Secrets Manager': 'InternalServiceError',
    KMS: 'KMSInternalException',
  },
};

const failureOf = (kind: 'throttled' | 'out of order', dependency: Dependency): DynaliteAnswer => {
  if (dependency === 'payer OAuth' || dependency === 'payer FHIR') {
    const headers: Record<string, string> = { 'content-type': 'text/html' };
    if (kind === 'throttled') headers['retry-after'] = '7';
    return { status: kind === 'throttled' ? 429 : 503, headers, body: Buffer.from('<h1>Not now</h1>') };
  }
  const types = awsErrors[kind];
  const type = dependency === 'Secrets Manager' || dependency === 'KMS' ? types[dependency] : types.DynamoDB;
  const body = Buffer.from(JSON.stringify({ __type: type, message: 'not now' }));
  return {
    status: kind === 'throttled' ? 400 : 500,
    headers: { 'content-type': 'application/x-amz-json-1.0' },
    body,
  };
};

const write = (response: ServerResponse, { status, headers, body }: DynaliteAnswer): void => {
  response.writeHead(status, { ...headers, 'content-length': String(body.length) });
  response.end(body);
};

/** The head, half the body, and then the connection ends. */
const cut = (response: ServerResponse, { status, headers, body }: DynaliteAnswer): void => {
  response.writeHead(status, { ...headers, 'content-length': String(body.length) });
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.destroy());
};

/** Starts a proxy. @param effect what the dependency does and answers */
export const startProxy = async (
  effect: (call: DependencyCall) => Promise<DynaliteAnswer> | DynaliteAnswer,
): Promise<Proxy> => {
  let seen: string[] = [];
  /** How often each call was made. */
  let counts = new Map<string, number>();
  let armed: (Fault & { kill: () => void }) | undefined;
  let broken: Dependency | undefined;
  let struck = false;
  let watched = false;

  const numbered = (name: string): string => {
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return count === 1 ? name : `${name} #${count}`;
  };
  const record = (): void => {
    seen = [];
    counts = new Map();
    watched = true;
  };
  const faultOf = (name: string, dependency: Dependency): Fault['kind'] | undefined => {
    if (armed === undefined) return undefined;
    if (!struck && name === armed.call) {
      struck = true;
      if (armed.times === 'always') broken = dependency;
      return armed.kind;
    }
    return broken === dependency ? armed.kind : undefined;
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const call = await callOf(request);
    const name = numbered(call.name);
    seen.push(name);
    const kind = faultOf(name, call.dependency);
    if (kind === 'refused') return void response.destroy();
    if (kind === 'killed before') return armed?.kill();
    if (kind === 'throttled' || kind === 'out of order') return write(response, failureOf(kind, call.dependency));
    const answer = await effect(call);
    if (kind === 'killed after') return armed?.kill();
    if (kind === 'answer lost') return void response.destroy();
    // Nothing more is sent, so the caller must give up by itself.
    if (kind === 'answer late') return;
    if (kind === 'answer cut') return cut(response, answer);
    write(response, answer);
  };
  const server = createServer((request, response) => {
    // Many faults close the connection on the other side.
    serve(request, response).catch(() => response.destroy());
  });
  const port = await listen(server, 0, '127.0.0.1');
  return {
    url: `http://127.0.0.1:${port}`,
    calls: () => [...seen],
    record,
    isWatched: () => watched,
    arm: (fault, kill = () => undefined) => {
      record();
      struck = false;
      broken = undefined;
      armed = { ...fault, kill };
    },
    struck: () => struck,
    heal: () => {
      armed = undefined;
      broken = undefined;
      watched = false;
    },
    close: () => close(server),
  };
};
