import type { ApiResponse } from '../shared/http/api.ts';
import { redirect } from '../shared/http/page.ts';
import { payerAuthorizeUrl } from '../shared/payer/authorize-url.ts';
import type { Payer } from '../shared/registry/types.ts';
import type { AuthorizeDeps } from './deps.ts';
import type { StartedAttempt } from './remember-login-attempt.ts';

/** Sends the browser to the payer. */
export const redirectToPayer = ({ origin }: AuthorizeDeps, payer: Payer, attempt: StartedAttempt): ApiResponse =>
  redirect(payerAuthorizeUrl(origin, payer, attempt), attempt.cookies);
