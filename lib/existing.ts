/**
 * References to what the account brings. Each is `undefined` if the account does not bring it, and the stack then makes
 * it. Nothing here changes a brought thing: a statement for the policy of a brought key or topic has no effect, and
 * `npm run existing -- needs` prints it instead.
 */
import { Key, type IKey } from 'aws-cdk-lib/aws-kms';
import { CfnSubscriptionFilter, type LogGroup } from 'aws-cdk-lib/aws-logs';
import { Topic, type ITopic } from 'aws-cdk-lib/aws-sns';
import { CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import type { Construct } from 'constructs';
import type { KeyName } from '../config/existing.ts';
import type { StageConfig } from '../config/stage.ts';

type Config = Pick<StageConfig, 'existing'>;

export const existingKey = (scope: Construct, id: string, { existing }: Config, name: KeyName): IKey | undefined => {
  const arn = existing?.keys?.[name];
  return arn === undefined ? undefined : Key.fromKeyArn(scope, id, arn);
};

export const existingTopic = (
  scope: Construct,
  id: string,
  { existing }: Config,
  name: 'alarmTopicArn' | 'ticketTopicArn',
): ITopic | undefined => {
  const arn = existing?.[name];
  return arn === undefined ? undefined : Topic.fromTopicArn(scope, id, arn);
};

/** A web ACL, as far as the stack needs it. */
interface WebAcl {
  readonly arn: string;
  /** Puts the ACL in front of a stage of an API. */
  readonly protect: (stageArn: string) => void;
}

export const existingWebAcl = (scope: Construct, { existing }: Config): WebAcl | undefined => {
  const arn = existing?.webAclArn;
  if (arn === undefined) return undefined;
  return {
    arn,
    protect: (stageArn) =>
      void new CfnWebACLAssociation(scope, 'ExistingWebAcl', { resourceArn: stageArn, webAclArn: arn }),
  };
};

/** Sends every line of a log group to the account's destination, if it has one. */
export const forwardLog = (group: LogGroup, { existing }: Config): void => {
  const destination = existing?.logDestination;
  if (destination === undefined) return;
  new CfnSubscriptionFilter(group, 'Forward', {
    logGroupName: group.logGroupName,
    destinationArn: destination.arn,
    ...(destination.roleArn === undefined ? {} : { roleArn: destination.roleArn }),
    filterPattern: '',
  });
};
