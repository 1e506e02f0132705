import { progressOf } from '../shared/exports/progress.ts';
import { fhirAnswer } from '../shared/fhir/operation-outcome.ts';
import type { ApiResponse } from '../shared/http/api.ts';
import type { Export } from '../shared/store/export-item.ts';

/** The shortest and the longest wait between polls, in seconds. */
const soonest = 2;
const latest = 60;

/** A poll should come this many seconds before the payer's token ends, so that the job gets the next one in time. */
export const renewAheadSeconds = 45;

/**
 * How soon to poll again, in seconds. The wait grows with the export's age, but ends before the payer's token does.
 * @param now epoch seconds
 */
const askAgainSeconds = ({ startedAt, payerTokenExpiresAt, pollAgainAt }: Export, now: number): number => {
  // Before the former plan is asked again, nothing changes.
  if (pollAgainAt !== undefined && pollAgainAt > now) return pollAgainAt - now + 1;
  const byAge = Math.min(latest, Math.max(soonest, Math.round((now - startedAt) / 5)));
  if (payerTokenExpiresAt === undefined) return byAge;
  return Math.max(soonest, Math.min(byAge, payerTokenExpiresAt - now - renewAheadSeconds));
};

/** The answer while an export runs. It has a body, since API Gateway gives an empty one a content type, which no JSON reader reads. */
export const stillRunning = (item: Export, now: number): ApiResponse => {
  const progress = item.payerProgress ?? progressOf(item);
  const outcome = {
    resourceType: 'OperationOutcome',
    issue: [{ severity: 'information', code: 'informational', diagnostics: progress }],
  };
  const { headers, ...answer } = fhirAnswer(202, JSON.stringify(outcome));
  return {
    ...answer,
    headers: { ...headers, 'X-Progress': progress, 'Retry-After': String(askAgainSeconds(item, now)) },
  };
};
