/* The local stack's services, held against what AWS documents. `npm run test:aws` asks moto the same. */
import { declareCases } from '../aws/contract/contract.ts';
import { ofMemory } from '../aws/contract/differences.ts';
import { dynamoCases, type Dynamo } from '../aws/contract/dynamodb.ts';
import { kmsCases } from '../aws/contract/kms.ts';
import { logsCases } from '../aws/contract/logs.ts';
import { s3Cases } from '../aws/contract/s3.ts';
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
  declareCases(kmsCases, () => standIns.kms);
  declareCases(s3Cases, () => standIns.s3);
  declareCases(logsCases, () => standIns.logs);
});

describe('the DynamoDB in memory that tests use', () => {
  const memory: Dynamo = memoryDynamo();
  declareCases(dynamoCases, () => memory, ofMemory);
});
