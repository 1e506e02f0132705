import { format } from 'prettier';
import { examine, type ExamineDeps } from '../../bin/payers/examine.ts';
import { registrationOf } from '../../bin/payers/registration.ts';
import { checkStage } from '../../config/checks/check-stage.ts';
import { defaultPorts, localStage } from '../../config/local.ts';
import { connect } from '../../functions/shared/payer/connect.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { runPayer, type RunningPayer } from '../sandbox/payer-fixture.ts';
import { es384Jwk } from '../support/login.ts';
import { words } from '../support/words.ts';
import { learned, pasted, type Learned } from './learn.ts';
import { todosOf } from './payer-deps.ts';

const keys = es384Jwk('northwind-local-1');
const atDemo = es384Jwk('demo-health-plan-local-1');
const secrets: Readonly<Record<string, object>> = {
  'p2p/local/payers/demo-health-plan': { client_secret: 'canary', private_key_jwk: atDemo.privateJwk },
  'p2p/local/payers/northwind': { private_key_jwk: keys.privateJwk },
};
const deps: ExamineDeps = {
  now: Date.now,
  lookup: async () => ['127.0.0.1'],
  connect,
  http: (url, init) => fetch(url, init),
  readSecret: async (name) => ({ text: JSON.stringify(secrets[name]) }),
};

let demoHealthPlan: RunningPayer;
let northwind: RunningPayer;
let config: ReturnType<typeof localStage>;

beforeAll(async () => {
  demoHealthPlan = await runPayer({
    preset: 'oneUpDemo',
    displayName: 'Demo Health Plan',
    clientId: 'gateway-at-demo-health-plan',
    client: { secret: 'canary' },
  });
  northwind = await runPayer({
    preset: 'smart',
    displayName: 'Northwind Health',
    clientId: 'gateway-at-northwind',
    client: { jwks: [keys.publicJwk] },
  });
  const portOf = ({ url }: RunningPayer): number => Number(new URL(url).port);
  const ports = { ...defaultPorts, demoHealthPlan: portOf(demoHealthPlan), northwind: portOf(northwind) };
  config = localStage(ports, { northwindPublicKey: keys.publicJwk, demoHealthPlanPublicKey: atDemo.publicJwk });
});

afterAll(async () => {
  await Promise.all([demoHealthPlan.close(), northwind.close()]);
});

const proposed = (url: string, { json = false } = {}): Promise<Learned> => learned(deps.http, url, { json });

describe('the doctor against the sandbox', () => {
  it.each(['demo-health-plan', 'northwind'])('finds %s in order', async (id) => {
    const payer = config.payers.find((candidate) => candidate.id === id);

    const findings = await examine(deps, 'local', payer as Payer);

    expect(todosOf(findings)).toEqual([]);
    expect(new Set(findings.map(({ check }) => check))).toEqual(
      new Set([
        ...words('name connection authorize token FHIR discovery secret'),
        ...(id === 'northwind' ? ['revoke'] : []),
      ]),
    );
    expect(JSON.stringify(findings)).not.toContain('canary');
  });

  it('prints what to register at each', () => {
    const [demo, north] = config.payers.map((payer) => registrationOf(config.origin, payer));

    // Its secret is for codes, and its key for identity tokens.
    expect(demo).toEqual({
      redirectUri: `${config.origin}/oauth2/callback/demo-health-plan`,
      jwksUrl: `${config.origin}/oauth2/jwks/demo-health-plan`,
    });
    expect(north).toEqual({
      redirectUri: `${config.origin}/oauth2/callback/northwind`,
      jwksUrl: `${config.origin}/oauth2/jwks/northwind`,
    });
  });
});

describe('a URL', () => {
  it('a URL of a SMART payer gives an entry with the preset that passes the check and equals the profile', async () => {
    const { out, notes } = await proposed(`${northwind.url}/r4`);
    const { id, displayName, clientId, publicKeys, ...found } = pasted(out);
    // No payer publishes how long a member's consent lasts, which page size suits it, or how members know it.
    const {
      id: _,
      displayName: __,
      clientId: ___,
      publicKeys: ____,
      consentLifetime,
      wholeRecord,
      brand,
      linesOfBusiness,
      ...profile
    } = config.payers[1] as Payer;
    expect(consentLifetime).toBeGreaterThan(0);
    expect([wholeRecord, brand, linesOfBusiness]).toEqual([{ pageSize: 100 }, expect.anything(), expect.anything()]);

    expect(out).toMatch(/^ {6}smart\(\{\n/);
    expect(found).toEqual(profile);
    expect(() => checkStage({ stage: 'x', production: false, payers: [pasted(out)], partners: [] }, 'x')).not.toThrow();
    expect(notes).toContain('clientId: ');
    expect(notes).toContain(`https://gateway.test/oauth2/callback/${id}`);
    expect([displayName, clientId, publicKeys.length]).toEqual(['127.0.0.1', 'pending-registration', 1]);
  });

  it('a URL of a document leads to the same entry as its base', async () => {
    const { out } = await proposed(`${northwind.url}/r4`);

    for (const path of ['/r4/', '/r4/metadata', '/r4/.well-known/smart-configuration']) {
      expect((await proposed(`${northwind.url}${path}`)).out).toBe(out);
    }
  });

  it('a URL of an issuer gives its endpoints, and asks for the FHIR base', async () => {
    const { out, notes } = await proposed(northwind.url);

    expect(pasted(out)).toMatchObject({ issuer: northwind.url, tokenEndpoint: `${northwind.url}/oauth2/token` });
    expect(notes).toContain('fhirBaseUrl: ');
  });

  it('a URL of a payer without discovery gives every field, from its CapabilityStatement, and asks for the rest', async () => {
    const { out, notes } = await proposed(`${demoHealthPlan.url}/r4`);

    expect(pasted(out)).toMatchObject({
      fhirBaseUrl: `${demoHealthPlan.url}/r4`,
      authorizationEndpoint: `${demoHealthPlan.url}/oauth2/authorize/payer2payer`,
      quirks: { pkce: true },
    });
    expect(() => checkStage({ stage: 'x', production: false, payers: [pasted(out)], partners: [] }, 'x')).not.toThrow();
    for (const ask of ['clientAuthentication: ', 'quirks.aud: ', 'quirks.pkce: ', 'sendsIss: '])
      expect(notes).toContain(ask);
  });

  it('gives an entry in the format of the repository', async () => {
    for (const { url } of [northwind, demoHealthPlan]) {
      const { out } = await proposed(`${url}/r4`);
      const file = `export const stage = {\n  x: {\n    payers: [\n${out}\n    ],\n  },\n};\n`;

      expect(await format(file, { parser: 'typescript', printWidth: 120, singleQuote: true })).toBe(file);
    }
  });

  it('gives the same as JSON for a program', async () => {
    const { out } = await proposed(`${northwind.url}/r4`, { json: true });

    expect(JSON.parse(out)).toMatchObject({
      payer: pasted((await proposed(`${northwind.url}/r4`)).out),
      ask: expect.arrayContaining([expect.stringContaining('clientId')]),
    });
  });

  it.each([
    ['where nothing is published', () => demoHealthPlan.url, /^No payer publishes anything at http/],
    ['that is plain http elsewhere', () => 'http://plan.test/r4', /plain http; write https/],
  ])('%s is refused, with what to do', async (_, url, message) => {
    await expect(proposed(url())).rejects.toThrow(message);
  });
});
