import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import type { Provider } from 'oidc-provider';
import { close, listen } from '../aws/listen.ts';
import { html } from '../html.ts';
import { guarded, localRefusal, refuse } from '../partner/local-requests.ts';
import { noRooms } from '../state/room.ts';
import { changeRecord } from './data/changes.ts';
import { generateRecords } from './data/generate.ts';
import { memberKeys, testMembers } from './data/member-list.ts';
import type { MemberRecord } from './data/record.ts';
import { smartConfiguration } from './discovery.ts';
import { formerPlan } from './exchange/former-plan.ts';
import { misbehaving, type Handler } from './faults/misbehave.ts';
import { createSwitches, type Switches } from './faults/switches.ts';
import { memberOfToken } from './fhir-access.ts';
import { createFhirApi } from './fhir/server.ts';
import type { FhirApi } from './fhir/server.ts';
import { peekForm, readForm, seeOther, sendJson } from './http.ts';
import { identityEndpoints } from './identity/token-endpoint.ts';
import {
  acceptJson,
  fhirChecker,
  missingParameter,
  refusedWithoutHeader,
  renameFhirJson,
  type FhirRefusal,
  type Insists,
} from './insists.ts';
import { createMailbox } from './mailbox.ts';
import type { PayerOptions } from './options.ts';
import { adminPage } from './pages/admin.ts';
import { inboxPage } from './pages/inbox.ts';
import { messagePage, sendPage } from './pages/layout.ts';
import type { Page } from './pages/layout.ts';
import { membersPage } from './pages/members.ts';
import { stylesheet } from './pages/style.ts';
import { presets } from './presets.ts';
import { createProvider, gatewayName, userinfoPath } from './provider.ts';
import { createSharing } from './sharing.ts';
import { createSignIn } from './sign-in.ts';

export type { PayerOptions, RequestLogLine } from './options.ts';

/** A running payer. */
export interface LocalPayer {
  readonly url: string;
  /** Closes every connection at once. Members and tokens are kept. */
  close(): Promise<void>;
  /** Listens again on the same port, after `close`. */
  reopen(): Promise<void>;
  /** Cuts its bundles after this many bytes; `undefined` sends them whole again. */
  cutAfter(bytes: number | undefined): void;
}

/**
 * Starts a payer of the sandbox: its OAuth server, its member pages and its FHIR API under `/r4`, on one port.
 * Rejects if the port is taken.
 */
export const startPayer = async (options: PayerOptions): Promise<LocalPayer> => {
  const origin = `http://${options.host}:${options.port}`;
  let cutAfter: number | undefined;
  const route = createRoutes(options, origin, () => cutAfter);

  const serveRequest = (req: IncomingMessage, res: ServerResponse): void => {
    const startedAtMs = performance.now();
    const url = URL.parse(origin + (req.url ?? '/'));
    res.on('close', () => {
      const ms = Math.round(performance.now() - startedAtMs);
      const path = url ? withoutSignInId(options, url.pathname) : '?';
      options.log?.({ method: req.method ?? '?', path, status: res.statusCode, ms });
    });
    if (!url) {
      res.writeHead(400).end();
      return;
    }
    Promise.resolve(route(req, res, url)).catch((error: unknown) => {
      console.error(`${options.displayName}: ${error instanceof Error ? error.stack : String(error)}`);
      if (res.headersSent) res.destroy();
      else res.writeHead(500, { 'content-type': 'text/plain' }).end('Something went wrong here.');
    });
  };
  const server = createServer(guarded({ callers: 'anyPage' }, serveRequest));

  const open = async (): Promise<void> => {
    await listen(server, options.port, options.host);
  };
  await open();
  const cut = (bytes: number | undefined): void => {
    cutAfter = bytes;
  };
  return { url: origin, close: () => close(server), reopen: open, cutAfter: cut };
};

