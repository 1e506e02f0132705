import { ResourceNotFoundException, type AttributeValue } from '@aws-sdk/client-dynamodb';
import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import { readOne } from '../../../bin/shared/registry-table.ts';
import { stopNow } from '../../../bin/shared/stop-entry.ts';
import { registryData } from '../../../config/checks/load.ts';
import { localStage } from '../../../config/local.ts';
import { fillRegistryHandler } from '../../../functions/fill-registry/handler.ts';
import { backOff } from '../../../functions/fill-registry/try-again.ts';
import { dataVersion, dataVersionSince } from '../../../functions/shared/registry/data-version.ts';
import { entriesOf, newEntryItem, readEntryItem } from '../../../functions/shared/registry/entry-items.ts';
import { isPaused } from '../../../functions/shared/registry/stops.ts';
import type { RegistryData } from '../../../functions/shared/registry/types.ts';
import { sha256 } from '../../../functions/shared/store/crypto.ts';
import { memoryDynamo } from '../../support/memory-dynamo.ts';

const startMs = 1_780_315_200_000;
const arn = 'arn:aws:lambda:us-east-1:111122223333:function:p2p-gateway-local-FillRegistry';
const url = 'https://answers.example.org/stack?X-Amz-Signature=canary';
const registry = registryData(localStage());
const total = entriesOf(registry).size;

const eventOf = (type: 'Create' | 'Update' | 'Delete'): CloudFormationCustomResourceEvent =>
  ({
    RequestType: type,
    ResponseURL: url,
    StackId: 'arn:aws:cloudformation:us-east-1:111122223333:stack/p2p-gateway-local/1',
    RequestId: `request-${type}`,
    LogicalResourceId: 'RegistryFillRegistry1A2B3C4D',
    ResourceType: 'Custom::RegistryFill',
    ServiceToken: arn,
    ResourceProperties: { ServiceToken: arn },
    ...(type === 'Create' ? {} : { PhysicalResourceId: 'given-by-the-first-deployment', OldResourceProperties: {} }),
  }) as CloudFormationCustomResourceEvent;

const failure = (name: string): Error => Object.assign(new Error('quotes a canary'), { name });

/** Time that passes only while everything waits: the next timer that is due ends, at once. */
const stoppedClock = () => {
  let nowMs = 0;
  const timers: { readonly at: number; readonly end: () => void }[] = [];
  const endNext = (): void => {
    timers.sort((a, b) => a.at - b.at);
    const next = timers.shift();
    if (next === undefined) return;
    nowMs = next.at;
    next.end();
  };
  return {
    nowMs: () => nowMs,
    wait: (ms: number): Promise<void> =>
      new Promise((end) => {
        timers.push({ at: nowMs + ms, end });
        setImmediate(endNext);
      }),
  };
};

/** The function over tables in memory. */
const filling = ({
  data = registry,
  remainingMs = 14 * 60_000,
}: { data?: RegistryData; remainingMs?: number } = {}) => {
  const dynamo = memoryDynamo();
  const answers: { url: string; body: Record<string, string> }[] = [];
  const lines: string[] = [];
  const statuses: (number | Error)[] = [];
  const { nowMs, wait } = stoppedClock();
  let open = () => ({ table: { client: dynamo.client, name: 'Registry' }, registry: data });
  const handle = fillRegistryHandler({
    clock: { now: () => startMs + nowMs(), monotonic: () => 7000 + nowMs() },
    random: () => 0,
    wait,
    put: async (to, text) => {
      const next = statuses.shift() ?? 200;
      if (next instanceof Error) throw next;
      answers.push({ url: to, body: JSON.parse(text) as Record<string, string> });
      return next;
    },
    open: () => open(),
    writeLog: (line) => void lines.push(line),
  });
  return {
    dynamo,
    answers,
    lines,
    log: () => lines.map((line) => JSON.parse(line) as object),
    /** Makes each command to the table take this long. */
    slowDown: (ms: number) => {
      const send = dynamo.client.send.bind(dynamo.client) as (command: object) => Promise<object>;
      Object.assign(dynamo.client, { send: (command: object) => wait(ms).then(() => send(command)) });
    },
    /** What the next answers get. */
    answerWith: (...next: (number | Error)[]) => void statuses.push(...next),
    failToOpen: (error: Error) => {
      open = () => {
        throw error;
      };
    },
    items: () => dynamo.items('Registry'),
    elapsedMs: nowMs,
    call: (type: 'Create' | 'Update' | 'Delete') =>
      handle(eventOf(type), {
        awsRequestId: 'fill-1',
        invokedFunctionArn: arn,
        getRemainingTimeInMillis: () => remainingMs - nowMs(),
      }),
  };
};

