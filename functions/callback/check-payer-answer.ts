import { GatewayError } from '../shared/errors.ts';
import type { Callback } from './check-callback.ts';

/** Visible characters (RFC 6749 Appendix A.11), as many as real payers need. */
const codeForm = /^[ -~]{1,4096}$/;

/** Errors with which a payer says that the member did not agree, or did not finish (OpenID Connect Core §3.1.2.6). */
const unfinished: ReadonlySet<string | undefined> = new Set([
  'access_denied',
  'consent_required',
  'interaction_required',
  'login_required',
  'account_selection_required',
]);

/** RFC 6749 §4.1.2.1's other errors, which the log may name: a browser brings them, and could bring any text. */
const named: ReadonlySet<string> = new Set([
  'invalid_request',
  'invalid_scope',
  'server_error',
  'unauthorized_client',
  'unsupported_response_type',
]);

/**
 * Returns the payer's code. Its refusal becomes a standard error without the payer's own text (RFC 6749 §4.1.2.1). It
 * raises no signal: the browser brings it, and whoever has begun a sign-in could make it up, and ring an alarm.
 * @throws GatewayError `access_denied`, `temporarily_unavailable` or `server_error`
 */
export const checkPayerAnswer = ({ values }: Callback): string => {
  // Some payers write it in capital letters.
  const error = values.get('error')?.toLowerCase();
  if (unfinished.has(error)) {
    const detail = error === 'access_denied' ? undefined : `the payer sent the member back: ${error}`;
    throw new GatewayError('access_denied', 'The member did not agree at the health plan.', { detail });
  }
  if (error === 'temporarily_unavailable') {
    throw new GatewayError('temporarily_unavailable', 'The health plan is not available at the moment.');
  }
  const code = values.get('code');
  if (error !== undefined || code === undefined || !codeForm.test(code)) {
    throw new GatewayError('server_error', 'The health plan could not complete the sign-in.', {
      detail:
        error === undefined
          ? 'no usable code in the redirect'
          : named.has(error)
            ? `another error in the redirect: ${error}`
            : 'another error in the redirect',
    });
  }
  return code;
};
