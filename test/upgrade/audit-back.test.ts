import type { Item } from '../../functions/shared/store/items.ts';
import { basic } from '../support/login.ts';
import { recorded, startUpgrades } from './upgraded-gateway.ts';
import { version01 } from './version-0.1-handlers.ts';

/** What version 0.1's audit makes of items that were just written. */
const auditedBy01 = async (items: readonly { readonly key: 'grantId' | 'eventId'; readonly item: Item }[]) => {
  const lines: string[] = [];
  const handler = version01().auditHandler({
    clock: { now: () => recorded.atMs },
    stage: 'demo',
    bucket: { client: { send: async () => ({}) }, name: 'audit' },
    writeLog: (line: string) => void lines.push(line),
  });
  const records = items.map(({ key, item }) => ({
    eventName: 'INSERT',
    dynamodb: { Keys: { [key]: item[key] }, NewImage: item, SequenceNumber: '1' },
  }));
  await handler({ Records: records });
  const { unreadable, records: count } = JSON.parse(lines[0] ?? '{}') as { unreadable: number; records: number };
  return { unreadable, records: count };
};

let upgrades: Awaited<ReturnType<typeof startUpgrades>>;
beforeAll(async () => {
  upgrades = await startUpgrades();
});
afterAll(() => upgrades.close());

it('what today’s code leaves in the streams is read by version 0.1’s audit, apart from reads that the audit closed', async () => {
  const today = await upgrades.upgraded();
  const { access, openLogins } = recorded.held;
  const of01 = new Set((await today.itemsOf('AuditEvents')).map((item) => item['eventId']?.S));
  expect(await today.read(access.accessToken)).toBe(200);
  await today.post('token', { grant_type: 'refresh_token', refresh_token: access.refreshToken }, basic());
  for (const login of openLogins) await today.comeBack(login);
  const grants = (await today.itemsOf('Grants')).filter((item) => item['partner'] !== undefined);
  const reads = (await today.itemsOf('AuditEvents')).filter((item) => !of01.has(item['eventId']?.S));

  expect([grants.some((item) => item['linkKey'] !== undefined), reads.length]).toEqual([true, 1]);
  const all = [
    ...grants.map((item) => ({ key: 'grantId' as const, item })),
    ...reads.map((item) => ({ key: 'eventId' as const, item })),
  ];
  expect(await auditedBy01(all)).toEqual({ unreadable: 0, records: all.length });

  const closed = reads.map((item) => ({ key: 'eventId' as const, item: { ...item, type: { S: 'endUnknown' } } }));
  // It is filed as an event that cannot be read, and nothing after it waits.
  expect(await auditedBy01(closed)).toEqual({ unreadable: 1, records: 1 });
});
