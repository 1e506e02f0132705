import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultPorts, localStage } from '../../config/local.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { sandboxOn } from '../../sandbox/parties.ts';
import { readSecretsFile } from '../../sandbox/secrets-file.ts';

/** The payer of the local stage, which takes identity tokens, and the same without them. */
const [taking] = localStage().payers.slice(0, 1);
const { identitySignIn: _identitySignIn, ...plain } = taking!;
const payers: readonly Payer[] = [plain];
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'secrets-file-'));
});
afterAll(() => rm(folder, { recursive: true }));

const read = async (value: unknown) => {
  const file = join(folder, 'secrets.json');
  await writeFile(file, JSON.stringify(value));
  return readSecretsFile(file, payers);
};

describe('a secrets file', () => {
  it.each(['s', 'a b', 'canary"\\$\'`', '{"x":1}', 'a\tb'])('accepts the secret %j unchanged', async (secret) => {
    const secrets = { 'demo-health-plan': { client_secret: secret } };

    expect(await read(secrets)).toEqual(secrets);
  });

  it('has a key beside the secret, for a payer that takes identity tokens', async () => {
    const file = join(folder, 'both.json');
    const key = { kty: 'EC', d: 'canary' };
    await writeFile(file, JSON.stringify({ 'demo-health-plan': { client_secret: 's', private_key_jwk: key } }));
    expect(await readSecretsFile(file, [taking!])).toEqual({
      'demo-health-plan': { client_secret: 's', private_key_jwk: key },
    });
    await writeFile(file, JSON.stringify({ 'demo-health-plan': { client_secret: 'canary' } }));
    const refused = await readSecretsFile(file, [taking!]).catch((error: Error) => error.message);
    expect(refused).toContain('has no "private_key_jwk" for payer "demo-health-plan"');
  });

  it.each([
    ['', 'is empty'],
    ['canary\n', 'contains a line break'],
    ['canáry', 'has a character'],
  ])('refuses the secret %j without quoting it', async (secret, message) => {
    const failure = await read({ 'demo-health-plan': { client_secret: secret } }).then(
      () => 'accepted',
      (error: Error) => error.message,
    );

    const place = `${join(folder, 'secrets.json')}: demo-health-plan.client_secret `;
    expect(failure.startsWith(place + message)).toBe(true);
    expect(failure.slice(place.length)).not.toMatch(/can/);
  });

  it.each([
    ['private_key_jwt', { client_secret: 'canary' }, 'has no "private_key_jwk" for payer "demo-health-plan"'],
    ['client_secret_post', { private_key_jwk: { kty: 'EC', d: 'canary' } }, 'has no "client_secret" for payer'],
    ['private_key_jwt', { private_key_jwk: { kty: 'EC', x: 'canary' } }, "demo-health-plan is not a payer's secret"],
  ] as const)(
    'refuses for %s the wrong kind of secret, %j, without quoting it',
    async (clientAuthentication, secret, message) => {
      const file = join(folder, 'other.json');
      await writeFile(file, JSON.stringify({ 'demo-health-plan': secret }));
      const [payer] = payers;
      if (payer === undefined) throw new Error('one payer expected');
      const failure = await readSecretsFile(file, [{ ...payer, clientAuthentication }]).catch(
        (error: Error) => error.message,
      );

      expect(failure).toContain(message);
      expect(failure).not.toContain('canary');
    },
  );

  it('needs none for a public client, nor for a brand that uses the secret of another', async () => {
    const [payer] = payers as [Payer];
    const publicClient: Payer = { ...payer, id: 'open', clientAuthentication: 'none' };
    const brand: Payer = { ...payer, id: 'west', secretOf: payer.id };
    const secret = { client_secret: 'canary' };
    const file = join(folder, 'owners.json');
    await writeFile(file, JSON.stringify({ [payer.id]: secret }));

    expect(await readSecretsFile(undefined, [publicClient])).toEqual({});
    const plan = { ...publicClient, exchange: {} } as Payer;
    const own = { open: { exchange: { private_key_jwk: { kty: 'EC', d: 'canary' } } } };
    const other = join(folder, 'exchange.json');
    await writeFile(other, JSON.stringify(own));
    expect(await readSecretsFile(other, [plan])).toEqual(own);
    await writeFile(other, '{}');
    await expect(readSecretsFile(other, [plan])).rejects.toThrow(/has no "exchange" for payer "open"/);
    const lacking = [payer, { ...payer, id: 'east' }, { ...plan, id: 'south' }];
    await expect(readSecretsFile(other, lacking)).rejects.toThrow(/"demo-health-plan", .*"east", .*"south"; add /);
    // One object for each payer: of a key that JSON has twice, only the last counts.
    await expect(readSecretsFile(other, [{ ...payer, exchange: {} } as Payer])).rejects.toThrow(
      /; add "demo-health-plan": \{"client_secret": …, "exchange": \{"private_key_jwk": …\}\}$/,
    );
    expect(await readSecretsFile(file, [payer, brand, publicClient])).toEqual({ [payer.id]: secret });
    await writeFile(file, JSON.stringify({ [payer.id]: secret, west: secret }));
    await expect(readSecretsFile(file, [payer, brand])).rejects.toThrow(/: "west" has no secret of its own/);
  });

  it('refuses a payer that is not in the configuration', async () => {
    const secret = { client_secret: 'canary' };

    await expect(read({ 'demo-health-plan': secret, 'demo-heath-plan': secret })).rejects.toThrow(
      /: "demo-heath-plan" is not a payer in the configuration; remove it, or write one of: demo-health-plan$/,
    );
  });
});

it("the sandbox's stage, with the new plan that may ask a former plan, passes the check, and each key is one party's", () => {
  const { config, secrets } = sandboxOn(defaultPorts);

  const keys = config.partners.flatMap(({ jwks }) => jwks.map((key) => key['x'] ?? key['n']));
  expect(new Set(keys).size).toBe(keys.length);
  expect(config.exchanges).toBeDefined();
  expect(config.partners.filter(({ exchange }) => exchange !== undefined).map(({ clientId }) => clientId)).toEqual([
    'new-plan',
  ]);
  expect(secrets['demo-health-plan']?.exchange).toBeDefined();
});
