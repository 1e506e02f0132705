import { GatewayError } from '../../shared/errors.ts';
import type { Partner } from '../../shared/registry/types.ts';
import { hasWord } from '../../shared/scopes/scopes.ts';
import type { Export } from '../../shared/store/export-item.ts';
import type { Grant } from '../../shared/store/grant-item.ts';
import type { Job } from '../job/job.ts';
import type { Permitted } from '../leg/check-allowed.ts';
import { fetchAttachments } from '../leg/fetch-attachments.ts';
import type { LegStop } from '../leg/leg-stop.ts';
import type { Started } from '../leg/leg.ts';
import type { JobState, Task } from '../state/state.ts';
import { followReferences } from './follow-references.ts';
import { nextTask, searchTypesInstead } from './queue.ts';
import { readSearch } from './read-search.ts';
import { readStatement } from './read-statement.ts';
import { makeRecordLeg, readableNow, type RecordLeg } from './record-leg.ts';

const readTask = (leg: RecordLeg, task: Task): Promise<LegStop | undefined> => {
  switch (task.kind) {
    case 'statement':
      return readStatement(leg, task);
    case 'search':
      return readSearch(leg, task);
    case 'references':
      return followReferences(leg, task);
    case 'attachments':
      return fetchAttachments(leg, task);
    default:
      throw new Error(`no task of a record: ${task.kind}`);
  }
};

/** Reads the queue, one task at a time. */
const readQueue = async (leg: RecordLeg): Promise<LegStop> => {
  for (;;) {
    const task = nextTask(leg);
    if (task === undefined) return { kind: 'finish' };
    const stop = await readTask(leg, task);
    if (stop !== undefined) return stop;
    searchTypesInstead(leg);
  }
};

/** Checks that all is still permitted that was when the leg began. The next leg reads what is left. */
const checkReadable =
  (item: Export, { granted, partner }: Permitted) =>
  ({ scope }: Pick<Grant, 'scope'>, registered: Partner): void => {
    const now = readableNow(item, scope, registered);
    if (readableNow(item, granted, partner).every(({ word }) => hasWord(now, word))) return;
    throw new GatewayError('insufficient_scope', 'The export may read less than when this leg began.');
  };

/** Begins a leg that reads a member's record. @param stopped aborted when the leg may read no further */
export const startRecord = async (
  job: Job,
  item: Export,
  allowed: Permitted,
  state: JobState,
  stopped: AbortSignal,
): Promise<Started> => {
  const leg = await makeRecordLeg(job, item, allowed, state, stopped);
  const { referred, problems } = leg;
  return {
    leg,
    read: () => readQueue(leg),
    watched: {
      grant: { grantId: item.grantId, scope: allowed.granted },
      checkScope: checkReadable(item, allowed),
    },
    added: () => {
      for (const [type, count] of referred.unread)
        problems.add({ kind: 'referencesNotRead', type, count, why: 'references' });
      return { referred: referred.names };
    },
  };
};