const last = <T>(list: readonly T[]): T => {
  const found = list.at(-1);
  if (found === undefined) throw new Error('nothing');
  return found;
};

describe('the first deployment', () => {
  it('puts every payer, partner and page at version 1, with who did it and why, and tells CloudFormation so', async () => {
    const fill = filling();
    await fill.call('Create');

    expect(new Set(fill.items().keys())).toEqual(new Set(entriesOf(registry).keys()));
    for (const [entryId, entry] of entriesOf(registry)) {
      expect(readEntryItem(fill.items().get(entryId) as Record<string, AttributeValue>)).toEqual({
        version: 1,
        digest: sha256(JSON.stringify(entry)),
        entry: JSON.parse(JSON.stringify(entry)) as unknown,
        damaged: false,
        stop: undefined,
        changedAt: startMs / 1000,
        changedBy: arn,
        reason: 'first deployment',
      });
    }
    expect(fill.answers).toEqual([
      {
        url,
        body: {
          Status: 'SUCCESS',
          Reason: `${total} items were put, 0 were there.`,
          PhysicalResourceId: 'RegistryFillRegistry1A2B3C4D',
          StackId: 'arn:aws:cloudformation:us-east-1:111122223333:stack/p2p-gateway-local/1',
          RequestId: 'request-Create',
          LogicalResourceId: 'RegistryFillRegistry1A2B3C4D',
        },
      },
    ]);
  });

  it('or a later one leaves a partner blocked and a payer paused', async () => {
    const fill = filling();
    await fill.call('Create');
    const table = { client: fill.dynamo.client, name: 'Registry', wait: async () => {} };
    const stop = { at: startMs / 1000 + 60, by: 'arn:aws:iam::111122223333:user/operator', reason: 'Ticket 4711' };
    const options = { dryRun: false, holds: isPaused };
    for (const id of ['partner#demo-partner', 'payer#northwind']) await stopNow(table, id, stop, options);
    const before = new Map(fill.items());

    for (const type of ['Create', 'Update', 'Create'] as const) await fill.call(type);

    expect(fill.answers.map(({ body }) => body['Status'])).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS', 'SUCCESS']);
    expect(new Map(fill.items())).toEqual(before);
    expect(await readOne(table, 'partner#demo-partner')).toMatchObject({ version: 2, stop });
  });

  it('changes no item that exists, when CloudFormation repeats the call or an operator was faster', async () => {
    const fill = filling();
    const own = { entryId: { S: 'payer#northwind' }, version: { N: '7' }, stop: { M: { by: { S: 'on call' } } } };
    fill.items().set('payer#northwind', own);
    await fill.call('Create');
    const after = new Map(fill.items());
    await fill.call('Create');

    expect(fill.items().get('payer#northwind')).toBe(own);
    expect(new Map(fill.items())).toEqual(after);
    expect(fill.answers.map(({ body }) => [body['Status'], body['Reason']])).toEqual([
      ['SUCCESS', `${total - 1} items were put, 1 were there.`],
      ['SUCCESS', `0 items were put, ${total} were there.`],
    ]);
  });

  it('puts entries again that were throttled or refused for a moment', async () => {
    const fill = filling();
    for (let times = 0; times < 40; times += 1) fill.dynamo.failNext('PutItem', failure('ThrottlingException'));
    for (let times = 0; times < 9; times += 1) fill.dynamo.failNext('PutItem', failure('AccessDeniedException'));
    await fill.call('Create');

    expect(fill.items().size).toBe(total);
    expect(last(fill.answers).body['Status']).toBe('SUCCESS');
  });

  it('counts a put whose answer was lost', async () => {
    const fill = filling();
    fill.dynamo.failNext('PutItem', failure('TimeoutError'), { after: true });
    await fill.call('Create');

    expect(last(fill.answers).body['Reason']).toBe(`${total - 1} items were put, 1 were there.`);
  });
});

