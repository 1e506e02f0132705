import type { Export } from '../../shared/store/export-item.ts';
import { getRunning, type Job } from './job.ts';
import { loggedCause } from './log.ts';

/**
 * Runs a step of the job. If it fails, the log says which step it was and why.
 * @param work gets the export's item, or undefined if the export is no longer running
 * @throws Error whose message holds nothing from the record
 */
export const inStep = async <T>(
  { deps, exportId, memory }: Pick<Job, 'deps' | 'exportId'> & Partial<Pick<Job, 'memory'>>,
  jobStep: string,
  work: (item: Export | undefined) => Promise<T>,
): Promise<T> => {
  let item: Export | undefined;
  try {
    item = await getRunning(deps, exportId);
    return await work(item);
  } catch (error) {
    memory?.forget();
    throw loggedCause(deps, { exportId, jobStep, item }, error);
  }
};
