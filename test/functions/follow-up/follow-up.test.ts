import { ServiceException, TooManyRequestsException } from '@aws-sdk/client-lambda';
import type { DynamoDBRecord } from 'aws-lambda';
import { deleteExportOfGrant } from '../../../functions/shared/store/exports.ts';
import { streamRecord } from '../audit/records.ts';
import { exportId, exportItem, followUp, grantId, grantItem, now, otherExportId } from './follow-up.ts';

const pending = () =>
  grantItem({ redeemedAt: undefined, lastEvent: { type: 'created', at: now - 5, requestId: 'request-0' } });
const revoked = (reason: string) =>
  grantItem({ revokedAt: now + 7, lastEvent: { type: 'revoked', at: now + 7, requestId: 'request-2', reason } });

const withExport = () => {
  const world = followUp();
  world.dynamo.items('Exports').set(grantId, exportItem());
  return { ...world, exports: () => world.dynamo.items('Exports').size };
};

describe('a grant', () => {
  it('is told to its partner when its code was redeemed, not before', async () => {
    const { handle, events, of } = followUp();
    await handle(streamRecord(undefined, pending()));
    expect(events()).toEqual([]);
    await handle(streamRecord(pending(), grantItem()));
    expect(events()).toEqual([
      {
        id: of('deliver:1')[0]?.name,
        partner: 'demo-app',
        type: 'grant.created',
        timestamp: '2026-06-01T12:00:00Z',
        data: { grant: grantId, payer: 'northwind' },
      },
    ]);
  });

  it('tells nothing when its tokens are refreshed', async () => {
    const { handle, invocations } = followUp();
    const after = grantItem({ lastEvent: { type: 'refreshed', at: now + 3, requestId: 'request-3' } });
    await handle(streamRecord(grantItem(), after));
    expect(invocations()).toBe(0);
  });

  it.each([
    'byPartner',
    'codeReplayed',
    'refreshTokenReused',
    'refusedByPayer',
    'otherPatient',
    'byOperator',
    'byMember',
  ])('that was revoked (%s) tells why, and its export goes', async (reason) => {
    const { handle, events, exports } = withExport();
    const record = streamRecord(grantItem(), revoked(reason));
    await handle(record, record);
    expect(events()).toMatchObject([
      {
        type: 'grant.ended',
        timestamp: '2026-06-01T12:00:07Z',
        data: { grant: grantId, payer: 'northwind', reason },
      },
    ]);
    expect(exports()).toBe(0);
  });

  it('that expired sends an event, and its export is deleted', async () => {
    const { handle, events, exports } = withExport();
    await handle(streamRecord(grantItem(), undefined, now + 1000));
    expect(events()).toMatchObject([
      { type: 'grant.ended', timestamp: '2026-06-01T12:16:40Z', data: { grant: grantId, reason: 'expired' } },
    ]);
    expect(exports()).toBe(0);
  });

  it('whose item is deleted before its time tells nothing, since it may be put back; its export is deleted', async () => {
    const { handle, events, exports } = withExport();
    await handle(streamRecord(grantItem(), undefined, now + 999));
    expect(events()).toEqual([]);
    expect(exports()).toBe(0);
  });

  it('that an operator puts back tells nothing then, and its end later', async () => {
    const { handle, events } = followUp();
    const lastEvent = {
      type: 'restored',
      at: now + 5,
      requestId: 'request-5',
      operator: 'arn:jo',
      note: 'Ticket 4714',
    };
    await handle(streamRecord(undefined, grantItem({ lastEvent })));
    expect(events()).toEqual([]);
    await handle(streamRecord(grantItem({ lastEvent }), revoked('byPartner')));
    expect(events()).toMatchObject([{ type: 'grant.ended', data: { reason: 'byPartner' } }]);
  });

  it('that was revoked and whose item expires later tells its end once', async () => {
    const { handle, events } = followUp();
    await handle(streamRecord(grantItem(), revoked('byPartner')), streamRecord(revoked('byPartner'), undefined));
    expect(events().map(({ data }) => data.reason)).toEqual(['byPartner']);
  });

  it.each([
    ['whose code nobody redeemed', pending(), undefined],
    ['that was revoked before its code was redeemed', pending(), { ...revoked('byOperator'), redeemedAt: undefined }],
  ])('%s tells nothing', async (_, before, after) => {
    const { handle, invocations } = followUp();
    const { redeemedAt: __, ...image } = after ?? {};
    await handle(streamRecord(before, after === undefined ? undefined : image));
    expect(invocations()).toBe(0);
  });

  it('tells its start and its end although one record shows both', async () => {
    const { handle, events } = followUp();
    await handle(streamRecord(pending(), revoked('byPartner')));
    expect(events().map(({ type }) => type)).toEqual(['grant.created', 'grant.ended']);
  });

  it('of a partner without a webhook, or a blocked one, tells nothing; its export goes all the same', async () => {
    for (const partner of ['third-party-app', 'demo-app', 'removed-app']) {
      const { handle, block, invocations, exports } = withExport();
      if (partner === 'demo-app') block(partner);
      expect(
        await handle(streamRecord({ ...grantItem({ partner }) }, { ...revoked('byPartner'), partner: { S: partner } })),
      ).toEqual({
        batchItemFailures: [],
      });
      expect(invocations()).toBe(0);
      expect(exports()).toBe(0);
    }
  });

  it('has the used client assertions of its table left alone', async () => {
    const { handle, log } = followUp();
    await handle(streamRecord(undefined, { grantId: { S: 'jti.abc' }, expiresAt: { N: '1' } }));
    expect(log()).toMatchObject([{ records: 1, tasks: 0, unreadable: 0 }]);
  });
});

