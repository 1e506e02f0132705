import { RegionInfo } from 'aws-cdk-lib/region-info';
import { outgoingPorts } from '../../config/account/outgoing-ports.ts';
import { parseArn } from '../../config/checks/arn.ts';
import { checkStage } from '../../config/checks/check-stage.ts';
import { tagKey } from '../../config/checks/existing-rules.ts';
import { regions } from '../../config/checks/regions.ts';
import { partnerUrls, payerUrls } from '../../config/checks/stage-urls.ts';
import { isExampleHost } from '../../config/examples.ts';
import { localStage } from '../../config/local.ts';
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

describe('an ARN', () => {
  it('is split, in any partition', () => {
    expect(parseArn('arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/a')).toEqual({
      partition: 'aws-us-gov',
      service: 'kms',
      region: 'us-gov-west-1',
      account: '111122223333',
      resource: 'key/a',
    });
  });

  it.each(['xarn:aws:kms:us-east-1:111122223333:key/a', 'arn:aws:kms:us-east-1:111122223333:key/a b', ''])(
    'is not %j',
    (text) => {
      expect(parseArn(text)).toBeUndefined();
    },
  );
});

describe('the key of a tag', () => {
  it.each(['x'.repeat(128), 'my-aws:thing'])('may be %s', (key) => {
    expect(tagKey(key)).toBeUndefined();
  });

  it.each([
    ['x'.repeat(129), 'has 129 characters; write at most 128'],
    ['', expect.stringMatching(/^has characters that AWS refuses in a tag; /)],
    [' ', expect.stringMatching(/^has characters that AWS refuses in a tag; /)],
    ['a<b', expect.stringMatching(/^has characters that AWS refuses in a tag; /)],
    ['AWS:x', expect.stringMatching(/^begins with "aws:"/)],
  ])('may not be %j', (key, message) => {
    expect(tagKey(key)).toEqual(message);
  });
});

const [payer] = localStage().payers;
const [partner] = localStage().partners;
const at = (port: number): string => `https://plan.example.org:${port}/x`;

it('functions may connect to 443 and to each port in a URL that they request, not to those that only browsers do', () => {
  const payers = [
    {
      ...payer!,
      fhirBaseUrl: at(8001),
      furtherBases: [{ fhirBaseUrl: at(8010), types: ['Goal'] }],
      authorizationEndpoint: at(8002),
      tokenEndpoint: at(8003),
      revocationEndpoint: at(8004),
      userinfoEndpoint: at(8005),
      jwksUri: at(8006),
      smartConfigurationUrl: at(8007),
      issuer: at(9001),
      fhirBaseUrlAliases: [at(9002)],
      quirks: { ...payer!.quirks, signInOrigins: [at(9003)] },
    },
  ];
  const partners = [
    { ...partner!, webhook: at(8008), homePage: at(9004), redirectUris: [at(9005)], webOrigins: [at(9006)] },
  ];

  const identityProviders = [{ issuer: at(9007), jwksUri: at(8009), algorithms: ['RS256' as const] }];

  expect(outgoingPorts({ payers, partners, identityProviders })).toEqual([
    443, 8001, 8002, 8003, 8004, 8005, 8006, 8007, 8008, 8009, 8010,
  ]);
});

it('the regions are the ones that the CDK knows', () => {
  expect(regions).toEqual(RegionInfo.regions.map(({ name }) => name).sort());
});
