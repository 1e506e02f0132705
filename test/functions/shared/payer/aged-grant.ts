import { openGrant, type OpenGrant } from '../../../../functions/shared/payer/open-grant.ts';
import { ensureFreshPayerTokens } from '../../../../functions/shared/payer/refresh-tokens.ts';
import type { Payer } from '../../../../functions/shared/registry/types.ts';
import { fetchGateway, type FetchGateway, type TestGrant } from '../../../support/fetch-gateway.ts';

/** A payer's answer to a refresh. */
export const rotated = {
  access_token: 'payer-access-2',
  refresh_token: 'payer-refresh-2',
  token_type: 'Bearer',
  expires_in: 300,
};

/** A payer that always gives this answer. */
export const answers =
  (value: unknown, status = 200) =>
  () =>
    Promise.resolve(Response.json(value, { status }));

/** The payer of the tests' grants. */
export const northwind = async (test: FetchGateway): Promise<Payer> => {
  const payer = await test.deps.registry.payer('northwind');
  if (payer === undefined) throw new Error('no payer northwind');
  return payer;
};

/** The grant as it is now, opened by its bearer. */
export const opened = ({ stored, grantKey }: TestGrant): OpenGrant => openGrant(stored(), grantKey);

/**
 * A grant that was opened this many seconds ago, and its state then; its payer token lives 300 s unless told otherwise.
 */
export const agedGrant = async (seconds: number, options?: Parameters<FetchGateway['grant']>[0]) => {
  const test = fetchGateway();
  const grant = await test.grant(options);
  const before = opened(grant);
  test.passSeconds(seconds);
  return { test, grant, before };
};

/** Asks for payer tokens that are valid for a call, as a read does. */
export const fresh = async (test: FetchGateway, grant: OpenGrant, requestId = 'request-a'): Promise<OpenGrant> =>
  ensureFreshPayerTokens(test.deps, await northwind(test), grant, { requestId });

/** The access token that a read would call the payer with. */
export const freshToken = async (test: FetchGateway, grant: OpenGrant, requestId?: string): Promise<string> =>
  (await fresh(test, grant, requestId)).tokens.accessToken;

/** The test's dependencies, with control over every command to the grants table. */
export const intercepted = (
  { deps }: FetchGateway,
  intercept: (update: string, send: () => Promise<unknown>) => Promise<unknown>,
): FetchGateway['deps'] => {
  const { client } = deps.grants;
  const original = client.send.bind(client) as (command: object) => Promise<unknown>;
  const send = (command: { input?: { UpdateExpression?: string } }) =>
    intercept(command.input?.UpdateExpression ?? '', () => original(command));
  return { ...deps, grants: { ...deps.grants, client: { send } as unknown as typeof client } };
};
