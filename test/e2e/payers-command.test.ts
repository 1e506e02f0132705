import { createPrivateKey, createPublicKey } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publicJwk } from '../../config/checks/rules.ts';
import { fakeSecrets } from '../bin/fake-secrets.ts';
import { runTool } from '../bin/run-tool.ts';

let folder: string;
/** A payer's server that answers every request with 500; its stage has no origin. */
let broken: { url: string; config: string; close: () => void };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'payers-'));
  const server = createServer((_request, response) => response.writeHead(500).end());
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const config = join(folder, 'config.json');
  const payer = {
    id: 'plan',
    displayName: 'Plan',
    clientId: 'x',
    clientAuthentication: 'client_secret_basic',
    scopes: [],
    fhirBaseUrl: `${url}/r4`,
    authorizationEndpoint: `${url}/authorize`,
    tokenEndpoint: `${url}/token`,
  };
  await writeFile(config, JSON.stringify({ stage: 'try', production: false, payers: [payer], partners: [] }));
  broken = { url, config, close: () => server.close() };
});

afterAll(async () => {
  broken.close();
  await rm(folder, { recursive: true });
});

describe('npm run payers', () => {
  it.each([
    ['open', 'open is a public client (clientAuthentication "none") and has no secret'],
    ['west', 'west uses the secret of plan (secretOf); name that payer'],
  ])('secret %s is refused, since that payer has none of its own', async (id, line) => {
    const file = join(folder, 'brands.json');
    const stage = JSON.parse(await readFile(broken.config, 'utf8')) as { payers: object[] };
    const [plan] = stage.payers;
    const brand = (of: string, changes: object) => ({
      ...plan,
      ...changes,
      id: of,
      displayName: of,
      fhirBaseUrl: `${broken.url}/${of}`,
    });
    const payers = [plan, brand('west', { secretOf: 'plan' }), brand('open', { clientAuthentication: 'none' })];
    await writeFile(file, JSON.stringify({ ...stage, payers }));

    const aws = await fakeSecrets([]);
    const { code, err } = await runTool('payers.ts', ['secret', id, '--config', file], aws.env);
    await aws.close();

    expect([code, err.trim()]).toEqual([2, expect.stringContaining(line)]);
  });

  it('exits with 1 if there is something to do, and says where to find an unknown origin', async () => {
    const args = ['check', '--config', broken.config, '--no-secrets'];

    const { code, out } = await runTool('payers.ts', args);

    expect(code).toBe(1);
    expect(out).toMatch(/✗ token +http\S+\/token answers 500\n +→ ask the payer/);
    expect(out).toContain('{origin}/oauth2/callback/plan');
    expect(out).toContain('the output Origin of the stack p2p-gateway-try');
    expect(out).toMatch(/^1 payer: \d+ things to do$/m);
  });

  it.each(['learn', 'check'])(
    '%s of a URL where no payer answers ends with 1, and says what to do',
    async (command) => {
      const { code, out, err } = await runTool('payers.ts', [command, `${broken.url}/r4`]);

      expect([code, out]).toEqual([1, '']);
      expect(err).toMatch(/^No payer publishes anything at http\S+\n {2}http\S+\/metadata answers 500; ask the payer/);
      expect(err).toMatch(/Ask the payer for its FHIR base URL/);
    },
  );

  it('prints the same as JSON for a program, with the origin from the command line', async () => {
    const args = ['check', 'plan', '--config', broken.config, '--no-secrets', '--json'];

    const { code, out } = await runTool('payers.ts', [...args, '--origin', 'https://api.test/try']);

    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      stage: 'try',
      ok: false,
      payers: [
        {
          id: 'plan',
          findings: expect.arrayContaining([
            { ok: true, check: 'connection', text: expect.stringContaining('loopback') },
            { ok: false, check: 'token', text: expect.any(String), todo: expect.any(String) },
          ]),
          register: { redirectUri: 'https://api.test/try/oauth2/callback/plan' },
        },
      ],
    });
  });

  it('accepts all flags of a check together', async () => {
    const flags = ['--file', '--no-secrets', '--json', '--origin', 'https://api.test'];
    const args = ['check', 'plan', '--config', broken.config, ...flags];

    const { code, out, err } = await runTool('payers.ts', args);

    expect([code, err]).toEqual([1, '']);
    const { payers } = JSON.parse(out) as { payers: { findings: { check: string }[]; register: object }[] };
    expect(payers.map(({ register }) => register)).toEqual([{ redirectUri: 'https://api.test/oauth2/callback/plan' }]);
    expect(payers[0]?.findings.map(({ check }) => check)).not.toContain('secret');
  });

  it.each([
    [[], 'ES384'],
    [['--rsa'], 'RS384'],
  ])('key %j writes only the secret to stdout, and the public half to stderr', async (flags, alg) => {
    const { code, out, err } = await runTool('payers.ts', ['key', ...flags]);
    const { private_key_jwk: key } = JSON.parse(out) as { private_key_jwk: Record<string, unknown> };
    const half = createPublicKey(createPrivateKey({ key, format: 'jwk' })).export({ format: 'jwk' });

    expect(code).toBe(0);
    expect(key).toMatchObject({ alg, kid: expect.stringMatching(/^[\w-]{43}$/) });
    expect(publicJwk({ ...half, kid: key['kid'], alg })).toBeUndefined();
    for (const member of [key['kid'], ...Object.values(half)]) expect(err).toContain(`'${String(member)}'`);
    expect(err).not.toContain(String(key['d']));
    expect(out.endsWith('\n')).toBe(false);
  });
});
