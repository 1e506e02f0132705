import { paginateListTables, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Refusal } from './errors.ts';

/** The stage has no such table: it is not deployed, or was deployed before there was one. */
export class NoTable extends Refusal {}

/**
 * Finds a table by the name that the stack gives it: `p2p-gateway-{stage}-Tables{construct}…`.
 * @throws NoTable, or Refusal if there is more than one
 */
export const findTable = async (client: DynamoDBClient, stage: string, construct: string): Promise<string> => {
  const prefix = `p2p-gateway-${stage}-Tables${construct}`;
  const names: string[] = [];
  for await (const { TableNames = [] } of paginateListTables({ client }, {})) {
    names.push(...TableNames.filter((name) => name.startsWith(prefix)));
  }
  const [name, ...others] = names;
  if (name === undefined)
    throw new NoTable(
      stage === 'local'
        ? `The local stack has no table ${prefix}… yet. Run \`npm start\`, and wait until it has started.`
        : `There is no table ${prefix}… in this account and region. Deploy the stage, or give --table.`,
    );
  if (others.length > 0) throw new Refusal(`Give --table, one of: ${names.join(', ')}`);
  return name;
};
