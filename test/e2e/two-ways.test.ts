import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  allowInsecureRequests,
  ClientSecretPost,
  discovery,
  refreshTokenGrant,
  ResponseBodyError,
  tokenRevocation,
  type TokenEndpointResponse,
} from 'openid-client';
import { markdownTable } from '../../bin/shared/markdown-table.ts';
import { identify } from '../../sandbox/identity/identify.ts';
import { presentIdentity } from '../../sandbox/partner/present-identity.ts';
import { createWalker, pageOf, signInAsMember, type Walker, type WalkStop } from '../../sandbox/payer/walk.ts';
import { demoPartnerKey } from '../../sandbox/sign-in/demo-partner-key.ts';
import { memberNamed } from '../../sandbox/sign-in/member.ts';
import { runTool } from '../bin/run-tool.ts';
import { setSwitches } from '../support/payer-switches.ts';
import { askAgainWhereBusy, startStack, type RunningStack } from './support.ts';

/*
 * The two ways to a member's record, walked in the demo partner app, and counted by the servers themselves. To write the
 * table of docs/partners/sign-in.md: WAYS_DOC=write npm run test:e2e -- test/e2e/two-ways.test.ts
 */

askAgainWhereBusy();

const payer = 'demo-health-plan';
const file = join(import.meta.dirname, '../../docs/partners/sign-in.md');
const mark = '<!-- ways -->';

let stack: RunningStack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

const app = (): Walker => createWalker(stack.urls.partner);
const leaves = (stop: WalkStop): string => {
  if ('location' in stop) return stop.location;
  throw new Error(`stays at ${stop.page.url}: ${stop.page.html.slice(0, 2000)}`);
};

const bySignIn = async (): Promise<WalkStop> => {
  const browser = app();
  const home = pageOf(await browser.open(`${stack.urls.partner}/`), 'Connect your old health plan');
  const toGateway = leaves(await browser.open(new URL(`/connect/${payer}`, home.url).href));
  const gateway = createWalker(stack.urls.gateway);
  const back = await signInAsMember(leaves(await gateway.open(toGateway)), memberNamed('clinical'));
  return browser.open(leaves(await gateway.open(back)));
};

const byIdentity = async (): Promise<WalkStop> => {
  const browser = app();
  const home = pageOf(await browser.open(`${stack.urls.partner}/`), 'Connect your old health plan');
  const asked = pageOf(await browser.open(new URL(`/identify/${payer}`, home.url).href), 'Connect Demo Health Plan');
  const toProvider = leaves(await browser.submit(asked, { form_token: tokenIn(asked.html) }));
  const provider = createWalker(stack.urls.identity);
  const prove = pageOf(await provider.open(toProvider), 'Prove who you are');
  return browser.open(leaves(await provider.submit(prove, { person: 'clinical', decision: 'share' })));
};

const tokenIn = (html: string): string => /name="form_token" value="([^"]+)"/.exec(html)?.[1] ?? '';

