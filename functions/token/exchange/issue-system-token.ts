import { nowSeconds } from '../../shared/clock.ts';
import { GatewayError } from '../../shared/errors.ts';
import { mayBeAsked, systemScope } from '../../shared/partner/authenticate-system.ts';
import { bearerSizes, writeBearer } from '../../shared/store/bearers.ts';
import { sha256 } from '../../shared/store/crypto.ts';
import { putSystemToken } from '../../shared/store/system-tokens.ts';
import { requireTarget } from '../check-target.ts';
import { requireAssertion, type AuthenticatedPartner } from '../client-authentication.ts';
import type { TokenDeps, TokenRequest } from '../deps.ts';
import { mayPresent } from '../identity/takes-identities.ts';

/** Five minutes, as SMART Backend Services recommends: whoever needs a token for longer asks again. */
const systemTokenSeconds = 300;

const place = "among the client assertion's claims (its payload, not its header), as extensions.cms_smart";

const asksForMember = (scope = ''): boolean => /(^| )(patient\/|launch\/patient)/.test(scope);

/** @throws GatewayError `unauthorized_client` */
const refuseAsPlan = (isPresenter: boolean): never => {
  throw new GatewayError(
    'unauthorized_client',
    isPresenter
      ? `This app is not registered to ask former plans for records. A member's identity token belongs ${place}.`
      : "This app is registered neither to ask former plans for records nor to present its members' identity tokens.",
  );
};

/**
 * @throws GatewayError `invalid_client`; `invalid_request` if the partner means to present an identity token;
 * `unauthorized_client` if it may not ask for records as a plan
 */
const requirePlan = ({ identity }: TokenDeps, request: TokenRequest): AuthenticatedPartner => {
  const [client] = requireAssertion(request);
  const scope = request.form.values.get('scope');
  const isPresenter = identity !== undefined && mayPresent(client);
  if (isPresenter && (asksForMember(scope) || (client.exchange === undefined && scope !== systemScope))) {
    throw new GatewayError(
      'invalid_request',
      `The client assertion has no extensions.cms_smart. Write the member's identity token ${place}.`,
    );
  }
  if (client.exchange === undefined) return refuseAsPlan(isPresenter);
  return client;
};

/** @throws GatewayError `invalid_scope` */
const checkScope = (scope: string | undefined): void => {
  if (scope === systemScope) return;
  const why = asksForMember(scope)
    ? `. A member's identity token belongs ${place}.`
    : ': it is all that a system token can have.';
  throw new GatewayError('invalid_scope', `scope must be ${systemScope}${why}`, {
    detail: 'another scope than that of a system token',
  });
};

/**
 * Issues a partner's own token for its exchanges with one payer (RFC 6749 §4.4, RFC 8707; SMART Backend Services). It has no
 * member, no grant and no refresh token.
 * @throws GatewayError of RFC 6749 §5.2, `invalid_target`, `temporarily_unavailable`
 */
export const issueSystemToken = async (deps: TokenDeps, request: TokenRequest): Promise<object> => {
  const { exchanges } = deps;
  if (exchanges === undefined) throw new TypeError('this stage has no exchanges');
  const { clientId: partner } = requirePlan(deps, request);
  const payer = await requireTarget(deps, request.form, request.partner!, {
    takes: mayBeAsked,
    otherwise: 'This health plan is not asked for records of members who have left it.',
    note: (id) => request.note({ payer: id, partner }),
  });
  checkScope(request.form.values.get('scope'));

  const text = writeBearer({ kind: 'system', secret: deps.randomBytes(bearerSizes.secret) });
  const now = nowSeconds(deps.clock);
  const expiresAt = now + systemTokenSeconds;
  await putSystemToken(exchanges, { hash: sha256(text), partner, payer: payer.id, now, expiresAt });
  return { access_token: text, token_type: 'Bearer', expires_in: systemTokenSeconds, scope: systemScope };
};
