import { createHash, randomBytes } from 'node:crypto';
import { auditObjects, tableItems } from '../support/stored-text.ts';
import { startStack, walkLogin, type Bundle, type RunningStack, type Tokens } from './support.ts';

let stack: RunningStack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

const post = async (form: Record<string, string>): Promise<Tokens> => {
  const answer = await fetch(`${stack.origin}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: 'demo-partner', client_secret: 'demo-partner-secret', ...form }),
  });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Tokens;
};

it('keeps no token, code, secret, state, verifier, name, birth date or resource in the clear: not in tables, audit or logs', async () => {
  const secrets: string[] = [
    'demo-partner-secret',
    'demo-health-plan-secret',
    'Mayte822',
    'Venegas795',
    '2011-01-04',
    '01/04/2011',
  ];
  const resourceIds: string[] = [];
  for (const payer of ['demo-health-plan', 'northwind']) {
    const verifier = randomBytes(32).toString('base64url');
    const query = new URLSearchParams({
      client_id: 'demo-partner',
      redirect_uri: `${stack.urls.partner}/callback`,
      state: `canary-state-${payer}`,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
    const authorizeUrl = `${stack.origin}/oauth2/authorize/${payer}?${query}`;
    const toPayer = await fetch(authorizeUrl, { redirect: 'manual' });
    const ours = new URL(toPayer.headers.get('location') ?? '').searchParams.get('state') ?? '';
    const cookie = toPayer.headers.getSetCookie()[0]?.split(';')[0]?.split('=')[1] ?? '';
    const back = await walkLogin(authorizeUrl);
    const code = back.searchParams.get('code') ?? '';
    const tokens = await post({ grant_type: 'authorization_code', code, code_verifier: verifier });
    secrets.push(`canary-state-${payer}`, ours, cookie, code, verifier, tokens.access_token, tokens.refresh_token);
    const bearer = { authorization: `Bearer ${tokens.access_token}` };
    const read = await fetch(`${stack.origin}/r4/${payer}/Patient?birthdate=2011-01-04`, { headers: bearer });
    expect(read.status).toBe(200);
    await read.text();
    const found = await fetch(`${stack.origin}/r4/${payer}/Observation?_count=5`, { headers: bearer });
    const { entry = [] } = (await found.json()) as Bundle;
    expect(entry.length).toBeGreaterThan(0);
    resourceIds.push(...entry.map(({ resource }) => resource.id));
    const one = await fetch(`${stack.origin}/r4/${payer}/Observation/${entry[0]?.resource.id}`, { headers: bearer });
    expect(one.status).toBe(200);
    await one.text();
    const pair = await post({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token });
    secrets.push(pair.access_token, pair.refresh_token);
    await fetch(`${stack.origin}/r4/${payer}/Patient?name=Mayte822`);
    await fetch(`${stack.origin}/oauth2/callback/${payer}?code=canary-code&state=${ours}`);
  }
  secrets.push('canary-code');
  expect(secrets.every((secret) => secret.length > 7)).toBe(true);

  const tables = [...(await tableItems(stack)).values()];
  expect(tables.every((items) => items.length > 0)).toBe(true);
  const places = {
    tables: tables.flat().join('\n'),
    audit: [...(await auditObjects(stack))].flat().join('\n'),
    functions: stack.functionLines.join('\n'),
    requests: stack.requestLines.join('\n'),
  };

  expect(stack.functionLines.length).toBeGreaterThan(10);
  expect(stack.requestLines.length).toBeGreaterThan(10);
  expect(places.audit.match(/"resourceType":"AuditEvent"/g)?.length).toBeGreaterThan(10);
  const foundIn = (place: string, text: string, words: readonly string[]): string[] =>
    words.filter((word) => text.includes(word)).map((word) => `${place}: ${word.slice(0, 12)}`);
  expect(Object.entries(places).flatMap(([place, text]) => foundIn(place, text, secrets))).toEqual([]);
  // The local server's own lines name paths.
  const { requests: _paths, ...gateways } = places;
  expect(Object.entries(gateways).flatMap(([place, text]) => foundIn(place, text, resourceIds))).toEqual([]);
});
