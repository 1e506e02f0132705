import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { stoppedBy, type WebAclRule } from '../support/evaluate-web-acl.ts';
import { resourcesOf, templateOf } from '../support/front-stack.ts';
import { nameOf } from '../support/stage-template.ts';

interface Rule extends WebAclRule {
  readonly Action?: { readonly Block: { readonly CustomResponse: CustomResponse } };
}

interface CustomResponse {
  readonly ResponseCode: number;
  readonly CustomResponseBodyKey: string;
  readonly ResponseHeaders: { readonly Name: string; readonly Value: string }[];
}

interface Acl {
  readonly Scope: string;
  readonly DefaultAction: object;
  readonly Rules: Rule[];
  readonly VisibilityConfig: object;
  readonly CustomResponseBodies?: Record<string, { readonly Content: string; readonly ContentType: string }>;
}

const visible = (MetricName: string) => ({
  MetricName,
  CloudWatchMetricsEnabled: true,
  SampledRequestsEnabled: false,
});
const group = (Name: string, Priority: number, counted: readonly string[] = []) => ({
  Name,
  Priority,
  OverrideAction: { None: {} },
  Statement: {
    ManagedRuleGroupStatement: {
      VendorName: 'AWS',
      Name,
      ...(counted.length === 0
        ? {}
        : { RuleActionOverrides: counted.map((name) => ({ Name: name, ActionToUse: { Count: {} } })) }),
    },
  },
  VisibilityConfig: visible(Name),
});

/** The answer itself is tested elsewhere. */
const rateLimit = {
  Name: 'RequestsPerAddress',
  Priority: 0,
  Action: { Block: { CustomResponse: expect.objectContaining({ ResponseCode: 429 }) as object } },
  Statement: { RateBasedStatement: { Limit: 20_000, AggregateKeyType: 'IP', EvaluationWindowSec: 300 } },
  VisibilityConfig: visible('RequestsPerAddress'),
};
const reputation = group('AWSManagedRulesAmazonIpReputationList', 1);
const path = (PositionalConstraint: string, SearchString: string) => ({
  ByteMatchStatement: {
    SearchString,
    PositionalConstraint,
    FieldToMatch: { UriPath: {} },
    TextTransformations: [{ Priority: 0, Type: 'URL_DECODE' }],
  },
});
const inspection = [
  group('AWSManagedRulesKnownBadInputsRuleSet', 2),
  // Honest clients do these: loopback redirect URIs, long paging links, long forms, no User-Agent.
  group('AWSManagedRulesCommonRuleSet', 3, [
    'GenericRFI_QUERYARGUMENTS',
    'GenericRFI_BODY',
    'SizeRestrictions_QUERYSTRING',
    'SizeRestrictions_BODY',
    'NoUserAgent_HEADER',
  ]),
  {
    Name: 'LargeBodies',
    Priority: 4,
    Action: { Block: {} },
    Statement: {
      AndStatement: {
        Statements: [
          { LabelMatchStatement: { Scope: 'LABEL', Key: 'awswaf:managed:aws:core-rule-set:SizeRestrictions_Body' } },
          {
            NotStatement: {
              Statement: {
                OrStatement: {
                  Statements: [
                    path('ENDS_WITH', '/_search'),
                    path('ENDS_WITH', '/$export'),
                    path('CONTAINS', '/oauth2/'),
                  ],
                },
              },
            },
          },
        ],
      },
    },
    VisibilityConfig: visible('LargeBodies'),
  },
];
const originSecrets = ['1', '2'].map((number) => `{{resolve:secretsmanager:OriginSecret/Value${number}:SecretString}}`);
const shows = (secret: string) => ({
  ByteMatchStatement: {
    SearchString: secret,
    PositionalConstraint: 'EXACTLY',
    FieldToMatch: { SingleHeader: { Name: 'x-origin-verify' } },
    TextTransformations: [{ Priority: 0, Type: 'NONE' }],
  },
});
const directly = { NotStatement: { Statement: { OrStatement: { Statements: originSecrets.map(shows) } } } };
const onlyCloudFront = {
  Name: 'OnlyCloudFront',
  Priority: 0,
  Action: { Block: {} },
  Statement: directly,
  VisibilityConfig: visible('OnlyCloudFront'),
};

