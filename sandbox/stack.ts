import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultPorts } from '../config/local.ts';
import { loadStage } from '../config/load.ts';
import type { StageConfig } from '../config/stage.ts';
import { type RequestLogLine, startApiGateway } from './aws/api-gateway.ts';
import { startDynamoDb } from './aws/dynamodb.ts';
import { startFunction } from './aws/lambda.ts';
import { startSecretsManager } from './aws/secrets-manager.ts';
import { synthesise } from './aws/synth.ts';
import { readTemplate } from './aws/template.ts';
import { LocalStackError } from './local-stack-error.ts';
import { partiesOf, sandboxOn } from './parties.ts';
import { type LocalPorts, freePorts } from './ports.ts';
import { type PayerSecret, readSecretsFile } from './secrets-file.ts';

export interface LocalStackOptions {
  /** A port of 0 is a free one; `free` is 0 for all. Default: 3000 to 3003. */
  readonly ports?: LocalPorts | 'free';
  /** Serves this configuration (`.ts` or `.json`) instead of stage `local`, without the sandbox. */
  readonly configFile?: string;
  /** `{"payerId": {"client_secret": "…"}}`, for `configFile`. */
  readonly secretsFile?: string;
  /** Whether the payers and the partner app of stage `local` run too. Default: when there is no `configFile`. */
  readonly withSandbox?: boolean;
  /** Gets each finished request; the service is `gateway`, `partner` or a payer's id. */
  readonly log?: (service: string, line: RequestLogLine) => void;
  /** Gets each line that a function prints, with the function's name, such as `fetch`. */
  readonly onFunctionLog?: (name: string, line: string) => void;
  /** Gives up while starting; what has started is stopped. */
  readonly signal?: AbortSignal;
}

export interface LocalStack {
  /** The public origin: the configuration's, or where the gateway listens. */
  readonly origin: string;
  readonly ports: LocalPorts;
  /** Where each server listens, or would with the sandbox. */
  readonly urls: Readonly<Record<keyof LocalPorts, string>>;
  /** Whether the payers and the partner app run too. */
  readonly withSandbox: boolean;
  readonly config: StageConfig;
  /** Process ids by function name. */
  readonly pids: () => Readonly<Record<string, number | undefined>>;
  readonly dynamoEndpoint: string;
  readonly secretsEndpoint: string;
  /** Physical table names by construct name: `loginAttempts`, `grants`. */
  readonly tables: Readonly<Record<string, string>>;
  /** Replaces a payer's secret; `undefined` empties it, as the stack leaves it for an operator. */
  readonly setSecret: (payerId: string, secret: PayerSecret | undefined) => void;
  readonly close: () => Promise<void>;
}

type Closer = () => Promise<unknown>;

const flags: Readonly<Record<keyof LocalPorts, string>> = {
  gateway: '--port',
  demoHealthPlan: '--demo-health-plan-port',
  partner: '--partner-port',
  northwind: '--northwind-port',
};

/** Says in one line what a server's listening failed for. */
const onPort = async <T>(name: keyof LocalPorts, port: number, start: () => Promise<T>): Promise<T> => {
  try {
    return await start();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new LocalStackError(`Port ${port} is taken; stop what listens there or choose another with ${flags[name]}`);
    }
    if (code === 'EACCES') {
      throw new LocalStackError(`Port ${port} may not be used by this user; choose another with ${flags[name]}`);
    }
    throw error;
  }
};

/** All of them, or the first error; but only once every one of them has come to an end, so that all can be closed. */
const allSettled = async <T extends readonly unknown[]>(promises: {
  readonly [K in keyof T]: Promise<T[K]>;
}): Promise<T> => {
  await Promise.allSettled(promises);
  return Promise.all(promises) as unknown as Promise<T>;
};

interface Plan {
  readonly ports: LocalPorts;
  readonly config: StageConfig;
  readonly secrets: Readonly<Record<string, PayerSecret>>;
  readonly parties: Partial<ReturnType<typeof partiesOf>>;
}

/** Everything that can be wrong with files is found here, before anything listens. */
const planOf = async (options: LocalStackOptions): Promise<Plan> => {
  const ports = await freePorts(options.ports === 'free' ? undefined : (options.ports ?? defaultPorts));
  if (options.configFile !== undefined) {
    const config = await loadStage(options.configFile);
    return { ports, config, secrets: await readSecretsFile(options.secretsFile, config.payers), parties: {} };
  }
  const sandbox = sandboxOn(ports);
  const logTo = (service: string) => (line: RequestLogLine) => options.log?.(service, line);
  const parties = options.withSandbox === false ? {} : partiesOf(sandbox, ports, logTo);
  return { ports, config: sandbox.config, secrets: sandbox.secrets, parties };
};

