import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { webhookTool, type WebhookTool } from './webhook-tool.ts';

let world: WebhookTool;
beforeEach(async () => {
  world = await webhookTool();
  await world.webhook('demo-partner');
});
afterEach(() => world.close());

// The stand-in's clock is set forward, so the tool's clock must be ahead as well.
const replay = (...args: string[]) =>
  world.tool(['replay', 'demo-partner', ...args], { nowMs: Date.now() + 10 * 86_400_000 });

describe('npm run partners -- replay', () => {
  it('resends every event that was not delivered, under its own id, and none that was', async () => {
    const delivered = await world.deliverEvent(1);
    await world.settle();
    world.receiver.status = 500;
    const failed = [await world.deliverEvent(2), await world.deliverEvent(3)];
    await world.settle();
    expect(world.posted).toHaveLength(1 + 2 * 10);
    world.posted.length = 0;

    const dry = await replay('--since', '30d', '--dry-run');
    expect(dry.notes).toBe('Would send 2 events to Demo Partner (demo-partner) again. Nothing was sent.');
    world.receiver.status = 200;
    const { code, out } = await replay('--since', '30d');
    await world.settle();
    expect(code).toBe(0);
    expect(out.split('\n')).toEqual([
      `${failed[0]?.id}  2026-06-01T12:00:02Z  export.completed  export-2`,
      `${failed[1]?.id}  2026-06-01T12:00:03Z  export.completed  export-3`,
    ]);
    expect(world.ids().toSorted()).toEqual(failed.map(({ id }) => id).toSorted());
    expect(world.ids()).not.toContain(delivered.id);

    // What a replay delivered is not sent again.
    expect((await replay('--since', '30d')).notes).toContain('Sending 0 events');
  });

  it('sends what a disabled webhook missed', async () => {
    world.receiver.status = 410;
    const first = await world.deliverEvent(1);
    await world.settle();
    const second = await world.deliverEvent(2);
    await world.settle();
    expect(world.ids()).toEqual([first.id]);
    world.receiver.status = 200;
    await world.webhook('demo-partner', '--enable');
    await replay('--since', '30d');
    await world.settle();
    expect(world.ids().slice(1).toSorted()).toEqual([first.id, second.id].toSorted());
  });

  it('counts the time from when an event was given up, not from when it was first sent', async () => {
    world.receiver.status = 500;
    const event = await world.deliverEvent(1);
    await world.settle(3_600_000);
    const { startedAt, endedAt = 0 } = world.aws.lambda.engine.all()[0]!;
    expect(endedAt - startedAt).toBeGreaterThan(3 * 86_400_000);
    const sentAgain = async (sinceMs: number): Promise<string> => {
      const args = ['replay', 'demo-partner', '--since', new Date(sinceMs).toISOString(), '--dry-run'];
      return (await world.tool(args, { nowMs: endedAt + 86_400_000 })).out;
    };
    expect(await sentAgain(endedAt - 3_600_000)).toContain(event.id);
    expect(await sentAgain(endedAt + 3_600_000)).toBe('');
  });

  it('does not resend events that may still be delivered, test events, or other partners’ events', async () => {
    world.receiver.status = 500;
    await expect(world.webhook('demo-partner', '--test')).rejects.toThrow('status 500');
    await world.deliverEvent(1, 'demo-app');
    await world.deliverEvent(2);
    expect((await replay('--since', '30d')).notes).toContain('Sending 0 events');
    await world.settle();
  });

  it('resends one event by its id even if it was delivered, but not another partner’s', async () => {
    const event = await world.deliverEvent(1);
    const other = await world.deliverEvent(2, 'demo-app');
    await world.settle();
    const { out } = await replay('--event', event.id);
    await world.settle();
    expect(out).toContain(event.id);
    expect(world.ids()).toEqual([event.id, event.id]);
    await expect(replay('--event', other.id)).rejects.toThrow(`has no event ${other.id}`);
    await expect(replay('--event', 'evt_unknown')).rejects.toThrow('has no event evt_unknown');
  });

  it('sends events that never began, from the lines of a dead-letter queue, and none that was delivered since', async () => {
    const [begun, other] = [await world.deliverEvent(1), await world.deliverEvent(2, 'demo-app')];
    await world.settle();
    const lost = { ...begun, id: `${begun.id.slice(0, 12)}${'x'.repeat(24)}`, timestamp: '2026-06-01T12:00:03Z' };
    const folder = await mkdtemp(join(tmpdir(), 'given-up-'));
    const file = join(folder, 'given-up.ndjson');
    // SQS delivers at least once.
    await writeFile(file, [lost, begun, other, lost].map((one) => `${JSON.stringify(one)}\n`).join(''));
    const { out } = await replay('--from', file);
    await world.settle();
    expect(out).toBe(`${lost.id}  2026-06-01T12:00:03Z  export.completed  export-1`);
    expect(world.ids()).toEqual([begun.id, lost.id]);
    expect((await replay('--from', file)).notes).toContain('Sending 0 events');

    await writeFile(file, '{"exportId":"x"}\n');
    await expect(replay('--from', file)).rejects.toThrow(`Line 1 of ${file} is no event of a partner`);
    await rm(folder, { recursive: true });
    await expect(replay('--from', file)).rejects.toThrow('has no events');
  });

  it('refuses for a partner that cannot receive events', async () => {
    await expect(world.tool(['replay', 'third-party-app', '--since', '1d'])).rejects.toThrow('nowhere to send to');
    await world.tool(['block', 'demo-partner', '--reason', 'test']);
    await expect(replay('--since', '1d')).rejects.toThrow('is blocked');
  });
});
