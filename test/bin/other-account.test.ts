import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { commandsOf, flagsOf } from '../../bin/shared/spec.ts';
import { localStage } from '../../config/local.ts';
import { close, listen } from '../../sandbox/aws/listen.ts';
import { asking, runHere } from './every-tool.ts';
import { tools, type ToolName } from './tools.ts';

const [own, other] = ['111122223333', '444455556666'];
const variables = {
  AWS_ACCESS_KEY_ID: 'AKIATEST',
  AWS_SECRET_ACCESS_KEY: 'none',
  AWS_REGION: 'us-east-1',
  AWS_MAX_ATTEMPTS: '1',
};
const before = { ...process.env };

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html */
const tableName = 'TableName must be at least 3 characters long and at most 255 characters long';
const requestLog = { logGroupName: 'p2p-gateway-try-TokenLogs', creationTime: Date.UTC(2026, 0), storedBytes: 1 };
const calls: string[] = [];
let caller = other;
/** An AWS that knows who is asking and which table names are well formed, and answers nothing else. */
const server = createServer((request, response) => {
  void text(request).then((body) => {
    const { Action: action } = Object.fromEntries(new URLSearchParams(body));
    if (action !== 'GetCallerIdentity') {
      const target = String(request.headers['x-amz-target'] ?? `${request.method} ${request.url}`);
      calls.push(target);
      if (target.startsWith('Logs')) return response.end(JSON.stringify({ logGroups: [requestLog] }));
      if (!target.startsWith('DynamoDB')) return response.writeHead(500).end();
      return response.writeHead(400).end(JSON.stringify({ __type: 'x#ValidationException', message: tableName }));
    }
    const found = `<Arn>arn:aws:iam::${caller}:user/a</Arn><UserId>a</UserId><Account>${caller}</Account>`;
    return response
      .writeHead(200, { 'content-type': 'text/xml' })
      .end(
        `<GetCallerIdentityResponse><GetCallerIdentityResult>${found}</GetCallerIdentityResult></GetCallerIdentityResponse>`,
      );
  });
});

let folder: string;
let url: string;
beforeAll(async () => {
  url = `http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}`;
  Object.assign(process.env, variables, { AWS_ENDPOINT_URL: url });
  folder = await mkdtemp(join(tmpdir(), 'other-account-'));
  const { origin: _origin, lifetimes: _lifetimes, ...stage } = localStage();
  const existing = { alarmTopicArn: `arn:aws:sns:us-east-1:${own}:alarms` };
  const config = { ...stage, stage: 'try', account: own, region: 'us-east-1', existing };
  await writeFile(join(folder, 'stage.json'), JSON.stringify(config));
});
afterAll(async () => {
  for (const name of [...Object.keys(variables), 'AWS_ENDPOINT_URL']) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
  await close(server);
  await rm(folder, { recursive: true });
});

describe('credentials of another account than the stage’s', () => {
  const grant = 'abcdefghijklmnopqrst-1';
  const why = ['--reason', 'a test'];
  const since = ['--since', '2026-06-01T00:00:00Z'];
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ['payers check', []],
    ['payers secret', ['northwind']],
    ['payers pause', ['northwind', ...why]],
    ['payers resume', ['northwind', ...why]],
    ['payers list', []],
    ['registry diff', []],
    ['registry apply', [...why, '--yes']],
    ['registry export', []],
    ['partners block', ['demo-partner', ...why]],
    ['partners unblock', ['demo-partner', ...why]],
    ['partners list', []],
    ['payers drift', []],
    ['partners webhook', ['demo-partner']],
    ['partners replay', ['demo-partner', '--since', '1d']],
    ['trace', ['3f2a9c01-77de']],
    ['exports list', []],
    ['exports show', [grant]],
    ['exports end', [grant, ...why]],
    ['grants list', []],
    ['grants show', [grant]],
    ['grants end', [grant, ...why]],
    ['members find', [`--grant=${grant}`]],
    ['members report', [`--grant=${grant}`, '--csv', 'report.csv']],
    ['members end', [`--grant=${grant}`, ...why, '--yes']],
    ['members index', []],
    ['restore grants', ['--from', 'copy', ...since, ...why, '--yes']],
    ['restore revocations', [...since, ...why, '--yes']],
    ['restore stops', [...why, '--yes']],
    ['restore reads', ['--from', 'copy', ...since, '--yes']],
    ['usage', ['--month', '2026-05']],
    ['audit', [`--grant=${grant}`]],
    ['existing check', []],
  ];
  /** Commands that do not call AWS here: `payers mapping` needs an assembly, and `smoke` calls AWS last, and only with --ring. */
  const withoutAws = [
    'init',
    'payers learn',
    'payers import',
    'payers key',
    'payers mapping',
    'partners new',
    'partners rotate',
    'smoke',
    'existing needs',
  ];

  it('are tried with each command that calls AWS', () => {
    expect([...rows.map(([line]) => line), ...withoutAws].sort()).toEqual([...asking].sort());
  });

  it.each(rows)('are refused before anything else is asked: %s', async (line, args) => {
    calls.splice(0);

    const { code, printed } = await runHere(line, [...args, '--config', join(folder, 'stage.json')], url);

    const says = `Stage try is in account ${own}, but your credentials are for ${other}. Set AWS_PROFILE.`;
    expect([code, printed, calls]).toEqual([1, expect.stringContaining(says), []]);
  });

  const takesTable = (line: string): boolean => {
    const [tool = '', command = ''] = line.split(' ');
    return flagsOf(commandsOf(tools[tool as ToolName].spec).get(command)!).some(({ name }) => name === 'table');
  };

  // Apply checks the file first.
  it.each(rows.filter(([line]) => takesTable(line) && line !== 'registry apply'))(
    'a table’s name that AWS does not take is a sentence: %s',
    async (line, args) => {
      calls.splice(0);
      caller = own;

      const { code, printed } = await runHere(
        line,
        [...args, '--table', 'x', '--config', join(folder, 'stage.json')],
        url,
      );
      caller = other;

      expect([code, printed]).toEqual([
        1,
        expect.stringMatching(/^[^\n]*\((?:dynamodb: )?ValidationException|failed \(/),
      ]);
      expect(calls.filter((call) => /StartQuery/.test(call))).toEqual([]);
    },
  );
});
