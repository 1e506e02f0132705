import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check } from 'prettier';
import { init } from '../../bin/init/init.ts';
import { judgeSecret } from '../../bin/payers/secret.ts';
import { requireDeployable } from '../../config/checks/deployable.ts';
import type { StageConfig } from '../../config/stage.ts';
import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import { words } from '../support/words.ts';
import { json, payerDeps, published, smartConfiguration } from './payer-deps.ts';

const project = join(import.meta.dirname, '../..');
const certificate = 'arn:aws:acm:us-east-1:444455556666:certificate/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0';
const operator = [
  '--operator=Lakeside',
  '--privacy=https://lakeside-plan.net/privacy',
  '--support=mailto:help@lakeside-plan.net',
];
const placed = [...words('--account 444455556666 --region us-east-1 --alarm oncall@lakeside-plan.net'), ...operator];
const ownDomain = ['--domain=gw.lakeside-plan.net', '--certificate', certificate, '--zone-id=none'];
const payer = words(`
  --payer=https://fhir.lakeside-plan.net/r4 --payer-id=lakeside --payer-name=Lakeside
  --authorize=https://id.lakeside-plan.net/authorize --token=https://id.lakeside-plan.net/token
`);
const byKey = [...payer, '--auth', 'private_key_jwt', '--offline'];
const bySecret = [...payer, '--auth', 'client_secret_post', '--offline'];

/** Flags with another value for one of them: `--flag=` at its beginning, or the value after a flag. */
const instead = (flags: readonly string[], was: string, is: string): string[] =>
  flags.map((flag) => (flag === was ? is : was.endsWith('=') && flag.startsWith(was) ? was + is : flag));

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'init-'));
  mkdirSync(join(root, 'config'));
  for (const name of readdirSync(join(project, 'config'))) {
    symlinkSync(join(project, 'config', name), join(root, 'config', name));
  }
});
afterEach(() => rmSync(root, { recursive: true }));

/** Runs the tool. `answers` are what a person types; without them there is no one at the terminal. */
const run = async (
  args: readonly string[],
  { answers, http = payerDeps().deps.http }: { answers?: readonly string[]; http?: PayerHttp } = {},
) => {
  const typed = [...(answers ?? [])];
  const asked: string[] = [];
  const printed: string[] = [];
  const code = await init(args, {
    root,
    http,
    ask:
      answers === undefined
        ? undefined
        : async (question) => {
            asked.push(question.trim());
            return typed.shift() ?? '';
          },
    output: { out: (line) => void printed.push(line) },
  });
  return { code, asked, text: printed.join('\n') };
};

