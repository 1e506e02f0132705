import type { DynamoDBRecord } from 'aws-lambda';
import type { StoredItem } from '../shared/store/items.ts';
import { exportTasks } from './export-tasks.ts';
import { grantTasks } from './grant-tasks.ts';
import type { Task } from './tasks.ts';

const images = ({ dynamodb = {} }: DynamoDBRecord): [StoredItem | undefined, StoredItem | undefined] => [
  dynamodb.OldImage,
  dynamodb.NewImage,
];

/** Both tables have the key `grantId`, and only an export has an export id. */
const isExport = (record: DynamoDBRecord): boolean => images(record).some((image) => image?.['exportId'] !== undefined);

/**
 * The tasks that follow from a stream record of Grants or Exports.
 * @throws Error if it cannot be read; the message quotes no data
 */
export const readRecord = (record: DynamoDBRecord): Task[] => {
  const grantId = record.dynamodb?.Keys?.['grantId']?.S;
  if (grantId === undefined) throw new Error('the record has no grant');
  // Grants also stores used client assertions.
  if (grantId.startsWith('jti.')) return [];
  const [before, after] = images(record);
  if (before === undefined && after === undefined) throw new Error('the record has no image');
  const at = record.dynamodb?.ApproximateCreationDateTime ?? 0;
  return isExport(record) ? exportTasks(before, after, at) : grantTasks(grantId, before, after, at);
};
