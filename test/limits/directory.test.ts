import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { smart } from '../../config/presets.ts';
import { startLocalStack, type LocalStack } from '../../sandbox/stack.ts';
import { launchChromium, openPage } from '../browser/chromium.ts';

const count = 5000;
const redirectUri = 'http://localhost:3999/callback';
const [first, second] = [
  ['Blue', 'Green', 'Silver', 'United', 'First', 'Northern', 'Pacific', 'Atlantic', 'Liberty', 'Summit', 'Golden'],
  ['Cross', 'Shield', 'Mutual', 'Choice', 'Advantage', 'Partners', 'Alliance', 'Guard', 'Family', 'Senior'],
];

const payerOf = (_: unknown, number: number) => {
  const base = `http://127.0.0.1:8009/${number}`;
  return smart({
    id: `plan-${number}`,
    displayName: `${first[number % 11]} ${second[number % 10]} Health Plan of Region ${number}`,
    linesOfBusiness: ['Commercial', 'Medicare Advantage', 'Medicaid'],
    brand: {
      website: `https://www.plan-${number}.example/`,
      logo: `https://www.plan-${number}.example/logo.svg`,
      otherNames: [`Former Name of Plan ${number}`],
      identifiers: { payerId: [`PID${number}`], naic: [String(10_000 + number)], npi: ['1234567893'] },
    },
    fhirBaseUrl: `${base}/r4`,
    authorizationEndpoint: `${base}/authorize`,
    tokenEndpoint: `${base}/token`,
    clientId: 'gateway',
    clientAuthentication: 'none',
  });
};

const payers = Array.from({ length: count }, payerOf);
const partner = {
  clientId: 'app',
  name: 'App',
  homePage: 'http://localhost:3999/',
  redirectUris: [redirectUri],
  clientAuthentication: ['none'],
  scopes: ['patient/*.rs'],
  payers: payers.map(({ id }) => id),
};

let stack: LocalStack;
let folder: string;
const tell = (what: string, figures: object): void =>
  void process.stderr.write(`${what}: ${JSON.stringify(figures)}\n`);
const timed = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
  const began = performance.now();
  const result = await work();
  return [result, Math.round(performance.now() - began)];
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'directory-'));
  const configFile = join(folder, 'stage.json');
  await writeFile(
    configFile,
    JSON.stringify({
      stage: 'local',
      production: false,
      removalPolicy: 'destroy',
      waf: 'none',
      apiGatewayLogRole: false,
      payers,
      partners: [partner],
    }),
  );
  stack = await startLocalStack({ ports: 'free', configFile, environments: 1 });
  // On a busy machine the local table may not give the whole directory within the registry's limits at once.
  for (let tries = 0; tries < 60 && !(await fetch(`${stack.origin}/brands`)).ok; tries += 1);
});
afterAll(async () => {
  await stack.close();
  await rm(folder, { recursive: true });
});

it('the brands of 5,000 payers, larger than Lambda buffers, arrive whole, gzipped, and as 304 once they are known', async () => {
  const get = (headers: Record<string, string>) =>
    timed(async () => {
      const answer = await fetch(`${stack.origin}/brands`, { headers });
      return { answer, text: await answer.text() };
    });
  const [{ answer, text }, coldMs] = await get({ 'Accept-Encoding': 'identity' });
  const [zipped, warmMs] = await get({ 'Accept-Encoding': 'gzip' });
  const [known, knownMs] = await get({ 'If-None-Match': answer.headers.get('etag') ?? '' });
  tell('brands', { bytes: text.length, coldMs, warmMs, knownMs });

  expect(answer.status).toBe(200);
  expect((JSON.parse(text) as { entry: unknown[] }).entry).toHaveLength(2 * count);
  expect(text.length).toBeGreaterThan(6 * 1024 * 1024);
  expect(zipped.answer.headers.get('content-encoding')).toBe('gzip');
  expect(zipped.text).toBe(text);
  expect([known.answer.status, known.text]).toEqual([304, '']);
});

it('a search among 5,000 payers takes the server milliseconds', async () => {
  const searchOnce = (typed: string) =>
    timed(async () => {
      const answer = await fetch(`${stack.origin}/connect/payers?client_id=app&q=${encodeURIComponent(typed)}`);
      return { status: answer.status, ...((await answer.json()) as { total: number }) };
    });
  /** Searches again if a busy machine's table was too slow for the registry's limits, as a page's visitor would. */
  const search = async (typed: string): ReturnType<typeof searchOnce> => {
    let found = await searchOnce(typed);
    for (let tries = 1; found[0].status === 503 && tries < 20; tries += 1) found = await searchOnce(typed);
    return found;
  };
  await search('warm');
  const figures: Record<string, number> = {};
  for (const typed of ['b', 'blue', 'health plan', 'PID4321', 'bleu crss', 'zebra']) {
    const [, ms] = await search(typed);
    figures[typed] = ms;
  }
  tell('search, ms over HTTP', figures);
  const [found] = await search('PID4321');

  expect(found.total).toBe(1);
  // Far more than it takes, since other tests keep the machine busy.
  expect(Math.max(...Object.values(figures))).toBeLessThan(5000);
});

it('the first result is in a slow phone’s browser soon after the first letter', async () => {
  const browser = await launchChromium();
  if (browser === undefined) return;
  const page = await openPage(browser);
  const devtools = await page.context().newCDPSession(page);
  const figures: Record<string, number> = {};
  for (const rate of [1, 4, 6]) {
    await devtools.send('Emulation.setCPUThrottlingRate', { rate });
    const query = new URLSearchParams({ client_id: 'app', redirect_uri: redirectUri });
    const [, pageMs] = await timed(() => page.goto(`${stack.origin}/connect?${query}`));
    // In the page, from the keystroke to the first plan in the list.
    const firstResultMs = page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          const list = document.getElementById('plans')!;
          let typedAt = 0;
          document.getElementById('q')!.addEventListener('input', () => (typedAt ||= performance.now()));
          new MutationObserver(() => {
            if (list.querySelector('button')) requestAnimationFrame(() => resolve(performance.now() - typedAt));
          }).observe(list, { childList: true });
        }),
    );
    await page.locator('#q').press('b');
    figures[`page, CPU 1/${rate}`] = pageMs;
    figures[`first result, CPU 1/${rate}`] = Math.round(await firstResultMs);
  }
  tell('connect in Chromium, ms', figures);
  await browser.close();

  for (const [what, ms] of Object.entries(figures)) expect([what, ms < 10_000]).toEqual([what, true]);
});
