import type { Page } from 'playwright-core';

/** What a page did while it was watched. */
export interface Watched {
  /** What its policy refused, and what its scripts threw. */
  readonly complaints: () => readonly string[];
  /** What it loaded from an origin other than its own. */
  readonly elsewhere: () => readonly string[];
  /** How much it and all that it loaded weigh, unpacked. */
  readonly bytes: () => Promise<number>;
}

const originOf = (url: string): string => new URL(url).origin;

/** Runs in the page: the bytes of its document and of what that loaded. A stream of events that goes on has no entry. */
const weightOfDocument = (): number =>
  [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].reduce(
    (sum, entry) => sum + (entry as PerformanceResourceTiming).decodedBodySize,
    0,
  );

/** Watches a page, whatever it goes through, and counts the weight of the document that it shows last. */
export const watchPage = (page: Page): Watched => {
  const complaints: string[] = [];
  const elsewhere: string[] = [];
  page.on('console', (message) => {
    if (/Content.Security.Policy|Refused to/i.test(message.text())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    const url = request.url();
    if (url.startsWith('data:')) return;
    const isNavigation = request.isNavigationRequest() && request.frame() === page.mainFrame();
    if (!isNavigation && originOf(url) !== originOf(page.url())) elsewhere.push(url);
  });
  return {
    complaints: () => complaints,
    elsewhere: () => elsewhere,
    bytes: () => page.evaluate(weightOfDocument),
  };
};
