/** What exchanges between plans add to functions' variables and permissions. A stage without them has none of it. */
import { Stack, Validations } from 'aws-cdk-lib';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Bucket, CfnBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { Exchanges } from '../functions/shared/registry/types.ts';
import { allow, allowExchangeBoxes, allowKeyForObjects, onlyItems } from './statements.ts';
import type { GatewayTables } from './tables.ts';

/** What a function has more. */
interface Additions {
  readonly variables: Readonly<Record<string, string>>;
  readonly statements: readonly PolicyStatement[];
}

const none: Additions = { variables: {}, statements: [] };

/** System tokens. Nothing else in the table has such an owner. */
const tokens = onlyItems('token#*');

/** Groups, and which exchanges run: their owners are a payer and a partner. */
const ofExchanges = onlyItems('*/*');

const withTable = (
  { exchanges }: GatewayTables,
  add: (tableArn: string) => readonly PolicyStatement[],
  variables: Readonly<Record<string, string>> = {},
): Additions =>
  exchanges === undefined
    ? none
    : {
        variables: { EXCHANGES_TABLE: exchanges.tableName, ...variables },
        statements: add(exchanges.tableArn),
      };

/** `token` issues system tokens, and ends them. */
export const exchangesOfToken = (tables: GatewayTables): Additions =>
  withTable(tables, (table) => [
    allow(['dynamodb:DeleteItem', 'dynamodb:GetItem', 'dynamodb:PutItem'], [table], tokens),
  ]);

/** 13 months, so that a quarterly export finds its Group; and how many exchanges of one partner may run at one payer. */
const usual = { groupDays: 396, mostRunning: 20 } as const satisfies Exchanges;

/** `fetch` accepts exchanges, writes what they ask, and shows a partner its Groups. */
export const exchangesOfFetch = (
  tables: GatewayTables,
  given: Exchanges | undefined,
  { exportsKey, bucket }: { readonly exportsKey: IKey; readonly bucket: Bucket },
): Additions =>
  withTable(
    tables,
    (table) => [
      allow(['dynamodb:GetItem'], [table]),
      allow(['dynamodb:DeleteItem', 'dynamodb:PutItem', 'dynamodb:Query'], [table], ofExchanges),
      allow(['s3:PutObject'], [bucket.arnForObjects('*/input')]),
      allowKeyForObjects(exportsKey),
      allowExchangeBoxes(exportsKey, ['kms:GenerateDataKey'], 'export'),
      allowExchangeBoxes(exportsKey, ['kms:Decrypt'], 'group'),
    ],
    { EXCHANGES: JSON.stringify({ ...usual, ...given }), EXPORTS_BUCKET: bucket.bucketName },
  );

/** `export` opens an exchange's files for whoever shows a system token, and ends the exchange. */
export const exchangesOfExport = (tables: GatewayTables, exportsKey: IKey): Additions =>
  withTable(tables, (table) => [
    allow(['dynamodb:GetItem'], [table], tokens),
    allow(['dynamodb:DeleteItem'], [table], ofExchanges),
    allowExchangeBoxes(exportsKey, ['kms:Decrypt'], 'export'),
  ]);

/** The job asks the former plan with a key of its own, and keeps the Groups. It cannot read them again. */
export const exchangesOfJob = (
  tables: GatewayTables,
  {
    exportsKey,
    bucket,
    secretPrefix,
  }: { readonly exportsKey: IKey; readonly bucket: Bucket; readonly secretPrefix: string },
): Additions =>
  withTable(
    tables,
    (table) => [
      allow(['dynamodb:DeleteItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'], [table], ofExchanges),
      allow(['s3:GetObject'], [bucket.arnForObjects('*/input')]),
      allowExchangeBoxes(exportsKey, ['kms:GenerateDataKey'], 'group'),
    ],
    { EXCHANGE_SECRET_PREFIX: secretPrefix },
  );

/** Accepts, for cdk-nag, that `fetch` puts what an exchange asks. */
export const acknowledgeInput = (fetch: Construct, bucket: Bucket): void => {
  const id = Stack.of(bucket).getLogicalId(bucket.node.defaultChild as CfnBucket);
  Validations.of(fetch).acknowledge({
    id: `AwsSolutions-IAM5[Resource::<${id}.Arn>/*/input]`,
    reason:
      'The name of what an exchange asks begins with the id of the exchange, and exchanges come without a deployment.',
  });
};
