import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LiveEvent } from '../../sandbox/live/event.ts';
import { membersOf, onAnswerBody } from '../../sandbox/live/tap-bodies.ts';
import { leaksOf } from '../leaks/spellings.ts';
import { eventually } from '../support/eventually.ts';
import { lookAt, sendTo } from '../support/login/over-http.ts';
import {
  authorizeRequest,
  freshVerifier,
  partnerRequest,
  pkceOf,
  readRequest,
  redemption,
  renewal,
  type Change,
} from '../support/login/requests.ts';
import { login, tokensIn, type Tokens } from '../support/login/steps.ts';
import { words } from '../support/words.ts';
import { readLive, type LiveReader } from './live-reader.ts';
import { memberAt, type Bundle, type RunningStack } from './support.ts';

/** Every token that any server of this process hands out, the payers' too. */
const watchTokens = (): { readonly found: Set<string>; readonly stop: () => void } => {
  const found = new Set<string>();
  const onRequest = (message: unknown): void => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
    if (request.url?.startsWith('/oauth2/token') !== true) return;
    onAnswerBody(response, (body) => {
      for (const [name, value] of membersOf(body)) if (/token$|^patient$/.test(name)) found.add(value);
    });
  };
  subscribe('http.server.request.start', onRequest);
  return { found, stop: () => void unsubscribe('http.server.request.start', onRequest) };
};

/** Texts of a resource that are the member's and no code's: those with a digit or a space. */
const contentOf = (value: unknown): string[] => {
  if (typeof value === 'string') return value.length >= 8 && /[\d ]/.test(value) ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(contentOf) : [];
};

interface Walk {
  readonly grant: string;
  readonly secrets: readonly string[];
  readonly content: readonly string[];
  readonly access: string;
}

/** What the live view tells a reader about a whole walk, in order. */
const wholeWalk = [
  'browser > gateway GET /oauth2/authorize',
  'browser > payer GET /oauth2/authorize',
  'browser > gateway GET /oauth2/callback',
  'gateway > payer POST /oauth2/token',
  'app > gateway POST /oauth2/token',
  'app > gateway GET /r4',
  'gateway > payer GET /r4/Observation',
  'app > gateway GET /exports',
  'gateway > app POST /webhooks',
  'app > gateway POST /oauth2/revoke',
  'stored loginAttempts',
  'stored grants',
  'stored auditEvents',
  'stored exports',
  'stored files',
  'export completed',
  'event delivered',
];

/** One line for an event, whose path is without payer and ids. */
const lineOf = (event: LiveEvent): string => {
  if (event.kind === 'stored') return `stored ${event.where}`;
  if (event.kind === 'step') return event.text;
  return `${event.from} > ${event.to} ${event.method} ${event.path}`;
};

