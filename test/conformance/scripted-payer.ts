import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { close, listen } from '../../sandbox/aws/listen.ts';

/** A request that reached a payer. */
interface PayerRequest {
  readonly payer: string;
  /** `authorize`, `token`, `revoke`, or `r4`. */
  readonly endpoint: string;
  readonly method: string;
  readonly url: URL;
  /** Below the FHIR base. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly form: URLSearchParams;
}

/** Answers a request, or does not. */
export type Respond = (request: PayerRequest, response: ServerResponse) => unknown;

/** What a payer does; each can be another for one test. */
interface Script {
  /** The parameters that the redirect back has beside `state`. */
  readonly authorize: (request: PayerRequest) => Readonly<Record<string, string>>;
  readonly token: Respond;
  readonly revoke: Respond;
  readonly r4: Respond;
}

/** Payers that do as they are told, each below its own path of one server. */
export interface ScriptedPayers {
  readonly origin: string;
  /** Replaces parts of one payer's script. */
  readonly script: (payer: string, change: Partial<Script>) => void;
  /** The requests since the last reset. */
  readonly requests: (payer: string, endpoint: string) => readonly PayerRequest[];
  readonly reset: () => void;
  readonly close: () => Promise<void>;
}

/** The member whose record it is. */
export const patientId = 'pat-1';

/** Answers with JSON. */
export const answer =
  (status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Respond =>
  (_request, response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));

/** Answers with a text of any type. */
export const answerText =
  (status: number, body: string, headers: Readonly<Record<string, string>>): Respond =>
  (_request, response) =>
    response.writeHead(status, headers).end(body);

/** Never answers. */
export const hang: Respond = () => undefined;

/** A searchset. */
export const bundleOf = (...resources: readonly object[]): object => ({
  resourceType: 'Bundle',
  type: 'searchset',
  entry: resources.map((resource) => ({ resource, search: { mode: 'match' } })),
});

const patient = { resourceType: 'Patient', id: patientId };

let minted = 0;
/** A secret of a payer's; the word in it is looked for in places where no secret may be. */
const mint = (kind: string): string => `payer-${kind}-canary-${process.pid}-${(minted += 1)}`;

/** A payer's token answer. */
export const tokenAnswer = (change: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  access_token: mint('access'),
  refresh_token: mint('refresh'),
  token_type: 'Bearer',
  expires_in: 3600,
  scope: 'launch/patient patient/*.rs offline_access',
  patient: patientId,
  ...change,
});

/** Answers each token request with fresh tokens. */
export const tokens =
  (change: Readonly<Record<string, unknown>> = {}): Respond =>
  (request, response) =>
    answer(200, tokenAnswer(change))(request, response);

const scriptOf = (issuer: string): Script => ({
  authorize: () => ({ code: mint('code'), iss: issuer }),
  token: tokens(),
  revoke: (_request, response) => response.writeHead(200).end(),
  r4: (request, response) =>
    answer(200, request.path.startsWith(`/Patient/${patientId}`) ? patient : bundleOf(patient))(request, response),
});

/** Starts the payers on a free port; whichever id a path begins with is a payer. */
export const startScriptedPayers = async (): Promise<ScriptedPayers> => {
  const scripts = new Map<string, Partial<Script>>();
  let requests: PayerRequest[] = [];
  let origin = '';

  const redirectBack = (script: Script, request: PayerRequest, response: ServerResponse): void => {
    const back = new URL(request.url.searchParams.get('redirect_uri') ?? '');
    const answered = Object.entries(script.authorize(request));
    const state = request.url.searchParams.get('state') ?? '';
    for (const [name, value] of [['state', state] as const, ...answered]) back.searchParams.set(name, value);
    response.writeHead(302, { location: back.href }).end();
  };

  const server = createServer((incoming, response) => {
    void (async () => {
      const url = new URL(incoming.url ?? '', origin);
      const [, payer = '', endpoint = '', ...rest] = url.pathname.split('/');
      const body = await text(incoming);
      const request: PayerRequest = {
        payer,
        endpoint,
        method: incoming.method ?? '',
        url,
        path: `/${rest.join('/')}`,
        headers: incoming.headers,
        form: new URLSearchParams(body),
      };
      requests.push(request);
      const script: Script = { ...scriptOf(`${origin}/${payer}`), ...scripts.get(payer) };
      if (endpoint === 'authorize') redirectBack(script, request, response);
      else if (endpoint === 'token' || endpoint === 'revoke' || endpoint === 'r4') script[endpoint](request, response);
      else response.writeHead(404).end();
    })();
  });
  const port = await listen(server, 0, '127.0.0.1');
  origin = `http://127.0.0.1:${port}`;
  return {
    origin,
    script: (payer, change) => scripts.set(payer, { ...scripts.get(payer), ...change }),
    requests: (payer, endpoint) => requests.filter((one) => one.payer === payer && one.endpoint === endpoint),
    reset: () => {
      scripts.clear();
      requests = [];
    },
    close: () => close(server),
  };
};
