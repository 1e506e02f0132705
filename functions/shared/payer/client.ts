import { importJWK } from 'jose';
import * as oauth from 'oauth4webapi';
import { nowSeconds, type Clock } from '../clock.ts';
import { causeOf, GatewayError } from '../errors.ts';
import type { JsonObject } from '../json/json-object.ts';
import { secretOwnerOf } from '../registry/profile.ts';
import type { IdentitySignIn, Payer } from '../registry/types.ts';
import type { PayerTokens } from '../store/grant-item.ts';
import { isThrottling } from './answers.ts';
import { isUnusable } from './decode-body.ts';
import { errorCodeOf, failureOf, failureOfAnswer } from './error-code.ts';
import { CodeRefused, NoMatch, PayerError, type Asked } from './errors.ts';
import type { PayerHttp } from './http.ts';
import { requireText } from './read-text.ts';
import { readSecretHeaders, type PayerSecret, type ReadPayerSecret } from './secrets.ts';
import {
  formAsJson,
  isAmbiguous,
  isTooLong,
  payerTokens,
  readJsonObject,
  readTokenAnswer,
  type ReadAnswer,
} from './token-answer.ts';

/** What calls to a payer need. */
export interface PayerClientDeps {
  readonly clock: Clock;
  readonly payerHttp: PayerHttp;
  readonly readPayerSecret: ReadPayerSecret;
}

/** A payer's token answer with a usable access token. */
export interface PayerTokenAnswer extends Pick<ReadAnswer, 'scope' | 'patient' | 'idToken'> {
  readonly tokens: PayerTokens;
}

/** The result of a refresh. */
export interface RefreshedTokens extends Pick<ReadAnswer, 'patient' | 'scope' | 'idToken'> {
  readonly tokens: PayerTokens;
  /** Why the new access token is unusable; `tokens` then has the old one, with the new refresh token. */
  readonly problem: PayerError | undefined;
}

type GrantType = 'authorization_code' | 'refresh_token';

const timeoutMs = 10_000;
const answerLimitBytes = 256 * 1024;

/** Turns a failed call to a payer into a {@link PayerError}. Only the names of errors are kept. */
export const payerHttpFailure = (error: unknown, asked: Asked): PayerError => {
  if (error instanceof PayerError) return error;
  const cause = causeOf(error);
  const detail = `${asked}: ${cause}`;
  if (/^(?:TimeoutError|AbortError)\b/.test(cause)) return new PayerError('timeout', detail);
  return new PayerError(isUnusable(error) ? 'nonsense' : 'unavailable', detail);
};

/** RFC 6749 §5.2: a 401 is about the client only. */
const unread = (status: number, lacks: 'a JSON object' | 'an OAuth error' = 'a JSON object'): PayerError =>
  new PayerError(status === 401 ? 'invalid_client' : 'nonsense', `token endpoint answered ${status} without ${lacks}`);

/** Makes the error for a payer's refusal from its code (RFC 6749 §5.2). Only known codes are logged. */
const refusal = (status: number, answer: JsonObject): PayerError => {
  const code = errorCodeOf(answer);
  if (code === undefined && typeof answer['error'] !== 'string') return unread(status, 'an OAuth error');
  return new PayerError(
    failureOfAnswer(status, answer),
    `token endpoint answered ${status} with an OAuth error (${code ?? 'unknown'})`,
  );
};

/** A request's parameters as the payer takes them: a form (RFC 6749 §4.1.3), or what some ask for in its place. */
const encodeRequest = (
  { quirks }: Pick<Payer, 'quirks'>,
  { headers, body }: { readonly headers: Record<string, string>; readonly body: URLSearchParams },
): { readonly headers: Record<string, string>; readonly body: string } =>
  quirks.tokenRequest === 'json'
    ? { headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(Object.fromEntries(body)) }
    : { headers, body: body.toString() };

