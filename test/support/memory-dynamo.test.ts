import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { memoryDynamo } from './memory-dynamo.ts';

/* `test/sandbox/aws-contract.test.ts` compares it with DynamoDB. */
describe('the memory', () => {
  const put = (dynamo: ReturnType<typeof memoryDynamo>, grantId: string) =>
    dynamo.client
      .send(
        new PutItemCommand({
          TableName: 'Grants',
          Item: { grantId: { S: grantId } },
          ConditionExpression: 'attribute_not_exists(grantId)',
        }),
      )
      .then(
        () => 'written',
        ({ name }: Error) => name,
      );

  it('answers no read that may be stale, since such a read decides nothing', async () => {
    const { client } = memoryDynamo();
    for (const more of [{}, { ConsistentRead: false }]) {
      const stale = new GetItemCommand({ TableName: 'Grants', Key: { grantId: { S: 'grant-1' } }, ...more });
      await expect(client.send(stale)).rejects.toThrow('strongly consistent');
    }
  });

  it('sends a write again where it is told to, so that the second finds the first', async () => {
    const dynamo = memoryDynamo();
    dynamo.repeatNext('PutItem');
    expect([await put(dynamo, 'a'), await put(dynamo, 'b')]).toEqual(['ConditionalCheckFailedException', 'written']);
    dynamo.repeatWrite(1);
    expect([await put(dynamo, 'c'), await put(dynamo, 'd'), await put(dynamo, 'e')]).toEqual([
      'written',
      'ConditionalCheckFailedException',
      'written',
    ]);
    expect([...dynamo.items('Grants').keys()]).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('fails once where it is told to, before the write or after it', async () => {
    const dynamo = memoryDynamo();
    dynamo.failNext('PutItem', Object.assign(new Error(), { name: 'Before' }));
    dynamo.failNext('PutItem', Object.assign(new Error(), { name: 'After' }), { after: true });
    expect([await put(dynamo, 'a'), await put(dynamo, 'b'), await put(dynamo, 'c')]).toEqual([
      'Before',
      'After',
      'written',
    ]);
    expect([...dynamo.items('Grants').keys()]).toEqual(['b', 'c']);
  });
});
