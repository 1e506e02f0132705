import { text } from 'node:stream/consumers';
import { registryData } from '../../config/checks/load.ts';
import { createPayerHttp } from '../../functions/shared/payer/http-client.ts';
import { closersOf } from '../../sandbox/closers.ts';
import { partiesOf, sandboxOn } from '../../sandbox/parties.ts';
import { signInAsMember } from '../../sandbox/payer/walk.ts';
import { freePorts } from '../../sandbox/ports.ts';
import { memberNamed } from '../../sandbox/sign-in/member.ts';
import { fetchGateway, read } from './fetch-gateway.ts';
import { startMs } from './gateway.ts';
import { authorizeRequest, partnerRequest, redemption, renewal } from './login/requests.ts';
import { begin, comeBack, redirectOf, tokensIn, type Line, type Tokens } from './login/steps.ts';
import type { StreamOptions } from './stream-handler.ts';
import { ask, handlersOf, type Answer } from './world/handlers.ts';

const origin = 'http://localhost:3000';
const client = { client_id: 'demo-partner', client_secret: 'demo-partner-secret' };
const asked = { client_id: client.client_id, redirect_uri: 'http://localhost:3002/callback', state: 'partner-state' };

/** The life of a token with `short-tokens`: longer than a read takes on a busy machine. */
export const shortTokenMs = 3000;

export type PayerId = 'demo-health-plan' | 'northwind';

/** The sandbox's payers, each on a port, and the gateway in this process. Nothing else runs. */
export const startSandboxGateway = async () => {
  const ports = await freePorts({
    gateway: 3000,
    partner: 3002,
    aws: 3004,
    live: 3005,
    identity: 0,
    demoHealthPlan: 0,
    northwind: 0,
  });
  const sandbox = sandboxOn(ports);
  const gateway = fetchGateway({ registry: registryData(sandbox.config) });
  Object.assign(gateway.secrets, sandbox.secrets);
  const payerHttp = createPayerHttp();
  const tokenAnswers: Readonly<Record<string, unknown>>[] = [];
  gateway.payer.http = async (input, init) => {
    const { status, headers, body } = await payerHttp(input, init);
    if (!String(input).endsWith('/oauth2/token')) return { status, headers, body };
    const answer = await text(body!);
    tokenAnswers.push(JSON.parse(answer) as Record<string, unknown>);
    return { status, headers, body: new Response(answer).body };
  };
  // The payers have the machine's clock, and read it in the gateway's assertions.
  gateway.passSeconds(Math.floor((Date.now() - startMs) / 1000));
  const { opened, closeAll } = closersOf();
  const pauses = { faultPauseMs: { slow: 1, drip: 1, token: shortTokenMs } };
  for (const party of partiesOf(sandbox, ports, () => () => {}, pauses)) {
    if (party.name !== 'partner' && party.name !== 'identity') opened(await party.start());
  }
  const urls: Readonly<Record<PayerId, string>> = {
    'demo-health-plan': `http://127.0.0.1:${ports.demoHealthPlan}`,
    northwind: `http://127.0.0.1:${ports.northwind}`,
  };
  const { deps } = gateway;
  const handlers = handlersOf(deps);
  const send: Line<Answer>['send'] = (request) => ask(handlers, request);
  const look: Line<Answer>['look'] = ({ status, headers, cookies, body }) => ({
    status,
    location: headers['Location'],
    cookies,
    text: () => body,
  });
  const asTestMember = async (url: URL): Promise<URL> =>
    new URL(await signInAsMember(url.href, memberNamed('clinical')));

  /** What a member's sign-in brings the partner. */
  const signIn = async (payer: PayerId, signInAt = asTestMember): Promise<URLSearchParams> => {
    const line = { send, look, signIn: signInAt };
    const back = await comeBack(line, await begin(line, authorizeRequest(payer, asked)));
    return (await redirectOf(look(back))).searchParams;
  };
  const token = async (form: Readonly<Record<string, string | undefined>>): Promise<Answer> =>
    send(partnerRequest('token', { ...form, ...client }));
  return {
    origin,
    urls,
    signIn,
    /** A sign-in and its tokens. */
    connect: async (payer: PayerId, signInAt = asTestMember): Promise<Tokens> => {
      const code = (await signIn(payer, signInAt)).get('code') ?? '';
      return tokensIn(look(await token(redemption(code))));
    },
    refresh: (refreshToken: string): Promise<Answer> => token(renewal(refreshToken)),
    /** Reads below a payer's FHIR base; a path may have a query. */
    read: (payer: PayerId, pathAndQuery: string, accessToken: string, stream?: StreamOptions) => {
      const [path = '', query = ''] = pathAndQuery.split('?');
      return read(deps, path, accessToken, { payer, query, ...(stream === undefined ? {} : { stream }) });
    },
    log: gateway.log,
    /** What the payers' token endpoints have answered the gateway. */
    tokenAnswers,
    close: closeAll,
  };
};

export type SandboxGateway = Awaited<ReturnType<typeof startSandboxGateway>>;
