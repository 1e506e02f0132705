import { randomUUID } from 'node:crypto';
import { setTimeout as after } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { STSClient } from '@aws-sdk/client-sts';
import { visibleLine } from '../../config/checks/visible.ts';
import type { StageConfig } from '../../config/stage.ts';
import { compareTexts } from '../../functions/shared/compare-texts.ts';
import { GatewayError } from '../../functions/shared/errors.ts';
import { auditEnded } from '../../functions/shared/exchanges/audit-exchange.ts';
import { grantOfExport } from '../../functions/shared/exports/export-id.ts';
import { progressOf } from '../../functions/shared/exports/progress.ts';
import { instant } from '../../functions/shared/instant.ts';
import type { Export } from '../../functions/shared/store/export-item.ts';
import { deleteExport, getExport } from '../../functions/shared/store/exports.ts';
import { noteExportEnded } from '../../functions/shared/store/grants.ts';
import { awsSettings, explainAwsFailure } from '../shared/aws.ts';
import { callerOf, requireAccount } from '../shared/caller.ts';
import { readCommand } from '../shared/command-line.ts';
import { Refusal } from '../shared/errors.ts';
import { findTable } from '../shared/find-table.ts';
import { noteUnknown } from '../shared/note-unknown.ts';
import type { Output } from '../shared/output.ts';
import type { RegistryTable } from '../shared/registry-table.ts';
import { readStage, stageAsFlag } from '../shared/stage-flags.ts';
import { spec, type ExportsCommand } from './flags.ts';
import { lastProblem } from './last-problem.ts';
import { listExports } from './list.ts';
import { planInWords, stateInWords, stateOf, whatIsRead } from './state.ts';

/** What the tool needs that tests replace. */
export interface ExportsToolDeps {
  readonly nowMs: number;
  readonly environment: NodeJS.ProcessEnv;
  readonly output: Pick<Output, 'out' | 'note'>;
}

/** Who acts, and why. */
interface Operator {
  readonly operator: string;
  readonly note: string;
}

type EndCommand = Extract<ExportsCommand, { readonly command: 'end' }>;

/** The permissions that the tool needs. */
const rights =
  'dynamodb:ListTables; dynamodb:Scan and GetItem on the exports table; to end one also DeleteItem there, and UpdateItem on the ' +
  'grants table, or of an exchange PutItem on the audit events; and use of their key';

/** @throws Refusal if there is no such export, or a newer one has replaced it */
const requireExport = async (table: RegistryTable, id: string): Promise<Export> => {
  const isExport = grantOfExport(id) !== undefined;
  const item = await getExport(table, id.slice(0, 22));
  if (item === undefined)
    throw new Refusal(`There is no export ${id} in ${table.name}: it was deleted, has expired, or never existed.`);
  if (isExport && item.exportId !== id)
    throw new Refusal(`There is no export ${id} any more. Its grant has a newer one: ${visibleLine(item.exportId)}`);
  return item;
};

const readsOf = ({ exchange, types, filters, since, until }: Export): string =>
  [
    types === undefined
      ? exchange === undefined
        ? 'all types that the scope allows'
        : 'all that the payer gives'
      : types.toSorted(compareTexts).join(', '),
    ...(filters === undefined ? [] : [`only ${filters.join(', ')}`]),
    ...(since === undefined ? [] : [`changed since ${since}`]),
    ...(until === undefined ? [] : [`until ${until}`]),
  ].join('; ');

const describe = (item: Export, now: number): string =>
  [
    `export    ${visibleLine(item.exportId)}`,
    item.exchange === undefined ? `grant     ${visibleLine(item.grantId)}` : `exchange  ${whatIsRead(item)}`,
    `partner   ${visibleLine(item.partner)}`,
    `payer     ${visibleLine(item.payer)}`,
    `begun     ${instant(item.startedAt)}`,
    `reads     ${visibleLine(readsOf(item))}`,
    `state     ${stateInWords(item, now)}`,
    `progress  ${progressOf(item)}`,
    ...planInWords(item, now).map((words) => `plan      ${words}`),
  ].join('\n');

