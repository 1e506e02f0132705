import { DeleteItemCommand, DynamoDBClient, ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { eventually } from '../support/eventually.ts';
import type { RunningStack } from './support.ts';

/** What a running stack lets its tests see and do. It changes the registry by hand, and puts it right again. */
export const handles = (running: () => RunningStack): void => {
  it('shows the effect of a payer that is down, and only of that one', async () => {
    await running().stopPayer('northwind');
    await expect(fetch(running().urls.northwind)).rejects.toThrow('fetch failed');
    expect((await fetch(running().urls.demoHealthPlan)).status).toBe(200);

    await running().startPayer('northwind');
    expect((await fetch(running().urls.northwind)).status).toBe(200);
    await expect(running().stopPayer('nobody')).rejects.toThrow('The sandbox has no payer nobody');
  });

  it('knows which AWS calls its functions made', async () => {
    const query = new URLSearchParams({
      client_id: 'demo-partner',
      redirect_uri: `${running().urls.partner}/callback`,
    });
    const authorize = async () => {
      running().clearCalls();
      await fetch(`${running().origin}/oauth2/authorize/northwind?${query}`, { redirect: 'manual' });
      return running()
        .calls()
        .filter((call) => call.function === 'authorize');
    };
    const read = { function: 'authorize', action: 'dynamodb:GetItem', resource: running().tables['registry'] };
    const write = { function: 'authorize', action: 'dynamodb:PutItem', resource: running().tables['loginAttempts'] };

    const environments = () => running().pids()['authorize'] ?? [];
    for (const pid of environments()) process.kill(pid, 'SIGKILL');
    await eventually(() => environments().length === 0);

    // A new environment reads the payer and the partner; for twenty seconds, it then has both.
    expect(await authorize()).toEqual([read, read, write]);
    expect(await authorize()).toEqual([write]);
  });

  it('fills the registry once: a repeated first deployment and a later one change nothing in it', async () => {
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const client = new DynamoDBClient({ endpoint: running().awsEndpoint, region: 'us-east-1', credentials });
    const TableName = running().tables['registry'];
    const itemsNow = async () =>
      (await client.send(new ScanCommand({ TableName, ConsistentRead: true }))).Items?.map((item) =>
        JSON.stringify(item),
      );
    const change = { ':reason': { S: 'changed by a person' }, ':version': { N: '2' } };
    await client.send(
      new UpdateItemCommand({
        TableName,
        Key: { entryId: { S: 'payer#northwind' } },
        UpdateExpression: 'SET reason = :reason, version = :version',
        ExpressionAttributeValues: change,
      }),
    );
    await client.send(new DeleteItemCommand({ TableName, Key: { entryId: { S: 'partner#third-party-app' } } }));
    const before = await itemsNow();

    await running().requestCustomResources('Update');
    expect(await itemsNow()).toEqual(before);
    await running().requestCustomResources('Create');
    const after = (await itemsNow()) ?? [];
    // Only what is missing is put again.
    expect(after.filter((item) => !before?.includes(item))).toEqual([
      expect.stringContaining('partner#third-party-app'),
    ]);
    expect(after).toContain(before?.find((item) => item.includes('changed by a person')));
    expect(running().pids()['fillRegistry']).toEqual([]);
    client.destroy();
  });

  it('refuses to invoke an unknown function', async () => {
    await expect(running().invoke('nobody', {})).rejects.toThrow('The stack has no function nobody');
  });
};
