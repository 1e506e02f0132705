import { base64url, type Deps } from '../shared/deps.ts';
import { causeOf, GatewayError } from '../shared/errors.ts';
import { payerAuthorizeUrl } from '../shared/payer/authorize-url.ts';
import type { PayerHttp, PayerResponse } from '../shared/payer/http.ts';
import { readText } from '../shared/payer/read-text.ts';
import type { DirectoryEntry } from '../shared/registry/entry-items.ts';
import { fhirMediaType } from '../shared/registry/profile.ts';
import { isPayerPaused } from '../shared/registry/require-payer.ts';
import type { Partner, Payer } from '../shared/registry/types.ts';
import { authorizeUrl, callbackUri, facadeBase } from '../shared/registry/urls.ts';
import { sha256 } from '../shared/store/crypto.ts';

/** What the canary depends on: the network, and no rights. */
export interface CanaryDeps extends Omit<Deps, 'payerHttp'> {
  /** Reaches the gateway's public origin and the payers. */
  readonly http: PayerHttp;
}

/** Limit of each request, in milliseconds: a member would not wait longer for a page. */
const timeoutMs = 8000;

/** The most bytes read of a discovery document. */
const documentLimitBytes = 256 * 1024;

/** The longest that {@link checkPayer} takes: discovery, authorize, then the payer's three endpoints side by side. */
export const longestCheckMs = 3 * timeoutMs;

/** Identifies the canary in a payer's log, so that its requests can be told from members'. */
const userAgent = 'p2p-gateway-canary';

/** Something is wrong. The text is ours and never contains anything from the network. */
class Finding extends Error {}

