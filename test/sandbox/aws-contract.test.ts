/* The local stack's services, held against what AWS documents. `npm run test:aws` asks moto the same. */
import { declareCases } from '../aws/contract/contract.ts';
import { ofMemory } from '../aws/contract/differences.ts';
import { dynamoCases, type Dynamo } from '../aws/contract/dynamodb.ts';
import { secretCases } from '../aws/contract/secrets-manager.ts';
import { startStandIns, type StandIns } from '../aws/contract/stand-ins.ts';
import { memoryDynamo } from '../support/memory-dynamo.ts';

let standIns: StandIns;
beforeAll(async () => {
  standIns = await startStandIns();
});
afterAll(() => standIns.close());

describe('the local stack', () => {
  declareCases(dynamoCases, () => standIns.dynamo);
  declareCases(secretCases, () => standIns.secrets);
});

describe('the DynamoDB in memory that tests use', () => {
  const memory: Dynamo = memoryDynamo();
  declareCases(dynamoCases, () => memory, ofMemory);
});
