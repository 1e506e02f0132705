import { Alarm, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Topic, type ITopic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { alarmsMayPublish } from '../config/account/policy-needs.ts';
import type { StageConfig } from '../config/stage.ts';
import type { AlarmDefinition } from './alarm-definition.ts';
import { alarmsFor } from './alarm-definitions.ts';
import { existingTopic } from './existing.ts';
import { here } from './place.ts';
import type { Watched } from './watched.ts';

export interface GatewayAlarmsProps {
  readonly config: Pick<StageConfig, 'stage' | 'alarmAddresses' | 'ticketAddresses' | 'existing' | 'runbookUrl'>;
  /** Encrypts the stage's own topics. */
  readonly key: IKey | undefined;
  readonly watched: Watched;
}

/** Alarms that a person can act on; each names its section of the runbook. */
export class GatewayAlarms extends Construct {
  /** Where alarms are published that a person must act on now. */
  readonly topic: ITopic;
  /** Where the others are. */
  readonly tickets: ITopic;
  /** The beginning of every alarm's name. */
  private readonly prefix: string;
  private readonly runbookUrl: string;

  constructor(scope: Construct, id: string, { config, key, watched }: GatewayAlarmsProps) {
    super(scope, id);
    this.runbookUrl = config.runbookUrl;
    this.prefix = `p2p-gateway-${config.stage}-`;
    const { alarmAddresses, ticketAddresses } = config;
    this.topic =
      existingTopic(this, 'Topic', config, 'alarmTopicArn') ?? this.ownTopic('Topic', key, config, alarmAddresses);
    // Without addresses of their own, tickets go where somebody listens.
    this.tickets =
      existingTopic(this, 'Tickets', config, 'ticketTopicArn') ??
      (ticketAddresses.length === 0 ? this.topic : this.ownTopic('Tickets', key, config, ticketAddresses));
    for (const definition of alarmsFor(watched)) this.addAlarm(definition);
  }

  /**
   * CloudWatch publishes as its own service principal. The topic's policy, which is there to enforce TLS, replaces the
   * default policy of SNS, and the key's policy admits the account's roles only: if either refuses an alarm, the alarm
   * is silent. Both name the account, so that no other account's alarms get through
   * (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services).
   */
  private ownTopic(
    id: string,
    key: IKey | undefined,
    { stage }: GatewayAlarmsProps['config'],
    addresses: readonly string[],
  ): Topic {
    const topic = new Topic(this, id, { masterKey: key, enforceSSL: true });
    const publish = alarmsMayPublish(topic.topicArn, { stage }, here);
    topic.addToResourcePolicy(PolicyStatement.fromJson(publish));
    for (const address of addresses) topic.addSubscription(new EmailSubscription(address));
    return topic;
  }

  private addAlarm(definition: AlarmDefinition): void {
    const { id, metric, says, runbook, severity, threshold = 1, breaching = [1, 1], when } = definition;
    const low = when === 'belowOrSilent';
    const alarm = new Alarm(this, id, {
      alarmName: `${this.prefix}${id}`,
      metric,
      // First, so that a receiver can tell by its beginning.
      alarmDescription: `${severity === 'page' ? 'Page' : 'Ticket'}: ${says} Runbook: ${this.runbookUrl}#${runbook}`,
      threshold,
      datapointsToAlarm: breaching[0],
      evaluationPeriods: breaching[1],
      comparisonOperator: low
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: low ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
    const action = new SnsAction(severity === 'page' ? this.topic : this.tickets);
    alarm.addAlarmAction(action);
    alarm.addOkAction(action);
  }
}
