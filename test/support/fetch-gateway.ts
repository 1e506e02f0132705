import { randomBytes } from 'node:crypto';
import type { FetchDeps } from '../../functions/fetch/deps.ts';
import { fetchHandler } from '../../functions/fetch/handler.ts';
import { base64url } from '../../functions/shared/base64url.ts';
import { nowSeconds } from '../../functions/shared/clock.ts';
import type { ApiEvent } from '../../functions/shared/http/api.ts';
import type { TakeTurn } from '../../functions/shared/limits/limiter.ts';
import { registryOf } from '../../functions/shared/registry/registry.ts';
import type { RegistryData } from '../../functions/shared/registry/types.ts';
import { parseScopes } from '../../functions/shared/scopes/scopes.ts';
import { writeBearer, type AccessToken } from '../../functions/shared/store/bearers.ts';
import { sha256 } from '../../functions/shared/store/crypto.ts';
import {
  readGrant,
  sealPayerTokens,
  unsealPayerTokens,
  type Grant,
  type PayerTokens,
} from '../../functions/shared/store/grant-item.ts';
import { putGrant, redeem } from '../../functions/shared/store/grants.ts';
import { testDeps } from './gateway.ts';
import { es384Jwk, localRegistry } from './login.ts';
import { readRequest } from './login/requests.ts';
import { toEvent } from './login/to-event.ts';
import { withoutReference } from './reference.ts';
import { callStreaming, type StreamedAnswer, type StreamOptions } from './stream-handler.ts';
import { unguarded } from './unguarded.ts';

const gatewayKey = es384Jwk('northwind-local-1');

/** A limit that is never reached. */
const unlimited: TakeTurn = () => Promise.resolve({ taken: true, remaining: 99, resetSeconds: 1 });

interface GrantOptions {
  readonly payer?: string;
  readonly partner?: string;
  readonly scope?: string;
  readonly patient?: string | undefined;
  /** The payer's tokens, as sealed in the grant. */
  readonly tokens?: PayerTokens;
  /** Seconds until the access token ends. */
  readonly accessLives?: number;
  /** Seconds until the grant ends. */
  readonly lives?: number;
}

/** A redeemed grant, and what its partner holds. */
export interface TestGrant {
  readonly grantId: string;
  readonly grantKey: Uint8Array;
  readonly token: string;
  /** The item as it is now. */
  readonly stored: () => Grant;
  readonly payerTokens: () => PayerTokens;
}

/** Everything that the FHIR route needs, and grants to read with. */
export const fetchGateway = ({ registry = localRegistry() }: { registry?: RegistryData } = {}) => {
  const test = testDeps({ registry });
  test.secrets['northwind'] = { private_key_jwk: gatewayKey.privateJwk };
  const events: string[] = [];
  const deps = {
    ...test.deps,
    takeTurn: unlimited,
    breakers: unguarded,
    openGate: (): Promise<void> => Promise.resolve(),
    noteOnce: (): Promise<void> => Promise.resolve(),
    onEnd: async (): Promise<void> => void events.push('end hook'),
  };
  const grant = async (options: GrantOptions = {}): Promise<TestGrant> => {
    const {
      payer = 'northwind',
      partner = 'demo-partner',
      scope = 'launch/patient patient/*.rs offline_access',
    } = options;
    const patient = 'patient' in options ? options.patient : 'patient-1';
    const now = nowSeconds(deps.clock);
    const { tokens = { accessToken: 'payer-access-1', refreshToken: 'payer-refresh-1', expiresAt: now + 300 } } =
      options;
    const grantId = base64url(randomBytes(16));
    const grantKey = randomBytes(32);
    const bearer: AccessToken = { kind: 'access', grantId, grantKey, secret: randomBytes(32) };
    const token = writeBearer(bearer);
    const endsAt = now + (options.lives ?? 180 * 24 * 3600);
    const bound = {
      grantId,
      payer,
      partner,
      scope: parseScopes(scope),
      refreshable: true,
      endsAt,
      codeHash: sha256(grantId),
      codeExpiresAt: now + 60,
      redirectUri: 'http://localhost:3002/callback',
      ...(patient === undefined ? {} : { patient }),
    };
    const written: Grant & { wrappedKey: Uint8Array; linkKey: Uint8Array } = {
      ...bound,
      expiresAt: now + 60,
      wrappedKey: randomBytes(60),
      linkKey: randomBytes(32),
      payerVersion: 1,
      sealedPayerTokens: sealPayerTokens(tokens, { grant: bound, grantKey, iv: randomBytes(12) }),
    };
    const request = { now, requestId: 'login' };
    const access = {
      hash: sha256(token),
      expiresAt: Math.min(endsAt, now + (options.accessLives ?? 3600)),
      scope: parseScopes(scope),
    };
    await putGrant(deps.grants, written, request);
    await redeem(
      deps.grants,
      written,
      { access, refreshHash: sha256('refresh'), familyHash: sha256('family') },
      request,
    );
    test.dynamo.calls();
    const stored = (): Grant => readGrant(test.dynamo.items('Grants').get(grantId) ?? {});
    return { grantId, grantKey, token, stored, payerTokens: () => unsealPayerTokens(stored(), grantKey) };
  };
  return {
    ...test,
    deps,
    /** What happened, in order. */
    events,
    grant,
    /** The same memory with another configuration. */
    reconfigured: (change: (data: RegistryData) => RegistryData) => ({
      ...deps,
      registry: registryOf(change(registry), test.stops, test.deps.clock.now),
    }),
    /** The log's lines, parsed. */
    /** The lines of requests; a cut answer has a second line. */
    log: () =>
      test.lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => 'outcome' in line),
  };
};

export type FetchGateway = ReturnType<typeof fetchGateway>;

interface ReadOptions {
  readonly method?: string;
  readonly payer?: string;
  readonly query?: string;
  readonly form?: Record<string, string> | string;
  readonly headers?: Record<string, string>;
}

/** The event of a request below a payer's FHIR base. */
export const readEvent = (
  path: string,
  token: string | undefined,
  { payer = 'northwind', query = '', ...options }: ReadOptions = {},
): ApiEvent => toEvent(readRequest(payer, path, token, { ...options, query: [...new URLSearchParams(query)] }));

/** Reads below a payer's FHIR base, as a partner does. */
export const read = (
  deps: FetchDeps,
  path: string,
  token: string | undefined,
  { stream, ...options }: ReadOptions & { readonly stream?: StreamOptions } = {},
): Promise<StreamedAnswer> => callStreaming(fetchHandler(deps), readEvent(path, token, options), stream);

/** The issue of an OperationOutcome. */
export const issueOf = (answer: StreamedAnswer): { code: string; diagnostics: string } => {
  const { resourceType, issue } = answer.json() as {
    resourceType: string;
    issue: { code: string; diagnostics: string }[];
  };
  const [first] = issue;
  if (resourceType !== 'OperationOutcome' || first === undefined) throw new Error('no OperationOutcome');
  return { ...first, diagnostics: withoutReference(first.diagnostics) };
};

/** A FHIR answer of a payer. */
export const fhir = (value: unknown, init: ResponseInit = {}): Response => {
  const headers = new Headers(init.headers);
  if (!headers.has('content-type')) headers.set('content-type', 'application/fhir+json');
  const body = typeof value === 'string' || value instanceof ReadableStream ? value : JSON.stringify(value);
  return new Response(body as BodyInit, { ...init, headers });
};
