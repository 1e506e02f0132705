import { signalsOf } from '../../support/embedded-metrics.ts';
import { basic, bodyOf, gateway, pkce, throttled, verifier, withPartner } from '../../support/login.ts';
import { readsOf } from '../../support/stale-reads.ts';
import { refreshTokenWithAnotherSecret } from './forged-bearers.ts';

describe('refreshing a pair', () => {
  it('reads once and writes once, and calls no payer', async () => {
    const { connect, refresh, dynamo, payer } = gateway();
    const { refresh_token: token } = await connect();
    dynamo.calls();
    payer.requests.length = 0;

    await refresh(token);

    expect(dynamo.calls()).toEqual(['GetItem', 'UpdateItem']);
    expect(payer.requests).toEqual([]);
  });

  it('leaves the previous access token valid until it expires', async () => {
    const { connect, refresh, isActive, passSeconds } = gateway();
    const first = await connect();
    passSeconds(1800);
    await refresh(first.refresh_token);

    expect(await isActive(first.access_token)).toBe(true);
    passSeconds(1800);
    expect(await isActive(first.access_token)).toBe(false);
  });

  it('limits the scope to the partner’s current registration, without ending or using up anything', async () => {
    const test = gateway();
    const { refresh_token: token } = await test.connect();
    const under = async (scopes: string[], form: Record<string, string> = {}) => {
      const response = await test.reconfigured(withPartner('demo-partner', { scopes })).refresh(token, form);
      return { status: response.statusCode, ...bodyOf(response) };
    };

    const nothing = await under(['launch/patient', 'user/*.rs', 'offline_access']);
    const online = await under(['launch/patient', 'patient/*.rs']);
    const narrowed = await under(['patient/Claim.r', 'offline_access'], { scope: 'patient/*.rs patient/Claim.rs' });
    const again = await under(['patient/Coverage.rs', 'patient/Claim.r', 'offline_access'], {
      scope: 'patient/Claim.rs',
    });

    expect(nothing).toMatchObject({
      status: 400,
      error: 'invalid_scope',
      error_description:
        'This app is no longer registered for anything of what was granted: launch/patient, patient/*.rs, offline_access. Ask the member to connect again.',
    });
    expect(online).toMatchObject({
      status: 400,
      error: 'invalid_grant',
      error_description: 'This app may no longer refresh its access. Ask the member to connect again.',
    });
    expect(narrowed).toMatchObject({ status: 200, scope: 'patient/Claim.r' });
    // The repeat within the grace period returns the same access token, with the same scope.
    expect(again).toMatchObject({ status: 200, scope: 'patient/Claim.r', access_token: narrowed.access_token });
    expect(bodyOf(await test.refresh(narrowed.refresh_token)).scope).toBe('launch/patient patient/*.rs offline_access');
  });
});

describe('the first refresh after the registration gained types', () => {
  const refreshed = async (form: Record<string, string>) => {
    const test = gateway();
    const under = (types: string) => {
      const scopes = [...types.split(' '), 'offline_access'];
      return test.reconfigured(withPartner('demo-partner', { scopes }));
    };
    const before = under('patient/Claim.rs');
    const code = await before.login({ scope: 'patient/*.rs offline_access' });
    const { refresh_token: token } = bodyOf(await before.redeem(code));
    return bodyOf(await under('patient/Claim.rs patient/Goal.rs').refresh(token, form));
  };

  it.each([
    'patient/*.rs offline_access',
    'patient/*.read offline_access',
    'patient/*.rs patient/Claim.rs offline_access',
  ])('may name the wildcard of the login (%s), which means what was granted of it', async (scope) => {
    const answer = await refreshed({ scope });

    expect(answer.error_description).toBeUndefined();
    // In the spelling of the request.
    expect(answer.scope).toMatch(/^patient\/Claim\.(?:rs|read) offline_access$/);
  });

  it.each(['patient/Goal.rs', 'patient/*.rs patient/Goal.r'])(
    'may not name such a type itself: %s (RFC 6749 §6)',
    async (scope) => {
      expect(await refreshed({ scope })).toMatchObject({
        error: 'invalid_scope',
        error_description: expect.stringContaining('patient/Goal.r'),
      });
    },
  );
});

const app = { client_id: 'demo-app', redirect_uri: 'http://localhost:3002/app/callback' };

