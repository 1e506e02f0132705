import { unavailable } from '../../../functions/shared/errors.ts';
import { metric, signalsOf } from '../../support/embedded-metrics.ts';
import { startMs } from '../../support/gateway.ts';
import {
  bodyOf,
  formOf,
  gateway,
  localRegistry,
  northwindTokens,
  pkce,
  redirectUri,
  sentBack,
  withPayer,
} from '../../support/login.ts';
import { indexMember } from '../../support/member-key.ts';

describe('the callback, on success', () => {
  it('sends the 1up payer exactly what the reference page documents, then asks it whose record this is', async () => {
    const { start, callback, payer } = gateway();
    payer.http = async (url) =>
      String(url).endsWith('/Patient')
        ? Response.json({ resourceType: 'Bundle', entry: [{ resource: { resourceType: 'Patient', id: 'p-7' } }] })
        : Response.json({ access_token: 'a', refresh_token: 'r', token_type: 'bearer', expires_in: 7200 });
    const { state, cookie } = await start({}, { payer: 'demo-health-plan' });

    const response = await callback({ state, code: 'c', iss: 'ignored' }, { cookie, payer: 'demo-health-plan' });

    expect(sentBack(response)['code']).toBeDefined();
    expect(payer.requests.map(({ url }) => url)).toEqual([
      'http://127.0.0.1:3001/oauth2/token',
      'http://127.0.0.1:3001/r4/Patient',
    ]);
    expect(Object.fromEntries(formOf(payer.requests[0]?.init))).toEqual({
      grant_type: 'authorization_code',
      code: 'c',
      client_id: 'gateway-at-demo-health-plan',
      client_secret: 'demo-health-plan-secret',
    });
  });
});

