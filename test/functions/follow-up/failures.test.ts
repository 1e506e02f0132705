import { ServiceException, TooManyRequestsException } from '@aws-sdk/client-lambda';
import type { DynamoDBRecord } from 'aws-lambda';
import { streamRecord } from '../audit/records.ts';
import { exportId, exportItem, followUp, grantId, grantItem, now, otherExportId } from './follow-up.ts';

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

  it('goes on past a partner whose entry is out of order: the delivery reads it again', async () => {
    const { handle, deps, events } = followUp();
    Object.assign(deps.registry, { partner: () => Promise.reject(new Error('out of order')) });
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
