import { S3Client } from '@aws-sdk/client-s3';
import { awsSettings } from '../shared/aws.ts';
import { readStage } from '../shared/command-line.ts';
import { explained, findBucket } from './audit-bucket.ts';
import { findEvents } from './find-events.ts';
import { help, readFlags } from './flags.ts';
import { tableOf } from './table.ts';

/** What the tool is given from outside. */
export interface AuditToolDeps {
  readonly nowMs: number;
  readonly environment: NodeJS.ProcessEnv;
  readonly print: (line: string) => void;
  /** For the person only, beside what is printed. */
  readonly remark: (line: string) => void;
}

/**
 * Prints what the audit holds of a grant or a partner.
 * @returns the exit code
 * @throws UsageError, Refusal
 */
export const audit = async (args: readonly string[], deps: AuditToolDeps): Promise<number> => {
  const query = readFlags(args, deps.nowMs);
  if (query === 'help') {
    deps.print(help);
    return 0;
  }
  const config = await readStage(query.stage);
  const client = new S3Client(awsSettings(config, deps.environment, 'audit-reader'));
  try {
    const bucket = await findBucket(client, config.stage, query.bucket ?? deps.environment['AUDIT_BUCKET']);
    const events = await findEvents(bucket, query);
    if (events.length === 0) deps.remark('Nothing happened in that time.');
    else
      for (const line of query.json ? events.map((event) => JSON.stringify(event)) : tableOf(events)) deps.print(line);
    return 0;
  } catch (error) {
    throw explained(error, config.stage);
  } finally {
    client.destroy();
  }
};
