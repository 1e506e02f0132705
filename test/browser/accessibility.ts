import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

/** WCAG 2.2 AA and all before it, and what axe advises beyond: one main landmark, headings in order. */
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

const source = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');

/** Puts axe into the page, past the page's own policy. */
export const addAxe = async (page: Page): Promise<void> => {
  await page.evaluate(source);
};

/**
 * What axe finds in the page as it is now, a line for each element. The page makes the lines: all that axe knows of a page
 * is so much that to bring it here takes several times as long as to find it.
 */
export const axeFindings = async (page: Page): Promise<readonly string[]> =>
  page.evaluate(async (values) => {
    const { axe } = window as unknown as { axe: { run: (options: object) => Promise<AxeResults> } };
    const { violations } = await axe.run({
      runOnly: { type: 'tag', values },
      resultTypes: ['violations'],
      preload: false,
    });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
    );
  }, tags);
