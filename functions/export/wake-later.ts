import type { ExportDeps } from './deps.ts';

type WakeJob = ExportDeps['wakeJob'];

/** Like `wakeJobThrough`, but loads Lambda's client at the first use, since most environments never need it. */
export const wakeJobLater = (): WakeJob => {
  let loaded: Promise<WakeJob> | undefined;
  const load = async (): Promise<WakeJob> => {
    const { callbackClient, wakeJobThrough } = await import('./wake-job.ts');
    return wakeJobThrough(callbackClient());
  };
  return async (callbackId) => {
    loaded ??= load();
    return (await loaded)(callbackId);
  };
};
