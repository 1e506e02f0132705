import type { StageConfig } from '../config/stage.ts';
import { allow } from './statements.ts';
import type { GatewayTables } from './tables.ts';

/** The environment variables of every function that reads the registry. */
export const registryVariables = (
  { stage, lifetimes }: Pick<StageConfig, 'stage' | 'lifetimes'>,
  { registry }: GatewayTables,
): Readonly<Record<string, string>> => ({
  REGISTRY_TABLE: registry.tableName,
  STAGE: stage,
  LIFETIMES: JSON.stringify(lifetimes),
});

/** Its permission: reading an entry by its key. */
export const allowRegistry = ({ registry }: GatewayTables) => allow(['dynamodb:GetItem'], [registry.tableArn]);
