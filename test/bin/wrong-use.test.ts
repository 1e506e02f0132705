import { grants } from '../../bin/grants/grants.ts';
import { members } from '../../bin/members/members.ts';
import { partners } from '../../bin/partners/partners.ts';
import { payers, type PayersToolDeps } from '../../bin/payers/payers.ts';
import { registry } from '../../bin/registry/registry.ts';
import { restore } from '../../bin/restore/restore.ts';
import { smoke } from '../../bin/smoke/smoke.ts';
import { trace } from '../../bin/trace/trace.ts';
import { usage } from '../../bin/usage/usage.ts';
import { ConfigError } from '../../config/check.ts';
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
  grants: (args) => grants(args, deps),
  members: (args) => members(args, deps),
  partners: (args) => partners(args, deps),
  payers: (args) => payers(args, deps as unknown as PayersToolDeps),
  registry: (args) => registry(args, deps),
  restore: (args) => restore(args, deps),
  smoke: (args) => smoke(args, deps),
  trace: (args) => trace(args, deps),
  usage: (args) => usage(args, deps),
} satisfies Record<string, Tool>;

/** How it ends: 2 if the command line is wrong, 1 if it cannot be carried out. The sentence begins so, or has this in it. */
type Row = readonly [args: readonly string[], code: 1 | 2, says: string];

const grant = 'abcdefghijklmnopqrst-1';
const reference = '3f2a9c01-77de';
const local = ['--stage', 'local'];
const why = ['--reason', 'x'];
const since = ['--since', '2026-05-01T12:00:00Z'];
const uri = ['--redirect-uri', 'https://partner.test/cb'];