describe('events', () => {
  it('have the same id for the same change, and another for any other', async () => {
    const { handle, events } = followUp();
    const other = 'H'.repeat(22);
    await handle(streamRecord(pending(), grantItem()), streamRecord(pending(), grantItem()));
    await handle(streamRecord({ ...pending(), grantId: { S: other } }, { ...grantItem(), grantId: { S: other } }));
    await handle(streamRecord(grantItem(), revoked('byPartner')));
    expect(new Set(events().map(({ id }) => id)).size).toBe(3);
    expect(events()).toHaveLength(3);
  });
});

it('deletes the export of a grant that has none without complaint', async () => {
  const { dynamo } = followUp();
  await expect(deleteExportOfGrant({ client: dynamo.client, name: 'Exports' }, grantId)).resolves.toBeUndefined();
});

const kickedOff = () => streamRecord(undefined, exportItem());
const began = { executionArn: 'arn:job', beganAt: now + 1 };

describe('a kick-off', () => {
  it('starts the job once, by the export’s id, however often its record is repeated', async () => {
    const { handle, of, invocations } = followUp();
    const record = kickedOff();
    for (let time = 0; time < 3; time += 1) expect(await handle(record)).toEqual({ batchItemFailures: [] });
    expect(invocations()).toBe(3);
    expect(of('job:1')).toEqual([{ function: 'job:1', name: exportId, input: { exportId } }]);
  });

  it('sends the partner no event: it has just asked', async () => {
    const { handle, events } = followUp();
    await handle(kickedOff());
    expect(events()).toEqual([]);
  });

  it('in place of an export that has ended starts the new job, and sweeps all of the old files', async () => {
    const { handle, started } = followUp();
    const old = exportItem({ status: 'completed', endedAt: now });
    await handle(streamRecord(old, exportItem({ exportId: otherExportId })));
    expect([...started.values()]).toEqual([
      { function: 'job:1', name: otherExportId, input: { exportId: otherExportId } },
      { function: 'sweep:1', name: `${exportId}-gone`, input: { exportId, keep: false } },
    ]);
  });

  it('whose job never began is started again under another name, once for each time that a poll asks', async () => {
    const { handle, of } = followUp();
    const again = exportItem({ startAgainAt: now + 60 });
    await handle(kickedOff(), streamRecord(exportItem(), again), streamRecord(exportItem(), again));
    await handle(streamRecord(again, exportItem({ startAgainAt: now + 120 })));
    expect(of('job:1').map(({ name, input }) => [name, input])).toEqual([
      [exportId, { exportId }],
      [`${exportId}-${now + 60}`, { exportId }],
      [`${exportId}-${now + 120}`, { exportId }],
    ]);
  });
});

