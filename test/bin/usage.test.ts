import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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
const lineOf = (change: object = {}): string =>
  JSON.stringify({ function: 'fetch', step: 'fetch', outcome: 'ok', payer: 'north', ms: 1, ...change });
const csvFile = (): string => join(folder, 'usage.csv');

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

/** The usage of the month. */
const run = async (...args: readonly string[]) => {
  const { out, told: notes, output } = listening();
  const environment = { AWS_ENDPOINT_URL: aws.url };
  const code = await usage(['--month', month, ...args], { nowMs, environment, delay: async () => {}, output });
  const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
  return { code, out: text(out), notes: text(notes) };
};

/** The lines of a CSV without quoted cells, by the names of its columns. */
const csvRows = (csv: string): Record<string, string>[] => {
  const [head = '', ...lines] = csv.trimEnd().split('\n');
  return lines.map((line) => Object.fromEntries(head.split(',').map((name, at) => [name, line.split(',')[at] ?? ''])));
};

const requestsIn = (csv: string) => csvRows(csv).map(({ payer, requests }) => [payer, requests]);
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

    const { code, out, notes } = await run();

    expect(code).toBe(0);
    const days = { from: first, until: last };
    const bytes = 3 * JSON.stringify({ resourceType: 'Patient', id: 'patient-1' }).length;
    expect(csvRows(out).map(told)).toEqual([
      {
        ...days,
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
        ...days,
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
      { ...days, payer: 'blue', requests: '1', connected: '1' },
      { ...days, requests: '2', refused: '2', invalid_client: '1', invalid_grant: '1' },
    ]);
    expect(notes).toMatch(/^Read 0\.000 GB of log \(0\.00 dollars at list price\)\.\n$/);
  });

  it('adds up the same requests for each partner', async () => {
    createGroups();
    const lines = await realRequests();
    log(lines);
    const partners = localRegistry().partners.map((partner) => [`partner#${partner.clientId}`, partner] as const);
    await fillRegistry(Object.fromEntries(partners));

    const { out } = await run('--by', 'partner');

    const name = localRegistry().partners.find(({ clientId }) => clientId === 'demo-partner')?.name;
    const figures = { requests: String(lines.length), connected: '2', refused: '4', failed: '1', payer_error: '1' };
    expect(csvRows(out).map(told)).toMatchObject([{ partner: 'demo-partner', name, ...figures }]);
  });

  it('finds payer and partner in the line of every step that a partner takes', async () => {
    const lines = (await realRequests()).map((line) => JSON.parse(line) as Readonly<Record<string, string>>);
    const well = lines.filter(({ outcome }) => outcome === 'ok');

    const found = well.map(
      ({ step, payer, partner }) => `${step} ${payer === undefined ? 'nowhere' : 'at'} ${partner}`,
    );
    const steps = ['authorize', 'callback', 'redeem', 'refresh', 'introspect', 'revoke', 'fetch'];
    expect([...new Set(found)].toSorted()).toEqual(steps.map((step) => `${step} at demo-partner`).toSorted());
  });

  it('counts no preflight, no line of the platform, no other stage and no other month', async () => {
    createGroups();
    aws.logs.createGroup('p2p-gateway-local-CanaryLogs1');
    aws.logs.createGroup('p2p-gateway-localhost-FunctionsFetchLogs1');
    await fillRegistry({});
    for (const atMs of [fromMs, untilMs - 1, fromMs - 1, untilMs]) log([lineOf()], atMs);
    log([lineOf({ step: undefined })]);
    aws.logs.write(groupOf('Fetch'), 'REPORT RequestId: x', fromMs + dayMs);
    aws.logs.write('p2p-gateway-local-CanaryLogs1', lineOf({ step: 'canary' }), fromMs + dayMs);
    aws.logs.write('p2p-gateway-localhost-FunctionsFetchLogs1', lineOf(), fromMs + dayMs);

    expect(requestsIn((await run()).out)).toEqual([['north', '2']]);
  });

  it('counts the answers of the export function, but no line of the export job', async () => {
    createGroups();
    const [ofExport, ofJob] = ['p2p-gateway-local-ExportsExportLogs1', 'p2p-gateway-local-ExportsExportJobLogs1'];
    for (const name of [ofExport, ofJob]) aws.logs.createGroup(name, { createdAt: fromMs - dayMs });
    await fillRegistry({});
    const line = lineOf({ function: 'export', step: 'export' });
    for (const name of [ofExport, ofJob]) aws.logs.write(name, line, fromMs + dayMs);

    expect(requestsIn((await run()).out)).toEqual([['north', '1']]);
  });

  it('has a column for every error code, and at the end those that only the log knows', async () => {
    createGroups();
    await fillRegistry({});
    log(['once_known', 'server_error'].map((error) => lineOf({ outcome: 'failed', error })));

    const { out } = await run();

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
    const entries = Object.entries(names).map(([clientId, name]) => [`partner#${clientId}`, { clientId, name }]);
    await fillRegistry(Object.fromEntries(entries) as Record<string, object>);
    log(Object.keys(names).map((partner) => lineOf({ function: 'token', step: 'redeem', partner })));

    const { out } = await run('--by', 'partner');

    expect(out).toContain(`,a-formula,"'=HYPERLINK(""https://evil.example"",""x"")",1,`);
    expect(out).toContain(`,b-at,'@SUM(1),1,`);
    expect(out).toContain(`,c-quoted,"Care, ""Inc.""\\u000aNorth",1,`);
    expect(out).toContain(`,'-d,'+1,1,`);
  });

  it('writes the same CSV into a file, and replaces an older one', async () => {
    createGroups();
    await fillRegistry({});
    log([lineOf()]);
    writeFileSync(csvFile(), 'older');
    // Somebody else has put a link where the file might be written first.
    const planted = `usage.csv.${process.pid}.part`;
    writeFileSync(join(folder, 'mine'), 'mine');
    symlinkSync(join(folder, 'mine'), join(folder, planted));

    const { out, notes } = await run('--csv', csvFile());

    expect([out, notes]).toEqual(['', expect.stringContaining(`${csvFile()} has 1 lines.`)]);
    expect(readFileSync(csvFile(), 'utf8')).toBe((await run()).out);
    expect(readdirSync(folder).toSorted()).toEqual(['mine', 'usage.csv', planted]);
    expect(readFileSync(join(folder, 'mine'), 'utf8')).toBe('mine');
  });

  it('npm run usage with --dry-run shows the queries and about what they would read, and asks none', async () => {
    createGroups({ createdAt: fromMs });
    log(Array.from({ length: 1000 }, () => lineOf().padEnd(1000)));
    aws.log.clear();

    const { code, out, notes } = await run('--csv', csvFile(), '--dry-run');

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
    const { code, out, notes } = await run();

    expect(code).toBe(0);
    expect(out).toMatch(/^from,until,payer,.*\n$/);
    expect(notes).toContain(`The stage had no request in ${month}: the CSV has its head only.`);
  });

  it('is the same for a month before there was a stage, of which CloudWatch refuses to say anything', async () => {
    createGroups({ createdAt: untilMs + dayMs });
    expect(csvRows((await run()).out)).toEqual([]);
  });

  it('is refused if its logs are gone', async () => {
    createGroups({ retentionDays: Math.floor((nowMs - untilMs) / dayMs) });
    const firstDay = dayOf(nowMs - Math.floor((nowMs - untilMs) / dayMs) * dayMs + dayMs);
    const refused = `The logs of ${month} are gone: they begin on ${firstDay}`;
    await expect(run('--csv', csvFile())).rejects.toThrow(refused);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('says from which day its figures are, if only a part is left', async () => {
    const retentionDays = Math.floor((nowMs - fromMs) / dayMs) - 9;
    createGroups({ retentionDays });
    await fillRegistry({});
    const since = (Math.floor((nowMs - retentionDays * dayMs) / dayMs) + 1) * dayMs;
    log([lineOf()], since);
    log([lineOf()], since - 1);

    const { out, notes } = await run();

    expect(notes).toContain(`These are the figures from ${dayOf(since)} on: older logs are gone (retention.logDays).`);
    expect(csvRows(out)).toMatchObject([{ from: dayOf(since), until: last, requests: '1' }]);
  });

  it('is refused if the stage has no log', async () => {
    await expect(run()).rejects.toThrow('There is no log group p2p-gateway-local-Functions…');
  });
});

