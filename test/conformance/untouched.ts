import type { WorldTarget } from './target.ts';

/** Expects that nothing is remembered and no payer asked while something runs. */
export const untouched = async ({ payers, store }: WorldTarget, act: () => Promise<unknown>): Promise<void> => {
  const before = await store.countLoginAttempts();
  await act();
  expect(await store.countLoginAttempts()).toBe(before);
  for (const endpoint of ['token', 'revoke', 'r4'] as const)
    expect(payers.requests('clear-health', endpoint)).toEqual([]);
};
