import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { usage } from '../../bin/usage/usage.ts';
import { errorCodes } from '../../functions/shared/errors.ts';
import { newEntryItem } from '../../functions/shared/registry/entry-items.ts';
import { fetchGateway, fhir, read } from '../support/fetch-gateway.ts';
import { identityWorld } from '../support/identity.ts';
import { basic, bodyOf, gateway, localRegistry } from '../support/login.ts';
import { answeringAws, ownKey } from './answering-aws.ts';
import { listening, tableOf } from './tool-stage.ts';

const dayMs = 86_400_000;
const nowMs = Date.now();
const today = new Date(nowMs);
/** The whole month before this one, so that the tests do not depend on the day. */
const fromMs = Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - 1);
const untilMs = Date.UTC(today.getUTCFullYear(), today.getUTCMonth());
const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
const month = dayOf(fromMs).slice(0, 7);
const [first, last] = [dayOf(fromMs), dayOf(untilMs - 1)];

const functions = ['Authorize', 'Callback', 'Token', 'Fetch', 'Discovery'];
const groupOf = (name: string): string => `p2p-gateway-local-Functions${name}Logs1`;

let aws: Awaited<ReturnType<typeof answeringAws>>;
let folder: string;
beforeEach(async () => {
  aws = await answeringAws();
  folder = mkdtempSync(join(tmpdir(), 'usage-'));
});
afterEach(async () => {
  await aws.close();
  rmSync(folder, { recursive: true });
});

const createGroups = (options: { retentionDays?: number; createdAt?: number } = {}): void => {
  for (const name of functions) aws.logs.createGroup(groupOf(name), { createdAt: fromMs - 90 * dayMs, ...options });
};

/** Logs lines of functions, each in its own group. */
const log = (lines: readonly string[], atMs = fromMs + 10 * dayMs): void => {
  for (const line of lines) {
    const { function: name = '' } = JSON.parse(line) as { function?: string };
    aws.logs.write(groupOf(name.charAt(0).toUpperCase() + name.slice(1)), line, atMs);
  }
};

const fillRegistry = async (entries: Readonly<Record<string, object>>): Promise<void> => {
  await aws.dynamoDb.createTables([tableOf('Registry')], () => {});
  const client = new DynamoDBClient({ endpoint: aws.url, region: 'us-east-1', credentials: ownKey });
  const changed = { changedAt: 1, changedBy: 'test', reason: 'test' };
  for (const [id, entry] of Object.entries(entries)) {
    const Item = newEntryItem(id, entry, changed);
    await client.send(new PutItemCommand({ TableName: tableOf('Registry').physicalName, Item }));
  }
  client.destroy();
};

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly notes: string;
}

const run = async (args: readonly string[]): Promise<Ran> => {
  const { out, told: notes, output } = listening();
  const environment = { AWS_ENDPOINT_URL: aws.url };
  const code = await usage(args, { nowMs, environment, delay: async () => {}, output });
  const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
  return { code, out: text(out), notes: text(notes) };
};

/** The lines of a CSV without quoted cells, by the names of its columns. */
const csvRows = (csv: string): Record<string, string>[] => {
  const [head = '', ...lines] = csv.trimEnd().split('\n');
  return lines.map((line) => Object.fromEntries(head.split(',').map((name, at) => [name, line.split(',')[at] ?? ''])));
};

/** The columns that are neither empty nor 0. */
const told = (row: Record<string, string> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== '' && value !== '0'));

/** Sign-ins, token calls and reads at two payers, as the functions log them. */
const realRequests = async (): Promise<readonly string[]> => {
  const test = gateway();
  const pair = await test.connect();
  await test.refresh(pair.refresh_token);
  await test.introspect({ token: pair.access_token });
  await test.redeem('nothing');
  await test.refresh(pair.refresh_token, {}, basic('demo-partner', 'wrong'));
  const { state, cookie } = await test.start({}, { payer: 'northwind' });
  await test.callback({ ...test.fromPayer(state), error: 'access_denied', code: '' }, { cookie, payer: 'northwind' });
  await test.revoke({ token: bodyOf(await test.redeem(await test.login())).access_token });

  const reads = fetchGateway();
  const grants = {
    northwind: await reads.grant(),
    'demo-health-plan': await reads.grant({ payer: 'demo-health-plan' }),
  };
  const ask = async (payer: keyof typeof grants, answer: () => Response, ms: number) => {
    reads.payer.http = async () => {
      reads.passSeconds(ms / 1000);
      return answer();
    };
    await read(reads.deps, 'Patient', grants[payer].token, { payer });
  };
  for (const ms of [10, 20, 1000]) await ask('northwind', () => fhir({ resourceType: 'Patient', id: 'patient-1' }), ms);
  await ask('demo-health-plan', () => new Response('', { status: 500 }), 40);
  await ask('demo-health-plan', () => new Response('', { status: 404 }), 40);
  return [...test.lines, ...reads.lines];
};

