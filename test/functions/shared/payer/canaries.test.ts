import { bodyOf, gateway, northwindTokens, pkce, sentBack, throttled, verifier } from '../../../support/login.ts';

/** Runs every flow once, with and without faults, and collects each secret that passed through. */
const runAll = async () => {
  const test = gateway();
  const secrets = ['canary', 'demo-partner-secret', verifier, 'payer-code', 'partner-state'];
  const key = test.secrets['northwind'];
  if (key && 'private_key_jwk' in key) secrets.push(String(key.private_key_jwk?.['d']));
  secrets.push(northwindTokens.access_token, northwindTokens.refresh_token, northwindTokens.patient);
  const started = await test.start({ ...pkce, state: 'canary-partner-state' });
  secrets.push(started.state, started.cookie.split('=')[1]!);
  await test.callback(test.fromPayer(started.state));
  const { code = '' } = sentBack(await test.callback(test.fromPayer(started.state), { cookie: started.cookie }));
  secrets.push(code);
  await test.callback(test.fromPayer(started.state), { cookie: started.cookie });
  await test.redeem(code, { code_verifier: 'canary-verifier' });
  const first = bodyOf(await test.redeem(code, { code_verifier: verifier }));
  const second = bodyOf(await test.refresh(first.refresh_token));
  secrets.push(first.access_token, first.refresh_token, second.access_token, second.refresh_token);
  const tables = () => [...test.dynamo.items('LoginAttempts').values(), ...test.dynamo.items('Grants').values()];
  const atTheirBest = structuredClone(tables());
  await test.introspect({ token: second.access_token });
  await test.refresh(second.refresh_token, { scope: 'canary' });
  test.dynamo.failNext('UpdateItem', throttled());
  await test.refresh(second.refresh_token);
  await test.revoke({ token: second.access_token });
  await test.refresh(second.refresh_token);
  await test.authorize({ client_id: 'canary', redirect_uri: 'canary', state: 'canary' });
  await test.authorize({ scope: 'canary', aud: 'canary', response_type: 'canary' });
  await test.authorize({}, { payer: 'canary' });
  await test.token({ grant_type: 'canary', code: 'canary' }, { Authorization: `Basic ${btoa('canary:canary')}` });
  const failed = await test.start();
  test.payer.http = async () => Response.json({ error: 'canary', error_description: 'canary' }, { status: 400 });
  await test.callback({ ...test.fromPayer(failed.state), code: 'canary' }, { cookie: failed.cookie });
  const thrown = await test.start();
  test.payer.http = () => Promise.reject(new TypeError('canary', { cause: new Error('canary') }));
  await test.callback({ ...test.fromPayer(thrown.state), code: 'canary' }, { cookie: thrown.cookie });
  return {
    lines: test.lines,
    items: [...atTheirBest, ...tables()],
    secrets: secrets.filter((secret) => secret !== ''),
  };
};

describe('secrets of every flow', () => {
  it('are in no log line', async () => {
    const { lines, secrets } = await runAll();

    expect(lines.length).toBeGreaterThan(15);
    for (const line of lines) {
      for (const secret of secrets) expect(line).not.toContain(secret);
    }
  });

  it('are in no item of a table, in no spelling, but for the patient’s id', async () => {
    const { items, secrets } = await runAll();
    const spellings = (secret: string) => [secret, Buffer.from(secret).toString('base64').replaceAll('=', '')];

    expect(items.length).toBeGreaterThan(3);
    for (const item of items) {
      const text =
        JSON.stringify(item) +
        Object.values(item)
          .map(({ B }) => Buffer.from(B ?? []).toString('latin1'))
          .join();
      for (const secret of secrets.filter((one) => one !== northwindTokens.patient)) {
        for (const spelling of spellings(secret)) expect(text).not.toContain(spelling);
      }
    }
  });
});