describe('a running export', () => {
  it('that only makes progress causes nothing', async () => {
    const { handle, invocations } = followUp();
    await handle(
      streamRecord(exportItem(), exportItem(began)),
      streamRecord(exportItem(began), exportItem({ ...began, resources: 100, typesDone: 1, typesTotal: 9 })),
    );
    expect(invocations()).toBe(0);
  });

  it('that waits for a token tells the partner once for each wait', async () => {
    const { handle, events } = followUp();
    const waiting = { callbackId: 'callback-1', refusedVersion: 1, waitingSince: now + 50 };
    const first = streamRecord(exportItem(began), exportItem({ ...began, ...waiting }));
    await handle(
      first,
      streamRecord(exportItem({ ...began, ...waiting }), exportItem({ ...began, ...waiting, waitingSince: now + 55 })),
      streamRecord(exportItem({ ...began, ...waiting }), exportItem({ ...began, payerVersion: 2 })),
      streamRecord(exportItem(began), exportItem({ ...began, ...waiting, waitingSince: now + 90 })),
      first,
    );
    expect(events().map(({ type, timestamp }) => [type, timestamp])).toEqual([
      ['export.waiting', '2026-06-01T12:00:50Z'],
      ['export.waiting', '2026-06-01T12:01:30Z'],
    ]);
  });

  it.each([
    ['completed', 'export.completed'],
    ['partial', 'export.partial'],
    ['failed', 'export.failed'],
  ])('that ended as %s tells the partner %s, and sweeps what no manifest has', async (status, type) => {
    const { handle, of, events } = followUp();
    const ended = exportItem({ ...began, status, endedAt: now + 9 });
    const record = streamRecord(exportItem(began), ended);
    await handle(record, record);
    expect(events()).toEqual([
      {
        id: expect.stringMatching(/^evt_[\w-]{32}$/) as string,
        partner: 'demo-app',
        type,
        timestamp: '2026-06-01T12:00:09Z',
        data: { grant: grantId, export: exportId, payer: 'northwind' },
      },
    ]);
    expect(of('deliver:1')[0]?.name).toBe(events()[0]?.id);
    expect(of('sweep:1')).toEqual([
      { function: 'sweep:1', name: `${exportId}-ended`, input: { exportId, keep: true } },
    ]);
  });

  it.each(['match', 'group'] as const)(
    'that is an exchange of the kind %s says so in place of a grant',
    async (exchange) => {
      const { handle, events } = followUp();
      await handle(
        streamRecord(exportItem({ exchange }), exportItem({ exchange, status: 'completed', endedAt: now + 9 })),
      );
      expect(events().map(({ data }) => data)).toEqual([{ exchange, export: exportId, payer: 'northwind' }]);
    },
  );

  it.each([
    ['deleted while it ran', exportItem(began)],
    ['deleted before it began', exportItem()],
    ['deleted after its end', exportItem({ ...began, status: 'completed', endedAt: now })],
  ])('that was %s loses all files, and its job is left to end by itself', async (_, item) => {
    const { handle, of, invocations, events } = followUp();
    await handle(streamRecord(item, undefined));
    expect(invocations()).toBe(1);
    expect(of('sweep:1')).toEqual([
      { function: 'sweep:1', name: `${exportId}-gone`, input: { exportId, keep: false } },
    ]);
    expect(events()).toEqual([]);
  });

  it.each([
    ['the table or a caller deletes', undefined],
    ['a kick-off replaces', exportItem({ exportId: otherExportId, exchange: 'group' })],
  ])('that is an exchange when %s it has the former plan told, by an execution of its own', async (_, after) => {
    const { handle, of } = followUp();
    const record = streamRecord(exportItem({ ...began, exchange: 'group' }), after);
    await handle(record, record);
    expect(of('job:1').filter(({ name }) => name !== otherExportId)).toEqual([
      {
        function: 'job:1',
        name: `${exportId}-gone`,
        input: { exportId, owner: 'northwind/demo-app' },
      },
    ]);
  });

  it('that is an exchange whose job has ended it is left to that job, which tells the former plan', async () => {
    const { handle, of } = followUp();
    const ended = exportItem({ ...began, exchange: 'group', status: 'failed', endedAt: now });
    await handle(streamRecord(exportItem({ ...began, exchange: 'group' }), ended), streamRecord(ended, undefined));
    expect(of('job:1')).toEqual([]);
  });

  it.each([
    ['the table deletes', undefined],
    ['a kick-off replaces', exportItem({ exportId: otherExportId })],
  ])(
    'that is overdue when %s it tells the partner once that it failed, is counted, and loses all files',
    async (_, after) => {
      const { handle, of, events, log } = followUp();
      const record = streamRecord(exportItem({ ...began, expiresAt: now }), after);
      await handle(record, record);
      expect(events().map(({ type, timestamp, data }) => [type, timestamp, data.export])).toEqual([
        ['export.failed', '2026-06-01T12:00:00Z', exportId],
      ]);
      expect(of('deliver:1')).toHaveLength(1);
      expect(of('sweep:1').map(({ name }) => name)).toEqual([`${exportId}-gone`]);
      expect(log()).toMatchObject([{ level: 'info', overdue: 2, exportFailed: 2 }]);
    },
  );
});

const redeemed = { type: 'redeemed', at: now, requestId: 'request-1' };
const throttled = () => new TooManyRequestsException({ message: 'slower', $metadata: {} });

