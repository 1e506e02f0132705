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

/** The rules that look at colors. */
const ofColors = ['color-contrast', 'link-in-text-block'];

/** Whether a finding would be another one in other colors. */
export const isOfColors = (finding: string): boolean => ofColors.some((rule) => finding.startsWith(`${rule}: `));

/**
 * What axe finds in the page as it is now, a line for each element. The page makes the lines: all that axe knows of a page
 * is so much that to bring it here takes several times as long as to find it.
 */
export const axeFindings = async (page: Page, rules: 'all' | 'of colors' = 'all'): Promise<readonly string[]> =>
  page.evaluate(
    async (runOnly) => {
      const { axe } = window as unknown as { axe: { run: (options: object) => Promise<AxeResults> } };
      const { violations } = await axe.run({ runOnly, resultTypes: ['violations'], preload: false });
      return violations.flatMap(({ id, nodes }) =>
        nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
      );
    },
    rules === 'all' ? { type: 'tag', values: tags } : { type: 'rule', values: ofColors },
  );

/**
 * What findings depend on, except those of colors: which elements there are, where each is, and what is seen of it. As a hash, since it is
 * long.
 */
export const layoutOf = async (page: Page): Promise<string> =>
  page.evaluate(async () => {
    const parts = [...document.querySelectorAll('*')].map((element) => {
      const { x, y, width, height } = element.getBoundingClientRect();
      const { display, visibility, opacity, overflow, clipPath, position } = getComputedStyle(element);
      const attributes = [...element.attributes].map(({ name, value }) => `${name}=${value}`);
      const style = [display, visibility, opacity, overflow, clipPath, position, ...attributes];
      return [element.tagName, x, y, width, height, ...style].join(' ');
    });
    const text = `${parts.join('\n')}\n${document.body.textContent}`;
    let hash = 0;
    for (let at = 0; at < text.length; at += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
    return `${text.length} ${hash}`;
  });
