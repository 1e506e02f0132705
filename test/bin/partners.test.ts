import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFlags } from '../../bin/partners/flags.ts';
import { makePartner, readAudiences, type NewPartner } from '../../bin/partners/new-partner.ts';
import { partners } from '../../bin/partners/partners.ts';
import { rotateSecret } from '../../bin/partners/rotate.ts';
import { checkStage } from '../../config/checks/check-stage.ts';
import { registryData } from '../../config/checks/load.ts';
import { defaultPorts, localStage } from '../../config/local.ts';
import type { StageConfig } from '../../config/stage.ts';
import { sha256 } from '../../functions/shared/store/crypto.ts';
import { startMs } from '../support/gateway.ts';
import { basic, es384Jwk, gateway } from '../support/login.ts';

const config = localStage();
const app: NewPartner = {
  name: 'Example Partner',
  redirectUris: ['https://partner.test/app/callback'],
  payers: [],
  isPublic: false,
};

/** Whether the token handler accepts this client with this secret, under this configuration. */
const isTaken = async (stage: StageConfig, clientId: string, secret: string): Promise<boolean> => {
  const { introspect } = gateway({ registry: registryData(stage) });
  const { statusCode } = await introspect({ token: 'x' }, basic(clientId, secret));
  return statusCode === 200;
};

/** The stage with a partner's hashes replaced, as an operator edits it. */
const withHashes = (clientId: string, secretHashes: readonly string[]): StageConfig =>
  checkStage(
    {
      ...config,
      partners: config.partners.map((partner) =>
        partner.clientId === clientId ? Object.assign({}, partner, { secretHashes }) : partner,
      ),
    },
    'x',
  );

