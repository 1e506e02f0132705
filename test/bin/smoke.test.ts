import { execFileSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  CloudWatchClient,
  DescribeAlarmHistoryCommand,
  DescribeAlarmsCommand,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch';
import { jest } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { runningStack } from '../../bin/shared/running-stack.ts';
import { alarm } from '../../bin/smoke/alarm.ts';
import type { AskedStage } from '../../bin/smoke/question.ts';
import { smoke } from '../../bin/smoke/smoke.ts';

const faults = [
  ['renamed', 'challenge', 'www-authenticate is missing'],
  ['basic', 'challenge', 'www-authenticate is Basic'],
  ['joinedCookies', 'cookies', 'the second of two was lost over HTTP/1.1'],
  ['splitCookies', 'cookies', 'a name inside a value was read over HTTP/1.1'],
  ['firstOnly', 'repeated', 'one of two values was lost (1 and 0 found)'],
  ['lastOnly', 'repeated', 'one of two values was lost (0 and 1 found)'],
  ['cleanCut', 'cut', 'looked complete'],
  ['cutLarge', 'large', 'cut after'],
  ['open', 'challenge', 'answered 200 instead of 401'],
  ['noPatient', 'repeated', 'this payer finds no Patient by _lastUpdated'],
  ['halfObject', 'large', 'cut after 2.0 MB'],
  ['refusing', 'large', 'answered 403'],
  ['down', 'large', 'answered 502'],
  ['refusing', 'cut', 'answered 403'],
] as const;

/** A stage that has only what the smoke test reads; each test breaks something in it. */
const startStage = async (fault: 'none' | (typeof faults)[number][0] = 'none') => {
  const megabyte = Buffer.alloc(1024 * 1024, ' ');
  const statusOf: Readonly<Record<string, number>> = { refusing: 403, down: 502 };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://x');
    const path = url.pathname.replace('/r4/northwind/', '');
    if (path === '/oauth2/authorize/northwind') {
      const sent = request.rawHeaders.filter((_, index, all) => all[index - 1] === 'Cookie');
      const handed = fault === 'joinedCookies' ? [sent.join(', ')] : sent;
      const split = handed.flatMap((value) => value.split(fault === 'splitCookies' ? /[;,] */ : /; */));
      const known = split.find((pair) => pair.startsWith('__Host-p2p-consent='))?.slice(19) ?? 'fresh';
      response.end(`<input type="hidden" name="consent_token" value="${known}" />`);
    } else if (request.headers.authorization === undefined && fault === 'open') response.end('{}');
    else if (request.headers.authorization === undefined) {
      const name = fault === 'renamed' ? 'x-amzn-remapped-www-authenticate' : 'www-authenticate';
      response.writeHead(401, { [name]: fault === 'basic' ? 'Basic' : 'Bearer' }).end();
    } else if (path === 'Patient') {
      const all = url.searchParams.getAll('_lastUpdated');
      const counted = { firstOnly: all.slice(0, 1), lastOnly: all.slice(-1) }[fault as string] ?? all;
      const found = fault !== 'noPatient' && counted.every((bound) => bound.startsWith('ge'));
      response.end(JSON.stringify({ entry: found ? [{}] : undefined }));
    } else if (fault in statusOf) response.writeHead(statusOf[fault] ?? 0).end('{}');
    else {
      const breaks = path === 'cut' ? fault !== 'cleanCut' : fault === 'cutLarge';
      // Two megabytes with the brackets.
      response.write('{');
      response.write(megabyte);
      const rest = megabyte.subarray(2);
      response.write(rest, () => (breaks ? response.destroy() : response.end(fault === 'halfObject' ? ' ' : '}')));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};
const servers: Server[] = [];
const closeAll = () =>
  Promise.all(servers.splice(0).map((server) => new Promise((done) => server.close(done).closeAllConnections())));
afterEach(closeAll);

const passed = { code: 0, told: 'Tests:       228 skipped, 135 passed, 363 total' };

const run = async (
  origin: string,
  args: readonly string[] = [],
  environment: NodeJS.ProcessEnv = { P2P_ACCESS_TOKEN: 'x' },
  suite = passed,
) => {
  const out: string[] = [];
  const told: string[] = [];
  const output = { out: (text: string) => out.push(text), note: (text: string) => told.push(text) };
  const all = ['local', '--origin', origin, '--payer', 'northwind', ...args];
  const suites: { readonly origin: string; readonly file: string; readonly content: unknown }[] = [];
  const runSuite = async (of: string, file: string) => {
    const content: unknown = file === 'own.json' ? undefined : JSON.parse(readFileSync(file, 'utf8'));
    suites.push({ origin: of, file, content });
    return suite;
  };
  const code = await smoke(all, { environment, output, runSuite, wait: async () => {} });
  const lines = new Map(out.map((line) => [/^(?:not asked|\S+) +(\S+)/.exec(line)?.[1] ?? '', line]));
  return { code, line: (name: string) => lines.get(name) ?? '', told: told.join('\n'), suites };
};

const reads = ['--large', 'large', '--megabytes', '2', '--cut', 'cut'];

describe('npm run smoke', () => {
  it('passes a stage whose reads are right', async () => {
    const { line } = await run(await startStage(), reads);

    expect(line('conformance')).toMatch(/^ok .*135 passed/);
    expect(line('challenge')).toMatch(/^ok .*www-authenticate: Bearer/);
    expect(line('cookies')).toMatch(/^ok .*the second of two was read over HTTP\/1\.1$/);
    expect(line('repeated')).toMatch(/^ok .*both values counted/);
    expect(line('large')).toMatch(/^ok .*2\.0 MB in/);
    expect(line('cut')).toMatch(/^ok .*cut after/);
    expect(line('alarm')).toMatch(/^not asked .*it needs AWS/);
  });

  it.each(faults)('detects a stage that is %s', async (fault, name, what) => {
    const { code, line } = await run(await startStage(fault), reads);

    expect([code, line(name)]).toEqual([1, expect.stringMatching(/^WRONG/)]);
    expect(line(name)).toContain(what);
  });

  it('takes an answer that fails before its first byte for one that is cut off', async () => {
    const { line } = await run(await startStage('down'), reads);

    expect(line('cut')).toMatch(/^ok .*answered 502 before the first byte$/);
  });

  it('gives the conformance suite of stage local its partners, and of another stage the file that was named', async () => {
    const origin = await startStage();
    const { suites } = await run(origin);
    const named = await run(origin, ['--conformance', 'own.json']);
    const app = `http://localhost:${runningStack({})?.ports.partner ?? 3002}`;

    const portal = { clientId: 'demo-partner', secret: 'demo-partner-secret', redirectUri: `${app}/callback` };
    const ofApp = { clientId: 'demo-app', redirectUri: `${app}/app/callback`, webOrigin: app };
    const content = { payer: 'northwind', edge: true, portal, app: ofApp };
    expect(suites).toEqual([{ origin, file: expect.any(String), content }]);
    expect(existsSync(suites[0]?.file ?? '')).toBe(false);
    expect(named.suites).toMatchObject([{ file: 'own.json' }]);
  });

  it('names the failed tests of the conformance suite once each, with what they expected and got', async () => {
    const failed = `  ● token › is no-store (RFC 6749)

    expect(received).toBe(expected) // Object.is equality

    Expected: "no-store"
    Received: null

      22 | };

  ● token › says why (RFC 6749)

    expect(received).toEqual(expected) // deep equality

    - Expected  - 0
    + Received  + 1

      Object {
        "error": "invalid_grant",
    +   "error_uri": "https://x\u001B.example.org",
      }

  ● token › is there (RFC 6749)

    fetch failed`;
    const told = `${failed}\n\nSummary of all failing tests\n${failed}\nTests: 1 failed, 134 passed`;
    const { code, line } = await run(await startStage(), [], {}, { code: 1, told });

    expect(code).toBe(1);
    expect(line('conformance').split('\n')).toEqual([
      expect.stringMatching(/^WRONG .*1 failed, 134 passed$/),
      '      token › is no-store (RFC 6749)',
      '        Expected: "no-store"',
      '        Received: null',
      '      token › says why (RFC 6749)',
      '        +   "error_uri": "https://x\\u001b.example.org",',
      '      token › is there (RFC 6749)',
      '        fetch failed',
    ]);
  });

  it('fails a large answer that is too small to prove anything', async () => {
    const { line } = await run(await startStage(), ['--large', 'large']);

    expect(line('large')).toMatch(/^WRONG .*only 2\.0 MB: read something larger$/);
  });

  it('says what it needs for the tests that it left out, and runs none with --dry-run', async () => {
    const { code, line, told } = await run('http://127.0.0.1:1', [...reads, '--dry-run'], {});

    expect(code).toBe(0);
    expect(line('repeated')).toContain('it needs an access token in P2P_ACCESS_TOKEN');
    expect(line('challenge')).toContain('it needs a run without --dry-run');
    expect(told).toMatch(/^0 right, 0 wrong, 7 not asked/);
  });

  it.each([
    ['local', true, 'AWS: there is no CloudWatch alarm on this machine'],
    ['demo', false, '--ring: it sets off an alarm'],
    ['demo', true, undefined],
  ])('sets off an alarm of stage %s with --ring %s: it needs %j', (stage, ring, missing) => {
    expect(alarm.missing({ config: { stage }, plan: { ring } } as AskedStage)).toBe(missing);
  });

  it('fails a stage that cannot be reached, with the name of the error', async () => {
    const origin = await startStage();
    await closeAll();
    const { code, line } = await run(origin);

    expect(code).toBe(1);
    expect(line('challenge')).toMatch(
      /^WRONG .*the stage cannot be reached \(.*ECONNREFUSED\); check its domain's DNS and certificate, or --origin$/,
    );
  });
});

describe('the alarm that is set off', () => {
  const cloudWatch = mockClient(CloudWatchClient);
  const loud = 'p2p-gateway-demo-Loud';
  const waits: number[] = [];
  const asked = {
    config: { stage: 'demo', region: 'us-east-1' },
    plan: { ring: true },
    environment: {},
    wait: async (ms: number) => void waits.push(ms),
  } as unknown as AskedStage;
  const alarms = (...of: { AlarmName: string; ActionsEnabled: boolean }[]) =>
    cloudWatch
      .on(DescribeAlarmsCommand, { AlarmNamePrefix: 'p2p-gateway-demo-', StateValue: 'OK' })
      .resolves({ MetricAlarms: of });
  beforeEach(() => {
    cloudWatch.reset();
    waits.length = 0;
    // The first is of a stage whose name begins with this one's.
    alarms(
      { AlarmName: 'p2p-gateway-demo-eu-Loud', ActionsEnabled: true },
      { AlarmName: 'p2p-gateway-demo-Quiet', ActionsEnabled: false },
      { AlarmName: loud, ActionsEnabled: true },
    );
    cloudWatch.on(SetAlarmStateCommand).resolves({});
  });

  it('is one that is OK and has its actions, and CloudWatch says that its message went out', async () => {
    const summary = 'Successfully executed action arn:aws:sns:us-east-1:111122223333:alarms';
    cloudWatch
      .on(DescribeAlarmHistoryCommand, { AlarmName: loud, HistoryItemType: 'Action' })
      .resolvesOnce({ AlarmHistoryItems: [] })
      .resolves({ AlarmHistoryItems: [{ HistorySummary: summary }] });

    expect(await alarm.ask(asked)).toEqual({ outcome: 'right', what: `${loud}: ${summary}` });
    expect(cloudWatch.commandCalls(SetAlarmStateCommand).map(({ args }) => args[0].input)).toMatchObject([
      { AlarmName: loud, StateValue: 'ALARM' },
    ]);
    expect(waits).toEqual([3000]);
  });

  it('is wrong if its action failed, or if there was none within a minute', async () => {
    cloudWatch
      .on(DescribeAlarmHistoryCommand)
      .resolvesOnce({ AlarmHistoryItems: [{ HistorySummary: 'Failed to execute action' }] })
      .resolves({});

    expect(await alarm.ask(asked)).toEqual({ outcome: 'wrong', what: `${loud}: Failed to execute action` });
    expect(await alarm.ask(asked)).toEqual({ outcome: 'wrong', what: `${loud} took no action within a minute` });
    expect(waits.reduce((sum, ms) => sum + ms, 0)).toBe(60_000);
  });

  it('is missing if none is OK with its actions enabled, and nothing is set off', async () => {
    alarms({ AlarmName: 'p2p-gateway-demo-Quiet', ActionsEnabled: false });

    const what = expect.stringContaining('no alarm that is OK') as string;
    expect(await alarm.ask(asked)).toMatchObject({ outcome: 'wrong', what });
    expect(cloudWatch.commandCalls(SetAlarmStateCommand)).toEqual([]);
  });

  it('needs rights, which are named', async () => {
    cloudWatch.on(SetAlarmStateCommand).rejects(Object.assign(new Error('no'), { name: 'AccessDenied' }));

    await expect(alarm.ask(asked)).rejects.toThrow(
      'AWS denied access. The tool needs cloudwatch:DescribeAlarms, cloudwatch:DescribeAlarmHistory and cloudwatch:SetAlarmState.',
    );
  });
});

it('the conformance suite that is run is one that there is, at the origin and with the file that it was given', async () => {
  const spawned = jest.fn((..._call: readonly unknown[]) =>
    Object.assign(new EventEmitter(), { stderr: Readable.from(['Tests:       1 passed']) }),
  );
  jest.resetModules();
  jest.unstable_mockModule('node:child_process', () => ({ spawn: spawned }));
  const { runSuite } = await import('../../bin/smoke/conformance.ts');
  const running = runSuite('https://gateway.example.org', 'own.json', { HOME: '/home' });
  (spawned.mock.results[0]!.value as EventEmitter).emit('close', 1);

  expect(await running).toEqual({ code: 1, told: 'Tests:       1 passed' });
  type Call = [string, string[], { cwd: string; env: NodeJS.ProcessEnv }];
  const [program, args, { cwd, env }] = spawned.mock.calls[0] as unknown as Call;
  expect(env).toMatchObject({
    HOME: '/home',
    P2P_BASE_URL: 'https://gateway.example.org',
    P2P_CONFORMANCE_FILE: 'own.json',
  });
  const found = execFileSync(program, [...args, '--listTests', '--json'], { cwd, env, encoding: 'utf8' });
  expect(JSON.parse(found)).toEqual([join(cwd, 'test/conformance/conformance.test.ts')]);
});
