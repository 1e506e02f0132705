/**
 * What the policies of keys and of the alarm topic must allow. The stack's own say it; those that the account brings
 * must say it too.
 */
import type { KeyName } from '../existing.ts';
import type { StageConfig } from '../stage.ts';

/** Where a stage is. In the stack these are CloudFormation's own references. */
export interface Place {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

/** A statement of a resource's policy, as JSON has it. */
export interface PolicyStatement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Principal: { readonly Service: string } | { readonly AWS: string };
  readonly Action: readonly string[];
  readonly Resource: string;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/**
 * Lets CloudWatch Logs encrypt log groups of this account and region, and nothing else
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html).
 */
export const logsMayUseKey = ({ partition, region, account }: Place): PolicyStatement => ({
  Sid: 'LogGroupsOfThisAccount',
  Effect: 'Allow',
  Principal: { Service: `logs.${region}.amazonaws.com` },
  Action: [
    'kms:Decrypt',
    'kms:DescribeKey',
    'kms:Encrypt',
    'kms:GenerateDataKey',
    'kms:GenerateDataKeyWithoutPlaintext',
    'kms:ReEncryptFrom',
    'kms:ReEncryptTo',
  ],
  Resource: '*',
  Condition: {
    ArnLike: { 'kms:EncryptionContext:aws:logs:arn': `arn:${partition}:logs:${region}:${account}:log-group:*` },
  },
});

/** Lets CloudWatch's alarms of this account publish to a topic that is encrypted with the key. */
export const alarmsMayUseKey = ({ account }: Pick<Place, 'account'>): PolicyStatement => ({
  Sid: 'AlarmsOfThisAccount',
  Effect: 'Allow',
  Principal: { Service: 'cloudwatch.amazonaws.com' },
  Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
  Resource: '*',
  Condition: { StringEquals: { 'aws:SourceAccount': account } },
});

/** Lets the alarms of a stage publish to a topic. */
export const alarmsMayPublish = (
  topicArn: string,
  { stage }: Pick<StageConfig, 'stage'>,
  { partition, region, account }: Place,
): PolicyStatement => ({
  Sid: 'AlarmsOfThisStage',
  Effect: 'Allow',
  Principal: { Service: 'cloudwatch.amazonaws.com' },
  Action: ['sns:Publish'],
  Resource: topicArn,
  Condition: {
    StringEquals: { 'aws:SourceAccount': account },
    ArnLike: { 'aws:SourceArn': `arn:${partition}:cloudwatch:${region}:${account}:alarm:p2p-gateway-${stage}-*` },
  },
});

/**
 * Lets Lambda encrypt the history of durable functions of this account, and nothing else
 * (https://docs.aws.amazon.com/lambda/latest/dg/durable-encryption.html). It cannot name the functions, since they
 * name the key. The encryption context ties a history to its function.
 */
export const durableFunctionsMayUseKey = ({ partition, region, account }: Place): PolicyStatement => {
  const functions = `arn:${partition}:lambda:${region}:${account}:function:*`;
  return {
    Sid: 'DurableFunctionsOfThisAccount',
    Effect: 'Allow',
    Principal: { Service: 'lambda.amazonaws.com' },
    Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
    Resource: '*',
    Condition: {
      StringEquals: { 'aws:SourceAccount': account },
      ArnLike: { 'aws:SourceArn': functions, 'kms:EncryptionContext:aws:lambda:FunctionArn': functions },
    },
  };
};

/** What the account's roles do with each key, CloudFormation's included; their own policies narrow it. */
const usedByRoles: Readonly<Record<KeyName, readonly string[]>> = {
  data: [
    'kms:CreateAlias',
    'kms:CreateGrant',
    'kms:Decrypt',
    'kms:DeleteAlias',
    'kms:DescribeKey',
    'kms:Encrypt',
    'kms:GenerateDataKey',
    'kms:GenerateDataKeyWithoutPlaintext',
    'kms:ReEncryptFrom',
    'kms:ReEncryptTo',
    'kms:RevokeGrant',
    'kms:UpdateAlias',
  ],
  audit: ['kms:Decrypt', 'kms:DescribeKey', 'kms:GenerateDataKey'],
  exports: ['kms:Decrypt', 'kms:DescribeKey', 'kms:GenerateDataKey'],
  memberIndex: ['kms:CreateAlias', 'kms:DeleteAlias', 'kms:DescribeKey', 'kms:GenerateMac', 'kms:UpdateAlias'],
  // Only CloudWatch publishes.
  alarms: ['kms:DescribeKey'],
};

/** Leaves the account's principals to IAM, without which a role's own policy has no effect on the key. */
const rolesMayUseKey = (name: KeyName, { partition, account }: Place): PolicyStatement => ({
  Sid: 'RolesOfThisAccount',
  Effect: 'Allow',
  Principal: { AWS: `arn:${partition}:iam::${account}:root` },
  Action: usedByRoles[name],
  Resource: '*',
});

/** The statements that a brought key's policy must have. */
export const keyNeeds = (name: KeyName, place: Place): readonly PolicyStatement[] => {
  const byName: Readonly<Record<KeyName, readonly PolicyStatement[]>> = {
    data: [logsMayUseKey(place)],
    audit: [],
    exports: [durableFunctionsMayUseKey(place)],
    memberIndex: [],
    alarms: [alarmsMayUseKey(place)],
  };
  return [rolesMayUseKey(name, place), ...byName[name]];
};
