import middy from '@middy/core';
import { GatewayError } from '../shared/errors.ts';
import { checkMethod, checkNotRepeated, parameters, type ApiEvent, type ApiResponse } from '../shared/http/api.ts';
import type { RequestParameters } from '../shared/http/api.ts';
import { answerIfPreflight, corsForPartners } from '../shared/http/cors.ts';
import { finishInTime } from '../shared/http/finish-in-time.ts';
import { readFormPairs } from '../shared/http/form.ts';
import { json, noStore, oauthError } from '../shared/http/respond.ts';
import { isObject } from '../shared/json/json-object.ts';
import type { Step } from '../shared/metrics/metrics.ts';
import { answerErrors } from '../shared/record/answer-errors.ts';
import { raise, recordRequest } from '../shared/record/request-record.ts';
import { grantTypes, identityGrantType, type GrantType } from '../shared/registry/token-endpoint.ts';
import { checkOneResource } from './check-target.ts';
import { authenticateClient, unverifiedClaims, type Assertion } from './client-authentication.ts';
import type { TokenDeps, TokenRequest } from './deps.ts';
import { issueSystemToken } from './exchange/issue-system-token.ts';
import { grantByIdentity } from './identity/grant-by-identity.ts';
import { introspect } from './introspect.ts';
import { redeemCode } from './redeem-code.ts';
import { refresh } from './refresh.ts';
import { revokeToken } from './revoke-token.ts';

type Endpoint = (deps: TokenDeps, request: TokenRequest) => Promise<object>;

type Claims = Assertion['claims'] | undefined;

const presentsIdentity = (claims: Claims): boolean => {
  const extensions = claims?.['extensions'];
  return isObject(extensions) && extensions['cms_smart'] !== undefined;
};

/** With a member's identity token it makes a grant, without one it issues a system token. If the stage has only one of the two, it is that one. */
const kindOfClientCredentials = ({ exchanges, identity }: TokenDeps, claims: Claims): 'identity' | 'system' => {
  if (exchanges === undefined) return 'identity';
  return identity !== undefined && presentsIdentity(claims) ? 'identity' : 'system';
};

const answerClientCredentials: Endpoint = (deps, request) => {
  const claims = request.assertion?.claims;
  if (kindOfClientCredentials(deps, claims) === 'identity') return grantByIdentity(deps, request);
  if (!presentsIdentity(claims)) return issueSystemToken(deps, request);
  throw new GatewayError('invalid_request', 'This gateway takes no identity tokens: leave cms_smart out.');
};

/** How each grant type is answered, and the step that its request counts as. */
const byGrantType: Readonly<
  Record<GrantType, { readonly answer: Endpoint; readonly step: (deps: TokenDeps, form: RequestParameters) => Step }>
> = {
  authorization_code: { answer: redeemCode, step: () => 'redeem' },
  refresh_token: { answer: refresh, step: () => 'refresh' },
  client_credentials: {
    answer: answerClientCredentials,
    step: (deps, form) => kindOfClientCredentials(deps, unverifiedClaims(form.values.get('client_assertion'))),
  },
};

const isGrantType = (text: string): text is GrantType => Object.hasOwn(byGrantType, text);

const requestTokens: Endpoint = (deps, request) => {
  const grantType = request.form.values.get('grant_type');
  if (grantType === undefined) throw new GatewayError('invalid_request', 'grant_type is missing.');
  const hasClientCredentials = deps.identity !== undefined || deps.exchanges !== undefined;
  if (!isGrantType(grantType) || (grantType === identityGrantType && !hasClientCredentials)) {
    const known = hasClientCredentials ? [...grantTypes, identityGrantType] : grantTypes;
    throw new GatewayError('unsupported_grant_type', `grant_type must be ${known.join(' or ')}.`);
  }
  return byGrantType[grantType].answer(deps, request);
};

const endpoints = { token: requestTokens, revoke: revokeToken, introspect } as const;

/** The endpoint's name, the last part of its path. API Gateway sends no other path here. */
const nameOf = ({ resource }: ApiEvent): keyof typeof endpoints => {
  const name = resource.slice('/oauth2/'.length);
  if (!Object.hasOwn(endpoints, name)) throw new Error(`The token function has no endpoint at ${resource}.`);
  return name as keyof typeof endpoints;
};

/** A token request counts as a code redemption until its form is read; then as what it asks for, even if that is refused. */
const stepOf = (deps: TokenDeps, event: ApiEvent, form?: RequestParameters): Step => {
  const name = nameOf(event);
  if (name !== 'token') return name;
  const grantType = form?.values.get('grant_type') ?? '';
  if (form === undefined || !isGrantType(grantType)) return 'redeem';
  return byGrantType[grantType].step(deps, form);
};

/** The token, revoke and introspect endpoints (RFC 6749 §3.2, RFC 7009, RFC 7662). */
export const tokenHandler = (deps: TokenDeps) =>
  middy<ApiEvent, ApiResponse>()
    .use(recordRequest(deps, 'token'))
    .use(corsForPartners(deps.registry))
    .use(answerErrors(oauthError))
    .handler(async (event, context) => {
      const { record } = context;
      const { requestId } = record;
      const early = answerIfPreflight(event, 'POST, OPTIONS');
      if (early !== undefined) return early;
      record.step = stepOf(deps, event);
      checkMethod(event, ['POST']);
      const form = parameters(readFormPairs(event));
      record.step = stepOf(deps, event, form);
      if (form.values.get('grant_type') === identityGrantType) checkOneResource(form);
      checkNotRepeated(form);
      const endpoint: Endpoint = endpoints[nameOf(event)];
      const note: TokenRequest['note'] = ({ grantId, payer, partner: owner }) =>
        Object.assign(record, { grantId, payer, partner: record.partner ?? owner });
      const answer = await finishInTime(context, async () => {
        const { partner, assertion } = (await authenticateClient(deps, event, form, record)) ?? {};
        const count: TokenRequest['count'] = (signal) => raise(record, signal);
        return endpoint(deps, { form, partner, assertion, requestId, note, count });
      });
      return json(200, answer, noStore);
    });
