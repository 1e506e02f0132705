import {
  CloudWatchClient,
  DescribeAlarmHistoryCommand,
  DescribeAlarmsCommand,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch';
import { awsSettings, explainAwsFailure } from '../shared/aws.ts';
import { requireAccount } from '../shared/caller.ts';
import { isOfStage } from '../shared/log-lines.ts';
import { rightAnswer, wrongAnswer, type AskedStage, type Question, type SmokeAnswer } from './question.ts';

const pollMs = 3000;
const longestMs = 60_000;

const alarmOf = async (client: CloudWatchClient, stage: string): Promise<string | undefined> => {
  const prefix = `p2p-gateway-${stage}-`;
  const { MetricAlarms: alarms = [] } = await client.send(
    new DescribeAlarmsCommand({ AlarmNamePrefix: prefix, StateValue: 'OK' }),
  );
  const own = alarms.filter(({ AlarmName: name = '' }) => isOfStage(name, prefix));
  return own.find(({ ActionsEnabled }) => ActionsEnabled === true)?.AlarmName;
};

/** CloudWatch's summary of the action that an alarm took; undefined until it is in the history. */
const actionOf = async (client: CloudWatchClient, name: string, since: Date): Promise<string | undefined> => {
  const { AlarmHistoryItems: items = [] } = await client.send(
    new DescribeAlarmHistoryCommand({ AlarmName: name, HistoryItemType: 'Action', StartDate: since }),
  );
  return items[0]?.HistorySummary;
};

const ring = async (
  client: CloudWatchClient,
  { config: { stage }, wait }: Pick<AskedStage, 'config' | 'wait'>,
): Promise<SmokeAnswer> => {
  const name = await alarmOf(client, stage);
  if (name === undefined) return wrongAnswer('the stage has no alarm that is OK and has its actions enabled');
  const since = new Date();
  const reason = 'Smoke test: npm run smoke. Nothing is wrong.';
  await client.send(new SetAlarmStateCommand({ AlarmName: name, StateValue: 'ALARM', StateReason: reason }));
  for (let waitedMs = 0; waitedMs < longestMs; waitedMs += pollMs) {
    const summary = await actionOf(client, name, since);
    if (summary !== undefined)
      return summary.startsWith('Successfully')
        ? rightAnswer(`${name}: ${summary}`)
        : wrongAnswer(`${name}: ${summary}`);
    await wait(pollMs);
  }
  return wrongAnswer(`${name} took no action within a minute`);
};

/** Sets off one alarm; CloudWatch's history says whether its message went out. Its next evaluation resets it to OK. */
export const alarm: Question = {
  name: 'alarm',
  title: 'An alarm reaches its topic; check that the e-mail arrived, too',
  missing: ({ config, plan }) => {
    if (config.stage === 'local') return 'AWS: there is no CloudWatch alarm on this machine';
    return plan.ring ? undefined : '--ring: it sets off an alarm';
  },
  ask: async ({ config, environment, wait }) => {
    await requireAccount(config, environment, 'smoke');
    const client = new CloudWatchClient(awsSettings(config, environment, 'smoke'));
    try {
      return await ring(client, { config, wait });
    } catch (error) {
      const rights = 'cloudwatch:DescribeAlarms, cloudwatch:DescribeAlarmHistory and cloudwatch:SetAlarmState';
      throw explainAwsFailure(error, { stage: config.stage, service: 'CloudWatch', rights });
    } finally {
      client.destroy();
    }
  },
};