describe('a refresh that is repeated within its grace', () => {
  it('gives the same pair again, by one read and no write, and is counted', async () => {
    const { connect, refresh, dynamo, passSeconds, lines } = gateway();
    const { refresh_token: token } = await connect();
    const second = bodyOf(await refresh(token));
    passSeconds(59);
    dynamo.calls();

    const again = bodyOf(await refresh(token));

    expect(again).toEqual({ ...second, expires_in: 3600 - 59 });
    expect(dynamo.calls()).toEqual(['GetItem']);
    expect(lines.flatMap(signalsOf)).toEqual(['refreshRepeated']);
  });

  it.each<[string, Record<string, string>, Record<string, string>, string?]>([
    ['a narrower one', {}, { scope: 'patient/Claim.rs' }],
    ['all', { scope: 'patient/Claim.rs' }, {}],
    ['other types', { scope: 'patient/Claim.rs' }, { scope: 'patient/Coverage.rs' }],
    ['nothing that is granted', {}, { scope: 'patient/*.cruds' }, 'gives this app nothing to read'],
  ])(
    'is refused if it asks for another scope (%s), is counted, and changes nothing',
    async (_, first, other, why = 'A repeat must ask for the same scope.') => {
      for (const [headers, client] of [
        [basic(), {}],
        [{}, { ...app, code_verifier: verifier }],
      ] as const) {
        const { login, redeem, refresh, grant, dynamo, lines } = gateway();
        const code = await login('client_id' in client ? { ...app, ...pkce } : {});
        const { refresh_token: token } = bodyOf(await redeem(code, client, headers));
        const answer = bodyOf(await refresh(token, first, headers));
        const before = grant();
        dynamo.calls();

        const refused = await refresh(token, other, headers);

        expect(refused.statusCode).toBe(400);
        expect(bodyOf(refused)).toEqual({
          error: 'invalid_scope',
          error_description: expect.stringContaining(why),
        });
        expect(dynamo.calls()).toEqual(['GetItem']);
        expect(grant()).toEqual(before);
        expect(lines.flatMap(signalsOf)).toEqual(['refreshRepeated']);
        const { access_token, scope } = bodyOf(await refresh(token, first, headers));
        expect({ access_token, scope }).toEqual({ access_token: answer.access_token, scope: answer.scope });
      }
    },
  );

  it.each<[string, Record<string, string>, string[], string[], string]>([
    ['gained types, and the request names none', {}, ['patient/Claim.r'], ['patient/*.rs'], 'patient/Claim.r'],
    [
      'gained the type of a wildcard',
      { scope: 'patient/*.rs' },
      ['patient/Claim.r'],
      ['patient/*.rs'],
      'patient/Claim.r',
    ],
    [
      'gained a type that is requested',
      { scope: 'patient/Claim.r patient/Goal.r' },
      ['patient/Claim.r'],
      ['patient/*.rs'],
      'patient/Claim.r',
    ],
    [
      'gained more of a type than was granted',
      { scope: 'user/*.rs patient/*.rs' },
      ['patient/Claim.r'],
      ['user/*.rs', 'patient/*.rs'],
      'patient/Claim.r',
    ],
    [
      'lost a type',
      { scope: 'patient/Goal.r patient/Claim.r' },
      ['patient/*.rs'],
      ['patient/Claim.r'],
      'patient/Claim.r',
    ],
    [
      'lost all that was answered',
      { scope: 'patient/Goal.r' },
      ['patient/*.rs'],
      ['patient/Claim.r'],
      'gives this app nothing to read',
    ],
  ])(
    'gives the same pair again, and never more, after the registration %s',
    async (_, form, before, after, expected) => {
      for (const [headers, client] of [
        [basic(), {}],
        [{}, { ...app, code_verifier: verifier }],
      ] as const) {
        const test = gateway();
        const isApp = 'client_id' in client;
        const code = await test.login(isApp ? { ...app, ...pkce } : {});
        const { refresh_token: token } = bodyOf(await test.redeem(code, client, headers));
        const under = (scopes: string[], asked: Record<string, string>) =>
          test
            .reconfigured(withPartner(isApp ? 'demo-app' : 'demo-partner', { scopes: [...scopes, 'offline_access'] }))
            .refresh(token, asked, headers);
        const first = bodyOf(await under(before, form));

        // The same words in another order are the same request.
        const words = form['scope']?.split(' ').toReversed().join('  ');
        const again = bodyOf(await under(after, words === undefined ? {} : { scope: words }));

        if (again.error === undefined) {
          expect(again.access_token).toBe(first.access_token);
          expect(again.scope.replace(/ ?offline_access/, '')).toBe(expected);
        } else
          expect(again).toMatchObject({ error: 'invalid_scope', error_description: expect.stringContaining(expected) });
      }
    },
  );

  it('gives the pair whose answer was lost on the way', async () => {
    const { connect, refresh, dynamo, isActive } = gateway();
    const { refresh_token: token } = await connect();
    dynamo.failNext('UpdateItem', throttled(), { after: true });

    const [lost, again] = [await refresh(token), await refresh(token)];

    expect(lost.statusCode).toBe(503);
    expect(again.statusCode).toBe(200);
    expect(await isActive(bodyOf(again).access_token)).toBe(true);
  });
});

