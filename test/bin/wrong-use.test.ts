import { members } from '../../bin/members/members.ts';
import { partners } from '../../bin/partners/partners.ts';
import { payers, type PayersToolDeps } from '../../bin/payers/payers.ts';
import { registry } from '../../bin/registry/registry.ts';
import { codeOf } from '../../bin/shared/errors.ts';
import { smoke } from '../../bin/smoke/smoke.ts';
import { usage } from '../../bin/usage/usage.ts';
import { startMs } from '../support/gateway.ts';

const written: string[] = [];
const write = (text: string): void => void written.push(text);
const never = (): never => {
  throw new Error('the command line was not refused');
};

/** What every tool is given. It refuses each of these command lines before it asks AWS. */
const deps = {
  now: () => startMs,
  nowMs: startMs,
  environment: {},
  output: { out: write, note: write, secret: write },
  ask: undefined,
  terminal: undefined,
  wait: async () => {},
  delay: async () => {},
  readText: async () => '',
  http: never,
  git: never,
  runSuite: never,
  randomBytes: (size: number) => new Uint8Array(size),
  clock: { now: () => startMs, monotonic: () => 0 },
};

type Tool = (args: readonly string[]) => Promise<number>;
const tools = {
  members: (args) => members(args, deps),
  partners: (args) => partners(args, deps),
  payers: (args) => payers(args, deps as unknown as PayersToolDeps),
  registry: (args) => registry(args, deps),
  smoke: (args) => smoke(args, deps),
  usage: (args) => usage(args, deps),
} satisfies Record<string, Tool>;

const local = ['--stage', 'local'];
const uri = ['--redirect-uri', 'https://partner.test/cb'];

// What the words and flags of a command line say by themselves: command-lines.test.ts.
it.each<[tool: keyof typeof tools, args: string[], code: 1 | 2, says: string]>([
  ['members', ['end', '--payer', 'northwind', '--reason', 'x'], 2, 'Give --yes'],
  ['partners', ['new', 'x', ...uri, '--jwks', 'nowhere.json'], 1, 'nowhere.json cannot be read'],
  ['partners', ['rotate', 'nobody'], 1, 'Stage local has no partner'],
  ['partners', ['rotate', 'x', '--stage', 'nowhere'], 1, 'config/nowhere.ts: does not exist'],
  ['payers', ['check', '--stage', 'demo', '--config', 'x.json'], 2, 'Give --stage or --config, not both'],
  ['payers', ['check', 'nobody', '--stage', 'demo'], 1, 'Stage demo has no payer "nobody"; it has: demo-health-plan'],
  ['payers', ['check', 'ftp://plan.test/r4'], 2, 'has the scheme "ftp:"'],
  ['payers', ['learn', 'plan.test'], 2, 'plan.test is not a URL; write an absolute one'],
  ['payers', ['secret', 'demo-health-plan', ...local], 2, 'npm start makes the secrets of stage local itself'],
  ['registry', ['diff', 'nowhere'], 1, 'config/nowhere.ts: does not exist'],
  ['registry', ['apply', 'local'], 2, 'Give --reason TEXT'],
  ['smoke', ['local', '--payer', 'nobody'], 1, 'The stage has no payer nobody.'],
  ['smoke', ['nowhere'], 1, 'config/nowhere.ts: does not exist'],
  ['smoke', ['demo', '--dry-run'], 1, "Give --origin URL: it is the stack's output Origin."],
  ['usage', ['--month', '2026-05', '--csv', 'nowhere/usage.csv'], 1, 'nowhere/usage.csv cannot be written (ENOENT)'],
])(
  'before it asks anything, %s %j is refused with %i in one line that says what to do',
  async (tool, args, code, says) => {
    written.splice(0);

    const error: Error = await tools[tool](args).then(never, (thrown: Error) => thrown);

    expect([codeOf(error), error.message]).toEqual([code, expect.stringContaining(says)]);
    expect(error.message).not.toContain('\n');
    expect(written).toEqual([]);
  },
);