/** The stage as the other tools load it, in its own process. */
const loaded = (name: string): StageConfig => {
  const script = `
    import { loadStage } from ${JSON.stringify(join(project, 'config/checks/load.ts'))};
    console.log(JSON.stringify(await loadStage('${name}', ${JSON.stringify(join(root, 'config'))})));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as StageConfig;
};
const own = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => !entry.isSymbolicLink())
    .map(({ name }) => name);

describe('npm run init', () => {
  it.each([
    [
      'for production, with a domain and a key',
      ['--production', '--domain', 'gw.lakeside-plan.net', '--certificate', certificate, ...byKey],
    ],
    [
      'for production, with a zone',
      [
        ...words('--production --domain gw.lakeside-plan.net --certificate'),
        certificate,
        ...words('--zone-id Z0ABC --zone lakeside-plan.net'),
        ...bySecret,
      ],
    ],
    ['for a trial, with a secret', ['--no-production', ...bySecret]],
    ['for a trial, with an RSA key', ['--no-production', '--rsa', ...byKey]],
    ['with a client id', ['--production', '--client-id', 'gateway-17', ...bySecret]],
    ['with fixed addresses', ['--production', '--vpc-zones=us-east-1a,us-east-1c', ...bySecret]],
  ])('writes a stage %s that passes every check', async (_title, flags) => {
    const { code } = await run(['mine', ...placed, ...flags]);

    expect(code).toBe(0);
    const config = loaded('mine');
    expect(() => requireDeployable(config, 'config/mine.ts')).not.toThrow();
    const production = flags[0] === '--production';
    const named = { zones: ['us-east-1a', 'us-east-1c'], cidr: '10.20.0.0/20' };
    expect(config.network).toEqual(flags.some((one) => one.startsWith('--vpc-zones')) ? named : 'none');
    expect(config).toMatchObject({ stage: 'mine', production, account: '444455556666', region: 'us-east-1' });
    // 45 CFR 164.316(b)(2) asks for six years; a trial leaves little behind.
    expect(config.retention).toMatchObject(
      production ? { logDays: 400, auditDays: 2192 } : { logDays: 30, auditDays: 1 },
    );
    const file = join(root, 'config/mine.ts');
    const style = { parser: 'typescript', printWidth: 120, singleQuote: true };
    expect(await check(readFileSync(file, 'utf8'), style)).toBe(true);
  });

  it('makes the key pair, whose private half only its owner can read and Git ignores', async () => {
    const { text } = await run(['mine', '--production', ...placed, ...byKey]);

    const file = join(root, '.secrets/mine/lakeside.json');
    const secret = readFileSync(file, 'utf8');
    const [first] = loaded('mine').payers;
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(root, '.secrets/mine')).mode & 0o777).toBe(0o700);
    expect(judgeSecret('x', { text: secret }, first!)).not.toHaveProperty('todo');
    const { d } = (JSON.parse(secret) as { private_key_jwk: { d: string } }).private_key_jwk;
    expect(readFileSync(join(root, 'config/mine.ts'), 'utf8') + text).not.toContain(d);
    expect(readFileSync(join(project, '.gitignore'), 'utf8').split('\n')).toContain('.secrets/');
  });

  it('prints what the payer must register before there is a client id, and the next steps in order', async () => {
    const domain = ['--domain', 'gw.lakeside-plan.net', '--certificate', certificate];
    const { text } = await run(['mine', '--production', ...placed, ...domain, ...byKey]);

    const steps = [
      'config/mine.ts, and commit it',
      'Bootstrap the CDK (docs/deploy.md)',
      'npx cdk deploy -c stage=mine --no-rollback\n',
      'redirect URI  https://gw.lakeside-plan.net/oauth2/callback/lakeside',
      'JWKS URL      https://gw.lakeside-plan.net/oauth2/jwks/lakeside',
      "Replace 'pending-registration' with the client id that it gives you",
      'npm run payers -- secret lakeside --stage mine < .secrets/mine/lakeside.json && rm .secrets/mine/lakeside.json',
      'npm run --silent partners -- new "Member Portal" --stage mine',
      'npm run payers -- check lakeside --stage mine',
    ].map((step) => text.indexOf(step));
    expect(steps).not.toContain(-1);
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
  });

  it('says where to find an origin that only the deployment knows', async () => {
    const { text } = await run(['mine', '--no-production', ...placed, ...bySecret, '--client-id', 'gateway-17']);

    expect(text).toContain('redirect URI  {origin}/oauth2/callback/lakeside');
    expect(text).toContain('{origin} is the output Origin of the deployment');
    expect(text).toContain('npm run payers -- secret lakeside --stage mine\n');
    expect(text).not.toMatch(/JWKS|pending/);
    expect(own('.')).toEqual(['config']);
  });

  it('reads what the payer publishes, and asks for the rest', async () => {
    const { text } = await run(['mine', '--no-production', ...placed, '--payer', 'https://plan.test/r4']).catch(
      (error: Error) => ({ text: error.message }),
    );

    // A payer on a reserved host is refused, as any other example value is.
    expect(text).toContain('payers[0] (plan-test).fhirBaseUrl');
    const lakeside = async (input: string | URL) => {
      const answer = published({
        authorization_endpoint: 'https://id.lakeside-plan.net/a',
        token_endpoint: 'https://id.lakeside-plan.net/t',
        revocation_endpoint: undefined,
      });
      return String(input).endsWith('smart-configuration') ? answer() : json({}, 404);
    };
    expect(smartConfiguration).toContain('.well-known');
    const { code } = await run(['mine', '--no-production', ...placed, '--payer', 'https://fhir.lakeside-plan.net/r4'], {
      http: lakeside,
    });
    expect(code).toBe(0);
    expect(loaded('mine').payers[0]).toMatchObject({
      authorizationEndpoint: 'https://id.lakeside-plan.net/a',
      tokenEndpoint: 'https://id.lakeside-plan.net/t',
      clientAuthentication: 'private_key_jwt',
    });
  });

  it('asks a person, again after a wrong answer, and takes its own proposals on Enter', async () => {
    const answers = [
      ...words(`
        local- Mine mine perhaps no 1234 444455556666 us-east-9 us-east-1 oncall@lakeside-plan.net
      `),
      '',
      'use1-az1',
      '',
      'https://fhir.lakeside-plan.net/r4/',
      'https://fhir.lakeside-plan.net/r4',
      'Lakeside',
      '',
      'https://id.lakeside-plan.net/a',
      'https://id.lakeside-plan.net/t',
      'client_secret_basic',
      '',
    ];
    const { code, asked, text } = await run(['--offline'], { answers: answers.slice(1) });

    expect(code).toBe(0);
    expect(text).toContain('That is not a valid id; write 1 to 64 lower-case letters');
    expect(text).toContain('That is not an AWS region');
    expect(text).toContain('That ends in a slash');
    expect(asked).toContain("A domain of your own (none, for the API's own URL)? [none]");
    expect(loaded('mine').payers[0]).toMatchObject({ clientId: 'pending-registration', displayName: 'Lakeside' });
  });

  it('refuses the documents’ own values where they are typed, before the next question', async () => {
    const answers = [
      ...words(`
        test no 111122223333 444455556666 us-east-1 a@plan.example.org a@lakeside-plan.net gateway.plan.example.org
      `),
      '',
      '',
      'https://fhir.plan.example/r4',
      'https://fhir.lakeside-plan.net/r4',
      '',
      '',
      'https://id.lakeside-plan.net/a',
      'https://id.lakeside-plan.net/t',
      'client_secret_basic',
      '',
    ];
    const { code, text } = await run(['--offline'], { answers });

    expect(code).toBe(0);
    expect(text).toContain("That is the example's; ");
    for (const host of ['plan.example.org', 'gateway.plan.example.org', 'fhir.plan.example'])
      expect(text).toContain(`That is the example's (${host} `);
  });

  it('asks for no secret when the payer gives none', async () => {
    const { code, text } = await run(['mine', '--production', ...placed, ...payer, '--auth', 'none', '--offline']);

    expect(code).toBe(0);
    expect(text).not.toContain('payers -- secret');
    expect(text).toContain('Make a partner');
    expect(loaded('mine').payers[0]).toMatchObject({ clientAuthentication: 'none', publicKeys: [] });
  });

  it('says why it found nothing about a payer, before it asks', async () => {
    const http = () => Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' }));

    const { text } = await run(['mine', '--production', ...placed, ...payer, '--auth', 'client_secret_post'], { http });

    expect(text).toContain(
      'https://fhir.lakeside-plan.net/r4/.well-known/smart-configuration is at a host without an address; check its spelling',
    );
  });

  it('writes nothing with --dry-run, and says what it would write', async () => {
    const { text } = await run(['mine', '--production', ...placed, ...byKey, '--dry-run']);

    expect(text).toContain("stage: 'mine',");
    expect(text).toContain('.secrets/mine/lakeside.json would get the private half');
    expect([own('.'), own('config')]).toEqual([['config'], []]);
  });

  it.each<[readonly string[], RegExp]>([
    [['mine'], /^Give --production or --no-production: Will real members use it \(yes, no\); --help lists the flags$/],
    [[], /^Give NAME: The name of the stage; /],
    [['Mine'], /^NAME is not a valid id; /],
    [['demo', '--production'], /^NAME is taken: config\/demo\.ts exists; write another name$/],
    [['check', '--production'], /^NAME is taken: config\/check\.ts exists/],
    [['a'.repeat(44), '--production'], /^NAME has 44 characters/],
    [['a', 'b'], /^Give one name/],
    [['mine', '--production', '--account', '1'], /^--account is not an AWS account id/],
    [['mine', '--production', ...placed, '--domain', 'https://x'], /^--domain is/],
    [['mine', '--production', ...placed, '--domain', 'gw.lakeside-plan.net'], /^Give --certificate: /],
    [['mine', '--production', ...placed, '--payer', 'x'], /^--payer is not a URL/],
    [['mine', '--production', ...placed, '--payer', 'https://x.net/r4', '--offline'], /^Give --authorize: /],
    [['mine', '--production', ...placed, ...payer, '--offline', '--auth', 'nothing'], /^--auth is not known; /],
    [
      ['mine', '--production', ...placed, ...instead(bySecret, '--authorize=', 'https://fhir.lakeside-plan.net/r4')],
      /^--authorize is the same as --payer; write the payer's own --authorize$/,
    ],
    [['mine', '--production', ...placed, ...bySecret, '--token', 'https://plan.example/token'], /^--token /],
    [['mine', '--production', ...placed, '--alarm', 'nobody', ...bySecret], /^--alarm is not an e-mail address/],
    [
      ['mine', '--production', ...instead(placed, 'us-east-1', 'us-west-2'), ...bySecret, ...ownDomain],
      /^--certificate is in us-east-1; /,
    ],
    [['mine', '--nonsense'], /^Unknown option '--nonsense'; --help lists the flags$/],
  ])('refuses %j in one line, and writes nothing', async (args, line) => {
    const error: unknown = await run(args).catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ name: 'UsageError', message: expect.stringMatching(line) as string });
    expect((error as Error).message).not.toContain('\n');
    expect([own('.'), own('config')]).toEqual([['config'], []]);
  });

  it('never overwrites an existing key', async () => {
    mkdirSync(join(root, '.secrets/mine'), { recursive: true });
    writeFileSync(join(root, '.secrets/mine/lakeside.json'), 'kept');

    await expect(run(['mine', '--production', ...placed, ...byKey])).rejects.toThrow(
      '.secrets/mine/lakeside.json cannot be written (EEXIST); move the existing one',
    );
    expect(readFileSync(join(root, '.secrets/mine/lakeside.json'), 'utf8')).toBe('kept');
    expect(own('config')).toEqual([]);
  });
});