describe('a refresh token that was replaced', () => {
  it.each(['openid', 'system/*.rs', 'patient/*.rs', '"', ' '])('is reuse with any scope: %j', async (scope) => {
    const { login, redeem, refresh, isActive } = gateway();
    const { refresh_token: oldest } = bodyOf(await redeem(await login({ scope: 'patient/Claim.rs offline_access' })));
    const second = bodyOf(await refresh(oldest));
    const third = bodyOf(await refresh(second.refresh_token));

    const reuse = await refresh(oldest, { scope });

    expect(bodyOf(reuse).error).toBe('invalid_grant');
    expect(await isActive(third.access_token)).toBe(false);
  });
});

describe('a public client’s refresh that is repeated within its grace', () => {
  const start = async () => {
    const test = gateway();
    const code = await test.login({ ...app, ...pkce });
    const pair = bodyOf(await test.redeem(code, { ...app, code_verifier: verifier }, {}));
    const show = async (token: string) => {
      const response = await test.refresh(token, app, {});
      return { ...bodyOf(response), statusCode: response.statusCode, headers: response.headers };
    };
    return { ...test, token: pair.refresh_token, show };
  };

  it('gives the same access token with a refresh token of its own, by one read and one write', async () => {
    const { token, show, dynamo, passSeconds } = await start();
    const first = await show(token);
    passSeconds(9);
    dynamo.calls();

    const [second, third] = [await show(token), await show(token)];

    expect([second.access_token, third.access_token]).toEqual([first.access_token, first.access_token]);
    expect(new Set([token, first.refresh_token, second.refresh_token, third.refresh_token]).size).toBe(4);
    expect(second.expires_in).toBe(3600 - 9);
    expect(dynamo.calls()).toEqual(['GetItem', 'UpdateItem', 'GetItem', 'UpdateItem']);
  });

  it.each([0, 1, 2])('continues with any one of three answers (%s), and ends the others', async (kept) => {
    const { token, show, grant } = await start();
    const answers = [await show(token), await show(token), await show(token)];

    const next = await show(answers[kept]!.refresh_token);
    const last = await show(next.refresh_token);

    expect([next.statusCode, last.statusCode]).toEqual([200, 200]);
    const left = answers[(kept + 1) % 3]!;
    expect(await show(left.refresh_token)).toMatchObject({ statusCode: 400, error: 'invalid_grant' });
    expect(grant()['lastEvent']?.M?.['reason']).toEqual({ S: 'refreshTokenReused' });
    expect(grant()).not.toHaveProperty('repeatHashes');
  });

  it('ends no grant of an honest client: every effect fires twice, every answer is lost once, 100 times', async () => {
    const { show, passSeconds, ...test } = await start();
    let kept = test.token;

    for (let turn = 0; turn < 100; turn += 1) {
      const answers =
        turn % 2 === 0 ? await Promise.all([show(kept), show(kept)]) : [await show(kept), await show(kept)];
      expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200]);
      kept = answers[turn % 3 === 0 ? 0 : 1]!.refresh_token;
      passSeconds(3600);
    }
  });

  const moments = [0, 1, 5, 9].flatMap((gap) =>
    [true, false].map((thiefFirst): [string, number, boolean] => [thiefFirst ? 'before' : 'after', gap, thiefFirst]),
  );
  it.each(moments)(
    'ends a thief who refreshes just %s the member’s app, %s s apart, by the next refresh of either',
    async (_, gap, thiefFirst) => {
      const { token, show, passSeconds, lines, grant } = await start();
      let held = { app: token, thief: token };
      const turn = async (who: 'app' | 'thief') => {
        const answer = await show(held[who]);
        held = { ...held, [who]: answer.refresh_token };
        return answer.statusCode;
      };
      const order = thiefFirst ? (['thief', 'app'] as const) : (['app', 'thief'] as const);
      const rotation = async (): Promise<number[]> => {
        passSeconds(3600);
        const first = await turn(order[0]);
        passSeconds(gap);
        return [first, await turn(order[1])];
      };

      expect([await rotation(), await rotation()]).toEqual([
        [200, 200],
        [200, 400],
      ]);
      expect(grant()['revokedAt']).toBeDefined();
      expect(lines.flatMap(signalsOf)).toEqual(['refreshRepeated', 'reuseDetected']);
    },
  );

  it('is refused with 429 after 50 repeats of one rotation, and nothing is lost', async () => {
    const { token, show, grant, lines } = await start();
    await show(token);
    const repeats = [];
    for (let turn = 0; turn < 51; turn += 1) repeats.push(await show(token));

    expect(repeats.map(({ statusCode }) => statusCode)).toEqual([...Array.from({ length: 50 }, () => 200), 429]);
    expect(repeats[50]).toMatchObject({
      error: 'too_many_requests',
      error_description: 'This refresh was repeated too often. Keep the newest refresh token.',
      headers: { 'Retry-After': '1' },
    });
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ detail: 'no further repeat of this rotation' });
    expect(grant()['repeatHashes']?.SS).toHaveLength(50);
    expect((await show(repeats[49]!.refresh_token)).statusCode).toBe(200);
  });

  it.each([
    ['was revoked', 'revokedAt', { N: '1' }, 'unknown'],
    ['was rotated again', 'previousRefreshHash', { S: 'another' }, 'used before'],
  ])('is refused if the grant %s between its read and its write', async (_, name, value, says) => {
    const { token, show, dynamo, grant } = await start();
    await show(token);
    const before = grant();
    const after = { ...before, [name]: value };
    dynamo.items('Grants').set(before['grantId']?.S ?? '', after);
    readsOf(dynamo, before, after);

    expect(await show(token)).toMatchObject({ statusCode: 400, error_description: expect.stringContaining(says) });
  });
});

