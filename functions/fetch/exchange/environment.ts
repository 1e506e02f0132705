import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { exchangesTable } from '../../shared/deps.ts';
import { requireEnvironment } from '../../shared/environment.ts';
import type { OpenInJob } from '../../shared/exports/seal-for-job.ts';
import type { Exchanges } from '../../shared/registry/types.ts';
import type { Table } from '../../shared/store/dynamo.ts';
import type { ExchangeDeps } from './deps.ts';

/** What exchanges need of the environment; nothing in a stage without them. */
export const exchangeFromEnvironment = (
  client: DynamoDBClient,
  own: { readonly audit: Table; readonly openInJob: OpenInJob },
): { readonly exchange?: ExchangeDeps } => {
  const exchanges = exchangesTable(client);
  if (exchanges === undefined) return {};
  return { exchange: { ...own, exchanges, ...(JSON.parse(requireEnvironment('EXCHANGES')) as Exchanges) } };
};
