import { spawn, spawnSync } from 'node:child_process';
import { createPublicKey, verify, type JsonWebKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { checkStage } from '../../config/checks/check-stage.ts';
import { registryData } from '../../config/checks/load.ts';
import { secretHash } from '../../config/checks/rules.ts';
import { localStage } from '../../config/local.ts';
import { sha256 } from '../../functions/shared/store/crypto.ts';
import { fakeSecrets } from '../bin/fake-secrets.ts';
import { accepting, tokenEndpoint } from '../bin/payer-with-client.ts';
import { runTool, toolEnvironment } from '../bin/run-tool.ts';
import { basic, gateway, pkce, verifier, withPartner } from '../support/login.ts';
import { outputOf } from '../support/run-child.ts';

const root = join(import.meta.dirname, '../..');
let folder: string;
let secrets: Awaited<ReturnType<typeof fakeSecrets>>;
let payer: Awaited<ReturnType<typeof tokenEndpoint>>;
/** The client secret that the payer accepts. */
let accepted = '';
let config: string;
const names = { plan: 'p2p/try/payers/plan', keyed: 'p2p/try/payers/keyed' };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pasted-'));
  secrets = await fakeSecrets(Object.values(names));
  payer = await tokenEndpoint(accepting(() => accepted));
  config = join(folder, 'stage.json');
  writeFileSync(config, JSON.stringify(stageWith(localStage().payers[1]?.publicKeys ?? [])));
});
afterEach(async () => {
  await secrets.close();
  payer.close();
  rmSync(folder, { recursive: true });
});

const stageWith = (publicKeys: readonly unknown[]) => ({
  stage: 'try',
  production: false,
  payers: [
    {
      id: 'plan',
      displayName: 'Plan',
      clientId: 'x',
      clientAuthentication: 'client_secret_basic',
      scopes: [],
      fhirBaseUrl: 'https://plan.test/r4',
      authorizationEndpoint: 'https://plan.test/authorize',
      tokenEndpoint: `${payer.url}/token`,
    },
    {
      id: 'keyed',
      displayName: 'Keyed',
      clientId: 'x',
      clientAuthentication: 'private_key_jwt',
      publicKeys,
      scopes: [],
      fhirBaseUrl: 'https://keyed.test/r4',
      authorizationEndpoint: 'https://keyed.test/authorize',
      tokenEndpoint: `${payer.url}/token`,
    },
  ],
  partners: [],
});

