import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { jest } from '@jest/globals';
import { registryData } from '../../config/checks/load.ts';
import { localStage } from '../../config/local.ts';
import { entriesOf, newEntryItem } from '../../functions/shared/registry/entry-items.ts';
import { memoryDynamo } from '../support/memory-dynamo.ts';
import { registryTool } from './registry-tool.ts';

const local = localStage();

/** A national network: 5,000 payers and 1,000 partners that read from ten each. */
const network = (name: string) => ({
  ...local,
  payers: Array.from({ length: 5000 }, (_, number) =>
    Object.assign({}, local.payers[0], {
      id: `plan-${number}`,
      displayName: `${name} ${number}`,
      brand: Object.assign({}, local.payers[0]?.brand, { otherNames: [`Former ${name} ${number}`] }),
      fhirBaseUrl: `https://plan-${number}.example/r4`,
    }),
  ),
  partners: Array.from({ length: 1000 }, (_, number) =>
    Object.assign({}, local.partners[1], {
      clientId: `app-${number}`,
      payers: Array.from({ length: 10 }, (_one, at) => `plan-${(number * 5 + at) % 5000}`),
      webOrigins: [`https://app-${number}.example`],
    }),
  ),
});

describe('a file with 5,000 payers and 1,000 partners', () => {
  afterEach(() => jest.restoreAllMocks());

  it('is applied with two calls a change at most, 32 writes at a time, and draws how far it is', async () => {
    const tool = await registryTool();
    const dynamo = memoryDynamo();
    const first = { changedAt: 1, changedBy: 'first', reason: 'first deployment' };
    const before = network('Plan');
    for (const [entryId, entry] of entriesOf(registryData(before))) {
      dynamo.items('many').set(entryId, newEntryItem(entryId, entry, first));
    }
    const send = dynamo.client.send.bind(dynamo.client) as (command: unknown) => Promise<object>;
    let [atOnce, most] = [0, 0];
    const counted = async (command: object): Promise<object> => {
      if (command.constructor.name !== 'UpdateItemCommand') return send(command);
      most = Math.max(most, (atOnce += 1));
      const answer = await send(command);
      atOnce -= 1;
      return answer;
    };
    jest.spyOn(DynamoDBClient.prototype, 'send').mockImplementation(counted as never);
    try {
      await tool.write(network('Health Plan'));
      dynamo.calls();

      const { code, drawn, out } = await tool.run('apply', ['--reason', 'x', '--table', 'many'], { answers: [] });

      expect(code).toBe(0);
      expect(out).toContain('5000 changed.');
      expect(drawn).toMatch(/\[#+\.*\] \d+ of 5000/);
      expect(dynamo.calls().length).toBeLessThan(10_000);
      expect(most).toBe(32);
      expect((await tool.run('diff', ['--table', 'many'])).code).toBe(0);
    } finally {
      jest.restoreAllMocks();
      await tool.close();
    }
  });
});
