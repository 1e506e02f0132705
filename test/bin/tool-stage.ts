import { BatchWriteItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { DynamoDBRecord } from 'aws-lambda';
import type { RegistryTable } from '../../bin/shared/registry-table.ts';
import { registryData } from '../../config/checks/load.ts';
import { localStage } from '../../config/local.ts';
import type { StageConfig } from '../../config/stage.ts';
import { entriesOf, newEntryItem } from '../../functions/shared/registry/entry-items.ts';
import type { Table } from '../../functions/shared/store/dynamo.ts';
import type { TableSpec } from '../../sandbox/aws/template-data.ts';
import { startMs } from '../support/gateway.ts';
import { answeringAws, ownKey } from './answering-aws.ts';

const keys = {
  Registry: 'entryId',
  Grants: 'grantId',
  AuditEvents: 'eventId',
  Exports: 'grantId',
  Limits: 'limitId',
  Exchanges: 'owner',
};

// What tries again is then the tool itself, with its own pauses, and never the SDK.
process.env['AWS_MAX_ATTEMPTS'] = '1';

/** A table of stage local by the name of its construct. */
export const tableOf = (name: keyof typeof keys, more: Partial<TableSpec> = {}): TableSpec => ({
  name,
  physicalName: `p2p-gateway-local-Tables${name}1`,
  keySchema: [{ AttributeName: keys[name], KeyType: 'HASH' }],
  attributeDefinitions: [{ AttributeName: keys[name], AttributeType: 'S' }],
  ...more,
});

/** The table Exchanges of stage local. */
export const exchangesTable = tableOf('Exchanges', {
  keySchema: [
    { AttributeName: 'owner', KeyType: 'HASH' },
    { AttributeName: 'name', KeyType: 'RANGE' },
  ],
  attributeDefinitions: [
    { AttributeName: 'owner', AttributeType: 'S' },
    { AttributeName: 'name', AttributeType: 'S' },
  ],
});

/**
 * Stage local as tools find it: these tables in stand-ins for AWS.
 * @param onRecord gets what the streams of the tables have
 */
export const toolStage = async (
  tables: readonly TableSpec[],
  onRecord: (record: DynamoDBRecord) => void = () => {},
) => {
  const aws = await answeringAws();
  await aws.dynamoDb.createTables(tables, onRecord);
  const settings = { endpoint: aws.url, region: 'us-east-1', credentials: ownKey };
  const client = new DynamoDBClient(settings);
  const table = (name: keyof typeof keys): Table => ({ client, name: tableOf(name).physicalName });
  const registry: RegistryTable = { ...table('Registry'), wait: async () => {} };
  return {
    aws,
    settings,
    client,
    table,
    registry,
    /** Fills the registry as the first deployment does. */
    fill: async (stage: StageConfig = localStage()): Promise<void> => {
      const first = { changedAt: startMs / 1000 - 3600, changedBy: 'arn:first', reason: 'first deployment' };
      const puts = [...entriesOf(registryData(stage))].map(([entryId, entry]) => ({
        PutRequest: { Item: newEntryItem(entryId, entry, first) },
      }));
      // DynamoDB takes 25 in a call.
      for (const some of [puts.slice(0, 25), puts.slice(25)]) {
        await client.send(new BatchWriteItemCommand({ RequestItems: { [registry.name]: some } }));
      }
    },
    close: async (): Promise<void> => {
      client.destroy();
      await aws.close();
    },
  };
};

/**
 * What a tool prints and asks.
 * @param answers of the person at the terminal, in order, or what gives one. @default no terminal
 */
export const listening = (answers?: readonly (string | (() => Promise<string>))[]) => {
  const [out, told, shown, asked] = [[], [], [], []] as [string[], string[], string[], string[]];
  const left = [...(answers ?? [])];
  return {
    out,
    told,
    shown,
    asked,
    output: {
      out: (text: string) => void out.push(text),
      note: (text: string) => void told.push(text),
      secret: (text: string) => void shown.push(text),
    },
    ask:
      answers &&
      (async (question: string): Promise<string> => {
        asked.push(question);
        const next = left.shift() ?? '';
        return typeof next === 'string' ? next : next();
      }),
  };
};
