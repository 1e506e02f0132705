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
  /** Encrypts CloudFront's log. */
  readonly key: IKey;
  readonly domain: Domain;
  /** API Gateway's own name for the domain. */
  readonly regionalName: string;
  /**
   * A web ACL of scope CLOUDFRONT.
   * @default none
   */
  readonly webAclArn?: string | undefined;
  /**
   * What shows the API's web ACL that a request comes from CloudFront.
   * @default none: the API has no web ACL
   */
  readonly originSecret?: OriginSecret | undefined;
}

/**
 * What CloudFront logs of a request. No `cs-uri-stem`, `cs-uri-query` or header: paths name patients, and queries carry
 * codes and states. The API's access log has the route; this log has the caller's address, since the API sees only
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

/** The cdk-nag rules that this distribution breaks on purpose, and why. */
const acknowledgements = [
  {
    id: 'AwsSolutions-CFR1',
    reason:
      'Members travel, and partners host where they like: consent and tokens decide who may read, not the country.',
  },
  {
    id: 'AwsSolutions-CFR3',
    reason:
      'The logging that the rule looks for always includes the query, and with it codes and states. Version 2 logs are on ' +
      'instead, with selected fields, in an encrypted log group.',
  },
];

/** The statuses for which CloudFront can be told how long to keep them (CloudFront API, `CustomErrorResponse`). */
const errorStatuses = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];

/**
 * CloudFront in front of the API's domain, so that clients get the `WWW-Authenticate` header that API Gateway renames.
 * It passes everything on unchanged (methods, host, headers, cookies, query), caches nothing and compresses nothing.
 * All of it is in us-east-1, because Lambda@Edge and CloudFront's web ACLs have to be.
 *
 * The drawback is for slow payers: CloudFront waits 120 seconds for the first byte and between two packets (longer only
 * after a quota request), while API Gateway alone streams for 15 minutes with pauses of up to 5. A read that waits
 * longer ends in CloudFront's own 504. CloudFront's own responses have no CORS headers and are not JSON.
 */
export class GatewayEdge extends Construct {
  /** What the domain's DNS records point to. */
  readonly distribution: IDistribution;

  constructor(scope: Construct, id: string, props: GatewayEdgeProps) {
    super(scope, id);
    this.distribution = this.distribute(props);
    this.log(props);
    Validations.of(this).acknowledge(...acknowledgements);
  }

  /**
   * Everything that the caller sent, plus the caller's address as CloudFront saw it, which no caller can forge. The
   * functions log it. https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/adding-cloudfront-headers.html
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
      // CloudFront keeps an error for ten seconds by default, even a private one, and gives it to all callers of its path, whatever their
      // query and token (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/custom-error-pages-expiration.html).
      errorResponses: errorStatuses.map((httpStatus) => ({ httpStatus, ttl: Duration.seconds(0) })),
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
          // CloudFront would repeat the request, but a code or refresh token is good for one request only.
          connectionAttempts: 1,
          ...(originSecret === undefined ? {} : { customHeaders: { [originHeader]: originSecret.value } }),
        }),
        // A redirect would hide that a token was already sent unencrypted.
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

  /** Turns on CloudFront's standard logs, version 2, whose fields can be chosen. */
  private log({ config, key }: GatewayEdgeProps): void {
    const name = `p2p-gateway-${config.stage}-edge`;
    // AWS's own resource policy allows log delivery to groups under this prefix.
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
