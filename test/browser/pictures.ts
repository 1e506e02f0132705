import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { LocalStack } from '../../sandbox/stack.ts';
import { openPage } from './chromium.ts';
import { pages } from './pages.ts';

const folder = join(import.meta.dirname, '..', '..', 'docs', 'pictures');

interface Picture {
  /** The page under test that it is of. */
  readonly page: string;
  readonly width: number;
  readonly height: number;
  /** What the picture begins with; the top of the page if absent. */
  readonly from?: string;
}

/** The pictures of the README, by file name. */
const pictures: Readonly<Record<string, Picture>> = {
  'consent-on-a-phone': { page: 'gateway-consent', width: 375, height: 720 },
  'sample-app': { page: 'record-overview', width: 1100, height: 720 },
  'live-view': { page: 'live-view', width: 1100, height: 720, from: '/oauth2/authorize/' },
};
const mostBytes = 200 * 1024;

/** The screen as WebP, which Playwright does not write: by the browser itself, on a page without a policy. */
const webpOf = async (browser: Browser, png: Buffer): Promise<Buffer> => {
  const page = await browser.newPage();
  try {
    const url = await page.evaluate(async (data) => {
      const picture = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
      const canvas = Object.assign(document.createElement('canvas'), { width: picture.width, height: picture.height });
      canvas.getContext('2d')?.drawImage(picture, 0, 0);
      return canvas.toDataURL('image/webp', 0.8);
    }, png.toString('base64'));
    return Buffer.from(url.replace('data:image/webp;base64,', ''), 'base64');
  } finally {
    await page.close();
  }
};

/** Width and height of a WebP file of Chromium's: lossy, so its frame's header begins at byte 20 (RFC 9649 §2.5, RFC 6386 §9.1). */
const sizeOf = (webp: Buffer): readonly number[] => {
  const frame = webp.indexOf(Buffer.from([0x9d, 0x01, 0x2a]));
  return [webp.readUInt16LE(frame + 3) & 0x3fff, webp.readUInt16LE(frame + 5) & 0x3fff];
};

/** Takes the README's pictures anew; PICTURES=write keeps them. */
export const readmePictures = (browser: Browser, running: () => LocalStack): void => {
  describe('the pictures of the README', () => {
    let page: Page;
    afterEach(() => page.close());

    it.each(Object.entries(pictures))('%s can be taken, and is there in that size', async (name, picture) => {
      const { width, height, from } = picture;
      page = await openPage(browser, { viewport: { width, height }, locale: 'en-US', colorScheme: 'light' });
      await pages.find((one) => one.name === picture.page)?.open(page, running(), 'en');
      if (from !== undefined)
        await page
          .getByText(from)
          .last()
          .evaluate((element) => element.scrollIntoView());
      const taken = await webpOf(browser, await page.screenshot());
      const path = join(folder, `${name}.webp`);
      if (process.env['PICTURES'] === 'write') {
        mkdirSync(folder, { recursive: true });
        writeFileSync(path, taken);
      }
      expect(sizeOf(taken)).toEqual([width, height]);
      expect(sizeOf(readFileSync(path))).toEqual([width, height]);
      expect(readFileSync(path).byteLength).toBeLessThan(mostBytes / Object.keys(pictures).length);
    });
  });
};
