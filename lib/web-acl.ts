import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnLoggingConfiguration, CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import type { StageConfig } from '../config/stage.ts';
import { tooManyFromAddress } from './gateway-responses.ts';
import { logGroup, logGroupArn } from './log-group.ts';
import { originHeader } from './origin-secret.ts';

export interface GatewayWebAclProps {
  readonly config: StageConfig;
  /** Encrypts the log. */
  readonly key: IKey;
  /** What it protects: an API, or a CloudFront distribution (which AWS supports in us-east-1 only). */
  readonly scope: 'REGIONAL' | 'CLOUDFRONT';
  /** Whether it uses AWS's list of known bad addresses, which is useful only where it sees the caller's address. */
  readonly reputation: boolean;
  /** Whether AWS's rules inspect each request. */
  readonly inspection: boolean;
  /**
   * Values of {@link originHeader}, one of which a request must have; with a limit, requests that have one do not count
   * toward it instead, since their address is CloudFront's.
   * @default any request is accepted
   */
  readonly originSecrets?: readonly string[] | undefined;
  /**
   * Requests that one address may send in 5 minutes.
   * @default any number
   */
  readonly requestsPer5Minutes?: number | undefined;
}

type Rule = CfnWebACL.RuleProperty;

const visible = (metricName: string): CfnWebACL.VisibilityConfigProperty => ({
  metricName,
  cloudWatchMetricsEnabled: true,
  // Samples contain whole requests, with queries and headers.
  sampledRequestsEnabled: false,
});

/**
 * Rules of AWS's common set that only count and do not block, because honest clients trigger them: an app on the
 * member's own machine has `http://127.0.0.1:{port}/…` as its redirect URI (RFC 8252 §7.3), which is in the query of
 * authorize and in the forms of consent and token; FHIR servers' paging links have queries over 2 KB; some libraries
 * send no `User-Agent`; and long forms have a rule of our own.
 */
const counted = [
  'GenericRFI_QUERYARGUMENTS',
  'GenericRFI_BODY',
  'SizeRestrictions_QUERYSTRING',
  'SizeRestrictions_BODY',
  'NoUserAgent_HEADER',
];

const asCount = (name: string): CfnWebACL.RuleActionOverrideProperty => ({ name, actionToUse: { count: {} } });

const managed = (name: string, priority: number, countedRules: readonly string[] = []): Rule => ({
  name,
  priority,
  overrideAction: { none: {} },
  statement: {
    managedRuleGroupStatement: {
      vendorName: 'AWS',
      name,
      ...(countedRules.length === 0 ? {} : { ruleActionOverrides: countedRules.map(asCount) }),
    },
  },
  visibilityConfig: visible(name),
});

type Statement = CfnWebACL.StatementProperty;

/** Matches the end of a path, or any part of it: without a domain, the path starts with the API's stage. */
const pathHas = (positionalConstraint: 'CONTAINS' | 'ENDS_WITH', searchString: string): Statement => ({
  byteMatchStatement: {
    searchString,
    positionalConstraint,
    fieldToMatch: { uriPath: {} },
    textTransformations: [{ priority: 0, type: 'URL_DECODE' }],
  },
});

const matchPath = pathHas('ENDS_WITH', '/Group/$bulk-member-match');
const groupExportPath = pathHas('ENDS_WITH', '/$davinci-data-export');

/** WAF requires at least two statements in an OR. */
const anyOf = (statements: readonly [Statement, ...Statement[]]): Statement =>
  statements.length === 1 ? statements[0] : { orStatement: { statements: [...statements] } };

/** Blocks what a rule of AWS's common set has found, but not at these paths. */
const exceptAt = (
  name: string,
  priority: number,
  label: string,
  paths: readonly [Statement, ...Statement[]],
): Rule => ({
  name,
  priority,
  action: { block: {} },
  statement: {
    andStatement: {
      statements: [
        { labelMatchStatement: { scope: 'LABEL', key: `awswaf:managed:aws:core-rule-set:${label}` } },
        { notStatement: { statement: anyOf(paths) } },
      ],
    },
  },
  visibilityConfig: visible(name),
});

type Protected = Pick<StageConfig, 'exchanges'>;

/**
 * AWS's rule blocks bodies over 8 KB. A search by form and the start of an export may have 64 KB, that of a Group's too where the
 * stage has exchanges, and there the match 4 MB, which their functions enforce; a token request may have a long assertion. No other path takes a body,
 * so the rule still applies there.
 * https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html
 */
const largeBodies = ({ exchanges }: Protected): Rule =>
  exceptAt('LargeBodies', 4, 'SizeRestrictions_Body', [
    pathHas('ENDS_WITH', '/_search'),
    pathHas('ENDS_WITH', '/$export'),
    ...(exchanges === undefined ? [] : [matchPath, groupExportPath]),
    pathHas('CONTAINS', '/oauth2/'),
  ]);

/** AWS's rule takes the XHTML of a resource's narrative (`<div xmlns=…>`) for an attack; a match is asked with resources. */
const markup = exceptAt('Markup', 5, 'CrossSiteScripting_Body', [matchPath]);

const reputationRules: readonly Rule[] = [managed('AWSManagedRulesAmazonIpReputationList', 1)];
const inspectionRules = (config: Protected): readonly Rule[] => [
  managed('AWSManagedRulesKnownBadInputsRuleSet', 2),
  managed('AWSManagedRulesCommonRuleSet', 3, [
    ...counted,
    ...(config.exchanges === undefined ? [] : ['CrossSiteScripting_BODY']),
  ]),
  largeBodies(config),
  ...(config.exchanges === undefined ? [] : [markup]),
];

