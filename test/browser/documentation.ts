import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { LocalStack } from '../../sandbox/stack.ts';
import { openPage } from './chromium.ts';
import { watchPage } from './watch-page.ts';

interface Seen {
  readonly ids: readonly string[];
  readonly links: readonly string[];
  readonly overflow: number;
  /** Usual ports, which are not those that run. */
  readonly ports: readonly string[];
}

const root = join(import.meta.dirname, '..', '..');

/** Where the gateway's errors lead (test/docs/partners.test.ts): the rows of a page, and one of its parts. */
const errorRows = (): readonly string[] => [
  ...[...readFileSync(join(root, 'docs/partners/errors.md'), 'utf8').matchAll(/<a id="([\w-]+)"/g)].map(
    ([, id = '']) => id,
  ),
  'in-front-of-the-gateway',
];

/** What is on a page that the browser shows, once its script has run. */
const seeIn = (page: Page): Promise<Seen> =>
  page.evaluate(() => ({
    ids: [...document.querySelectorAll('[id]')].map(({ id }) => id),
    links: [...document.querySelectorAll('a[href]')]
      .map((link) => (link as HTMLAnchorElement).href)
      .filter((href) => new URL(href).origin === location.origin),
    ports: document.body.textContent.match(/(?:localhost|127\.0\.0\.1):300\d(?!\d)/g) ?? [],
    overflow: document.documentElement.scrollWidth - window.innerWidth,
  }));

const withoutAnchor = (href: string): string => href.replace(/#.*/, '');

/** The documentation site, as the local stack serves it. */
export const documentation = (browser: Browser, running: () => LocalStack): void => {
  describe('the documentation site', () => {
    let page: Page;
    const home = (): string => `${running().urls.live}/docs/`;
    beforeAll(async () => {
      page = await openPage(browser, { viewport: { width: 375, height: 720 } });
      await page.goto(home());
      // It is built first, if nobody has asked for it yet.
      await page.getByRole('heading', { name: 'Payer-to-payer gateway' }).waitFor();
    });
    afterAll(() => page.close());

    it('has every document, none of which scrolls sideways on a phone or complains, and every link of which leads somewhere', async () => {
      const watched = watchPage(page);
      const seen = new Map<string, Seen>();
      const ahead = [home()];
      for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
        if (seen.has(next)) continue;
        await page.goto(next);
        await page.locator('.vp-doc h1').first().waitFor();
        const found = await seeIn(page);
        seen.set(next, found);
        ahead.push(
          ...found.links
            .map(withoutAnchor)
            .filter((href) => /\/docs\/(?:.*\/)?(?:[\w-]+\.html)?$/.test(href) && !href.includes('/examples/')),
        );
      }
      const documents = globSync('docs/{.,partners,reports}/*.md', { cwd: root });
      expect(seen.size).toBe(documents.length + 4);
      expect([...seen].filter(([, { overflow }]) => overflow > 0).map(([href]) => href)).toEqual([]);
      expect([...seen].filter(([, { ports }]) => ports.length > 0).map(([href, { ports }]) => [href, ports])).toEqual(
        [],
      );
      expect(watched.complaints()).toEqual([]);
      expect(watched.elsewhere()).toEqual([]);

      const links = new Set([...seen.values()].flatMap((one) => one.links));
      const astray: string[] = [];
      for (const href of links) {
        const target = seen.get(withoutAnchor(href));
        const [, anchor] = href.split('#');
        if (
          target === undefined
            ? (await fetch(href)).status !== 200
            : anchor !== undefined && anchor !== '' && !target.ids.includes(decodeURIComponent(anchor))
        )
          astray.push(href);
      }
      expect(astray).toEqual([]);
      expect(seen.get(`${home()}partners/errors.html`)?.ids).toEqual(expect.arrayContaining([...errorRows()]));
    });

    it('finds words without a server, and copies code', async () => {
      await page.setViewportSize({ width: 1280, height: 800 });
      await page.goto(`${home()}partners/quick-start.html`);
      await page.getByRole('button', { name: 'Copy Code' }).first().waitFor({ state: 'attached' });
      await page.getByRole('button', { name: 'Search' }).click();
      await page.getByRole('searchbox').fill('invalid_grant');
      await page.getByRole('listbox').getByRole('link').first().click();
      await page.waitForURL(/\/docs\/.+\.html/);
    });

    it('has an llms.txt, whose links lead to Markdown and programs', async () => {
      const text = await (await fetch(`${home()}llms.txt`)).text();
      const targets = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => new URL(target, home()).href);
      expect(targets.length).toBeGreaterThan(15);
      const answers = await Promise.all(targets.map((target) => fetch(target)));
      expect(answers.filter(({ status }) => status !== 200).map(({ url }) => url)).toEqual([]);
      const types = new Set(answers.map(({ headers }) => headers.get('content-type')));
      expect(types).not.toContain('text/html; charset=utf-8');
    });
  });
};
