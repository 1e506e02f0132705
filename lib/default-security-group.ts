import { CfnResource, Stack } from 'aws-cdk-lib';
import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { StageConfig } from '../config/stage.ts';
import { logGroup } from './log-group.ts';
import { allow } from './statements.ts';

export interface DefaultSecurityGroupProps {
  readonly config: Pick<StageConfig, 'existing' | 'removalPolicy' | 'retention'>;
  /** Encrypts the log. */
  readonly key: IKey;
}

const child = (scope: Construct, id: string): CfnResource => {
  const found = scope.node.findChild(id);
  if (!CfnResource.isCfnResource(found)) throw new Error(`${found.node.path} is not a resource`);
  return found;
};

/**
 * CloudFormation cannot close a VPC's default security group, so the CDK does it with a function of its own. That
 * function comes with an AWS policy that may write to any log, and with a log group that has no key and no retention.
 * Here it gets a log group and a policy like every other function's.
 */
export const closeDefaultSecurityGroup = (scope: Construct, { config, key }: DefaultSecurityGroupProps): void => {
  const provider = Stack.of(scope).node.findChild('Custom::VpcRestrictDefaultSGCustomResourceProvider') as Construct;
  const logs = logGroup(scope, 'DefaultGroupLogs', { config, key });
  const policy = new ManagedPolicy(scope, 'DefaultGroupPolicy', {
    statements: [allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [logs.logGroupArn])],
  });
  child(provider, 'Role').addPropertyOverride('ManagedPolicyArns', [policy.managedPolicyArn]);
  const handler = child(provider, 'Handler');
  handler.addPropertyOverride('LoggingConfig', { LogGroup: logs.logGroupName });
  handler.addPropertyOverride('Timeout', 60);
};
