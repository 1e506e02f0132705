import { nowSeconds } from '../shared/clock.ts';
import type { ApiResponse } from '../shared/http/api.ts';
import type { Authenticated } from '../shared/partner/authenticate.ts';
import type { RateLimitContext } from '../shared/partner/rate-limit.ts';
import { isOverdue, type Export } from '../shared/store/export-item.ts';
import type { ExportDeps } from './deps.ts';
import { openEnded, overdue } from './ended-export.ts';
import { helpJob } from './help-job.ts';
import { manifestAnswer } from './manifest-answer.ts';
import type { ReadManifest } from './open-manifest.ts';
import { stillRunning } from './progress.ts';

/** The answer to a poll: the export's progress, or its manifest. */
export const answerStatus = async (
  deps: ExportDeps & { readonly readManifest: ReadManifest },
  item: Export,
  read: Authenticated,
  context: RateLimitContext,
): Promise<ApiResponse> => {
  if (isOverdue(item, nowSeconds(deps.clock))) throw overdue();
  if (item.status === 'running') {
    await helpJob(deps, item, read, context);
    return stillRunning(item, nowSeconds(deps.clock));
  }
  const asking = { grantKey: read.open.grantKey, scope: read.access.scope };
  return manifestAnswer(deps.origin, await openEnded(deps.readManifest, item, asking));
};
