/* Moto, held against what AWS documents, as `test/sandbox/aws-contract.test.ts` holds the local stack. */
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { declareCases } from './contract/contract.ts';
import { ofMoto } from './contract/differences.ts';
import { dynamoCases, tables, type Dynamo } from './contract/dynamodb.ts';
import { secretCases } from './contract/secrets-manager.ts';
import { motoServer } from './moto.ts';

const moto = motoServer();
let dynamo: Dynamo;
let secrets: SecretsManagerClient;
beforeAll(async () => {
  dynamo = { client: new DynamoDBClient({ ...moto.settings(), maxAttempts: 1 }) };
  secrets = new SecretsManagerClient({ ...moto.settings(), maxAttempts: 1 });
  for (const { physicalName: TableName, keySchema, attributeDefinitions, indexes } of tables) {
    await dynamo.client.send(
      new CreateTableCommand({
        TableName,
        KeySchema: [...keySchema],
        AttributeDefinitions: [...attributeDefinitions],
        BillingMode: 'PAY_PER_REQUEST',
        GlobalSecondaryIndexes: indexes as never,
      }),
    );
  }
});
afterAll(() => {
  for (const client of [dynamo.client, secrets]) client.destroy();
});

describe('moto', () => {
  declareCases(dynamoCases, () => dynamo, ofMoto.dynamoDb);
  declareCases(secretCases, () => secrets, ofMoto.secretsManager);
});
