import { checkStage } from '../../config/checks/check-stage.ts';
import { registryData } from '../../config/checks/load.ts';
import { localStage } from '../../config/local.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import type { PayerOptions } from '../../sandbox/payer/server.ts';
import { signInAsMember } from '../../sandbox/payer/walk.ts';
import { learned, pasted } from '../bin/learn.ts';
import { member1, runPayer, type RunningPayer } from '../sandbox/payer-fixture.ts';
import { startMs } from '../support/gateway.ts';
import { bodyOf, es384Jwk, gateway, pkce, sentBack, verifier } from '../support/login.ts';
import { words } from '../support/words.ts';

const origin = 'http://localhost:3000';
/** The id that the tool makes of the sandbox's host. */
const id = '127-0-0-1';
const keys = es384Jwk('learned-1');
const http = (url: string | URL, init?: RequestInit): Promise<Response> => fetch(url, init);

/** How the payer knows the gateway, and what the gateway's secret there is. */
const clients = {
  key: { client: { jwks: [keys.publicJwk] }, secret: { private_key_jwk: keys.privateJwk } },
  secret: { client: { secret: 'its-secret' }, secret: { client_secret: 'its-secret' } },
  public: { client: 'public', secret: undefined },
} as const;

interface Variant {
  readonly name: string;
  readonly preset?: PayerOptions['preset'];
  readonly client?: keyof typeof clients;
  readonly insists?: NonNullable<PayerOptions['insists']>;
  /** What the tool finds out by itself. */
  readonly found?: (url: string) => object;
  /** What a person changes in the printed profile, with what the payer says when it is asked. */
  readonly byHand?: (payer: Payer, url: string) => Payer;
  /** The fields that the tool therefore has to guess or to ask about, not to have read. */
  readonly open?: readonly string[];
}

const variants: readonly Variant[] = [
  { name: 'the smart preset' },
  { name: 'a public client', client: 'public', found: () => ({ clientAuthentication: 'none', publicKeys: [] }) },
  {
    name: 'discovery above the base',
    insists: { smartConfigurationPath: '/.well-known/smart-configuration' },
    found: (url) => ({ smartConfigurationUrl: `${url}/.well-known/smart-configuration` }),
  },
  {
    name: 'another media type',
    insists: { fhirMediaType: 'application/json+fhir' },
    found: () => ({ quirks: { fhirMediaType: 'application/json+fhir' } }),
  },
  // Without a member's token nobody can try it, so what the metadata says counts.
  {
    name: '$everything in its metadata only',
    insists: { withoutEverything: true },
    found: () => ({ everything: true }),
  },
  {
    name: 'another aud',
    insists: { aud: 'https://learned.example.org/fhir' },
    byHand: (payer) => ({ ...payer, quirks: { ...payer.quirks, aud: 'https://learned.example.org/fhir' } }),
    open: ['quirks.aud'],
  },
  {
    name: 'the patient in another member of the token answer',
    insists: { patient: { in: 'token', member: 'patient_id' } },
    byHand: (payer) => ({ ...payer, patientFrom: 'token', patientMember: 'patient_id' }),
    open: ['patientFrom'],
  },
  {
    name: 'the patient from userinfo',
    insists: { patient: { in: 'userinfo', member: 'patient' } },
    byHand: (payer, url) => ({
      ...payer,
      scopes: [...payer.scopes, 'openid'],
      patientFrom: 'userinfo',
      userinfoEndpoint: `${url}/oauth2/userinfo`,
    }),
    open: ['patientFrom'],
  },
  {
    name: 'the patient in the id_token',
    insists: { patient: { in: 'id_token', member: 'patient' } },
    byHand: (payer, url) => ({
      ...payer,
      scopes: [...payer.scopes, 'openid'],
      patientFrom: 'id_token',
      patientMember: 'patient',
      issuer: url,
      jwksUri: `${url}/oauth2/jwks`,
    }),
    open: ['patientFrom'],
  },
  {
    name: "the reference page's preset",
    preset: 'oneUpDemo',
    client: 'secret',
    byHand: (payer) => ({
      ...payer,
      clientAuthentication: 'client_secret_post',
      scopes: [],
      patientFrom: 'search',
      quirks: { ...payer.quirks, responseType: false, aud: false, pkce: false, redirectUriAtToken: false },
    }),
    open: words(`
      clientAuthentication scopes patientFrom quirks.responseType quirks.aud quirks.pkce quirks.redirectUriAtToken
    `),
  },
];

let running: RunningPayer | undefined;
afterEach(() => running?.close());

const start = ({ preset = 'smart', client = 'key', insists }: Variant): Promise<RunningPayer> =>
  runPayer({
    preset,
    displayName: 'Learned Health',
    clientId: 'gateway-there',
    client: clients[client].client,
    redirectUris: [`${origin}/oauth2/callback/${id}`],
    ...(insists === undefined ? {} : { insists }),
  });

describe('the profile that learn prints', () => {
  it.each(variants)('lets a member sign in at a payer with $name', async (variant) => {
    const { client = 'key', found, byHand, open = [] } = variant;
    running = await start(variant);
    const { url } = running;
    const { out } = await learned(http, `${url}/r4`);
    const { lines } = JSON.parse((await learned(http, `${url}/r4`, { json: true })).out) as {
      lines: Record<string, { basis: string }>;
    };

    const printed = pasted(out);
    expect(printed).toMatchObject(found?.(url) ?? {});

    // What a registration gives goes in by hand, always.
    const registered = {
      ...printed,
      clientId: 'gateway-there',
      ...(client === 'key' ? { publicKeys: [keys.publicJwk] } : {}),
    };
    const payer = byHand?.(registered, url) ?? registered;
    const local = localStage();
    const partners = local.partners.map((partner) => ({ ...partner, payers: [id] }));
    const registry = registryData(checkStage({ ...local, payers: [payer], partners }, 'x'));
    const test = gateway({ registry });
    test.passSeconds((Date.now() - startMs) / 1000);
    test.payer.http = http;
    const { secret } = clients[client];
    if (secret !== undefined) test.secrets[id] = secret;

    const begun = await test.start({ ...pkce }, { payer: id });
    const back = new URL(await signInAsMember(begun.response.headers['Location'] ?? '', member1));
    const response = await test.callback(Object.fromEntries(back.searchParams), { payer: id, cookie: begun.cookie });
    const { code = 'none' } = sentBack(response);
    const tokens = await test.redeem(code, { code_verifier: verifier });

    expect([tokens.statusCode, bodyOf(tokens).patient]).toEqual([200, expect.any(String)]);
    expect(open.map((field) => [field, lines[field]?.basis])).toEqual(
      open.map((field) => [field, expect.stringMatching(/^(?:guess|ask)$/)]),
    );
  });
});