/** What a person's shell does with a command. */
const shell = (command: string, env: Readonly<Record<string, string>> = {}) =>
  outputOf(
    spawn('sh', ['-c', command], {
      cwd: root,
      env: { ...toolEnvironment(), ...secrets.env, CONFIG: config, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );

/** Said where a stage has no registry. */
const inFile = (): string => `Stage try has no registry yet. The payers are those in ${config}.\n`;

const put = 'node bin/payers.ts secret plan --config "$CONFIG"';

describe("a payer's secret", () => {
  it('survives shell and pipe, whatever characters it contains', async () => {
    const unusual = `a"b'c\\d\\n $HOME \`id\` %s%% !x\t~`;
    for (const secret of [unusual, '{"x":1}', '-n', '--dry-run']) {
      accepted = secret;
      const { code, out, err } = await shell(`printf %s "$SECRET" | ${put}`, { SECRET: secret });

      expect([secret, code, err]).toEqual([secret, 0, inFile()]);
      expect(JSON.parse(secrets.current(names.plan) ?? '')).toEqual({ client_secret: secret });
      expect(out).toBe(
        `p2p/try/payers/plan now has a client secret of ${secret.length} characters, which the payer accepts. Functions use it within five minutes, or at once if the payer refuses the old one.\n`,
      );
    }
  });

  it.each(['canary\n', 'canary\r\n'])('loses the line end that a command prints last: %j', async (secret) => {
    accepted = 'canary';
    const { code } = await shell(`printf %s "$SECRET" | ${put}`, { SECRET: secret });

    expect(code).toBe(0);
    expect(secrets.current(names.plan)).toBe('{"client_secret":"canary"}');
  });

  it.each([
    // The others: test/bin/put-secret.test.ts.
    ['\n', 'is empty'],
    ['canary\n\n', 'contains a line break'],
  ])('is refused as %j in one line that does not quote it, and nothing is written', async (secret, message) => {
    const { code, out, err } = await shell(`printf %s "$SECRET" | ${put}`, { SECRET: secret });

    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(`${inFile()}The secret of plan ${message}`);
    expect(err.trim().split('\n')).toHaveLength(2);
    expect(err).not.toContain('canary');
    // It was only asked whether the secret is there.
    expect(secrets.sent().map(({ operation }) => operation)).toEqual(['DescribeSecret']);
  });

  it('is restored to the previous value by one command, and back again by the same', async () => {
    for (const secret of ['first', 'second']) await shell(`printf %s ${secret} | ${put} --unchecked`);

    const first = (await secrets.describe(names.plan)).version('AWSPREVIOUS');
    const { code, out } = await shell(`${put} --previous`);
    expect([code, out]).toEqual([0, expect.stringContaining(`has its previous value again (version ${first})`)]);
    expect(secrets.current(names.plan)).toBe('{"client_secret":"first"}');

    await shell(`${put} --previous`);
    expect(secrets.current(names.plan)).toBe('{"client_secret":"second"}');
  });

  it("a payer's secret without a previous value is refused", async () => {
    await shell(`printf %s first | ${put} --unchecked`);

    const { code, err } = await shell(`${put} --previous`);
    expect([code, err]).toEqual([1, inFile() + 'p2p/try/payers/plan has no previous value to go back to\n']);
    expect(secrets.current(names.plan)).toBe('{"client_secret":"first"}');
  });

  it('is not changed with --dry-run, which says what would happen', async () => {
    for (const secret of ['first', 'second']) await shell(`printf %s ${secret} | ${put} --unchecked`);
    accepted = 'canary';
    const { version } = await secrets.describe(names.plan);
    const before = secrets.sent().length;

    const put3 = await shell(`printf %s canary | ${put} --dry-run`);
    const back = await shell(`${put} --previous --dry-run`);

    expect(put3.out).toBe(
      'p2p/try/payers/plan would get a client secret of 6 characters, which the payer accepts. Its present value would become the previous one. Nothing was changed.\n',
    );
    expect(back.out).toBe(
      `p2p/try/payers/plan would have version ${version('AWSPREVIOUS')} again instead of ${version('AWSCURRENT')}. Nothing was changed.\n`,
    );
    expect(secrets.sent().slice(before)).toMatchObject([
      { operation: 'DescribeSecret' },
      { operation: 'DescribeSecret' },
    ]);
    expect(secrets.current(names.plan)).toBe('{"client_secret":"second"}');
  });

  it('gets the tags that its stage has in the meantime, and --dry-run names them', async () => {
    await shell(`printf %s first | ${put} --unchecked`);
    const stage = stageWith(localStage().payers[1]?.publicKeys ?? []);
    writeFileSync(config, JSON.stringify({ ...stage, tags: { 'cost-center': '4711' } }));

    const { out } = await shell(`printf %s second | ${put} --unchecked --dry-run`);
    expect(out).toContain(
      'Its present value would become the previous one. It would get the tags cost-center. Nothing',
    );
    expect((await secrets.describe(names.plan)).tags).toEqual({ project: 'p2p-gateway', stage: 'try' });

    await shell(`printf %s second | ${put} --unchecked`);
    expect((await secrets.describe(names.plan)).tags).toEqual({
      'cost-center': '4711',
      project: 'p2p-gateway',
      stage: 'try',
    });
  });

  it('is not taken for a payer that the stage does not have', async () => {
    const { code, err } = await shell('printf %s x | node bin/payers.ts secret nobody --config "$CONFIG"');

    expect([code, err]).toEqual([1, 'Stage try has no payer "nobody"; it has: plan, keyed\n']);
    expect(secrets.sent()).toEqual([]);
  });

  it("a payer's secret that does not exist yet is made under the key of the stage", async () => {
    writeFileSync(config, JSON.stringify({ ...stageWith(localStage().payers[1]?.publicKeys ?? []), stage: 'new' }));
    accepted = 'x';

    const { code, out } = await shell(`printf %s x | ${put}`);
    expect([code, out]).toEqual([0, expect.stringMatching(/^p2p\/new\/payers\/plan now has a client secret of 1 c/)]);
    expect(secrets.current('p2p/new/payers/plan')).toBe('{"client_secret":"x"}');
  });

  it("a payer's secret that the payer refuses does not become the current one, unless it is put there unchecked, with a warning", async () => {
    accepted = 'good';
    await shell(`printf %s good | ${put}`);

    const refused = await shell(`printf %s canary | ${put}`);
    expect([refused.code, refused.out]).toEqual([1, '']);
    expect(refused.err).toBe(
      `${inFile()}Plan refuses it (invalid_client). Nothing was changed. Check the value and clientId; for a key, ask ` +
        'whether the payer has read our JWKS URL since.\n',
    );
    expect(secrets.current(names.plan)).toBe('{"client_secret":"good"}');

    const forced = await shell(`printf %s forced | ${put} --unchecked`);
    expect([forced.code, forced.err]).toEqual([
      0,
      `${inFile()}UNCHECKED: Plan was not asked whether it accepts this value.\n`,
    ]);
    expect(secrets.current(names.plan)).toBe('{"client_secret":"forced"}');
  });
});

describe('the key that "payers -- key" prints', () => {
  it.each(['', ' --rsa'])(
    'goes through a pipe into the secret of a payer with its public half%s, and into no other',
    async (flag) => {
      const made = await shell(`node bin/payers.ts key${flag}`);
      const half: unknown = runInNewContext(`(${/\{[^]*\}/.exec(made.err)?.[0]})`);
      const command = 'printf %s "$KEY" | node bin/payers.ts secret keyed --config "$CONFIG"';
      const known = createPublicKey({ key: half as JsonWebKey, format: 'jwk' });
      payer.answerWith((form) => {
        const [head = '', claims = '', signature = ''] = (form.get('client_assertion') ?? '').split('.');
        const options = { key: known, dsaEncoding: 'ieee-p1363' as const };
        const isGood = verify('sha384', Buffer.from(`${head}.${claims}`), options, Buffer.from(signature, 'base64url'));
        return isGood ? [400, { error: 'invalid_grant' }] : [401, { error: 'invalid_client' }];
      });

      const refused = await shell(command, { KEY: made.out });
      expect(refused.err).toMatch(
        /The key: the private key does not match any of the profile's publicKeys \(.+\); write its public half/,
      );
      expect(refused.code).toBe(1);

      writeFileSync(config, JSON.stringify(stageWith([half])));
      const taken = await shell(command, { KEY: made.out });
      expect([taken.code, taken.err]).toEqual([0, inFile()]);
      expect(secrets.current(names.keyed)).toBe(made.out);
      const { d } = (JSON.parse(made.out) as { private_key_jwk: { d: string } }).private_key_jwk;
      expect(taken.out + refused.err).not.toContain(d);
    },
  );
});

describe('the entry and the secret that "partners -- new" prints', () => {
  const redeemed = async (entry: object, secret: string): Promise<number> => {
    const local = localStage();
    const stage = checkStage({ ...local, partners: [...local.partners, entry] }, 'x');
    const { clientId, redirectUris } = stage.partners.at(-1)!;
    const redirectUri = redirectUris[0] ?? '';
    const asksItself = withPartner(clientId, { consent: 'partner' });
    const test = gateway({ registry: asksItself(registryData(stage)) });
    const code = await test.login({ ...pkce, client_id: clientId, redirect_uri: redirectUri });
    const form = { code_verifier: verifier, redirect_uri: redirectUri };
    return (await test.redeem(code, form, basic(clientId, secret))).statusCode ?? 0;
  };
  const pasted = (printed: string): object => runInNewContext(`(${/\{\n[^]*\n +\}/.exec(printed)?.[0]})`) as object;

  it('let the partner in at the token endpoint, and no other secret does', async () => {
    const args = ['new', 'Example Partner', '--stage', 'local', '--redirect-uri', 'https://partner.test/callback'];
    const { out, err } = await runTool('partners.ts', args);

    expect(await redeemed(pasted(err), out)).toBe(200);
    expect(await redeemed(pasted(err), `${out}\n`)).toBe(401);
    expect(await redeemed(pasted(err), out.toUpperCase())).toBe(401);
  });
});

describe('the command that makes a hash', () => {
  it('prints, as written in an error and in the example, a hash that the configuration accepts', () => {
    const advice = secretHash('x')?.split('write the output of: ')[1] ?? '';
    expect(advice).toContain('openssl');
    for (const secret of ['a secret', 'with "quotes" and $dollars', '-n']) {
      const { stdout } = spawnSync('sh', ['-c', advice], {
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], SECRET: secret },
      });
      expect([stdout.trim(), secretHash(stdout.trim())]).toEqual([sha256(secret), undefined]);
    }
  });
});
