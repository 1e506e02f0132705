import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const widths = [1280, 375];
/** Less than a test has, and far longer than a page takes on a machine that is busy with others. Milliseconds. */
const longMs = 240_000;

/**
 * Debian's Chromium, or nothing where there is none: then one clear line says what was not checked.
 * @throws where CI is set, since a walk that CI leaves out is proved nowhere
 */
export const launchChromium = async (): Promise<Browser | undefined> => {
  if (existsSync(executablePath)) return chromium.launch({ executablePath, timeout: longMs });
  const missing = `No Chromium at ${executablePath}: the browser walks did not run (set CHROMIUM to its path).`;
  if (process.env['CI']) throw new Error(missing);
  process.stderr.write(`${missing}\n`);
  return undefined;
};

/** A fresh browser context's page, which says within the test's own time what it waits for. */
export const openPage = async (browser: Browser): Promise<Page> => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(longMs);
  return page;
};

/** Saves the page as it stands at desktop and at phone width, only where SCREENSHOTS names a folder. */
export const screenshots = async (page: Page, name: string): Promise<void> => {
  const folder = process.env['SCREENSHOTS'];
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  for (const width of widths) {
    await page.setViewportSize({ width, height: 800 });
    await page.screenshot({ path: join(folder, `${name}-${width}.png`), fullPage: true });
  }
  await page.setViewportSize({ width: 1280, height: 800 });
};
