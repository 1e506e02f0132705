import middy from '@middy/core';
import type { Deps } from '../shared/deps.ts';
import { GatewayError } from '../shared/errors.ts';
import { fhirError } from '../shared/fhir/operation-outcome.ts';
import { answerErrors } from '../shared/http/answer-errors.ts';
import { checkMethod, payerOf, type ApiEvent, type ApiResponse } from '../shared/http/api.ts';
import { json, noStore, oauthError } from '../shared/http/respond.ts';
import { recordRequest, type RequestRecord } from '../shared/record/request-record.ts';
import { isPayerPaused, requirePayer } from '../shared/registry/require-payer.ts';
import type { Payer } from '../shared/registry/types.ts';
import { authorizationServerMetadata } from './authorization-server-metadata.ts';
import { cacheStatements } from './cache-statements.ts';
import { answerPreflight, openToAll } from './cors.ts';
import { facadeOf } from './facade.ts';
import { fetchStatement } from './fetch-statement.ts';
import { gatewayStatement } from './gateway-statement.ts';
import { smartConfiguration } from './smart-configuration.ts';

type Answer = (payer: Payer, record: RequestRecord) => Promise<ApiResponse>;

const cachable = { 'Cache-Control': 'public, max-age=300' };
const fhirJson = { 'Content-Type': 'application/fhir+json' };

const unknownPayer = 'The gateway knows no health plan of this name.';

/** Our public keys, for the payer to register for `private_key_jwt`. */
const keySet: Answer = async (payer) => json(200, { keys: payer.publicKeys }, cachable);

/** The routes' documents, by the end of their pattern. */
const answersOf = (deps: Deps): readonly (readonly [RegExp, Answer])[] => {
  const facade = (payer: Payer) => facadeOf(deps.origin, payer);
  const statements = cacheStatements(deps.clock, (payer) => fetchStatement(deps, payer, facade(payer)));

  const smart: Answer = async (payer) => json(200, smartConfiguration(facade(payer)), cachable);
  const oauth: Answer = async (payer) => json(200, authorizationServerMetadata(facade(payer)), cachable);
  const metadata: Answer = async (payer, record) => {
    // A payer that an operator has paused gets no call from us.
    const paused = await isPayerPaused(deps.registry, payer.id);
    const { statement, problem } = paused ? { problem: 'metadata: the payer is paused' } : await statements(payer);
    record.detail = problem;
    return json(200, statement ?? gatewayStatement(payer, facade(payer)), { ...cachable, ...fhirJson });
  };
  return [
    [/^\/oauth2\/jwks\//, keySet],
    [/\/smart-configuration\/?$/, smart],
    [/\/oauth-authorization-server(\/r4\/\{payer\})?\/?$/, oauth],
    [isMetadata, metadata],
  ];
};

const requireAnswer = (answers: ReturnType<typeof answersOf>, event: ApiEvent): Answer => {
  const found = answers.find(([route]) => route.test(event.resource));
  if (found === undefined) throw new GatewayError('not_found', 'There is nothing here.');
  return found[1];
};

const isMetadata = /\/metadata\/?$/;

/** Errors in the caller's format: OperationOutcomes for `metadata`, OAuth errors for the rest. */
const tellError = (error: GatewayError, reference: string, event: ApiEvent): ApiResponse => {
  if (!isMetadata.test(event.resource)) return withoutBodyForHead(event, oauthError(error, reference));
  const answer = fhirError(error, reference);
  return withoutBodyForHead(event, { ...answer, headers: { ...answer.headers, ...noStore, ...fhirJson } });
};

const withoutBodyForHead = (event: ApiEvent, response: ApiResponse): ApiResponse =>
  event.httpMethod === 'HEAD' ? { ...response, body: '' } : response;

/** What a partner app must know about a payer's facade before it has a token. Open to every web page. */
export const discovery = (deps: Deps) => {
  const answers = answersOf(deps);
  return middy<ApiEvent, ApiResponse>()
    .use(recordRequest(deps, 'discovery'))
    .use(openToAll())
    .use(answerErrors(tellError))
    .handler(async (event, { record }): Promise<ApiResponse> => {
      if (event.httpMethod === 'OPTIONS') return answerPreflight();
      record.step = record.function;
      checkMethod(event, ['GET', 'HEAD']);
      const answer = requireAnswer(answers, event);
      const payer = await requirePayer(deps.registry, payerOf(event), {
        code: 'not_found',
        publicMessage: unknownPayer,
        evenIfPaused: true,
      });
      return withoutBodyForHead(event, await answer(payer, record));
    });
};
