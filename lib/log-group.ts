import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { StageConfig } from '../config/stage.ts';
import { forwardLog } from './existing.ts';
import { removalPolicyOf } from './removal-policy.ts';

export interface LogGroupProps {
  readonly config: Pick<StageConfig, 'existing' | 'retention' | 'removalPolicy'>;
  /** Encrypts the log; its policy lets CloudWatch Logs use it. */
  readonly key: IKey;
  /**
   * Needed only where AWS requires a prefix.
   * @default a name that CloudFormation generates
   */
  readonly name?: string;
}

/** The CDK's names for numbers of days; the configuration accepts only numbers that have one. */
const retentions = new Map<number, RetentionDays>(
  Object.values(RetentionDays)
    .filter((days) => typeof days === 'number')
    .map((days) => [days, days]),
);

const retentionOf = (logDays: number): RetentionDays => {
  const retention = retentions.get(logDays);
  if (retention === undefined) throw new Error(`CloudWatch Logs keeps nothing for ${logDays} days`);
  return retention;
};

/** A log group: encrypted, kept as long as the stage says, and forwarded if the account has a destination for logs. */
export const logGroup = (scope: Construct, id: string, { config, key, name }: LogGroupProps): LogGroup => {
  const group = new LogGroup(scope, id, {
    ...(name === undefined ? {} : { logGroupName: name }),
    encryptionKey: key,
    retention: retentionOf(config.retention.logDays),
    removalPolicy: removalPolicyOf(config),
  });
  forwardLog(group, config);
  return group;
};

/** A log group's ARN without the `:*` at the end of `logGroupArn`, as services that deliver logs require it. */
export const logGroupArn = (group: LogGroup): string =>
  Stack.of(group).formatArn({
    service: 'logs',
    resource: 'log-group',
    resourceName: group.logGroupName,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
