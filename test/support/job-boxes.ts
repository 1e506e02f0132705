import { randomBytes } from 'node:crypto';
import type { BoxOwner, OpenInJob, SealForJob } from '../../functions/shared/exports/seal-for-job.ts';
import { seal, sealIvBytes, unseal } from '../../functions/shared/store/crypto.ts';

/** Seals and opens values for the job with the test's own key, in place of the exports key. */
export const jobBoxes = (): { readonly sealForJob: SealForJob; readonly openInJob: OpenInJob } => {
  const key = randomBytes(32);
  const boundBy = (owner: BoxOwner, purpose: string, boundTo = ''): string =>
    `${purpose} of ${JSON.stringify(owner)} ${boundTo}`;
  return {
    sealForJob: async (owner, purpose, value, boundTo) =>
      seal(key, value, boundBy(owner, purpose, boundTo), randomBytes(sealIvBytes)),
    openInJob: async (owner, purpose, box, boundTo) => unseal(key, box, boundBy(owner, purpose, boundTo)),
  };
};

/** For a test that starts no export. */
export const sealsNothing: SealForJob = () => Promise.reject(new Error('this test starts no export'));
