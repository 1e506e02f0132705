import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { defaultPorts, localStage } from '../config/local.ts';
import { usualEnvironments } from './aws/lambda.ts';
import { readClients } from './clients.ts';
import { LocalStackError } from './local-stack-error.ts';
import { unknownFaults } from './payer/faults/switches.ts';
import { faultNames } from './payer/faults/table.ts';
import type { LocalStackOptions } from './stack.ts';

/** What `--help` prints. */
export const help = `npm start -- [flags]

Serves the gateway on this machine with two payers and a partner app, or with your own configuration.

  --port N                    the gateway (default ${defaultPorts.gateway})
  --demo-health-plan-port N   the payer Demo Health Plan (default ${defaultPorts.demoHealthPlan})
  --northwind-port N          the payer Northwind Health (default ${defaultPorts.northwind})
  --partner-port N            the demo partner app (default ${defaultPorts.partner})
  --aws-port N                the stand-in for AWS (default ${defaultPorts.aws})
  --live-port N               the live view of the flow (default ${defaultPorts.live})
  --demo-health-plan LIST     how Demo Health Plan misbehaves: switches, such as slow,429
  --northwind LIST            how Northwind Health misbehaves
  --client ID=REDIRECT_URI    registers your app, a public client with PKCE. Again with the same ID: one more redirect
                              URI; with another ID: one more app
  --client-secret ID[=SECRET] makes that client confidential, with the SECRET or a new one, which is printed
  --webhook ID=URL            sends that client events, and prints the secret that signs them
  --config FILE               other payers and partners, .ts or .json, in the format of config/; no sandbox
  --secrets FILE              those payers' secrets: {"payer-id": {"client_secret": "…"}}
  --state FOLDER              keeps accounts, grants, tokens, secrets and files for the next start (default .local);
                              exports that run when the stack stops have failed at the next start; with --config,
                              nothing is kept
  --fresh                     empties that folder first
  --environments N            the most processes per function, one call at a time each (default ${usualEnvironments})
  --help                      this text

Switches: ${faultNames.join(', ')}.
docs/reports/payer-faults.md says what each does. A payer's page /admin sets them while it runs.

Port 0 is any free port. Ctrl-C stops everything.`;

const flagTypes = {
  port: { type: 'string' },
  'demo-health-plan-port': { type: 'string' },
  'northwind-port': { type: 'string' },
  'partner-port': { type: 'string' },
  'aws-port': { type: 'string' },
  'live-port': { type: 'string' },
  'demo-health-plan': { type: 'string' },
  northwind: { type: 'string' },
  client: { type: 'string', multiple: true },
  'client-secret': { type: 'string', multiple: true },
  webhook: { type: 'string', multiple: true },
  config: { type: 'string' },
  secrets: { type: 'string' },
  state: { type: 'string' },
  fresh: { type: 'boolean' },
  environments: { type: 'string' },
  help: { type: 'boolean' },
} as const;

const portOf = (flag: string, text: string | undefined, otherwise: number): number => {
  if (text === undefined) return otherwise;
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new LocalStackError(`--${flag} is ${JSON.stringify(text)}; write a port from 0 to 65535`);
  }
  return Number(text);
};

const environmentsOf = (text: string): number => {
  if (!/^[1-9]\d?$/.test(text)) {
    throw new LocalStackError(`--environments is ${JSON.stringify(text)}; write a number from 1 to 99`);
  }
  return Number(text);
};

const faultsOf = (flag: string, text: string): readonly string[] => {
  const names = text.split(',').map((name) => name.trim());
  const [unknown] = unknownFaults(names);
  if (unknown === undefined) return names;
  throw new LocalStackError(
    `--${flag}: there is no switch ${JSON.stringify(unknown)}; there are ${faultNames.join(', ')}`,
  );
};

/** Reads the command line. @throws LocalStackError in one line */
export const readFlags = (
  args: readonly string[],
): ReturnType<typeof parseArgs<{ options: typeof flagTypes }>>['values'] => {
  try {
    return parseArgs({ args: [...args], options: flagTypes }).values;
  } catch (error) {
    const [what] = (error as Error).message.split(/\. |\n/);
    throw new LocalStackError(`${what}; --help lists the flags`);
  }
};

/** `.local` is that of the project, wherever the command runs. */
const stateFolder = (given: string | undefined): string => {
  if (given === '') throw new LocalStackError('--state is empty; write a folder');
  return given ?? relative(process.cwd(), join(import.meta.dirname, '..', '.local'));
};

/** What the flags ask the stack for. @throws LocalStackError in one line */
export const optionsOf = (values: ReturnType<typeof readFlags>): LocalStackOptions => {
  if (values.secrets !== undefined && values.config === undefined) {
    throw new LocalStackError('--secrets is for the payers of --config FILE; give both');
  }
  const { 'demo-health-plan': demoHealthPlan, northwind } = values;
  if (values.config !== undefined && (demoHealthPlan ?? northwind) !== undefined) {
    throw new LocalStackError("--demo-health-plan and --northwind are for the sandbox's payers; leave out --config");
  }
  const given = {
    clients: values.client ?? [],
    secrets: values['client-secret'] ?? [],
    webhooks: values.webhook ?? [],
  };
  if (values.config !== undefined && Object.values(given).some((flags) => flags.length > 0)) {
    throw new LocalStackError('--client is for the sandbox; with --config FILE, add the client to FILE');
  }
  if (values.config !== undefined && (values.state ?? values.fresh) !== undefined) {
    throw new LocalStackError(
      '--state and --fresh are for the sandbox: with --config, nothing is kept; leave them out',
    );
  }
  return {
    ports: {
      gateway: portOf('port', values.port, defaultPorts.gateway),
      demoHealthPlan: portOf('demo-health-plan-port', values['demo-health-plan-port'], defaultPorts.demoHealthPlan),
      partner: portOf('partner-port', values['partner-port'], defaultPorts.partner),
      northwind: portOf('northwind-port', values['northwind-port'], defaultPorts.northwind),
      aws: portOf('aws-port', values['aws-port'], defaultPorts.aws),
      live: portOf('live-port', values['live-port'], defaultPorts.live),
    },
    faults: {
      ...(demoHealthPlan === undefined ? {} : { demoHealthPlan: faultsOf('demo-health-plan', demoHealthPlan) }),
      ...(northwind === undefined ? {} : { northwind: faultsOf('northwind', northwind) }),
    },
    clients: readClients(
      given,
      localStage().partners.map(({ clientId }) => clientId),
    ),
    ...(values.config === undefined
      ? { state: { folder: stateFolder(values.state), fresh: values.fresh === true } }
      : {}),
    ...(values.config === undefined ? {} : { configFile: values.config }),
    ...(values.secrets === undefined ? {} : { secretsFile: values.secrets }),
    ...(values.environments === undefined ? {} : { environments: environmentsOf(values.environments) }),
  };
};
