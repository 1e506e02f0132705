import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SignIn, Tokens } from './gateway-client.ts';
import type { RecordSummary } from './record.ts';

/** One member's connection to one payer. */
export interface Connection {
  tokens: Tokens;
  /** The read in progress or done. A second tab waits for the same one. */
  record: Promise<RecordSummary> | undefined;
}

/** What the app knows about one browser, kept only in memory. */
export interface Session {
  readonly formToken: string;
  /** By `state`, so that two tabs can sign in at the same time. */
  readonly signIns: Map<string, SignIn>;
  readonly connections: Map<string, Connection>;
  usedAtMs: number;
}

const cookieName = 'demo_partner_session';
const idleMs = 60 * 60 * 1000;
const mostSessions = 1000;
const mostSignIns = 20;

/** The sessions of all browsers. `of` creates a session and its cookie for a browser that has none. */
export const sessionStore = (nowMs: () => number = Date.now) => {
  const sessions = new Map<string, Session>();

  const forgetOld = (): void => {
    // In order of last use.
    for (const [id, session] of sessions) {
      if (session.usedAtMs + idleMs >= nowMs() && sessions.size < mostSessions) return;
      sessions.delete(id);
    }
  };

  const of = (request: IncomingMessage, response: ServerResponse): Session => {
    const sent = cookieOf(request) ?? '';
    const known = sessions.get(sent);
    if (known && known.usedAtMs + idleMs >= nowMs()) {
      known.usedAtMs = nowMs();
      sessions.delete(sent);
      sessions.set(sent, known);
      return known;
    }
    forgetOld();
    const id = randomBytes(32).toString('base64url');
    const session: Session = {
      formToken: randomBytes(32).toString('base64url'),
      signIns: new Map(),
      connections: new Map(),
      usedAtMs: nowMs(),
    };
    sessions.set(id, session);
    // Lax, since the browser must send the cookie when the gateway redirects back.
    response.setHeader('Set-Cookie', `${cookieName}=${id}; Path=/; HttpOnly; SameSite=Lax`);
    return session;
  };

  return { of };
};

/** Remembers a started sign-in. The oldest are dropped, since browsers that never return would fill the memory. */
export const rememberSignIn = (session: Session, state: string, signIn: SignIn): void => {
  session.signIns.set(state, signIn);
  for (const old of session.signIns.keys()) {
    if (session.signIns.size <= mostSignIns) return;
    session.signIns.delete(old);
  }
};

const cookieOf = (request: IncomingMessage): string | undefined => {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1);
};
