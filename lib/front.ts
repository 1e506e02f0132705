import { CfnOutput, Validations, type Stack } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CloudFrontTarget } from 'aws-cdk-lib/aws-route53-targets';
import type { Domain, StageConfig } from '../config/stage.ts';
import type { GatewayApi } from './api.ts';
import { addAliasRecords, GatewayDomain } from './domain.ts';
import { GatewayEdge } from './edge.ts';
import { existingWebAcl } from './existing.ts';
import { OriginSecret } from './origin-secret.ts';
import { GatewayWebAcl } from './web-acl.ts';

export interface FrontProps {
  readonly config: StageConfig;
  readonly key: IKey;
  readonly api: GatewayApi;
}

/**
 * Behind an edge the API sees only CloudFront's addresses. So the rules about addresses are at the edge, and the API
 * accepts requests from the edge only. The rules that inspect requests stay at the API.
 */
const addWebAcls = (
  stack: Stack,
  { config, key, api }: FrontProps,
  originSecret: OriginSecret | undefined,
): { readonly edgeArn?: string } => {
  if (config.waf === 'none') {
    const reason = config.wafOffReason ?? 'The stage asks for no web ACL, and it is not for production.';
    const ids = ['AwsSolutions-APIG3', 'AwsSolutions-CFR2'];
    Validations.of(stack).acknowledge(...ids.map((id) => ({ id, reason })));
    return {};
  }
  const { requestsPer5Minutes } = config.waf;
  const common = { config, key };
  const existing = existingWebAcl(stack, config);
  const aboutAddresses = { reputation: true, requestsPer5Minutes };
  if (!config.edge) {
    const own = (): GatewayWebAcl =>
      new GatewayWebAcl(stack, 'WebAcl', { ...common, ...aboutAddresses, scope: 'REGIONAL', inspection: true });
    (existing ?? own()).protect(api.stageArn);
    return {};
  }
  new GatewayWebAcl(stack, 'WebAcl', {
    ...common,
    scope: 'REGIONAL',
    reputation: false,
    inspection: true,
    originSecrets: originSecret?.accepted,
  }).protect(api.stageArn);
  const own = (): GatewayWebAcl =>
    new GatewayWebAcl(stack, 'EdgeWebAcl', { ...common, ...aboutAddresses, scope: 'CLOUDFRONT', inspection: false });
  return { edgeArn: (existing ?? own()).arn };
};

interface EdgeParts {
  readonly webAclArn?: string | undefined;
  readonly originSecret?: OriginSecret | undefined;
}

const addDomain = (stack: Stack, { config, key, api }: FrontProps, domain: Domain, parts: EdgeParts): void => {
  const named = new GatewayDomain(stack, 'Domain', { domain, restApi: api.restApi });
  const { regionalName } = named;
  const edge = config.edge
    ? new GatewayEdge(stack, 'Edge', { config, key, domain, regionalName, ...parts })
    : undefined;
  addAliasRecords(named, domain, edge === undefined ? named.aliasTarget : new CloudFrontTarget(edge.distribution));
  if (domain.hostedZone !== undefined) return;
  new CfnOutput(stack, 'DomainTarget', {
    value: edge?.distribution.distributionDomainName ?? regionalName,
    description: `What the DNS name ${domain.name} has to point at, as a CNAME or alias`,
  });
};

/**
 * Adds what is between the internet and the API: web ACLs, the domain and its records, and CloudFront. They are
 * directly in the stack: in a construct of their own they would get other logical ids, and an update would replace
 * them.
 */
export const addFront = (stack: Stack, props: FrontProps): void => {
  const { config } = props;
  // Without a web ACL, nothing at the API would check it.
  const originSecret =
    config.edge && config.waf !== 'none' ? new OriginSecret(stack, 'OriginSecret', props) : undefined;
  const { edgeArn } = addWebAcls(stack, props, originSecret);
  if (config.domain !== undefined) addDomain(stack, props, config.domain, { webAclArn: edgeArn, originSecret });
};
