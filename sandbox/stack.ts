import { loadStage } from '../config/checks/load.ts';
import { defaultPorts } from '../config/local.ts';
import type { StageConfig } from '../config/stage.ts';
import { startApiGateway, type RequestLogLine } from './aws/api-gateway.ts';
import { startAws } from './aws/aws.ts';
import { startCloud, type CloudOptions, type LocalCloud } from './aws/cloud.ts';
import type { StreamPace } from './aws/proxy-response.ts';
import { newClientSecret, registerClients, type AskedClient, type LocalClient } from './clients.ts';
import { closersOf, settled } from './closers.ts';
import { endExports } from './end-exports.ts';
import { startLive } from './live/live.ts';
import { LocalStackError } from './local-stack-error.ts';
import { partiesOf, sandboxOn, type Party, type SwitchedOn } from './parties.ts';
import type { FormerPlanOptions } from './payer/exchange/options.ts';
import type { LocalPayer } from './payer/server.ts';
import { atPorts, freePorts, type LocalPorts } from './ports.ts';
import { readSecretsFile, type PayerSecret } from './secrets-file.ts';
import { noState, openState, type LocalState } from './state/local-state.ts';
import { keptMap } from './state/room.ts';

export interface LocalStackOptions {
  /** Port 0 is any free port; `free` is 0 for all. Default: 3000 to 3006. */
  readonly ports?: LocalPorts | 'free';
  /**
   * Serves this configuration (`.ts` or `.json`) instead of stage `local`, without the sandbox. It is served as
   * deployed: without an edge, answers have
   * `WWW-Authenticate` under API Gateway's name for it.
   */
  readonly configFile?: string;
  /** `{"payerId": {"client_secret": "…"}}`, for `configFile`. */
  readonly secretsFile?: string;
  /** Whether the payers and the partner app of stage `local` also run. Default: if there is no `configFile`. */
  readonly withSandbox?: boolean;
  /** The faults that the sandbox's payers start with, by name. */
  readonly faults?: SwitchedOn;
  /** Changes how Demo Health Plan answers other plans that ask it for records. */
  readonly formerPlan?: Partial<FormerPlanOptions>;
  /** Apps to register in stage `local`, in addition to the sandbox's. */
  readonly clients?: readonly AskedClient[];
  /**
   * The folder that keeps accounts, grants, secrets and files for the next start; `fresh` empties it first. Not for
   * `configFile`. @default everything is gone when the stack stops
   */
  readonly state?: { readonly folder: string; readonly fresh: boolean } | undefined;
  /** The most processes per function, each for one call at a time. @default as many as calls come at once, up to 32 */
  readonly environments?: number;
  /** Multiplies the functions' time limits for calls to AWS. @default 1 */
  readonly awsWaitFactor?: number;
  /** How fast functions stream. @default as Lambda does: 2 MB a second after the first 6 MB */
  readonly pace?: StreamPace;
  /** Gets each finished request. The service is `gateway`, `partner` or a payer's id. */
  readonly log?: (service: string, line: RequestLogLine) => void;
  /** Gets each line that a function prints, with the function's name, such as `fetch`. */
  readonly onFunctionLog?: (name: string, line: string) => void;
  readonly onStep?: CloudOptions['onStep'];
  /** Aborts the start, and stops what has started. */
  readonly signal?: AbortSignal;
}

export interface LocalStack extends Omit<LocalCloud, 'setSecret'> {
  /** The public origin: the configuration's, or where the gateway listens. */
  readonly origin: string;
  readonly ports: LocalPorts;
  /** Each server's URL. Without the sandbox, no payer and no partner app listens. */
  readonly urls: Readonly<Record<keyof LocalPorts, string>>;
  /** Whether the payers and the partner app also run. */
  readonly withSandbox: boolean;
  readonly config: StageConfig;
  /** The apps that the options registered. */
  readonly clients: readonly LocalClient[];
  /** Replaces a payer's secret; `undefined` empties it, as the stack creates it. */
  readonly setSecret: (payerId: string, secret: PayerSecret | undefined) => void;
  /** Stops a sandbox payer, by its id, as if it were down. It keeps its state. */
  readonly stopPayer: (payerId: string) => Promise<void>;
  readonly startPayer: (payerId: string) => Promise<void>;
  /** Makes a sandbox payer cut its bundles after this many bytes; `undefined` sends them whole again. */
  readonly cutPayer: (payerId: string, bytes: number | undefined) => void;
}

