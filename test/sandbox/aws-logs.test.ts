import { localLogs } from '../../sandbox/aws/logs.ts';
import type { AwsRequest } from '../../sandbox/aws/service.ts';

interface Page {
  events: { message: string; timestamp: number }[];
  nextToken?: string;
  logGroups: { logGroupName: string }[];
}

describe('the embedded CloudWatch Logs', () => {
  const logs = localLogs();
  const ask = async (operation: string, body: object): Promise<Page & { __type?: string }> => {
    const request = {
      headers: { 'x-amz-target': `Logs_20140328.${operation}` },
      body: Buffer.from(JSON.stringify(body)),
    };
    const answer = await logs.service(request as unknown as AwsRequest);
    return JSON.parse(String(answer.body)) as Page;
  };
  const filter = (more: object) => ask('FilterLogEvents', { logGroupName: '/a/fetch', filterPattern: '%.%', ...more });

  beforeAll(() => {
    for (const name of ['/a/fetch', '/a/token', '/b/fetch', '/b/a/fetch']) logs.createGroup(name);
    for (let count = 1; count <= 2500; count += 1) logs.write('/a/fetch', `line ${count}`);
    logs.write('/a/token', 'line of another');
  });

  it('lists the groups with a prefix', async () => {
    const { logGroups } = await ask('DescribeLogGroups', { logGroupNamePrefix: '/a/' });
    expect(logGroups.map(({ logGroupName }) => logGroupName)).toEqual(['/a/fetch', '/a/token']);
  });

  it('returns every line of a group once, a thousand per page, in order', async () => {
    const messages: string[] = [];
    const sizes: number[] = [];
    let nextToken: string | undefined;
    do {
      const page = await filter(nextToken === undefined ? {} : { nextToken });
      sizes.push(page.events.length);
      messages.push(...page.events.map(({ message }) => message));
      ({ nextToken } = page);
    } while (nextToken !== undefined);
    expect(sizes).toEqual([1000, 1000, 500]);
    expect(messages).toEqual(Array.from({ length: 2500 }, (_none, index) => `line ${index + 1}`));
  });

  it('returns the lines that match a pattern', async () => {
    const { events } = await filter({ filterPattern: '%line 249[0-2]$%' });
    expect(events.map(({ message }) => message)).toEqual(['line 2490', 'line 2491', 'line 2492']);
    expect((await filter({ filterPattern: 'line' })).__type).toBe('InvalidParameterException');
  });

  it('returns the lines between two times, inclusive', async () => {
    const at = (await filter({})).events[0]?.timestamp ?? 0;
    expect((await filter({ startTime: at, endTime: at })).events[0]?.message).toBe('line 1');
    expect((await filter({ startTime: Date.now() + 1000 })).events).toEqual([]);
    expect((await filter({ endTime: at - 1 })).events).toEqual([]);
  });

  it('refuses an unknown group, and accepts no lines for one', async () => {
    expect((await filter({ logGroupName: '/c' })).__type).toBe('ResourceNotFoundException');
    expect(() => logs.write('/c', 'x')).toThrow('no log group /c');
  });

  it('keeps at least ten thousand lines of a group, but not all of them forever', async () => {
    logs.createGroup('/many');
    for (let count = 1; count <= 30_001; count += 1) logs.write('/many', `line ${count}`);
    const found = async (n: number) =>
      (await filter({ logGroupName: '/many', filterPattern: `%line ${n}$%` })).events.length;
    expect([await found(1), await found(20_002), await found(30_001)]).toEqual([0, 1, 1]);
  });
});