const shows = (searchString: string): Statement => ({
  byteMatchStatement: {
    searchString,
    positionalConstraint: 'EXACTLY',
    fieldToMatch: { singleHeader: { Name: originHeader } },
    textTransformations: [{ priority: 0, type: 'NONE' }],
  },
});

/** Matches requests that did not come through CloudFront. */
const directly = (secrets: readonly string[]): Statement => ({
  notStatement: { statement: { orStatement: { statements: secrets.map(shows) } } },
});

/** Blocks callers who use API Gateway's own name for the domain, which bypasses CloudFront and its web ACL. */
const onlyCloudFront = (secrets: readonly string[]): Rule => ({
  name: 'OnlyCloudFront',
  priority: 0,
  action: { block: {} },
  statement: directly(secrets),
  visibilityConfig: visible('OnlyCloudFront'),
});

/**
 * Runs first, so that requests over the limit cost no further rule. The answer is 429, not 403: a client that waits
 * gets through.
 */
const rateRule = (limit: number, secrets: readonly string[] | undefined): Rule => ({
  name: 'RequestsPerAddress',
  priority: 0,
  action: {
    block: {
      customResponse: {
        responseCode: tooManyFromAddress.status,
        responseHeaders: Object.entries(tooManyFromAddress.headers).map(([name, value]) => ({ name, value })),
        customResponseBodyKey: 'tooMany',
      },
    },
  },
  statement: {
    rateBasedStatement: {
      limit,
      aggregateKeyType: 'IP',
      evaluationWindowSec: 300,
      ...(secrets === undefined ? {} : { scopeDownStatement: directly(secrets) }),
    },
  },
  visibilityConfig: visible('RequestsPerAddress'),
});

/** Headers that can identify a member or grant access; `Referer` can hold another page's query. */
const privateHeaders = ['authorization', 'cookie', 'referer', originHeader];

/**
 * Fields that can identify a member or grant access are omitted from the log. A rule that looks at all headers, cookies or
 * arguments at once would still log what it matched: hence {@link protectedFields}, which in turn has no path.
 */
const redacted: CfnLoggingConfiguration.FieldToMatchProperty[] = [
  { queryString: {} },
  { uriPath: {} },
  ...privateHeaders.map((name) => ({ singleHeader: { Name: name } })),
];

/**
 * What WAF replaces in all that it stores of a request, the details of a match included
 * (https://docs.aws.amazon.com/waf/latest/APIReference/API_DataProtection.html).
 */
const protectedFields: CfnWebACL.DataProtectProperty[] = [
  { fieldType: 'QUERY_STRING' },
  { fieldType: 'SINGLE_QUERY_ARGUMENT' },
  { fieldType: 'SINGLE_COOKIE' },
  { fieldType: 'BODY' },
  { fieldType: 'SINGLE_HEADER', fieldKeys: privateHeaders },
].map((field) => ({ field, action: 'SUBSTITUTION' }));

/** A web ACL that logs only the requests that it blocks. */
export class GatewayWebAcl extends Construct {
  /** For what it protects. */
  readonly arn: string;
  /** The web ACL itself, for what must be changed before or after it. */
  readonly acl: CfnWebACL;

  constructor(scope: Construct, id: string, props: GatewayWebAclProps) {
    super(scope, id);
    const { requestsPer5Minutes: limit, originSecrets: secrets } = props;
    this.acl = new CfnWebACL(this, 'Acl', {
      scope: props.scope,
      defaultAction: { allow: {} },
      rules: [
        ...(secrets === undefined || limit !== undefined ? [] : [onlyCloudFront(secrets)]),
        ...(limit === undefined ? [] : [rateRule(limit, secrets)]),
        ...(props.reputation ? reputationRules : []),
        ...(props.inspection ? inspectionRules(props.config) : []),
      ],
      ...(limit === undefined
        ? {}
        : { customResponseBodies: { tooMany: { contentType: 'APPLICATION_JSON', content: tooManyFromAddress.body } } }),
      dataProtectionConfig: { dataProtections: protectedFields },
      visibilityConfig: visible(`p2p-gateway-${props.config.stage}-${id}`),
    });
    this.arn = this.acl.attrArn;
    this.log(id, props);
  }

  /** Puts the ACL in front of a stage of an API. */
  protect(stageArn: string): void {
    new CfnWebACLAssociation(this, 'Association', { resourceArn: stageArn, webAclArn: this.arn });
  }

  private log(id: string, { config, key }: GatewayWebAclProps): void {
    // WAF writes only to log groups whose name has this prefix.
    const name = `aws-waf-logs-p2p-gateway-${config.stage}-${id}`;
    const logs = logGroup(this, 'Logs', { config, key, name });
    new CfnLoggingConfiguration(this, 'Logging', {
      resourceArn: this.arn,
      logDestinationConfigs: [logGroupArn(logs)],
      redactedFields: redacted,
      loggingFilter: {
        DefaultBehavior: 'DROP',
        Filters: [
          { Behavior: 'KEEP', Requirement: 'MEETS_ANY', Conditions: [{ ActionCondition: { Action: 'BLOCK' } }] },
        ],
      },
    });
  }
}
