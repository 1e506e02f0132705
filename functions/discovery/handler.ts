import middy from '@middy/core';
import type { Deps } from '../shared/deps.ts';
import { GatewayError } from '../shared/errors.ts';
import { fhirError } from '../shared/fhir/operation-outcome.ts';
import { checkMethod, payerOf, type ApiEvent, type ApiResponse } from '../shared/http/api.ts';
import { json, noStore, oauthError } from '../shared/http/respond.ts';
import { errorPage } from '../shared/pages/error-page.ts';
import { keepToHttps } from '../shared/pages/keep-to-https.ts';
import type { PageDeps } from '../shared/pages/settings.ts';
import { viewOf } from '../shared/pages/view.ts';
import { answerErrors } from '../shared/record/answer-errors.ts';
import { recordRequest, type RequestRecord } from '../shared/record/request-record.ts';
import { isPayerPaused, requirePayer } from '../shared/registry/require-payer.ts';
import type { Payer } from '../shared/registry/types.ts';
import { answerBrands } from './brands/answer-brands.ts';
import { cacheStatements } from './cache-statements.ts';
import { answerConnect } from './connect/answer-connect.ts';
import { answerPayers } from './connect/answer-payers.ts';
import { payerFinder } from './connect/find-payers.ts';
import { answerPreflight, openToAll } from './cors.ts';
import { facadeOf } from './facade.ts';
import { fetchStatement } from './fetch-statement.ts';
import { gatewayStatement } from './gateway-statement.ts';
import { answerIndex } from './index-page/answer-index.ts';
import { authorizationServerMetadata, smartConfiguration } from './oauth-metadata.ts';

/** What the discovery function depends on. */
export interface DiscoveryDeps extends Deps, PageDeps {}

/** Answers a route. */
type Route = (event: ApiEvent, record: RequestRecord) => Promise<ApiResponse>;

/** Answers a route with a document about the payer in its path. */
type Answer = (payer: Payer, record: RequestRecord) => Promise<ApiResponse>;

const cachable = { 'Cache-Control': 'public, max-age=300' };
const fhirJson = { 'Content-Type': 'application/fhir+json' };

const unknownPayer = 'The gateway knows no health plan of this name.';

/** Our public keys, for the payer to register for `private_key_jwt`. */
const keySet: Answer = async (payer) => json(200, { keys: payer.publicKeys }, cachable);

/** Each route, recognized by the end of its path pattern. */
const routesOf = (deps: DiscoveryDeps): readonly (readonly [RegExp, Route])[] => {
  const facade = (payer: Payer) => facadeOf(deps.origin, payer);
  const findPayers = payerFinder(deps.registry);
  const statements = cacheStatements(deps.clock, (payer) => fetchStatement(deps, payer, facade(payer)));

  const smart: Answer = async (payer) => json(200, smartConfiguration(deps.origin, facade(payer), payer), cachable);
  const oauth: Answer = async (payer) => json(200, authorizationServerMetadata(facade(payer), payer), cachable);
  const metadata: Answer = async (payer, record) => {
    // A payer that an operator has paused gets no call from us.
    const paused = await isPayerPaused(deps.registry, payer.id);
    const { statement, problem } = paused ? { problem: 'metadata: the payer is paused' } : await statements(payer);
    record.detail = problem;
    return json(200, statement ?? gatewayStatement(payer, facade(payer)), { ...cachable, ...fhirJson });
  };
  const about =
    (answer: Answer): Route =>
    async (event, record) => {
      const known = { code: 'not_found', publicMessage: unknownPayer, evenIfPaused: true } as const;
      return answer(await requirePayer(deps.registry, payerOf(event), known), record);
    };
  return [
    [/^\/oauth2\/jwks\//, about(keySet)],
    [/\/smart-configuration\/?$/, about(smart)],
    [/\/oauth-authorization-server(\/r4\/\{payer\})?\/?$/, about(oauth)],
    [isMetadata, about(metadata)],
    [/^\/$/, answerIndex(deps)],
    [/^\/brands$/, answerBrands(deps)],
    [isConnect, answerConnect(deps, findPayers)],
    [/^\/connect\/payers$/, answerPayers(deps, findPayers)],
  ];
};

const requireRoute = (routes: ReturnType<typeof routesOf>, event: ApiEvent): Route => {
  const found = routes.find(([pattern]) => pattern.test(event.resource));
  if (found === undefined) throw new GatewayError('not_found', 'No such path.');
  return found[1];
};

const isConnect = /^\/connect$/;
const isMetadata = /\/metadata\/?$/;

/** Errors in the caller's format: a page for a person, OperationOutcomes for `metadata`, OAuth errors for the rest. */
const tellError = ({ pages }: PageDeps, error: GatewayError, reference: string, event: ApiEvent): ApiResponse => {
  if (isConnect.test(event.resource)) {
    return withoutBodyForHead(event, errorPage(viewOf(pages, event), error, reference));
  }
  if (!isMetadata.test(event.resource)) return withoutBodyForHead(event, oauthError(error, reference));
  const answer = fhirError(error, reference);
  return withoutBodyForHead(event, { ...answer, headers: { ...answer.headers, ...noStore, ...fhirJson } });
};

const withoutBodyForHead = (event: ApiEvent, response: ApiResponse): ApiResponse =>
  event.httpMethod === 'HEAD' ? { ...response, body: '' } : response;

/** What a partner app must know about a payer's facade before it has a token. Open to every web page. */
export const discoveryHandler = (deps: DiscoveryDeps) => {
  const routes = routesOf(deps);
  return middy<ApiEvent, ApiResponse>()
    .use(recordRequest(deps, 'discovery'))
    .use(keepToHttps(deps.pages))
    .use(openToAll())
    .use(answerErrors((error, reference, event) => tellError(deps, error, reference, event)))
    .handler(async (event, { record }): Promise<ApiResponse> => {
      if (event.httpMethod === 'OPTIONS') return answerPreflight();
      record.step = record.function;
      checkMethod(event, ['GET', 'HEAD']);
      return withoutBodyForHead(event, await requireRoute(routes, event)(event, record));
    });
};
