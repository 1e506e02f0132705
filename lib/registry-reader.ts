import type { StageConfig } from '../config/stage.ts';
import { allow } from './statements.ts';
import type { GatewayTables } from './tables.ts';

/** What every function that reads the registry is told. */
export const registryVariables = (
  { stage, lifetimes }: Pick<StageConfig, 'stage' | 'lifetimes'>,
  { registry }: GatewayTables,
): Readonly<Record<string, string>> => ({
  REGISTRY_TABLE: registry.tableName,
  STAGE: stage,
  LIFETIMES: JSON.stringify(lifetimes),
});

/** What it may do: read an entry by its key. */
export const allowRegistry = ({ registry }: GatewayTables) => allow(['dynamodb:GetItem'], [registry.tableArn]);
