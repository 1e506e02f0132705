import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { StageConfig } from '../../config/stage.ts';
import { startApiGateway, type LocalApiGateway } from '../../sandbox/aws/api-gateway.ts';
import { startAws } from '../../sandbox/aws/aws.ts';
import { startCloud, type LocalCloud } from '../../sandbox/aws/cloud.ts';
import { startFunction, type LocalFunction } from '../../sandbox/aws/lambda.ts';
import { unpaced } from '../../sandbox/aws/proxy-response.ts';
import type { StreamHabits } from '../../sandbox/aws/stream-feed.ts';
import { closersOf } from '../../sandbox/closers.ts';
import { startPayer, type LocalPayer } from '../../sandbox/payer/server.ts';
import { freePort } from '../../sandbox/ports.ts';
import {
  atFormerPlan,
  isSlow,
  localApps,
  localConfig,
  localSecrets,
  secretsAtPayers,
  shortTimeMs,
  type ConfigChanges,
} from './local-config.ts';
import { startScriptedPayers } from './scripted-payer.ts';
import { openStoreAt } from './store.ts';
import type { WorldTarget } from './target.ts';
import { seenWire, watchStore } from './wire.ts';

/** A stage on this machine, in processes of its own. */
export interface LocalTarget extends WorldTarget {
  readonly config: StageConfig;
  readonly cloud: LocalCloud;
}

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
      invoke: async (event, requestId) => {
        const target = isSlow(event) ? await short : fetch;
        return target.invoke(event, requestId);
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

/** The sandbox's payer, of which only the side that answers other plans is used. */
const startFormerPlan = async (): Promise<LocalPayer> =>
  startPayer({
    preset: 'smart',
    displayName: 'former-health',
    host: '127.0.0.1',
    port: await freePort(),
    gatewayRedirectUri: 'https://unused.example.org/callback',
    clientId: 'unused',
    client: 'public',
    exchange: atFormerPlan,
  });

export interface LocalTargetOptions extends ConfigChanges {
  /** Signs the events of the partner `one-payer`. */
  readonly webhookSecret?: string;
  readonly streams?: StreamHabits;
}

const startAll = async (
  opened: Opened,
  { webhookSecret, streams, ...changes }: LocalTargetOptions,
): Promise<Omit<LocalTarget, 'close'>> => {
  const logLines: string[] = [];
  const log = (line: object): void => void logLines.push(JSON.stringify(line));
  const onFunctionLog = (_name: string, line: string): void => void logLines.push(line);
  const payers = opened(await startScriptedPayers());
  const formerPlan = opened(await startFormerPlan());
  const gateway = opened(await startApiGateway({ port: 0, log, pace: unpaced }));
  const wire = seenWire();
  const aws = opened(await startAws(0, undefined, undefined, watchStore(wire)));
  const origin = `http://localhost:${gateway.port}`;
  const config = localConfig(origin, payers.origin, { ...changes, formerPlan: formerPlan.url });
  payers.register(origin, config.payers, secretsAtPayers);
  const cloud = opened(
    await startCloud({
      config,
      secrets: localSecrets,
      webhookSecrets: webhookSecret === undefined ? {} : { [localApps.onePayer.clientId]: [webhookSecret] },
      gateway: {
        ...gateway,
        serve: withShortTime(gateway.serve, (fetch) => startShort(fetch, aws.url, onFunctionLog, opened)),
      },
      aws,
      edge: true,
      environments,
      streams,
      onFunctionLog,
      signal: new AbortController().signal,
    }),
  );
  const store = opened(openStoreAt(aws.url, cloud.tables));
  const reset = (): void => {
    payers.reset();
    payers.register(origin, config.payers, secretsAtPayers);
    wire.setFault(undefined);
    for (const { id } of config.payers) cloud.setSecret(id, localSecrets[id]);
  };
  const { portal, app } = localApps;
  const time = { now: () => Math.floor(Date.now() / 1000), passSeconds: (seconds: number) => wait(seconds * 1000) };
  const { tables, setSecret } = cloud;
  const parts = { config, cloud, payers, store, wire, logLines, tables, setSecret, reset, ...time };
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
