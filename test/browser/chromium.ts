import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, LaunchOptions, Page } from 'playwright-core';

/** The headless shell has the same engine, and opens a page with a third of the processor time. */
const installed = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'] as const;
const executablePath = process.env['CHROMIUM'] ?? installed.find((path) => existsSync(path)) ?? installed[0];
const widths = [1280, 375];
/** Milliseconds: less than a test's limit, and far longer than a page takes on a busy machine. */
export const longMs = 240_000;

/**
 * Debian's Chromium, or undefined if there is none: then one clear line says what was not checked.
 * @throws if CI is set, since nothing else would run the walks that CI skips
 */
export const launchChromium = async (options: LaunchOptions = {}): Promise<Browser | undefined> => {
  if (existsSync(executablePath)) return chromium.launch({ executablePath, timeout: longMs, ...options });
  const missing = `No Chromium at ${executablePath}: the browser walks did not run (set CHROMIUM to its path).`;
  if (process.env['CI']) throw new Error(missing);
  process.stderr.write(`${missing}\n`);
  return undefined;
};

/** A page in a fresh browser context. A failure names what it waited for, within the test's own time. */
export const openPage = async (browser: Browser, options: BrowserContextOptions = {}): Promise<Page> => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
  page.setDefaultTimeout(longMs);
  return page;
};

/** Saves the page at desktop and at phone width, only if SCREENSHOTS names a folder. */
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