describe('a new partner', () => {
  it('has an entry that its stage accepts, and a secret that the token endpoint accepts', async () => {
    const { entry, secret = '' } = makePartner(randomBytes, config, app);
    const stage = checkStage({ ...config, partners: [...config.partners, entry] }, 'x');

    expect(entry).toMatchObject({
      clientId: 'example-partner',
      homePage: 'https://partner.test/',
      secretHashes: [sha256(secret)],
      payers: ['demo-health-plan', 'northwind'],
    });
    expect(Buffer.from(secret, 'hex')).toHaveLength(32);
    expect(await isTaken(stage, 'example-partner', secret)).toBe(true);
    expect(await isTaken(stage, 'example-partner', `${secret}\n`)).toBe(false);
    expect(JSON.stringify(entry)).not.toContain(secret);
  });

  it('may present its members’ identity tokens, if it signs and says why it asks them itself', () => {
    const issuer = String(config.identityProviders?.[0]?.issuer);
    const jwks = [es384Jwk('new-1').publicJwk];
    const given = { ...app, jwks, identityAudiences: readAudiences([`${issuer}=new-app`, `${issuer}=new-app-2`]) };
    const { entry } = makePartner(randomBytes, config, { ...given, consentReason: 'Its own page asks.' });

    expect(checkStage({ ...config, partners: [...config.partners, entry] }, 'x').partners.at(-1)).toMatchObject({
      consent: 'partner',
      identityAudiences: [{ issuer, audiences: ['new-app', 'new-app-2'] }],
    });
    expect(() => readAudiences(['new-app'])).toThrow('ISSUER=AUDIENCE');
    const identity = ['new', 'N', '--redirect-uri', 'https://p.test/cb', '--identity-audience', `${issuer}=a`];
    expect(() => readFlags(identity)).toThrow('--jwks FILE');
    expect(() => readFlags([...identity, '--jwks', 'x'])).toThrow('--consent-reason');
  });

  it('may ask former plans as the plans that --exchange-npi names, and then sends no members anywhere', () => {
    const stage = localStage(defaultPorts, { exchangePublicKey: es384Jwk('exchange-1').publicJwk });
    const jwks = [es384Jwk('new-2').publicJwk];
    const plan = { ...app, name: 'A Plan', redirectUris: [], homePage: 'https://plan.test/', jwks };
    // 1234567893 is CMS's example of an NPI with its check digit.
    const { entry, secret } = makePartner(randomBytes, stage, { ...plan, exchangeNpis: ['1234567893'] });

    expect(checkStage({ ...stage, partners: [...stage.partners, entry] }, 'x').partners.at(-1)).toMatchObject({
      exchange: { identifiers: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '1234567893' }] },
      clientAuthentication: ['private_key_jwt'],
      redirectUris: [],
      scopes: [],
      payers: ['demo-health-plan'],
    });
    expect(secret).toBeUndefined();
    const made = (of: StageConfig, change: object) => () =>
      makePartner(randomBytes, of, { ...plan, exchangeNpis: ['1234567893'], ...change });
    for (const npi of ['1234567890', '123456789', '12345678931', 'plan']) {
      expect(made(stage, { exchangeNpis: [npi] })).toThrow('--exchange-npi');
    }
    expect(made(config, {})).toThrow('--exchange-npi: stage local has no exchanges');
    expect(made(stage, { payers: ['northwind'] })).toThrow('--payer: none of these');
    expect(() => readFlags(['new', 'N'])).toThrow('--redirect-uri');
    const flags = ['new', 'N', '--exchange-npi', '1234567893'];
    expect(() => readFlags(flags)).toThrow('--jwks FILE');
    expect(() => readFlags([...flags, '--jwks', 'x'])).toThrow('--home-page URL');
  });

  it('is refused with the documents’ example address where its deployment would be', () => {
    const deployed: StageConfig = {
      ...config,
      stage: 'mine',
      partners: [],
      lifetimes: { ...config.lifetimes, code: 60 },
    };
    const made = () => makePartner(randomBytes, deployed, { ...app, redirectUris: ['https://a.plan.example.org/cb'] });

    expect(made).toThrow("partners[0] (example-partner).homePage, redirectUris[0]: is the example's");
    expect(() =>
      makePartner(randomBytes, deployed, { ...app, redirectUris: ['https://a.lakeside.net/cb'] }),
    ).not.toThrow();
  });

  it('gets a different secret each time', () => {
    const secrets = Array.from({ length: 20 }, () => makePartner(randomBytes, config, app).secret);

    expect(new Set(secrets).size).toBe(20);
  });

  it('has no secret if it is public, or signs with its keys', () => {
    const isPublic = makePartner(randomBytes, config, { ...app, isPublic: true });
    const { publicJwk } = es384Jwk();
    const signing = makePartner(randomBytes, config, { ...app, jwks: [publicJwk] });

    expect(isPublic.secret).toBeUndefined();
    expect(isPublic.entry).toMatchObject({ clientAuthentication: ['none'] });
    expect(isPublic.entry).not.toHaveProperty('secretHashes');
    expect(signing.secret).toBeUndefined();
    expect(signing.entry).toMatchObject({ clientAuthentication: ['private_key_jwt'], jwks: [publicJwk] });
  });

  it.each([
    ['Clínica Água', 'clinica-agua'],
    ['  Plan & Partner, Inc. ', 'plan-partner-inc'],
    ['x'.repeat(70), 'x'.repeat(64)],
  ])('called %j gets the client id %s', (name, clientId) => {
    expect(makePartner(randomBytes, config, { ...app, name }).entry.clientId).toBe(clientId);
  });

  it.each([
    [{ name: '日本' }, /no letter or digit for a client id/],
    [{ name: 'Demo Partner' }, /already has a partner demo-partner/],
    [{ redirectUris: ['http://partner.test/cb'] }, /^homePage, redirectUris\[0\]: uses plain http/],
    [{ redirectUris: ['com.example.app:/cb'], isPublic: true }, /Give --home-page/],
    [{ payers: ['nobody'] }, /^payers\[0\]: "nobody" is not a payer of this stage; /],
    [{ jwks: [{ kty: 'EC', kid: 'x', d: 'canary' }] }, /^jwks\[0\]: contains /],
  ])('a new partner with %j is refused, with what to write', (change, message) => {
    expect(() => makePartner(randomBytes, config, { ...app, ...change })).toThrow(message);
  });
});

