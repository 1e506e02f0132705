import { join, relative } from 'node:path';
import { readCommand, type Read } from '../bin/shared/command-line.ts';
import { UsageError } from '../bin/shared/errors.ts';
import { file, read, texts, whole, type Spec } from '../bin/shared/spec.ts';
import { defaultPorts, localStage } from '../config/local.ts';
import { usualEnvironments } from './aws/lambda.ts';
import { readClients } from './clients.ts';
import { unknownFaults } from './payer/faults/switches.ts';
import { faultNames } from './payer/faults/table.ts';
import type { LocalStackOptions } from './stack.ts';

const port = (whose: string, usual: number) => whole(whose, 0, 65_535, usual);

const faultsIn = (given: string, name: string): readonly string[] => {
  const names = given.split(',').map((one) => one.trim());
  const [unknown] = unknownFaults(names);
  if (unknown === undefined) return names;
  throw new UsageError(`--${name}: there is no switch ${JSON.stringify(unknown)}; there are ${faultNames.join(', ')}`);
};

export const spec = {
  call: 'npm start --',
  does: 'Serves the gateway on this machine with two payers, an identity provider and a partner app, or with your own configuration.',
  '--port N': port('the gateway', defaultPorts.gateway),
  '--demo-health-plan-port N': port('the payer Demo Health Plan', defaultPorts.demoHealthPlan),
  '--northwind-port N': port('the payer Northwind Health', defaultPorts.northwind),
  '--partner-port N': port('the demo partner app', defaultPorts.partner),
  '--aws-port N': port('the stand-in for AWS', defaultPorts.aws),
  '--live-port N': port('the live view of the flow', defaultPorts.live),
  '--identity-port N': port('the identity provider', defaultPorts.identity),
  '--demo-health-plan LIST': read('how Demo Health Plan misbehaves: switches, such as slow,429', faultsIn),
  '--northwind LIST': read('how Northwind Health misbehaves', faultsIn),
  '--client ID=REDIRECT_URI':
    texts(`registers your app, a public client with PKCE. Again with the same ID: one more redirect
    URI; with another ID: one more app`),
  '--client-secret ID[=SECRET]': texts(
    'makes that client confidential, with the SECRET or a new one, which is printed',
  ),
  '--webhook ID=URL': texts('sends that client events, and prints the secret that signs them'),
  '--config FILE': 'other payers and partners, .ts or .json, in the format of config/; no sandbox',
  '--secrets FILE': 'those payers\' secrets: {"payer-id": {"client_secret": "…"}}',
  '--state FOLDER': file(
    `keeps accounts, grants, tokens, secrets and files for the next start (default .local); exports that run when the stack
    stops have failed at the next start; with --config, nothing is kept`,
    'folder',
  ),
  '--fresh': 'empties that folder first',
  '--environments N': whole(
    `the most processes per function, one call at a time each (default ${usualEnvironments}, started as calls come); 4 shows
    what an app meets when Lambda throttles`,
    1,
    99,
  ),
  more: `Switches: ${faultNames.join(', ')}.
docs/reports/payer-faults.md says what each does. A payer's page /admin sets them while it runs.

Port 0 is any free port. Ctrl-C stops everything.`,
  rows: { '': 'serves the whole product on this machine' },
} as const satisfies Spec;

/** `.local` is that of the project, wherever the command runs. */
const usualState = (): string => relative(process.cwd(), join(import.meta.dirname, '..', '.local'));

/** @throws UsageError if a flag of the sandbox is beside --config, or a flag of --config without it */
const requireOneKind = (values: Read<typeof spec>): void => {
  if (values.config === undefined) {
    if (values.secrets !== undefined) throw new UsageError('--secrets is for the payers of --config FILE; give both');
    return;
  }
  if ((values.demoHealthPlan ?? values.northwind) !== undefined)
    throw new UsageError("--demo-health-plan and --northwind are for the sandbox's payers; leave out --config");
  if ([values.client, values.clientSecret, values.webhook].some((given) => given.length > 0))
    throw new UsageError('--client is for the sandbox; with --config FILE, add the client to FILE');
  if (values.state !== undefined || values.fresh)
    throw new UsageError('--state and --fresh are for the sandbox: with --config, nothing is kept; leave them out');
};

/** What the command line asks the stack for. @throws UsageError */
export const optionsOf = (args: readonly string[]): LocalStackOptions => {
  const values = readCommand(spec, args);
  requireOneKind(values);
  const { demoHealthPlan, northwind, config, secrets, environments, state = usualState(), fresh } = values;
  const given = { clients: values.client, secrets: values.clientSecret, webhooks: values.webhook };
  return {
    ports: {
      gateway: values.port,
      demoHealthPlan: values.demoHealthPlanPort,
      partner: values.partnerPort,
      northwind: values.northwindPort,
      aws: values.awsPort,
      live: values.livePort,
      identity: values.identityPort,
    },
    faults: {
      ...(demoHealthPlan === undefined ? {} : { demoHealthPlan }),
      ...(northwind === undefined ? {} : { northwind }),
    },
    clients: readClients(
      given,
      localStage().partners.map(({ clientId }) => clientId),
    ),
    ...(config === undefined ? { state: { folder: state, fresh } } : { configFile: config }),
    ...(secrets === undefined ? {} : { secretsFile: secrets }),
    ...(environments === undefined ? {} : { environments }),
  };
};
