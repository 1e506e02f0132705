import { pocketRecord, trendJournal } from '../../sandbox/partner/browser-apps.ts';

export { startPartnerApp } from '../../sandbox/partner/server.ts';

/** How the tests' partner app is registered: as in the sandbox. */
export const registration = {
  clientId: 'demo-partner',
  clientSecret: 'demo-partner-secret',
  browserApps: [pocketRecord('demo-app'), trendJournal('third-party-app')],
};
