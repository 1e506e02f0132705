import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DynamoDBStreamEvent } from 'aws-lambda';
import type { StageConfig } from '../../config/stage.ts';
import { secretOwnerOf } from '../../functions/shared/registry/profile.ts';
import { closersOf, settled } from '../closers.ts';
import { LocalStackError } from '../local-stack-error.ts';
import type { LocalApiGateway } from './api-gateway.ts';
import type { LocalAws } from './aws.ts';
import type { AwsCall } from './calls.ts';
import { requestCustomResource, type CustomResourceRequest } from './custom-resource.ts';
import { localDurable, type LocalDurable } from './durable/local-durable.ts';
import { durableProcesses } from './durable/processes.ts';
import { gatewayEdge, noEdge } from './edge.ts';
import { invokeDirectly, startFunction, type FunctionOptions, type Held, type LocalFunction } from './lambda.ts';
import type { S3Failure } from './s3.ts';
import { streamFeed, type StreamFeed, type StreamHabits } from './stream-feed.ts';
import { synthesize } from './synth.ts';
import type { FunctionSpec } from './template-functions.ts';
import { readTemplate, type LocalTemplate } from './template.ts';

/** What a start does, one after the other. */
export const startSteps = ['bundling the functions', 'starting them'] as const;

type StartStep = (typeof startSteps)[number];

export interface CloudOptions {
  readonly config: StageConfig;
  /** The values of the payers' secrets, by payer id. */
  readonly secrets: Readonly<Record<string, object>>;
  /** The secrets that sign the partners' events, by client id. @default none: no event is delivered */
  readonly webhookSecrets?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Already listens, and serves once the rest has started. */
  readonly gateway: LocalApiGateway;
  /** Already listens, and is empty. */
  readonly aws: LocalAws;
  /** Whether to put an edge in front of the gateway even if the stack has none. */
  readonly edge: boolean;
  readonly onFunctionLog: (name: string, line: string) => void;
  /** Called with each of {@link startSteps} when it begins. */
  readonly onStep?: ((step: StartStep) => void) | undefined;
  /** The most processes per function. @default {@link FunctionOptions.environments} */
  readonly environments?: number | undefined;
  /** Multiplies the functions' time limits for calls to AWS. @default 1 */
  readonly awsWaitFactor?: number | undefined;
  /** @default each batch comes once, from one shard */
  readonly streams?: StreamHabits | undefined;
  /** Aborts the start. */
  readonly signal: AbortSignal;
}

/** The stack of a configuration, deployed to stand-ins for AWS. */
export interface LocalCloud {
  /** For DynamoDB, Secrets Manager and S3, as `AWS_ENDPOINT_URL`. Any credentials work. */
  readonly awsEndpoint: string;
  /** Physical table names by construct name: `loginAttempts`, `grants`. */
  readonly tables: Readonly<Record<string, string>>;
  /** Physical bucket names by construct name. */
  readonly buckets: Readonly<Record<string, string>>;
  /** Physical function names by construct name. */
  readonly functions: Readonly<Record<string, string>>;
  /** ARNs of the KMS keys by construct name. */
  readonly keys: Readonly<Record<string, string>>;
  /**
   * Ids of each function's processes, oldest first, by function name. A function that was never called may have none.
   */
  readonly pids: () => Readonly<Record<string, readonly number[]>>;
  /** The memory of each function's processes, by function name. Linux only. */
  readonly held: () => Promise<ReadonlyMap<string, readonly Held[]>>;
  /** Sets a payer's secret; `undefined` empties it. It is created if there is none. */
  readonly setSecret: (payerId: string, secret: object | undefined) => void;
  /** The secrets that sign a client's events, the newest first. */
  readonly webhookSecretsOf: (clientId: string) => readonly string[];
  /** The last 10,000 calls to AWS, oldest first. */
  readonly calls: () => readonly AwsCall[];
  readonly clearCalls: () => void;
  /**
   * Invokes a function that has no route, such as `canary`, and returns its result.
   * @throws Error if it fails, or if there is none of this name
   */
  readonly invoke: (name: string, event: unknown) => Promise<unknown>;
  /**
   * Resolves when every record of the tables' streams was delivered, except those held by a pause.
   * @throws Error if the stack closes first
   */
  readonly streamsIdle: () => Promise<void>;
  /** Stops delivering the tables' streams, which keep their records until `resumeStreams`. */
  readonly pauseStreams: () => void;
  readonly resumeStreams: () => void;
  /** Delivers all records again that were delivered so far, if the streams' habits say `rewinds`. */
  readonly rewindStreams: () => void;
  /**
   * Asks the functions of the custom resources what CloudFormation asks them: `Create` at the first deployment and when
   * it repeats that call, `Update` at a later one that changes the resource.
   * @throws LocalStackError with the function's reason
   */
  readonly requestCustomResources: (request: CustomResourceRequest) => Promise<void>;
  /** The executions of durable functions. */
  readonly durable: LocalDurable;
  /** Disables a KMS key, or enables it again, by its construct's name, such as `exports`. */
  readonly setKeyEnabled: (name: string, isEnabled: boolean) => void;
  /** Makes requests to S3 fail with the code that the function returns. Pass `undefined` to stop. */
  readonly failS3: (failure: S3Failure | undefined) => void;
  /** Every object of every bucket, exactly as stored, by `bucket/key`. */
  readonly storedObjects: () => IterableIterator<readonly [name: string, bytes: Buffer]>;
  readonly close: () => Promise<void>;
}

