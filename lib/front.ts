import { CfnOutput, Validations, type Stack } from 'aws-cdk-lib';
import type { IDistribution } from 'aws-cdk-lib/aws-cloudfront';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { CloudFrontTarget } from 'aws-cdk-lib/aws-route53-targets';
import type { IConstruct } from 'constructs';
import type { Domain, StageConfig } from '../config/stage.ts';
import type { GatewayApi } from './api.ts';
import { addAliasRecords, GatewayDomain } from './domain.ts';
import { GatewayEdge } from './edge.ts';
import { existingWebAcl } from './existing.ts';
import type { GatewayFunction } from './gateway-function.ts';
import { OriginSecret } from './origin-secret.ts';
import { GatewayWebAcl } from './web-acl.ts';

export interface FrontProps {
  readonly config: StageConfig;
  readonly key: IKey;
  readonly api: GatewayApi;
  /** The functions that answer requests. */
  readonly request: readonly GatewayFunction[];
}

export interface Front {
  /** The DNS records, and the CloudFront distribution if there is one, that route callers to the API. */
  readonly leading: readonly IConstruct[];
  /** CloudFront, in a stage with an edge. */
  readonly distribution?: IDistribution;
}

interface EdgeParts {
  readonly webAclArn?: string | undefined;
  readonly originSecret?: OriginSecret | undefined;
}

/** In this template, the edge's distribution, if there is one, and the DNS records lead callers to the API. */
const addDomain = (stack: Stack, { config, key, api }: FrontProps, domain: Domain, parts: EdgeParts): Front => {
  const named = new GatewayDomain(stack, 'Domain', { domain, restApi: api.restApi });
  const { regionalName } = named;
  const edge =
    config.edge === false ? undefined : new GatewayEdge(stack, 'Edge', { config, key, domain, regionalName, ...parts });
  const target = edge === undefined ? named.aliasTarget : new CloudFrontTarget(edge.distribution);
  const records = addAliasRecords(named, domain, target);
  if (domain.hostedZone === undefined) {
    new CfnOutput(stack, 'DomainTarget', {
      value: edge?.distribution.distributionDomainName ?? regionalName,
      description: `What the DNS name ${domain.name} has to point at, as a CNAME or alias`,
    });
  }
  if (edge === undefined) return { leading: records };
  const { distribution } = edge;
  return { leading: [distribution, ...records], distribution };
};

/** The web ACL at CloudFront, which has the rules about addresses. */
const addEdgeWebAcl = (stack: Stack, { config, key }: FrontProps): string | undefined => {
  if (config.edge === false || config.waf === 'none') return undefined;
  const { requestsPer5Minutes } = config.waf;
  const own = (): GatewayWebAcl =>
    new GatewayWebAcl(stack, 'EdgeWebAcl', {
      config,
      key,
      scope: 'CLOUDFRONT',
      reputation: true,
      inspection: false,
      requestsPer5Minutes,
    });
  return (existingWebAcl(stack, config) ?? own()).arn;
};

/** The web ACL at the API; undefined if it is the account's own. */
const addApiWebAcl = (
  stack: Stack,
  { config, key, api }: FrontProps,
  originSecrets: readonly string[] | undefined,
): GatewayWebAcl | undefined => {
  if (config.waf === 'none') return undefined;
  const existing = config.edge === false ? existingWebAcl(stack, config) : undefined;
  if (existing !== undefined) {
    existing.protect(api.stageArn);
    return undefined;
  }
  const { requestsPer5Minutes } = config.waf;
  // Behind an edge it sees only CloudFront's addresses.
  const aboutAddresses = config.edge === true ? { reputation: false } : { reputation: true, requestsPer5Minutes };
  const common = { config, key, scope: 'REGIONAL', inspection: true } as const;
  const acl = new GatewayWebAcl(stack, 'WebAcl', { ...common, ...aboutAddresses, originSecrets });
  acl.protect(api.stageArn);
  return acl;
};

/**
 * CloudFormation changes resources in any order, unless one depends on another. So the web ACL requires CloudFront's secret
 * only after CloudFront sends it and callers are led there, and functions trust CloudFront's headers only after that. In
 * the other direction they cease to trust them first.
 */
const orderChanges = (acl: GatewayWebAcl, { config, request }: FrontProps, leading: readonly IConstruct[]): void => {
  const functions = request.map(({ lambda }) => lambda.node.defaultChild as CfnFunction);
  if (config.edge !== true) return acl.acl.node.addDependency(...functions);
  acl.acl.node.addDependency(...leading);
  for (const each of functions) each.node.addDependency(acl.acl);
};

/**
 * Adds what is between the internet and the API: web ACLs, the domain and its records, and CloudFront. They are
 * directly in the stack: in a construct of their own they would get other logical ids, and an update would replace
 * them.
 *
 * Behind an edge the API accepts requests from the edge only, and the rules about addresses are at the edge. With
 * `edge: 'both'` it accepts requests from everywhere, which is how an edge is added to a stage that has members and taken
 * from it.
 */
export const addFront = (stack: Stack, props: FrontProps): Front => {
  const { config } = props;
  const isWithoutAcl = config.waf === 'none';
  if (isWithoutAcl) {
    const reason = config.wafOffReason ?? 'The stage asks for no web ACL, and it is not for production.';
    const ids = ['AwsSolutions-APIG3', 'AwsSolutions-CFR2'];
    Validations.of(stack).acknowledge(...ids.map((id) => ({ id, reason })));
  }
  // Without a web ACL, nothing at the API would check it.
  const originSecret =
    config.edge === false || isWithoutAcl ? undefined : new OriginSecret(stack, 'OriginSecret', props);
  const webAclArn = addEdgeWebAcl(stack, props);
  const front =
    config.domain === undefined ? { leading: [] } : addDomain(stack, props, config.domain, { webAclArn, originSecret });
  const acl = addApiWebAcl(stack, props, originSecret?.accepted);
  if (acl !== undefined) orderChanges(acl, props, front.leading);
  return front;
};
