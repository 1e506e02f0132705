import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { awsSettings, explainAwsFailure } from '../shared/aws.ts';
import { readStage } from '../shared/command-line.ts';
import type { Output } from '../shared/output.ts';
import { findLines } from './find-lines.ts';
import { help, readFlags } from './flags.ts';
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
  const query = readFlags(args, nowMs);
  if (query === 'help') {
    output.out(help);
    return 0;
  }
  const config = await readStage(query.stage);
  const client = new CloudWatchLogsClient(awsSettings(config, environment, 'trace'));
  try {
    const lines = await findLines(client, config.stage, query);
    for (const line of lines) output.out(query.json ? line.text : tellLine(line));
    if (lines.length > 0) return 0;
    output.note(
      `No line since ${new Date(query.sinceMs).toISOString()} contains ${query.reference}. Look further back with --since, ` +
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