describe('the grant', () => {
  const grantedNone = 'The health plan granted none of the access that was asked for.';

  it.each([
    ['the payer’s access token, if the payer gave no refresh token', { expires_in: 300 }, 300],
    ['our access token, if the payer said no lifetime either', { expires_in: undefined }, 3600],
  ])('ends with %s', async (_, change, lives) => {
    const { login, redeem, payer, grant } = gateway();
    payer.http = async () => Response.json({ ...northwindTokens, refresh_token: undefined, ...change });

    const tokens = bodyOf(await redeem(await login()));

    expect([tokens.refresh_token, tokens.scope]).toEqual([undefined, 'launch/patient patient/*.rs']);
    expect(tokens.expires_in).toBe(lives);
    expect(grant()['endsAt']).toEqual({ N: String(startMs / 1000 + lives) });
  });

  it('is made by two writes, bound to what the login asked for, ends with its code, and is told to audit and log', async () => {
    const { start, callback, fromPayer, grant, lastLine, dynamo } = gateway();
    const { state, cookie } = await start({ ...pkce });
    dynamo.calls();

    await callback(fromPayer(state), { cookie });

    expect(dynamo.calls()).toEqual(['UpdateItem', 'PutItem']);
    const now = startMs / 1000;
    const { grantId, ...item } = grant();
    expect(item).toMatchObject({
      payer: { S: 'northwind' },
      partner: { S: 'demo-partner' },
      redirectUri: { S: redirectUri },
      codeChallenge: { S: pkce.code_challenge },
      patient: { S: 'patient-1' },
      refreshable: { BOOL: true },
      expiresAt: { N: String(now + 60) },
      endsAt: { N: String(now + 90 * 86_400) },
    });
    const { requestId, ...line } = lastLine();
    expect(item['lastEvent']).toEqual({
      M: { type: { S: 'created' }, at: { N: String(now) }, requestId: { S: requestId } },
    });
    const about = { payer: 'northwind', partner: 'demo-partner', grantId: grantId?.S };
    expect(line).toMatchObject({ function: 'callback', step: 'callback', outcome: 'ok', ...about });
  });

  it.each<[string, string[], string, string]>([
    [
      'what we asked it for',
      ['patient/Observation.rs', 'patient/Claim.r'],
      'patient/*.rs',
      'patient/Observation.rs patient/Claim.r',
    ],
    ['of what we asked it for that which the partner asked for', ['user/*.read'], 'patient/Claim.r', 'patient/Claim.r'],
    ['everything that the partner requested, if we requested no scope', [], 'patient/*.rs', 'patient/*.rs'],
    [
      'everything that the partner requested, if we requested scopes of its own',
      ['records'],
      'patient/*.rs',
      'patient/*.rs',
    ],
  ])('has, if the payer names no scope, %s (RFC 6749 §5.1)', async (_, scopes, scope, granted) => {
    const test = gateway();
    for (const said of [undefined, null]) {
      test.payer.http = async () => Response.json({ ...northwindTokens, scope: said });
      const { login, redeem } = test.reconfigured(withPayer('northwind', { scopes }));

      expect(bodyOf(await redeem(await login({ scope }))).scope).toBe(granted);
    }
    // RFC 6749 §3.3: a scope has at least one word. A scope without any is not the same as a missing one.
    for (const said of ['', ' ', ',', [], ['']]) {
      test.payer.http = async () => Response.json({ ...northwindTokens, scope: said });
      const stage = (profile: object) => test.reconfigured(withPayer('northwind', { scopes, ...profile }));

      await expect(stage({}).login({ scope })).rejects.toThrow('error=access_denied');
      expect(test.lastLine()).toMatchObject({
        detail: expect.stringMatching(/names nothing; .* write grantedScope: 'asRequested'$/),
      });
      const { login, redeem } = stage({ grantedScope: 'asRequested' });
      expect(bodyOf(await redeem(await login({ scope }))).scope).toBe(granted);
    }
    for (const said of [5, {}, false, [{}], ['openid', []]]) {
      test.payer.http = async () => Response.json({ ...northwindTokens, scope: said });
      const { login } = test.reconfigured(withPayer('northwind', { scopes, grantedScope: 'asRequested' }));

      await expect(login({ scope })).rejects.toThrow('error=access_denied');
      expect(test.lastLine()).toMatchObject({
        detail: expect.stringMatching(/not a text", in which no scope can be read/),
      });
    }
  });

  it('holds no more than a payer’s answer of 100 KB and the partner’s request have in common', async () => {
    const { login, redeem, payer } = gateway();
    const scope = Array.from({ length: 4000 }, (_none, at) => `patient/Claim.rs?x=${at}`).join(' ');
    payer.http = async () => Response.json({ ...northwindTokens, scope });

    expect(bodyOf(await redeem(await login({ scope: 'patient/*.rs' }))).scope).toBe(
      scope.split(' ').slice(0, 50).join(' '),
    );
  });

  it('keeps a requested offline_access if the payer gave a refresh token without naming it', async () => {
    const { login, redeem, payer } = gateway();
    payer.http = async () => Response.json({ ...northwindTokens, scope: 'patient/*.read' });

    const answer = bodyOf(await redeem(await login({ scope: 'launch/patient patient/*.rs offline_access' })));

    expect(answer.scope.split(' ')).toContain('offline_access');
    expect(answer.refresh_token).toBeDefined();
  });

  it.each([
    [
      'not asked for a scope, and names scopes of its own, which mean nothing here',
      [],
      'openid records user',
      'patient/*.rs',
    ],
    ['asked for no scope, about resources', [], 'openid patient/Observation.rs', 'patient/Observation.rs'],
    ['asked for no scope, about resources first', [], 'user/Condition.rs openid', 'patient/Condition.rs'],
    [
      'asked for a type, and grants a part of it',
      ['patient/*.rs'],
      'patient/Observation.rs?category=laboratory',
      'patient/Observation.rs?category=laboratory',
    ],
    [
      'asked for scopes, and spells them otherwise',
      ['patient/*.rs'],
      'Patient/observation.Read',
      'patient/Observation.rs',
    ],
    [
      'asked for scopes, and adds what means nothing',
      ['patient/*.rs'],
      'user/X.rs user/Claim.r',
      'patient/Claim.r',
      'user/X.rs',
    ],
    [
      'asked for scopes, and adds words that are made of more than scopes are',
      ['patient/*.rs'],
      'user/X.rs user/Ann;1947.rs user/Claim.r',
      'patient/Claim.r',
      /"user\/X.rs" and 1 word that is not shown$/,
    ],
    [
      'asked for scopes, and names scopes of its own, which grant nothing',
      ['patient/*.rs'],
      'openid',
      undefined,
      'openid',
    ],
    [
      'asked for scopes, and adds one behind a URL',
      ['patient/*.rs'],
      'https://plan.example/scopes/patient/Observation.rs https://plan.example/launch user/Claim.r',
      'patient/Claim.r',
      /ignored in the payer's scope: "https:\/\/plan.example\/scopes\/patient\/Observation.rs https:\/\/plan.example\/launch"$/,
    ],
    [
      'asked for scopes, and has all behind a URL',
      ['patient/*.rs'],
      'https://plan.example/patient/*.rs',
      undefined,
      /in which no scope can be read; words of its own that name no resources belong into ownScopes$/,
    ],
    ['asked for no scope, and names resources that are none', [], 'patient/X.rs openid', undefined, 'patient/X.rs'],
    [
      'asked for no scope, and writes what cannot be read',
      [],
      'patient.records.read openid',
      undefined,
      /^the payer granted "patient.records.read openid", in which no scope can be read; words .* into ownScopes$/,
    ],
    [
      'asked for no scope, and answers with a list in which an object is',
      [],
      ['openid', { resource: 'Observation' }],
      undefined,
      /^the payer granted "openid not a text", in which no scope can be read; words .* into ownScopes$/,
    ],
    [
      'asked for scopes of its own, and adds what cannot be read to what can',
      ['records'],
      'records api://plan/records user/Claim.r',
      'patient/Claim.r',
      /^ignored in the payer's scope: "api:\/\/plan\/records"$/,
    ],
    ['asked for scopes, and grants no reading', ['patient/*.rs'], 'patient/*.write', undefined, 'in common'],
  ])('takes the scope of a payer that was %s', async (_, scopes, answered, granted, remark = '') => {
    const test = gateway();
    test.payer.http = async () => Response.json({ ...northwindTokens, scope: answered });
    const { start, callback, fromPayer } = test.reconfigured(withPayer('northwind', { scopes }));
    const { state, cookie } = await start({ scope: 'patient/*.rs' });

    const response = await callback(fromPayer(state), { cookie });

    const [grant] = test.dynamo.items('Grants').values();
    expect(grant?.['scope']?.S).toBe(granted);
    expect(sentBack(response)['error_description']).toBe(granted === undefined ? grantedNone : undefined);
    // The payer's words are for the operator.
    const { detail = '' } = test.lastLine() as { detail?: string };
    expect(detail).toMatch(remark === '' ? /^$/ : remark);
    expect(JSON.stringify(sentBack(response))).not.toContain('openid');
  });

  it.each([
    ['is what was asked for, if the payer names words of its own', 'records offline_access', 'patient/Claim.rs'],
    ['is nothing, if it names resources that are none', 'records patient/X.rs', undefined],
    ['is nothing, if it names a context only', 'records Patient/*', undefined],
    ['is nothing, if it has a word that cannot be read', 'records claims.all', undefined],
    ['is what it names, if it names resources', 'records patient/Claim.r', 'patient/Claim.r'],
  ])("with grantedScope: 'asRequested' %s", async (_, answered, granted) => {
    const test = gateway();
    test.payer.http = async () => Response.json({ ...northwindTokens, scope: answered });
    const profile = { scopes: ['patient/Claim.rs'], grantedScope: 'asRequested' } as const;
    const { start, callback, fromPayer } = test.reconfigured(withPayer('northwind', profile));
    const { state, cookie } = await start({ scope: 'patient/*.rs' });

    await callback(fromPayer(state), { cookie });

    expect([...test.dynamo.items('Grants').values()][0]?.['scope']?.S).toBe(granted);
  });

  it.each([
    ['ends with the consent at the payer', 30 * 86_400, 30 * 86_400],
    ['ends with the stage’s lifetime, if the consent lasts longer', 400 * 86_400, 180 * 86_400],
  ])('%s', async (_, consentLifetime, lives) => {
    const { reconfigured, grant } = gateway();

    await reconfigured(withPayer('northwind', { consentLifetime })).login();

    expect(grant()['endsAt']).toEqual({ N: String(startMs / 1000 + lives) });
  });
});

type Test = ReturnType<typeof gateway>;

const comeBack = async (test: Test) => {
  const { state, cookie } = await test.start();
  return test.callback(test.fromPayer(state), { cookie });
};

describe('a login', () => {
  it('writes the index of its member with the grant', async () => {
    const test = gateway();
    await test.login();
    const { payer, patient, memberIndex } = test.grant();
    const member = { payer: payer?.S ?? '', patient: patient?.S ?? '' };
    expect(memberIndex?.S).toBe(await indexMember(member));
  });

  it('writes none where the grant knows no patient, and asks for none', async () => {
    const asked: unknown[] = [];
    const test = gateway({
      registry: withPayer('northwind', { patientFrom: 'none' })(localRegistry()),
      indexMember: async (member) => {
        asked.push(member);
        return 'index';
      },
    });
    await test.login();
    expect(test.grant()).not.toHaveProperty('memberIndex');
    expect(asked).toEqual([]);
  });

  it('makes no grant if the index cannot be computed, gives the tokens back to the payer, and says to try again', async () => {
    const test = gateway({ indexMember: () => Promise.reject(unavailable('kms: DisabledException')) });

    const response = await comeBack(test);

    expect(sentBack(response)).toMatchObject({ error: 'temporarily_unavailable', state: 'partner-state' });
    expect([...test.dynamo.items('Grants').values()]).toEqual([]);
    const revoked = test.payer.requests.filter(({ url }) => url.includes('/revoke'));
    expect(revoked.map(({ init }) => formOf(init).get('token'))).toEqual([northwindTokens.refresh_token]);
    expect(JSON.parse(test.lines.at(-1) ?? '')).toMatchObject({
      error: 'temporarily_unavailable',
      detail: 'kms: DisabledException',
    });
    expect(test.lines.join()).not.toContain('patient-1');
  });
});

/** The log line of a payer's return. */
const lineOf = async (test: Test, payer = 'northwind'): Promise<string> => {
  const { state, cookie } = await test.start({}, { payer });
  await test.callback(test.fromPayer(state), { cookie, payer });
  return test.lines.at(-1) ?? '';
};
describe('what a login counts', () => {
  it('is a success, without a signal', async () => {
    const line = await lineOf(gateway());

    expect(metric(line, 'requests')).toEqual({ 'step=callback outcome=ok': 1 });
    expect(signalsOf(line)).toEqual([]);
  });

  it.each([
    ['does not answer', () => Promise.reject(new TypeError('fetch failed', { cause: new Error('x') })), ['payerDown']],
    ['names nobody', () => Response.json({ resourceType: 'Bundle' }), []],
  ])('is a patient search that %s as a failure', async (_, answer, signals) => {
    const test = gateway();
    test.payer.http = async (url) => (String(url).endsWith('/Patient') ? answer() : Response.json(northwindTokens));

    const line = await lineOf(test, 'demo-health-plan');

    expect(JSON.parse(line)).toMatchObject({ outcome: 'failed' });
    expect(signalsOf(line)).toEqual(signals);
  });
});

it('makes no metric for a payer that only the path names', async () => {
  const test = gateway();

  await test.authorize({}, { payer: 'no-such-payer' });
  await test.callback({ state: 's' }, { payer: 'no-such-payer' });

  expect(test.lines).toHaveLength(2);
  expect(test.lines.join()).not.toContain('no-such-payer');
  expect(metric(test.lines[0] ?? '', 'requests')).toEqual({ 'step=authorize outcome=refused': 1 });
  expect(metric(test.lines[1] ?? '', 'requests')).toEqual({ 'step=callback outcome=refused': 1 });
});