const rows: Record<keyof typeof tools, readonly Row[]> = {
  grants: [
    [[], 2, 'npm run grants -- show ID'],
    [['stop', grant], 2, 'There is no command "stop"'],
    [['end', grant], 2, 'Give --reason TEXT'],
    [['end', grant, '--reason', '  '], 2, 'Give --reason TEXT'],
    [['end', grant, '--reason', 'two\nlines'], 2, 'one line of up to 200 characters'],
    // What turns the direction of writing could make the audit's line read otherwise.
    [['end', grant, '--reason', 'lost\u202edevice'], 2, 'one line of up to 200 characters'],
    [['end', grant, '--reason', 'x'.repeat(201)], 2, 'one line of up to 200 characters'],
    [['end', 'short', ...why], 2, 'Give one grant id'],
    [['end', grant, grant, ...why], 2, 'Give one grant id'],
    [['show', grant, ...why], 2, '--reason does not apply to show'],
    [['show', grant, '--dry-run'], 2, '--dry-run does not apply to show'],
  ],
  registry: [
    [[], 2, 'npm run registry -- diff STAGE'],
    [['undo', 'local'], 2, 'There is no command "undo"'],
    [['diff'], 2, 'Give one stage, or --config FILE: diff STAGE'],
    [['diff', 'local', 'demo'], 2, 'Give one stage'],
    [['diff', 'local', '--config', 'x.json'], 2, 'Give one stage'],
    [['diff', 'local', ...why], 2, '--reason does not apply to diff'],
    [['export', 'local', '--yes'], 2, '--yes does not apply to export'],
    [['apply', 'local', '--json'], 2, '--json does not apply to apply'],
    [['apply', 'local'], 2, 'Give --reason TEXT'],
    [['apply', 'local', '--reason', 'two\nlines'], 2, 'one line of up to 200 characters'],
    [['diff', 'nowhere'], 1, 'config/nowhere.ts: does not exist'],
  ],
  trace: [
    [[], 2, 'Give one reference'],
    [['a', 'b'], 2, 'Give one reference'],
    [['3f2a9c'], 2, 'Give one reference'],
    [['3f2a9c01-77de%'], 2, 'Give one reference'],
    [['.*'], 2, 'Give one reference'],
    [[reference, '--since', 'yesterday'], 2, '--since is "yesterday"; write a number of hours'],
    [[reference, '--since', '0'], 2, '--since is "0"; write a number of hours'],
    [[reference, '--stag', 'x'], 2, '--help lists the flags'],
  ],
  usage: [
    [[], 2, 'Give --month, such as --month 2026-11'],
    [['--month', 'november'], 2, '--month is "november"; write a month such as 2026-11'],
    [['--month', '2099-12'], 2, '--month is 2099-12, which has not begun'],
    [['--month', '2026-05', '--by', 'grant'], 2, '--by is "grant"; write payer or partner'],
    [['--month', '2026-05', '--csv', 'nowhere/usage.csv'], 1, 'nowhere/usage.csv cannot be written (ENOENT)'],
    [['--month', '2026-05', '--dry'], 2, '--help lists the flags'],
  ],
  restore: [
    [[], 2, 'npm run restore -- grants --from TABLE'],
    [['undo', ...local], 2, 'There is no command "undo"'],
    [['grants', 'x', ...local], 2, '"x" is one word too many'],
    [['grants', ...why, ...local], 2, 'grants needs --from TABLE'],
    [['grants', '--from', 'x', ...local], 2, 'Give --reason TEXT'],
    [['grants', '--from', 'x', ...why], 2, 'Give --stage NAME: grants has no default stage'],
    [['grants', '--from', 'x', ...why, ...local, '--since', 'yesterday'], 2, '--since is "yesterday"; write a time'],
    [['grants', '--from', 'x', ...why, ...local, '--since', '2999-01-01T00:00Z'], 2, 'which is yet to come'],
    [['revocations', ...why, ...local], 2, 'revocations needs --since TIME'],
    [['stops', ...why, ...local, ...since], 2, '--since does not apply to stops'],
    [['reads', '--from', 'x', ...why, ...local], 2, '--reason does not apply to reads'],
  ],
  smoke: [
    [[], 2, 'Give one STAGE'],
    [['local', 'demo'], 2, 'Give one STAGE'],
    [['local', '--origin', 'gateway'], 2, '--origin is "gateway"'],
    [['local', '--megabytes', 'many'], 2, '--megabytes is "many"'],
    [['local', '--payer', 'nobody'], 1, 'The stage has no payer nobody.'],
    [['nowhere'], 1, 'nowhere'],
  ],
  partners: [
    [[], 2, 'npm run --silent partners -- new'],
    [['make', 'x'], 2, 'There is no command "make"'],
    [['new'], 2, 'Give one name'],
    [['new', 'Two', 'Words', ...uri], 2, 'Give one name, in quotes'],
    [['new', 'x'], 2, 'Give --redirect-uri'],
    [['new', 'x', ...uri, '--public', '--jwks', 'x'], 2, 'not both'],
    [['new', 'x', ...uri, '--jwks', 'nowhere.json'], 1, 'nowhere.json cannot be read'],
    [['rotate', 'demo-partner', '--public'], 2, '--public does not apply to rotate'],
    [['new', 'x', ...uri, '--leaked'], 2, '--leaked does not apply to new'],
    [['rotate', 'nobody'], 1, 'Stage local has no partner'],
    [['rotate', 'x', '--stage', 'nowhere'], 1, 'config/nowhere.ts: does not exist'],
  ],
  payers: [
    [[], 2, 'npm run payers -- check'],
    [['examine'], 2, 'There is no command "examine"'],
    [['check', 'a', 'b'], 2, 'Unexpected argument "b"'],
    [['check', '--nonsense'], 2, "Unknown option '--nonsense'; --help lists the flags"],
    [['check', '--stage', 'demo', '--config', 'x.json'], 2, 'Give --stage or --config, not both'],
    [['check', 'nobody', '--stage', 'demo'], 2, 'Stage demo has no payer "nobody"; it has: demo-health-plan'],
    [['check', '--stage', 'demo', '--origin', 'gateway.test'], 2, '--origin is not a URL'],
    [['check', 'ftp://plan.test/r4'], 2, 'has the scheme "ftp:"'],
    [['learn'], 2, "Give the payer's FHIR base URL: learn URL"],
    [['learn', 'plan.test'], 2, 'plan.test is not a URL; write an absolute one'],
    [['learn', 'https://plan.test/r4', '--no-secrets'], 2, '--no-secrets does not apply to learn'],
  ],
  members: [
    [[], 2, 'npm run members -- find'],
    [['look'], 2, 'There is no command "look"'],
    [['find'], 2, 'Give one of --payer ID, --grant ID and --member-of ID'],
    [['find', '--grant', 'short'], 2, '22 characters'],
    [['find', '--grant', grant, '--patient', 'x'], 2, '--patient goes with --payer'],
    [['end', '--payer', 'northwind', ...why], 2, 'Give --yes'],
    [['end', '--payer', 'northwind', '--yes'], 2, 'Give --reason TEXT'],
    [['report', '--payer', 'northwind'], 2, 'Give --html FILE, --csv FILE, or both'],
    [['index', '--yes'], 2, '--yes does not apply to index'],
  ],
};

/** What `runTool` of `bin/shared/command-line.ts` makes of an error. */
const codeOf = ({ name }: Error): number | undefined => ({ UsageError: 2, Refusal: 1, [ConfigError.name]: 1 })[name];

beforeEach(() => written.splice(0));

describe.each(Object.keys(rows) as (keyof typeof rows)[])('npm run %s', (tool) => {
  it.each(rows[tool])(
    `refuses ${tool} %j with %i and says what to do, and writes nothing else`,
    async (args, code, says) => {
      const error: Error = await tools[tool](args).then(never, (thrown: Error) => thrown);

      expect([codeOf(error), error.message]).toEqual([code, expect.stringContaining(says)]);
      if (args.length > 0) expect(error.message).not.toContain('\n');
      expect(written).toEqual([]);
    },
  );
});
