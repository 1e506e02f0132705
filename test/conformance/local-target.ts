import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StageConfig } from '../../config/stage.ts';
import { startApiGateway, type LocalApiGateway } from '../../sandbox/aws/api-gateway.ts';
import { startAws } from '../../sandbox/aws/aws.ts';
import { startCloud, type LocalCloud } from '../../sandbox/aws/cloud.ts';
import { startFunction, type LocalFunction } from '../../sandbox/aws/lambda.ts';
import { closersOf } from '../../sandbox/closers.ts';
import { startAwsProxy, type AwsProxy } from './aws-proxy.ts';
import { localApps, localConfig, localSecrets, secretsAtPayers, type ConfigChanges } from './local-config.ts';
import { startScriptedPayers, type ScriptedPayers } from './scripted-payer.ts';
import { openStore, type Store } from './store.ts';
import type { Target } from './target.ts';

/** A stage on this machine, with its payers, tables and logs under the test's control. */
export interface LocalTarget extends Target {
  readonly apps: typeof localApps;
  readonly config: StageConfig;
  readonly cloud: LocalCloud;
  readonly payers: ScriptedPayers;
  /** The tables, accessed without the functions. */
  readonly store: Store;
  /** What the functions send to the tables. */
  readonly wire: AwsProxy;
  /** Every line that a function has printed, and every line of the request log. */
  readonly logLines: readonly string[];
  /** Resets payers and tables. */
  readonly reset: () => void;
  readonly close: () => Promise<void>;
}

/** How long the FHIR function may take for the payer `slow-health`, instead of 15 minutes. */
const shortTimeMs = 6000;

/** Requirements make up to twenty concurrent calls of a function, none of which may be throttled. */
const environments = 20;

type Serve = LocalApiGateway['serve'];
type Opened = ReturnType<typeof closersOf>['opened'];

/** Serves one payer from a process of the FHIR function with a short time limit, so that the suite need not wait. */
const withShortTime =
  (serve: Serve, start: (fetch: LocalFunction) => Promise<LocalFunction>): Serve =>
  (api) => {
    const functions = new Map(api.functions);
    const started = [...functions] as [string, LocalFunction][];
    const [name, fetch] = started.find(([, { spec }]) => spec.name === 'fetch') as [string, LocalFunction];
    const short = start(fetch);
    functions.set(name, {
      invoke: async (event, requestId, signal) => {
        const { pathParameters } = JSON.parse(event) as { pathParameters: { payer?: string } | null };
        const target = pathParameters?.payer === 'slow-health' ? await short : fetch;
        return target.invoke(event, requestId, signal);
      },
    });
    serve({ ...api, functions });
  };

const startShort = async (
  fetch: LocalFunction,
  awsEndpoint: string,
  onLog: (name: string, line: string) => void,
  opened: Opened,
): Promise<LocalFunction> => {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
  opened({ close: () => rm(folder, { recursive: true, force: true }) });
  const spec = { ...fetch.spec, timeoutMs: shortTimeMs };
  return opened(await startFunction(spec, { socketPath: join(folder, 'short'), awsEndpoint, onLog }));
};

export interface LocalTargetOptions extends ConfigChanges {
  /** Signs the events of the partner `one-payer`. */
  readonly webhookSecret?: string;
}

const startAll = async (
  opened: Opened,
  { webhookSecret, ...changes }: LocalTargetOptions,
): Promise<Omit<LocalTarget, 'close'>> => {
  const logLines: string[] = [];
  const log = (line: object): void => void logLines.push(JSON.stringify(line));
  const onFunctionLog = (_name: string, line: string): void => void logLines.push(line);
  const payers = opened(await startScriptedPayers());
  const gateway = opened(await startApiGateway({ port: 0, log }));
  const aws = opened(await startAws(0));
  const wire = opened(await startAwsProxy(aws.url));
  const origin = `http://localhost:${gateway.port}`;
  const config = localConfig(origin, payers.origin, changes);
  payers.register(origin, config.payers, secretsAtPayers);
  const cloud = opened(
    await startCloud({
      config,
      secrets: localSecrets,
      webhookSecrets: webhookSecret === undefined ? {} : { [localApps.onePayer.clientId]: [webhookSecret] },
      gateway: {
        ...gateway,
        serve: withShortTime(gateway.serve, (fetch) => startShort(fetch, wire.url, onFunctionLog, opened)),
      },
      aws: { ...aws, url: wire.url },
      edge: true,
      environments,
      onFunctionLog,
      signal: new AbortController().signal,
    }),
  );
  const store = opened(openStore(aws.url, cloud.tables));
  const reset = (): void => {
    payers.reset();
    payers.register(origin, config.payers, secretsAtPayers);
    wire.setFault(undefined);
    for (const { id } of config.payers) cloud.setSecret(id, localSecrets[id]);
  };
  const { portal, app } = localApps;
  const parts = { config, cloud, payers, store, wire, logLines, reset };
  return { origin, payer: 'clear-health', portal, app, edge: true, apps: localApps, ...parts };
};

/** Starts a stage on this machine, with payers that each test scripts. */
export const startLocalTarget = async (options: LocalTargetOptions = {}): Promise<LocalTarget> => {
  const { opened, closeAll } = closersOf();
  try {
    return { ...(await startAll(opened, options)), close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
};
