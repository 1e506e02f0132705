import type { Context } from 'aws-lambda';
import { authorizeHandler } from '../../../functions/authorize/handler.ts';
import { callbackHandler } from '../../../functions/callback/handler.ts';
import { discoveryHandler } from '../../../functions/discovery/handler.ts';
import { fetchHandler } from '../../../functions/fetch/handler.ts';
import type { ApiEvent } from '../../../functions/shared/http/api.ts';
import { tokenHandler } from '../../../functions/token/handler.ts';
import { call } from '../api-call.ts';
import { functionOf, type FunctionName, type GatewayRequest } from '../login/requests.ts';
import { toEvent } from '../login/to-event.ts';
import { callStreaming } from '../stream-handler.ts';
import type { WorldDeps } from './deps.ts';

/** The functions by name. */
export type Handlers = Readonly<Record<FunctionName, unknown>>;

export const handlersOf = (deps: WorldDeps) => ({
  authorize: authorizeHandler(deps),
  callback: callbackHandler(deps),
  token: tokenHandler(deps),
  discovery: discoveryHandler(deps),
  fetch: fetchHandler(deps),
});

/** What a caller sees, whichever function answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly string[];
  readonly body: string;
  /** What cut the answer's stream. */
  readonly error: unknown;
}

/** Invokes a function with an event. */
export const invoke = async (
  handlers: Handlers,
  name: FunctionName,
  event: ApiEvent,
  context?: Context,
): Promise<Answer> => {
  if (name === 'fetch') {
    const { statusCode: status, headers, text, error } = await callStreaming(handlers.fetch, event, { context });
    return { status, headers, cookies: [], body: text, error };
  }
  const { statusCode, headers, multiValueHeaders, body } = await call(handlers[name], event, context);
  const cookies = (multiValueHeaders?.['Set-Cookie'] ?? []) as readonly string[];
  return { status: statusCode, headers, cookies, body: body ?? '', error: undefined };
};

/** Sends a request to the function that serves it. */
export const ask = (handlers: Handlers, request: GatewayRequest): Promise<Answer> =>
  invoke(handlers, functionOf(request), toEvent(request));