const flags: Readonly<Record<keyof LocalPorts, string>> = {
  gateway: '--port',
  demoHealthPlan: '--demo-health-plan-port',
  partner: '--partner-port',
  northwind: '--northwind-port',
  aws: '--aws-port',
  live: '--live-port',
  identity: '--identity-port',
};

/** Says in one line why a server could not listen. */
const onPort = async <T>(name: keyof LocalPorts, port: number, start: () => Promise<T>): Promise<T> => {
  try {
    return await start();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new LocalStackError(`Port ${port} is taken; stop what listens there or choose another with ${flags[name]}`);
    }
    if (code === 'EACCES') {
      throw new LocalStackError(`This user may not listen on port ${port}; choose another with ${flags[name]}`);
    }
    throw error;
  }
};

interface Plan {
  readonly ports: LocalPorts;
  readonly config: StageConfig;
  readonly clients: readonly LocalClient[];
  readonly secrets: Readonly<Record<string, PayerSecret>>;
  readonly webhookSecrets?: Readonly<Record<string, readonly string[]>>;
  readonly parties: readonly Party[];
}

/** Reads and checks all files before anything listens. */
const planOf = async (options: LocalStackOptions, { rooms }: LocalState): Promise<Plan> => {
  const ports = await freePorts(options.ports === 'free' ? undefined : (options.ports ?? defaultPorts));
  if (options.configFile !== undefined) {
    const config = await loadStage(options.configFile);
    const secrets = await readSecretsFile(options.secretsFile, config.payers);
    return { ports, config, clients: [], secrets, parties: [] };
  }
  const madeSecrets = keptMap<string>(rooms('client-secrets'));
  const clients = registerClients(options.clients ?? [], (clientId) => {
    const secret = madeSecrets.get(clientId) ?? newClientSecret();
    if (madeSecrets.get(clientId) === undefined) madeSecrets.set(clientId, secret);
    return secret;
  });
  const sandbox = sandboxOn(ports, clients, rooms);
  const logTo = (service: string) => (line: RequestLogLine) => options.log?.(service, line);
  const parties =
    options.withSandbox === false
      ? []
      : partiesOf(sandbox, ports, logTo, {
          faults: options.faults,
          formerPlan: options.formerPlan,
          rooms,
        });
  const { config, secrets, webhookSecrets } = sandbox;
  return { ports, config, clients, secrets, webhookSecrets, parties };
};

/**
 * Starts the gateway on this machine as its synthesized template describes it, with stand-ins for AWS and, for stage
 * `local`, its payers and partner app. If anything fails to start, everything is stopped.
 * @throws ConfigError, LocalStackError with lines for a person
 */
export const startLocalStack = async (options: LocalStackOptions = {}): Promise<LocalStack> => {
  const state = options.state === undefined ? noState : openState(options.state.folder, options.state);
  const { opened, closeAll } = closersOf();
  // Last, since the others keep what they still learn while they stop.
  const close = async (): Promise<void> => {
    await closeAll();
    await state.close();
  };
  try {
    const plan = await planOf(options, state);
    return { ...(await startAll(plan, options, state, opened)), close };
  } catch (error) {
    await close();
    throw options.signal?.aborted === true ? new LocalStackError('Stopped') : error;
  }
};

