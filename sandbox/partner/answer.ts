import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { problemPage } from './pages.ts';
import type { PayerChoice } from './pages.ts';
import type { Problem } from './problem.ts';

/** The result of a request. */
export type Answer =
  | { readonly status: number; readonly page: string; readonly scripts?: boolean }
  | { readonly redirect: string }
  | { readonly file: URL; readonly type: string };

/** For a form that does not belong to this session. */
export const staleForm: Problem = {
  status: 403,
  title: 'This page was open for too long',
  text: 'Nothing was changed. Go back to the start and try again.',
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
  if ('file' in result) {
    const content = await readFile(result.file);
    response.writeHead(200, { 'Content-Type': result.type }).end(content);
    return;
  }
  const scripts = result.scripts ? `; script-src 'self'; connect-src 'self' ${gatewayOrigin}` : '';
  const policy = `default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`;
  response.setHeader('Content-Security-Policy', policy + scripts);
  response.writeHead(result.status, { 'Content-Type': 'text/html; charset=utf-8' }).end(result.page);
};