const createRoutes = (options: PayerOptions, origin: string, cutAfter: () => number | undefined): Handler => {
  const preset = presets[options.preset];
  const { paths } = preset;
  const brand = { name: options.displayName };
  const fhirBaseUrl = `${origin}/r4`;
  let records: readonly MemberRecord[] = generateRecords(1, options.recordsOf);
  const mailbox = createMailbox();
  const isMember = (id: string): boolean => records.some(({ patientId }) => patientId === id);
  const provider = createProvider({ options, preset, brand, origin, fhirBaseUrl, isMember });
  // Before the callback, which takes only what is there.
  const sharing = createSharing(provider, paths.token, options.rooms);
  const oauth = provider.callback();
  const { insists = {}, now = Date.now } = options;
  const { refusesPatients, furtherBases = [], basesOfTypes = {}, emptySearchStatus } = insists;
  const { rooms } = options;
  const signIn = createSignIn({ provider, sharing, records, mailbox, brand, now, refusesPatients, rooms });
  const oauthUris = {
    authorize: origin + paths.authorize,
    token: origin + paths.token,
    ...(paths.revocation && { revoke: origin + paths.revocation }),
  };
  const serve = (): ReadonlyMap<string, FhirApi> =>
    new Map(
      ['/r4', ...furtherBases, ...Object.keys(basesOfTypes)].map((path) => [
        path,
        createFhirApi(records, {
          baseUrl: origin + path,
          oauth: oauthUris,
          cutAfter,
          emptySearchStatus,
          isServed: (type) => isServedAt(basesOfTypes, path, type),
          isFormerPlan: options.exchange !== undefined,
        }),
      ]),
    );
  let fhirAt = serve();
  const refusalOf = fhirChecker(insists, now);

  const authorize: Handler = async (req, res, url) => {
    if (req.method === 'POST') {
      // SMART clients may post the request, but the library accepts that only with third-party cookies.
      const form = await readForm(req);
      return form ? seeOther(res, `${url.pathname}?${form.toString()}`) : sendPage(res, brand, unreadable);
    }
    completeRequest(url.searchParams, preset.fixedScope);
    const missing = missingParameter(insists.parameters?.authorize, url.searchParams);
    if (missing !== undefined) return sendPage(res, brand, refusedParameter(missing));
    req.url = url.pathname + url.search;
    await oauth(req, res);
  };

  /** The token and revocation endpoints, behind whatever stands in front of them. */
  const oauthForClients: Handler = async (req, res) => {
    if (refusedWithoutHeader(insists, req, res)) return;
    if (insists.tokenRequest === 'json' && !(await acceptJson(req))) {
      return sendJson(res, 415, { error: 'invalid_request', error_description: 'Only JSON is read here.' });
    }
    await oauth(req, res);
  };

  const switches = createSwitches(options.faults);
  const identity = identityOf({ options, provider, origin, now, members: () => records, switches });

  const exchange =
    options.exchange &&
    formerPlan({
      options: options.exchange,
      displayName: options.displayName,
      origin,
      tokenEndpoint: origin + paths.token,
      records: () => records,
      isOn: (fault) => switches.names().includes(`exchange-${fault}`),
      now,
      rooms: rooms ?? noRooms,
    });

  const token: Handler = async (req, res, url) => {
    if (exchange !== undefined) {
      const form = await peekForm(req);
      const isSystem = identity === undefined || exchange.asksForToken(form);
      if (form.get('grant_type') === 'client_credentials' && isSystem) {
        return exchange.token(req, form, res);
      }
    }
    if (identity !== undefined) {
      const form = await peekForm(req);
      const grantType = form.get('grant_type');
      if (grantType === 'client_credentials') return identity.token(form, res);
      if (grantType === 'refresh_token' && (await identity.refusesRefresh(form, res))) return;
    }
    if (insists.parameters !== undefined) {
      const form = await peekForm(req);
      const missing = missingParameter(insists.parameters[form.get('grant_type') as 'refresh_token'], form);
      if (missing !== undefined) return sendJson(res, 400, { error: 'invalid_request', error_description: missing });
    }
    await oauthForClients(req, res, url);
  };

  const smartConfigurationPath = insists.smartConfigurationPath ?? '/r4/.well-known/smart-configuration';
  const wellKnown: Handler = (req, res, url) => {
    if (!preset.discovery) return sendJson(res, 401, { message: 'Unauthorized' });
    if (url.pathname === '/.well-known/oauth-authorization-server') return oauth(req, res);
    if (url.pathname !== smartConfigurationPath) return sendJson(res, 404, { error: 'not_found' });
    sendJson(res, 200, smartConfiguration(preset, origin, options), { 'access-control-allow-origin': '*' });
  };

  const fhirApi =
    (base: string): Handler =>
    async (req, res, url) => {
      const fhir = fhirAt.get(base)!;
      if (refusedWithoutHeader(insists, req, res)) return;
      if (insists.fhirMediaType !== undefined) renameFhirJson(res, insists.fhirMediaType);
      const refusal = refusalOf(req, url.pathname.slice(base.length), url.searchParams);
      if (refusal !== undefined) return sendRefusal(res, refusal);
      if (insists.fhirMediaType !== undefined) req.headers.accept = 'application/fhir+json';
      if (url.pathname === `${base}/metadata`) return fhir(req, res);
      if (base === '/r4' && (await exchange?.fhir(req, res, url)) === true) return;
      const member = await memberOfToken(provider, sharing, req, res);
      if (insists.firstByteMs !== undefined) await setTimeout(insists.firstByteMs);
      if (member) await fhir(req, res, member);
    };

  const admin: Handler = async (req, res) => {
    if (req.method !== 'POST') return sendPage(res, brand, adminPage(options.displayName, switches.names()));
    const form = await readForm(req);
    if (!form) return sendPage(res, brand, unreadable);
    const unknown = switches.set(form.getAll('fault'));
    if (unknown.length === 0) return seeOther(res, '/admin');
    sendPage(res, brand, adminPage(options.displayName, switches.names(), unknown));
  };

  const change: Handler = async (req, res) => {
    const form = req.method === 'POST' ? await readForm(req) : undefined;
    const key = memberKeys.find((known) => known === form?.get('member'));
    if (!key) return sendJson(res, 400, { error: `post a form with member=, one of: ${memberKeys.join(', ')}` });
    const old = records.find(({ member }) => member.memberId === testMembers[key].memberId);
    if (!old) return sendJson(res, 404, { error: `${key} is no member of this payer` });
    const { record, changed } = changeRecord(old, now());
    records = records.map((one) => (one === old ? record : one));
    fhirAt = serve();
    sendJson(res, 200, { changed });
  };

  const page = (content: () => Page): Handler => forOwnPages((_req, res) => sendPage(res, brand, content()));

  const exact: Readonly<Record<string, Handler | undefined>> = {
    [paths.authorize]: authorize,
    [paths.token]: token,
    ...(insists.patient?.in === 'userinfo' && { [userinfoPath]: oauth }),
    ...(paths.revocation && { [paths.revocation]: oauthForClients }),
    ...(identity && { [identityRevocationPath]: (req, res) => identity.revoke(req, res) }),
    ...(paths.jwks && { [paths.jwks]: oauth }),
    '/admin': forOwnPages(admin),
    '/': page(() => homePage(options.displayName)),
    '/members': page(() => membersPage(origin)),
    '/admin/changes': forOwnPages(change),
    '/inbox': page(() => inboxPage(options.displayName, mailbox.messages())),
    '/style.css': (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/css; charset=utf-8', 'x-content-type-options': 'nosniff' });
      res.end(stylesheet(preset.colors));
    },
  };
  const below: readonly (readonly [string, Handler])[] = [
    [`${paths.authorize}/`, oauth],
    ['/interaction/', forOwnPages(signIn)],
    ['/.well-known/', wellKnown],
    ['/r4/.well-known/', wellKnown],
    ...(exchange ? [['/bulk/', exchange.bulk] as const] : []),
    ...[...fhirAt.keys()].map((base) => [`${base}/`, fhirApi(base)] as const),
  ];
  const missing = page(() =>
    messagePage('Page not found', ['The address may be mistyped, or the page has moved.'], 404),
  );

  const usual: Handler = (req, res, url) => {
    const document = insists.publishes?.[url.pathname];
    if (document !== undefined) return sendJson(res, 200, document);
    const path = url.pathname === '/r4' ? '/r4/' : url.pathname;
    const handler = exact[path] ?? below.find(([prefix]) => path.startsWith(prefix))?.[1];
    return (handler ?? missing)(req, res, url);
  };
  return misbehaving(usual, switches.on, { origin, paths, pauseMs: options.faultPauseMs });
};

