import { GatewayError } from '../../shared/errors.ts';
import { fhirAnswer } from '../../shared/fhir/operation-outcome.ts';
import { malformed } from '../../shared/fhir/refusals.ts';
import type { ApiResponse } from '../../shared/http/api.ts';

/** The turns that a kick-off costs. Every request takes one turn before it is parsed, so nine more are taken here. */
export const kickOffTurns = { turns: 10, before: 1 };

/** How soon a caller should ask again while an export runs, in seconds. */
export const askAgainSeconds = 30;

/** @param what is started, such as `an export` @throws GatewayError 400 */
export const requireAsync = (preferences: ReadonlySet<string>, what: string): void => {
  if (!preferences.has('respond-async')) {
    throw malformed(`Send the header "Prefer: respond-async": ${what} is answered later.`);
  }
};

const outcomeOf = (what: string, ignored: readonly string[]): string =>
  JSON.stringify({
    resourceType: 'OperationOutcome',
    issue: [
      ignored.length === 0
        ? { severity: 'information', code: 'informational', diagnostics: `${what} has started.` }
        : {
            severity: 'warning',
            code: 'not-supported',
            diagnostics: `${what} has started without: ${ignored.join(', ')}.`,
          },
    ],
  });

/** The answer to a kick-off. @param what has started, such as `The export` @param url where it is polled */
export const started = (what: string, url: string, ignored: readonly string[]): ApiResponse => {
  const answer = fhirAnswer(202, outcomeOf(what, ignored));
  return { ...answer, headers: { ...answer.headers, 'Content-Location': url } };
};

/** Makes the error for a kick-off while the same runs. @param what runs, such as `An export of this record` @param url where it is polled */
export const isRunning = (what: string, url: string): GatewayError =>
  new GatewayError('too_many_requests', `${what} is running. Follow that one, or delete it to start another.`, {
    retryAfterSeconds: askAgainSeconds,
    detail: 'an export is running',
    headers: { 'Content-Location': url },
  });