/** Keeps what was started, to stop it in one go. */
const closersOf = (): { readonly opened: <T extends { close: Closer }>(thing: T) => T; readonly closeAll: Closer } => {
  const closers: Closer[] = [];
  return {
    opened: (thing) => {
      closers.push(() => thing.close());
      return thing;
    },
    closeAll: () => Promise.allSettled(closers.splice(0).map((close) => close())),
  };
};

/**
 * Starts the gateway on this machine, as its synthesised template describes it, with stand-ins for AWS and, for stage
 * `local`, its payers and partner app. If anything fails to start, nothing is left running.
 * @throws ConfigError, LocalStackError with lines for a person
 */
export const startLocalStack = async (options: LocalStackOptions = {}): Promise<LocalStack> => {
  const plan = await planOf(options);
  const { opened, closeAll } = closersOf();
  const workDir = await mkdtemp(join(tmpdir(), 'p2p-gateway-'));
  const close = async (): Promise<void> => {
    await closeAll();
    await rm(workDir, { recursive: true, force: true });
  };
  try {
    return { ...(await startAll(plan, options, workDir, opened)), close };
  } catch (error) {
    await close();
    throw options.signal?.aborted === true ? new LocalStackError('Stopped') : error;
  }
};

const startAll = async (
  plan: Plan,
  options: LocalStackOptions,
  workDir: string,
  opened: <T extends { close: Closer }>(thing: T) => T,
): Promise<Omit<LocalStack, 'close'>> => {
  const { ports, config } = plan;
  // The ports first: someone whose port is taken should not wait for a bundler.
  const gateway = opened(
    await onPort('gateway', ports.gateway, () =>
      startApiGateway({ port: ports.gateway, log: (line) => options.log?.('gateway', line) }),
    ),
  );
  const url = `http://localhost:${gateway.port}`;
  const names = Object.keys(plan.parties) as (keyof typeof plan.parties)[];
  await allSettled(
    names.map(async (name) => {
      const start = plan.parties[name];
      if (start === undefined) throw new Error(`No such party: ${name}`);
      opened(await onPort(name, ports[name], start));
    }),
  );

  const configFile = join(workDir, 'config.json');
  await writeFile(configFile, JSON.stringify(config));
  const [synthesised, dynamoDb, secretsManager] = await allSettled([
    synthesise(configFile, join(workDir, 'cdk.out'), options.signal),
    startDynamoDb().then(opened),
    startSecretsManager().then(opened),
  ]);
  const template = readTemplate(synthesised.template, { origin: url, assetDir: synthesised.assetDir });
  await dynamoDb.createTables(template.tables);
  const setSecret: LocalStack['setSecret'] = (payerId, secret) => {
    const name = template.secretNames.find((candidate) => candidate.endsWith(`/${payerId}`));
    if (name === undefined) throw new Error(`The stack has no secret for payer ${payerId}`);
    secretsManager.setSecret(name, secret === undefined ? undefined : JSON.stringify(secret));
  };
  for (const payer of config.payers) setSecret(payer.id, plan.secrets[payer.id]);

  const endpoints = {
    AWS_ENDPOINT_URL_DYNAMODB: dynamoDb.endpoint,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.endpoint,
  };
  const functions = await allSettled(
    template.functions.map(async (spec) => {
      const socketPath = join(workDir, spec.name);
      const started = await startFunction(spec, { socketPath, endpoints, onLog: options.onFunctionLog ?? (() => {}) });
      opened({ close: started.stop });
      return started;
    }),
  );
  gateway.serve({ template, functions: new Map(functions.map((started) => [started.spec.physicalName, started])) });

  return {
    origin: config.origin ?? url,
    ports,
    urls: {
      gateway: url,
      demoHealthPlan: `http://127.0.0.1:${ports.demoHealthPlan}`,
      northwind: `http://127.0.0.1:${ports.northwind}`,
      partner: `http://localhost:${ports.partner}`,
    },
    withSandbox: names.length > 0,
    config,
    pids: () => Object.fromEntries(functions.map(({ spec, pid }) => [spec.name, pid()])),
    dynamoEndpoint: dynamoDb.endpoint,
    secretsEndpoint: secretsManager.endpoint,
    tables: Object.fromEntries(template.tables.map(({ name, physicalName }) => [name, physicalName])),
    setSecret,
  };
};