/** Where a payer that takes identity tokens revokes the grants that they made. */
const identityRevocationPath = '/oauth2/revoke';

/** The endpoints for identity tokens, where the payer takes them. */
const identityOf = ({
  options,
  provider,
  origin,
  now,
  members,
  switches,
}: {
  readonly options: PayerOptions;
  readonly provider: Provider;
  readonly origin: string;
  readonly now: () => number;
  readonly members: () => readonly MemberRecord[];
  readonly switches: Switches;
}): ReturnType<typeof identityEndpoints> | undefined => {
  const { identitySignIn, client, clientId, displayName, accessTokenSeconds, rooms } = options;
  if (identitySignIn === undefined) return undefined;
  const { paths, scopes } = presets[options.preset];
  return identityEndpoints({
    ...identitySignIn,
    provider,
    clientId,
    clientSecret: typeof client === 'object' && 'secret' in client ? client.secret : '',
    displayName,
    tokenEndpoint: origin + paths.token,
    scopes,
    members,
    isOn: (fault) => switches.names().includes(`identity-${fault}`),
    now,
    accessTokenSeconds,
    rooms,
  });
};

/** Whether a type is at a base: some bases have types that no other has. */
const isServedAt = (basesOfTypes: NonNullable<Insists['basesOfTypes']>, path: string, type: string): boolean => {
  if (type === 'Patient') return true;
  const own = basesOfTypes[path];
  return own === undefined ? !Object.values(basesOfTypes).flat().includes(type) : own.includes(type);
};

