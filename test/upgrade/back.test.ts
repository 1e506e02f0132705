import { documentAt } from '../docs/documents.ts';
import { basic, pkce, verifier } from '../support/login.ts';
import { assertionForm, type Change } from '../support/login/requests.ts';
import type { Calls, Told } from './calls.ts';
import { partnerKey, startUpgrades, type Upgraded } from './upgraded-gateway.ts';

/*
 * Today's functions make grants, codes and sign-ins; version 0.1's own functions, built from its commit, serve them; then
 * today's do again. What each makes of them is the table in docs/reports/going-back.md.
 */

const publicApp = { client_id: 'demo-app', redirect_uri: 'http://localhost:3002/app/callback' };

let upgrades: Awaited<ReturnType<typeof startUpgrades>>;
let today: Upgraded;
let older: Calls;
beforeAll(async () => {
  upgrades = await startUpgrades();
});
afterAll(() => upgrades.close());
beforeEach(async () => {
  today = await upgrades.upgraded();
  older = today.version01();
});

interface Tokens {
  readonly access: string;
  readonly refresh: string;
}

const tokensIn = ({ access_token: access = '', refresh_token: refresh = '' }: Told): Tokens => ({ access, refresh });

/** A member signs in, as far as the partner's code. */
const codeFrom = async (calls: Calls, query: Change = {}, payer?: string): Promise<string> =>
  (await calls.comeBack(await calls.begin(query, payer))).searchParams.get('code') ?? 'none';

const redeem = (calls: Calls, code: string, form: Change = {}, headers = basic()): Promise<Told> =>
  calls.post('token', { grant_type: 'authorization_code', code, ...form }, headers);
const refresh = (calls: Calls, { refresh: token }: Tokens, form: Change = {}, headers = basic()): Promise<Told> =>
  calls.post('token', { grant_type: 'refresh_token', refresh_token: token, ...form }, headers);

const connect = async (calls: Calls): Promise<Tokens> => tokensIn(await redeem(calls, await codeFrom(calls)));
const connectApp = async (calls: Calls): Promise<Tokens> => {
  const code = await codeFrom(calls, { ...publicApp, ...pkce });
  return tokensIn(await redeem(calls, code, { ...publicApp, code_verifier: verifier }, {}));
};
const refreshApp = (calls: Calls, tokens: Tokens): Promise<Told> =>
  refresh(calls, tokens, { client_id: publicApp.client_id }, {});

/** An answer of the token endpoint in the words of the document. */
const words = ({ status, error, access_token: token }: Told): string =>
  token === undefined ? [status, ...(error === undefined ? [] : [`\`${error}\``])].join(' ') : 'new tokens';

/** What 0.1 makes of something that today's code left, and then today's code of that again. */
type Seen = readonly [under01: string, again: string];

const cases: Readonly<Record<string, () => Promise<Seen>>> = {
  'a read of a grant': async () => {
    const { access } = await connect(today);
    return [`${await older.read(access)}`, `${await today.read(access)}`];
  },
  'a read that renews the payer’s tokens': async () => {
    const { access } = await connect(today);
    today.passSeconds(301);
    const under = await older.read(access);
    today.passSeconds(301);
    const renewals = () => today.payer.requests.filter(({ form }) => form.get('grant_type') === 'refresh_token').length;
    const before = renewals();
    const again = await today.read(access);
    return [`${under}, renewed ${before} time`, `${again}, renewed ${renewals() - before} time`];
  },
  'a refresh': async () => {
    const under = await refresh(older, await connect(today));
    return [words(under), words(await refresh(today, tokensIn(under)))];
  },
  'a refresh by a public client': async () => {
    const under = await refreshApp(older, await connectApp(today));
    return [words(under), words(await refreshApp(today, tokensIn(under)))];
  },
  'the same refresh a second time, within its grace': async () => {
    const before = await connect(today);
    const now = await refresh(today, before);
    const [under, again] = [await refresh(older, before), await refresh(today, before)];
    const isSame = (told: Told): string => (told.refresh_token === now.refresh_token ? 'the same tokens' : words(told));
    return [isSame(under), isSame(again)];
  },
  'a refresh token that was replaced earlier': async () => {
    const before = await connect(today);
    const now = tokensIn(await refresh(today, before));
    today.passSeconds(61);
    const under = await refresh(older, before);
    return [`${words(under)}, and the grant ends`, `${await today.read(now.access)}`];
  },
  'a refresh token from a repeat by a public client': async () => {
    const before = await connectApp(today);
    await refreshApp(today, before);
    const repeated = tokensIn(await refreshApp(today, before));
    const under = await refreshApp(older, repeated);
    return [`${words(under)}, and the grant ends`, `${await today.read(repeated.access)}`];
  },
  'a code': async () => {
    const under = await redeem(older, await codeFrom(today));
    return [words(under), `${await today.read(tokensIn(under).access)}`];
  },
  'a code with a challenge': async () => {
    const code = await codeFrom(today, { ...publicApp, ...pkce });
    const wrong = await redeem(older, code, { ...publicApp, code_verifier: `${verifier}-wrong` }, {});
    const under = await redeem(older, code, { ...publicApp, code_verifier: verifier }, {});
    return [`${words(under)}; with a wrong verifier ${words(wrong)}`, `${await today.read(tokensIn(under).access)}`];
  },
  'a sign-in under way': async () => {
    const code = (await older.comeBack(await today.begin())).searchParams.get('code');
    return [code === null ? 'no code' : 'a code', words(await redeem(today, code ?? ''))];
  },
  'a revocation': async () => {
    const tokens = await connect(today);
    const { status } = await older.post('revoke', { token: tokens.refresh }, basic());
    const atPayer = today.payer.requests.filter(({ url }) => url.includes('/revoke')).length;
    return [`${status}, and ${atPayer} token ends at the payer`, `${await today.read(tokens.access)}`];
  },
  'a read of a grant that had ended': async () => {
    const { access } = await connect(today);
    await today.post('revoke', { token: access }, basic());
    return [`${await older.read(access)}`, `${await today.read(access)}`];
  },
  'a client assertion that was used': async () => {
    const key = partnerKey.privateJwk;
    const by = { clientId: 'keyed-partner', key, origin: 'http://localhost:3000', now: today.now() };
    const keyed = { client_id: 'keyed-partner' };
    const tokens = tokensIn(await redeem(today, await codeFrom(today, keyed), await assertionForm(by), {}));
    const used = await assertionForm(by);
    const first = tokensIn(await refresh(today, tokens, used, {}));
    return [words(await refresh(older, first, used, {})), words(await refresh(today, first, used, {}))];
  },
  'a next page by its link': async () => {
    const { access } = await connect(today);
    const bundle = (await today.answerTo(access, 'Observation', { query: [['_count', '1']] })).json();
    const [{ url }] = (bundle as { readonly link: readonly [{ readonly url: string }] }).link;
    const query = [...new URL(url).searchParams];
    const under = await older.answerTo(access, '', { query });
    const asked = today.payer.requests.at(-1)?.url ?? '';
    const again = await today.answerTo(access, '', { query });
    const passed = new URL(asked).searchParams.has('_link') ? 'the payer is asked for `_link`' : `${under.statusCode}`;
    return [passed, `${again.statusCode}`];
  },
  'the kick-off of an export': async () => {
    const { access } = await connect(today);
    const options = { headers: { Prefer: 'respond-async', Accept: 'application/fhir+json' } };
    const under = await older.answerTo(access, 'Patient/$export', options);
    const again = await today.answerTo(access, 'Patient/$export', options);
    return [`${under.statusCode}`, `${again.statusCode}`];
  },
  'a read by a blocked partner': async () => {
    const { access } = await connect(today);
    await today.stop('partner#demo-partner', { at: today.now(), by: 'arn:operator', reason: 'a drill' });
    today.passSeconds(20);
    return [`${await older.read(access)}`, `${await today.read(access)}`];
  },
};