describe('a filling that fails', () => {
  it('by a refusal gives up after ten tries within half a minute, and says what is missing in words that quote nothing', async () => {
    const fill = filling();
    fill.dynamo.standIn('PutItem', () => Promise.reject(failure('AccessDeniedException')));
    await fill.call('Create');

    expect(last(fill.answers).body).toMatchObject({
      Status: 'FAILED',
      Reason: `The registry was not filled: ${total} of ${total} items were not written: DynamoDB answers AccessDeniedException. Deploy again; what was written stays as it is.`,
    });
    // Nine waits, from a fifth of a second up to five seconds.
    expect(fill.elapsedMs()).toBe(26_200);
    expect(fill.log()).toEqual([
      {
        level: 'error',
        time: new Date(startMs + fill.elapsedMs()).toISOString(),
        function: 'fill-registry',
        requestId: 'fill-1',
        step: 'Create',
        detail: last(fill.answers).body['Reason'],
        ms: fill.elapsedMs(),
      },
    ]);
  });

  it.each(['ProvisionedThroughputExceededException', 'ThrottlingException', 'Throttling', 'RequestLimitExceeded'])(
    'by throttling (%s) is tried for as long as the function may run, and answered before that ends',
    async (name) => {
      const fill = filling();
      fill.dynamo.standIn('PutItem', () => Promise.reject(failure(name)));
      await fill.call('Create');

      expect(last(fill.answers).body['Status']).toBe('FAILED');
      expect(last(fill.answers).body['Reason']).toContain(`there was no more time, and DynamoDB answers ${name}.`);
      // The last 45 s of the 14 minutes are reserved, and no wait may reach into them.
      expect(fill.elapsedMs()).toBe(791_200);
    },
  );

  it('begins no wait that would take all of its time', async () => {
    const [enough, tooLittle] = [filling({ remainingMs: 46_401 }), filling({ remainingMs: 46_400 })];
    for (const fill of [enough, tooLittle]) {
      fill.dynamo.standIn('PutItem', () => Promise.reject(failure('ThrottlingException')));
      await fill.call('Create');
    }

    expect([enough.elapsedMs(), tooLittle.elapsedMs()]).toEqual([200 + 400 + 800, 200 + 400]);
  });

  it('by slow writes stops in time, and says how many items are missing', async () => {
    const [payer] = registry.payers;
    const payers = Array.from({ length: 200 }, (_, number) => ({ ...payer!, id: `plan-${number}` }));
    const data = { ...registry, payers };
    const { size } = entriesOf(data);
    const fill = filling({ data, remainingMs: 60_000 });
    fill.items().set('payer#plan-0', { entryId: { S: 'payer#plan-0' } });
    fill.slowDown(5000);
    await fill.call('Create');

    // 45 s of the minute are reserved. Three rounds of 32 items fit into the rest.
    expect(fill.items().size).toBe(3 * 32);
    expect(fill.elapsedMs()).toBe(15_000);
    expect(last(fill.answers).body).toMatchObject({
      Status: 'FAILED',
      Reason: `The registry was not filled: ${size - 96} of ${size} items were not written: there was no more time. Deploy again; what was written stays as it is.`,
    });
  });

  it('by an unreadable registry is answered too', async () => {
    const fill = filling();
    fill.failToOpen(failure('SyntaxError'));
    await fill.call('Create');

    expect(last(fill.answers).body).toMatchObject({
      Status: 'FAILED',
      Reason: 'The registry was not filled: SyntaxError. Deploy again; what was written stays as it is.',
    });
  });
});

