import { deleteExportOfGrant } from '../../../functions/shared/store/exports.ts';
import { streamRecord } from '../audit/records.ts';
import { exportItem, followUp, grantId, grantItem, now } from './follow-up.ts';

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
