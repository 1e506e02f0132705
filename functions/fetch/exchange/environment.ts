import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { exchangesTable } from '../../shared/exchanges-table.ts';
import type { OpenInJob } from '../../shared/exports/seal-for-job.ts';
import type { Exchanges } from '../../shared/registry/types.ts';
import type { Table } from '../../shared/store/dynamo.ts';
import type { ExchangeDeps } from './deps.ts';

/** 13 months: a quarterly export finds the Group for a year. */
const usualGroupDays = 396;
const usualMostRunning = 20;

/** What exchanges need of the environment; nothing in a stage without them. */
export const exchangeFromEnvironment = (
  client: DynamoDBClient,
  own: { readonly audit: Table; readonly openInJob: OpenInJob },
): { readonly exchange?: ExchangeDeps } => {
  const exchanges = exchangesTable(client);
  if (exchanges === undefined) return {};
  const settings = JSON.parse(process.env['EXCHANGES'] ?? '{}') as Exchanges;
  const { groupDays = usualGroupDays, mostRunning = usualMostRunning } = settings;
  return { exchange: { ...own, exchanges, groupDays, mostRunning } };
};
