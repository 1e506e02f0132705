import { problemAnswer } from './answer.ts';
import type { Answer } from './answer.ts';
import type { GatewayClient } from './gateway-client.ts';
import { homePage, recordPage } from './pages.ts';
import type { PayerChoice } from './pages.ts';
import { expiredSignIn, problemOf } from './problem.ts';
import { readRecord, summaryOf } from './record.ts';
import type { RecordSummary } from './record.ts';
import { rememberSignIn } from './sessions.ts';
import type { Connection, Session, sessionStore } from './sessions.ts';

/** The running app. */
export interface App {
  readonly gateway: GatewayClient;
  readonly gatewayOrigin: string;
  readonly origin: string;
  readonly payers: readonly PayerChoice[];
  readonly sessions: ReturnType<typeof sessionStore>;
}

const renewBeforeMs = 30_000;

/** The payers to choose from. */
export const home = (app: App, session: Session, url: URL): Answer => {
  const gone = app.payers.find((payer) => payer.id === url.searchParams.get('disconnected'));
  const notice = gone && !session.connections.has(gone.id) ? `${gone.displayName} is disconnected.` : undefined;
  return { status: 200, page: homePage(app.payers, new Set(session.connections.keys()), notice) };
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

/** Handles the redirect at the end of a sign-in. */
export const finishSignIn = async (app: App, session: Session, url: URL): Promise<Answer> => {
  const state = url.searchParams.get('state') ?? '';
  const signIn = session.signIns.get(state);
  // Deleted before anything else, so that a reload of this page does not send the code again.
  session.signIns.delete(state);
  const payer = app.payers.find((candidate) => candidate.id === signIn?.payerId);
  if (!signIn || !payer) return problemAnswer(expiredSignIn, undefined);
  try {
    const tokens = await app.gateway.finish(signIn, state, new URL(url.pathname + url.search, app.origin));
    session.connections.set(payer.id, { tokens, record: undefined });
    return { redirect: `/record/${payer.id}` };
  } catch (error) {
    return problemAnswer(problemOf(error, payer.displayName), payer);
  }
};

/** The record, read once per connection and kept until the member asks again. */
export const showRecord = async (app: App, session: Session, payer: PayerChoice): Promise<Answer> => {
  const connection = session.connections.get(payer.id);
  if (!connection) return { redirect: '/' };
  try {
    connection.record ??= readThroughGateway(app, payer, connection);
    const record = await connection.record;
    return { status: 200, page: recordPage(payer, app.gateway.base(payer.id), record, session.formToken) };
  } catch (error) {
    connection.record = undefined;
    const problem = problemOf(error, payer.displayName);
    // Only an ended connection is forgotten. A payer that is down for a minute must not force a new sign-in.
    const ended = problem.next === 'connect' && problem.status === 200;
    if (ended) session.connections.delete(payer.id);
    return problemAnswer(ended ? problem : { ...problem, next: 'reload' }, payer);
  }
};

const readThroughGateway = async (app: App, payer: PayerChoice, connection: Connection): Promise<RecordSummary> => {
  if (connection.tokens.expiresAtMs - renewBeforeMs < Date.now() && connection.tokens.refreshToken !== undefined) {
    connection.tokens = await app.gateway.renew(payer.id, connection.tokens);
  }
  const { accessToken, patientId } = connection.tokens;
  const read = await app.gateway.reader(payer.id, accessToken);
  return summaryOf(await readRecord(app.gateway.base(payer.id), read, patientId), Date.now());
};

/** Forgets the record, so that the next page reads it again. */
export const readAgain = (session: Session, payer: PayerChoice): Answer => {
  const connection = session.connections.get(payer.id);
  if (connection) connection.record = undefined;
  return { redirect: `/record/${payer.id}` };
};

/** Revokes the grant at the gateway and forgets the record. */
export const disconnect = async (app: App, session: Session, payer: PayerChoice): Promise<Answer> => {
  const connection = session.connections.get(payer.id);
  try {
    if (connection) await app.gateway.revoke(payer.id, connection.tokens);
  } catch (error) {
    // Still connected. Saying otherwise would hide a live grant from the member.
    return problemAnswer({ ...problemOf(error, payer.displayName), next: 'reload' }, payer);
  }
  session.connections.delete(payer.id);
  return { redirect: `/?disconnected=${payer.id}` };
};
