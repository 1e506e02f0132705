import {
  alarmsMayPublish,
  alarmsMayUseKey,
  durableFunctionsMayUseKey,
  keyNeeds,
  logsMayUseKey,
} from '../../config/account/policy-needs.ts';
import { words } from '../support/words.ts';

const account = '111122223333';
const place = { partition: 'aws-us-gov', region: 'us-gov-west-1', account };

const roles = (...actions: readonly string[]) => ({
  Sid: 'RolesOfThisAccount',
  Effect: 'Allow',
  Principal: { AWS: `arn:aws-us-gov:iam::${account}:root` },
  Action: actions,
  Resource: '*',
});

/* The statements word for word: each word of a policy is a right. */
describe('what a policy must allow', () => {
  it('CloudWatch Logs, with a key', () => {
    expect(logsMayUseKey(place)).toEqual({
      Sid: 'LogGroupsOfThisAccount',
      Effect: 'Allow',
      Principal: { Service: 'logs.us-gov-west-1.amazonaws.com' },
      Action: words(`
        kms:Decrypt kms:DescribeKey kms:Encrypt kms:GenerateDataKey kms:GenerateDataKeyWithoutPlaintext
        kms:ReEncryptFrom kms:ReEncryptTo
      `),
      Resource: '*',
      Condition: {
        ArnLike: {
          'kms:EncryptionContext:aws:logs:arn': `arn:aws-us-gov:logs:us-gov-west-1:${account}:log-group:*`,
        },
      },
    });
  });

  it('alarms, with a key and with a topic', () => {
    expect(alarmsMayUseKey(place)).toEqual({
      Sid: 'AlarmsOfThisAccount',
      Effect: 'Allow',
      Principal: { Service: 'cloudwatch.amazonaws.com' },
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Resource: '*',
      Condition: { StringEquals: { 'aws:SourceAccount': account } },
    });
    const topic = `arn:aws-us-gov:sns:us-gov-west-1:${account}:alarms`;
    expect(alarmsMayPublish(topic, { stage: 'test' }, place)).toEqual({
      Sid: 'AlarmsOfThisStage',
      Effect: 'Allow',
      Principal: { Service: 'cloudwatch.amazonaws.com' },
      Action: ['sns:Publish'],
      Resource: topic,
      Condition: {
        StringEquals: { 'aws:SourceAccount': account },
        ArnLike: {
          'aws:SourceArn': `arn:aws-us-gov:cloudwatch:us-gov-west-1:${account}:alarm:p2p-gateway-test-*`,
        },
      },
    });
  });

  it('durable functions, with a key', () => {
    const functions = `arn:aws-us-gov:lambda:us-gov-west-1:${account}:function:*`;
    expect(durableFunctionsMayUseKey(place)).toEqual({
      Sid: 'DurableFunctionsOfThisAccount',
      Effect: 'Allow',
      Principal: { Service: 'lambda.amazonaws.com' },
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Resource: '*',
      Condition: {
        StringEquals: { 'aws:SourceAccount': account },
        ArnLike: { 'aws:SourceArn': functions, 'kms:EncryptionContext:aws:lambda:FunctionArn': functions },
      },
    });
  });

  it('the account’s roles, with each key', () => {
    const data = roles(
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
    );
    const reads = roles('kms:Decrypt', 'kms:DescribeKey', 'kms:GenerateDataKey');
    expect(keyNeeds('data', place)).toEqual([data, logsMayUseKey(place)]);
    expect(keyNeeds('alarms', place)).toEqual([roles('kms:DescribeKey'), alarmsMayUseKey(place)]);
    expect(keyNeeds('audit', place)).toEqual([reads]);
    expect(keyNeeds('exports', place)).toEqual([reads, durableFunctionsMayUseKey(place)]);
    expect(keyNeeds('memberIndex', place)).toEqual([
      roles('kms:CreateAlias', 'kms:DeleteAlias', 'kms:DescribeKey', 'kms:GenerateMac', 'kms:UpdateAlias'),
    ]);
  });
});
