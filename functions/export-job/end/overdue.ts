import { nowSeconds } from '../../shared/clock.ts';
import { grantOfExport } from '../../shared/exports/export-id.ts';
import { dropSecrets } from '../../shared/store/exports.ts';
import type { Job } from '../job.ts';
import { withCause } from '../say-cause.ts';

/**
 * Removes the job's secrets from an export that is overdue, since no end can be written to it. Does nothing to any other.
 * @throws Error whose message holds nothing of the record
 */
export const dropSecretsIfOverdue = async ({ deps, exportId }: Pick<Job, 'deps' | 'exportId'>): Promise<void> => {
  try {
    await dropSecrets(deps.exports, { grantId: grantOfExport(exportId) ?? '', exportId }, nowSeconds(deps.clock));
  } catch (error) {
    throw withCause(error);
  }
};
