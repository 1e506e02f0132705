import { S3Client } from '@aws-sdk/client-s3';
import type { AuditEvent } from '../../functions/audit/audit-event.ts';
import { awsSettings } from '../shared/aws.ts';
import { requireAccount } from '../shared/caller.ts';
import { readCommand } from '../shared/command-line.ts';
import { noteUnknown } from '../shared/note-unknown.ts';
import type { Output } from '../shared/output.ts';
import { readStage } from '../shared/stage-flags.ts';
import { explainS3Failure, findBucket } from './audit-bucket.ts';
import { contested, contestedIds } from './event-facts.ts';
import { findEvents } from './find-events.ts';
import { spec, type AuditQuery } from './flags.ts';
import { countUnread, membersIn, membersTable } from './members-of.ts';
import { tableOf } from './table.ts';

/** What the tool needs that tests replace. */
export interface AuditToolDeps {
  readonly nowMs: number;
  readonly environment: NodeJS.ProcessEnv;
  readonly output: Pick<Output, 'out' | 'note'>;
}

const linesOf = (events: readonly AuditEvent[], { json }: AuditQuery): readonly string[] =>
  json ? events.map((event) => JSON.stringify(event)) : tableOf(events);

const membersOf = (
  events: readonly AuditEvent[],
  { json }: AuditQuery,
  { note }: AuditToolDeps['output'],
): readonly string[] => {
  const members = membersIn(events);
  const unread = countUnread(members);
  if (unread > 0)
    note(
      `Of ${unread} of these members nothing was read: a plan asked for them in an exchange, and the payer named them.`,
    );
  return json ? members.map((member) => JSON.stringify(member)) : membersTable(members);
};

/**
 * Prints what the audit has about a grant, a partner or the registry.
 * @returns the exit code
 * @throws UsageError, Refusal
 */
export const audit = async (
  args: readonly string[],
  { nowMs, environment, output }: AuditToolDeps,
): Promise<number> => {
  const query = readCommand(spec, args, nowMs);
  const config = await readStage(query);
  await requireAccount(config, environment, 'audit-reader');
  const client = new S3Client(awsSettings(config, environment, 'audit-reader'));
  try {
    const bucket = await findBucket(client, config.stage, query.bucket ?? environment['AUDIT_BUCKET']);
    const events = await findEvents(bucket, query);
    if (events.length === 0) {
      const { partner = query.membersOf } = query;
      // No partner has this id: config/checks/rules.ts.
      if (partner === 'unknown') {
        output.note('The audit has no records from that time that it could not read.');
        return 0;
      }
      output.note('The audit has no events from that time.');
      await noteUnknown(config, { partner }, { environment, tool: 'audit-reader', left: 'events', note: output.note });
    } else {
      const lines = query.membersOf === undefined ? linesOf(events, query) : membersOf(events, query, output);
      for (const line of lines) output.out(line);
      const { size } = contestedIds(events);
      if (size > 0) output.note(`${size} of these events have more than one form: ${contested}.`);
    }
    return 0;
  } catch (error) {
    throw explainS3Failure(error, config.stage);
  } finally {
    client.destroy();
  }
};
