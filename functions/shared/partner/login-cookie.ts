import type { ApiEvent } from '../http/api.ts';
import { clearCookie, hostCookie, readCookies } from '../http/cookies.ts';
import { sha256 } from '../store/crypto.ts';

const prefix = 'p2p-login-';
/** At most so many wait in one browser, so that abandoned logins keep its request headers far below 10,240 bytes. */
const mostWaiting = 50;

/** One cookie a login attempt, named by its state, so that two tabs do not disturb each other. */
const loginCookieName = (state: string): string => prefix + sha256(state).slice(0, 10);

/** Sets the attempt's cookie, and clears the oldest ones where too many wait. */
export const setLoginCookie = (event: ApiEvent, state: string, value: string, maxAgeSeconds: number): string[] => {
  const waiting = [...readCookies(event).keys()].filter((name) => name.startsWith(`__Host-${prefix}`));
  const surplus = waiting.slice(0, Math.max(0, waiting.length - mostWaiting + 1));
  return [
    hostCookie(loginCookieName(state), value, maxAgeSeconds),
    ...surplus.map((name) => clearCookie(name.slice('__Host-'.length))),
  ];
};

/** The value of the attempt's cookie. */
export const readLoginCookie = (event: ApiEvent, state: string): string | undefined =>
  readCookies(event).get(`__Host-${loginCookieName(state)}`);

/** Takes the attempt's cookie back. */
export const clearLoginCookie = (state: string): string => clearCookie(loginCookieName(state));
