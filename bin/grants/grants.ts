import { randomUUID } from 'node:crypto';
import { setTimeout as after } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { STSClient } from '@aws-sdk/client-sts';
import { visibleLine } from '../../config/checks/visible.ts';
import type { StageConfig } from '../../config/stage.ts';
import { GatewayError } from '../../functions/shared/errors.ts';
import { instant } from '../../functions/shared/instant.ts';
import { writeScopes } from '../../functions/shared/scopes/scopes.ts';
import { grantAttributes } from '../../functions/shared/store/attributes.ts';
import type { Table } from '../../functions/shared/store/dynamo.ts';
import { isLive, type Grant } from '../../functions/shared/store/grant-item.ts';
import { writeItem } from '../../functions/shared/store/items.ts';
import {
  endGrant as endStored,
  readMemberGrant,
  type MemberGrant,
} from '../../functions/shared/store/member-grants.ts';
import { awsSettings, explainAwsFailure } from '../shared/aws.ts';
import { callerOf, requireAccount } from '../shared/caller.ts';
import { readCommand } from '../shared/command-line.ts';
import { Refusal } from '../shared/errors.ts';
import { findTable } from '../shared/find-table.ts';
import { noteUnknown } from '../shared/note-unknown.ts';
import type { Output } from '../shared/output.ts';
import { readItem } from '../shared/read-item.ts';
import { readStage } from '../shared/stage-flags.ts';
import { spec, type GrantCommand } from './flags.ts';
import { listGrants } from './list.ts';

/** What the tool needs that tests replace. */
export interface GrantsToolDeps {
  readonly nowMs: number;
  readonly environment: NodeJS.ProcessEnv;
  readonly output: Pick<Output, 'out' | 'note'>;
}

const stateOf = (grant: Grant, now: number): string => {
  if (grant.revokedAt !== undefined) return `ended ${instant(grant.revokedAt)}`;
  if (!isLive(grant, now)) return `expired ${instant(grant.expiresAt)}`;
  return grant.redeemedAt === undefined
    ? 'waiting for its code to be redeemed'
    : `valid until ${instant(grant.endsAt)}`;
};

const describe = (grant: Grant, now: number): string =>
  [
    `grant    ${grant.grantId}`,
    `partner  ${visibleLine(grant.partner)}`,
    `payer    ${visibleLine(grant.payer)}`,
    `scope    ${visibleLine(writeScopes(grant.scope))}`,
    `state    ${stateOf(grant, now)}`,
  ].join('\n');

const endGrant = async (
  table: Table,
  sts: STSClient,
  config: StageConfig,
  { grant, memberIndex }: MemberGrant,
  { reason, dryRun }: Extract<GrantCommand, { command: 'end' }>,
  { nowMs, output }: GrantsToolDeps,
): Promise<number> => {
  const now = Math.floor(nowMs / 1000);
  // As with a stop, asking twice is no error.
  if (!isLive(grant, now)) {
    output.note('The grant has already ended. Nothing was changed.');
    return 0;
  }
  const { arn: operator } = await callerOf(sts, config);
  if (dryRun) {
    output.note(`Would end this grant as ${operator}. Nothing was changed.`);
    return 0;
  }
  const requestId = randomUUID();
  const { grantId, partner } = grant;
  const stops = memberIndex === undefined ? undefined : { memberIndex, partner };
  const ended = await endStored(table, { grantId, stops }, { operator, note: reason }, { now, requestId });
  if (!ended) throw new Refusal('The grant was ended by something else in the meantime. Nothing was changed.');
  output.note(
    `Ended this grant as ${operator}. From now on every token of the grant is refused. The payer's own tokens cannot be ` +
      'revoked from here, since only the partner has their key: they end when they expire, or at the payer. ' +
      (stops === undefined
        ? 'It has no index of a member, so an approval that the app has for a call with an identity token counts for up to ten minutes more.'
        : 'An approval from before the end, which the app may have for a call with an identity token, makes no grant any more.'),
  );
  return 0;
};

/**
 * Shows a grant, or ends it.
 * @returns the exit code
 * @throws UsageError, Refusal, ConfigError
 */
export const grants = async (args: readonly string[], deps: GrantsToolDeps): Promise<number> => {
  const command = readCommand(spec, args);
  const config = await readStage(command);
  await requireAccount(config, deps.environment, 'operator');
  const settings = awsSettings(config, deps.environment, 'operator');
  const [client, sts] = [new DynamoDBClient(settings), new STSClient(settings)];
  try {
    const table = { client, wait: after, name: command.table ?? (await findTable(client, config.stage, 'Grants')) };
    const now = Math.floor(deps.nowMs / 1000);
    if (command.command === 'list') {
      const lines = await listGrants(table, command, (grant) => stateOf(grant, now));
      for (const line of lines) deps.output.out(visibleLine(line));
      if (lines.length === 1) {
        const { environment, output } = deps;
        await noteUnknown(config, command, { environment, tool: 'operator', left: 'grants', note: output.note });
      }
      return 0;
    }
    const item = await readItem(table, writeItem(grantAttributes, { grantId: command.grantId }));
    if (item === undefined) throw new Refusal(`There is no grant ${command.grantId} in ${table.name}.`);
    const stored = readMemberGrant(item);
    deps.output.out(describe(stored.grant, now));
    return command.command === 'show' ? 0 : await endGrant(table, sts, config, stored, command, deps);
  } catch (error) {
    const rights =
      'dynamodb:ListTables, dynamodb:GetItem, to end one dynamodb:UpdateItem and PutItem, to list dynamodb:Scan on the grants table, and use of its key';
    // The store's own error says that DynamoDB failed; its detail says how.
    if (error instanceof GatewayError)
      throw new Refusal(`The table cannot be used (${error.detail}). The tool needs ${rights}.`);
    throw explainAwsFailure(error, { stage: config.stage, service: 'AWS', rights });
  } finally {
    client.destroy();
    sts.destroy();
  }
};
