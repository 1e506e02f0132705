import { EC2Client } from '@aws-sdk/client-ec2';
import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { SNSClient } from '@aws-sdk/client-sns';
import { keyNames } from '../../config/existing.ts';
import type { StageConfig } from '../../config/stage.ts';
import { awsSettings } from '../shared/aws.ts';
import { askBoundary } from './boundary.ts';
import { askKey } from './keys.ts';
import { topicsOf } from './needs.ts';
import type { Question } from './question.ts';
import { askTopic } from './topic.ts';
import { askVpc } from './vpc.ts';

/**
 * What AWS can be asked about what an account brings. What a deployment refuses by itself is not among it: a web ACL or
 * a log destination that does not exist, or that may not be used.
 */
export const awsQuestions = (config: StageConfig, environment: NodeJS.ProcessEnv): readonly Question[] => {
  const { existing = {}, permissionsBoundaryArn } = config;
  const { vpc, keys = {} } = existing;
  const settings = awsSettings(config, environment, 'existing');
  const kms = new KMSClient(settings);
  return [
    ...(vpc === undefined ? [] : [askVpc(new EC2Client(settings), config, vpc)]),
    ...keyNames.flatMap((name) => {
      const arn = keys[name];
      return arn === undefined ? [] : [askKey(kms, name, arn)];
    }),
    ...topicsOf(config).map((topic) => askTopic({ sns: new SNSClient(settings), kms }, config, topic)),
    ...(permissionsBoundaryArn === undefined
      ? []
      : [askBoundary(new IAMClient(settings), config, permissionsBoundaryArn)]),
  ];
};
