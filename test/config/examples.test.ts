import { checkStage } from '../../config/checks/check-stage.ts';
import { partnerUrls, payerUrls } from '../../config/checks/stage-urls.ts';
import { isExampleHost } from '../../config/examples.ts';
import { words } from '../support/words.ts';
import { stage } from './stages.ts';

describe('a host that is reserved for examples (RFC 2606)', () => {
  it.each(words('example plan.example example.com example.net a.plan.example.org test plan.test a.invalid'))(
    'is %s',
    (host) => {
      expect(isExampleHost(host)).toBe(true);
    },
  );

  it.each(
    words(`
    our-example.org example.edu example.community plan.example.co example.northwind-health.net
    test.northwind-health.net latest plan.testing
  `),
  )('is not %s', (host) => {
    expect(isExampleHost(host)).toBe(false);
  });
});

describe('the URLs of a stage', () => {
  const { payers, partners } = checkStage(
    stage({
      payer: {
        fhirBaseUrlAliases: ['http://internal/fhir'],
        quirks: { signInOrigins: ['https://id.example.org', 'https://sso.example.org'] },
      },
      partner: { webOrigins: ['https://app.example.org'], webhook: 'https://app.example.org/events' },
    }),
    'stage.json',
  );

  it("are a payer's URLs, without its aliases", () => {
    expect(payers.flatMap(payerUrls)).toEqual([
      [['fhirBaseUrl'], 'https://plan.example.org/r4'],
      [['authorizationEndpoint'], 'https://plan.example.org/authorize'],
      [['tokenEndpoint'], 'https://plan.example.org/token'],
      [['quirks', 'signInOrigins', 0], 'https://id.example.org'],
      [['quirks', 'signInOrigins', 1], 'https://sso.example.org'],
    ]);
  });

  it("are a partner's URLs", () => {
    expect(partners.flatMap(partnerUrls)).toEqual([
      [['homePage'], 'https://app.example.org/'],
      [['redirectUris', 0], 'https://app.example.org/callback'],
      [['webOrigins', 0], 'https://app.example.org'],
      [['webhook'], 'https://app.example.org/events'],
    ]);
  });
});
