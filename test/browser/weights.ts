import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

/** What a page weighs, and when it showed something. */
export interface PageWeight {
  readonly name: string;
  readonly language: string;
  /** With all that it loads, unpacked. */
  readonly bytes: number;
  /** Undefined if the browser did not say. */
  readonly firstPaintMs: number | undefined;
}

/** Milliseconds from the request to the first text or picture of the document that is shown. */
export const firstPaintOf = (page: Page): Promise<number | undefined> =>
  page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);

const rowOf = ({ name, language, bytes, firstPaintMs }: PageWeight): string =>
  `| ${name} | ${language} | ${(bytes / 1024).toFixed(1)} | ${firstPaintMs === undefined ? 'not told' : firstPaintMs.toFixed(0)} |`;

/** Writes docs/reports/pages.md. */
export const writeWeights = (weights: readonly PageWeight[]): void => {
  const heaviest = weights.toSorted((one, other) => other.bytes - one.bytes);
  const text = `# Pages: what they weigh

Every page of the product that a person sees, in each of its languages, the heaviest first: its document and all that it
loads, unpacked, and the time from the request to its first text in Chromium on the machine that wrote this page, busy with
the local stack. The suite of pages holds the weights against limits ([testing.md](../testing.md));
\`PAGES_DOC=write npm run test:e2e -- test/browser/accessibility\` writes this page.

| page | language | KB | first paint, ms |
| ---- | -------- | -- | --------------- |
${heaviest.map(rowOf).join('\n')}
`;
  writeFileSync(join(import.meta.dirname, '../../docs/reports/pages.md'), text);
};