/** Whether an answer is one that the payer's profile knows as "no match". A status alone says nothing. */
const isNoMatch = (
  { noMatch }: Pick<IdentitySignIn, 'noMatch'>,
  status: number,
  answer: JsonObject | undefined,
): boolean =>
  answer !== undefined &&
  noMatch.some(
    (shape) =>
      shape.status === status &&
      (Object.hasOwn(shape.members, 'error') || !Object.hasOwn(answer, 'error')) &&
      Object.entries(shape.members).every(([name, value]) => Object.hasOwn(answer, name) && answer[name] === value),
  );

/** Sees an answer's status and JSON object. @throws PayerError for what it refuses */
type CheckAnswer = (status: number, answer: JsonObject | undefined) => void;

/** The payer's HTTP for `oauth4webapi`: no redirects, limited bodies, and JSON or a form whatever its content type. */
const lenientFetch =
  (deps: PayerClientDeps, payer: Payer, check: CheckAnswer = () => undefined) =>
  async (
    url: string,
    init: { method: string; headers: Record<string, string>; body: URLSearchParams },
  ): Promise<Response> => {
    try {
      // The library would name itself.
      const { 'user-agent': _, ...given } = init.headers;
      const { headers, body } = encodeRequest(payer, { ...init, headers: given });
      const response = await deps.payerHttp(url, {
        method: 'POST',
        headers: { ...headers, ...(await readSecretHeaders(deps, payer)) },
        body,
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
        // If a payer sees a code or a refresh token twice, the grant ends.
        oneTime: true,
      });
      const { status } = response;
      if (status >= 500 || status === 408 || isThrottling(response)) {
        await response.body?.cancel();
        throw new PayerError('unavailable', `token endpoint answered ${status}`);
      }
      const text = formAsJson(await requireText(response, answerLimitBytes, 'token endpoint'));
      const members = readJsonObject(text);
      if (members !== undefined && isAmbiguous(text, payer.patientMember))
        throw new PayerError('nonsense', `token endpoint answered ${status} with a repeated member`);
      check(status, members);
      if (members === undefined) {
        if (status === 200 && text === '') return new Response();
        throw unread(status);
      }
      return new Response(text, { status, headers: { 'Content-Type': 'application/json' } });
    } catch (error) {
      throw error instanceof GatewayError ? error : payerHttpFailure(error, 'token endpoint');
    }
  };

/** SMART requires `exp` within five minutes. These bounds tolerate a payer's clock that is off by 120 s either way. */
const assertionIssuedAgoSeconds = 130;
const assertionLivesSeconds = 150;

type SecretWithKey = Extract<PayerSecret, { readonly private_key_jwk: unknown }>;

type PrivateJwk = SecretWithKey['private_key_jwk'];
type PrivateKey = Awaited<ReturnType<typeof importJWK>>;

const hasKey = (secret: PayerSecret): secret is SecretWithKey =>
  'private_key_jwk' in secret && secret.private_key_jwk !== undefined;

const imported = new WeakMap<PrivateJwk, Map<string, Promise<PrivateKey>>>();

/** Imports the gateway's key, once for each that an environment keeps. A failure is not kept. @throws jose's errors */
const importKey = (jwk: PrivateJwk, alg: string): Promise<PrivateKey> => {
  const keys = imported.get(jwk) ?? new Map<string, Promise<PrivateKey>>();
  imported.set(jwk, keys);
  const known = keys.get(alg);
  if (known !== undefined) return known;
  const key = importJWK(jwk, alg);
  keys.set(alg, key);
  key.catch(() => keys.delete(alg));
  return key;
};

