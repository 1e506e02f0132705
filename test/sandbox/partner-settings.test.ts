import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { localStage } from '../../config/local.ts';
import { readSettings } from '../../sandbox/partner/settings.ts';

const environment = {
  GATEWAY: 'https://gateway.example/',
  CLIENT_ID: 'my-app',
  CLIENT_SECRET: 'secret',
  PAYERS: 'demo-health-plan=Demo Health Plan, northwind=Northwind Health',
};

describe('the settings of the sample app', () => {
  it('come from the environment', () => {
    expect(readSettings({ ...environment, PORT: '5210', WEBHOOK_SECRETS: 'whsec_a whsec_b' })).toEqual({
      port: 5210,
      gatewayOrigin: 'https://gateway.example',
      clientId: 'my-app',
      clientSecret: 'secret',
      payers: [
        { id: 'demo-health-plan', displayName: 'Demo Health Plan' },
        { id: 'northwind', displayName: 'Northwind Health' },
      ],
      webhookSecrets: ['whsec_a', 'whsec_b'],
      browserApps: [],
    });
  });

  it.each([
    ['GATEWAY', undefined, 'GATEWAY is not set'],
    ['GATEWAY', 'http://gateway.example', 'GATEWAY is not an https URL'],
    ['GATEWAY', 'gateway', 'GATEWAY is not an https URL'],
    ['CLIENT_ID', ' ', 'CLIENT_ID is not set'],
    ['CLIENT_SECRET', undefined, 'CLIENT_SECRET is not set'],
    ['PAYERS', undefined, 'PAYERS is not set'],
    ['PAYERS', 'demo-health-plan', 'Write id=Name'],
    ['PAYERS', '../x=Name', 'Write id=Name'],
    ['PORT', '99999', 'Write a port'],
    ['PUBLIC_ORIGIN', 'ftp://x', 'PUBLIC_ORIGIN is not an https URL'],
  ])('say what to write if %s is %s', (name, value, words) => {
    expect(() => readSettings({ ...environment, [name]: value })).toThrow(words);
  });
});

it('each partner of the sandbox has the app’s own logo on the gateway’s pages', () => {
  const files = { 'demo-partner': 'logo', 'demo-app': 'pocket-record', 'third-party-app': 'trend-journal' };
  for (const { clientId, logo } of localStage().partners) {
    const file = files[clientId as keyof typeof files];
    const bytes = readFileSync(join(import.meta.dirname, `../../sandbox/partner/static/${file}.svg`));
    expect(logo).toBe(`data:image/svg+xml;base64,${bytes.toString('base64')}`);
  }
});