type Opened = ReturnType<typeof closersOf>['opened'];

/** @throws LocalStackError if the temporary folder is not writable */
const makeWorkDir = async (): Promise<string> => {
  try {
    return await mkdtemp(join(tmpdir(), 'p2p-gateway-'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new LocalStackError(
      `The temporary folder ${tmpdir()} can't be written (${code}); set TMPDIR to a folder that can`,
    );
  }
};

/** Synthesizes the stack and starts what its template describes. If anything fails, everything is stopped. */
export const startCloud = async (options: CloudOptions): Promise<LocalCloud> => {
  const { opened, closeAll } = closersOf();
  const workDir = await makeWorkDir();
  const close = async (): Promise<void> => {
    await closeAll();
    await rm(workDir, { recursive: true, force: true });
  };
  try {
    return { ...(await deploy(options, workDir, opened)), close };
  } catch (error) {
    await close();
    throw error;
  }
};

/** A durable function gets a new process for each invocation, so none is started here. */
const startOne = async (spec: FunctionSpec, options: FunctionOptions, aws: LocalAws): Promise<LocalFunction> => {
  aws.lambda.show(spec);
  if (spec.durable === undefined) return startFunction(spec, options);
  const processes = durableProcesses(spec, options);
  aws.lambda.publish(spec, processes);
  return processes;
};

/** Starts a process for each function. Functions without a route start at their first invocation. */
const startFunctions = async (
  functions: readonly FunctionSpec[],
  { routes }: Pick<LocalTemplate, 'routes'>,
  { aws, onFunctionLog, environments, awsWaitFactor }: CloudOptions,
  workDir: string,
  opened: Opened,
): Promise<readonly LocalFunction[]> => {
  const routed = new Set(routes.map(({ functionName }) => functionName));
  return settled(
    functions.map(async (spec) => {
      aws.logs.createGroup(spec.logGroup);
      const onLog = (name: string, line: string): void => {
        aws.logs.write(spec.logGroup, line);
        onFunctionLog(name, line);
      };
      const options: FunctionOptions = {
        socketPath: join(workDir, spec.name),
        awsEndpoint: aws.url,
        awsWaitFactor,
        onLog,
        environments,
        lazy: !routed.has(spec.physicalName),
      };
      return opened(await startOne(spec, options, aws));
    }),
  );
};

const namesOf = (specs: readonly { name: string; physicalName: string }[]): Readonly<Record<string, string>> =>
  Object.fromEntries(specs.map(({ name, physicalName }) => [name, physicalName]));

const heldBy = async (functions: readonly LocalFunction[]): Promise<ReadonlyMap<string, readonly Held[]>> => {
  const all = new Map<string, readonly Held[]>();
  for (const { spec, held } of functions) all.set(spec.name, await held());
  return all;
};

/** The key of tables and secrets, as `Keys/Data` of the stack. */
const dataKeyOf = ({ keys }: LocalTemplate): string | undefined => keys.find(({ name }) => name === 'data')?.arn;

/** Sets secrets by payer id, under the prefix that the functions read them at. */
const secretSetter = (template: LocalTemplate, aws: LocalAws): LocalCloud['setSecret'] => {
  const { functions } = template;
  const key = dataKeyOf(template);
  return (payerId, secret) => {
    const prefixOf = (name: string) => functions.map(({ environment }) => environment[name]).find(Boolean);
    const prefix = prefixOf('PAYER_SECRET_PREFIX');
    if (prefix === undefined) throw new Error("No function of the stack reads payers' secrets");
    const { exchange, ...own } = { exchange: undefined, ...secret };
    const isOfExchangesOnly = exchange !== undefined && Object.keys(own).length === 0;
    if (!isOfExchangesOnly)
      aws.secretsManager.setSecret(prefix + payerId, secret === undefined ? undefined : JSON.stringify(own), key);
    const ofExchanges = prefixOf('EXCHANGE_SECRET_PREFIX');
    if (exchange !== undefined && ofExchanges !== undefined) {
      aws.secretsManager.setSecret(ofExchanges + payerId, JSON.stringify(exchange), key);
    }
  };
};

/** Where `deliver` reads a client's secrets. */
const webhookSecretName = ({ functions }: LocalTemplate, clientId: string): string =>
  (functions.map(({ environment }) => environment['WEBHOOK_SECRET_PREFIX']).find(Boolean) ?? '') + clientId;

/** Sets secrets by client id. */
const setWebhookSecrets = (
  template: LocalTemplate,
  { secretsManager }: LocalAws,
  all: Readonly<Record<string, readonly string[]>>,
): void => {
  for (const [clientId, secrets] of Object.entries(all)) {
    const name = webhookSecretName(template, clientId);
    // A kept one may have been rotated.
    if (secretsManager.currentValue(name) === undefined)
      secretsManager.setSecret(name, JSON.stringify({ secrets }), dataKeyOf(template));
  }
};

const webhookSecretsIn =
  (template: LocalTemplate, { secretsManager }: LocalAws): LocalCloud['webhookSecretsOf'] =>
  (clientId) => {
    const value = secretsManager.currentValue(webhookSecretName(template, clientId)) ?? '{"secrets":[]}';
    return (JSON.parse(value) as { readonly secrets: readonly string[] }).secrets;
  };

/** The started functions, and how the rest of the cloud calls them. */
const poolOf = () => {
  const started: LocalFunction[] = [];
  const invoke = async (isIt: (target: LocalFunction) => boolean, name: string, event: unknown): Promise<unknown> => {
    const target = started.find(isIt);
    if (target === undefined) throw new Error(`The stack has no function ${name}`);
    return invokeDirectly(target, event);
  };
  return {
    started,
    invoke: (name: string, event: unknown) => invoke(({ spec }) => spec.name === name, name, event),
    /** By its physical name. */
    deliver: (name: string, event: unknown) => invoke(({ spec }) => spec.physicalName === name, name, event),
  };
};

/** The custom resources, and which functions run for them only. */
const deploymentOf = ({ customResources }: LocalTemplate, { started, deliver }: ReturnType<typeof poolOf>) => {
  const names = new Set(customResources.map(({ functionName }) => functionName));
  const request: LocalCloud['requestCustomResources'] = async (what) => {
    for (const resource of customResources) await requestCustomResource(resource, what, deliver);
    // These functions are not called until the next deployment.
    await Promise.all(started.filter(({ spec }) => names.has(spec.physicalName)).map((used) => used.endProcesses()));
  };
  return { isForDeployments: ({ physicalName }: FunctionSpec): boolean => names.has(physicalName), request };
};

/** Keys, tables, buckets and secrets. @returns what feeds the functions from the tables' streams */
const makeStores = async (
  template: LocalTemplate,
  { config, secrets, webhookSecrets = {}, aws, streams }: CloudOptions,
  deliver: (name: string, event: DynamoDBStreamEvent) => Promise<unknown>,
): Promise<StreamFeed> => {
  const feed = streamFeed(template.mappings, deliver, undefined, undefined, streams);
  // The audit of the registry's first entries waits until the stack serves, or its process would delay the start.
  feed.pause();
  for (const { arn, aliases, kind } of template.keys) aws.kms.createKey(arn, aliases, kind);
  // The registry is filled again from the configuration, whose ports and partners may have changed.
  await aws.dynamoDb.createTables(template.tables, feed.offer, ['registry']);
  aws.dynamoDb.allowOnly(template.tableRights);
  for (const { physicalName, ...bucket } of template.buckets) aws.s3.createBucket(physicalName, bucket);
  const setSecret = secretSetter(template, aws);
  for (const payer of config.payers) {
    const secret = secrets[payer.id];
    const isOwn = secretOwnerOf(payer) === payer.id || payer.exchange !== undefined;
    if (isOwn && secret !== undefined) setSecret(payer.id, secret);
  }
  setWebhookSecrets(template, aws, webhookSecrets);
  return feed;
};

const deploy = async (options: CloudOptions, workDir: string, opened: Opened): Promise<Omit<LocalCloud, 'close'>> => {
  const { config, gateway, aws, signal, onStep } = options;
  onStep?.('bundling the functions');
  const configFile = join(workDir, 'config.json');
  await writeFile(configFile, JSON.stringify(config));
  const { template: source, ...where } = await synthesize(configFile, join(workDir, 'cdk.out'), signal);
  onStep?.('starting them');
  const template = readTemplate(source, { origin: `http://localhost:${gateway.port}`, ...where });
  aws.stacks.deploy(template.stack);
  const pool = poolOf();
  const feed = opened(await makeStores(template, options, pool.deliver));
  const { isForDeployments, request } = deploymentOf(template, pool);
  const start = async (specs: readonly FunctionSpec[]): Promise<void> => {
    pool.started.push(...(await startFunctions(specs, template, options, workDir, opened)));
  };
  await start(template.functions.filter(isForDeployments));
  // In AWS, functions that read the registry change only after it is filled. Here nobody calls them before `serve`.
  await settled([start(template.functions.filter((spec) => !isForDeployments(spec))), request('Create')]);
  const { accessLog } = template;
  if (accessLog !== undefined) aws.logs.createGroup(accessLog.logGroup);
  gateway.serve({
    template,
    writeAccessLog: (line) => accessLog && aws.logs.write(accessLog.logGroup, line),
    functions: new Map(pool.started.map((started) => [started.spec.physicalName, started])),
    edge: template.edge || options.edge ? gatewayEdge : noEdge,
  });
  feed.resume();

  return {
    awsEndpoint: aws.url,
    tables: namesOf(template.tables),
    buckets: namesOf(template.buckets),
    functions: namesOf(template.functions),
    keys: Object.fromEntries(template.keys.map(({ name, arn }) => [name, arn])),
    pids: () => Object.fromEntries(pool.started.map(({ spec, pids }) => [spec.name, pids()])),
    held: () => heldBy(pool.started),
    setSecret: secretSetter(template, aws),
    webhookSecretsOf: webhookSecretsIn(template, aws),
    calls: aws.log.calls,
    clearCalls: aws.log.clear,
    invoke: pool.invoke,
    streamsIdle: feed.idle,
    pauseStreams: feed.pause,
    resumeStreams: feed.resume,
    rewindStreams: feed.rewind,
    requestCustomResources: request,
    durable: localDurable(aws.lambda, pool.started),
    setKeyEnabled: (name, isEnabled) => {
      const { arn = name } = template.keys.find((key) => key.name === name) ?? {};
      if (isEnabled) aws.kms.enable(arn);
      else aws.kms.disable(arn);
    },
    failS3: aws.s3.failWith,
    storedObjects: aws.s3.objects,
  };
};
