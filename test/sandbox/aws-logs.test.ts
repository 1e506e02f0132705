/* `aws-contract.test.ts` tests what CloudWatch Logs does with a request. */
import { localLogs } from '../../sandbox/aws/logs.ts';
import type { AwsRequest } from '../../sandbox/aws/service.ts';

interface Page {
  readonly events?: readonly { readonly message: string }[];
  readonly nextToken?: string;
  readonly __type?: string;
}

const logs = localLogs();
const filter = async (logGroupName: string, more: object = {}): Promise<Page> => {
  const request = {
    headers: { 'x-amz-target': 'Logs_20140328.FilterLogEvents' },
    body: Buffer.from(JSON.stringify({ logGroupName, filterPattern: '%.%', ...more })),
  };
  const answer = await logs.service(request as unknown as AwsRequest);
  return JSON.parse(String(answer.body)) as Page;
};

describe('the embedded CloudWatch Logs', () => {
  it('gives a thousand lines on a page at most, so that no tool can go without the next page', async () => {
    logs.createGroup('/pages');
    for (let count = 1; count <= 1001; count += 1) logs.write('/pages', `line ${count}`);
    const { events, nextToken } = await filter('/pages', { limit: 10_000 });
    expect(events).toHaveLength(1000);
    expect((await filter('/pages', { nextToken })).events?.map(({ message }) => message)).toEqual(['line 1001']);
  });

  it('refuses a pattern that is no regular expression, and takes no lines for a group that was not made', async () => {
    logs.createGroup('/patterns');
    expect((await filter('/patterns', { filterPattern: 'line' })).__type).toBe('InvalidParameterException');
    expect(() => logs.write('/none', 'x')).toThrow('no log group /none');
  });

  it('keeps at least ten thousand lines of a group, but not all of them forever', async () => {
    logs.createGroup('/many');
    for (let count = 1; count <= 30_001; count += 1) logs.write('/many', `line ${count}`);
    const found = async (n: number) => (await filter('/many', { filterPattern: `%line ${n}$%` })).events?.length;
    expect([await found(1), await found(20_002), await found(30_001)]).toEqual([0, 1, 1]);
  });
});
