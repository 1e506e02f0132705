import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { awsSettings, explainAwsFailure } from '../shared/aws.ts';
import { readStage } from '../shared/command-line.ts';
import { findLines } from './find-lines.ts';
import { help, readFlags } from './flags.ts';
import { tellLine } from './tell-line.ts';

/** What the tool is given from outside. */
export interface TraceDeps {
  readonly nowMs: number;
  readonly environment: NodeJS.ProcessEnv;
  readonly print: (line: string) => void;
  /** For the person only, beside what is printed. */
  readonly remark: (line: string) => void;
}

/**
 * Prints the log lines of one request.
 * @returns the exit code: 1 where there is no line
 * @throws UsageError, Refusal, ConfigError
 */
export const trace = async (args: readonly string[], deps: TraceDeps): Promise<number> => {
  const query = readFlags(args, deps.nowMs);
  if (query === 'help') {
    deps.print(help);
    return 0;
  }
  const config = await readStage(query.stage);
  const client = new CloudWatchLogsClient(awsSettings(config, deps.environment, 'trace'));
  try {
    const lines = await findLines(client, config.stage, query);
    for (const line of lines) deps.print(query.json ? line.text : tellLine(line));
    if (lines.length > 0) return 0;
    deps.remark(
      `No line holds ${query.reference} since ${new Date(query.sinceMs).toISOString()}. Look further back with --since, ` +
        'or at another --stage. CloudWatch shows a line seconds after it was written.',
    );
    return 1;
  } catch (error) {
    const rights = 'logs:DescribeLogGroups and logs:FilterLogEvents, and the key of the logs';
    throw explainAwsFailure(error, { stage: config.stage, service: 'CloudWatch Logs', rights });
  } finally {
    client.destroy();
  }
};
