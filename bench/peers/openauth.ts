import type { ApiEvent, ApiResponse } from '../../functions/shared/http/api.ts';
import { sha256 } from '../../functions/shared/store/crypto.ts';
import { apiEvent, lambdaContext } from '../api-event.ts';
import { silenceConsole } from '../gateway.ts';
import { oneAfterAnother, oneByOne, twoSteps, type Round, type Sample } from '../measure.ts';
import { payerPaths } from '../payer-data.ts';
import { measured } from '../stage.ts';
import { cookiesOf, pairOf, redirectOf, sentBack } from '../walk.ts';
import { makeTable, type World } from '../world.ts';
import { openauthHandler } from './openauth-app.ts';

type Call = (event: ApiEvent) => Promise<ApiResponse>;

const start = async ({ dynamoOrigin, payerOrigin }: World, table: string): Promise<Call> => {
  // It logs each request to the console.
  silenceConsole();
  const handler = openauthHandler({
    table: await makeTable(table, ['pk', 'sk']),
    endpoint: dynamoOrigin,
    authorizationEndpoint: payerOrigin + payerPaths.authorize,
    tokenEndpoint: payerOrigin + payerPaths.token,
  }) as unknown as (event: ApiEvent, context: unknown) => Promise<ApiResponse>;
  return (event) => handler(event, lambdaContext());
};

const verifier = 'v'.repeat(64);
const authorizeEvent = (): ApiEvent =>
  apiEvent('/authorize', {
    query: {
      response_type: 'code',
      client_id: measured.partner,
      redirect_uri: measured.redirectUri,
      state: 's'.repeat(43),
      code_challenge: sha256(verifier),
      code_challenge_method: 'S256',
    },
  });

/** Two requests, since it first redirects to its own provider's path. */
const authorize = async (call: Call): Promise<readonly [ApiResponse, ApiResponse]> => {
  const first = await call(authorizeEvent());
  const second = await call(apiEvent(redirectOf(first).pathname, { headers: { Cookie: cookiesOf(first) } }));
  sentBack(second, 'code_challenge');
  return [first, second];
};

const callbackEvent = async (call: Call): Promise<ApiEvent> => {
  const [first, second] = await authorize(call);
  return apiEvent('/payer/callback', {
    query: { code: 'c'.repeat(43), state: sentBack(second, 'state') },
    headers: { Cookie: cookiesOf(first, second) },
  });
};

const tokenEvent = (form: Record<string, string>): ApiEvent => apiEvent('/token', { method: 'POST', form });

const redeemEvent = (returned: ApiResponse): ApiEvent =>
  tokenEvent({
    grant_type: 'authorization_code',
    code: sentBack(returned, 'code'),
    redirect_uri: measured.redirectUri,
    client_id: measured.partner,
    code_verifier: verifier,
  });

const nothing = async (): Promise<void> => undefined;

export const openauthAuthorize = async (world: World): Promise<Round> => {
  const call = await start(world, 'openauth.authorize');
  return oneByOne(oneAfterAnother(nothing), async () => void (await authorize(call)));
};

/** The callback and the redemption, timed apart. */
export const openauthSignIn = async (world: World, apart: readonly [Sample[], Sample[]]): Promise<Round> => {
  const call = await start(world, 'openauth.sign-in');
  return twoSteps(
    oneAfterAnother(() => callbackEvent(call)),
    [async (event) => redeemEvent(await call(event)), async (event) => void pairOf(await call(event))],
    apart,
  );
};

export const openauthRefresh = async (world: World): Promise<Round> => {
  const call = await start(world, 'openauth.refresh');
  let pair = pairOf(await call(redeemEvent(await call(await callbackEvent(call)))));
  return oneByOne(oneAfterAnother(nothing), async () => {
    pair = pairOf(await call(tokenEvent({ grant_type: 'refresh_token', refresh_token: pair.refresh_token })));
  });
};
