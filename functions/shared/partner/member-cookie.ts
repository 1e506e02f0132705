import type { ApiEvent } from '../http/api.ts';
import { clearCookie, hostCookie, readCookies } from '../http/cookies.ts';
import { memberSessionSeconds } from '../store/member-sessions.ts';

const name = 'p2p-member';

/** Gives a browser the secret of its member's session. */
export const setMemberCookie = (secret: string): string => hostCookie(name, secret, memberSessionSeconds);

/** The secret that a browser has; undefined if it has none. */
export const readMemberCookie = (event: ApiEvent): string | undefined =>
  readCookies(event)
    .get(`__Host-${name}`)
    ?.match(/^[A-Za-z0-9_-]{43}$/)?.[0];

/** Deletes it. */
export const clearMemberCookie = (): string => clearCookie(name);
