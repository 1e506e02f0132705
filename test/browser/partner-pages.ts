import type { PageUnderTest } from './page-under-test.ts';
import { recordPages } from './record-pages.ts';

const page = (name: string, path: string, hasScript = false): PageUnderTest => ({
  name,
  open: async (tab, { urls }) => {
    await tab.goto(urls.partner + path);
  },
  languages: ['en'],
  hasScript,
  // The SMART library of the browser apps.
  mostKilobytes: 400,
});

/** The sample app before and after a sign-in, and its two browser apps. */
export const partnerPages: readonly PageUnderTest[] = [
  page('partner-home', '/'),
  page('partner-identify', '/identify/demo-health-plan'),
  page('partner-events', '/events', true),
  page('partner-state-lost', '/record/northwind'),
  page('partner-sign-in-over', '/callback?state=old&code=old'),
  page('partner-nothing-here', '/no-such-page'),
  page('partner-pocket-record', '/app', true),
  page('partner-trend-journal', '/third-party', true),
  ...recordPages,
];