/** The rows of the document's table. */
const documented = (): Readonly<Record<string, Seen>> => {
  const { text } = documentAt('docs/reports/going-back.md');
  const rows = [...text.matchAll(/^\| (.+?) +\| (.+?) +\| (.+?) +\|$/gm)].slice(2);
  return Object.fromEntries(rows.map(([, what = '', under = '', again = '']) => [what, [under, again]]));
};

describe('what today’s functions made, under those of version 0.1 and then under today’s again', () => {
  it.each(Object.entries(cases))('%s: as docs/reports/going-back.md says', async (what, run) => {
    expect(await run()).toEqual(documented()[what]);
  });

  it('is in docs/reports/going-back.md for these cases and no others', () => {
    expect(Object.keys(documented())).toEqual(Object.keys(cases));
  });
});

it('a token of a repeat that was not used under version 0.1 is current again after the upgrade', async () => {
  const before = await connectApp(today);
  const now = tokensIn(await refreshApp(today, before));
  const repeated = tokensIn(await refreshApp(today, before));
  const under = tokensIn(await refreshApp(older, now));

  expect(words(await refreshApp(today, repeated))).toBe('new tokens');
  // Whoever refreshes next with the other one shows that there are two.
  expect(await refreshApp(today, under)).toMatchObject({ status: 400, error: 'invalid_grant' });
});

it('no attribute of a grant is lost by going back and forward, and no grant ends', async () => {
  const of01 = await connect(older);
  const used = [await connect(today), await connect(today), of01];
  const apps = [await connectApp(today)];
  for (const { access } of [...used, ...apps])
    await today.answerTo(access, 'Observation', { query: [['_count', '1']] });
  const itemsById = async () =>
    new Map((await today.itemsOf('Grants')).map((item) => [item['grantId']?.S ?? '', item] as const));
  const before = await itemsById();

  const under: Tokens[] = [];
  for (const tokens of used) under.push(tokensIn(await refresh(older, tokens)));
  for (const tokens of apps) under.push(tokensIn(await refreshApp(older, tokens)));
  today.passSeconds(301);
  for (const { access } of under) expect(await older.read(access)).toBe(200);

  const after = await itemsById();
  expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
  for (const [id, item] of before) {
    const now = after.get(id) ?? {};
    expect(now['revokedAt']).toEqual(item['revokedAt']);
    expect(Object.keys(item).filter((name) => !(name in now) && !name.startsWith('lease'))).toEqual([]);
    for (const name of ['linkKey', 'memberIndex', 'patient', 'endsAt', 'createdAt'])
      expect(now[name]).toEqual(item[name]);
  }
  for (const { access } of under) expect(await today.read(access)).toBe(200);
  for (const tokens of under.slice(0, used.length)) expect(words(await refresh(today, tokens))).toBe('new tokens');
});