/** A finished request, as a server logged it. */
interface Logged {
  readonly service: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

const readLog = (line: string): Logged => {
  const [service = ''] = line.split(' ', 1);
  return { ...(JSON.parse(line.slice(service.length)) as Omit<Logged, 'service'>), service };
};

/** What only servers ask for. */
const isServers = ({ path }: Logged): boolean =>
  /^\/(?:r4\/|oauth2\/token$|token$|jwks$|webhooks$|\.well-known\/)/.test(path);
const isPage = (line: Logged): boolean => !isServers(line) && line.method === 'GET' && line.status === 200;

/** What the servers saw until the app had its tokens. */
const walked = async (walk: () => Promise<WalkStop>) => {
  const before = stack.requestLines.length;
  const startedMs = performance.now();
  const record = pageOf(await walk(), 'Your record');
  const seconds = (performance.now() - startedMs) / 1000;
  const all = stack.requestLines.slice(before).map(readLog);
  const back = all.findIndex(({ service, path }) => service === 'partner' && path.endsWith('/callback'));
  const lines = all.slice(0, back + 1);
  const count = (is: (line: Logged) => boolean): number => lines.filter(is).length;
  return {
    record,
    seconds,
    counts: [
      ['pages that the member sees before the record', count(isPage)],
      ['of these the app’s', count((line) => isPage(line) && line.service === 'partner')],
      ['of these the payer’s, its e-mail included', count((line) => isPage(line) && line.service === payer)],
      ['of these the identity provider’s', count((line) => isPage(line) && line.service === 'identity')],
      [
        'forms that the member sends',
        count(({ method, ...line }) => method === 'POST' && !isServers({ method, ...line })),
      ],
      ['requests of the browser', count((line) => !isServers(line))],
      [
        'token calls of the app to the gateway',
        count(({ service, path }) => service === 'gateway' && path === '/oauth2/token'),
      ],
      ['calls of the gateway to the payer', count((line) => line.service === payer && isServers(line))],
    ] as const,
  };
};

it('both lead to the same record, and take the pages and calls that docs/partners/sign-in.md says', async () => {
  const [one, two] = [await walked(bySignIn), await walked(byIdentity)];
  // Once more, since the first walk of each starts the functions.
  const [signIn, identity] = [await walked(bySignIn), await walked(byIdentity)];
  const rows = signIn.counts.map(([what, count], at) => [what, String(count), String(identity.counts[at]?.[1])]);
  const seconds = [signIn, identity].map((way) => way.seconds.toFixed(1));
  const titles = ['', 'sign-in at the payer', 'with the member’s identity'];
  const table = (last: readonly (readonly string[])[]): string => markdownTable(titles, [...rows, ...last]);

  const text = await readFile(file, 'utf8');
  const [before = '', written = '', after = ''] = text.split(mark);
  if (process.env['WAYS_DOC'] === 'write') {
    const machines = ['seconds on the local stack, up to the shown record', ...seconds];
    await writeFile(file, [before, `\n\n${table([machines])}\n\n`, after].join(mark));
  }
  expect([one.counts, two.counts]).toEqual([signIn.counts, identity.counts]);
  expect(tableOf(identity.record.html)).toEqual(tableOf(signIn.record.html));
  const counts = (markdown: string) =>
    markdown.split('\n').flatMap((line) => (/\d/.test(line) && !line.includes('seconds') ? [cellsOf(line)] : []));
  expect(counts(process.env['WAYS_DOC'] === 'write' ? table([]) : written)).toEqual(rows);
});

const base = (): string => `${stack.origin}/r4/${payer}`;

/** Identifies a member, and presents the identity. Returns the tokens, or what is wrong. */
const present = async (): Promise<TokenEndpointResponse | readonly unknown[]> => {
  const agreedAtMs = Date.now();
  const idToken = await identify({
    issuer: stack.urls.identity,
    clientId: 'demo-partner',
    redirectUri: `${stack.urls.partner}/identity/callback`,
    member: 'clinical',
  });
  const presented = { idToken, agreedAtMs };
  return presentIdentity(base(), 'demo-partner', demoPartnerKey(), presented).catch(async (error: unknown) => {
    if (error instanceof ResponseBodyError) return [error.status, error.error, error.error_description];
    const { cause } = error as Error;
    if (!(cause instanceof Response)) throw error;
    const body = (await cause.json()) as Readonly<Record<string, unknown>>;
    return [cause.status, body['error'], body['error_description']];
  });
};

describe('with a switch of the payer', () => {
  afterEach(async () => void (await setSwitches(stack.urls.demoHealthPlan, [])));

  it.each([
    ['identity-no-match', 400, 'invalid_grant', /./],
    ['identity-two-matches', 400, 'invalid_grant', /./],
    ['identity-consent-expired', 502, 'server_error', /Identify the member again/],
    ['identity-stale-key', 502, 'server_error', /Identify the member again/],
    ['identity-slow-clock', 502, 'server_error', /Identify the member again/],
  ])('%s the partner gets %i %s', async (name, status, code, sentence) => {
    await setSwitches(stack.urls.demoHealthPlan, [name]);
    expect(await present()).toEqual([status, code, expect.stringMatching(sentence)]);
  });

  it('identity-no-match the demo partner app says so, and offers the sign-in at the plan', async () => {
    await setSwitches(stack.urls.demoHealthPlan, ['identity-no-match']);
    const page = pageOf(await byIdentity(), 'Demo Health Plan could not find your record');
    expect(page.html).toMatch(/href="\/connect\/demo-health-plan"[^>]*>\s*Sign in at Demo Health Plan/);
  });

  it('identity-odd-answer the partner gets its tokens as always', async () => {
    await setSwitches(stack.urls.demoHealthPlan, ['identity-odd-answer']);
    expect(await present()).toMatchObject({ token_type: 'bearer', expires_in: expect.any(Number) as number });
  });
});

it('a grant that an identity made refreshes and ends like any other', async () => {
  const tokens = (await present()) as TokenEndpointResponse;
  const client = await discovery(new URL(base()), 'demo-partner', undefined, ClientSecretPost('demo-partner-secret'), {
    algorithm: 'oauth2',
    execute: [allowInsecureRequests],
  });
  const renewed = await refreshTokenGrant(client, tokens.refresh_token ?? '');
  const read = async (): Promise<number> =>
    (await fetch(`${base()}/Patient`, { headers: { authorization: `Bearer ${renewed.access_token}` } })).status;

  expect([renewed['patient'], renewed['grant_id'], await read()]).toEqual([tokens['patient'], tokens['grant_id'], 200]);
  await tokenRevocation(client, renewed.refresh_token ?? '');
  expect(await read()).toBe(401);
});

it('a grant that an identity made is exported, found by operators and ended by its member, and the partner hears of it', async () => {
  const tokens = (await present()) as TokenEndpointResponse;
  const authorization = `Bearer ${tokens.access_token}`;
  const ask = (url: string): Promise<Response> =>
    fetch(url, { headers: { authorization, prefer: 'respond-async', accept: 'application/fhir+json' } });

  const started = await ask(`${base()}/Patient/$export`);
  expect(started.status).toBe(202);
  const status = started.headers.get('content-location') ?? '';
  let answer = await ask(status);
  for (; answer.status === 202; answer = await ask(status)) await sleep(1000);
  const manifest = (await answer.json()) as { extension: { complete: boolean; outcomes: readonly object[] } };
  expect([answer.status, manifest.extension.complete]).toEqual([200, true]);

  await stack.streamsIdle();
  const typed = `Patient/${tokens['patient'] as string}\n`;
  const found = await runTool('members.ts', ['find', '--payer', payer], { AWS_ENDPOINT_URL: stack.urls.aws }, typed);
  expect(found.out).toContain(tokens['grant_id'] as string);

  const browser = createWalker(stack.urls.gateway);
  const open = async (stop: WalkStop | Promise<WalkStop>) => {
    const at = await stop;
    if ('page' in at) return at.page;
    throw new Error(`leaves for ${at.location}`);
  };
  const page = await open(browser.open(`${stack.urls.gateway}/connections/${payer}`));
  const toPayer = leaves(await browser.submit(page, { act: 'sign-in' }));
  const mine = await open(browser.open(await signInAsMember(toPayer, memberNamed('clinical'))));
  const heard = stack.requestLines.length;
  const after = await open(browser.submit(mine, { app: 'demo-partner', act: 'end' }));
  expect(after.html).toContain(' was stopped on ');
  expect((await ask(`${base()}/Patient`)).status).toBe(401);
  await stack.streamsIdle();
  const events = stack.requestLines.slice(heard).map(readLog);
  expect(events.some(({ service, path }) => service === 'partner' && path === '/webhooks')).toBe(true);
});

const cellsOf = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

/** How many resources of each type the app's page shows. */
const tableOf = (html: string): string[] =>
  [...html.matchAll(/data-type="(\w+)">.*?<td class="number">(\d+)</gs)].map(([, type, count]) => `${type} ${count}`);