describe('a refresh token that is reused after its grace', () => {
  it('is named in the answer, in the log and in the grant’s last event', async () => {
    const { connect, refresh, passSeconds, grant, lines, lastLine } = gateway();
    const { refresh_token: token } = await connect();
    await refresh(token);
    passSeconds(60);

    const reuse = await refresh(token);

    expect(bodyOf(reuse).error_description).toContain('used before');
    expect(lastLine()).toMatchObject({
      payer: 'northwind',
      partner: 'demo-partner',
      grantId: grant()['grantId']?.S,
      detail: 'refresh token reused: grant revoked',
    });
    expect(grant()['lastEvent']?.M).toMatchObject({ type: { S: 'revoked' }, reason: { S: 'refreshTokenReused' } });
    expect(lines.flatMap(signalsOf)).toEqual(['reuseDetected']);
  });

  it.each([
    ['a public client, 10 s', app, {}, 10],
    ['a confidential client, 60 s', {}, basic(), 60],
  ])('ends the grace of %s', async (_, client, headers, grace) => {
    const test = gateway();
    const connected = async () =>
      bodyOf(
        await test.redeem(await test.login({ ...client, ...pkce }), { ...client, code_verifier: verifier }, headers),
      );
    const [first, second] = [await connected(), await connected()];
    await test.refresh(first.refresh_token, {}, headers);
    await test.refresh(second.refresh_token, {}, headers);

    test.passSeconds(grace - 1);
    const within = await test.refresh(first.refresh_token, {}, headers);
    test.passSeconds(1);
    const after = await test.refresh(second.refresh_token, {}, headers);

    expect([within.statusCode, after.statusCode]).toEqual([200, 400]);
  });

  it('of the right family counts as reuse, even if it was never current', async () => {
    const { connect, refresh, isActive } = gateway();
    const first = await connect();

    const response = await refresh(refreshTokenWithAnotherSecret(first.refresh_token));

    expect(bodyOf(response).error).toBe('invalid_grant');
    expect(await isActive(first.access_token)).toBe(false);
  });

  it('is only invalid_grant if the grant was revoked during the refresh', async () => {
    const { connect, refresh, revoke, dynamo } = gateway();
    const first = await connect();
    const [before] = dynamo.items('Grants').values();
    await revoke({ token: first.refresh_token });
    const [after] = dynamo.items('Grants').values();
    readsOf(dynamo, before, after);

    const response = await refresh(first.refresh_token);

    expect(bodyOf(response)).toEqual({ error: 'invalid_grant', error_description: expect.stringContaining('unknown') });
  });
});
