import { resourcesOf, templateOf } from '../support/front-stack.ts';

interface Rule {
  readonly Name: string;
  readonly Action?: { readonly Block: { readonly CustomResponse: CustomResponse } };
  readonly Statement: {
    readonly RateBasedStatement?: object;
    readonly ManagedRuleGroupStatement?: {
      readonly RuleActionOverrides?: { readonly Name: string; ActionToUse: object }[];
    };
  };
  readonly VisibilityConfig: { readonly SampledRequestsEnabled: boolean };
}

interface CustomResponse {
  readonly ResponseCode: number;
  readonly CustomResponseBodyKey: string;
  readonly ResponseHeaders: { readonly Name: string; readonly Value: string }[];
}

interface Acl {
  readonly Scope: string;
  readonly Rules: Rule[];
  readonly CustomResponseBodies?: Record<string, { readonly Content: string; readonly ContentType: string }>;
}

const managed = [
  'AWSManagedRulesAmazonIpReputationList',
  'AWSManagedRulesCommonRuleSet',
  'AWSManagedRulesKnownBadInputsRuleSet',
];

describe('the web ACL', () => {
  const acl = (stage: 'plain' | 'edge', scope: 'REGIONAL' | 'CLOUDFRONT'): readonly [string, Acl] => {
    const acls = resourcesOf(templateOf(stage), 'AWS::WAFv2::WebACL');
    const [id, resource] = acls.find(([, { Properties }]) => Properties?.['Scope'] === scope) ?? [];
    if (id === undefined) throw new Error(`Stage ${stage} has no web ACL of scope ${scope}`);
    return [id, resource?.Properties as unknown as Acl];
  };
  const ruleNames = ([, { Rules }]: readonly [string, Acl]): string[] => Rules.map(({ Name }) => Name).sort();

  it("stands before the API's stage", () => {
    const [id] = acl('plain', 'REGIONAL');
    const [association] = resourcesOf(templateOf('plain'), 'AWS::WAFv2::WebACLAssociation');

    expect(association?.[1].Properties?.['WebACLArn']).toEqual({ 'Fn::GetAtt': [id, 'Arn'] });
    expect(JSON.stringify(association?.[1].Properties?.['ResourceArn'])).toContain('/stages/');
  });

  it("has AWS's rules and the limit for each address in one place without an edge", () => {
    expect(resourcesOf(templateOf('plain'), 'AWS::WAFv2::WebACL')).toHaveLength(1);
    expect(ruleNames(acl('plain', 'REGIONAL'))).toEqual([...managed, 'RequestsPerAddress']);
  });

  it("limits each address at the edge where there is one, since the API sees CloudFront's addresses only", () => {
    expect(ruleNames(acl('edge', 'CLOUDFRONT'))).toEqual(['RequestsPerAddress']);
    expect(ruleNames(acl('edge', 'REGIONAL'))).toEqual(managed);
  });

  it('only counts what honest clients do: loopback redirect URIs, long paging links, no User-Agent', () => {
    const [, { Rules }] = acl('plain', 'REGIONAL');

    const overrides = Rules.flatMap(({ Statement }) => Statement.ManagedRuleGroupStatement?.RuleActionOverrides ?? []);
    expect(overrides.map(({ Name }) => Name).sort()).toEqual([
      'GenericRFI_BODY',
      'GenericRFI_QUERYARGUMENTS',
      'NoUserAgent_HEADER',
      'SizeRestrictions_QUERYSTRING',
    ]);
    for (const { ActionToUse } of overrides) expect(ActionToUse).toEqual({ Count: {} });
  });

  it("counts an address's requests over 5 minutes, up to what the stage allows", () => {
    const [, { Rules }] = acl('plain', 'REGIONAL');

    const rate = Rules.find(({ Name }) => Name === 'RequestsPerAddress')?.Statement.RateBasedStatement;
    expect(rate).toEqual({ Limit: 20_000, AggregateKeyType: 'IP', EvaluationWindowSec: 300 });
  });

  it('answers an address over its limit 429 with Retry-After, readable by OAuth and FHIR clients and by pages', () => {
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
    'logs in stage %s only what it blocks, without path, query and credentials',
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
          ],
          LoggingFilter: {
            DefaultBehavior: 'DROP',
            Filters: [{ Behavior: 'KEEP', Conditions: [{ ActionCondition: { Action: 'BLOCK' } }] }],
          },
        });
      }
    },
  );

  it("logs to groups with the prefix that WAF asks for, encrypted, kept as long as the stage says, by an ARN without ':*'", () => {
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

  it('keeps no sample of a request', () => {
    const everything = [acl('plain', 'REGIONAL'), acl('edge', 'REGIONAL'), acl('edge', 'CLOUDFRONT')];

    expect(JSON.stringify(everything)).not.toContain('"SampledRequestsEnabled":true');
  });

  it('is not there where the stage wants none', () => {
    const types = Object.values(templateOf('bare').Resources).map(({ Type }) => Type);

    expect(types.filter((type) => type.startsWith('AWS::WAFv2'))).toEqual([]);
  });
});
