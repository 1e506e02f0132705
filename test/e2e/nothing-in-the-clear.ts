import { lookAt, sendTo } from '../support/login/over-http.ts';
import {
  authorizeRequest,
  callbackRequest,
  freshVerifier,
  partnerRequest,
  pkceOf,
  readRequest,
  redemption,
  renewal,
  type Change,
} from '../support/login/requests.ts';
import { login, tokensIn, type Tokens } from '../support/login/steps.ts';
import { auditObjects, tableItems } from '../support/stored-text.ts';
import { words } from '../support/words.ts';
import { memberAt, type Bundle, type RunningStack } from './support.ts';

let stack: RunningStack;

const tokensFor = async (form: Change): Promise<Tokens> => {
  const client = { client_id: 'demo-partner', client_secret: 'demo-partner-secret' };
  return tokensIn(lookAt(await sendTo(stack.origin, partnerRequest('token', { ...client, ...form }))));
};

/** Tests of a running stack. */
export const nothingInTheClear = (running: () => RunningStack): void => {
  beforeAll(() => {
    stack = running();
  });

  it('keeps no token, code, secret, state, verifier, name, birth date or resource in the clear in tables, audit or logs', async () => {
    const secrets: string[] = words(
      'demo-partner-secret demo-health-plan-secret Mayte822 Venegas795 2011-01-04 01/04/2011',
    );
    // Whom the exchange before asked a former plan for.
    secrets.push(
      ...words('Claims123 Household456 1979-05-14 Alltypes123 Example456 1972-12-01 new-member-1 new-member-2'),
    );
    const resourceIds: string[] = [];
    for (const payer of ['demo-health-plan', 'northwind']) {
      const verifier = freshVerifier();
      const request = authorizeRequest(payer, {
        client_id: 'demo-partner',
        redirect_uri: `${stack.urls.partner}/callback`,
        state: `canary-state-${payer}`,
        ...pkceOf(verifier),
      });
      const { code, begun } = await login(memberAt(stack.origin), request);
      const ours = begun.state;
      const cookie = begun.cookie.split('=')[1] ?? '';
      const tokens = await tokensFor(redemption(code, { code_verifier: verifier }));
      secrets.push(`canary-state-${payer}`, ours, cookie, code, verifier, tokens.access_token, tokens.refresh_token);
      const read = (path: string, token?: string, query: readonly (readonly [string, string])[] = []) =>
        sendTo(stack.origin, readRequest(payer, path, token, { query }));
      const found = await read('Patient', tokens.access_token, [['birthdate', '2011-01-04']]);
      expect(found.status).toBe(200);
      await found.text();
      const bundle = (await (await read('Observation', tokens.access_token, [['_count', '5']])).json()) as Bundle;
      const { entry = [] } = bundle;
      expect(entry.length).toBeGreaterThan(0);
      resourceIds.push(...entry.map(({ resource }) => resource.id));
      const one = await read(`Observation/${entry[0]?.resource.id}`, tokens.access_token);
      expect(one.status).toBe(200);
      await one.text();
      const pair = await tokensFor(renewal(tokens.refresh_token));
      secrets.push(pair.access_token, pair.refresh_token);
      await read('Patient', undefined, [['name', 'Mayte822']]);
      await sendTo(stack.origin, callbackRequest(payer, { code: 'canary-code', state: ours }));
    }
    secrets.push('canary-code');
    expect(secrets.every((secret) => secret.length > 7)).toBe(true);

    const items = await tableItems(stack);
    // The exports were deleted by now; test/exports/leaks.test.ts searches while they exist.
    const empty = [...items].filter(([, found]) => found.length === 0).map(([name]) => name);
    expect(empty.filter((name) => name !== 'exports')).toEqual([]);
    const tables = [...items.values()];
    const places = {
      tables: tables.flat().join('\n'),
      audit: [...(await auditObjects(stack))].flat().join('\n'),
      functions: stack.functionLines.join('\n'),
      requests: stack.requestLines.join('\n'),
    };

    expect(stack.functionLines.length).toBeGreaterThan(10);
    expect(stack.requestLines.length).toBeGreaterThan(10);
    expect(places.audit.match(/"resourceType":"AuditEvent"/g)?.length).toBeGreaterThan(10);
    const foundIn = (place: string, text: string, all: readonly string[]): string[] =>
      all.filter((word) => text.includes(word)).map((word) => `${place}: ${word.slice(0, 12)}`);
    expect(Object.entries(places).flatMap(([place, text]) => foundIn(place, text, secrets))).toEqual([]);
    // The local server's own lines contain paths.
    const { requests: _paths, ...gateways } = places;
    expect(Object.entries(gateways).flatMap(([place, text]) => foundIn(place, text, resourceIds))).toEqual([]);
  });
};