const startAll = async (
  { ports, config, clients, parties, ...secrets }: Plan,
  options: LocalStackOptions,
  state: LocalState,
  opened: ReturnType<typeof closersOf>['opened'],
): Promise<Omit<LocalStack, 'close'>> => {
  const log = (line: RequestLogLine): void => options.log?.('gateway', line);
  const live = opened(await onPort('live', ports.live, () => startLive(liveOptions(ports, config, parties))));
  const onInvoke = live.invoked;
  const startGateway = (): ReturnType<typeof startApiGateway> =>
    startApiGateway({ port: ports.gateway, origin: config.origin, log, onInvoke, pace: options.pace });
  const gateway = opened(await onPort('gateway', ports.gateway, startGateway));
  const aws = opened(await onPort('aws', ports.aws, () => startAws(ports.aws, live.aws, state)));
  // Listen before bundling, so that a taken port is reported at once.
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  const onFunctionLog = (name: string, line: string): void => {
    live.functionLog(line);
    options.onFunctionLog?.(name, line);
  };
  // Stage `local` is for standard clients, which need what an edge does. Other stages are served as deployed.
  const edge = options.configFile === undefined;
  const { environments, awsWaitFactor, onStep } = options;
  const asked = { config, ...secrets, edge, environments, awsWaitFactor };
  const starting = startCloud({ ...asked, gateway, aws, onFunctionLog, onStep, signal }).then(opened);
  const payers = new Map<string, LocalPayer>();
  const startParty = async (party: Party): Promise<void> => {
    const { name } = party;
    try {
      if (!('payerId' in party)) opened(await onPort(name, ports[name], party.start));
      else payers.set(party.payerId, opened(await onPort(name, ports[name], party.start)));
    } catch (error) {
      failed.abort();
      throw error;
    }
  };
  await settled([...parties.map(startParty), starting.then(live.name)]);
  const payerOf = (payerId: string): LocalPayer => {
    const payer = payers.get(payerId);
    if (payer === undefined) throw new LocalStackError(`The sandbox has no payer ${payerId}`);
    return payer;
  };

  const urls = urlsOf(ports);
  const cloud = await starting;
  if (state.folder !== undefined) await endExports(cloud);
  return {
    ...cloud,
    origin: config.origin ?? urls.gateway,
    ports,
    urls,
    withSandbox: parties.length > 0,
    config,
    // With kept state, the webhook secrets are there already, and a command may have changed them since.
    clients: clients.map((client) =>
      client.webhook === undefined
        ? client
        : { ...client, webhook: { ...client.webhook, secrets: cloud.webhookSecretsOf(client.clientId) } },
    ),
    stopPayer: async (payerId) => payerOf(payerId).close(),
    startPayer: async (payerId) => payerOf(payerId).reopen(),
    cutPayer: (payerId, bytes) => payerOf(payerId).cutAfter(bytes),
  };
};

/** What the live view shows: the servers that run, and the words of the configuration that are public. */
const liveOptions = (
  ports: LocalPorts,
  config: StageConfig,
  parties: readonly Party[],
): Parameters<typeof startLive>[0] => {
  const { aws: _, ...urls } = urlsOf(ports);
  // What somebody tells an identity provider is shown nowhere.
  const servers = parties.flatMap((party) => {
    if (party.name === 'identity') return [];
    return [{ service: 'payerId' in party ? party.payerId : party.name, port: ports[party.name] }];
  });
  return {
    port: ports.live,
    config,
    servers: [{ service: 'gateway', port: ports.gateway }, ...servers],
    asRun: atPorts(ports),
    origins: [...Object.values(urls), ...(config.origin === undefined ? [] : [config.origin])],
    links:
      parties.length === 0
        ? []
        : [
            ['Partner app', urls.partner],
            ['Gateway', urls.gateway],
          ],
  };
};

const urlsOf = (ports: LocalPorts): LocalStack['urls'] => ({
  gateway: `http://localhost:${ports.gateway}`,
  demoHealthPlan: `http://127.0.0.1:${ports.demoHealthPlan}`,
  northwind: `http://127.0.0.1:${ports.northwind}`,
  partner: `http://localhost:${ports.partner}`,
  aws: `http://127.0.0.1:${ports.aws}`,
  live: `http://localhost:${ports.live}`,
  identity: `http://127.0.0.1:${ports.identity}`,
});