describe('a batch', () => {
  it('is repeated from the first record that failed, and everything is done in the end', async () => {
    const { handle, of, failNext, log } = followUp();
    const records = [
      streamRecord(exportItem(), exportItem({ status: 'completed', endedAt: now })),
      streamRecord(undefined, exportItem()),
      streamRecord(exportItem({ exportId: otherExportId }), undefined),
    ];
    failNext(new RegExp(`^${exportId}$`), throttled());
    expect(await handle(...records)).toEqual({
      batchItemFailures: [{ itemIdentifier: records[1]?.dynamodb?.SequenceNumber }],
    });
    // The records after the failed one were processed all the same.
    expect(of('sweep:1').map(({ name }) => name)).toEqual([`${exportId}-ended`, `${otherExportId}-gone`]);
    expect(log()).toMatchObject([{ level: 'error', records: 3, failed: 1, detail: 'TooManyRequestsException' }]);
    expect(await handle(...records.slice(1))).toEqual({ batchItemFailures: [] });
    expect(of('job:1').map(({ name }) => name)).toEqual([exportId]);
    expect(of('sweep:1')).toHaveLength(2);
  });

  it('names the first of several failures', async () => {
    const { handle, failNext } = followUp();
    const records = [exportId, otherExportId].map((id) => streamRecord(undefined, exportItem({ exportId: id })));
    failNext(/x{22}/, throttled());
    failNext(/y{22}/, throttled());
    expect(await handle(...records)).toEqual({
      batchItemFailures: [{ itemIdentifier: records[0]?.dynamodb?.SequenceNumber }],
    });
  });

  it('sweeps and sends the event even if the other of the two fails', async () => {
    const { handle, failNext, of } = followUp();
    const record = streamRecord(exportItem(), exportItem({ status: 'failed', endedAt: now }));
    failNext(/^evt_/, new ServiceException({ message: 'down', $metadata: {} }));
    expect((await handle(record)).batchItemFailures).toHaveLength(1);
    expect(of('sweep:1')).toHaveLength(1);
    await handle(record);
    expect(of('deliver:1')).toHaveLength(1);
    expect(of('sweep:1')).toHaveLength(1);
  });

  it('is repeated while the table of exports cannot be written', async () => {
    const { handle, dynamo, events } = followUp();
    const record = streamRecord(
      grantItem(),
      grantItem({
        revokedAt: now,
        lastEvent: { type: 'revoked', at: now, requestId: 'request-2', reason: 'byPartner' },
      }),
    );
    dynamo.failNext('DeleteItem', new Error('down'));
    expect((await handle(record)).batchItemFailures).toHaveLength(1);
    expect(events()).toHaveLength(1);
    expect(await handle(record)).toEqual({ batchItemFailures: [] });
    expect(events()).toHaveLength(1);
  });

  it.each([
    ['without a key', { ...streamRecord(undefined, exportItem()), dynamodb: {} }],
    ['without an image', streamRecord(undefined, undefined)],
    ['of a damaged grant', streamRecord(undefined, { grantId: { S: 'g' }, redeemedAt: { N: '1' } })],
    ['of an export whose id is not its grant’s', streamRecord(undefined, exportItem({ exportId: 'x'.repeat(44) }))],
    ['of an export without a usable id', streamRecord(exportItem({ exportId: '' }), undefined)],
    ...[1.5, 1e300].map((startAgainAt): [string, DynamoDBRecord] => [
      `of an export to be started again at ${startAgainAt}`,
      streamRecord(exportItem(), exportItem({ startAgainAt })),
    ]),
    [
      'of a grant whose payer is no id',
      streamRecord(undefined, grantItem({ payer: 'p'.repeat(300_000), lastEvent: redeemed })),
    ],
  ])('passes a record %s, and its line says so: a repeat would block all that follow', async (_, record) => {
    const { handle, of, log, invocations } = followUp();
    expect(await handle(record, streamRecord(undefined, exportItem()))).toEqual({ batchItemFailures: [] });
    expect(of('job:1')).toHaveLength(1);
    expect(invocations()).toBe(1);
    expect(log()).toMatchObject([{ level: 'error', unreadable: 1, failed: 0 }]);
  });

  it('deletes the export of a grant that ended for a reason too long to tell', async () => {
    const { handle, dynamo, log } = followUp();
    dynamo.items('Exports').set(grantId, exportItem());
    const lastEvent = { ...redeemed, type: 'revoked', reason: 'r'.repeat(300_000) };
    const record = streamRecord(grantItem(), grantItem({ revokedAt: now, lastEvent }));
    expect(await handle(record)).toEqual({ batchItemFailures: [] });
    expect(dynamo.items('Exports').size).toBe(0);
    expect(log()).toMatchObject([{ level: 'error', tasks: 1, unreadable: 1, followUpFailed: 1 }]);
  });

  it('goes on past a partner whose entry is damaged: the delivery reads it again', async () => {
    const { handle, deps, events } = followUp();
    Object.assign(deps.registry, { partner: () => Promise.reject(new Error('damaged')) });
    expect(await handle(streamRecord(undefined, grantItem()))).toEqual({ batchItemFailures: [] });
    expect(events()).toHaveLength(1);
  });

  it('has a line that names no grant, partner or export', async () => {
    const { handle, lines } = followUp();
    await handle(streamRecord(undefined, exportItem()));
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toMatch(/GGGG|demo-app|northwind/);
  });
});