/** The OAuth server and the FHIR API answer apps on any origin; pages for people at this machine do not. */
const forOwnPages =
  (handler: Handler): Handler =>
  (req, res, url) => {
    const refusal = localRefusal(req, { callers: 'ownPages' });
    return refusal === undefined ? handler(req, res, url) : refuse(res, refusal);
  };

const refusedParameter = (name: string): Page =>
  messagePage('We cannot continue with this request', [`For the developers of the app: ${name} is missing.`], 400);

const sendRefusal = (res: ServerResponse, { status, says, headers = {} }: FhirRefusal): void => {
  const outcome = {
    resourceType: 'OperationOutcome',
    issue: [{ severity: 'error', code: 'processing', diagnostics: says }],
  };
  sendJson(res, status, outcome, { 'content-type': 'application/fhir+json', ...headers });
};

/** Fills in what the library requires and this payer's clients may omit. */
const completeRequest = (query: URLSearchParams, fixedScope: string | undefined): void => {
  if (fixedScope !== undefined) {
    query.set('scope', fixedScope);
    if (!query.has('response_type')) query.set('response_type', 'code');
  }
  // Members are always asked, and without this the library drops offline_access from the scope.
  if (!query.has('prompt')) query.set('prompt', 'consent');
};

const unreadable = messagePage(
  'We could not read that',
  ['The request was not a form, or it was too large. Go back and send it again.'],
  400,
);

const homePage = (payerName: string): Page => {
  return {
    title: 'Welcome',
    body: html`<h1>Welcome to ${payerName}</h1>
      <p>
        You come here from an app, through <strong>${gatewayName}</strong>, when you want to take your health record
        along to a new health plan. There is nothing to do on this page itself.
      </p>
      <p>
        What we e-mailed is in <a href="/inbox">the inbox</a>. Who can sign in is on the page of
        <a href="/members">test members</a>.
      </p>
      <p>Developers: <a href="/admin">make this payer misbehave</a>.</p>`,
  };
};

/** The id in these paths is as sensitive as the sign-in's cookie, so it is never logged. */
const withoutSignInId = (options: PayerOptions, path: string): string => {
  const prefix = ['/interaction', presets[options.preset].paths.authorize].find((start) =>
    path.startsWith(`${start}/`),
  );
  return prefix ? path.replace(new RegExp(`^${prefix}/[^/]+`), `${prefix}/:id`) : path;
};