/** The gateway's assertion at a payer: fresh, for its token endpoint, and with these extensions if there are any. */
const makeAssertion = async (
  { clock }: PayerClientDeps,
  { private_key_jwk: jwk }: SecretWithKey,
  { audience, alg = jwk.alg ?? 'ES384', extensions }: { audience: string; alg?: string; extensions?: JsonObject },
): Promise<oauth.ClientAuth> => {
  const key = await importKey(jwk, alg).catch((error: unknown) => {
    throw new PayerError('invalid_client', `the private key cannot be used: ${causeOf(error)}`);
  });
  if (key instanceof Uint8Array) throw new PayerError('invalid_client', 'the private key is a symmetric one');
  return oauth.PrivateKeyJwt(
    { key, kid: jwk.kid },
    {
      [oauth.modifyAssertion]: (header, payload) => {
        const now = nowSeconds(clock);
        payload['aud'] = audience;
        payload['iat'] = now - assertionIssuedAgoSeconds;
        payload['exp'] = now + assertionLivesSeconds;
        delete payload['nbf'];
        // SMART requires it (client-confidential-asymmetric), and some payers do.
        header['typ'] = 'JWT';
        if (extensions === undefined) return;
        payload['extensions'] = extensions as oauth.JsonValue;
      },
    },
  );
};

const makeClientAuthentication = async (
  deps: PayerClientDeps,
  payer: Payer,
  secret: PayerSecret,
): Promise<oauth.ClientAuth> => {
  if (payer.clientAuthentication === 'private_key_jwt' && hasKey(secret)) {
    return makeAssertion(deps, secret, { audience: payer.tokenEndpoint });
  }
  if (payer.clientAuthentication !== 'private_key_jwt' && 'client_secret' in secret) {
    return payer.clientAuthentication === 'client_secret_basic'
      ? oauth.ClientSecretBasic(secret.client_secret)
      : oauth.ClientSecretPost(secret.client_secret);
  }
  throw new PayerError('invalid_client', 'the secret does not fit the client authentication of the profile');
};

/** How the gateway identifies itself to a payer: a public client by its id alone. */
const authenticate = async (
  deps: PayerClientDeps,
  payer: Payer,
  options?: { readonly fresh: boolean },
): Promise<oauth.ClientAuth> => {
  const owner = secretOwnerOf(payer);
  if (owner === undefined) return oauth.None();
  const secret = await deps.readPayerSecret(owner, options);
  return payer.clientAuthentication === 'none' ? oauth.None() : makeClientAuthentication(deps, payer, secret);
};

const authorizationServer = (payer: Payer): oauth.AuthorizationServer => ({
  issuer: payer.issuer ?? new URL(payer.tokenEndpoint).origin,
  token_endpoint: payer.tokenEndpoint,
  revocation_endpoint: payer.revocationEndpoint,
});

const requestOptions = (deps: PayerClientDeps, payer: Payer, check?: CheckAnswer) => ({
  [oauth.customFetch]: lenientFetch(deps, payer, check),
  // The configuration allows plain http for loopback hosts only.
  [oauth.allowInsecureRequests]: true,
});

const tokenFailure = (error: unknown): PayerError | GatewayError => {
  if (error instanceof PayerError || error instanceof GatewayError) return error;
  return new PayerError('nonsense', `token endpoint: ${causeOf(error)}`);
};

/** Reads a token answer here: the library is stricter than payers are. @throws PayerError */
const readAnswer = async ({ clock }: PayerClientDeps, payer: Payer, response: Response): Promise<ReadAnswer> => {
  const { ok, status } = response;
  const answer = readJsonObject(await response.text());
  if (answer === undefined) throw unread(status);
  const { error, access_token: accessToken, refresh_token: refreshToken } = answer;
  // Some give OAuth's errors with 200.
  const isError =
    (accessToken ?? refreshToken ?? undefined) === undefined && (error ?? errorCodeOf(answer)) !== undefined;
  if (!ok || isError) throw refusal(status, answer);
  return readTokenAnswer(answer, nowSeconds(clock), payer.patientMember);
};

