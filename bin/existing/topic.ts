import type { KMSClient } from '@aws-sdk/client-kms';
import {
  GetTopicAttributesCommand,
  ListSubscriptionsByTopicCommand,
  NotFoundException,
  type SNSClient,
} from '@aws-sdk/client-sns';
import { alarmsMayPublish, alarmsMayUseKey } from '../../config/account/policy-needs.ts';
import type { StageConfig } from '../../config/stage.ts';
import type { PolicyDocument } from './judge-policy.ts';
import { judgePolicy, readKeyPolicy } from './keys.ts';
import { placeOf } from './needs.ts';
import { ok, wrong, type Finding, type Question } from './question.ts';

/** AWS's own key admits no alarm, and its policy cannot be changed. */
const isAwsKey = (key: string): boolean => /(?:^|:)alias\/aws\/sns$/.test(key);

const judgeKey = async (client: KMSClient, key: string | undefined, account: string): Promise<readonly Finding[]> => {
  if (key === undefined || key === '') return [];
  if (isAwsKey(key)) {
    return [wrong('is encrypted with alias/aws/sns, which alarms cannot use; encrypt it with a key of your own')];
  }
  const found = judgePolicy(await readKeyPolicy(client, key), [alarmsMayUseKey({ account })]);
  return found.map(({ outcome, what }) => ({ outcome, what: `of its key ${key}: ${what}` }));
};

/** A subscription has an ARN once its owner has confirmed it. */
const judgeListeners = async (client: SNSClient, TopicArn: string): Promise<readonly Finding[]> => {
  const { Subscriptions = [] } = await client.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
  return Subscriptions.some(({ SubscriptionArn }) => SubscriptionArn?.startsWith('arn:') === true)
    ? []
    : [wrong('has no confirmed subscription, so no one would receive an alarm; subscribe someone')];
};

/** Asks whether alarms can publish to a topic: nothing else reports that an alarm was lost. */
export const askTopic = (
  { sns, kms }: { readonly sns: SNSClient; readonly kms: KMSClient },
  config: StageConfig,
  { field, arn }: { readonly field: string; readonly arn: string },
): Question => ({
  field,
  name: arn,
  service: 'SNS',
  rights: 'sns:GetTopicAttributes and sns:ListSubscriptionsByTopic, and kms:GetKeyPolicy for its key',
  ask: async () => {
    const answer = await sns.send(new GetTopicAttributesCommand({ TopicArn: arn })).catch((error: unknown) => {
      if (error instanceof NotFoundException) return undefined;
      throw error;
    });
    if (answer === undefined) return [wrong('there is no such topic; make it, or write the ARN of one that exists')];
    const { Policy: policy = '{}', KmsMasterKeyId: key } = answer.Attributes ?? {};
    const place = placeOf(arn);
    const found = [
      ...judgePolicy(JSON.parse(policy) as PolicyDocument, [alarmsMayPublish(arn, config, place)]),
      ...(await judgeKey(kms, key, place.account)),
      ...(await judgeListeners(sns, arn)),
    ];
    return found.length === 0 ? [ok('takes the stage’s alarms, and has a subscription')] : found;
  },
});
