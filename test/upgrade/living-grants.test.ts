import { basic, verifier } from '../support/login.ts';
import { assertionForm, type Change } from '../support/login/requests.ts';
import { partnerKey, recorded, startUpgrades, type Pair, type Upgraded } from './upgraded-gateway.ts';

const { held } = recorded;
const publicApp = { redirect_uri: 'http://localhost:3002/app/callback', client_id: 'demo-app' };

let upgrades: Awaited<ReturnType<typeof startUpgrades>>;
let gateway: Upgraded;
beforeAll(async () => {
  upgrades = await startUpgrades();
});
afterAll(() => upgrades.close());
beforeEach(async () => {
  gateway = await upgrades.upgraded();
});

const refresh = ({ refreshToken }: Pair, form: Change = {}, headers = basic()) =>
  gateway.post('token', { grant_type: 'refresh_token', refresh_token: refreshToken, ...form }, headers);
const redeem = (code: string, form: Change = {}, headers = basic()) =>
  gateway.post('token', { grant_type: 'authorization_code', code, ...form }, headers);
const isActive = async (token: string) => (await gateway.post('introspect', { token }, basic())).active;

describe('after the upgrade from version 0.1', () => {
  it.each([
    ['a confidential client', held.access, 'northwind', {}, basic()],
    ['another payer', held.demoHealthPlan, 'demo-health-plan', {}, basic()],
    ['a public client', held.publicClient, 'northwind', { client_id: 'demo-app' }, {}],
    ['a pair that was just refreshed', held.rotated.now, 'northwind', {}, basic()],
  ])('a grant of %s reads, and is refreshed', async (_of, pair, payer, form, headers) => {
    expect(await gateway.read(pair.accessToken, payer)).toBe(200);

    const refreshed = await refresh(pair, form, headers);
    expect(refreshed.status).toBe(200);
    expect(await gateway.read(refreshed.access_token ?? '', payer)).toBe(200);
    expect((await refresh({ ...pair, refreshToken: refreshed.refresh_token ?? '' }, form, headers)).status).toBe(200);
  });

  it('a partner with a key refreshes, and an assertion that it used before is refused', async () => {
    const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
    const used = { client_assertion_type: type, client_assertion: held.keyed.usedAssertion };
    expect(await refresh(held.keyed, used, {})).toMatchObject({ status: 401, error: 'invalid_client' });

    const key = partnerKey.privateJwk;
    const fresh = { clientId: 'keyed-partner', key, origin: 'http://localhost:3000', now: gateway.now() };
    expect((await refresh(held.keyed, await assertionForm(fresh), {})).status).toBe(200);
  });

  it('a pair that was replaced a moment before is repeated, and counts as reuse after its grace', async () => {
    const { before, now } = held.rotated;
    expect(await gateway.read(before.accessToken)).toBe(200);
    expect(await refresh(before)).toMatchObject({
      status: 200,
      access_token: now.accessToken,
      refresh_token: now.refreshToken,
    });

    gateway.passSeconds(61);
    expect(await refresh(before)).toMatchObject({ status: 400, error: 'invalid_grant' });
    expect(await isActive(now.accessToken)).toBe(false);
  });

  it("the payer's tokens are refreshed with the payer's refresh token that the grant had, at the first read that needs it", async () => {
    gateway.passSeconds(301);
    expect(await gateway.read(held.rotated.now.accessToken)).toBe(200);

    const forms = gateway.payer.requests.map(({ form }) => form).filter((form) => form.has('refresh_token'));
    expect(forms.map((form) => form.get('refresh_token'))).toEqual([expect.stringMatching(/^payer-refresh-\d+$/)]);
  });

  it("a revocation ends the grant here and the payer's tokens there", async () => {
    expect((await gateway.post('revoke', { token: held.access.refreshToken }, basic())).status).toBe(200);

    expect(await isActive(held.access.accessToken)).toBe(false);
    expect(await gateway.read(held.access.accessToken)).toBe(401);
    const revoked = gateway.payer.requests.filter(({ url }) => url.includes('/revoke'));
    expect(revoked.map(({ form }) => form.get('token'))).toEqual([expect.stringMatching(/^payer-refresh-\d+$/)]);
  });

  it('a grant that had ended stays ended', async () => {
    expect(await isActive(held.revoked.accessToken)).toBe(false);
    expect(await gateway.read(held.revoked.accessToken)).toBe(401);
    expect(await refresh(held.revoked)).toMatchObject({ status: 400, error: 'invalid_grant' });
  });

  it('a block holds for a grant, which goes on when the block ends', async () => {
    expect(await gateway.read(held.access.accessToken)).toBe(200);
    await gateway.stop('partner#demo-partner', { at: gateway.now(), by: 'arn:operator', reason: 'a drill' });
    gateway.passSeconds(20);
    expect(await gateway.read(held.access.accessToken)).toBe(403);
    expect((await refresh(held.access)).status).toBe(400);

    await gateway.stop('partner#demo-partner', undefined);
    gateway.passSeconds(20);
    expect(await gateway.read(held.access.accessToken)).toBe(200);
    expect((await refresh(held.access)).status).toBe(200);
  });

  it('a code is redeemed, once', async () => {
    const redeemed = await redeem(held.code);
    expect(redeemed.status).toBe(200);
    expect(await gateway.read(redeemed.access_token ?? '')).toBe(200);
    expect(await redeem(held.code)).toMatchObject({ status: 400, error: 'invalid_grant' });
  });

  it('a code with a challenge needs its verifier, and a wrong one does not use it up', async () => {
    const { code } = held.codeWithChallenge;
    const wrong = { ...publicApp, code_verifier: `${verifier}-wrong` };
    expect(await redeem(code, wrong, {})).toMatchObject({ status: 400, error: 'invalid_grant' });
    expect((await redeem(code, { ...publicApp, code_verifier: held.codeWithChallenge.verifier }, {})).status).toBe(200);
  });

  it.each(held.openLogins)('a member who was at $payer comes back to a code', async (login) => {
    const next = await gateway.comeBack(login);

    expect(next.searchParams.get('error')).toBeNull();
    expect(next.searchParams.get('code')).toMatch(/^p2pc_/);
    expect((await gateway.comeBack(login)).searchParams.has('code')).toBe(false);
  });
});
