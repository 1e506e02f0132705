import { Readable } from 'node:stream';
import { problemAnswer } from './answer.ts';
import type { Answer } from './answer.ts';
import type { BrowserApp } from './browser-apps.ts';
import { connected } from './connected.ts';
import type { GatewayClient, SignIn, Tokens } from './gateway-client.ts';
import { gatewaySend, readerOf } from './gateway-fetch.ts';
import { disconnectPage } from './pages/disconnect.ts';
import { homePage } from './pages/home.ts';
import type { PayerChoice } from './payer-choice.ts';
import type { IdentitySettings } from './present-identity.ts';
import { expiredSignIn, problemOf, unknownPlan } from './problem.ts';
import { forget, forgetRecord, rememberSignIn } from './sessions.ts';
import type { Connection, Session, sessionStore } from './sessions.ts';
import { allLines } from './store/lists.ts';
import { readFirstPages } from './stored-record.ts';
import type { StoredRecord } from './stored-record.ts';
import type { Inbox } from './webhooks.ts';

/** The running app. */
export interface App {
  readonly gateway: GatewayClient;
  readonly gatewayOrigin: string;
  readonly clientId: string;
  /** Undefined if members can only sign in at their plans. */
  readonly identity: IdentitySettings | undefined;
  readonly origin: string;
  readonly payers: readonly PayerChoice[];
  readonly sessions: ReturnType<typeof sessionStore>;
  /** The events received from the gateway. */
  readonly inbox: Inbox;
  readonly browserApps: readonly BrowserApp[];
}

/** Whether the app serves its page of events. The page shows every member's events, so it is served only on the developer's own machine. */
export const hasEvents = ({ origin }: App): boolean => new URL(origin).hostname === 'localhost';

/** The payers to choose from. */
export const home = (app: App, session: Session, url: URL): Answer => {
  const gone = app.payers.find((payer) => payer.id === url.searchParams.get('disconnected'));
  const notice = gone && !session.connections.has(gone.id) ? `${gone.displayName} is disconnected.` : undefined;
  const { payers, browserApps, identity } = app;
  const takeIdentity = new Set(identity?.payers);
  const options = { notice, browserApps, takeIdentity, hasEvents: hasEvents(app) };
  const page = homePage(payers, new Set(session.connections.keys()), options);
  return { status: 200, page };
};

/** Sends the browser to the gateway. */
export const beginSignIn = async (app: App, session: Session, payer: PayerChoice): Promise<Answer> => {
  try {
    const { url, state, signIn } = await app.gateway.begin(payer.id);
    rememberSignIn(session, state, signIn);
    return { redirect: url };
  } catch (error) {
    return problemAnswer(problemOf(error, payer.displayName), payer);
  }
};

/** Sends the browser to the gateway's page where a member searches for the old plan. */
export const searchPlan = async (app: App, session: Session): Promise<Answer> => {
  const { url, state, signIn } = await app.gateway.beginSearch();
  rememberSignIn(session, state, signIn);
  return { redirect: url };
};

/**
 * The payer of a sign-in: the one that it began with or, after a search, the one that the redirect names. All are at the
 * one gateway, and the client library compares the name with what the gateway says of itself.
 */
const payerOf = (app: App, signIn: SignIn, issuer: string | null): PayerChoice | undefined =>
  app.payers.find(({ id }) => (signIn.payerId === undefined ? issuer === app.gateway.base(id) : id === signIn.payerId));

/** Handles the redirect at the end of a sign-in. */
export const finishSignIn = async (app: App, session: Session, url: URL): Promise<Answer> => {
  const state = url.searchParams.get('state') ?? '';
  const signIn = session.signIns.get(state);
  // Deleted before anything else, so that a reload of this page does not send the code again.
  session.signIns.delete(state);
  if (!signIn) return problemAnswer(expiredSignIn, undefined);
  const payer = payerOf(app, signIn, url.searchParams.get('iss'));
  if (!payer) return problemAnswer(unknownPlan, undefined);
  try {
    const tokens = await app.gateway.finish(payer.id, signIn, state, new URL(url.pathname + url.search, app.origin));
    await connect(app, session, payer, tokens);
    return { redirect: `/record/${payer.id}` };
  } catch (error) {
    return problemAnswer(problemOf(error, payer.displayName), payer);
  }
};

/** Keeps the tokens of a new connection, from either kind of sign-in, in a session with a new id. */
export const connect = async (app: App, session: Session, payer: PayerChoice, tokens: Tokens): Promise<void> => {
  const before = session.connections.get(payer.id);
  const connection = { tokens, renewing: undefined, record: undefined, wholeRecord: undefined };
  session.connections.set(payer.id, connection);
  app.sessions.renew(session);
  if (before !== undefined) await endEarlier(app, payer, before);
};

/** Ends the connection that a new sign-in replaces: its tokens still work, and nobody could revoke them later. */
const endEarlier = async (app: App, payer: PayerChoice, before: Connection): Promise<void> => {
  forget(before);
  try {
    await app.gateway.revoke(payer.id, before.tokens);
  } catch {
    // The member is connected all the same, and the earlier grant ends when it expires.
  }
};

/** Answers with the record. It is read once per connection, and kept until the member asks again. */
export const withRecord = (
  app: App,
  session: Session,
  payer: PayerChoice,
  answer: (record: StoredRecord, connection: Connection) => Answer | Promise<Answer>,
): Promise<Answer> =>
  connected(session, payer, async (connection) => {
    try {
      connection.record ??= readFirstPages(
        app.gateway.base(payer.id),
        readerOf(gatewaySend(app, payer.id, connection)),
        connection.tokens.patientId,
      );
      return await answer(await connection.record, connection);
    } catch (error) {
      connection.record = undefined;
      const problem = problemOf(error, payer.displayName);
      // Only an ended connection is forgotten. A payer that is down for a minute must not force a new sign-in.
      const ended = problem.next === 'connect' && problem.status === 200;
      if (ended) session.connections.delete(payer.id);
      return problemAnswer(ended ? problem : { ...problem, next: 'reload' }, payer);
    }
  });

/** Everything that the app has of the record, a resource a line. */
export const download = (app: App, session: Session, payer: PayerChoice): Promise<Answer> =>
  withRecord(app, session, payer, ({ store }) => ({
    download: Readable.from(allLines(store.db)),
    name: `${payer.id}.ndjson`,
    type: 'application/fhir+ndjson',
  }));

/** Forgets the record, so that the next page reads it again. */
export const readAgain = (session: Session, payer: PayerChoice): Promise<Answer> =>
  connected(session, payer, (connection) => {
    forgetRecord(connection);
    return Promise.resolve({ redirect: `/record/${payer.id}` });
  });

/** Shows the page that asks for confirmation before it disconnects. */
export const askToDisconnect = (session: Session, payer: PayerChoice): Promise<Answer> =>
  connected(session, payer, () => Promise.resolve({ status: 200, page: disconnectPage(payer, session.formToken) }));

/** Revokes the grant at the gateway and forgets the record. */
export const disconnect = (app: App, session: Session, payer: PayerChoice): Promise<Answer> =>
  connected(session, payer, async (connection) => {
    try {
      await app.gateway.revoke(payer.id, connection.tokens);
    } catch (error) {
      // Still connected. Saying otherwise would hide a live grant from the member.
      return problemAnswer({ ...problemOf(error, payer.displayName), next: 'reload' }, payer);
    }
    session.connections.delete(payer.id);
    forget(connection);
    return { redirect: `/?disconnected=${payer.id}` };
  });
