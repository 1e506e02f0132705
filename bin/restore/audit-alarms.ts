import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import type { StageConfig } from '../../config/stage.ts';
import { awsSettings, explainAwsFailure } from '../shared/aws.ts';
import { Refusal } from '../shared/errors.ts';

/**
 * Returns the name of an alarm of the audit that is on. Stage `local` has no alarms.
 * @throws Refusal if AWS does not say
 */
export const alarmOfAudit = async (
  config: StageConfig,
  environment: NodeJS.ProcessEnv,
): Promise<string | undefined> => {
  if (config.stage === 'local') return undefined;
  const client = new CloudWatchClient(awsSettings(config, environment, 'operator'));
  try {
    const prefix = `p2p-gateway-${config.stage}-Audit`;
    const { MetricAlarms: alarms = [] } = await client.send(new DescribeAlarmsCommand({ AlarmNamePrefix: prefix }));
    return alarms.find(({ StateValue }) => StateValue === 'ALARM')?.AlarmName;
  } catch (error) {
    throw explainAwsFailure(error, {
      stage: config.stage,
      service: 'CloudWatch',
      rights: 'cloudwatch:DescribeAlarms',
    });
  } finally {
    client.destroy();
  }
};

/**
 * Checks that no alarm of the audit is on: what it does not know yet would look as if it had not happened.
 * @throws Refusal
 */
export const checkAuditAlarms = async (config: StageConfig, environment: NodeJS.ProcessEnv): Promise<void> => {
  const on = await alarmOfAudit(config, environment);
  if (on === undefined) return;
  throw new Refusal(
    `The alarm ${on} is on, so the audit may not know of each grant that has ended. Wait until it is over ` +
      '(docs/alarms.md). Nothing was changed.',
  );
};