type Stage = 'plain' | 'edge' | 'both' | 'exchanges';

/** The secret by the name of its construct, if a rule compares with it. */
const named = <Value>(stage: Stage, value: Value): Value =>
  JSON.parse(
    JSON.stringify(value, (key, inner: unknown) => (key === 'SearchString' ? nameOf(templateOf(stage), inner) : inner)),
  ) as Value;

describe('the web ACL', () => {
  const acl = (stage: Stage, scope: 'REGIONAL' | 'CLOUDFRONT'): readonly [string, Acl] => {
    const acls = resourcesOf(templateOf(stage), 'AWS::WAFv2::WebACL');
    const [id, resource] = acls.find(([, { Properties }]) => Properties?.['Scope'] === scope) ?? [];
    if (id === undefined) throw new Error(`Stage ${stage} has no web ACL of scope ${scope}`);
    return [id, resource?.Properties as unknown as Acl];
  };

  it("is in front of the API's stage", () => {
    for (const stage of ['plain', 'edge'] as const) {
      const [id] = acl(stage, 'REGIONAL');
      const associations = resourcesOf(templateOf(stage), 'AWS::WAFv2::WebACLAssociation');

      expect(associations.map(([, { Properties }]) => Properties?.['WebACLArn'])).toEqual([
        { 'Fn::GetAtt': [id, 'Arn'] },
      ]);
      expect(nameOf(templateOf(stage), associations[0]?.[1].Properties?.['ResourceArn'])).toMatch(
        new RegExp(`:/restapis/Api/RestApi/stages/Api/RestApi/DeploymentStage\\.${stage}$`),
      );
    }
  });

  it.each([
    ['plain', 'REGIONAL', 'WebAcl', [rateLimit, reputation, ...inspection]],
    ['edge', 'REGIONAL', 'WebAcl', [onlyCloudFront, ...inspection]],
    // The web ACL that sees the caller's address limits addresses.
    ['edge', 'CLOUDFRONT', 'EdgeWebAcl', [rateLimit, reputation]],
  ] as const)(
    'the web ACL of stage %s and scope %s admits what no rule stops, and has these rules',
    (stage, scope, id, rules) => {
      const [, { DefaultAction, Rules, VisibilityConfig }] = acl(stage, scope);

      expect(DefaultAction).toEqual({ Allow: {} });
      expect(named(stage, Rules)).toEqual(rules);
      expect(VisibilityConfig).toEqual(visible(`p2p-gateway-${stage}-${id}`));
    },
  );

  it('is the only one if there is no edge', () => {
    expect(resourcesOf(templateOf('plain'), 'AWS::WAFv2::WebACL')).toHaveLength(1);
  });

  it.each([
    ['a search by form of 64 KB', '/r4/northwind/Observation/_search', 65_536],
    ['the same with its last segment encoded', '/r4/northwind/Observation/%5Fsearch', 65_536],
    ['a search by form behind the name of the stage', '/plain/r4/northwind/Patient/_search', 65_536],
    ['the start of an export with its parameters in 64 KB', '/r4/northwind/Patient/$export', 65_536],
    ['the same with its dollar sign encoded', '/r4/northwind/Patient/%24export', 65_536],
    ['a token request with a long assertion', '/oauth2/token', 20_000],
    ['a revocation with a long assertion', '/oauth2/revoke', 20_000],
    ['a consent form with a long state', '/oauth2/authorize/northwind', 9000],
    ['a read', '/r4/northwind/Patient', 0],
  ])('admits %s', (_, asked, bodyBytes) => {
    const [, { Rules }] = acl('plain', 'REGIONAL');
    expect(stoppedBy(Rules, { path: asked, bodyBytes })).toBeUndefined();
  });

  it('admits bodies of 64 KB at each path of the API document that takes one, those of exchanges where the stage has them', async () => {
    const { paths } = parse(await readFile('docs/openapi.yaml', 'utf8')) as { paths: Record<string, object> };
    const taking = Object.entries(paths)
      .filter(([, operations]) =>
        Object.values(operations).some((operation) => Object.hasOwn(operation, 'requestBody')),
      )
      .map(([template]) => template.replaceAll(/\{\w+\}/g, 'x'))
      // A member's own page sends three short fields.
      .filter((asked) => asked !== '/connections/x');
    expect(taking.length).toBeGreaterThan(3);
    const stoppedAt = (stage: Stage): string[] => {
      const [, { Rules }] = acl(stage, 'REGIONAL');
      return taking.filter((asked) => stoppedBy(Rules, { path: asked, bodyBytes: 65_536 }) !== undefined);
    };
    expect(stoppedAt('exchanges')).toEqual([]);
    expect(stoppedAt('plain')).toEqual(['/r4/x/Group/$bulk-member-match', '/r4/x/Group/x/$davinci-data-export']);
  });

  it.each(['/r4/northwind/Observation', '/r4/northwind', '/_search/x', '/'])(
    'blocks a body over 8 KB at %s, which expects none',
    (asked) => {
      const [, { Rules }] = acl('plain', 'REGIONAL');
      expect(stoppedBy(Rules, { path: asked, bodyBytes: 8193 })).toBe('LargeBodies');
      expect(stoppedBy(Rules, { path: asked, bodyBytes: 8192 })).toBeUndefined();
    },
  );

  it('admits a match of 4 MB with narratives where the stage has exchanges, and no such body anywhere else', () => {
    const match = { path: '/r4/northwind/Group/$bulk-member-match', bodyBytes: 4_194_304, hasMarkup: true };
    const stopped = (stage: Stage, asked: object = {}) =>
      stoppedBy(acl(stage, 'REGIONAL')[1].Rules, { ...match, ...asked });

    expect(stopped('exchanges')).toBeUndefined();
    expect(stopped('exchanges', { path: '/exchanges/r4/northwind/Group/%24bulk-member-match' })).toBeUndefined();
    for (const other of [
      '/r4/northwind/Group',
      '/r4/northwind/$bulk-member-match',
      '/r4/northwind/Group/$bulk-member-match/x',
    ]) {
      expect(stopped('exchanges', { path: other })).toBe('LargeBodies');
      expect(stopped('exchanges', { path: other, bodyBytes: 10 })).toBe('Markup');
    }
    expect(stopped('plain', { hasMarkup: false })).toBe('LargeBodies');
    expect(stopped('plain', { bodyBytes: 10 })).toBe('CrossSiteScripting_BODY');
  });

  it("the web ACL behind an edge admits only requests with the origin's secret", () => {
    const rules = named('edge', acl('edge', 'REGIONAL')[1].Rules);
    const asked = { path: '/r4/northwind/Patient' };
    expect(stoppedBy(rules, asked)).toBe('OnlyCloudFront');
    expect(stoppedBy(rules, { ...asked, headers: { 'x-origin-verify': 'guessed' } })).toBe('OnlyCloudFront');
    for (const secret of originSecrets) {
      expect(stoppedBy(rules, { ...asked, headers: { 'x-origin-verify': secret } })).toBeUndefined();
    }
  });

  it('with an edge for some callers, it admits all, and counts by address only those who came past CloudFront', () => {
    const rules = named('both', acl('both', 'REGIONAL')[1].Rules);
    expect(rules.map(({ Name }) => Name)).toEqual(
      named('plain', acl('plain', 'REGIONAL')[1].Rules).map(({ Name }) => Name),
    );
    expect(rules.find(({ Name }) => Name === 'RequestsPerAddress')?.Statement).toMatchObject({
      RateBasedStatement: { ScopeDownStatement: directly },
    });
  });

  it('answers an address over its limit with 429 and Retry-After, readable by OAuth and FHIR clients and by pages', () => {
    const [, { Rules, CustomResponseBodies }] = acl('plain', 'REGIONAL');

    const answer = Rules.find(({ Name }) => Name === 'RequestsPerAddress')?.Action?.Block.CustomResponse;
    expect(answer?.ResponseCode).toBe(429);
    const headers = Object.fromEntries(answer?.ResponseHeaders.map(({ Name, Value }) => [Name, Value]) ?? []);
    expect(headers).toMatchObject({
      'Retry-After': '60',
      'Access-Control-Allow-Origin': '*',
      'Cache-Control': 'no-store',
    });
    const body = CustomResponseBodies?.[answer?.CustomResponseBodyKey ?? ''];
    expect(body?.ContentType).toBe('APPLICATION_JSON');
    expect(JSON.parse(body?.Content ?? '')).toMatchObject({
      error: 'temporarily_unavailable',
      resourceType: 'OperationOutcome',
      issue: [{ code: 'throttled' }],
    });
  });

  it.each(['plain', 'edge'] as const)(
    "logs in stage %s only what it blocks, without path, query, credentials and the edge's secret",
    (stage) => {
      const logs = resourcesOf(templateOf(stage), 'AWS::WAFv2::LoggingConfiguration').map(
        ([, logging]) => logging.Properties,
      );

      expect(logs).toHaveLength(resourcesOf(templateOf(stage), 'AWS::WAFv2::WebACL').length);
      for (const log of logs) {
        expect(log).toMatchObject({
          RedactedFields: [
            { QueryString: {} },
            { UriPath: {} },
            { SingleHeader: { Name: 'authorization' } },
            { SingleHeader: { Name: 'cookie' } },
            { SingleHeader: { Name: 'referer' } },
            { SingleHeader: { Name: 'x-origin-verify' } },
          ],
          LoggingFilter: {
            DefaultBehavior: 'DROP',
            Filters: [{ Behavior: 'KEEP', Conditions: [{ ActionCondition: { Action: 'BLOCK' } }] }],
          },
        });
      }
    },
  );

  // "Redaction applies only to the component that's specified in the rule's FieldToMatch setting, so the SingleHeader redaction
  // doesn't apply to rules that use the Headers FieldToMatch", and no redaction covers a body
  // (https://docs.aws.amazon.com/waf/latest/APIReference/API_LoggingConfiguration.html). The types are all that there are:
  // https://docs.aws.amazon.com/waf/latest/APIReference/API_FieldToProtect.html
  it.each(['plain', 'edge'] as const)('stores nothing private of a request in the details of a match: %s', (stage) => {
    for (const [, { Properties = {} }] of resourcesOf(templateOf(stage), 'AWS::WAFv2::WebACL')) {
      const { DataProtections: given } = Properties['DataProtectionConfig'] as { DataProtections: unknown[] };
      const whole = ['QUERY_STRING', 'SINGLE_QUERY_ARGUMENT', 'SINGLE_COOKIE', 'BODY'].map((FieldType) => ({
        FieldType,
      }));
      const headers = {
        FieldType: 'SINGLE_HEADER',
        FieldKeys: ['authorization', 'cookie', 'referer', 'x-origin-verify'],
      };
      expect(given).toEqual([...whole, headers].map((Field) => ({ Field, Action: 'SUBSTITUTION' })));
    }
  });

  it("logs to groups with the prefix that WAF requires, encrypted, kept as long as the stage says, by an ARN without ':*'", () => {
    const groups = resourcesOf(templateOf('edge'), 'AWS::Logs::LogGroup').filter(([, { Properties }]) =>
      String(Properties?.['LogGroupName']).startsWith('aws-waf-logs-'),
    );
    const destinations = resourcesOf(templateOf('edge'), 'AWS::WAFv2::LoggingConfiguration').map(([, { Properties }]) =>
      JSON.stringify(Properties?.['LogDestinationConfigs']),
    );

    expect(groups).toHaveLength(2);
    for (const [id, { Properties }] of groups) {
      expect(Properties).toMatchObject({
        RetentionInDays: 90,
        KmsKeyId: { 'Fn::GetAtt': expect.any(Array) as unknown },
      });
      expect(destinations.filter((arn) => arn.includes(`{"Ref":"${id}"}`) && !arn.includes('*'))).toHaveLength(1);
    }
  });

  it('does not exist if the stage wants none', () => {
    const types = Object.values(templateOf('bare').Resources).map(({ Type }) => Type);

    expect(types.filter((type) => type.startsWith('AWS::WAFv2'))).toEqual([]);
  });
});
