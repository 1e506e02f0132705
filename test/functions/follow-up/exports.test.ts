import { streamRecord } from '../audit/records.ts';
import { exportId, exportItem, followUp, grantId, now, otherExportId } from './follow-up.ts';

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
