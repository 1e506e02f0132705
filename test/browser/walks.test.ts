import { startLocalStack, type LocalStack } from '../../sandbox/stack.ts';
import { launchChromium } from './chromium.ts';
import { partnerApp } from './partner-app.ts';
import { smartApps } from './smart-apps.ts';

const browser = await launchChromium();

if (browser) {
  // One stack for all walks, since starting it takes longer than most of them.
  let stack: LocalStack;
  beforeAll(async () => {
    stack = await startLocalStack({ ports: 'free' });
  });
  afterAll(async () => {
    await stack.close();
    await browser.close();
  });
  const running = (): LocalStack => stack;

  partnerApp(browser, running);
  smartApps(browser, running);
} else {
  it('needs Chromium, which is not installed', () => expect(browser).toBeUndefined());
}
