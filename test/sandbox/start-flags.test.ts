import { optionsOf } from '../../sandbox/start-flags.ts';

const optionsFor = (...args: string[]) => optionsOf(args);

describe('npm start', () => {
  it.each<[string[], string | RegExp]>([
    [['--bogus'], "Unknown option '--bogus'; --help lists the flags"],
    [['extra'], "Unexpected argument 'extra'; --help lists the flags"],
    [['--port', '70000'], '--port is "70000"; write a port from 0 to 65535'],
    [
      ['--port', '-1'],
      '--port needs a value; if that starts with a hyphen, write --port=VALUE; --help lists the flags',
    ],
    [['--aws-port', '65536'], '--aws-port is "65536"; write a port from 0 to 65535'],
    [['--environments', '0'], '--environments is "0"; write a number from 1 to 99'],
    [['--environments', '100'], '--environments is "100"; write a number from 1 to 99'],
    [['--secrets', 'x.json'], '--secrets is for the payers of --config FILE; give both'],
    [['--northwind', 'slow,fast'], /^--northwind: there is no switch "fast"; there are slow, drip, 429, /],
    [['--demo-health-plan', ''], /^--demo-health-plan: there is no switch ""; there are slow, /],
    ...['--northwind', '--demo-health-plan'].map((flag): [string[], string] => [
      [flag, 'slow', '--config', 'x.json'],
      "--demo-health-plan and --northwind are for the sandbox's payers; leave out --config",
    ]),
    ...['--client', '--client-secret', '--webhook'].map((flag): [string[], string] => [
      [flag, 'my-app=http://localhost:5210/callback', '--config', 'x.json'],
      '--client is for the sandbox; with --config FILE, add the client to FILE',
    ]),
    ...[['--state', 'kept'], ['--fresh']].map((flags): [string[], string] => [
      [...flags, '--config', 'x.json'],
      '--state and --fresh are for the sandbox: with --config, nothing is kept; leave them out',
    ]),
    [['--state', ''], '--state is empty; write a folder'],
    [
      ['--client', 'demo-partner=http://localhost:5210/callback'],
      /^--client "demo-partner=.*": demo-partner is one of the sandbox's own clients; /,
    ],
  ])('refuses %j in one line', (args, line) => {
    expect(() => optionsFor(...args)).toThrow(
      expect.objectContaining({
        name: 'UsageError',
        message: typeof line === 'string' ? line : expect.stringMatching(line),
      }) as Error,
    );
  });

  it('takes the ports that the documents name, sets no number of processes, and keeps its state in .local', () => {
    expect(optionsFor()).toEqual({
      ports: {
        gateway: 3000,
        demoHealthPlan: 3001,
        partner: 3002,
        northwind: 3003,
        aws: 3004,
        live: 3005,
        identity: 3006,
      },
      faults: {},
      clients: [],
      state: { folder: '.local', fresh: false },
    });
  });

  it('takes the largest and the smallest of each number, and every port from its own flag', () => {
    const names = ['port', 'demo-health-plan-port', 'partner-port', 'northwind-port', 'aws-port', 'live-port'];
    const ports = names.flatMap((name, index) => [`--${name}`, String([65_535, 0, 11, 12, 13, 14][index])]);

    expect(optionsFor(...ports, '--environments', '99')).toMatchObject({
      ports: { gateway: 65_535, demoHealthPlan: 0, partner: 11, northwind: 12, aws: 13, live: 14 },
      environments: 99,
    });
    expect(optionsFor('--environments', '1')).toMatchObject({ environments: 1 });
  });

  it('gives each payer its own switches, and the state a folder that is emptied first if asked', () => {
    const flags = ['--demo-health-plan', 'slow, 429', '--northwind', 'drip', '--state', 'kept', '--fresh'];

    expect(optionsFor(...flags)).toMatchObject({
      faults: { demoHealthPlan: ['slow', '429'], northwind: ['drip'] },
      state: { folder: 'kept', fresh: true },
    });
  });

  it('serves a configuration with its secrets and keeps nothing', () => {
    const options = optionsFor('--config', 'x.json', '--secrets', 'secrets.json');

    expect(options).toMatchObject({ configFile: 'x.json', secretsFile: 'secrets.json' });
    expect(options).not.toHaveProperty('state');
  });
});
