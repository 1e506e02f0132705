import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { InteractionResults, Provider } from 'oidc-provider';
import { close, listen } from '../aws/listen.ts';
import { html } from '../html.ts';
import { guarded, localRefusal, refuse } from '../partner/local-requests.ts';
import { memberKeys } from '../payer/data/member-list.ts';
import { readForm } from '../payer/http.ts';
import type { RequestLogLine } from '../payer/options.ts';
import { messagePage, sendPage, type Brand, type Page } from '../payer/pages/layout.ts';
import { stylesheet } from '../payer/pages/style.ts';
import { homePage, identityProviderName, provePage } from './pages.ts';
import { createProvider, type IdentityClient } from './provider.ts';

export interface IdentityProviderOptions {
  readonly host: string;
  readonly port: number;
  readonly clients: readonly IdentityClient[];
  /** Epoch milliseconds, for the expiry of codes. @default the machine's clock */
  readonly now?: () => number;
  readonly log?: (line: RequestLogLine) => void;
}

/** A running identity provider. */
export interface LocalIdentityProvider {
  /** Also the issuer. */
  readonly url: string;
  readonly close: () => Promise<void>;
}

type Handler = (req: IncomingMessage, res: ServerResponse, url: URL) => Promise<void> | void;

const brand: Brand = { name: identityProviderName, area: 'Identity provider', links: html`` };

/** Starts the sandbox's identity provider, which knows the members of its payers. Rejects if the port is taken. */
export const startIdentityProvider = async (options: IdentityProviderOptions): Promise<LocalIdentityProvider> => {
  const origin = `http://${options.host}:${options.port}`;
  const route = createRoutes(options, origin);
  const serve = (req: IncomingMessage, res: ServerResponse): void => {
    const startedAtMs = performance.now();
    const url = URL.parse(origin + (req.url ?? '/'));
    res.on('close', () => {
      const ms = Math.round(performance.now() - startedAtMs);
      // The id of a proof is as sensitive as its cookie.
      const path = url?.pathname.replace(/^(\/(?:interaction|authorize)\/)[^/]+/, '$1:id') ?? '?';
      options.log?.({ method: req.method ?? '?', path, status: res.statusCode, ms });
    });
    if (!url) return void res.writeHead(400).end();
    Promise.resolve(route(req, res, url)).catch((error: unknown) => {
      console.error(`${identityProviderName}: ${error instanceof Error ? error.stack : String(error)}`);
      if (res.headersSent) res.destroy();
      else res.writeHead(500, { 'content-type': 'text/plain' }).end('Something went wrong here.');
    });
  };
  const server = createServer(guarded({ callers: 'anyPage' }, serve));
  await listen(server, options.port, options.host);
  return { url: origin, close: () => close(server) };
};

const createRoutes = ({ clients, now = Date.now }: IdentityProviderOptions, origin: string): Handler => {
  const provider = createProvider({ origin, brand, clients, now });
  const oidc = provider.callback();
  const nameOf = (clientId: unknown): string =>
    clients.find((client) => client.clientId === clientId)?.name ?? 'An app';
  const prove = forOwnPages(proof(provider, nameOf));
  return (req, res, url) => {
    if (url.pathname === '/') return sendPage(res, brand, homePage(origin));
    if (url.pathname === '/style.css') {
      res.writeHead(200, { 'content-type': 'text/css; charset=utf-8', 'x-content-type-options': 'nosniff' });
      return void res.end(stylesheet({ light: '#7a3b12', dark: '#e8b48f' }));
    }
    return url.pathname.startsWith('/interaction/') ? prove(req, res, url) : oidc(req, res);
  };
};

const forOwnPages =
  (handler: Handler): Handler =>
  (req, res, url) => {
    const refusal = localRefusal(req, { callers: 'ownPages' });
    return refusal === undefined ? handler(req, res, url) : refuse(res, refusal);
  };

/** The page where a person chooses who they are, and what comes of it. */
const proof =
  (provider: Provider, nameOf: (clientId: unknown) => string): Handler =>
  async (req, res, url) => {
    res.setHeader('cache-control', 'no-store');
    const interaction = await provider.interactionDetails(req, res).catch(() => undefined);
    if (interaction === undefined || url.pathname !== `/interaction/${interaction.uid}`)
      return sendPage(res, brand, ended);
    const { client_id: clientId, scope } = interaction.params;
    if (req.method !== 'POST') return sendPage(res, brand, provePage(url.pathname, nameOf(clientId)));
    const form = await readForm(req);
    const person = memberKeys.find((known) => known === form?.get('person'));
    const finish = (result: InteractionResults): Promise<void> =>
      provider.interactionFinished(req, res, result, { mergeWithLastSubmission: false });
    if (form?.get('decision') !== 'share' || person === undefined) {
      return finish({ error: 'access_denied', error_description: 'nobody was identified' });
    }
    const grant = new provider.Grant({ accountId: person, clientId: String(clientId) });
    grant.addOIDCScope(String(scope));
    await finish({ login: { accountId: person, remember: false }, consent: { grantId: await grant.save() } });
  };

const ended: Page = messagePage(
  'This page has ended',
  ['It was already used, or was opened in another browser. Go back to the app, and start again there.'],
  400,
);
