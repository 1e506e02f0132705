import { call, cookiesOf } from '../support/gateway.ts';
import { redirectUri } from '../support/login.ts';
import {
  authorizeRequest,
  callbackRequest,
  partnerRequest,
  readRequest,
  type Change,
  type PartnerEndpoint,
} from '../support/login/requests.ts';
import { toEvent } from '../support/login/to-event.ts';
import { callStreaming, type StreamedAnswer } from '../support/stream-handler.ts';

/** A member's browser that is at the payer. */
export interface OpenLogin {
  readonly payer: string;
  readonly state: string;
  readonly cookie: string;
}

/** What a partner is told by token, revoke or introspect. */
export interface Told {
  readonly status: number;
  readonly access_token?: string;
  readonly refresh_token?: string;
  readonly error?: string;
  readonly active?: boolean;
}

/** The functions of one version, by the endpoint that they serve. */
interface Handlers {
  readonly authorize: unknown;
  readonly callback: unknown;
  readonly token: unknown;
  readonly fetch: unknown;
}

type ReadOptions = NonNullable<Parameters<typeof readRequest>[3]>;

/** What members and partners ask of the functions of one version. */
export const callsOf = (handlers: Handlers) => {
  const answerTo = (token: string, payer: string, path: string, options: ReadOptions): Promise<StreamedAnswer> =>
    callStreaming(handlers.fetch, toEvent(readRequest(payer, path, token, options)));
  return {
    post: async (endpoint: PartnerEndpoint, form: Change, headers: Record<string, string>): Promise<Told> => {
      const { statusCode, body } = await call(handlers.token, toEvent(partnerRequest(endpoint, form, headers)));
      return { status: statusCode, ...(body === '' ? {} : (JSON.parse(body) as object)) };
    },
    /** The status of a search below a payer's FHIR base. */
    read: async (token: string, payer = 'northwind'): Promise<number> =>
      (await answerTo(token, payer, 'Observation', { query: [['_count', '2']] })).statusCode,
    /** Any read below Northwind's FHIR base. */
    answerTo: (token: string, path: string, options: ReadOptions = {}) => answerTo(token, 'northwind', path, options),
    /** A member's browser goes to authorize, and from there to the payer. */
    begin: async (query: Change = {}, payer = 'northwind'): Promise<OpenLogin> => {
      const usual = { client_id: 'demo-partner', redirect_uri: redirectUri, state: 'partner-state' };
      const answer = await call(handlers.authorize, toEvent(authorizeRequest(payer, { ...usual, ...query })));
      const next = new URL(answer.headers['Location'] ?? 'about:blank');
      return { payer, state: next.searchParams.get('state') ?? '', cookie: cookiesOf(answer) };
    },
    /** The payer sends the member's browser back. @returns where the browser goes next */
    comeBack: async ({ payer, state, cookie }: OpenLogin): Promise<URL> => {
      const iss = payer === 'northwind' ? 'http://127.0.0.1:3003' : undefined;
      const request = callbackRequest(payer, { state, code: 'payer-code', iss }, { cookie });
      const { headers } = await call(handlers.callback, toEvent(request));
      return new URL(headers['Location'] ?? 'about:blank');
    },
  };
};

export type Calls = ReturnType<typeof callsOf>;
