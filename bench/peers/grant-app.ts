import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import grant from 'grant';
import { dynamoClient } from '../../functions/shared/store/dynamo.ts';

/** grant's sessions in DynamoDB, over the same client as ours. */
const sessionStore = (table: string) => {
  const client = dynamoClient();
  return {
    get: async (sid: string): Promise<unknown> => {
      const { Item } = await client.send(
        new GetItemCommand({ TableName: table, Key: { sid: { S: sid } }, ConsistentRead: true }),
      );
      return Item?.['session']?.S === undefined ? undefined : JSON.parse(Item['session'].S);
    },
    set: async (sid: string, session: unknown): Promise<void> => {
      const item = { sid: { S: sid }, session: { S: JSON.stringify(session) } };
      await client.send(new PutItemCommand({ TableName: table, Item: item }));
    },
  };
};

/** grant on Lambda, in front of one payer, with its state in DynamoDB. */
export const grantHandler = (payerOrigin: string, table: string) =>
  grant.default.aws({
    config: {
      defaults: { origin: 'https://gateway.example.org', transport: 'session' },
      payer: {
        oauth: 2,
        authorize_url: `${payerOrigin}/oauth2/authorize`,
        access_url: `${payerOrigin}/oauth2/token`,
        key: 'gateway',
        secret: 'no secret',
        scope: ['launch/patient', 'patient/*.rs', 'offline_access'],
        state: true,
        pkce: true,
        callback: 'https://partner.example.org/callback',
      },
    },
    session: { secret: 'no secret', store: sessionStore(table) },
  });