/** Writes to the audit who ends an export, and why. @throws Refusal if its grant has ended, and with it the export */
const noteEnd = async (
  { client }: RegistryTable,
  { stage }: StageConfig,
  { exchange, exportId, grantId, partner, payer, group }: Export,
  {
    by,
    grantsTable,
    nowMs,
  }: { readonly by: Operator; readonly grantsTable: string | undefined; readonly nowMs: number },
): Promise<void> => {
  const requestId = randomUUID();
  if (exchange !== undefined) {
    const audit = { client, name: await findTable(client, stage, 'AuditEvents') };
    const of = { exportId, exchange, partner, payer, requestId, ...(group === undefined ? {} : { group }) };
    return auditEnded({ audit, clock: { now: () => nowMs } }, of, { by });
  }
  const grants = { client, name: grantsTable ?? (await findTable(client, stage, 'Grants')) };
  if (!(await noteExportEnded(grants, grantId, { now: Math.floor(nowMs / 1000), requestId, by })))
    throw new Refusal('The grant of this export has ended, and its files with it. Nothing was changed.');
};

/** Hours since an export began, for `trace`, which looks back that far. */
const hoursSince = ({ startedAt }: Export, now: number): number => Math.max(1, Math.ceil((now - startedAt) / 3600) + 1);

const endExport = async (
  table: RegistryTable,
  config: StageConfig,
  item: Export,
  { reason, dryRun, grantsTable }: EndCommand,
  { nowMs, environment, output }: ExportsToolDeps,
): Promise<number> => {
  const sts = new STSClient(awsSettings(config, environment, 'operator'));
  try {
    const { arn: operator } = await callerOf(sts, config);
    if (dryRun) {
      output.note(`Would end this export as ${operator}, and delete its files. Nothing was changed.`);
      return 0;
    }
    // First the audit: nothing is ended without a record of who did it.
    await noteEnd(table, config, item, { by: { operator, note: reason }, grantsTable, nowMs });
    const deleted = await deleteExport(table, item);
    if (deleted === undefined)
      throw new Refusal(
        'Meanwhile the export was deleted, or a newer one replaced it. Only the audit was written; show its grant again.',
      );
    const state = stateOf(deleted, Math.floor(nowMs / 1000));
    const isOver = state !== 'running' && state !== 'waiting';
    output.note(
      `Ended this export as ${operator}. ${isOver ? 'Its files are deleted' : 'Its job stops, and what it has read is deleted'}. ` +
        `The partner gets 404 for it, and can begin another.${item.exchange === undefined ? ' To end the grant too: npm run grants -- end' : ''}`,
    );
    return 0;
  } finally {
    sts.destroy();
  }
};

/**
 * Lists exports, shows one, or ends it.
 * @returns the exit code
 * @throws UsageError, Refusal, ConfigError
 */
export const exportsTool = async (args: readonly string[], deps: ExportsToolDeps): Promise<number> => {
  const { nowMs, environment, output } = deps;
  const command = readCommand(spec, args, nowMs);
  const [config, now] = [await readStage(command), Math.floor(nowMs / 1000)];
  await requireAccount(config, environment, 'operator');
  const client = new DynamoDBClient(awsSettings(config, environment, 'operator'));
  try {
    const table = { client, name: command.table ?? (await findTable(client, config.stage, 'Exports')), wait: after };
    if (command.command === 'list') {
      const lines = await listExports(table, command, now);
      for (const line of lines) output.out(line);
      if (lines.length === 1)
        await noteUnknown(config, command, { environment, tool: 'operator', left: 'exports', note: output.note });
      return 0;
    }
    const item = await requireExport(table, command.id);
    output.out(describe(item, now));
    if (command.command === 'end') return await endExport(table, config, item, command, deps);
    output.out(`problem   ${visibleLine(await lastProblem(config, item, environment))}`);
    output.out(
      `trace     npm run trace -- ${visibleLine(item.requestId)} --since ${hoursSince(item, now)}${stageAsFlag(command)}`,
    );
    return 0;
  } catch (error) {
    // The store's own error says that DynamoDB failed; its detail says how.
    if (error instanceof GatewayError)
      throw new Refusal(`A table cannot be used (${error.detail}). The tool needs ${rights}.`);
    throw explainAwsFailure(error, { stage: config.stage, service: 'AWS', rights });
  } finally {
    client.destroy();
  }
};
