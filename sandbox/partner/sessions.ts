import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SignIn, Tokens } from './gateway-client.ts';
import type { ImportJob } from './import-job.ts';
import type { StoredRecord } from './stored-record.ts';

/** One member's connection to one payer. */
export interface Connection {
  tokens: Tokens;
  /** The renewal in progress. */
  renewing: Promise<Tokens> | undefined;
  /** The record, being read or here. A second tab waits for the same one. */
  record: Promise<StoredRecord> | undefined;
  /** The import of the whole record, if the member asked for one. */
  wholeRecord: ImportJob | undefined;
}

/** Forgets a connection: its import stops, and its record is deleted. */
export const forget = (connection: Connection): void => {
  connection.wholeRecord?.stop();
  connection.wholeRecord = undefined;
  forgetRecord(connection);
};

/** Deletes the connection's record, even one that is still being read. */
export const forgetRecord = (connection: Connection): void => {
  void connection.record?.then(
    ({ store }) => store.close(),
    () => {},
  );
  connection.record = undefined;
};

/** What a proof must remember until the redirect returns. */
export interface Proof {
  readonly payerId: string;
  readonly codeVerifier: string;
  readonly nonce: string;
  /** When the member agreed, in epoch milliseconds. */
  readonly agreedAtMs: number;
}

/** What the app knows about one browser, kept only in memory. */
export interface Session {
  /** The cookie's value. Undefined until the session is kept. */
  id: string | undefined;
  formToken: string;
  /** By `state`, so that two tabs can sign in at the same time. */
  readonly signIns: Map<string, SignIn>;
  /** Begun at the identity provider, by `state`. */
  readonly proofs: Map<string, Proof>;
  readonly connections: Map<string, Connection>;
  /** Whether it was shown a form. The form comes back with the session's token, so the session is kept. */
  hasForm: boolean;
  usedAtMs: number;
}

const idleMs = 60 * 60 * 1000;
const mostSessions = 1000;
const mostSignIns = 20;

const token = (): string => randomBytes(32).toString('base64url');

/** Whether the session has anything to keep. */
const isNeeded = ({ signIns, proofs, connections, hasForm }: Session): boolean =>
  hasForm || signIns.size + proofs.size + connections.size > 0;

/**
 * The sessions of all browsers. `of` finds a browser's session, or makes a temporary one. `keep` stores it and sets its cookie once it
 * has anything to keep, so requests without a cookie do not push out other people's sessions.
 * @param origin where browsers reach the app
 */
export const sessionStore = (origin: string, nowMs: () => number = Date.now) => {
  const sessions = new Map<string, Session>();
  const isSecure = origin.startsWith('https:');
  const { port = '' } = URL.parse(origin) ?? {};
  // The prefix keeps other hosts of the domain from setting it. Browsers take it over TLS only, so not at http://localhost.
  // They send a cookie to every port of a host (RFC 6265 §8.5), and a second local stack is at another port.
  const cookieName = `${isSecure ? '__Host-' : ''}demo_partner_session${port === '' ? '' : `_${port}`}`;

  const drop = (id: string, session: Session): void => {
    sessions.delete(id);
    for (const connection of session.connections.values()) forget(connection);
  };

  /** Makes room. Sessions are in order of last use; those without a record go first. */
  const forgetOld = (): void => {
    for (const [id, session] of sessions) if (session.usedAtMs + idleMs < nowMs()) drop(id, session);
    if (sessions.size < mostSessions) return;
    const all = [...sessions];
    const oldest = all.find(([, { connections }]) => connections.size === 0) ?? all[0];
    if (oldest !== undefined) drop(...oldest);
  };

  const of = (request: IncomingMessage): Session => {
    const sent = cookieOf(request, cookieName) ?? '';
    const known = sessions.get(sent);
    if (known && known.usedAtMs + idleMs >= nowMs()) {
      known.usedAtMs = nowMs();
      sessions.delete(sent);
      sessions.set(sent, known);
      return known;
    }
    return {
      id: undefined,
      formToken: token(),
      signIns: new Map(),
      proofs: new Map(),
      connections: new Map(),
      hasForm: false,
      usedAtMs: nowMs(),
    };
  };

  /** Gives a session a new id and form token after a sign-in. Whoever planted the old cookie knows neither. */
  const renew = (session: Session): void => {
    if (session.id !== undefined) sessions.delete(session.id);
    session.id = undefined;
    session.formToken = token();
  };

  /** Keeps a session, before its answer is sent. */
  const keep = (session: Session, response: ServerResponse): void => {
    if (!isNeeded(session) || session.id !== undefined) return;
    forgetOld();
    session.id = token();
    sessions.set(session.id, session);
    // Lax, since the browser must send the cookie when the gateway redirects back.
    response.setHeader(
      'Set-Cookie',
      `${cookieName}=${session.id}; Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`,
    );
  };

  /** The connections of a grant, which an event names. */
  const ofGrant = (grantId: string): readonly Connection[] =>
    [...sessions.values()]
      .flatMap(({ connections }) => Array.from(connections.values()))
      .filter(({ tokens }) => tokens.grantId === grantId);

  const close = (): void => {
    for (const { connections } of sessions.values()) for (const connection of connections.values()) forget(connection);
    sessions.clear();
  };

  return { of, renew, keep, ofGrant, close };
};

/** Remembers a started sign-in. The oldest are dropped, since browsers that never return would fill the memory. */
export const rememberSignIn = (session: Session, state: string, signIn: SignIn): void =>
  remember(session.signIns, state, signIn);

/** Remembers a proof begun at the identity provider, in the same way. */
export const rememberProof = (session: Session, state: string, proof: Proof): void =>
  remember(session.proofs, state, proof);

const remember = <Value>(begun: Map<string, Value>, state: string, value: Value): void => {
  begun.set(state, value);
  for (const old of begun.keys()) {
    if (begun.size <= mostSignIns) return;
    begun.delete(old);
  }
};

const cookieOf = (request: IncomingMessage, cookieName: string): string | undefined => {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1);
};