describe('rotating a secret', () => {
  it('admits both secrets, and only the new one once the old hash is removed', async () => {
    const old = 'demo-partner-secret';
    const { secret, secretHashes } = rotateSecret(randomBytes, config, 'Demo Partner');
    const rotating = withHashes('demo-partner', secretHashes);
    const rotated = withHashes('demo-partner', secretHashes.slice(1));
    const taken = (stage: StageConfig) =>
      Promise.all([isTaken(stage, 'demo-partner', old), isTaken(stage, 'demo-partner', secret)]);

    expect(await taken(config)).toEqual([true, false]);
    expect(await taken(rotating)).toEqual([true, true]);
    expect(await taken(rotated)).toEqual([false, true]);
  });

  it('rotating a secret after a leak admits only the new one, even if there were two', async () => {
    const rotating = withHashes('demo-partner', [sha256('first'), sha256('second')]);
    for (const [stage, olds] of [
      [config, ['demo-partner-secret']],
      [rotating, ['first', 'second']],
    ] as const) {
      const { secret, hash, secretHashes } = rotateSecret(randomBytes, stage, 'demo-partner', true);
      const rotated = withHashes('demo-partner', secretHashes);
      const taken = await Promise.all([...olds, secret].map((one) => isTaken(rotated, 'demo-partner', one)));

      expect(secretHashes).toEqual([sha256(secret)]);
      expect(hash).toBe(sha256(secret));
      expect(taken).toEqual([...olds.map(() => false), true]);
    }
  });

  it('rotating a secret after a leak is refused for a partner without secrets', () => {
    expect(() => rotateSecret(randomBytes, config, 'demo-app', true)).toThrow(/is a public client/);
    const { entry } = makePartner(randomBytes, config, { ...app, jwks: [es384Jwk().publicJwk] });
    const stage = checkStage({ ...config, partners: [...config.partners, entry] }, 'x');
    expect(() => rotateSecret(randomBytes, stage, 'example-partner', true)).toThrow(/authenticates with keys/);
  });

  it.each([
    ['nobody', config, /has no partner "nobody"; it has: demo-partner, demo-app/],
    ['demo-app', config, /is a public client/],
    ['demo-partner', withHashes('demo-partner', [sha256('a'), sha256('b')]), /already has two secrets.*keep only that/],
  ])('rotating a secret of %s is refused if there is nothing to rotate', (name, stage, message) => {
    expect(() => rotateSecret(randomBytes, stage, name)).toThrow(message);
  });

  it('rotating a secret of a partner that signs with keys says how to rotate keys', () => {
    const { entry } = makePartner(randomBytes, config, { ...app, jwks: [es384Jwk().publicJwk] });
    const stage = checkStage({ ...config, partners: [...config.partners, entry] }, 'x');

    expect(() => rotateSecret(randomBytes, stage, 'example-partner')).toThrow(/add its new public key to jwks/);
  });

  it('rotating a secret by a name that several partners have asks for the client id', () => {
    const { entry } = makePartner(randomBytes, config, app);
    const twice = [entry, { ...entry, clientId: 'example-partner-2', secretHashes: [sha256('another secret')] }];
    const stage = checkStage({ ...config, partners: twice }, 'x');

    expect(() => rotateSecret(randomBytes, stage, 'Example Partner')).toThrow(/example-partner, example-partner-2$/);
  });
});

describe('npm run partners', () => {
  /** Runs the tool. @returns what it wrote as results, as secrets, and as notes for a person */
  const run = async (...args: string[]) => {
    const [out, secrets, notes] = [[], [], []] as [string[], string[], string[]];
    const output = {
      out: (text: string) => void out.push(text),
      note: (text: string) => void notes.push(text),
      secret: (text: string) => void secrets.push(text),
    };
    const code = await partners(args, { randomBytes, output, environment: {}, nowMs: startMs });
    return { code, out, secrets, told: notes.join('\n') };
  };
  const uri = ['--redirect-uri', 'https://partner.test/cb'];

  it('new names the payer that has no client id yet, and the file to write it into', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'partners-'));
    const file = join(folder, 'stage.json');
    const payers = [{ ...config.payers[0], clientId: 'pending-registration' }];
    const { identityProviders } = config;
    await writeFile(file, JSON.stringify({ stage: 'try', production: false, identityProviders, payers, partners: [] }));

    await expect(run('new', 'Portal', ...uri, '--config', file)).rejects.toThrow(
      `${file}: payer "demo-health-plan" has no client id yet (pending-registration); write the one that the payer gave ` +
        'into its entry, or name other payers with --payer',
    );
    await rm(folder, { recursive: true });
  });

  it('new --public makes no secret', async () => {
    const { code, out, secrets, told } = await run('new', 'Example App', ...uri, '--public');

    expect([code, out, secrets]).toEqual([0, [], []]);
    expect(told).toContain("clientAuthentication: ['none']");
  });

  it('rotate gives the new secret alone, and both hashes with the ordered steps to a person', async () => {
    const { code, out, secrets, told } = await run('rotate', 'demo-partner');
    const [secret = ''] = secrets;

    expect([code, out, secrets]).toEqual([0, [], [expect.stringMatching(/^[0-9a-f]{64}$/)]]);
    expect(told).toContain(`secretHashes: ['${sha256('demo-partner-secret')}', '${sha256(secret)}']`);
    expect(told).toMatch(/1\. Write both.*2\. Give.*3\. Wait.*4\. Remove the old hash, and start `npm start` again/s);
    expect(told).not.toContain(secret);
  });

  it('rotate --leaked says to remove the old hash at once, and prints no hash but the new one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'partners-'));
    const file = join(folder, 'stage.json');
    const { payers, identityProviders } = config;
    await writeFile(
      file,
      JSON.stringify({ stage: 'try', production: false, identityProviders, payers, partners: config.partners }),
    );
    const { code, out, secrets, told } = await run('rotate', 'demo-partner', '--leaked', '--config', file);
    await rm(folder, { recursive: true });
    const [secret = ''] = secrets;

    expect([code, out, secrets]).toEqual([0, [], [expect.stringMatching(/^[0-9a-f]{64}$/)]]);
    expect(told).toMatch(
      /REMOVE every old hash from .* now: write only the new one, and apply it \(npm run registry\)/,
    );
    expect([...told.matchAll(/'([\w-]{43})'/g)].map(([, hash]) => hash)).toEqual([sha256(secret)]);
    expect(told).not.toMatch(/both secrets work|Wait until/);
  });
});
