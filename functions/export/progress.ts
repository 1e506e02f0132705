import { fhirAnswer } from '../shared/fhir/operation-outcome.ts';
import type { ApiResponse } from '../shared/http/api.ts';
import type { Export } from '../shared/store/export-item.ts';

/** The shortest and the longest wait between polls, in seconds. */
const soonest = 2;
const latest = 60;

/** A poll should come this many seconds before the payer's token ends, so that the job gets the next one in time. */
export const renewAheadSeconds = 45;

const figure = (count: number): string => count.toLocaleString('en-US');

/**
 * The export's progress: `1,240 resources, 12 of 21 types, 3 attachments`, or `1,240 of 3,000 resources` if one request reads
 * everything. Under 100 characters.
 */
const progressOf = (item: Export): string => {
  const { resources, resourcesTotal, typesDone, typesTotal, attachments = 0, payerProgress } = item;
  if (payerProgress !== undefined) return payerProgress;
  if (resourcesTotal !== undefined && resourcesTotal > resources) {
    return `${figure(resources)} of ${figure(resourcesTotal)} resources`;
  }
  return [
    `${figure(resources)} resource${resources === 1 ? '' : 's'}`,
    ...(typesTotal === undefined || typesTotal === 0 ? [] : [`${typesDone ?? 0} of ${typesTotal} types`]),
    ...(attachments === 0 ? [] : [`${figure(attachments)} attachment${attachments === 1 ? '' : 's'}`]),
  ].join(', ');
};

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
  const progress = progressOf(item);
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
