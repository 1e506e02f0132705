import { loadStage } from '../config/load.ts';
import { defaultPorts } from '../config/local.ts';
import type { StageConfig } from '../config/stage.ts';
import { startApiGateway, type RequestLogLine } from './aws/api-gateway.ts';
import { startAws } from './aws/aws.ts';
import { startCloud, type LocalCloud } from './aws/cloud.ts';
import { closersOf, settled } from './closers.ts';
import { LocalStackError } from './local-stack-error.ts';
import { partiesOf, sandboxOn, type Party, type SwitchedOn } from './parties.ts';
import type { LocalPayer } from './payer/server.ts';
import { freePorts, type LocalPorts } from './ports.ts';
import { readSecretsFile, type PayerSecret } from './secrets-file.ts';

export interface LocalStackOptions {
  /** Port 0 is any free port; `free` is 0 for all. Default: 3000 to 3004. */
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
  /** The most processes per function. Each handles one call at a time. Default: four. */
  readonly environments?: number;
  /** Gets each finished request. The service is `gateway`, `partner` or a payer's id. */
  readonly log?: (service: string, line: RequestLogLine) => void;
  /** Gets each line that a function prints, with the function's name, such as `fetch`. */
  readonly onFunctionLog?: (name: string, line: string) => void;
  /** Aborts the start, and stops what has started. */
  readonly signal?: AbortSignal;
}

export interface LocalStack extends Omit<LocalCloud, 'setSecret'> {
  /** The public origin: the configuration's, or where the gateway listens. */
  readonly origin: string;
  readonly ports: LocalPorts;
  /** Each server's URL. Without the sandbox, only the gateway listens. */
  readonly urls: Readonly<Record<keyof LocalPorts, string>>;
  /** Whether the payers and the partner app also run. */
  readonly withSandbox: boolean;
  readonly config: StageConfig;
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
  readonly secrets: Readonly<Record<string, PayerSecret>>;
  readonly parties: readonly Party[];
}

/** Reads and checks all files before anything listens. */
const planOf = async (options: LocalStackOptions): Promise<Plan> => {
  const ports = await freePorts(options.ports === 'free' ? undefined : (options.ports ?? defaultPorts));
  if (options.configFile !== undefined) {
    const config = await loadStage(options.configFile);
    return { ports, config, secrets: await readSecretsFile(options.secretsFile, config.payers), parties: [] };
  }
  const sandbox = sandboxOn(ports);
  const logTo = (service: string) => (line: RequestLogLine) => options.log?.(service, line);
  const parties = options.withSandbox === false ? [] : partiesOf(sandbox, ports, logTo, { faults: options.faults });
  return { ports, config: sandbox.config, secrets: sandbox.secrets, parties };
};

/**
 * Starts the gateway on this machine as its synthesized template describes it, with stand-ins for AWS and, for stage
 * `local`, its payers and partner app. If anything fails to start, everything is stopped.
 * @throws ConfigError, LocalStackError with lines for a person
 */
export const startLocalStack = async (options: LocalStackOptions = {}): Promise<LocalStack> => {
  const plan = await planOf(options);
  const { opened, closeAll } = closersOf();
  try {
    return { ...(await startAll(plan, options, opened)), close: closeAll };
  } catch (error) {
    await closeAll();
    throw options.signal?.aborted === true ? new LocalStackError('Stopped') : error;
  }
};

const startAll = async (
  { ports, config, secrets, parties }: Plan,
  options: LocalStackOptions,
  opened: ReturnType<typeof closersOf>['opened'],
): Promise<Omit<LocalStack, 'close'>> => {
  const log = (line: RequestLogLine): void => options.log?.('gateway', line);
  const gateway = opened(await onPort('gateway', ports.gateway, () => startApiGateway({ port: ports.gateway, log })));
  const aws = opened(await onPort('aws', ports.aws, () => startAws(ports.aws)));
  // Listen before bundling, so that a taken port is reported at once.
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  const onFunctionLog = options.onFunctionLog ?? (() => {});
  // Stage `local` is for standard clients, which need what an edge does. Other stages are served as deployed.
  const edge = options.configFile === undefined;
  const { environments } = options;
  const starting = startCloud({ config, secrets, gateway, aws, edge, onFunctionLog, environments, signal }).then(
    opened,
  );
  const payers = new Map<string, LocalPayer>();
  const startParty = async (party: Party): Promise<void> => {
    const { name } = party;
    try {
      if (name === 'partner') opened(await onPort(name, ports[name], party.start));
      else payers.set(party.payerId, opened(await onPort(name, ports[name], party.start)));
    } catch (error) {
      failed.abort();
      throw error;
    }
  };
  await settled([...parties.map(startParty), starting]);
  const payerOf = (payerId: string): LocalPayer => {
    const payer = payers.get(payerId);
    if (payer === undefined) throw new LocalStackError(`The sandbox has no payer ${payerId}`);
    return payer;
  };

  const urls = urlsOf(ports);
  return {
    ...(await starting),
    origin: config.origin ?? urls.gateway,
    ports,
    urls,
    withSandbox: parties.length > 0,
    config,
    stopPayer: async (payerId) => payerOf(payerId).close(),
    startPayer: async (payerId) => payerOf(payerId).reopen(),
    cutPayer: (payerId, bytes) => payerOf(payerId).cutAfter(bytes),
  };
};

const urlsOf = (ports: LocalPorts): LocalStack['urls'] => ({
  gateway: `http://localhost:${ports.gateway}`,
  demoHealthPlan: `http://127.0.0.1:${ports.demoHealthPlan}`,
  northwind: `http://127.0.0.1:${ports.northwind}`,
  partner: `http://localhost:${ports.partner}`,
  aws: `http://127.0.0.1:${ports.aws}`,
});
