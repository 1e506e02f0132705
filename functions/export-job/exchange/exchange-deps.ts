import type { JobDeps } from '../deps.ts';

/** What exchanges need. @throws Error if the stage has none */
export const exchangeDeps = ({ exchange }: Pick<JobDeps, 'exchange'>): NonNullable<JobDeps['exchange']> => {
  if (exchange === undefined) throw new Error('the stage has no exchanges');
  return exchange;
};
