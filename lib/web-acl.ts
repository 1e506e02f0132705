import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnLoggingConfiguration, CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import type { StageConfig } from '../config/stage.ts';
import { tooManyFromAddress } from './gateway-responses.ts';
import { logGroup, logGroupArn } from './log-group.ts';
import { originHeader } from './origin-secret.ts';

export interface GatewayWebAclProps {
  readonly config: StageConfig;
  readonly key: IKey;
  /** Where it stands: in front of an API, or of a CloudFront distribution (which AWS takes in us-east-1 only). */
  readonly scope: 'REGIONAL' | 'CLOUDFRONT';
  /** Whether it asks AWS's list of addresses: only where it sees the caller's. */
  readonly reputation: boolean;
  /** Whether AWS's rules look into each request. */
  readonly inspection: boolean;
  /** Values of {@link originHeader}, one of which a request must have; left out, any request may come. */
  readonly originSecrets?: readonly string[] | undefined;
  /** Requests that one address may send in 5 minutes; left out, any number. */
  readonly requestsPer5Minutes?: number | undefined;
}

type Rule = CfnWebACL.RuleProperty;

const visible = (metricName: string): CfnWebACL.VisibilityConfigProperty => ({
  metricName,
  cloudWatchMetricsEnabled: true,
  // Samples hold whole requests, with their queries and headers.
  sampledRequestsEnabled: false,
});

/**
 * Rules of the common set that count and do not block, since honest clients do what they look for:
 * an app on the member's own machine has `http://127.0.0.1:{port}/…` as redirect URI (RFC 8252 §7.3), which stands in the
 * query of authorize and in the form of consent and token; paging links of FHIR servers carry queries over 2 KB; some
 * libraries send no `User-Agent`; and forms may be long, for which there is a rule of our own.
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

/** A path of ours ends so, or has it inside; an API without a domain has its stage in front. */
const pathHas = (positionalConstraint: 'CONTAINS' | 'ENDS_WITH', searchString: string): Statement => ({
  byteMatchStatement: {
    searchString,
    positionalConstraint,
    fieldToMatch: { uriPath: {} },
    textTransformations: [{ priority: 0, type: 'URL_DECODE' }],
  },
});

/**
 * AWS's rule stops bodies over 8 KB. A search by form may have 64 KB, as its function says, and a token request a long
 * assertion; nothing else of ours takes a body, so elsewhere the rule stands.
 * https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html
 */
const largeBodies: Rule = {
  name: 'LargeBodies',
  priority: 4,
  action: { block: {} },
  statement: {
    andStatement: {
      statements: [
        { labelMatchStatement: { scope: 'LABEL', key: 'awswaf:managed:aws:core-rule-set:SizeRestrictions_Body' } },
        {
          notStatement: {
            statement: {
              orStatement: { statements: [pathHas('ENDS_WITH', '/_search'), pathHas('CONTAINS', '/oauth2/')] },
            },
          },
        },
      ],
    },
  },
  visibilityConfig: visible('LargeBodies'),
};

const reputationRules: readonly Rule[] = [managed('AWSManagedRulesAmazonIpReputationList', 1)];
const inspectionRules: readonly Rule[] = [
  managed('AWSManagedRulesKnownBadInputsRuleSet', 2),
  managed('AWSManagedRulesCommonRuleSet', 3, counted),
  largeBodies,
];

const shows = (searchString: string): Statement => ({
  byteMatchStatement: {
    searchString,
    positionalConstraint: 'EXACTLY',
    fieldToMatch: { singleHeader: { Name: originHeader } },
    textTransformations: [{ priority: 0, type: 'NONE' }],
  },
});

/** Stops whoever calls API Gateway's own name for the domain, and so walks past CloudFront and its web ACL. */
const onlyCloudFront = (secrets: readonly string[]): Rule => {
  const statements = secrets.map(shows);
  const [only, ...others] = statements;
  return {
    name: 'OnlyCloudFront',
    priority: 0,
    action: { block: {} },
    statement: { notStatement: { statement: others.length > 0 ? { orStatement: { statements } } : (only ?? {}) } },
    visibilityConfig: visible('OnlyCloudFront'),
  };
};

/** Before the others: whoever is over the limit costs nothing more. It is 429, not 403: a client that waits gets through. */
const rateRule = (limit: number): Rule => ({
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
  statement: { rateBasedStatement: { limit, aggregateKeyType: 'IP', evaluationWindowSec: 300 } },
  visibilityConfig: visible('RequestsPerAddress'),
});

/** What could name a member, sign in or read is left out of the log; `Referer` can hold another page's query. */
const redacted: CfnLoggingConfiguration.FieldToMatchProperty[] = [
  { queryString: {} },
  { uriPath: {} },
  ...['authorization', 'cookie', 'referer', originHeader].map((name) => ({ singleHeader: { Name: name } })),
];

/** A web ACL that logs the requests that it blocks, and those only. */
export class GatewayWebAcl extends Construct {
  readonly arn: string;

  constructor(scope: Construct, id: string, props: GatewayWebAclProps) {
    super(scope, id);
    const { requestsPer5Minutes: limit, originSecrets: secrets } = props;
    const acl = new CfnWebACL(this, 'Acl', {
      scope: props.scope,
      defaultAction: { allow: {} },
      rules: [
        ...(secrets === undefined ? [] : [onlyCloudFront(secrets)]),
        ...(limit === undefined ? [] : [rateRule(limit)]),
        ...(props.reputation ? reputationRules : []),
        ...(props.inspection ? inspectionRules : []),
      ],
      ...(limit === undefined
        ? {}
        : { customResponseBodies: { tooMany: { contentType: 'APPLICATION_JSON', content: tooManyFromAddress.body } } }),
      visibilityConfig: visible(`p2p-gateway-${props.config.stage}-${id}`),
    });
    this.arn = acl.attrArn;
    this.log(id, props);
  }

  /** Lets the ACL see what comes to a stage of an API. */
  protect(stageArn: string): void {
    new CfnWebACLAssociation(this, 'Association', { resourceArn: stageArn, webAclArn: this.arn });
  }

  private log(id: string, { config, key }: GatewayWebAclProps): void {
    // WAF writes only to names with this prefix.
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
