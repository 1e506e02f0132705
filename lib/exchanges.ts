/** What exchanges between plans add to functions' variables and permissions. A stage without them has none of it. */
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Exchanges } from '../functions/shared/registry/types.ts';
import { allow, allowExchangeBoxes, onlyItems } from './statements.ts';
import type { GatewayTables } from './tables.ts';

/** What a function has in addition. */
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

/** `fetch` accepts exchanges, keeps what they ask, and shows a partner its Groups. */
export const exchangesOfFetch = (
  tables: GatewayTables,
  exchanges: Exchanges | undefined,
  exportsKey: IKey,
): Additions =>
  withTable(
    tables,
    (table) => [
      allow(['dynamodb:GetItem'], [table]),
      allow(['dynamodb:DeleteItem', 'dynamodb:PutItem', 'dynamodb:Query'], [table], ofExchanges),
      allowExchangeBoxes(exportsKey, ['kms:GenerateDataKey'], 'export'),
      allowExchangeBoxes(exportsKey, ['kms:Decrypt'], 'group'),
    ],
    { EXCHANGES: JSON.stringify(exchanges) },
  );

/** `export` opens an exchange's files for whoever shows a system token. */
export const exchangesOfExport = (tables: GatewayTables, exportsKey: IKey): Additions =>
  withTable(tables, (table) => [
    allow(['dynamodb:GetItem'], [table], tokens),
    allowExchangeBoxes(exportsKey, ['kms:Decrypt'], 'export'),
  ]);

/** The job asks the former plan with a key of its own, and keeps the Groups. It cannot open them again. */
export const exchangesOfJob = (tables: GatewayTables, exportsKey: IKey, secretPrefix: string): Additions =>
  withTable(
    tables,
    (table) => [
      allow(
        ['dynamodb:DeleteItem', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
        [table],
        ofExchanges,
      ),
      allowExchangeBoxes(exportsKey, ['kms:GenerateDataKey'], 'group'),
    ],
    { EXCHANGE_SECRET_PREFIX: secretPrefix },
  );
