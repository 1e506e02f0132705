import { tellLine, trace } from '../../bin/trace/trace.ts';
import { startAws, type LocalAws } from '../../sandbox/aws/aws.ts';

const requestId = '3f2a9c01-77de-4a1b-8c5d-0123456789ab';
const reference = '3f2a9c01-77de';
const tokenLogs = 'p2p-gateway-local-FunctionsTokenLogs1';
const accessLogs = 'p2p-gateway-local-ApiAccessLogLogs1';
/** Of a stage whose name begins with this one's. */
const euLogs = 'p2p-gateway-local-eu-FunctionsTokenLogs1';
let aws: LocalAws;

beforeAll(async () => {
  aws = await startAws(0);
  for (const name of [tokenLogs, accessLogs, 'p2p-gateway-localhost-Logs1', euLogs]) aws.logs.createGroup(name);
  // One line a millisecond, since lines of the same millisecond have no order.
  let at = Date.now() - 1000;
  const write = (group: string, text: string): void => aws.logs.write(group, text, (at += 1));
  write(euLogs, `REPORT RequestId: ${requestId}`);
  const line = { level: 'warn', time: 't', requestId, function: 'token', step: 'refresh', status: 400 };
  const refused = { ...line, error: 'invalid_grant', detail: 'the grant has ended', partner: 'demo-partner', _aws: {} };
  write(tokenLogs, JSON.stringify({ ...refused, requestId: requestId.replace('3f', '4f') }));
  write(tokenLogs, JSON.stringify(refused));
  write(tokenLogs, `REPORT RequestId: ${requestId}\tDuration: 12.00 ms\n`);
  const kickOff = '6b6b6b6b-0001-4a1b-8c5d-0123456789ab';
  write(tokenLogs, JSON.stringify({ requestId: kickOff, function: 'fetch', step: 'fetch', status: 202 }));
  write(
    tokenLogs,
    JSON.stringify({ requestId: kickOff, function: 'export-job', outcome: 'failed', detail: 'payerDown' }),
  );
  const detail = `the export had failed: its lines have request ${kickOff}`;
  write(tokenLogs, JSON.stringify({ requestId: '5a5a5a5a-0001-4a1b-8c5d-0123456789ab', function: 'export', detail }));
  const access = { requestId: 'api-1', extendedRequestId: 'AbC+dEf/hIAMF==', sourceIp: '203.0.113.9', errorType: '-' };
  write(accessLogs, JSON.stringify({ ...access, integrationRequestId: requestId }));
  const own = { requestId: 'api-2', extendedRequestId: 'Xyz+uvw/hIAMF==', integrationRequestId: '-' };
  write(accessLogs, JSON.stringify({ ...own, errorType: 'THROTTLED' }));
});

afterAll(() => aws.close());

const run = async (...args: string[]): Promise<{ code: number; out: string[]; told: string[] }> => {
  const out: string[] = [];
  const told: string[] = [];
  const code = await trace(args, {
    nowMs: Date.now(),
    environment: { AWS_ENDPOINT_URL: aws.url },
    output: { out: (line) => void out.push(line), note: (line) => void told.push(line) },
  });
  return { code, out, told };
};

describe('npm run trace', () => {
  it('finds the lines of one request in every log group of the stage, and of no other request', async () => {
    const { code, out } = await run(reference);

    expect(code).toBe(0);
    expect(out).toHaveLength(3);
    expect(out[0]).not.toMatch(/ (?:time|_aws|requests)=/);
    expect(out[0]).toMatch(
      /^\S+Z {2}level=warn {2}function=token {2}step=refresh {2}status=400 {2}error=invalid_grant {2}detail="the grant has ended" {2}partner=demo-partner {2}requestId=3f2a9c01-/,
    );
    expect(out.join('\n')).toContain('REPORT RequestId');
    expect(out.join('\n')).toContain('sourceIp=203.0.113.9');
  });

  it.each([
    '(reference 3f2a9c01-77de)',
    'Reference: 3f2a9c01-77de',
    'Referencia: 3f2a9c01-77de',
    ' 3f2a9c01-77de ',
    requestId,
  ])('accepts the reference as people copy it: %s', async (copied) => {
    expect((await run(copied)).out).toHaveLength(3);
  });

  it('follows the access log to the function, and finds API Gateway’s own responses', async () => {
    expect((await run('AbC+dEf/hIAMF==')).out).toHaveLength(3);
    const [line, ...others] = (await run('Xyz+uvw/hIAMF==')).out;
    expect(others).toEqual([]);
    expect(line).toContain('errorType=THROTTLED');
  });

  it('goes from a poll for a failed export to the line of its job that says why', async () => {
    const { out } = await run('5a5a5a5a-0001');

    expect(out).toEqual([
      expect.stringMatching(/function=fetch .*step=fetch/),
      expect.stringMatching(/function=export-job .*detail=payerDown/),
      expect.stringMatching(/function=export .*the export had failed/),
    ]);
  });

  it('prints the lines as they were written with --json', async () => {
    const { out } = await run(reference, '--json');
    expect(JSON.parse(out[0] ?? '')).toMatchObject({ requestId, error: 'invalid_grant' });
  });

  it('tells first what a person reads first, then the rest, and never the fields of metrics', () => {
    const first = { payer: 'p', grantId: 'g', partner: 'a', detail: 'd', error: 'e', outcome: 'failed', status: 400 };
    const then = { step: 's', function: 'f', level: 'warn', time: 't', _aws: {}, requests: 1, ms: 5, empty: '-' };

    expect(
      tellLine({ group: 'x', atMs: 1_780_315_200_000, text: JSON.stringify({ bytes: 0, ...first, ...then }) }),
    ).toBe(
      '2026-06-01T12:00:00.000Z  level=warn  function=f  step=s  status=400  outcome=failed  error=e  detail=d  partner=a  payer=p  grantId=g  bytes=0  ms=5',
    );
    expect(tellLine({ group: 'x', atMs: 0, text: 'REPORT x' })).toBe('1970-01-01T00:00:00.000Z  REPORT x');
    expect(tellLine({ group: 'x', atMs: 0, text: '{"a":"two words","b":["x"]}' })).toBe(
      '1970-01-01T00:00:00.000Z  a="two words"  b=["x"]',
    );
  });

  it('prints lines in the order of their time, and none from before the time that was asked for', async () => {
    const hour = 3_600_000;
    for (const [ms, step] of [
      [-hour, 'last'],
      [-2 * hour + 60_000, 'first'],
      [-2 * hour - 60_000, 'early'],
    ] as const) {
      aws.logs.write(tokenLogs, JSON.stringify({ requestId: 'ordered-1', step }), Date.now() + ms);
    }

    const { out } = await run('ordered-1', '--since', '2');

    expect(out.map((line) => / step=(\w+)/.exec(line)?.[1])).toEqual(['first', 'last']);
  });

  it('says that a stage has no logs', async () => {
    const empty = await startAws(0);
    const asked = trace([reference], {
      nowMs: Date.now(),
      environment: { AWS_ENDPOINT_URL: empty.url },
      output: { out: () => {}, note: () => {} },
    });

    await expect(asked).rejects.toThrow(
      'There is no log group p2p-gateway-local-… in this account and region. Deploy the stage, or check --stage.',
    );
    await empty.close();
  });

  it('exits with 1 and says where else to look if there is no line', async () => {
    const { code, out, told } = await run('00000000-0000', '--since', '0.5');
    expect({ code, out }).toEqual({ code: 1, out: [] });
    expect(told.join()).toMatch(/^No line since .* contains 00000000-0000\..*--since/);
  });
});
