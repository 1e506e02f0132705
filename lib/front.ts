import { CfnOutput, type Stack, Validations } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CloudFrontTarget } from 'aws-cdk-lib/aws-route53-targets';
import type { Domain, StageConfig } from '../config/stage.ts';
import type { GatewayApi } from './api.ts';
import { GatewayDomain, addAliasRecords } from './domain.ts';
import { GatewayEdge } from './edge.ts';
import { GatewayWebAcl } from './web-acl.ts';

export interface FrontProps {
  readonly config: StageConfig;
  readonly key: IKey;
  readonly api: GatewayApi;
}

/**
 * With an edge the API sees CloudFront's addresses only, so the limit for each address stands at the edge. The rules of
 * AWS's stay at the API: who calls API Gateway's own name for the domain walks past CloudFront, and past that limit, but
 * neither past them nor past the stage's throttling.
 */
const addWebAcls = (stack: Stack, { config, key, api }: FrontProps): { readonly edgeArn?: string } => {
  if (config.waf === 'none') {
    const reason = config.wafOffReason ?? 'The stage asks for no web ACL, and is none for production.';
    const ids = ['AwsSolutions-APIG3', 'AwsSolutions-CFR2'];
    Validations.of(stack).acknowledge(...ids.map((id) => ({ id, reason })));
    return {};
  }
  const { requestsPer5Minutes } = config.waf;
  const common = { config, key };
  new GatewayWebAcl(stack, 'WebAcl', {
    ...common,
    scope: 'REGIONAL',
    managedRules: true,
    requestsPer5Minutes: config.edge ? undefined : requestsPer5Minutes,
  }).protect(api.stageArn);
  if (!config.edge) return {};
  const edge = new GatewayWebAcl(stack, 'EdgeWebAcl', {
    ...common,
    scope: 'CLOUDFRONT',
    managedRules: false,
    requestsPer5Minutes,
  });
  return { edgeArn: edge.arn };
};

const addDomain = (stack: Stack, { config, key, api }: FrontProps, domain: Domain, edgeArn?: string): void => {
  const named = new GatewayDomain(stack, 'Domain', { domain, restApi: api.restApi });
  const { regionalName } = named;
  const edge = config.edge
    ? new GatewayEdge(stack, 'Edge', { config, key, domain, regionalName, webAclArn: edgeArn })
    : undefined;
  addAliasRecords(named, domain, edge === undefined ? named.aliasTarget : new CloudFrontTarget(edge.distribution));
  if (domain.hostedZone !== undefined) return;
  new CfnOutput(stack, 'DomainTarget', {
    value: edge?.distribution.distributionDomainName ?? regionalName,
    description: `What the DNS name ${domain.name} has to point at, as a CNAME or alias`,
  });
};

/** What stands between the internet and the API: web ACLs, the domain and its records, and CloudFront. */
export const addFront = (stack: Stack, props: FrontProps): void => {
  const { edgeArn } = addWebAcls(stack, props);
  if (props.config.domain !== undefined) addDomain(stack, props, props.config.domain, edgeArn);
};
