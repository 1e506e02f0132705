/** Tools add and delete these secrets without a deployment, so permissions can name only their prefix. */
import { ArnFormat, Stack, Token, Validations } from 'aws-cdk-lib';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { allow, allowKeyForSecrets } from './statements.ts';

/** Lets a function read every secret whose name begins with the prefix. */
export const readSecretsUnder = (scope: Construct, prefix: string, key: IKey): PolicyStatement[] => {
  const secrets = Stack.of(scope).formatArn({
    service: 'secretsmanager',
    resource: 'secret',
    resourceName: `${prefix}*`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  return [allow(['secretsmanager:GetSecretValue'], [secrets]), allowKeyForSecrets(key)];
};

/** A value as cdk-nag writes it in the id of a finding. */
const inFinding = (value: string, name: string): string => (Token.isUnresolved(value) ? `<AWS::${name}>` : value);

/** Accepts, for cdk-nag, that a policy names a prefix. */
export const acknowledgePrefix = (policy: Construct, prefix: string, reason: string): void => {
  const { partition, region, account } = Stack.of(policy);
  const where = [inFinding(partition, 'Partition'), 'secretsmanager', inFinding(region, 'Region')].join(':');
  Validations.of(policy).acknowledge({
    id: `AwsSolutions-IAM5[Resource::arn:${where}:${inFinding(account, 'AccountId')}:secret:${prefix}*]`,
    reason,
  });
};