describe('the log line', () => {
  it('of a filling says what was put and what was there, and how long it took', async () => {
    const fill = filling();
    fill.items().set('payer#northwind', { entryId: { S: 'payer#northwind' } });
    fill.slowDown(100.4);
    await fill.call('Create');

    expect(fill.log()).toEqual([
      {
        level: 'info',
        time: new Date(startMs + fill.elapsedMs()).toISOString(),
        requestId: 'fill-1',
        function: 'fill-registry',
        step: 'Create',
        detail: `${total - 1} items were put, 1 were there.`,
        put: total - 1,
        kept: 1,
        ms: Math.round(fill.elapsedMs()),
      },
    ]);
    expect(fill.elapsedMs()).toBeGreaterThan(100);
  });
});

describe('an update or a removal', () => {
  it.each(['Update', 'Delete'] as const)(
    '%s changes nothing, succeeds, so that no rollback hangs, and has no counts in its line',
    async (type) => {
      const fill = filling();
      fill.failToOpen(failure('SyntaxError'));
      await fill.call(type);

      expect(fill.items().size).toBe(0);
      expect(last(fill.answers).body).toMatchObject({
        Status: 'SUCCESS',
        Reason: 'Only a new registry is filled.',
        RequestId: `request-${type}`,
        PhysicalResourceId: 'given-by-the-first-deployment',
      });
      const line = {
        level: 'info',
        time: new Date(startMs).toISOString(),
        requestId: 'fill-1',
        function: 'fill-registry',
      };
      expect(fill.log()).toEqual([{ ...line, step: type, detail: 'Only a new registry is filled.', ms: 0 }]);
    },
  );
});

describe('the answer', () => {
  it('is given again until a status from 200 to 299 says that it was taken', async () => {
    const fill = filling();
    fill.answerWith(199, failure('TimeoutError'), 300, 299, 500);
    await fill.call('Delete');

    expect(fill.answers.map(({ body }) => body['Status'])).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS']);
    // Three waits, each twice as long as the one before.
    expect(fill.elapsedMs()).toBe(200 + 400 + 800);
  });

  it('that cannot be given is an error without the URL after five tries, so that Lambda calls again', async () => {
    const fill = filling();
    fill.answerWith(403, 403, 403, 403, 503, 200);
    const thrown = await fill.call('Delete').catch((error: unknown) => error as Error);

    expect(thrown).toEqual(new Error('CloudFormation was not answered: status 503'));
    expect(fill.answers).toHaveLength(5);
  });
});

describe('the wait before another try', () => {
  it('doubles from a fifth of a second up to five seconds, and stays there', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 60].map((tries) => backOff(tries, 0))).toEqual([
      200, 400, 800, 1600, 3200, 5000, 5000, 5000,
    ]);
  });

  it('is shorter by up to a half, at random, so that writers do not come back together', () => {
    expect([0, 0.5, 1].map((random) => backOff(1, random))).toEqual([200, 150, 100]);
    expect([0, 0.5, 1].map((random) => backOff(9, random))).toEqual([5000, 3750, 2500]);
  });
});

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
  /** The names of the table Registry, before and after an update. */
  readonly tables?: readonly [before: string | undefined, after: string];
}

