import { AuthorizationResponseError, ClientError, ResponseBodyError } from 'openid-client';
import { ExportError } from './exports.ts';
import { ReadError } from './record.ts';

/** What went wrong, in words for the member, and what to do next. */
export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly text: string;
  /** What the button does: starts a new sign-in, or reloads the page. */
  readonly next: 'connect' | 'reload';
  /** The button's text, if it is not "Try again". */
  readonly action?: string;
  /** For support staff; never the only text. */
  readonly detail: string | undefined;
}

/** The redirect's sign-in was not started in this browser, or is over. */
export const expiredSignIn: Problem = {
  status: 400,
  title: 'This sign-in is no longer open',
  text: 'It was already finished, took longer than 30 minutes, or was started in another browser. Nothing was lost. Start again.',
  next: 'connect',
  detail: undefined,
};

/** The member found a plan at the gateway that is not among this app's. */
export const unknownPlan: Problem = {
  status: 400,
  title: 'This app does not offer that plan',
  text: 'Nothing was read. Go back to the start and choose one of the plans there.',
  next: 'connect',
  detail: undefined,
};

/** This browser has no connection to the payer. Either it never had one, or the app has lost it. */
export const notConnected = (payer: string): Problem => {
  return {
    status: 403,
    title: `This browser is not connected to ${payer}`,
    text:
      `This app forgets a record an hour after you last looked at it, when it is restarted, and when its cookie is deleted. ` +
      `Connect again to see your record. Whatever you allowed before ends by itself, or when you end it at ${payer}.`,
    next: 'connect',
    action: `Connect ${payer}`,
    detail: undefined,
  };
};

/** A {@link Problem} of the call that presents an identity. The token is spent, but the member can always sign in at the plan. */
export const problemOfIdentity = (error: unknown, payer: string): Problem => {
  if (!(error instanceof ResponseBodyError) || error.error !== 'invalid_grant') return problemOf(error, payer);
  return {
    status: 200,
    title: `${payer} could not find your record`,
    text:
      `It found no single member with your name, birthdate and address, or too much time has passed. ` +
      `Sign in at ${payer} with your account there, or go back to the start and prove who you are again.`,
    next: 'connect',
    action: `Sign in at ${payer}`,
    detail: error.error_description ?? error.error,
  };
};

/** Turns a client library's error into a {@link Problem}. `payer` is the payer's display name. */
export const problemOf = (error: unknown, payer: string): Problem => {
  if (error instanceof AuthorizationResponseError) return ofRedirect(error.error, payer);
  if (error instanceof ResponseBodyError) return ofToken(error.error, error.status, payer);
  if (error instanceof ReadError || error instanceof ExportError) return ofRead(error.status, payer, error.message);
  if (isUnreachable(error)) return away(payer, 'no answer from the gateway');
  return unexpected(payer, error instanceof ClientError ? (error.code ?? error.message) : 'internal error');
};

const ofRedirect = (error: string, payer: string): Problem => {
  if (error === 'temporarily_unavailable' || error === 'server_error') return away(payer, error);
  if (error !== 'access_denied') return unexpected(payer, error);
  return {
    status: 200,
    title: 'You chose not to share your record',
    text: `${payer} shared nothing with us. You can connect at any time.`,
    next: 'connect',
    detail: undefined,
  };
};

const ofToken = (error: string, status: number, payer: string): Problem => {
  if (error === 'invalid_grant') return ended(payer, error);
  return status >= 500 ? away(payer, error) : unexpected(payer, error);
};

const ofRead = (status: number, payer: string, detail = ''): Problem => {
  const shown = `FHIR ${status} ${detail}`.trim();
  if (status === 401 || status === 403) return ended(payer, shown);
  if (status === 429) {
    return {
      status: 503,
      title: 'Too many requests right now',
      text: `${payer} asks us to slow down. Wait a minute, then try again. You stay connected.`,
      next: 'reload',
      detail: shown,
    };
  }
  return status >= 500 ? { ...away(payer, shown), next: 'reload' } : unexpected(payer, shown);
};

const away = (payer: string, detail: string): Problem => {
  return {
    status: 503,
    title: `${payer} can’t be reached right now`,
    text: 'The problem is with them or the connection to them, not with you. Try again in a few minutes.',
    next: 'connect',
    detail,
  };
};

const ended = (payer: string, detail: string): Problem => {
  return {
    status: 200,
    title: `Your connection to ${payer} has ended`,
    text: 'It expired or was revoked. Connect again to read your record.',
    next: 'connect',
    action: 'Connect again',
    detail,
  };
};

const unexpected = (payer: string, detail: string): Problem => {
  return {
    status: 502,
    title: 'Something went wrong',
    text: `We could not finish this with ${payer}. Try again. If it happens again, give support the text below.`,
    next: 'connect',
    detail,
  };
};

/** Compares names, not classes, since only some clients wrap what `fetch` throws. */
const isUnreachable = (error: unknown): boolean => {
  if (typeof error !== 'object' || error === null) return false;
  const { name, code, cause } = error as { name?: unknown; code?: unknown; cause?: unknown };
  if (name === 'TimeoutError' || code === 'OAUTH_TIMEOUT' || code === 'OAUTH_ABORT') return true;
  if (name === 'TypeError' && cause !== undefined) return true;
  return cause instanceof Response ? cause.status >= 500 : isUnreachable(cause);
};
