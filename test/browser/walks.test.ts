import { startLocalStack, type LocalStack } from '../../sandbox/stack.ts';
import { launchChromium } from './chromium.ts';
import { partnerApp } from './partner-app.ts';
import { smartApps } from './smart-apps.ts';

const browser = await launchChromium();

if (browser) {
  // One for both: to start it takes longer than most walks.
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
  it('needs a Chromium, and there is none', () => expect(browser).toBeUndefined());
}