describe('npm run usage', () => {
  it('adds up a month of real requests for each payer, and those that name none', async () => {
    createGroups();
    const { identify, lines } = identityWorld();
    await identify();
    log([...(await realRequests()), ...lines]);
    await fillRegistry(Object.fromEntries(localRegistry().payers.map((payer) => [`payer#${payer.id}`, payer])));

    const { code, out, notes } = await run(['--month', month]);

    expect(code).toBe(0);
    const bytes = 3 * JSON.stringify({ resourceType: 'Patient', id: 'patient-1' }).length;
    expect(csvRows(out).map(told)).toEqual([
      {
        from: first,
        until: last,
        payer: 'northwind',
        name: 'Northwind Health',
        requests: '14',
        connected: '2',
        refused: '1',
        bytes: String(bytes),
        p99Ms: '1000',
        payerMedianMs: '20',
        payerP99Ms: '1000',
        access_denied: '1',
      },
      {
        from: first,
        until: last,
        payer: 'demo-health-plan',
        name: 'Demo Health Plan',
        requests: '2',
        refused: '1',
        failed: '1',
        medianMs: '40',
        p99Ms: '40',
        payerMedianMs: '40',
        payerP99Ms: '40',
        payer_error: '1',
      },
      { from: first, until: last, payer: 'blue', requests: '1', connected: '1' },
      { from: first, until: last, requests: '2', refused: '2', invalid_client: '1', invalid_grant: '1' },
    ]);
    expect(notes).toMatch(/^Read 0\.000 GB of log \(0\.00 dollars at list price\)\.\n$/);
  });

  it('adds up the same requests for each partner', async () => {
    createGroups();
    const lines = await realRequests();
    log(lines);
    const partners = localRegistry().partners.map((partner) => [`partner#${partner.clientId}`, partner] as const);
    await fillRegistry(Object.fromEntries(partners));

    const { out } = await run(['--month', month, '--by', 'partner']);

    const [row, ...others] = csvRows(out).map(told);
    expect(others).toEqual([]);
    expect(row).toMatchObject({
      partner: 'demo-partner',
      name: localRegistry().partners.find(({ clientId }) => clientId === 'demo-partner')?.name,
      requests: String(lines.length),
      connected: '2',
      refused: '4',
      failed: '1',
      payer_error: '1',
    });
  });

  it('finds payer and partner in the line of every step that a partner takes', async () => {
    interface Line {
      readonly step: string;
      readonly outcome: string;
      readonly payer?: string;
      readonly partner?: string;
    }
    const lines = (await realRequests()).map((line) => JSON.parse(line) as Line);
    const well = Map.groupBy(
      lines.filter(({ outcome }) => outcome === 'ok'),
      ({ step }) => step,
    );

    expect([...well.keys()].toSorted()).toEqual(
      ['authorize', 'callback', 'redeem', 'refresh', 'introspect', 'revoke', 'fetch'].toSorted(),
    );
    for (const [step, ofStep] of well) {
      const found = ofStep.map(({ payer, partner }) => [step, payer !== undefined, partner]);
      expect(found).toEqual(ofStep.map(() => [step, true, 'demo-partner']));
    }
  });

  it('counts no preflight, no line of the platform, no other stage and no other month', async () => {
    createGroups();
    aws.logs.createGroup('p2p-gateway-local-CanaryLogs1');
    aws.logs.createGroup('p2p-gateway-localhost-FunctionsFetchLogs1');
    const line = { function: 'fetch', step: 'fetch', outcome: 'ok', payer: 'north', ms: 1 };
    await fillRegistry({});
    log([JSON.stringify(line)], fromMs);
    log([JSON.stringify(line)], untilMs - 1);
    log([JSON.stringify(line)], fromMs - 1);
    log([JSON.stringify(line)], untilMs);
    log([JSON.stringify({ ...line, step: undefined })]);
    aws.logs.write(groupOf('Fetch'), 'REPORT RequestId: x', fromMs + dayMs);
    aws.logs.write('p2p-gateway-local-CanaryLogs1', JSON.stringify({ ...line, step: 'canary' }), fromMs + dayMs);
    aws.logs.write('p2p-gateway-localhost-FunctionsFetchLogs1', JSON.stringify(line), fromMs + dayMs);

    expect(csvRows((await run(['--month', month])).out).map(({ payer, requests }) => [payer, requests])).toEqual([
      ['north', '2'],
    ]);
  });

  it('counts the answers of the export function, but no line of the export job', async () => {
    createGroups();
    const [ofExport, ofJob] = ['p2p-gateway-local-ExportsExportLogs1', 'p2p-gateway-local-ExportsExportJobLogs1'];
    for (const name of [ofExport, ofJob]) aws.logs.createGroup(name, { createdAt: fromMs - dayMs });
    await fillRegistry({});
    const line = JSON.stringify({ function: 'export', step: 'export', outcome: 'ok', payer: 'north', ms: 1 });
    for (const name of [ofExport, ofJob]) aws.logs.write(name, line, fromMs + dayMs);

    const rows = csvRows((await run(['--month', month])).out);
    expect(rows.map(({ payer, requests }) => [payer, requests])).toEqual([['north', '1']]);
  });

  it('has a column for every error code, and at the end those that only the log knows', async () => {
    createGroups();
    await fillRegistry({});
    const line = { function: 'fetch', step: 'fetch', outcome: 'failed', payer: 'north', ms: 1 };
    log([JSON.stringify({ ...line, error: 'once_known' }), JSON.stringify({ ...line, error: 'server_error' })]);

    const { out } = await run(['--month', month]);

    expect(out.split('\n')[0]).toBe(
      ['from,until,payer,name,requests,connected,refused,failed,bytes,medianMs,p99Ms,payerMedianMs,payerP99Ms']
        .concat(errorCodes, 'once_known')
        .join(','),
    );
    expect(told(csvRows(out)[0])).toMatchObject({ once_known: '1', server_error: '1', failed: '2' });
  });

  it('gives a spreadsheet no formula to run, and keeps commas and quotes inside their cell, and shows a line break', async () => {
    createGroups();
    const names = {
      'a-formula': '=HYPERLINK("https://evil.example","x")',
      'b-at': '@SUM(1)',
      'c-quoted': 'Care, "Inc."\nNorth',
      '-d': '+1',
    };
    await fillRegistry(
      Object.fromEntries(Object.entries(names).map(([id, name]) => [`partner#${id}`, { clientId: id, name }])),
    );
    log(
      Object.keys(names).map((partner) =>
        JSON.stringify({ function: 'token', step: 'redeem', outcome: 'ok', partner }),
      ),
    );

    const { out } = await run(['--month', month, '--by', 'partner']);

    expect(out).toContain(`,a-formula,"'=HYPERLINK(""https://evil.example"",""x"")",1,`);
    expect(out).toContain(`,b-at,'@SUM(1),1,`);
    expect(out).toContain(`,c-quoted,"Care, ""Inc.""\\u000aNorth",1,`);
    expect(out).toContain(`,'-d,'+1,1,`);
  });

  it('writes the same CSV into a file, and replaces an older one', async () => {
    createGroups();
    await fillRegistry({});
    log([JSON.stringify({ function: 'fetch', step: 'fetch', outcome: 'ok', payer: 'north', ms: 1 })]);
    const file = join(folder, 'usage.csv');
    writeFileSync(file, 'older');

    const { out, notes } = await run(['--month', month, '--csv', file]);

    expect(out).toBe('');
    expect(notes).toContain(`${file} has 1 lines.`);
    expect(readFileSync(file, 'utf8')).toBe((await run(['--month', month])).out);
    expect(readdirSync(folder)).toEqual(['usage.csv']);
  });

  it('npm run usage with --dry-run shows the queries and about what they would read, and asks none', async () => {
    createGroups({ createdAt: fromMs });
    const line = JSON.stringify({ function: 'fetch', step: 'fetch', outcome: 'ok', payer: 'north' }).padEnd(1000);
    log(Array.from({ length: 1000 }, () => line));
    const file = join(folder, 'usage.csv');
    aws.log.clear();

    const { code, out, notes } = await run(['--month', month, '--csv', file, '--dry-run']);

    expect(code).toBe(0);
    expect(out.split('\n')[0]).toBe(`from ${first} to ${last} in ${functions.map(groupOf).toSorted().join(', ')}:`);
    expect(out.match(/^filter ispresent\(step\).* by payer.*$/gm)).toHaveLength(2);
    expect(notes).toMatch(/^Would read about 0\.00[12] GB of log .*Nothing was asked or written\.\n$/);
    expect(new Set(aws.log.calls().map(({ action }) => action))).toEqual(new Set(['logs:DescribeLogGroups']));
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('a month without figures', () => {
  it('is a head alone, with a sentence, if the stage had no request', async () => {
    createGroups();
    const { code, out, notes } = await run(['--month', month]);

    expect(code).toBe(0);
    expect(out).toMatch(/^from,until,payer,.*\n$/);
    expect(notes).toContain(`The stage had no request in ${month}: the CSV has its head only.`);
  });

  it('is the same for a month before there was a stage, of which CloudWatch refuses to say anything', async () => {
    createGroups({ createdAt: untilMs + dayMs });
    expect(csvRows((await run(['--month', month])).out)).toEqual([]);
  });

  it('is refused if its logs are gone', async () => {
    createGroups({ retentionDays: Math.floor((nowMs - untilMs) / dayMs) });
    const file = join(folder, 'usage.csv');

    await expect(run(['--month', month, '--csv', file])).rejects.toThrow(
      `The logs of ${month} are gone: they begin on ${dayOf(nowMs - Math.floor((nowMs - untilMs) / dayMs) * dayMs + dayMs)}`,
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  it('says from which day its figures are, if only a part is left', async () => {
    const retentionDays = Math.floor((nowMs - fromMs) / dayMs) - 9;
    createGroups({ retentionDays });
    await fillRegistry({});
    const since = (Math.floor((nowMs - retentionDays * dayMs) / dayMs) + 1) * dayMs;
    const line = JSON.stringify({ function: 'fetch', step: 'fetch', outcome: 'ok', payer: 'north' });
    log([line], since);
    log([line], since - 1);

    const { out, notes } = await run(['--month', month]);

    expect(notes).toContain(`These are the figures from ${dayOf(since)} on: older logs are gone (retention.logDays).`);
    expect(csvRows(out)).toMatchObject([{ from: dayOf(since), until: last, requests: '1' }]);
  });

  it('is refused if the stage has no log', async () => {
    await expect(run(['--month', month])).rejects.toThrow('There is no log group p2p-gateway-local-Functions…');
  });

  it.each([
    [[], 'Give --month'],
    [['--month', '2026'], '--month is "2026"; write a month such as 2026-11'],
    [['--month', '2026-13'], '--month is "2026-13"'],
    [['--month', '2026-1'], '--month is "2026-1"'],
    [['--month', '11-2026'], '--month is "11-2026"'],
    [['--month', '2026-11-01'], '--month is "2026-11-01"'],
    [['--month', '2099-01'], '--month is 2099-01, which has not begun; today is '],
    [['--month', month, '--by', 'member'], '--by is "member"; write payer or partner'],
    [['--month', month, '--csv', ''], '--csv is empty'],
    [['--month', month, '--csv', '/nowhere/usage.csv'], '/nowhere/usage.csv cannot be written (ENOENT)'],
    [['--month', month, 'more'], '--help lists the flags'],
  ])('%j: says what is wrong', async (args, sentence) => {
    await expect(run(args)).rejects.toThrow(sentence);
  });
});

describe('npm run usage where AWS fails', () => {
  beforeEach(() => {
    createGroups();
    log([JSON.stringify({ function: 'fetch', step: 'fetch', outcome: 'ok', payer: 'north' })]);
  });

  const runInto = (file: string): Promise<Ran> => run(['--month', month, '--csv', join(folder, file)]);

  it.each(['Failed', 'Cancelled', 'Timeout', 'Unknown'])(
    'npm run usage writes nothing if a query ends as %s',
    async (status) => {
      aws.answer('GetQueryResults', { status });
      await expect(runInto('a.csv')).rejects.toThrow(`CloudWatch Logs ended a query without an answer (${status})`);
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  it('npm run usage writes nothing if a query never ends', async () => {
    aws.answer('GetQueryResults', { status: 'Running' });
    await expect(runInto('a.csv')).rejects.toThrow('CloudWatch Logs has not finished a query for an hour');
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each(['LimitExceededException', 'ThrottlingException'])(
    'npm run usage starts a query again that failed for a moment by %s',
    async (type) => {
      await fillRegistry({});
      aws.answer('StartQuery', { __type: type, message: 'busy' }, 2);
      expect((await runInto('a.csv')).code).toBe(0);
      expect(csvRows(readFileSync(join(folder, 'a.csv'), 'utf8'))).toMatchObject([{ payer: 'north', requests: '1' }]);
    },
  );

  it('npm run usage reads a table again that was busy for a moment', async () => {
    await fillRegistry({ 'payer#north': { id: 'north', displayName: 'North' } });
    aws.answer('Scan', { __type: 'ProvisionedThroughputExceededException', message: 'busy' }, 4);
    await runInto('a.csv');
    expect(csvRows(readFileSync(join(folder, 'a.csv'), 'utf8'))).toMatchObject([{ payer: 'north', name: 'North' }]);
  });

  it('npm run usage names the rights that AWS refuses', async () => {
    aws.answer('StartQuery', { __type: 'AccessDeniedException', message: 'no' });
    await expect(runInto('a.csv')).rejects.toThrow('AWS denied access. The tool needs logs:DescribeLogGroups');
  });

  it('npm run usage writes nothing if the registry cannot be read', async () => {
    await fillRegistry({});
    aws.answer('Scan', { __type: 'com.amazon.coral.service#AccessDeniedException', message: 'no' });
    await expect(runInto('a.csv')).rejects.toThrow('AWS denied access. The tool needs dynamodb:ListTables');
    expect(readdirSync(folder)).toEqual([]);
  });
});
