import { localStage } from '../../../config/local.ts';
import { unavailable } from '../../../functions/shared/errors.ts';
import { readJobCredentials } from '../../../functions/shared/exports/job-credentials.ts';
import type { PayerSecret } from '../../../functions/shared/payer/secrets.ts';
import { boundOf, type Export } from '../../../functions/shared/store/export-item.ts';
import { askForToken, giveToken, noteProgress } from '../../../functions/shared/store/exports.ts';
import { ask, exportGateway, type ExportGateway } from '../../support/export-gateway.ts';
import { fhir, read, type TestGrant } from '../../support/fetch-gateway.ts';
import { startMs } from '../../support/gateway.ts';
import { withPayer } from '../../support/login.ts';

const now = startMs / 1000;

let test: ExportGateway;
let grant: TestGrant;
let item: Export;
/** How many tokens the payer has issued by a refresh. */
let refreshes: number;
const givesTokens = (lives = 300) => {
  test.payer.http = () => {
    refreshes += 1;
    return Promise.resolve(
      Response.json({
        access_token: `new-${refreshes}`,
        token_type: 'Bearer',
        refresh_token: `r-${refreshes}`,
        expires_in: lives,
      }),
    );
  };
};
beforeEach(async () => {
  refreshes = 0;
  test = exportGateway();
  givesTokens();
  grant = await test.grant({ accessLives: 1e6, lives: 1e6 });
  item = await test.start(grant);
});

const poll = async (deps = test.deps) => {
  const answer = await ask(deps, item.exportId, grant.token);
  item = test.requireStored(grant.grantId);
  return answer;
};
const jobsToken = async (): Promise<string> =>
  readJobCredentials(await test.openInJob(item.exportId, 'payer token', item.payerToken ?? new Uint8Array()))
    .accessToken;
const waits = (refusedVersion: number, callbackId = 'callback-1') =>
  askForToken(test.deps.exports, item, { callbackId, refusedVersion, now });

/** Lets a partner's read refresh the payer's token, this many seconds from now. */
const readRenewed = async (seconds: number): Promise<void> => {
  test.passSeconds(seconds);
  const { http } = test.payer;
  test.payer.http = (url, init) =>
    init?.method === 'POST' ? http(url, init) : Promise.resolve(fhir({ resourceType: 'Patient' }));
  expect((await read(test.deps, 'Patient/patient-1', grant.token)).statusCode).toBe(200);
  expect(grant.stored().payerVersion).toBe(2);
};

describe('a job that never began', () => {
  it('is started again by a poll after a minute, and once a minute', async () => {
    test.passSeconds(60);
    await poll();
    expect(item).not.toHaveProperty('startAgainAt');
    test.passSeconds(1);
    await poll();
    expect(item.startAgainAt).toBe(now + 61);
    test.passSeconds(60);
    await poll();
    expect(item.startAgainAt).toBe(now + 61);
    test.passSeconds(1);
    await poll();
    expect(item.startAgainAt).toBe(now + 122);
  });

  it('is left alone once it began', async () => {
    await test.begin(item);
    test.passSeconds(3600);
    await poll();
    expect(item).not.toHaveProperty('startAgainAt');
  });
});

