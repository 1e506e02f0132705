import type { Context } from 'aws-lambda';
import { canaryHandler } from '../../../functions/canary/handler.ts';
import { registryOf } from '../../../functions/shared/registry/registry.ts';
import { breakerFleet } from '../../support/breaker-fleet.ts';
import { metric, signalsOf } from '../../support/embedded-metrics.ts';
import { testDeps } from '../../support/gateway.ts';
import { localRegistry } from '../../support/login.ts';

type Answers = (url: URL) => Response | Error;

const silence = new DOMException('x', 'TimeoutError') as Error;
const refused = Object.assign(new TypeError('x'), { code: 'ECONNREFUSED' });

/** The canary in front of Northwind alone, whose facade is well, over the table of a fleet of readers. */
const canary = (answers: Answers, fleet = breakerFleet()) => {
  const { deps, lines } = testDeps();
  const data = localRegistry();
  const payers = data.payers.filter(({ id }) => id === 'northwind');
  const asked: string[] = [];
  const sent: { path: string; init: RequestInit | undefined }[] = [];
  const run = async (): Promise<Record<string, unknown>> => {
    const http = async (input: string | URL, init?: RequestInit): Promise<Response> => {
      const url = new URL(input);
      if (url.host === '127.0.0.1:3003') {
        asked.push(url.pathname);
        sent.push({ path: url.pathname, init });
        const answer = answers(url);
        if (!(answer instanceof Response)) throw answer;
        return answer;
      }
      const endpoint = 'http://localhost:3000/oauth2/authorize/northwind';
      return url.pathname.startsWith('/r4/')
        ? Response.json({ authorization_endpoint: endpoint })
        : new Response('<form>', { status: 200 });
    };
    const partners = data.partners.map((partner) => ({ ...partner, consent: 'gateway' as const }));
    const registry = registryOf({ ...data, payers, partners });
    const limits = { client: fleet.dynamo.client, name: 'Limits' };
    const context = { awsRequestId: 'canary-1', getRemainingTimeInMillis: () => 60_000 } as Context;
    const clock = { now: () => fleet.time.ms, monotonic: () => fleet.time.ms };
    await canaryHandler({ ...deps, registry, limits, clock, http, connect: async () => ({}) })({}, context);
    // The last line is the run's.
    return JSON.parse(lines.at(-2) ?? '{}') as Record<string, unknown>;
  };
  return { run, fleet, asked, sent, lines };
};
const isFhir = ({ pathname }: URL): boolean => pathname.startsWith('/r4/');
const page = (): Response => new Response('<h1>Sign in</h1>');

it.each([
  ['times out', silence],
  ['takes no connection', refused],
])('the canary opens the breaker of a payer whose FHIR API %s, and says so', async (_name, failure) => {
  const { run, fleet, asked, lines } = canary((url) => (isFhir(url) ? failure : page()));
  const line = await run();

  expect(line).toMatchObject({ outcome: 'failed', detail: expect.stringMatching(/^FHIR API: .*; breaker opened$/) });
  expect(asked.filter((path) => path.startsWith('/r4/'))).toEqual(['/r4/metadata', '/r4/Patient']);
  expect(signalsOf(lines[0])).toContain('breakerOpened');
  expect(metric(lines[0] ?? '', 'breakerOpened')).toEqual({ '': 1 });
  expect(fleet.stored().openUntilMs).toBe(fleet.time.ms + 30_000);
  expect(await fleet.refusal(0)).toMatchObject({ status: 503, detail: 'breaker: open' });
});

it('the read without a token asks for the payer’s FHIR format, as the canary, and follows no redirect', async () => {
  const { run, sent } = canary((url) => (isFhir(url) ? silence : page()));
  await run();

  expect(sent.at(-1)).toEqual({
    path: '/r4/Patient',
    init: {
      headers: { Accept: 'application/fhir+json', 'User-Agent': 'p2p-gateway-canary' },
      redirect: 'manual',
      signal: expect.any(AbortSignal) as AbortSignal,
    },
  });
});

it('a read that gets an answer afterwards closes it again', async () => {
  const { run, fleet } = canary((url) => (isFhir(url) ? silence : page()));
  await run();
  await fleet.pass(30_500);
  const { watch } = await fleet.admit(0, 'grant-1', 'partner-1');
  await watch.answered();

  expect(fleet.stored().openUntilMs).toBeUndefined();
});

it.each<[string, Answers, string[]]>([
  [
    'whose FHIR API answers with an error',
    (url) => (isFhir(url) ? new Response('', { status: 503 }) : page()),
    ['/r4/metadata'],
  ],
  [
    'of which only the metadata is silent',
    ({ pathname }) => (pathname === '/r4/metadata' ? silence : page()),
    ['/r4/metadata', '/r4/Patient'],
  ],
  [
    'whose metadata is silent and whose reads fail',
    (url) => {
      if (url.pathname === '/r4/metadata') return silence;
      return isFhir(url) ? new Response('', { status: 500 }) : page();
    },
    ['/r4/metadata', '/r4/Patient'],
  ],
  ['whose sign-in page and token endpoint are silent', (url) => (isFhir(url) ? page() : silence), ['/r4/metadata']],
])(
  'it leaves the breaker of a payer alone %s, and reads only if the metadata is silent',
  async (_name, answers, reads) => {
    const { run, fleet, asked } = canary(answers);
    await run();

    expect(fleet.stored().openUntilMs).toBeUndefined();
    expect(asked.filter((path) => path.startsWith('/r4/'))).toEqual(reads);
  },
);

it('a breaker that is open already stays as it is, and one that is half-open opens again', async () => {
  const { run, fleet, lines } = canary((url) => (isFhir(url) ? silence : page()));
  await run();
  const until = fleet.stored().openUntilMs;
  await fleet.pass(10_000);
  expect((await run())['detail']).toBe('FHIR API: TimeoutError');
  expect(fleet.stored().openUntilMs).toBe(until);
  await fleet.pass(30_000);
  await run();

  expect(fleet.stored().openUntilMs).toBe(fleet.time.ms + 30_000);
  const ofPayer = lines.filter((line) => line.includes('"payer":'));
  expect(ofPayer.map((line) => signalsOf(line).includes('breakerOpened'))).toEqual([true, false, true]);
});

it('says if it could not open it, and does not count it as opened', async () => {
  const { run, fleet, lines } = canary((url) => (isFhir(url) ? silence : page()));
  fleet.dynamo.standIn('UpdateItem', () => Promise.reject(Object.assign(new Error(), { name: 'ThrottlingException' })));

  expect((await run())['detail']).toBe('FHIR API: TimeoutError; breaker not opened: ThrottlingException');
  expect(signalsOf(lines[0])).not.toContain('breakerOpened');
});
