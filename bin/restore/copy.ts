import { DescribeTableCommand, ResourceNotFoundException, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { instant } from '../../functions/shared/instant.ts';
import type { Table } from '../../functions/shared/store/dynamo.ts';
import { Refusal } from '../shared/errors.ts';

/** A table as it was at some time, in a table of its own. */
export interface Copy extends Table {
  /** What it holds is of this second, epoch seconds. */
  readonly point: number;
  /** How many items it has, as far as AWS has counted. */
  readonly items: number;
}

interface Asked {
  readonly from: string;
  /** Epoch seconds. */
  readonly since: number | undefined;
  /** The table that was copied. */
  readonly original: string;
  /** Begins the names of the stage's tables of this kind, under earlier ids too. */
  readonly prefix: string;
  readonly key: string;
}

/**
 * The time of the copy: what AWS says, or `--since` if that is earlier. A later one would overlook what happened in
 * between.
 */
const pointOf = (restoredAt: Date | undefined, { from, since }: Asked): number => {
  if (restoredAt === undefined) {
    if (since !== undefined) return since;
    throw new Refusal(`AWS does not say of which time ${from} is a copy. Give --since TIME, or an earlier time.`);
  }
  const point = Math.floor(restoredAt.getTime() / 1000);
  if (since !== undefined && since > point) {
    throw new Refusal(`${from} is a copy of ${instant(point)}, so --since must not be later. Leave --since out.`);
  }
  return since ?? point;
};

/**
 * Opens a copy of a table.
 * @throws Refusal if there is none, it is not ready, or it is of another table
 */
export const openCopy = async (client: DynamoDBClient, asked: Asked): Promise<Copy> => {
  const { from, original, prefix, key } = asked;
  if (from === original) throw new Refusal(`--from is the stage's own table. Give the copy that AWS has restored.`);
  const { Table: table } = await client.send(new DescribeTableCommand({ TableName: from })).catch((error: unknown) => {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    throw new Refusal(`There is no table ${from} in this account and region.`);
  });
  const { RestoreSummary: summary, TableStatus: status, KeySchema: keys = [], ItemCount: items = 0 } = table ?? {};
  if (summary?.RestoreInProgress === true || (status !== undefined && status !== 'ACTIVE')) {
    throw new Refusal(`${from} is still being restored (${status}). Run the same command again once it is there.`);
  }
  if (keys.length !== 1 || keys[0]?.AttributeName !== key) {
    throw new Refusal(`${from} is no copy of ${original}: its key is another.`);
  }
  const source = summary?.SourceTableArn?.split('/').at(-1);
  if (source !== undefined && source !== original && !source.startsWith(prefix)) {
    throw new Refusal(`${from} is a copy of ${source}, not of a table of this stage.`);
  }
  return { client, name: from, point: pointOf(summary?.RestoreDateTime, asked), items };
};