const requestToken = async (
  deps: PayerClientDeps,
  payer: Payer,
  grantType: GrantType,
  form: Record<string, string>,
): Promise<ReadAnswer> => {
  const attempt = async (fresh: boolean): Promise<ReadAnswer> => {
    const as = authorizationServer(payer);
    const client = { client_id: payer.clientId };
    const authentication = await authenticate(deps, payer, { fresh });
    try {
      const response = await oauth.genericTokenEndpointRequest(
        as,
        client,
        authentication,
        grantType,
        form,
        requestOptions(deps, payer),
      );
      return await readAnswer(deps, payer, response);
    } catch (error) {
      throw tokenFailure(error);
    }
  };
  try {
    return await attempt(false);
  } catch (error) {
    const isRefused = error instanceof PayerError && error.failure === 'invalid_client';
    // The secret was rotated. The payer refused before it looked at the code, so one retry with a fresh secret is safe.
    if (isRefused && secretOwnerOf(payer) !== undefined) return attempt(true);
    throw error;
  }
};

/**
 * Redeems a payer's code (RFC 6749 §4.1.3). The code is sent once, and again only after `invalid_client`. Unusable
 * tokens are revoked.
 * @throws CodeRefused if the payer answered, PayerError if it did not, or GatewayError if the payer's secret is missing
 */
export const redeemAtPayer = async (
  deps: PayerClientDeps,
  payer: Payer,
  { code, redirectUri, verifier }: { code: string; redirectUri: string; verifier: string },
): Promise<PayerTokenAnswer> => {
  let isAnswered = false;
  const payerHttp: PayerHttp = async (...request) => {
    const response = await deps.payerHttp(...request);
    isAnswered = true;
    return response;
  };
  try {
    const answer = await requestToken({ ...deps, payerHttp }, payer, 'authorization_code', {
      ...payer.quirks.extraTokenParameters,
      code,
      ...(payer.quirks.redirectUriAtToken ? { redirect_uri: redirectUri } : {}),
      ...(payer.quirks.pkce ? { code_verifier: verifier } : {}),
    });
    return await usableAnswer(deps, payer, answer);
  } catch (error) {
    throw isAnswered && error instanceof PayerError ? new CodeRefused(error) : error;
  }
};

/** An answer with an access token. The tokens of another one are revoked. @throws PayerError */
const usableAnswer = async (deps: PayerClientDeps, payer: Payer, answer: ReadAnswer): Promise<PayerTokenAnswer> => {
  const { accessToken, problem, scope, patient, idToken } = answer;
  if (accessToken === undefined) {
    // Revokes the refresh token. If there is none either, the library refuses to send the empty text.
    await revokeAtPayer(deps, payer, payerTokens('', answer));
    throw new PayerError('nonsense', String(problem));
  }
  return { tokens: payerTokens(accessToken, answer), scope, patient, idToken };
};

/** The payer's refusals of a call with an identity. What it says to the member's token is nothing about the payer. */
const checkIdentityAnswer =
  (signIn: IdentitySignIn) =>
  (status: number, answer: JsonObject | undefined): void => {
    if (isNoMatch(signIn, status, answer)) throw new NoMatch();
    const code = answer === undefined ? undefined : errorCodeOf(answer);
    if (status < 400 || (code !== undefined && ['invalid_client', 'unavailable'].includes(failureOf(code)))) return;
    // The client is known, but not let in: our secret is right, and the payer is closed to us.
    if (status === 403) throw new PayerError('unavailable', 'token endpoint answered 403: not open to our client');
    throw new PayerError('invalid_grant', `token endpoint answered ${status}`);
  };

/** How the gateway asks a payer for a token with an assertion of its own. */
interface WithAssertion {
  readonly clientId: string;
  readonly tokenEndpoint: string;
  readonly algorithm: string;
  readonly scopes: readonly string[];
  readonly secret: PayerSecret;
  readonly extensions?: JsonObject;
  readonly check?: CheckAnswer;
}

/**
 * Asks for a token by `client_credentials` with an assertion of the gateway's own (RFC 7523), once.
 * @throws PayerError, or GatewayError if the payer's secret is missing
 */
