import type { Browser } from 'playwright-core';
import { startLocalStack, type LocalStack } from '../../sandbox/stack.ts';
import { askAgainWhereBusy } from '../e2e/support.ts';
import { launchChromium } from './chromium.ts';

/**
 * Registers tests that need Chromium and a local stack. They share one of each, since starting a stack takes longer than
 * most of them.
 */
export const inChromium = async (register: (browser: Browser, running: () => LocalStack) => void): Promise<void> => {
  const browser = await launchChromium();
  if (browser === undefined) {
    it('needs Chromium, which is not installed', () => expect(browser).toBeUndefined());
    return;
  }
  // The sandbox's apps and payers run in this process, too.
  askAgainWhereBusy();
  let stack: LocalStack;
  beforeAll(async () => {
    stack = await startLocalStack({ ports: 'free' });
  });
  afterAll(async () => {
    await stack.close();
    await browser.close();
  });
  register(browser, () => stack);
};
