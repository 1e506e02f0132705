import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import {
  AccessLogFormat,
  CfnAccount,
  LogGroupLogDestination,
  type IAccessLogDestination,
} from 'aws-cdk-lib/aws-apigateway';
import { ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { StageConfig } from '../config/stage.ts';
import { logGroup } from './log-group.ts';
import { allow } from './statements.ts';

export interface AccessLogProps {
  readonly config: StageConfig;
  readonly key: IKey;
}

/**
 * All that an access log line holds (names of https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html).
 * The route is the template, `/r4/{payer}/{proxy+}`: paths name patients, queries carry codes and states. No error
 * message either: API Gateway's quote the `Authorization` header. The caller's address may be a member's and is
 * personal data; it is kept because an audit of access (45 CFR 164.312(b)) and a hunt for abuse begin with it, and because
 * this log is encrypted and ends with the stage's `logDays`. Behind an edge it is CloudFront's; the functions' lines, and
 * CloudFront's own log, then have the caller's.
 */
const fields = {
  requestId: 'requestId',
  extendedRequestId: 'extendedRequestId',
  time: 'requestTimeEpoch',
  sourceIp: 'identity.sourceIp',
  method: 'httpMethod',
  route: 'resourcePath',
  status: 'status',
  latencyMs: 'responseLatency',
  responseBytes: 'responseLength',
  integrationRequestId: 'integration.requestId',
  integrationStatus: 'integration.status',
  integrationLatencyMs: 'integration.latency',
  errorType: 'error.responseType',
  waf: 'wafResponseCode',
};

const format = Object.fromEntries(Object.entries(fields).map(([name, variable]) => [name, `$context.${variable}`]));

/** Those of AWS's `AmazonAPIGatewayPushToCloudWatchLogs`, which API Gateway asks for. */
const logActions = [
  'logs:CreateLogGroup',
  'logs:CreateLogStream',
  'logs:DescribeLogGroups',
  'logs:DescribeLogStreams',
  'logs:FilterLogEvents',
  'logs:GetLogEvents',
  'logs:PutLogEvents',
];

/** One JSON line for each request that reaches the API. */
export class AccessLog extends Construct {
  readonly destination: IAccessLogDestination;
  readonly format = AccessLogFormat.custom(JSON.stringify(format));
  /** API Gateway's setting with which it may write logs; a stage that logs depends on it. Absent where the account has one. */
  readonly account: CfnAccount | undefined;

  constructor(scope: Construct, id: string, props: AccessLogProps) {
    super(scope, id);
    this.destination = new LogGroupLogDestination(logGroup(this, 'Logs', props));
    this.account = props.config.apiGatewayLogRole ? this.logRole() : undefined;
  }

  /** One setting for all APIs of an account in a region: so it outlives this stack, and so it may write any API's log. */
  private logRole(): CfnAccount {
    const policy = new ManagedPolicy(this, 'Policy', { statements: [allow(logActions, ['*'])] });
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('apigateway.amazonaws.com'),
      managedPolicies: [policy],
    });
    const account = new CfnAccount(this, 'Account', { cloudWatchRoleArn: role.roleArn });
    for (const kept of [policy, role, account]) kept.applyRemovalPolicy(RemovalPolicy.RETAIN);
    Validations.of(policy).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason:
        'API Gateway has one log role for all APIs of an account and region, and tries it on a group of its own. Narrowed ' +
        'to this log it would be refused, or silence the others.',
    });
    return account;
  }
}
