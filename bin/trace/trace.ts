import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { awsSettings, explainAwsFailure } from '../shared/aws.ts';
import { readCommand } from '../shared/command-line.ts';
import type { Output } from '../shared/output.ts';
import { readStage } from '../shared/stage-flags.ts';
import { findLines } from './find-lines.ts';
import { spec } from './flags.ts';
import { tellLine } from './tell-line.ts';

/** What the tool is given from outside. */
export interface TraceDeps {
  readonly nowMs: number;
  readonly environment: NodeJS.ProcessEnv;
  readonly output: Pick<Output, 'out' | 'note'>;
}

/**
 * Prints the log lines of one request.
 * @returns the exit code: 1 if there is no line
 * @throws UsageError, Refusal, ConfigError
 */
export const trace = async (args: readonly string[], { nowMs, environment, output }: TraceDeps): Promise<number> => {
  const query = readCommand(spec, args);
  const sinceMs = nowMs - query.since * 3_600_000;
  const config = await readStage(query);
  const client = new CloudWatchLogsClient(awsSettings(config, environment, 'trace'));
  try {
    const lines = await findLines(client, config.stage, { ...query, sinceMs });
    for (const line of lines) output.out(query.json ? line.text : tellLine(line));
    if (lines.length > 0) return 0;
    output.note(
      `No line since ${new Date(sinceMs).toISOString()} contains ${query.reference}. Look further back with --since, ` +
        'or try another --stage. CloudWatch shows a line only seconds after it was logged.',
    );
    return 1;
  } catch (error) {
    const rights = "logs:DescribeLogGroups and logs:FilterLogEvents, and use of the logs' key";
    throw explainAwsFailure(error, { stage: config.stage, service: 'CloudWatch Logs', rights });
  } finally {
    client.destroy();
  }
};