describe('a job that waits for a token', () => {
  beforeEach(async () => {
    await test.begin(item);
    await waits(1);
  });

  it('gets one that the poll renews at the payer, and is told, without the token in the message', async () => {
    expect((await poll()).statusCode).toBe(202);
    expect(item).toMatchObject({ payerVersion: 2, payerTokenExpiresAt: now + 300, payerTokenAt: now });
    expect(item).not.toHaveProperty('wanted');
    expect(await jobsToken()).toBe('new-1');
    expect(test.woken).toEqual(['callback-1']);
    expect(grant.payerTokens()).toMatchObject({ accessToken: 'new-1', refreshToken: 'r-1' });
  });

  it('gets the secret headers of the profile with it', async () => {
    const quirks = { ...localStage().payers[1]!.quirks, secretHeaders: ['X-Key'] };
    const { registry } = test.reconfigured(withPayer('northwind', { quirks }));
    test.secrets['northwind'] = { ...(test.secrets['northwind'] as PayerSecret), headers: { 'x-key': 'k' } };

    await poll({ ...test.deps, registry });

    const bytes = await test.openInJob(item.exportId, 'payer token', item.payerToken ?? new Uint8Array());
    const boundTo = boundOf(item);
    expect(readJobCredentials(bytes)).toEqual({ accessToken: 'new-1', secretHeaders: { 'x-key': 'k' }, boundTo });
    expect(readJobCredentials(Buffer.from('old'))).toEqual({ accessToken: 'old', secretHeaders: {} });
  });

  it('gets the one that a read renewed in the meantime, without another refresh', async () => {
    await readRenewed(250);
    await poll();
    expect([refreshes, item.payerVersion, await jobsToken(), test.woken]).toEqual([1, 2, 'new-1', ['callback-1']]);
  });

  it('is told again by the next poll if the message failed, without another refresh', async () => {
    const deps = { ...test.deps, wakeJob: () => Promise.reject(unavailable('lambda: TooManyRequestsException')) };
    expect((await poll(deps)).statusCode).toBe(202);
    expect(item).toMatchObject({ payerVersion: 2, wanted: { callbackId: 'callback-1' } });
    expect(test.log().at(-1)).toMatchObject({
      outcome: 'ok',
      detail: expect.stringContaining('lambda: Too') as string,
    });
    await poll();
    expect([refreshes, test.woken]).toEqual([1, ['callback-1']]);
    expect(item).not.toHaveProperty('wanted');
  });

  it('is told once, and given one token, however many poll at once', async () => {
    await Promise.all([poll(), poll(), poll(), poll()]);
    item = test.requireStored(grant.grantId);
    expect(refreshes).toBe(1);
    expect(item).toMatchObject({ payerVersion: 2 });
    expect(new Set(test.woken)).toEqual(new Set(['callback-1']));
    expect(item).not.toHaveProperty('wanted');
  });

  it('goes on waiting while the payer cannot be reached; the poll is 202 all the same', async () => {
    test.payer.http = () => Promise.reject(new Error('down'));
    expect((await poll()).statusCode).toBe(202);
    expect([item.payerVersion, item.wanted?.callbackId, test.woken]).toEqual([1, 'callback-1', []]);
    expect(test.log().at(-1)).toMatchObject({
      payerDown: 1,
      detail: expect.stringContaining('the job was not helped') as string,
    });
    givesTokens();
    await poll();
    expect(test.woken).toEqual(['callback-1']);
  });

  it('is not helped by a partner whose rate is used up, but the poll is still answered', async () => {
    const deps = { ...test.deps, takeTurn: async () => ({ taken: false, remaining: 0, resetSeconds: 1 }) };
    for (let count = 0; count < 20; count += 1) expect((await poll(deps)).statusCode).toBe(202);
    expect([refreshes, test.woken]).toEqual([0, []]);
  });

  it('ends with the grant: the poll that learns of it is 401', async () => {
    test.payer.http = () => Promise.resolve(Response.json({ error: 'invalid_grant' }, { status: 400 }));
    const answer = await ask(test.deps, item.exportId, grant.token);
    expect(answer.statusCode).toBe(401);
    expect(grant.stored().revokedAt).toBe(now);
  });

  it('still counts as waiting if it began another wait while it was told', async () => {
    const deps = {
      ...test.deps,
      wakeJob: async () => {
        await waits(9, 'callback-9');
      },
    };
    await poll(deps);
    expect(item.wanted).toMatchObject({ callbackId: 'callback-9', refusedVersion: 9 });
  });
});

describe('a token that ends soon', () => {
  beforeEach(() => test.begin(item));

  it.each([
    // Within 90 seconds of its end, or in the second half of its life if that is shorter.
    [300, 209, 210],
    [100, 49, 50],
  ])(
    'of %i seconds is renewed by a poll after %i seconds at the earliest, and the job is not told',
    async (lives, early, due) => {
      grant = await test.grant({
        tokens: { accessToken: 'a', refreshToken: 'r', expiresAt: now + lives },
        accessLives: 1e6,
      });
      item = await test.start(grant);
      await test.begin(item);
      test.passSeconds(early);
      await poll();
      expect([refreshes, item.payerVersion]).toEqual([0, 1]);
      test.passSeconds(due - early);
      await poll();
      expect(item).toMatchObject({ payerVersion: 2, payerTokenExpiresAt: now + due + 300, payerTokenAt: now + due });
      expect([await jobsToken(), test.woken]).toEqual(['new-1', []]);
    },
  );

  it('is not renewed twice: the job gets what a read renewed', async () => {
    await readRenewed(250);
    await poll();
    expect([refreshes, item.payerVersion, await jobsToken()]).toEqual([1, 2, 'new-1']);
  });

  it('that lives for seconds is renewed once in half its life, however many poll', async () => {
    givesTokens(30);
    test.passSeconds(260);
    for (let second = 0; second < 60; second += 1) {
      await poll();
      test.passSeconds(1);
    }
    expect(refreshes).toBeLessThanOrEqual(5);
    expect(refreshes).toBeGreaterThanOrEqual(3);
  });

  it('is left alone if the payer gave no refresh token, or did not say when it ends', async () => {
    grant = await test.grant({ tokens: { accessToken: 'a', expiresAt: now + 100 }, accessLives: 1e6 });
    item = await test.start(grant);
    await test.begin(item);
    test.passSeconds(80);
    await poll();
    expect(test.log().at(-1)).not.toHaveProperty('detail');
    grant = await test.grant({ tokens: { accessToken: 'a', refreshToken: 'r' }, accessLives: 1e6 });
    item = await test.start(grant);
    await test.begin(item);
    test.passSeconds(1e5);
    await poll();
    expect(refreshes).toBe(0);
  });
});

describe('what a poll gives', () => {
  it('goes to no other export: one that was replaced meanwhile is left as it is', async () => {
    await test.begin(item);
    await waits(1);
    const before = item;
    await test.end(grant, item, []);
    const next = await test.start(grant);
    expect(
      await giveToken(test.deps.exports, before, {
        payerToken: Buffer.from('x'),
        payerTokenExpiresAt: 1,
        payerTokenAt: 1,
        payerVersion: 9,
      }),
    ).toBe(false);
    expect(await noteProgress(test.deps.exports, before, { resources: 9, typesDone: 1, typesTotal: 1 })).toBe(false);
    expect(test.requireStored(grant.grantId)).toEqual(next);
  });
});