/** What the live view tells its readers of whole walks. */
export const liveView = (running: () => RunningStack): void => {
  let live: LiveReader;
  beforeAll(async () => {
    live = await readLive(running().urls.live);
  });
  afterAll(() => live.close());

  const tokensFor = async (form: Change): Promise<Tokens> => {
    const client = { client_id: 'demo-partner', client_secret: 'demo-partner-secret' };
    return tokensIn(lookAt(await sendTo(running().origin, partnerRequest('token', { ...client, ...form }))));
  };

  /** Sign-in, refresh, reads, a whole export with a download, and the end of the grant. */
  const walk = async (payer: string): Promise<Walk> => {
    const verifier = freshVerifier();
    const state = `canary-state-of-${payer}`;
    const request = authorizeRequest(payer, {
      client_id: 'demo-partner',
      redirect_uri: `${running().urls.partner}/callback`,
      state,
      ...pkceOf(verifier),
    });
    let payerCode = '';
    const member = memberAt(running().origin);
    const signIn: typeof member.signIn = async (url) => {
      const back = await member.signIn(url);
      payerCode = back.searchParams.get('code') ?? '';
      return back;
    };
    const { code, begun } = await login({ ...member, signIn }, request);
    const first = await tokensFor(redemption(code, { code_verifier: verifier }));
    const second = await tokensFor(renewal(first.refresh_token));
    const token = second.access_token;
    const read = async (path: string, query: readonly (readonly [string, string])[] = []): Promise<Response> =>
      sendTo(running().origin, readRequest(payer, path, token, { query }));
    const patient = (await (await read('Patient', [['birthdate', '2011-01-04']])).json()) as Bundle;
    const bundle = (await (await read('Observation', [['_count', '5']])).json()) as Bundle;
    const id = bundle.entry?.[0]?.resource.id ?? '';
    await (await read(`Observation/${id}`)).text();

    const asked = await sendTo(
      running().origin,
      readRequest(payer, 'Patient/$export', token, { headers: { Prefer: 'respond-async' } }),
    );
    const statusUrl = asked.headers.get('content-location') ?? '';
    const authorization = { authorization: `Bearer ${token}` };
    let manifest = '';
    await eventually(async () => {
      const polled = await fetch(statusUrl, { headers: authorization });
      manifest = await polled.text();
      return polled.status === 200;
    });
    const { output } = JSON.parse(manifest) as { output: { type: string; url: string }[] };
    const file = await fetch(output.find(({ type }) => type === 'Patient')?.url ?? '', { headers: authorization });
    await file.text();
    await sendTo(
      running().origin,
      partnerRequest('revoke', {
        client_id: 'demo-partner',
        client_secret: 'demo-partner-secret',
        token: second.refresh_token,
      }),
    );

    return {
      grant: (first as unknown as { grant_id: string }).grant_id,
      access: token,
      secrets: [
        state,
        begun.state,
        begun.cookie.split('=')[1] ?? '',
        code,
        payerCode,
        verifier,
        id,
        ...[first, second].flatMap((pair) => [pair.access_token, pair.refresh_token]),
        // An export's id begins with its grant's, which is shown.
        statusUrl.split('/').at(-1)?.slice(22) ?? '',
      ],
      content: [patient, bundle].flatMap(({ entry = [] }) => entry.flatMap(({ resource }) => contentOf(resource))),
    };
  };

  const untold = (grant: string): string[] => {
    const told = live
      .events()
      .filter((event) => live.flowOf(event)?.grant === grant)
      .map(lineOf);
    return wholeWalk.filter((line) => !told.some((one) => one === line || one.startsWith(`${line}/`)));
  };

  it('sends no token, code, state, verifier, secret, cookie, id, name or content of a record, in any spelling, and yet tells every step of each grant', async () => {
    const tokens = watchTokens();
    const walks = [await walk('northwind'), await walk('demo-health-plan')];
    // What happens last reaches readers some milliseconds later, as a rule in another order.
    await eventually(() => walks.every(({ grant }) => untold(grant).length === 0), 30_000);
    expect(walks.map(({ grant }) => untold(grant))).toEqual([[], []]);
    tokens.stop();

    const secrets = [
      ...words(`
        demo-partner-secret demo-health-plan-secret demo-partner-webhook-secret-local Mayte822 Venegas795 2011-01-04
        01/04/2011 01-testmemid
      `),
      ...tokens.found,
      ...walks.flatMap((one) => one.secrets),
    ];
    expect(secrets.filter((secret) => secret.length < 8)).toEqual([]);
    // Two payers issue two pairs each at least, and so does the gateway.
    expect(tokens.found.size).toBeGreaterThan(8);
    const content = new Set(walks.flatMap((one) => one.content));
    expect(content.size).toBeGreaterThan(30);
    const sent = live.text();
    expect(secrets.filter((secret) => leaksOf(secret).some((spelling) => sent.includes(spelling)))).toEqual([]);
    expect([...content].filter((text) => sent.includes(text))).toEqual([]);
  });
};
