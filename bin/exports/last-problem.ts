import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type { StageConfig } from '../../config/stage.ts';
import { causeOf } from '../../functions/shared/errors.ts';
import { parseObject } from '../../functions/shared/json/json-object.ts';
import type { Export } from '../../functions/shared/store/export-item.ts';
import { awsSettings } from '../shared/aws.ts';
import { findIn } from '../shared/log-lines.ts';

/** It is not a problem if a former plan answers 202. */
const stillAtWork = 'payerBusy';

/**
 * Reads what the export's job logged last of why it waits, broke off or ended, from its log group.
 * @returns what to show: the time and the `detail`, or why it is not known
 */
export const lastProblem = async (
  config: StageConfig,
  { grantId, startedAt }: Pick<Export, 'grantId' | 'startedAt'>,
  environment: NodeJS.ProcessEnv,
): Promise<string> => {
  const client = new CloudWatchLogsClient(awsSettings(config, environment, 'operator'));
  try {
    const prefix = `p2p-gateway-${config.stage}-ExportsExportJob`;
    const lines = await findIn(client, prefix, { text: grantId, sinceMs: startedAt * 1000 });
    const problems = lines.flatMap(({ atMs, text }) => {
      const { detail } = parseObject(text) ?? {};
      return typeof detail === 'string' && detail !== stillAtWork ? [{ atMs, detail }] : [];
    });
    const last = problems.toSorted((a, b) => a.atMs - b.atMs).at(-1);
    return last === undefined ? 'none' : `${new Date(last.atMs).toISOString()} ${last.detail}`;
  } catch (error) {
    // The export itself can still be shown.
    return `unknown: its log cannot be read (${causeOf(error)}); that needs logs:DescribeLogGroups and logs:FilterLogEvents`;
  } finally {
    client.destroy();
  }
};
