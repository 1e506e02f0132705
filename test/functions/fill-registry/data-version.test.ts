import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import { fillRegistryHandler } from '../../../functions/fill-registry/handler.ts';
import { dataVersion, dataVersionSince } from '../../../functions/shared/registry/data-version.ts';
import { newEntryItem, readEntryItem } from '../../../functions/shared/registry/entry-items.ts';
import { memoryDynamo } from '../../support/memory-dynamo.ts';

const startMs = 1_780_315_200_000;
const arn = 'arn:aws:lambda:us-east-1:111122223333:function:p2p-gateway-local-FillRegistry';
const by = { changedAt: 1_770_000_000, changedBy: arn, reason: 'an earlier deployment' };

/** The item that code with another data version left. */
const leftBy = (number: number, since: string): Record<string, AttributeValue> => ({
  ...newEntryItem('dataVersion', { number, since }, by),
  version: { N: String(number) },
});
const newer = leftBy(dataVersion + 1, '0.9.0');

interface Asked {
  readonly type?: 'Create' | 'Update' | 'Delete';
  readonly allowOlder?: string;
}

/** A deployment's check over a table in memory. */
const checking = (left?: Record<string, AttributeValue>) => {
  const dynamo = memoryDynamo();
  const items = dynamo.items('Registry');
  if (left !== undefined) items.set('dataVersion', left);
  const answers: { readonly Status: string; readonly Reason: string }[] = [];
  const handle = fillRegistryHandler({
    clock: { now: () => startMs, monotonic: () => 0 },
    random: () => 0,
    wait: async () => {},
    put: async (_url, text) => {
      answers.push(JSON.parse(text) as (typeof answers)[number]);
      return 200;
    },
    open: () => ({
      table: { client: dynamo.client, name: 'Registry' },
      registry: { stage: 'local', payers: [], partners: [] } as never,
    }),
    writeLog: () => {},
  });
  const check = async ({ type = 'Create', allowOlder }: Asked = {}) => {
    const event = {
      RequestType: type,
      ResponseURL: 'https://answers.example.org/stack',
      StackId: 'stack',
      RequestId: 'request',
      LogicalResourceId: `RegistryFillDataVersion${dataVersion}`,
      ResourceType: 'Custom::DataVersion',
      ResourceProperties: { ServiceToken: arn, ...(allowOlder === undefined ? {} : { AllowOlder: allowOlder }) },
    } as unknown as CloudFormationCustomResourceEvent;
    await handle(event, {
      awsRequestId: 'check-1',
      invokedFunctionArn: arn,
      getRemainingTimeInMillis: () => 14 * 60_000,
    });
    return answers.at(-1);
  };
  return { check, dynamo, item: () => items.get('dataVersion'), size: () => items.size };
};

describe('a deployment of code', () => {
  it.each([
    ['over a new table', undefined],
    ['that is newer than what the table holds', leftBy(dataVersion - 1, '0.1.5')],
  ])('%s writes its data version, who did it and why', async (_over, left) => {
    const { check, item } = checking(left);

    expect(await check()).toMatchObject({
      Status: 'SUCCESS',
      Reason: `The tables have data version ${dataVersion}.`,
    });
    expect(readEntryItem(item() ?? {})).toMatchObject({
      version: dataVersion,
      entry: { number: dataVersion, since: dataVersionSince },
      damaged: false,
      changedAt: startMs / 1000,
      changedBy: arn,
      reason: `deployment of version ${dataVersionSince} or later`,
    });
  });

  it('with the same data version, or a call that CloudFormation repeats, writes nothing more', async () => {
    const { check, item, size } = checking();
    await check();
    const written = item();

    expect(await check()).toMatchObject({ Status: 'SUCCESS' });
    expect(item()).toBe(written);
    expect(size()).toBe(1);
  });

  it('that is older than what the tables hold is refused, says what to do, and changes nothing', async () => {
    const { check, item, size } = checking(newer);

    expect(await check()).toEqual(
      expect.objectContaining({
        Status: 'FAILED',
        Reason:
          `Version 0.9.0 of the gateway, or a later one, has written to this stage's tables (data version ${dataVersion + 1}). ` +
          `The code of this deployment is older (data version ${dataVersion}) and may end or lose what was written. ` +
          'No table and no function that serves requests was changed. Deploy 0.9.0 or later, or go back as docs/upgrade.md ' +
          `of 0.9.0 says, with -c allowOlder=${dataVersion + 1}.`,
      }),
    );
    expect(item()).toBe(newer);
    expect(size()).toBe(1);
  });

  it('that is older goes on where the operator allows that data version, which stays as it is', async () => {
    const { check, item } = checking(newer);

    expect(await check({ allowOlder: String(dataVersion + 1) })).toMatchObject({
      Status: 'SUCCESS',
      Reason: `Data version ${dataVersion} runs over ${dataVersion + 1}, as was allowed.`,
    });
    expect(item()).toBe(newer);
  });

  it.each([String(dataVersion + 2), String(dataVersion), '', '3x', '1e9'])(
    'that is older is refused where "%s" is allowed, and the tables hold another',
    async (allowOlder) => {
      expect(await checking(leftBy(dataVersion + 1, '0.9.0')).check({ allowOlder })).toMatchObject({
        Status: 'FAILED',
      });
    },
  );
});

describe('the check of the data version', () => {
  it.each(['Update', 'Delete'] as const)(
    'of an %s is none, over whatever table, so that no rollback of CloudFormation’s is refused',
    async (type) => {
      const { check, dynamo, item } = checking(newer);
      dynamo.standIn('GetItem', () => Promise.reject(new Error('not to be called')));

      expect(await check({ type })).toMatchObject({
        Status: 'SUCCESS',
        Reason: 'Only another data version is checked.',
      });
      expect(item()).toBe(newer);
    },
  );

  it.each([
    ['its number', { ...newer, version: { N: '1' } }],
    ['its entry', { ...newer, entry: { S: '{"number":1}' } }],
    ['everything but its key', { entryId: { S: 'dataVersion' } }],
  ])('refuses an item that was changed by hand in %s', async (_what, left) => {
    const { check, item } = checking(left);

    expect(await check()).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining('the item "dataVersion" of the table Registry was changed by hand') as string,
    });
    expect(item()).toBe(left);
  });

  it.each(['GetItem', 'PutItem'] as const)('that %s refuses fails with its cause, after ten tries', async (name) => {
    const { check, dynamo } = checking();
    let calls = 0;
    dynamo.standIn(name, () => {
      calls += 1;
      return Promise.reject(Object.assign(new Error('quotes a canary'), { name: 'AccessDeniedException' }));
    });

    expect(await check()).toMatchObject({
      Status: 'FAILED',
      Reason: 'The data version of the tables was not checked: DynamoDB answers AccessDeniedException. Deploy again.',
    });
    expect(calls).toBe(10);
  });

  it('counts a put whose answer was lost', async () => {
    const { check, dynamo, item } = checking();
    dynamo.failNext('PutItem', Object.assign(new Error('lost'), { name: 'TimeoutError' }), { after: true });

    expect(await check()).toMatchObject({ Status: 'SUCCESS' });
    expect(item()?.['version']).toEqual({ N: String(dataVersion) });
  });
});
