import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { problemPage } from './pages/problem.ts';
import type { PayerChoice } from './payer-choice.ts';
import type { Problem } from './problem.ts';

/** The result of a request. */
export type Answer =
  | {
      readonly status: number;
      readonly page: string;
      readonly scripts?: Scripts;
      /** Where a form of this page leads, through a redirect. */
      readonly leavesApp?: string | undefined;
    }
  | { readonly redirect: string }
  /** A status without a body, for a program. */
  | { readonly empty: number }
  | { readonly file: URL; readonly type: string }
  /** A file to keep, streamed. */
  | { readonly download: AsyncIterable<Uint8Array | string>; readonly name: string; readonly type: string };

/** A page's scripts: of this server, those that also ask this server, or those of an app that calls the gateway. */
type Scripts = 'own' | 'askThisServer' | 'callTheGateway';

/** For a form that does not belong to this browser's visit: the app was restarted, or forgot it after an hour. */
export const staleForm: Problem = {
  status: 403,
  title: 'This page was open for too long',
  text: 'This app no longer knows the page that you came from, so nothing was changed. Go back to the start and try again.',
  next: 'connect',
  detail: 'form token',
};

/** The page for a problem. Without a payer, it links back to the start. */
export const problemAnswer = (problem: Problem, payer: PayerChoice | undefined): Answer => {
  return { status: problem.status, page: problemPage(problem, payer) };
};

/** 404. */
export const notFound = (): Answer => {
  const problem: Problem = {
    status: 404,
    title: 'Page not found',
    text: 'The address may be mistyped, or the page has moved.',
    next: 'connect',
    detail: '404',
  };
  return problemAnswer(problem, undefined);
};

/** 405. */
export const notAllowed = (): Answer => {
  return problemAnswer({ ...staleForm, status: 405, title: 'This page can only be read', detail: '405' }, undefined);
};

/** Sends it with headers that prevent framing, caching and foreign scripts. */
export const send = async (gatewayOrigin: string, response: ServerResponse, result: Answer): Promise<void> => {
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  response.setHeader('Cache-Control', 'no-store');
  if ('redirect' in result) {
    response.writeHead(303, { Location: result.redirect }).end();
    return;
  }
  if ('empty' in result) {
    response.writeHead(result.empty).end();
    return;
  }
  if ('file' in result) {
    const content = await readFile(result.file);
    response.setHeader('Cache-Control', 'max-age=300');
    response.writeHead(200, { 'Content-Type': result.type }).end(content);
    return;
  }
  if ('download' in result) {
    response.writeHead(200, {
      'Content-Type': result.type,
      'Content-Disposition': `attachment; filename="${result.name}"`,
    });
    // If a download breaks off, the browser must not take it for complete.
    await pipeline(result.download, response).catch(() => response.destroy());
    return;
  }
  const scripts = result.scripts === undefined ? '' : "; script-src 'self'";
  const targets = {
    own: '',
    askThisServer: "; connect-src 'self'",
    callTheGateway: `; connect-src 'self' ${gatewayOrigin}`,
  };
  const calls = result.scripts === undefined ? '' : targets[result.scripts];
  // Browsers apply form-action to redirects after a form as well.
  const leads = result.leavesApp === undefined ? '' : ` ${new URL(result.leavesApp).origin}`;
  const policy = `default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'${leads}; base-uri 'none'; frame-ancestors 'none'`;
  response.setHeader('Content-Security-Policy', policy + scripts + calls);
  response.writeHead(result.status, { 'Content-Type': 'text/html; charset=utf-8' }).end(result.page);
};