interface Question {
  /** The endpoint, for the finding. */
  readonly what: string;
  readonly url: string;
  /** @default a GET without extra headers */
  readonly init?: { readonly method: 'POST'; readonly body: string } | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

const ask = async <T>(
  { http }: CanaryDeps,
  { what, url, init, headers }: Question,
  read: (response: PayerResponse) => Promise<T> | T,
): Promise<T> => {
  try {
    const response = await http(url, {
      ...init,
      headers: { ...headers, 'User-Agent': userAgent },
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    try {
      return await read(response);
    } finally {
      // A body that was read has nothing left to cancel.
      await response.body?.cancel().catch(() => undefined);
    }
  } catch (error) {
    throw new Finding(`${what}: ${error instanceof Finding ? error.message : causeOf(error)}`);
  }
};

const expectThat = (holds: boolean, otherwise: string): void => {
  if (!holds) throw new Finding(otherwise);
};

/** The facade's authorization endpoint, if the discovery document says that it is ours. */
const discover = (deps: CanaryDeps, { id }: Payer): Promise<string> => {
  const url = `${facadeBase(deps.origin, id)}/.well-known/smart-configuration`;
  return ask(deps, { what: 'discovery', url }, async (response) => {
    expectThat(response.status === 200, `status ${response.status}`);
    const document = JSON.parse((await readText(response, documentLimitBytes)) ?? '') as {
      readonly authorization_endpoint?: unknown;
    } | null;
    const ours = authorizeUrl(deps.origin, id);
    expectThat(document?.authorization_endpoint === ours, 'another authorization endpoint');
    return ours;
  });
};

const isOurRequest = (deps: CanaryDeps, payer: Payer, target: URL): boolean => {
  const endpoint = new URL(payer.authorizationEndpoint);
  return (
    target.origin + target.pathname === endpoint.origin + endpoint.pathname &&
    target.searchParams.get('client_id') === payer.clientId &&
    target.searchParams.get('redirect_uri') === callbackUri(deps.origin, payer.id)
  );
};

/** Where authorize sends a member's browser, or would send it if our consent page did not come first. */
const authorize = (deps: CanaryDeps, payer: Payer, partner: Partner, endpoint: string): Promise<string> => {
  const random = (): string => base64url(deps.randomBytes(32));
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: partner.clientId,
    redirect_uri: partner.redirectUris[0] ?? '',
    state: random(),
    code_challenge: sha256(random()),
    code_challenge_method: 'S256',
  });
  return ask(deps, { what: 'authorize', url: `${endpoint}?${query}` }, ({ status, headers }) => {
    if (partner.consent === 'gateway') {
      expectThat(status === 200, `status ${status} instead of the consent page`);
      return payerAuthorizeUrl(deps.origin, payer, { state: random(), verifier: random() });
    }
    expectThat(status >= 300 && status < 400, `status ${status} instead of a redirect`);
    const target = URL.parse(headers.get('location') ?? '');
    if (target === null || !isOurRequest(deps, payer, target)) throw new Finding('a redirect to somewhere else');
    return target.href;
  });
};

const isWell = (status: number): boolean => status < 500;
/** A redirect is a failure where a program asks: it is not followed. */
const isWellWithoutRedirect = (status: number): boolean => status < 300 || (status >= 400 && status < 500);

/** The payer's endpoints, each with the check of its status. None gets a credential or a code. */
const endpointsOf = (payer: Payer, signIn: string): readonly (Question & { isWell: (status: number) => boolean })[] => [
  { what: 'sign-in page', url: signIn, isWell },
  {
    // RFC 6749 §5.2: a working server refuses a request without client and code.
    what: 'token endpoint',
    url: payer.tokenEndpoint,
    init: { method: 'POST', body: 'grant_type=authorization_code' },
    headers: { Accept: 'application/json', 'Content-Type': 'application/x-www-form-urlencoded' },
    isWell: isWellWithoutRedirect,
  },
  {
    // https://hl7.org/fhir/R4/http.html#capabilities; some payers require a token and refuse.
    what: 'FHIR API',
    url: `${payer.fhirBaseUrl}/metadata`,
    headers: { Accept: fhirMediaType(payer) },
    isWell: isWellWithoutRedirect,
  },
  ...Object.entries({ 'userinfo endpoint': payer.userinfoEndpoint, JWKS: payer.jwksUri }).flatMap(([what, url]) =>
    url === undefined ? [] : [{ what, url, headers: { Accept: 'application/json' }, isWell: isWellWithoutRedirect }],
  ),
];

/**
 * Calls all endpoints of a payer at the same time.
 * @throws Finding naming each that fails
 */
const checkEndpoints = async (deps: CanaryDeps, payer: Payer, signIn: string): Promise<void> => {
  const answers = await Promise.allSettled(
    endpointsOf(payer, signIn).map((question) =>
      ask(deps, question, ({ status }) => expectThat(question.isWell(status), `status ${status}`)),
    ),
  );
  const findings = answers.flatMap((answer) =>
    answer.status === 'rejected' ? [(answer.reason as Error).message] : [],
  );
  if (findings.length > 0) throw new Finding(findings.join('; '));
};

/** The partner to sign in as. A blocked one says nothing about the payer. */
const findPartner = async ({ registry }: CanaryDeps, clientId: string | undefined): Promise<Partner | undefined> => {
  if (clientId === undefined) return undefined;
  try {
    return await registry.partner(clientId);
  } catch (error) {
    if (error instanceof GatewayError && error.stop === 'block') return undefined;
    throw error;
  }
};

/**
 * Follows a login as far as possible without a member: discovery, authorize, and the payer's sign-in page. It also
 * calls the two endpoints of the payer that a login and a read need. For a payer that is paused, or that no partner
 * may read from, it checks discovery only. Never throws.
 * @returns what is wrong, or undefined
 */
export const checkPayer = async (
  deps: CanaryDeps,
  { id, partner: clientId }: DirectoryEntry,
): Promise<string | undefined> => {
  try {
    const payer = await deps.registry.payer(id, { evenIfPaused: true });
    if (payer === undefined) return undefined;
    const endpoint = await discover(deps, payer);
    if (await isPayerPaused(deps.registry, id)) return undefined;
    const partner = await findPartner(deps, clientId);
    if (partner === undefined) return undefined;
    const signIn = await authorize(deps, payer, partner, endpoint);
    await checkEndpoints(deps, payer, signIn);
    return undefined;
  } catch (error) {
    if (error instanceof Finding) return error.message;
    return error instanceof GatewayError && error.detail !== undefined ? error.detail : causeOf(error);
  }
};
