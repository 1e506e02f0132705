import { everyPage } from './every-page.ts';
import { inChromium } from './in-chromium.ts';
import { withoutJavaScript } from './without-javascript.ts';

await inChromium((browser, running) => {
  everyPage(browser, running);
  withoutJavaScript(browser, running);
});
