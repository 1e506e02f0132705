import {
  BasePathMapping,
  DomainName,
  EndpointType,
  SecurityPolicy,
  type CfnDomainName,
  type RestApi,
} from 'aws-cdk-lib/aws-apigateway';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { AaaaRecord, ARecord, HostedZone, RecordTarget, type IAliasRecordTarget } from 'aws-cdk-lib/aws-route53';
import { ApiGatewayDomain } from 'aws-cdk-lib/aws-route53-targets';
import { Construct, type IConstruct } from 'constructs';
import type { Domain } from '../config/stage.ts';

export interface GatewayDomainProps {
  readonly domain: Domain;
  readonly restApi: RestApi;
}

/** The API's regional custom domain. Its root is the API's stage, so paths have no prefix. */
export class GatewayDomain extends Construct {
  /** API Gateway's own name for the domain: what a CNAME or CloudFront points to. */
  readonly regionalName: string;
  /** The same, for an alias record. */
  readonly aliasTarget: IAliasRecordTarget;

  constructor(scope: Construct, id: string, { domain, restApi }: GatewayDomainProps) {
    super(scope, id);
    const name = new DomainName(this, 'Name', {
      domainName: domain.name,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', domain.certificateArn),
      endpointType: EndpointType.REGIONAL,
      securityPolicy: SecurityPolicy.TLS_1_2,
    });
    // By default the API answers over IPv4 only, but its name has an AAAA record.
    (name.node.defaultChild as CfnDomainName).addPropertyOverride('EndpointConfiguration.IpAddressType', 'dualstack');
    new BasePathMapping(this, 'Mapping', { domainName: name, restApi, stage: restApi.deploymentStage });
    this.regionalName = name.domainNameAliasDomainName;
    this.aliasTarget = new ApiGatewayDomain(name);
  }
}

/** Points the domain's name to CloudFront or the API, over IPv4 and IPv6. The zone is given by id, never looked up. */
export const addAliasRecords = (scope: Construct, domain: Domain, target: IAliasRecordTarget): IConstruct[] => {
  if (domain.hostedZone === undefined) return [];
  const zone = HostedZone.fromHostedZoneAttributes(scope, 'Zone', {
    hostedZoneId: domain.hostedZone.id,
    zoneName: domain.hostedZone.name,
  });
  const record = { zone, recordName: `${domain.name}.`, target: RecordTarget.fromAlias(target) };
  return [new ARecord(scope, 'Ipv4Record', record), new AaaaRecord(scope, 'Ipv6Record', record)];
};
