import { namedBy } from './durable/callback-id.ts';
import { functionArn } from './intrinsics.ts';
import type { AwsRequest } from './service.ts';

/** One call that reached the AWS endpoint. */
export interface AwsCall {
  /** The function's name, such as `fetch`, or the access key id of any other caller. */
  readonly function: string;
  /** The IAM action that it requires, such as `dynamodb:GetItem`. */
  readonly action: string;
  /**
   * The table's physical name, the secret's name, the bucket's name, `bucket/key`, the ARN of the function version,
   * durable execution or key, or `*`.
   */
  readonly resource: string;
  /** The encryption context of a call to KMS. */
  readonly context?: Readonly<Record<string, string>>;
}

/** Records calls, and returns them in order. */
export interface CallLog {
  readonly note: (request: AwsRequest) => void;
  readonly calls: () => readonly AwsCall[];
  readonly clear: () => void;
}

/** A limit, so that a stack that runs for days does not fill the memory. */
const mostCalls = 10_000;

/** AWS Signature Version 4: `Credential={access key id}/{date}/{region}/{service}/aws4_request`. */
export const callerOf = ({ headers }: AwsRequest): string =>
  /Credential=([^/,]+)\//.exec(headers.authorization ?? '')?.[1] ?? '';

const bodyOf = ({ body }: AwsRequest): Readonly<Record<string, unknown>> => {
  try {
    return JSON.parse(body.toString()) as Record<string, unknown>;
  } catch {
    return {};
  }
};

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** A secret's ARN ends in a hyphen and six random characters. */
export const secretNameOf = (nameOrArn: string): string => nameOrArn.replace(/^arn:.*:secret:(.*)-[^-]+$/, '$1');

/** S3's operations whose IAM action has another name. */
const s3Actions: Readonly<Record<string, string>> = {
  'GET bucket': 'ListBucket',
  'GET bucket versions': 'ListBucketVersions',
  'GET object versionId': 'GetObjectVersion',
  'HEAD object': 'GetObject',
};
const s3Verbs: Readonly<Record<string, string>> = {
  GET: 'Get',
  PUT: 'Put',
  DELETE: 'Delete',
  HEAD: 'Head',
  POST: 'Post',
};

const s3Call = ({ method, path, query }: AwsRequest): Omit<AwsCall, 'function'> => {
  if (path === '/') return { action: 's3:ListAllMyBuckets', resource: '*' };
  if (method === 'POST' && query.has('delete')) {
    return { action: 's3:DeleteObject', resource: `${decodeURIComponent(path).slice(1).replace(/\/$/, '')}/*` };
  }
  const [bucket = '', ...key] = decodeURIComponent(path).slice(1).split('/');
  const kind = key.join('/') === '' ? 'bucket' : 'object';
  const named = ['versions', 'versionId'].filter((name) => query.has(name));
  const action =
    s3Actions[[method, kind, ...named].join(' ')] ??
    `${s3Verbs[method] ?? method}${kind === 'object' ? 'Object' : 'Bucket'}`;
  return { action: `s3:${action}`, resource: kind === 'bucket' ? bucket : `${bucket}/${key.join('/')}` };
};

/** Lambda's paths begin with the version of its API. */
export const isForLambda = ({ path }: AwsRequest): boolean => /^\/20\d\d-\d\d-\d\d\//.test(path);

const executionActions: Readonly<Record<string, string>> = {
  checkpoint: 'CheckpointDurableExecution',
  state: 'GetDurableExecutionState',
  stop: 'StopDurableExecution',
  history: 'GetDurableExecutionHistory',
  '': 'GetDurableExecution',
};
const callbackActions: Readonly<Record<string, string>> = {
  succeed: 'SendDurableExecutionCallbackSuccess',
  fail: 'SendDurableExecutionCallbackFailure',
  heartbeat: 'SendDurableExecutionCallbackHeartbeat',
};

const lambdaCall = ({ path, query }: AwsRequest): Omit<AwsCall, 'function'> => {
  const [, , kind = '', id = '', operation = ''] = path.split('/').map(decodeURIComponent);
  if (kind === 'durable-executions') return { action: `lambda:${executionActions[operation]}`, resource: id };
  if (kind === 'durable-execution-callbacks') {
    return { action: `lambda:${callbackActions[operation]}`, resource: namedBy(id)[0] };
  }
  const qualifier = query.get('Qualifier');
  const resource = `${functionArn(id)}${qualifier === null ? '' : `:${qualifier}`}`;
  const isInvoke = operation === 'invocations';
  return { action: isInvoke ? 'lambda:InvokeFunction' : 'lambda:ListDurableExecutionsByFunction', resource };
};

const kmsCall = (operation: string, body: Readonly<Record<string, unknown>>): Omit<AwsCall, 'function'> => {
  const call = { action: `kms:${operation}`, resource: textOf(body['KeyId']) || '*' };
  const context = body['EncryptionContext'];
  return context === undefined ? call : { ...call, context: context as Readonly<Record<string, string>> };
};

/** Only STS still uses forms. */
export const isForm = ({ headers }: AwsRequest): boolean =>
  headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;

const describe = (request: AwsRequest): Omit<AwsCall, 'function'> => {
  const [service, operation] = String(request.headers['x-amz-target'] ?? '').split('.');
  if (operation === undefined) {
    if (isForm(request)) return { action: 'sts:GetCallerIdentity', resource: '*' };
    return isForLambda(request) ? lambdaCall(request) : s3Call(request);
  }
  const body = bodyOf(request);
  if (service === 'secretsmanager') {
    return { action: `secretsmanager:${operation}`, resource: secretNameOf(textOf(body['SecretId'] ?? body['Name'])) };
  }
  if (service === 'TrentService') return kmsCall(operation, body);
  if (service?.startsWith('Logs_') === true) {
    return { action: `logs:${operation}`, resource: textOf(body['logGroupName']) || '*' };
  }
  return { action: `dynamodb:${operation}`, resource: textOf(body['TableName']) };
};

/** A log of the last 10,000 calls. */
export const callLog = (): CallLog => {
  let noted: AwsCall[] = [];
  return {
    note: (request) => {
      noted.push({ function: callerOf(request), ...describe(request) });
      if (noted.length > mostCalls * 2) noted = noted.slice(-mostCalls);
    },
    calls: () => noted.slice(-mostCalls),
    clear: () => (noted = []),
  };
};
