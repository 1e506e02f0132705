import { authorizeEndpoint, authorizeParameters, postAs } from '../../conformance/client.ts';
import { remove } from '../../conformance/exports-client.ts';
import { systemToken } from '../../conformance/plan-client.ts';
import { words } from '../../support/words.ts';
import { drain, type Context } from './context.ts';
import { everyExchangeRequest } from './exchange-answers.ts';

/** Brings the answers of a gateway whose tables are down. What an environment knows already it need not read. */
export const driveOutage = async (context: Context): Promise<void> => {
  const { target, full } = context;
  const plan = await systemToken(target);
  const { origin, portal } = target;
  const unknown = { client_id: 'never-seen' };
  target.wire.setFault('down');
  const form = (endpoint: 'token' | 'revoke' | 'introspect', fields: Record<string, string>) =>
    postAs(target, portal, endpoint, fields);
  const asked = [
    fetch(`${authorizeEndpoint(target)}?${authorizeParameters(target, unknown)}`, { redirect: 'manual' }),
    fetch(authorizeEndpoint(target), {
      method: 'POST',
      body: authorizeParameters(target, unknown),
      redirect: 'manual',
    }),
    fetch(`${origin}/connections/never-seen`, {
      method: 'POST',
      body: new URLSearchParams({ act: 'sign-in' }),
      redirect: 'manual',
    }),
    form('token', { grant_type: 'refresh_token', refresh_token: full.refresh_token }),
    form('revoke', { token: full.access_token }),
    form('introspect', { token: full.access_token }),
    ...words(`
      /oauth2/jwks/never-seen /.well-known/oauth-authorization-server/r4/never-seen
      /r4/never-seen/.well-known/smart-configuration /r4/never-seen/.well-known/oauth-authorization-server
      /r4/never-seen/metadata /brands?client_id=never-seen /connect?client_id=never-seen
      /connections/never-seen
      /connect/payers?client_id=never-seen
    `).map((path) => fetch(`${origin}${path}`)),
    ...everyExchangeRequest(context, plan).map((send) => send()),
    remove(`${origin}/exports/clear-health/unknown`, full.access_token),
  ];
  await Promise.all(asked.map(drain));
  target.wire.setFault(undefined);
};
