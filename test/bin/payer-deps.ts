import type { ExamineDeps } from '../../bin/payers/examine.ts';
import { examine } from '../../bin/payers/examine.ts';
import type { Finding } from '../../bin/payers/finding.ts';
import { smart } from '../../config/presets.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { es384Jwk } from '../support/login.ts';

const host = 'https://plan.test';
export const keys = es384Jwk('plan-1');

/** A payer without a network: its answers are given below. */
export const plan: Payer = smart({
  id: 'plan',
  displayName: 'Plan',
  fhirBaseUrl: `${host}/r4`,
  issuer: host,
  authorizationEndpoint: `${host}/authorize`,
  tokenEndpoint: `${host}/token`,
  revocationEndpoint: `${host}/revoke`,
  clientId: 'gateway',
  publicKeys: [keys.publicJwk],
});

const metadata = {
  authorization_endpoint: `${host}/authorize`,
  token_endpoint: `${host}/token`,
  revocation_endpoint: `${host}/revoke`,
  token_endpoint_auth_methods_supported: ['private_key_jwt'],
  token_endpoint_auth_signing_alg_values_supported: ['ES384', 'RS384'],
  code_challenge_methods_supported: ['S256'],
  scopes_supported: ['launch/patient', 'patient/*.rs', 'offline_access'],
};
export const smartConfiguration = `${host}/r4/.well-known/smart-configuration`;
export const serverMetadata = `${host}/.well-known/oauth-authorization-server`;

type Answers = Readonly<Record<string, () => Response>>;

export const json = (value: unknown, status = 200): Response => Response.json(value, { status });
export const page = (status = 200): Response =>
  new Response('<html>Sign in</html>', { status, headers: { 'content-type': 'text/html' } });

/** Everything in order. */
const answers: Answers = {
  [`${host}/authorize`]: () => page(400),
  [`${host}/token`]: () => json({ error: 'invalid_request' }, 400),
  [`${host}/revoke`]: () => json({ error: 'invalid_request' }, 400),
  [`${host}/r4/metadata`]: () => json({ resourceType: 'CapabilityStatement', fhirVersion: '4.0.1' }),
  [smartConfiguration]: () => json(metadata),
  [serverMetadata]: () => json({ ...metadata, issuer: host, authorization_response_iss_parameter_supported: true }),
};

/** A document with some members changed; undefined removes one. */
export const published =
  (change: Readonly<Record<string, unknown>>, isServer = false) =>
  (): Response =>
    json({
      ...metadata,
      ...(isServer ? { issuer: host, authorization_response_iss_parameter_supported: true } : {}),
      ...change,
    });

interface Sent {
  readonly url: string;
  readonly init: RequestInit | undefined;
}

/** What the doctor is given: a payer that answers correctly, except for what the test changes. */
export const payerDeps = (changed: Answers = {}, other: Partial<ExamineDeps> = {}) => {
  const sent: Sent[] = [];
  const deps: ExamineDeps = {
    now: Date.now,
    lookup: async () => ['203.0.113.5'],
    connect: async () => ({
      tls: { protocol: 'TLSv1.3', verdict: undefined, validUntilMs: Date.now() + 60.5 * 86_400_000 },
    }),
    http: async (input, init) => {
      const url = String(input);
      sent.push({ url, init });
      return ({ ...answers, ...changed }[url] ?? (() => json({ error: 'not_found' }, 404)))();
    },
    readSecret: async () => ({ text: JSON.stringify({ private_key_jwk: keys.privateJwk }) }),
    ...other,
  };
  return { deps, sent };
};

/** What there is to do, as `check: what is wrong → what to do`. */
export const todosOf = (findings: readonly Finding[]): string[] =>
  findings.flatMap(({ check, text, todo }) => (todo === undefined ? [] : [`${check}: ${text} → ${todo}`]));

/** Examines the payer, with the changes of a test. */
export const examined = async (
  changed: Answers = {},
  { payer = plan, ...other }: Partial<ExamineDeps> & { payer?: Payer } = {},
): Promise<string[]> => todosOf(await examine(payerDeps(changed, other).deps, 'test', payer));
