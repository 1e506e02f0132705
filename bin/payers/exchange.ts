/** The gateway's client for exchanges at a payer: it asks it for records as a former plan. */
import { isGiven } from '../../functions/shared/payer/answers.ts';
import {
  compareExchangeDocument,
  compareExchangeStatement,
  groupOperationsIn,
  operationsAt,
} from '../../functions/shared/payer/compare-exchange.ts';
import type { Difference } from '../../functions/shared/payer/difference.ts';
import { PayerError } from '../../functions/shared/payer/errors.ts';
import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import type { PayerSecret } from '../../functions/shared/payer/secrets.ts';
import { systemTokens } from '../../functions/shared/payer/system-token.ts';
import { asFormerPlan as planOf, type FormerPlan } from '../../functions/shared/registry/former-plan.ts';
import { exchangeSecretPrefix, fhirMediaType } from '../../functions/shared/registry/profile.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { readDocuments } from './documents.ts';
import { fault, pass, type Finding } from './finding.ts';
import { probe } from './probe.ts';
import { judgeSecret, type SecretReading } from './secret.ts';
import { cannotTry, type Tried, type TryDeps } from './try-secret.ts';

/** Whether a payer is asked as a former plan. */
export const isAsked = (payer: Payer): payer is FormerPlan => payer.exchange !== undefined;

/** The payer's profile for exchanges: with another client, which has only a key. */
export const asFormerPlan = (payer: FormerPlan): Payer => {
  const { clientId, publicKeys, scopes } = payer.exchange;
  const { identitySignIn: _identity, secretOf: _owner, ...plain } = payer;
  const { secretHeaders: _headers, ...quirks } = payer.quirks;
  return { ...plain, clientId, publicKeys, scopes, clientAuthentication: 'private_key_jwt', quirks };
};

/** Asks the payer for a token of the client for exchanges, as a test. The token is not kept. */
export const tryExchangeSecret = async (
  { http, clock }: TryDeps,
  payer: FormerPlan,
  secret: PayerSecret,
): Promise<Tried> => {
  const tokens = systemTokens({ payerHttp: http, clock, readExchangeSecret: async () => secret });
  try {
    await tokens.get(payer);
    return { result: 'accepted' };
  } catch (error) {
    if (!(error instanceof PayerError)) throw cannotTry(payer, error);
    return error.failure === 'invalid_client'
      ? { result: 'refused', detail: 'refuses it (invalid_client)' }
      : { result: 'unknown', detail: `gives no token: ${error.detail}` };
  }
};

/** Checks that the secret with the key of exchanges exists and fits the profile. Without `exchange` there is nothing to check. */
export const checkExchangeSecret = async (
  readSecret: (name: string) => Promise<SecretReading>,
  stage: string,
  payer: Payer,
): Promise<Finding[]> => {
  if (!isAsked(payer)) return [];
  const name = `${exchangeSecretPrefix(stage)}${payer.id}`;
  return [judgeSecret(name, await readSecret(name), asFormerPlan(payer))];
};

interface Http {
  readonly http: PayerHttp;
}

/** Asks the token endpoint as a system would, but without a key. It must know the grant type and refuse the request. */
const checkTokenEndpoint = async ({ http }: Http, { exchange, tokenEndpoint }: FormerPlan): Promise<Finding> => {
  const url = exchange.tokenEndpoint ?? tokenEndpoint;
  const form = { grant_type: 'client_credentials', client_id: exchange.clientId, scope: exchange.scopes.join(' ') };
  const answer = await probe(http, url, { method: 'POST', accept: 'application/json', form });
  if ('failure' in answer) {
    return fault('exchange', `${url} ${answer.failure}`, 'ask the payer whether it is up, and run again');
  }
  const error = String(answer.json?.['error']).slice(0, 40);
  if (isGiven(answer) && answer.json?.['access_token'] !== undefined) {
    return fault('exchange', `${url} gives a token to whoever names our client id`, 'tell the payer at once');
  }
  if (typeof answer.json?.['error'] !== 'string' || answer.status < 400) {
    const answers = `answers ${answer.status} and ${answer.contentType}, not with an OAuth error (RFC 6749 §5.2)`;
    return fault('exchange', `${url} ${answers}`, 'check exchange.tokenEndpoint, or ask the payer for it');
  }
  return error === 'unsupported_grant_type'
    ? fault(
        'exchange',
        `${url} does not know client_credentials (${error})`,
        'ask the payer for the token endpoint of SMART Backend Services, and write it into exchange.tokenEndpoint',
      )
    : pass('exchange', `${url} knows client_credentials, and gives nothing without a key (${answer.status} ${error})`);
};

