import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DynamoDBStreamEvent } from 'aws-lambda';
import type { StageConfig } from '../../config/stage.ts';
import { closersOf, settled } from '../closers.ts';
import { LocalStackError } from '../local-stack-error.ts';
import type { LocalApiGateway } from './api-gateway.ts';
import type { LocalAws } from './aws.ts';
import type { AwsCall } from './calls.ts';
import { gatewayEdge, noEdge } from './edge.ts';
import { invokeDirectly, startFunction, type Held, type LocalFunction } from './lambda.ts';
import { streamFeed } from './stream-feed.ts';
import { synthesise } from './synth.ts';
import { readTemplate, type LocalTemplate } from './template.ts';

export interface CloudOptions {
  readonly config: StageConfig;
  /** What the payers' secrets hold, by payer id. */
  readonly secrets: Readonly<Record<string, object>>;
  /** Listens already; it serves as soon as the rest is there. */
  readonly gateway: LocalApiGateway;
  /** Listens already, and has nothing in it. */
  readonly aws: LocalAws;
  /** Whether an edge stands in front of the gateway even where the stack has none. */
  readonly edge: boolean;
  readonly onFunctionLog: (name: string, line: string) => void;
  /** The most processes of a function. Default: four. */
  readonly environments?: number | undefined;
  /** Gives up. */
  readonly signal: AbortSignal;
}

/** The stack of a configuration, deployed to stand-ins for AWS. */
export interface LocalCloud {
  /** For DynamoDB, Secrets Manager and S3, as `AWS_ENDPOINT_URL`; any credentials will do. */
  readonly awsEndpoint: string;
  /** Physical table names by construct name: `loginAttempts`, `grants`. */
  readonly tables: Readonly<Record<string, string>>;
  /** Physical bucket names by construct name. */
  readonly buckets: Readonly<Record<string, string>>;
  /** Ids of each function's processes, the oldest first, by function name; none for one that nobody has called yet. */
  readonly pids: () => Readonly<Record<string, readonly number[]>>;
  /** The memory that each function's processes hold, by function name. Linux only. */
  readonly held: () => Promise<ReadonlyMap<string, readonly Held[]>>;
  /** Gives a payer's secret a value; `undefined` empties it. */
  readonly setSecret: (payerId: string, secret: object | undefined) => void;
  /** The last 10,000 calls to AWS, oldest first. */
  readonly calls: () => readonly AwsCall[];
  readonly clearCalls: () => void;
  /**
   * Invokes a function that no path leads to, such as `canary`, and gives its result.
   * @throws Error where it fails, or where there is none of this name
   */
  readonly invoke: (name: string, event: unknown) => Promise<unknown>;
  /**
   * Resolves once every record of the tables' streams was delivered that no pause holds back.
   * @throws Error where the stack closes before
   */
  readonly streamsIdle: () => Promise<void>;
  /** Disables the functions that take the tables' streams, which keep their records; `resumeStreams` enables them again. */
  readonly pauseStreams: () => void;
  readonly resumeStreams: () => void;
  readonly close: () => Promise<void>;
}

type Opened = ReturnType<typeof closersOf>['opened'];

/** @throws LocalStackError where the temporary folder cannot be written */
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

/** Synthesises the stack and starts what its template describes. If anything fails, nothing is left running. */
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

/** Starts a process of each function; those that no path leads to wait for their first invocation. */
const startFunctions = async (
  { functions, routes }: LocalTemplate,
  { aws, onFunctionLog, environments }: CloudOptions,
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
      return opened(
        await startFunction(spec, {
          socketPath: join(workDir, spec.name),
          awsEndpoint: aws.url,
          onLog,
          environments,
          lazy: !routed.has(spec.physicalName),
        }),
      );
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

const deploy = async (options: CloudOptions, workDir: string, opened: Opened): Promise<Omit<LocalCloud, 'close'>> => {
  const { config, secrets, gateway, aws, signal } = options;
  const configFile = join(workDir, 'config.json');
  await writeFile(configFile, JSON.stringify(config));
  const { template: source, ...where } = await synthesise(configFile, join(workDir, 'cdk.out'), signal);
  const template = readTemplate(source, { origin: `http://localhost:${gateway.port}`, ...where });
  const functions = await startFunctions(template, options, workDir, opened);
  const invoke = async (isIt: (target: LocalFunction) => boolean, name: string, event: unknown): Promise<unknown> => {
    const target = functions.find(isIt);
    if (target === undefined) throw new Error(`The stack has no function ${name}`);
    return invokeDirectly(target, event);
  };
  const deliver = (name: string, event: DynamoDBStreamEvent): Promise<unknown> =>
    invoke(({ spec }) => spec.physicalName === name, name, event);

  const feed = opened(streamFeed(template.mappings, deliver));
  await aws.dynamoDb.createTables(template.tables, feed.offer);
  for (const { physicalName } of template.buckets) aws.s3.createBucket(physicalName);
  const setSecret: LocalCloud['setSecret'] = (payerId, secret) => {
    const name = template.secretNames.find((candidate) => candidate.endsWith(`/${payerId}`));
    if (name === undefined) throw new Error(`The stack has no secret for payer ${payerId}`);
    aws.secretsManager.setSecret(name, secret === undefined ? undefined : JSON.stringify(secret));
  };
  for (const payer of config.payers) setSecret(payer.id, secrets[payer.id]);
  const { accessLog } = template;
  if (accessLog !== undefined) aws.logs.createGroup(accessLog.logGroup);
  gateway.serve({
    template,
    writeAccessLog: (line) => accessLog && aws.logs.write(accessLog.logGroup, line),
    functions: new Map(functions.map((started) => [started.spec.physicalName, started])),
    edge: template.edge || options.edge ? gatewayEdge : noEdge,
  });

  return {
    awsEndpoint: aws.url,
    tables: namesOf(template.tables),
    buckets: namesOf(template.buckets),
    pids: () => Object.fromEntries(functions.map(({ spec, pids }) => [spec.name, pids()])),
    held: () => heldBy(functions),
    setSecret,
    calls: aws.log.calls,
    clearCalls: aws.log.clear,
    invoke: (name, event) => invoke(({ spec }) => spec.name === name, name, event),
    streamsIdle: feed.idle,
    pauseStreams: feed.pause,
    resumeStreams: feed.resume,
  };
};
