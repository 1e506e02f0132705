import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaClient, paginateListFunctions } from '@aws-sdk/client-lambda';
import type { StageConfig } from '../../config/stage.ts';
import type { Partner } from '../../functions/shared/registry/types.ts';
import { awsSettings, explainAwsFailure } from '../shared/aws.ts';
import { damagedEntry } from '../shared/damaged-entry.ts';
import { Refusal } from '../shared/errors.ts';
import { openRegistryTable, type RegistryTable } from '../shared/registry-table.ts';
import { findItem } from '../shared/stop-tool.ts';
import { partnerBlock } from './block.ts';

/** A partner in the registry. */
interface Found {
  readonly clientId: string;
  /** Its name and id, for messages. */
  readonly called: string;
  readonly webhook: string | undefined;
  readonly isBlocked: boolean;
}

/** What the commands about events need of a stage. */
export interface OpenEvents {
  readonly config: StageConfig;
  readonly partner: Found;
  readonly dynamo: DynamoDBClient;
  readonly lambda: LambdaClient;
}

const rights =
  'dynamodb:ListTables; dynamodb:GetItem and Scan on the registry table; dynamodb:GetItem and DeleteItem on the limits ' +
  'table; lambda:ListFunctions; lambda:InvokeFunction, ListDurableExecutionsByFunction and GetDurableExecution on the ' +
  'function Events/Deliver; and use of their keys';

const findPartner = async (table: RegistryTable, nameOrId: string, stage: string): Promise<Found> => {
  const { id, name, item } = await findItem({ table }, partnerBlock, nameOrId, stage);
  if (item.damaged) throw new Refusal(damagedEntry(id));
  const { webhook } = (item.entry ?? {}) as Partial<Partner>;
  const called = name === undefined || name === id ? id : `${name} (${id})`;
  return { clientId: id, called, webhook, isBlocked: partnerBlock.holds(item.stop, 0) };
};

/**
 * Finds a partner in a stage's registry, and runs the work with it and with open clients.
 * @throws Refusal
 */
export const withEvents = async <T>(
  config: StageConfig,
  nameOrId: string,
  environment: NodeJS.ProcessEnv,
  work: (open: OpenEvents) => Promise<T>,
): Promise<T> => {
  const registry = await openRegistryTable(config, { environment, tool: 'partners' });
  const lambda = new LambdaClient(awsSettings(config, environment, 'partners'));
  try {
    const partner = await findPartner(registry.table, nameOrId, config.stage);
    return await work({ config, partner, dynamo: registry.table.client, lambda });
  } catch (error) {
    throw explainAwsFailure(error, { stage: config.stage, service: 'AWS', rights });
  } finally {
    lambda.destroy();
    registry.close();
  }
};

/**
 * Finds the version of `deliver` that the stage uses now, in the environment of `follow-up`. Functions are not looked
 * up by name, since their names may be shortened.
 * @returns its ARN
 * @throws Refusal if the stage has none
 */
export const findDeliver = async ({ lambda, config }: Pick<OpenEvents, 'lambda' | 'config'>): Promise<string> => {
  for await (const { Functions = [] } of paginateListFunctions({ client: lambda }, {})) {
    for (const { Environment } of Functions) {
      const { STAGE: stage, DELIVER: deliver } = Environment?.Variables ?? {};
      if (stage === config.stage && deliver !== undefined) return deliver;
    }
  }
  throw new Refusal(
    config.stage === 'local'
      ? 'The local stack delivers no events yet. Run `npm start`, and wait until it has started.'
      : `Stage ${config.stage} delivers no events in this account and region. Deploy it, or check account and region.`,
  );
};
