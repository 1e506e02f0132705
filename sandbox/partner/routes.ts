import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  askToDisconnect,
  beginSignIn,
  disconnect,
  download,
  finishSignIn,
  hasEvents,
  home,
  readAgain,
  searchPlan,
  withRecord,
} from './actions.ts';
import type { App } from './actions.ts';
import { notAllowed, notFound, problemAnswer, staleForm } from './answer.ts';
import type { Answer } from './answer.ts';
import { document } from './document.ts';
import { files } from './files.ts';
import { askToIdentify, beginProof, finishProof } from './identity.ts';
import { beginImport, downloadFile, endImport, showImport } from './import.ts';
import { landingPage, launchPage } from './pages/browser-apps.ts';
import { carePage } from './pages/care.ts';
import { claimsPage } from './pages/claims.ts';
import { documentsPage } from './pages/documents.ts';
import { entryPage } from './pages/entry.ts';
import { eventsPage } from './pages/events.ts';
import { healthPage, listPage } from './pages/lists.ts';
import { overviewPage } from './pages/overview.ts';
import type { RecordView } from './pages/record.ts';
import { resultsPage } from './pages/results.ts';
import { timelinePage } from './pages/timeline.ts';
import type { PayerChoice } from './payer-choice.ts';
import type { Session } from './sessions.ts';
import { receive } from './webhooks.ts';

const largestForm = 10_000;

/** The pages of a record, by the last part of their path. */
const recordPages: Readonly<Record<string, ((view: RecordView) => string | undefined) | undefined>> = {
  '': overviewPage,
  timeline: timelinePage,
  results: resultsPage,
  health: healthPage,
  care: carePage,
  claims: claimsPage,
  documents: documentsPage,
  list: listPage,
  entry: entryPage,
};

/** Pages that draw charts. */
const withCharts = new Set(['results']);

/** The actions of the forms on a payer's pages, by the path before and after the payer's id. */
const acts: Readonly<
  Record<string, ((app: App, session: Session, payer: PayerChoice) => Answer | Promise<Answer>) | undefined>
> = {
  'record/read': (_app, session, payer) => readAgain(session, payer),
  'record/disconnect': disconnect,
  'identify/begin': beginProof,
  'export/begin': beginImport,
  'export/delete': endImport,
};

/** Finds the answer to a request by its path. */
export const answer = async (
  app: App,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answer> => {
  const isPost = request.method === 'POST';
  if (!isPost && request.method !== 'GET' && request.method !== 'HEAD') return notAllowed();
  const [, first = '', second, , ...rest] = url.pathname.split('/');
  if (rest.length > 0) return notFound();
  if (url.pathname === '/webhooks' && isPost) return receive(app, request);
  const publicAnswer = isPost ? undefined : withoutSession(app, url, first, second);
  if (publicAnswer !== undefined) return publicAnswer;

  const session = app.sessions.of(request);
  const found = await ofSession(app, session, url, request);
  app.sessions.keep(session, response);
  return found;
};

/** The pages that know the browser. */
const ofSession = async (app: App, session: Session, url: URL, request: IncomingMessage): Promise<Answer> => {
  const isPost = request.method === 'POST';
  const [, first = '', second, third] = url.pathname.split('/');
  if (url.pathname === '/' && !isPost) return home(app, session, url);
  if (url.pathname === '/callback' && !isPost) return finishSignIn(app, session, url);
  if (url.pathname === '/identity/callback' && !isPost) return finishProof(app, session, url);
  if (url.pathname === '/connect' && !isPost) return searchPlan(app, session);
  const payer = app.payers.find((candidate) => candidate.id === second);
  if (!payer) return notFound();
  if (!isPost) return ofPayer(app, session, payer, { first, third, query: url.searchParams });
  const act = acts[`${first}/${third}`];
  if (act === undefined || (first === 'identify' && !takesIdentity(app, payer))) return notFound();
  const form = await formOf(request);
  if (form?.get('form_token') !== session.formToken) return problemAnswer(staleForm, undefined);
  return act(app, session, payer);
};

/** Files, the events, and the apps that run in the browser. */
const withoutSession = (app: App, url: URL, first: string, second: string | undefined): Answer | undefined => {
  const known = files[url.pathname];
  if (known) return known;
  if (url.pathname === '/events' && hasEvents(app))
    return { status: 200, page: eventsPage(app.inbox.events(), app.payers), scripts: 'askThisServer' };
  const browserApp = app.browserApps.find((candidate) => candidate.path === `/${first}`);
  if (browserApp === undefined) return undefined;
  const scripts = 'callTheGateway';
  if (second === undefined) return { status: 200, page: launchPage(browserApp, app.payers, app.gateway.base), scripts };
  return second === 'callback' ? { status: 200, page: landingPage(browserApp), scripts } : notFound();
};

/** The pages of one payer. */
const ofPayer = (
  app: App,
  session: Session,
  payer: PayerChoice,
  {
    first,
    third,
    query,
  }: { readonly first: string; readonly third: string | undefined; readonly query: URLSearchParams },
): Answer | Promise<Answer> => {
  if (first === 'connect' && third === undefined) return beginSignIn(app, session, payer);
  if (first === 'identify' && third === undefined && takesIdentity(app, payer))
    return askToIdentify(app, session, payer);
  if (first === 'export')
    return third === undefined ? showImport(app, session, payer) : downloadFile(app, session, payer, third);
  if (first !== 'record') return notFound();
  if (third === 'disconnect') return askToDisconnect(session, payer);
  if (third === 'download') return download(app, session, payer);
  if (third === 'attachment') return document(app, session, payer, query);
  const name = third ?? '';
  const page = recordPages[name];
  if (page === undefined) return notFound();
  return withRecord(app, session, payer, (record, { wholeRecord }) => {
    const base = app.gateway.base(payer.id);
    const { formToken } = session;
    const shown = page({ payer, base, record, formToken, hasImport: wholeRecord !== undefined, query });
    if (shown === undefined) return notFound();
    return { status: 200, page: shown, ...(withCharts.has(name) ? { scripts: 'own' } : {}) };
  });
};

const takesIdentity = ({ identity }: App, { id }: PayerChoice): boolean => identity?.payers.includes(id) ?? false;

const formOf = async (request: IncomingMessage): Promise<URLSearchParams | undefined> => {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > largestForm) return undefined;
  }
  return new URLSearchParams(text);
};