/** Asks for Groups without a token. They must exist and must not be open to everyone. */
const checkGroups = async ({ http }: Http, plan: FormerPlan): Promise<Finding> => {
  const url = `${plan.fhirBaseUrl}/Group`;
  const answer = await probe(http, url, { accept: fhirMediaType(plan) });
  if ('failure' in answer) {
    return fault('exchange', `${url} ${answer.failure}`, 'ask the payer whether it is up, and run again');
  }
  const { status } = answer;
  if (status === 401 || status === 403) return pass('exchange', `${url} requires a token (${status})`);
  return isGiven(answer)
    ? fault('exchange', `${url} answers ${status} without a token`, 'tell the payer: whose Groups it lists is private')
    : fault('exchange', `${url} answers ${status}`, 'check exchange.fhirBaseUrl, or ask the payer for it');
};

const faultsOf = (name: string, differences: readonly Difference[]): Finding[] =>
  differences.map(({ text, todo }) => fault('exchange', `${name}: ${text}`, todo));

const checkStatement = async ({ http }: Http, plan: FormerPlan): Promise<Finding[]> => {
  const url = `${plan.fhirBaseUrl}/metadata`;
  const answer = await probe(http, url, { accept: fhirMediaType(plan) });
  // Whether it can be read at all is a finding of its own, where the base is the sign-in's too.
  if ('failure' in answer || answer.json?.['resourceType'] !== 'CapabilityStatement') {
    const why = 'failure' in answer ? answer.failure : `answers ${answer.status}`;
    return [pass('exchange', `${url} ${why}; what it declares of Groups is unknown`)];
  }
  const differences = compareExchangeStatement(answer.json, plan);
  const names = operationsAt(plan).map(([, operation]) => `$${operation}`);
  return differences.length > 0
    ? faultsOf(url, differences)
    : [
        pass(
          'exchange',
          groupOperationsIn(answer.json) === undefined
            ? `${url} lists no resources; what it has for Groups is unknown`
            : `${url} declares ${names.join(' and ')}`,
        ),
      ];
};

const checkDocuments = async (deps: Http, payer: Payer, plan: FormerPlan): Promise<Finding[]> => {
  const { fhirBaseUrl, exchange } = plan;
  const smartConfigurationUrl = exchange.fhirBaseUrl === undefined ? payer.smartConfigurationUrl : undefined;
  const { documents } = await readDocuments(deps, { fhirBaseUrl, smartConfigurationUrl });
  return documents.flatMap((document) => faultsOf(document.name, compareExchangeDocument(document, plan)));
};

/**
 * Checks what a former plan is asked at: its token endpoint, what it publishes of the two operations, and Group. No request
 * carries a credential. Without `exchange` there is nothing to check.
 * @param isDown whether a URL's host cannot be reached
 */
export const checkExchange = async (deps: Http, payer: Payer, isDown: (url: string) => boolean): Promise<Finding[]> => {
  const plan = planOf(payer);
  if (plan === undefined) return [];
  const token = plan.exchange.tokenEndpoint ?? plan.tokenEndpoint;
  const findings = await Promise.all([
    isDown(token) ? [] : checkTokenEndpoint(deps, plan),
    ...(isDown(plan.fhirBaseUrl)
      ? []
      : [checkGroups(deps, plan), checkStatement(deps, plan), checkDocuments(deps, payer, plan)]),
  ]);
  return findings.flat();
};
