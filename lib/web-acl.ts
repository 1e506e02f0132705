import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnLoggingConfiguration, CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import type { StageConfig } from '../config/stage.ts';
import { logGroup, logGroupArn } from './log-group.ts';
import { tooManyFromAddress } from './gateway-responses.ts';

export interface GatewayWebAclProps {
  readonly config: StageConfig;
  readonly key: IKey;
  /** Where it stands: in front of an API, or of a CloudFront distribution (which AWS takes in us-east-1 only). */
  readonly scope: 'REGIONAL' | 'CLOUDFRONT';
  /** Whether AWS's rules look at each request. */
  readonly managedRules: boolean;
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
 * libraries send no `User-Agent`.
 */
const counted = ['GenericRFI_QUERYARGUMENTS', 'GenericRFI_BODY', 'SizeRestrictions_QUERYSTRING', 'NoUserAgent_HEADER'];

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

const managedRules: readonly Rule[] = [
  managed('AWSManagedRulesAmazonIpReputationList', 1),
  managed('AWSManagedRulesKnownBadInputsRuleSet', 2),
  managed('AWSManagedRulesCommonRuleSet', 3, counted),
];

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
  ...['authorization', 'cookie', 'referer'].map((name) => ({ singleHeader: { Name: name } })),
];

/** A web ACL that logs the requests that it blocks, and those only. */
export class GatewayWebAcl extends Construct {
  readonly arn: string;

  constructor(scope: Construct, id: string, props: GatewayWebAclProps) {
    super(scope, id);
    const { requestsPer5Minutes: limit } = props;
    const acl = new CfnWebACL(this, 'Acl', {
      scope: props.scope,
      defaultAction: { allow: {} },
      rules: [...(limit === undefined ? [] : [rateRule(limit)]), ...(props.managedRules ? managedRules : [])],
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