/** A deployment's check over a table in memory. */
const checking = (left?: Record<string, AttributeValue>) => {
  const dynamo = memoryDynamo();
  const items = dynamo.items('Registry');
  if (left !== undefined) items.set('dataVersion', left);
  const answers: { readonly Status: string; readonly Reason: string }[] = [];
  const levels: unknown[] = [];
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
    writeLog: (line) => void levels.push((JSON.parse(line) as { readonly level: unknown }).level),
  });
  const check = async ({
    type = 'Create',
    allowOlder,
    tables: [Before, Table] = ['Registry', 'Registry'],
  }: Asked = {}) => {
    const event = {
      RequestType: type,
      ResponseURL: 'https://answers.example.org/stack',
      StackId: 'stack',
      RequestId: 'request',
      LogicalResourceId: `RegistryFillDataVersion${dataVersion}`,
      ResourceType: 'Custom::DataVersion',
      ResourceProperties: { ServiceToken: arn, Table, ...(allowOlder === undefined ? {} : { AllowOlder: allowOlder }) },
      ...(type === 'Update' ? { OldResourceProperties: { ServiceToken: arn, Table: Before } } : {}),
    } as unknown as CloudFormationCustomResourceEvent;
    await handle(event, {
      awsRequestId: 'check-1',
      invokedFunctionArn: arn,
      getRemainingTimeInMillis: () => 14 * 60_000,
    });
    return answers.at(-1);
  };
  return { check, dynamo, levels, item: () => items.get('dataVersion'), size: () => items.size };
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

const denying = (name: 'GetItem' | 'PutItem') => (dynamo: ReturnType<typeof memoryDynamo>) => {
  dynamo.standIn(name, () => Promise.reject(failure('AccessDeniedException')));
};

describe('the check of the data version', () => {
  it.each(['Update', 'Delete'] as const)(
    'of an %s of the same table is none, whatever it holds, so that no rollback of CloudFormation’s is refused',
    async (type) => {
      const { check, dynamo, item } = checking(newer);
      dynamo.standIn('GetItem', () => Promise.reject(new Error('not to be called')));

      expect(await check({ type })).toMatchObject({
        Status: 'SUCCESS',
        Reason: 'Only another data version or table is checked.',
      });
      expect(item()).toBe(newer);
    },
  );

  it.each([
    ['an earlier deployment did not name', undefined],
    ['was made anew', 'Registry1'],
  ])('writes the number into a table that %s, and fills nothing', async (_which, before) => {
    const { check, item, size } = checking();

    expect(await check({ type: 'Update', tables: [before, 'Registry'] })).toMatchObject({ Status: 'SUCCESS' });
    expect(readEntryItem(item() ?? {})).toMatchObject({ version: dataVersion, entry: { number: dataVersion } });
    expect(size()).toBe(1);
  });

  it('refuses no rollback to another table, whether newer code wrote to it or nothing is left of it', async () => {
    const { check, dynamo, item } = checking(newer);
    const back = { type: 'Update', tables: ['Registry2', 'Registry'] } as const;

    expect(await check(back)).toMatchObject({
      Status: 'SUCCESS',
      Reason: `Data version ${dataVersion} runs over ${dataVersion + 1}, since no update is refused.`,
    });
    expect(item()).toBe(newer);
    dynamo.standIn('GetItem', () => Promise.reject(new ResourceNotFoundException({ message: '', $metadata: {} })));
    expect(await check(back)).toMatchObject({ Status: 'SUCCESS' });
  });

  it.each([
    ['an item that was changed by hand', 'was changed by hand', () => {}, { ...newer, version: { N: '1' } }],
    ['a read that is denied', 'DynamoDB answers AccessDeniedException', denying('GetItem'), undefined],
    ['a write that is denied', 'DynamoDB answers AccessDeniedException', denying('PutItem'), undefined],
  ])(
    'refuses no rollback to another table because of %s, which is an error in the log',
    async (_of, why, fail, left) => {
      const { check, dynamo, levels, item } = checking(left);
      fail(dynamo);

      expect(await check({ type: 'Update', tables: ['Registry2', 'Registry'] })).toMatchObject({
        Status: 'SUCCESS',
        Reason: expect.stringContaining(why) as string,
      });
      expect([levels, item()]).toEqual([['error'], left]);
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
