import { GatewayError } from '../../shared/errors.ts';
import { fhirAnswer } from '../../shared/fhir/operation-outcome.ts';
import type { ApiResponse } from '../../shared/http/api.ts';

/** How soon a caller should ask again while an export runs, in seconds. */
const askAgainSeconds = 30;

const outcomeOf = (ignored: readonly string[]): string =>
  JSON.stringify({
    resourceType: 'OperationOutcome',
    issue: [
      ignored.length === 0
        ? { severity: 'information', code: 'informational', diagnostics: 'The export has started.' }
        : {
            severity: 'warning',
            code: 'not-supported',
            diagnostics: `The export has started without: ${ignored.join(', ')}.`,
          },
    ],
  });

/** The answer to a kick-off. @param url where the export is polled */
export const exportStarted = (url: string, ignored: readonly string[]): ApiResponse => {
  const answer = fhirAnswer(202, outcomeOf(ignored));
  return { ...answer, headers: { ...answer.headers, 'Content-Location': url } };
};

/** Makes the error for a kick-off while the grant's export runs. @param url where that export is polled */
export const exportRuns = (url: string): GatewayError =>
  new GatewayError(
    'too_many_requests',
    'An export of this record is running. Follow that one, or delete it to start another.',
    { retryAfterSeconds: askAgainSeconds, detail: 'an export is running', headers: { 'Content-Location': url } },
  );
