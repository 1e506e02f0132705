import { RegionInfo } from 'aws-cdk-lib/region-info';
import { outgoingPorts } from '../../config/account/outgoing-ports.ts';
import { parseArn } from '../../config/checks/arn.ts';
import { checkStage } from '../../config/checks/check-stage.ts';
import { tagKey } from '../../config/checks/existing-rules.ts';
import { requestedFields } from '../../config/checks/fields.ts';
import { wrongHosts } from '../../config/checks/hosts.ts';
import { weaknesses } from '../../config/checks/production.ts';
import { regions } from '../../config/checks/regions.ts';
import { webUrl } from '../../config/checks/rules.ts';
import { stageSchema } from '../../config/checks/schema.ts';
import { stageUrls } from '../../config/checks/stage-urls.ts';
import { isExampleHost } from '../../config/examples.ts';
import { localStage } from '../../config/local.ts';
import productionExample from '../../config/production-example.ts';
import type { StageConfig } from '../../config/stage.ts';
import { words } from '../support/words.ts';
import { changed, stage } from './stages.ts';

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
  const config = checkStage(
    stage({
      stage: {
        operator: { name: 'Lakeside', support: 'mailto:help@example.org' },
        errorsUrl: 'https://dev.example.org/errors',
      },
      payer: {
        fhirBaseUrlAliases: ['http://internal/fhir'],
        quirks: { signInOrigins: ['https://id.example.org', 'https://sso.example.org'] },
      },
      partner: { webOrigins: ['https://app.example.org'], webhook: 'https://app.example.org/events' },
    }),
    'stage.json',
  );

  it('are all, and who requests them, without addresses of e-mail and paths', () => {
    expect(stageUrls(config).map(({ path, url, by }) => [path.join('.'), url, by])).toEqual([
      ['errorsUrl', 'https://dev.example.org/errors', 'browsers'],
      ['payers.0.fhirBaseUrl', 'https://plan.example.org/r4', 'functions'],
      ['payers.0.fhirBaseUrlAliases.0', 'http://internal/fhir', 'printed'],
      ['payers.0.authorizationEndpoint', 'https://plan.example.org/authorize', 'both'],
      ['payers.0.tokenEndpoint', 'https://plan.example.org/token', 'functions'],
      ['payers.0.quirks.signInOrigins.0', 'https://id.example.org', 'browsers'],
      ['payers.0.quirks.signInOrigins.1', 'https://sso.example.org', 'browsers'],
      ['partners.0.homePage', 'https://app.example.org/', 'browsers'],
      ['partners.0.redirectUris.0', 'https://app.example.org/callback', 'browsers'],
      ['partners.0.webOrigins.0', 'https://app.example.org', 'browsers'],
      ['partners.0.webhook', 'https://app.example.org/events', 'functions'],
    ]);
  });

  it.each(
    requestedFields(stageSchema).map(({ path, mark }) => [path.join('.').replaceAll('.*', '[0]'), mark] as const),
  )(
    'never have the host of a metadata service, and in production have plain http only if a payer prints it, and a private host only if it is but a name: %s, for %s',
    (field, by) => {
      const refused = (url: string, beside: object = {}): boolean => {
        const asked = changed({ [field]: url }, { ...productionExample, ...beside }) as StageConfig;
        const found = [...wrongHosts(asked), ...weaknesses(asked)];
        return found.some(({ path }) => path.join('.') === field.replaceAll('[0]', '.0'));
      };

      expect(refused('https://169.254.169.254/x')).toBe(true);
      expect(refused('http://lakeside-plan.net/x')).toBe(by !== 'printed');
      const hosts = ['id.lakeside.internal', 'id.lakeside.local', 'lakeside', '10.1.2.3'];
      const privately = (beside?: object): boolean[] => hosts.map((host) => refused(`https://${host}/x`, beside));
      expect(new Set(privately())).toEqual(new Set([by === 'functions' || by === 'browsers' || by === 'both']));
      // An account's own VPC may reach its private network; browsers elsewhere do not.
      const ownVpc = { existing: { vpc: { id: 'vpc-1', subnets: [], awsEndpoints: 'nat' } } };
      expect(new Set(privately(ownVpc))).toEqual(new Set([by === 'browsers' || by === 'both']));
      expect(refused('https://lakeside-plan.net/x')).toBe(false);
    },
  );

  it('are in every field whose rule is one for URLs', () => {
    const marked = new Set(requestedFields(stageSchema).map(({ path }) => path.join('.')));
    // Each text of production's example that is a URL; an identifier's system is a name, which has no host.
    const written = (value: unknown, path: readonly string[] = []): readonly string[] =>
      typeof value === 'object' && value !== null
        ? Object.entries(value).flatMap(([name, inner]) => written(inner, [...path, Array.isArray(value) ? '*' : name]))
        : /^https?:/.test(String(value))
          ? [path.join('.')]
          : [];

    const unmarked = new Set(written(productionExample).filter((path) => !marked.has(path)));
    expect([...unmarked].filter((path) => !path.endsWith('.system'))).toEqual([]);
    expect([...marked]).toEqual(
      expect.arrayContaining([
        'runbookUrl',
        'origin',
        'identityProviders.*.issuer',
        'payers.*.issuer',
        'payers.*.fhirBaseUrlAliases.*',
        'payers.*.quirks.aud',
        'payers.*.identitySignIn.issuers.*',
        'payers.*.identitySignIn.consentPolicies.*',
        'partners.*.identityAudiences.*.issuer',
      ]),
    );
  });

  it("may have the ports that Node's own fetch does not block", async () => {
    const ports = Array.from({ length: 11_000 }, (_, index) => index + 1);
    const dispatcher = {
      dispatch: () => {
        throw new Error('would connect');
      },
    };
    const why = (port: number) =>
      fetch(`https://plan.example.org:${port}/`, { dispatcher } as RequestInit).catch(
        (error: Error) => (error.cause as Error | undefined)?.message,
      );
    const blocked = await Promise.all(ports.map(async (port) => ((await why(port)) === 'bad port' ? [port] : [])));

    const refused = ports.filter(
      (port) => webUrl(`https://plan.example.org:${port}/`)?.startsWith('has port') === true,
    );
    expect(refused).toEqual(blocked.flat());
    expect(refused).toContain(22);
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
      issuer: at(8011),
      fhirBaseUrlAliases: [at(9002)],
      quirks: { ...payer!.quirks, signInOrigins: [at(9003)] },
    },
  ];
  const partners = [
    { ...partner!, webhook: at(8008), homePage: at(9004), redirectUris: [at(9005)], webOrigins: [at(9006)] },
  ];

  const identityProviders = [{ issuer: at(9007), jwksUri: at(8009), algorithms: ['RS256' as const] }];

  expect(outgoingPorts({ payers, partners, identityProviders })).toEqual([
    443, 8001, 8002, 8003, 8004, 8005, 8006, 8007, 8008, 8009, 8010, 8011,
  ]);
});

it('the regions are the ones that the CDK knows', () => {
  expect(regions).toEqual(RegionInfo.regions.map(({ name }) => name).sort());
});
