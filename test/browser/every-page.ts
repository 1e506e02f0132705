import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { languageNames, languages, type Language } from '../../functions/shared/pages/language.ts';
import type { LocalStack } from '../../sandbox/stack.ts';
import { addAxe, axeFindings, isOfColors, layoutOf } from './accessibility.ts';
import { longMs } from './chromium.ts';
import { focusProblems } from './focus.ts';
import { pages } from './pages.ts';
import { watchPage } from './watch-page.ts';
import { firstPaintOf, writeWeights, type PageWeight } from './weights.ts';

const schemes = ['light', 'dark'] as const;
const widths = [1280, 375, 320];
const kilobyte = 1024;

const inEachLanguage = pages.flatMap((one) =>
  (one.languages ?? languages).map((language) => [one.name, language, one] as const),
);

/** Saves the page as it is, if SCREENSHOTS names a folder. */
const shoot = async (page: Page, name: string): Promise<void> => {
  const folder = process.env['SCREENSHOTS'];
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
};

/** What axe found in one layout of a page. */
interface Found {
  readonly layout: string;
  readonly findings: readonly string[];
}

/**
 * What axe finds in the page as it is now. In a layout in which it was looked at before, only the colors are others.
 * @param before what was found at this width; it gets what is found first
 */
const findingsAt = async (page: Page, width: number, before: Map<number, Found>): Promise<readonly string[]> => {
  const layout = await layoutOf(page);
  const known = before.get(width);
  if (known?.layout === layout)
    return [...known.findings.filter((one) => !isOfColors(one)), ...(await axeFindings(page, 'of colors'))];
  const findings = await axeFindings(page);
  before.set(width, { layout, findings });
  return findings;
};

/** What is wrong with the page in one scheme at one width. */
const problemsAt = async (
  page: Page,
  scheme: string,
  width: number,
  before: Map<number, Found>,
): Promise<readonly string[]> => {
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  const found = [
    ...(await findingsAt(page, width, before)),
    ...(overflow > 0 ? [`scrolls sideways by ${overflow} px`] : []),
    ...(await focusProblems(page)),
  ];
  return found.map((problem) => `${scheme}, ${width} px: ${problem}`);
};

const problemsOf = async (page: Page, name: string): Promise<readonly string[]> => {
  await addAxe(page);
  const problems: string[] = [];
  const before = new Map<number, Found>();
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme });
    for (const width of widths) {
      await page.setViewportSize({ width, height: 800 });
      problems.push(...(await problemsAt(page, colorScheme, width, before)));
      await shoot(page, `${name}-${colorScheme}-${width}`);
    }
  }
  return problems;
};

/** Pale in the dark only, wide on a small phone only, there with a picture without words in the dark, and a field without a label. */
const planted = `<!doctype html><html lang="en"><head><title>Planted</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
:root{color-scheme:light dark}body{margin:0;background:#fff;color:#111}p{color:#333}
:focus-visible{outline:3px solid #0b5cad;outline-offset:2px}img{display:none}
@media(prefers-color-scheme:dark){body{background:#111;color:#eee}:focus-visible{outline-color:#7fb8f0}}
@media(max-width:320px){.wide{width:400px}}
@media(prefers-color-scheme:dark) and (max-width:320px){img{display:block}}
</style></head><body><main><h1>Planted</h1><p>Pale</p><div class="wide">Wide</div><input>
<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="></main></body></html>`;

/** Checks each page of the product over a running stack. */
export const everyPage = (browser: Browser, running: () => LocalStack): void => {
  describe('every page', () => {
    const contexts = new Map<Language, BrowserContext>();
    const weights: PageWeight[] = [];
    let page: Page;

    beforeAll(async () => {
      for (const language of languages) {
        const context = await browser.newContext({ locale: languageNames[language].locale });
        context.setDefaultTimeout(longMs);
        contexts.set(language, context);
      }
    });

    afterEach(() => page.close());
    afterAll(() => {
      if (process.env['PAGES_DOC'] === 'write') writeWeights(weights);
    });

    it.each(inEachLanguage)(
      '%s (%s) has no finding of axe, and a ring around the focus, in both schemes at each width; it loads nothing from elsewhere',
      async (name, language, one) => {
        page = await contexts.get(language)!.newPage();
        const watched = watchPage(page);
        await one.open(page, running(), language);
        const firstPaintMs = await firstPaintOf(page);

        expect(await page.locator('html').getAttribute('lang')).toBe(language);
        await expect(problemsOf(page, `${name}-${language}`)).resolves.toEqual([]);
        expect(watched.complaints()).toEqual([]);
        expect(watched.elsewhere()).toEqual([]);
        const bytes = await watched.bytes();
        weights.push({ name, language, bytes, firstPaintMs });
        expect(bytes).toBeGreaterThan(kilobyte);
        expect(bytes).toBeLessThan((one.mostKilobytes ?? 30) * kilobyte);
        if (one.hasScript !== true) expect(await page.locator('script').count()).toBe(0);
      },
    );

    it('is told apart from one that is pale in the dark only, wide on a small phone only, has a picture without words in one layout only, or a field without a label', async () => {
      page = await contexts.get('en')!.newPage();
      await page.setContent(planted);
      const problems = await problemsOf(page, 'planted');

      const where = (found: RegExp) =>
        problems.filter((problem) => found.test(problem)).map((problem) => problem.split(': ')[0]);
      expect(where(/: color-contrast: /)).toEqual(widths.map((width) => `dark, ${width} px`));
      expect(where(/: image-alt: /)).toEqual(['dark, 320 px']);
      expect(where(/: scrolls sideways/)).toEqual(schemes.map((scheme) => `${scheme}, 320 px`));
      expect(where(/: label: /)).toHaveLength(schemes.length * widths.length);
    });
  });
};
