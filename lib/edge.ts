import { Duration, Validations } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import {
  AllowedMethods,
  CachePolicy,
  Distribution,
  HttpVersion,
  LambdaEdgeEventType,
  OriginProtocolPolicy,
  OriginRequestCookieBehavior,
  OriginRequestHeaderBehavior,
  OriginRequestPolicy,
  OriginRequestQueryStringBehavior,
  OriginSslPolicy,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
  type IDistribution,
} from 'aws-cdk-lib/aws-cloudfront';
import { HttpOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnDelivery, CfnDeliveryDestination, CfnDeliverySource } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Domain, StageConfig } from '../config/stage.ts';
import { viewerAddressHeader } from '../functions/shared/http/edge-headers.ts';
import { EdgeFunction } from './edge-function.ts';
import { logGroup, logGroupArn } from './log-group.ts';
import { originHeader, type OriginSecret } from './origin-secret.ts';

export interface GatewayEdgeProps {
  readonly config: StageConfig;
  readonly key: IKey;
  readonly domain: Domain;
  /** API Gateway's own name for the domain. */
  readonly regionalName: string;
  /** Of scope CLOUDFRONT. */
  readonly webAclArn?: string | undefined;
  /** What the API's web ACL knows it by; absent where there is none. */
  readonly originSecret?: OriginSecret | undefined;
}

/**
 * What CloudFront logs of a request. Neither `cs-uri-stem` nor `cs-uri-query` nor a header: paths name patients, queries
 * carry codes and states. The API's access log has the route; here is the caller's address, which the API sees as
 * CloudFront's.
 */
const loggedFields = [
  'timestamp(ms)',
  'x-edge-request-id',
  'x-edge-location',
  'c-ip',
  'cs-method',
  'cs-protocol',
  'ssl-protocol',
  'sc-status',
  'sc-bytes',
  'time-taken',
  'time-to-first-byte',
  'x-edge-result-type',
  'x-edge-detailed-result-type',
];

/** What cdk-nag asks of a distribution and this one does otherwise, and why. */
const acknowledgements = [
  {
    id: 'AwsSolutions-CFR1',
    reason:
      'Members travel, and partners run where they like: who may read is decided by consent and token, not by country.',
  },
  {
    id: 'AwsSolutions-CFR3',
    reason:
      'The logging that the rule looks for always has the query, so codes and states. Logs of version 2 are on instead, ' +
      'with chosen fields, in an encrypted group.',
  },
];

/**
 * CloudFront in front of the API's domain, so that clients get the `WWW-Authenticate` that API Gateway renames. It lets
 * everything through as it came (methods, host, headers, cookies, query), keeps nothing and compresses nothing. All of it
 * is in us-east-1, as Lambda@Edge and CloudFront's web ACLs ask.
 *
 * What it costs a slow payer: CloudFront waits 120 seconds for the first byte and between two packets (more only by a
 * quota request), where API Gateway alone streams for 15 minutes with pauses of 5. A read that waits longer ends in
 * CloudFront's own 504. What CloudFront answers itself has no CORS headers and no JSON.
 */
export class GatewayEdge extends Construct {
  readonly distribution: IDistribution;

  constructor(scope: Construct, id: string, props: GatewayEdgeProps) {
    super(scope, id);
    this.distribution = this.distribute(props);
    this.log(props);
    Validations.of(this).acknowledge(...acknowledgements);
  }

  /**
   * All that the caller sent, and the caller's address as CloudFront saw it, which no caller can write: the functions' log
   * lines have it. https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/adding-cloudfront-headers.html
   */
  private originRequest({ config }: GatewayEdgeProps): OriginRequestPolicy {
    return new OriginRequestPolicy(this, 'OriginRequest', {
      originRequestPolicyName: `p2p-gateway-${config.stage}`,
      comment: 'Everything, and the address that it comes from',
      headerBehavior: OriginRequestHeaderBehavior.all(viewerAddressHeader),
      cookieBehavior: OriginRequestCookieBehavior.all(),
      queryStringBehavior: OriginRequestQueryStringBehavior.all(),
    });
  }

  private distribute(props: GatewayEdgeProps): Distribution {
    const { config, domain, regionalName, webAclArn, originSecret } = props;
    return new Distribution(this, 'Distribution', {
      comment: `Payer-to-payer gateway, stage ${config.stage}`,
      domainNames: [domain.name],
      certificate: Certificate.fromCertificateArn(this, 'Certificate', domain.certificateArn),
      minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
      httpVersion: HttpVersion.HTTP2_AND_3,
      ...(webAclArn === undefined ? {} : { webAclId: webAclArn }),
      defaultBehavior: {
        origin: new HttpOrigin(regionalName, {
          protocolPolicy: OriginProtocolPolicy.HTTPS_ONLY,
          originSslProtocols: [OriginSslPolicy.TLS_V1_2],
          readTimeout: Duration.seconds(120),
          keepaliveTimeout: Duration.seconds(60),
          // CloudFront would ask again, and a code or refresh token is good for one request.
          connectionAttempts: 1,
          ...(originSecret === undefined ? {} : { customHeaders: { [originHeader]: originSecret.value } }),
        }),
        // A redirect would hide that a token has already crossed the network in the clear.
        viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
        allowedMethods: AllowedMethods.ALLOW_ALL,
        cachePolicy: CachePolicy.CACHING_DISABLED,
        originRequestPolicy: this.originRequest(props),
        compress: false,
        edgeLambdas: [
          {
            eventType: LambdaEdgeEventType.ORIGIN_RESPONSE,
            functionVersion: new EdgeFunction(this, 'OriginResponse').version,
          },
        ],
      },
    });
  }

  /** CloudFront's standard logs of version 2, the first whose fields can be chosen. */
  private log({ config, key }: GatewayEdgeProps): void {
    const name = `p2p-gateway-${config.stage}-edge`;
    // AWS's own policy lets logs be delivered to groups under this prefix.
    const logs = logGroup(this, 'Logs', { config, key, name: `/aws/vendedlogs/${name}` });
    const source = new CfnDeliverySource(this, 'LogSource', {
      name,
      logType: 'ACCESS_LOGS',
      resourceArn: this.distribution.distributionArn,
    });
    const destination = new CfnDeliveryDestination(this, 'LogDestination', {
      name,
      destinationResourceArn: logGroupArn(logs),
      outputFormat: 'json',
    });
    new CfnDelivery(this, 'LogDelivery', {
      deliverySourceName: source.ref,
      deliveryDestinationArn: destination.attrArn,
      recordFields: loggedFields,
    });
  }
}
