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
import { apiGatewayLogActions } from '../config/account/boundary-actions.ts';
import type { StageConfig } from '../config/stage.ts';
import { logGroup } from './log-group.ts';
import { allow } from './statements.ts';

export interface AccessLogProps {
  readonly config: StageConfig;
  readonly key: IKey;
}

/**
 * Every field of an access log line (names:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html). The
 * route is the template, `/r4/{payer}/{proxy+}`: paths name patients, and queries carry codes and states. There is no
 * error message, since API Gateway's messages quote the `Authorization` header. The caller's address may be a member's,
 * and is personal data. It is kept because an audit of access (45 CFR 164.312(b)) and a search for abuse start with it;
 * this log is encrypted and expires after the stage's `logDays`. Behind an edge the address is CloudFront's; the
 * caller's is then in the functions' lines and in CloudFront's own log.
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

/** Logs one JSON line for each request that reaches the API. */
export class AccessLog extends Construct {
  /** The log group. */
  readonly destination: IAccessLogDestination;
  /** The fields of a line. */
  readonly format = AccessLogFormat.custom(JSON.stringify(format));
  /**
   * The account setting that lets API Gateway write logs; the API's stage depends on it. Absent if the account has one
   * already.
   */
  readonly account: CfnAccount | undefined;

  constructor(scope: Construct, id: string, props: AccessLogProps) {
    super(scope, id);
    this.destination = new LogGroupLogDestination(logGroup(this, 'Logs', props));
    this.account = props.config.apiGatewayLogRole ? this.logRole() : undefined;
  }

  /**
   * An account has one such setting per region, for all its APIs: so it outlives this stack, and may write any API's
   * log.
   */
  private logRole(): CfnAccount {
    const policy = new ManagedPolicy(this, 'Policy', { statements: [allow(apiGatewayLogActions, ['*'])] });
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('apigateway.amazonaws.com'),
      managedPolicies: [policy],
    });
    const account = new CfnAccount(this, 'Account', { cloudWatchRoleArn: role.roleArn });
    for (const kept of [policy, role, account]) kept.applyRemovalPolicy(RemovalPolicy.RETAIN);
    Validations.of(policy).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason:
        'API Gateway has one log role for all APIs of an account and region, and tests it on a log group of its own. If the ' +
        'role were limited to this log, API Gateway would reject it, or other APIs could no longer log.',
    });
    return account;
  }
}