export const requestWithAssertion = async (
  deps: PayerClientDeps,
  payer: Payer,
  { clientId, tokenEndpoint, algorithm, scopes, secret, extensions, check }: WithAssertion,
): Promise<ReadAnswer> => {
  if (!hasKey(secret)) throw new PayerError('invalid_client', 'the secret has no private_key_jwk');
  const authentication = await makeAssertion(deps, secret, {
    audience: tokenEndpoint,
    alg: algorithm,
    ...(extensions === undefined ? {} : { extensions }),
  });
  try {
    const response = await oauth.genericTokenEndpointRequest(
      authorizationServer({ ...payer, tokenEndpoint }),
      { client_id: clientId },
      authentication,
      'client_credentials',
      { scope: scopes.join(' ') },
      requestOptions(deps, payer, check),
    );
    return await readAnswer(deps, payer, response);
  } catch (error) {
    throw tokenFailure(error);
  }
};

/**
 * Presents a member's identity for payer tokens, without a browser: `client_credentials` with an assertion of the gateway's
 * own, which forwards `cms_smart` (CMS payer participation specification). It is sent once: a payer refuses an identity
 * token that it has seen.
 * @throws NoMatch if no single member matches, PayerError, or GatewayError if the payer's secret is missing
 */
export const presentIdentityAtPayer = async (
  deps: PayerClientDeps,
  payer: Payer,
  signIn: IdentitySignIn,
  cmsSmart: JsonObject,
): Promise<PayerTokenAnswer> => {
  const answer = await requestWithAssertion(deps, payer, {
    clientId: payer.clientId,
    tokenEndpoint: signIn.tokenEndpoint ?? payer.tokenEndpoint,
    algorithm: signIn.assertionAlgorithm,
    scopes: signIn.scopes,
    // Fresh, since a refusal of a key that was replaced would cost the member another identification.
    secret: await deps.readPayerSecret(secretOwnerOf(payer) ?? payer.id, { fresh: true }),
    extensions: { cms_smart: cmsSmart },
    check: checkIdentityAnswer(signIn),
  });
  return usableAnswer(deps, payer, answer);
};

/**
 * Refreshes payer tokens (RFC 6749 §6). If the payer gives no new refresh token, the old one is kept. A new one is kept
 * even if its access token is unusable, since the old one may be spent.
 * @throws PayerError, or GatewayError if the payer's secret is missing
 */
export const refreshAtPayer = async (
  deps: PayerClientDeps,
  payer: Payer,
  old: PayerTokens & { readonly refreshToken: string },
): Promise<RefreshedTokens> => {
  const answer = await requestToken(deps, payer, 'refresh_token', {
    ...payer.quirks.extraRefreshParameters,
    refresh_token: old.refreshToken,
  });
  const { accessToken, patient, scope, idToken, problem, refreshToken = old.refreshToken } = answer;
  const said = { patient, scope, idToken };
  if (accessToken !== undefined) {
    return { tokens: payerTokens(accessToken, { ...answer, refreshToken }), ...said, problem: undefined };
  }
  const failure = new PayerError('nonsense', String(problem));
  if (answer.refreshToken === undefined || isTooLong(answer.refreshToken)) throw failure;
  return { tokens: { ...old, refreshToken }, ...said, problem: failure };
};

/**
 * Revokes payer tokens at the payer (RFC 7009), best effort: the grant has already ended here, so a payer that does not
 * answer changes nothing. Returns whether the payer accepted.
 */
export const revokeAtPayer = async (deps: PayerClientDeps, payer: Payer, tokens: PayerTokens): Promise<boolean> => {
  if (payer.revocationEndpoint === undefined) return false;
  try {
    const as = authorizationServer(payer);
    const client = { client_id: payer.clientId };
    const authentication = await authenticate(deps, payer);
    const options = requestOptions(deps, payer);
    const token = tokens.refreshToken ?? tokens.accessToken;
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, authentication, token, options));
    return true;
  } catch {
    return false;
  }
};
