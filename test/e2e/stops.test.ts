import { setTimeout as delay } from 'node:timers/promises';
import { runTool } from '../bin/run-tool.ts';
import { eventually } from '../support/eventually.ts';
import { sendTo } from '../support/login/over-http.ts';
import { authorizeRequest, basicOf, partnerRequest } from '../support/login/requests.ts';
import type { Ended } from '../support/run-child.ts';
import { connect, largeMember, startStack, type RunningStack } from './support.ts';

/** How soon a block or a pause has to hold, in milliseconds. */
const soonMs = 30_000;

let stack: RunningStack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

const tool = (name: 'partners.ts' | 'payers.ts', ...args: string[]): Promise<Ended> =>
  runTool(name, [...args, '--stage', 'local'], { AWS_ENDPOINT_URL: stack.urls.aws });

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | null;
  readonly location: string | null;
}

const isServed = ({ status }: Answer): boolean => status < 400;
const isRefused = ({ status }: Answer): boolean => status >= 400 && status !== 503;
const isPaused = ({ status, text }: Answer): boolean =>
  status === 503 && text.includes('This health plan is paused by the operator of this gateway.');

type Path = () => Promise<Response>;

/**
 * Asks once a second until the answer is as awaited, since a busy stack may answer 503 first.
 * @returns the answer, and when it came, in milliseconds
 */
const until = async (path: Path, isAwaited: (answer: Answer) => boolean, sinceMs: number) => {
  for (;;) {
    const response = await path();
    const answer = {
      status: response.status,
      text: await response.text(),
      retryAfter: response.headers.get('retry-after'),
      location: response.headers.get('location'),
    };
    const afterMs = performance.now() - sinceMs;
    if (isAwaited(answer)) return { ...answer, afterMs };
    if (afterMs > soonMs) throw new Error(`still ${answer.status} after ${afterMs} ms: ${answer.text.slice(0, 200)}`);
    await delay(1000);
  }
};

const authorize = (payer: string): Promise<Response> =>
  sendTo(
    stack.origin,
    authorizeRequest(payer, {
      client_id: 'demo-partner',
      redirect_uri: `${stack.urls.partner}/callback`,
      state: 'state-of-the-partner',
    }),
  );

const post = (what: 'token' | 'introspect', form: Record<string, string>): Promise<Response> =>
  sendTo(stack.origin, {
    ...partnerRequest(what, form),
    headers: { authorization: basicOf('demo-partner', 'demo-partner-secret') },
  });

/** Refreshes again and again, each time with the newest token, as a partner does. */
const refreshing = (first: string): Path => {
  let newest = first;
  return async () => {
    const response = await post('token', { grant_type: 'refresh_token', refresh_token: newest });
    if (response.ok) newest = ((await response.clone().json()) as { refresh_token: string }).refresh_token;
    return response;
  };
};

const read = (payer: string, token: string, query = 'Patient'): Promise<Response> =>
  fetch(`${stack.origin}/r4/${payer}/${query}`, { headers: { authorization: `Bearer ${token}` } });

/** Reads a long answer slowly, as a partner does that works on what it reads, until it is cut. */
const readSlowly = async ({ body }: Response): Promise<void> => {
  if (body === null) throw new Error('no body');
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      await delay(50);
    }
  } catch {
    return;
  }
  throw new Error(`the answer ended after ${bytes} bytes, and was not cut`);
};

it('a blocked partner is refused on every path within 30 seconds, a read under way is cut, and unblock brings all back', async () => {
  const payer = 'demo-health-plan';
  const { access_token: token } = await connect(stack, payer, largeMember);
  // A connection of its own, since two refreshes end the first access token.
  const { refresh_token: refreshToken } = await connect(stack, payer);
  const paths: Record<string, Path> = {
    authorize: () => authorize(payer),
    refresh: refreshing(refreshToken),
    introspect: () => post('introspect', { token }),
    read: () => read(payer, token),
  };
  for (const path of Object.values(paths)) await until(path, isServed, performance.now());
  const cut = readSlowly(await read(payer, token, 'Observation?_count=100000'));

  const blocked = await tool('partners.ts', 'block', 'Demo Partner', '--reason', 'Ticket 4711');
  const blockedAt = performance.now();
  // A reader learns of the cut only after all that was sent before it.
  const isCut = (): boolean => stack.functionLines.some((line) => line.includes('"detail":"cut after '));
  const cutAt = eventually(isCut, soonMs).then(() => performance.now());

  expect(blocked).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^Blocked Demo Partner \(demo-partner\) at stage local/),
  });
  const refused = await Promise.all(
    Object.entries(paths).map(async ([name, path]) => {
      const { status, text, afterMs } = await until(path, isRefused, blockedAt);
      return { name, status, afterMs, says: text.includes('blocked by the operator') };
    }),
  );
  expect(refused.map(({ name, status, says }) => ({ name, status, says }))).toEqual([
    { name: 'authorize', status: 403, says: true },
    { name: 'refresh', status: 400, says: true },
    { name: 'introspect', status: 400, says: true },
    { name: 'read', status: 403, says: true },
  ]);
  expect((await cutAt) - blockedAt).toBeLessThan(soonMs);
  await cut;
  expect((await tool('partners.ts', 'list', '--blocked')).out).toContain('Ticket 4711');

  await tool('partners.ts', 'unblock', 'demo-partner', '--reason', 'Ticket 4712');
  const unblockedAt = performance.now();
  for (const path of Object.values(paths)) await until(path, isServed, unblockedAt);
});

it('a paused payer asks everyone to come back, other payers go on, and the pause ends by itself', async () => {
  const { access_token: token } = await connect(stack, 'northwind');
  const { refresh_token: refreshToken } = await connect(stack, 'northwind');
  const other = await connect(stack, 'demo-health-plan');
  const paths: Record<string, Path> = {
    refresh: refreshing(refreshToken),
    read: () => read('northwind', token),
  };

  const until60 = new Date(Date.now() + 60_000).toISOString().slice(0, 19);
  const paused = await tool('payers.ts', 'pause', 'northwind', '--reason', 'Maintenance', '--until', `${until60}Z`);
  const pausedAt = performance.now();

  expect(paused).toMatchObject({ code: 0, out: expect.stringContaining(`until ${until60}Z`) });
  for (const path of Object.values(paths)) {
    const { retryAfter } = await until(path, isPaused, pausedAt);
    expect(Number(retryAfter)).toBeGreaterThan(0);
    expect(Number(retryAfter)).toBeLessThanOrEqual(60);
  }
  const comesBack = ({ location }: Answer): boolean =>
    URL.parse(location ?? '')?.searchParams.get('error') === 'temporarily_unavailable';
  await until(() => authorize('northwind'), comesBack, pausedAt);
  await until(() => read('demo-health-plan', other.access_token), isServed, performance.now());

  const endsAt = performance.now() + Math.max(0, Date.parse(`${until60}Z`) - Date.now());
  await delay(Math.max(0, endsAt - performance.now()));
  for (const path of Object.values(paths)) await until(path, isServed, endsAt);
});
