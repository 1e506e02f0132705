import { CfnOutput, type Stack } from 'aws-cdk-lib';
import { CfnKey } from 'aws-cdk-lib/aws-kms';
import { CfnTopic } from 'aws-cdk-lib/aws-sns';
import type { StageConfig } from '../config/stage.ts';
import { GatewayAlarms } from './alarms.ts';
import { GatewayDashboard } from './dashboard.ts';
import type { GatewayKeys } from './keys.ts';
import { watchedOf, type WatchedParts } from './watched.ts';

export interface MonitoringProps extends WatchedParts {
  readonly config: StageConfig;
  readonly keys: Pick<GatewayKeys, 'alarms' | 'data'>;
}

/**
 * Has the topics change first. Version 0.2's have the data key, whose policy admits CloudWatch no longer, and what an alarm cannot
 * publish it does not try again.
 */
const moveTopicsFirst = ({ data }: MonitoringProps['keys'], { topic, tickets }: GatewayAlarms): void => {
  const key = data.node.defaultChild;
  if (!(key instanceof CfnKey)) return;
  for (const { node } of [topic, tickets]) {
    if (node.defaultChild instanceof CfnTopic) key.addResourceDependency(node.defaultChild);
  }
};

/**
 * Alarms and the dashboard, directly in the stack: in a construct of their own they would get other logical ids, and an
 * update of a running stage would replace them.
 */
export const addMonitoring = (stack: Stack, { config, keys, ...parts }: MonitoringProps): void => {
  const watched = watchedOf(config.stage, parts);
  const alarms = new GatewayAlarms(stack, 'Alarms', { config, key: keys.alarms, watched });
  const { topic, tickets } = alarms;
  moveTopicsFirst(keys, alarms);
  // CloudFront takes minutes to deploy. The alarm is on until the canary has run twice (docs/deploy.md), and not longer.
  alarms.node.findChild('CanarySilent').node.addDependency(parts.canary.schedule);
  new GatewayDashboard(stack, 'Dashboard', { watched });
  new CfnOutput(stack, 'AlarmTopic', {
    value: topic.topicArn,
    description: 'Where alarms are published that need a person now; subscribe what else should hear of them',
  });
  new CfnOutput(stack, 'TicketTopic', {
    value: tickets.topicArn,
    description: 'Where alarms are published that can wait until the next working day',
  });
};
