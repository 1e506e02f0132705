import type { ApiEvent } from '../http/api.ts';
import { clearCookie, hostCookie, readCookies } from '../http/cookies.ts';
import { sha256 } from '../store/crypto.ts';

const prefix = 'p2p-login-';
/** The most that one browser keeps, so that abandoned logins stay far below the 10,240 bytes of its request headers. */
const mostWaiting = 50;

/** One cookie per login attempt, named by its state, so that two tabs do not interfere. */
const loginCookieName = (state: string): string => prefix + sha256(state).slice(0, 10);

/** Sets the attempt's cookie, and deletes the oldest if there are too many. */
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

/** Deletes the attempt's cookie. */
export const clearLoginCookie = (state: string): string => clearCookie(loginCookieName(state));
