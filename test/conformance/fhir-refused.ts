import { expectOutcome } from './expectations.ts';
import type { WorldTarget } from './target.ts';

/** What reached the payer. */
export const payerReads = ({ payers }: WorldTarget): string[] =>
  payers.requests('clear-health', 'r4').map(({ path, url }) => `${path}${url.search}`);

/** Expects that nothing of it reached the payer. */
export const expectRefused = async (target: WorldTarget, response: Response, status: number): Promise<void> => {
  await expectOutcome(response, status);
  expect(payerReads(target)).toEqual([]);
};
