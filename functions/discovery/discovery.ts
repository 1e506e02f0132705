import middy from '@middy/core';
import type { Deps } from '../shared/deps.ts';
import { GatewayError } from '../shared/errors.ts';
import { checkMethod, payerOf, type ApiEvent, type ApiResponse } from '../shared/http/api.ts';
import { json } from '../shared/http/respond.ts';
import { recordOf, recordRequest } from '../shared/record/request-record.ts';
import type { Registry } from '../shared/registry/registry.ts';
import type { Payer } from '../shared/registry/types.ts';
import { answerErrors } from './answer-errors.ts';
import { authorizationServerMetadata } from './authorization-server-metadata.ts';
import { cacheStatements } from './cache-statements.ts';
import { openToAll, preflight } from './cors.ts';
import { facadeOf } from './facade.ts';
import { fetchStatement } from './fetch-statement.ts';
import { gatewayStatement } from './gateway-statement.ts';
import { smartConfiguration } from './smart-configuration.ts';

type Answer = (event: ApiEvent, payer: Payer) => Promise<ApiResponse>;

const cachable = { 'Cache-Control': 'public, max-age=300' };
const fhirJson = { 'Content-Type': 'application/fhir+json' };

const findPayer = async (registry: Registry, event: ApiEvent): Promise<Payer> => {
  const payer = await registry.payer(payerOf(event));
  if (payer === undefined) {
    throw new GatewayError('not_found', 'The gateway knows no health plan of this name.', { status: 404 });
  }
  return payer;
};

/** Our public keys, which the payer can register for `private_key_jwt`. */
const keySet: Answer = async (_event, payer) => json(200, { keys: payer.publicKeys }, cachable);

/** What each route answers, by the end of its pattern. */
const answersOf = (deps: Deps): readonly (readonly [RegExp, Answer])[] => {
  const facade = (payer: Payer) => facadeOf(deps.origin, payer);
  const statements = cacheStatements(deps.clock, (payer) => fetchStatement(deps, payer, facade(payer)));

  const smart: Answer = async (_event, payer) => json(200, smartConfiguration(facade(payer)), cachable);
  const oauth: Answer = async (_event, payer) => json(200, authorizationServerMetadata(facade(payer)), cachable);
  const metadata: Answer = async (event, payer) => {
    const { statement, problem } = await statements(payer);
    recordOf(event).detail = problem;
    return json(200, statement ?? gatewayStatement(payer, facade(payer)), { ...cachable, ...fhirJson });
  };
  return [
    [/^\/oauth2\/jwks\//, keySet],
    [/\/smart-configuration\/?$/, smart],
    [/\/oauth-authorization-server(\/r4\/\{payer\})?\/?$/, oauth],
    [/\/metadata\/?$/, metadata],
  ];
};

const findAnswer = (answers: ReturnType<typeof answersOf>, event: ApiEvent): Answer => {
  const found = answers.find(([route]) => route.test(event.resource));
  if (found === undefined) throw new GatewayError('not_found', 'There is nothing here.', { status: 404 });
  return found[1];
};

const withoutBodyForHead = (event: ApiEvent, response: ApiResponse): ApiResponse =>
  event.httpMethod === 'HEAD' ? { ...response, body: '' } : response;

/** What a partner app needs to know about a payer's facade before it has a token; open to every web page. */
export const discovery = (deps: Deps) => {
  const answers = answersOf(deps);
  return middy<ApiEvent, ApiResponse>()
    .use(recordRequest(deps, 'discovery'))
    .use(openToAll())
    .use(answerErrors())
    .handler(async (event): Promise<ApiResponse> => {
      if (event.httpMethod === 'OPTIONS') return preflight();
      recordOf(event).step = 'discovery';
      checkMethod(event, ['GET', 'HEAD']);
      const answer = findAnswer(answers, event);
      const payer = await findPayer(deps.registry, event);
      return withoutBodyForHead(event, await answer(event, payer));
    });
};
