import { pocketRecord, trendJournal } from '../../sandbox/partner/browser-apps.ts';
import { startPartnerApp, type PartnerAppOptions } from '../../sandbox/partner/server.ts';
import { browser } from './partner-browser.ts';
import { startFakeGateway } from './partner-fake-gateway.ts';

export { startPartnerApp };

/** How the tests' partner app is registered: as in the sandbox. */
export const registration = {
  clientId: 'demo-partner',
  clientSecret: 'demo-partner-secret',
  browserApps: [pocketRecord('demo-app'), trendJournal('third-party-app')],
};

/** The partner app, a fake gateway for it, and a browser. */
export const startAtFakeGateway = async (
  payers: PartnerAppOptions['payers'] = [{ id: 'plan', displayName: 'Old & Gold' }],
) => {
  const gateway = await startFakeGateway();
  const paths: string[] = [];
  const log: PartnerAppOptions['log'] = ({ path }) => paths.push(path);
  const app = await startPartnerApp({ ...registration, port: 0, gatewayOrigin: gateway.origin, payers, log });
  return {
    ...app,
    gateway,
    visit: browser(),
    /** The paths that the app has logged. */
    paths,
    close: async (): Promise<void> => {
      await app.close();
      await gateway.close();
    },
  };
};

export type AppAtFakeGateway = Awaited<ReturnType<typeof startAtFakeGateway>>;