describe('npm run usage where AWS fails', () => {
  beforeEach(() => {
    createGroups();
    log([lineOf()]);
  });

  const writes = () => run('--csv', csvFile());
  const written = () => csvRows(readFileSync(csvFile(), 'utf8'));
  const fails = (type: string, message = 'no') => ({ __type: type, message });

  it.each([
    ['a query ends as Failed', 'GetQueryResults', { status: 'Failed' }, 'ended a query without an answer (Failed)'],
    ['a query ends as Cancelled', 'GetQueryResults', { status: 'Cancelled' }, 'without an answer (Cancelled)'],
    ['a query ends as Timeout', 'GetQueryResults', { status: 'Timeout' }, 'without an answer (Timeout)'],
    ['a query ends as Unknown', 'GetQueryResults', { status: 'Unknown' }, 'without an answer (Unknown)'],
    ['a query never ends', 'GetQueryResults', { status: 'Running' }, 'has not finished a query for an hour'],
    [
      'AWS refuses a right',
      'StartQuery',
      fails('AccessDeniedException'),
      'AWS denied access. The tool needs logs:DescribeLogGroups',
    ],
    [
      'the registry cannot be read',
      'Scan',
      fails('com.amazon.coral.service#AccessDeniedException'),
      'AWS denied access. The tool needs dynamodb:ListTables',
    ],
  ])('npm run usage writes nothing if %s, and says what to do', async (_what, call, answer, message) => {
    await fillRegistry({});
    aws.answer(call, answer);
    await expect(writes()).rejects.toThrow(message);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each(['LimitExceededException', 'ThrottlingException'])(
    'npm run usage starts a query again that failed for a moment by %s',
    async (type) => {
      await fillRegistry({});
      aws.answer('StartQuery', fails(type, 'busy'), 2);
      expect((await writes()).code).toBe(0);
      expect(written()).toMatchObject([{ payer: 'north', requests: '1' }]);
    },
  );

  it('npm run usage reads a table again that was busy for a moment', async () => {
    await fillRegistry({ 'payer#north': { id: 'north', displayName: 'North' } });
    aws.answer('Scan', fails('ProvisionedThroughputExceededException', 'busy'), 4);
    await writes();
    expect(written()).toMatchObject([{ payer: 'north', name: 'North' }]);
  });
});
