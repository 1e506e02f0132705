import type { Brand } from './brand.ts';

/** A browser-only SMART app, a public client: its path, and its registration at the gateway. */
export interface BrowserApp {
  readonly path: '/app' | '/third-party';
  readonly clientId: string;
  readonly brand: Brand;
  readonly about: string;
}

/** Pocket Record: the member's new plan runs it, and asks for consent itself. */
export const pocketRecord = (clientId: string): BrowserApp => ({
  path: '/app',
  clientId,
  brand: { name: 'Pocket Record', logo: '/pocket-record.svg', home: '/app' },
  about: 'Your record in your browser, and nowhere else: this app has no server of its own.',
});

/** Trend Journal: an app of somebody else. */
export const trendJournal = (clientId: string): BrowserApp => ({
  path: '/third-party',
  clientId,
  brand: { name: 'Trend Journal', logo: '/trend-journal.svg', home: '/third-party' },
  about: 'A diary of your results. Your plan does not run this app, so the gateway first asks you what it may read.',
});
