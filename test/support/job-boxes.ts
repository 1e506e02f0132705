import { randomBytes } from 'node:crypto';
import type { OpenInJob, SealForJob } from '../../functions/shared/exports/seal-for-job.ts';
import { seal, sealIvBytes, unseal } from '../../functions/shared/store/crypto.ts';

/** Seals and opens values for the job with the test's own key, in place of the exports key. */
export const jobBoxes = (): { readonly sealForJob: SealForJob; readonly openInJob: OpenInJob } => {
  const key = randomBytes(32);
  const boundTo = (exportId: string, purpose: string): string => `${purpose} of ${exportId}`;
  return {
    sealForJob: async (exportId, purpose, value) =>
      seal(key, value, boundTo(exportId, purpose), randomBytes(sealIvBytes)),
    openInJob: async (exportId, purpose, box) => unseal(key, box, boundTo(exportId, purpose)),
  };
};

/** For a test that starts no export. */
export const sealsNothing: SealForJob = () => Promise.reject(new Error('this test starts no export'));
