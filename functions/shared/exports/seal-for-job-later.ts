import type { SealForJob } from './seal-for-job.ts';

/**
 * Like `sealForJob`, but loads the KMS client at the first use, since most cold starts never need it.
 */
export const sealForJobLater = (keyId: string, randomBytes: (size: number) => Uint8Array): SealForJob => {
  let loaded: Promise<SealForJob> | undefined;
  const load = async (): Promise<SealForJob> => {
    const [{ kmsClient }, { sealForJob }] = await Promise.all([
      import('../kms-client.ts'),
      import('./seal-for-job.ts'),
    ]);
    return sealForJob(kmsClient(), keyId, randomBytes);
  };
  return async (...box) => {
    loaded ??= load();
    return (await loaded)(...box);
  };
};
