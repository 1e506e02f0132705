import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { exportJob, legBounds, measuredExchange } from '../../bin/cost/export-usage.ts';
import { prices, type Quantities } from '../../bin/cost/prices.ts';
import { sizeOf, type StageSize } from '../../bin/cost/stage-size.ts';
import { costTables, idleTable, withCostTables } from '../../bin/cost/tables.ts';
import { canary, measured } from '../../bin/cost/usage.ts';
import { loadStage } from '../../config/checks/load.ts';
import example from '../../config/production-example.ts';
import { readRecords } from '../../functions/audit/read-records.ts';
import { legBounds as boundsOfCode } from '../../functions/export-job/record/record-leg.ts';
import { readEventWriter } from '../../functions/shared/record/audit-read.ts';
import { directoryEntryOf, entryIds, newEntryItem } from '../../functions/shared/registry/entry-items.ts';
import { exchangeGateway, newPlan, oldPlan } from '../support/exchange-gateway.ts';
import { exportWorld, memberPatient, observation, pageOf } from '../support/export-world.ts';
import { fetchGateway, fhir, read } from '../support/fetch-gateway.ts';
import { gateway, pkce, verifier } from '../support/login.ts';
import { matchParameters, memberBundle } from '../support/member-bundle.ts';
import { documentAt } from './documents.ts';

type Item = Record<string, AttributeValue>;

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html */
const bytesOfValue = (value: AttributeValue): number => {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  if (value.N !== undefined) return Math.ceil(value.N.length / 2) + 1;
  if (value.B !== undefined) return value.B.length;
  return value.M === undefined ? 1 : 3 + bytesOf(value.M) + Object.keys(value.M).length;
};
const bytesOf = (item: Item): number =>
  Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + bytesOfValue(value), 0);

/** Expects that the assumed size is at least the real one, and not much larger. */
const expectToFit = (budgeted: number, real: number): void => {
  expect(budgeted).toBeGreaterThanOrEqual(real);
  expect(budgeted).toBeLessThan(1.5 * real);
};

const auditedRead = async () => {
  const test = fetchGateway();
  test.payer.http = async () => fhir({ resourceType: 'Bundle' });
  const table = { client: test.dynamo.client, name: 'AuditEvents' };
  const { token } = await test.grant();
  await read({ ...test.deps, ...readEventWriter(table, test.deps.clock) }, 'Observation', token);
  return { lines: test.lines, items: test.dynamo.puts('AuditEvents') };
};

/** The table of stages that nobody uses: the example, and a national network. */
const idleStages = (): string => costTables().split('### An idle stage')[1]?.split('###')[0] ?? '';

describe('the cost table', () => {
  it('is in docs/reports/cost.md exactly as the script prints it', () => {
    const document = readFileSync(join(import.meta.dirname, '../../docs/reports/cost.md'), 'utf8');
    expect(document).toContain(costTables());
    expect(withCostTables(document)).toBe(document);
  });

  it('has the figures that docs/cost.md summarizes', () => {
    const summary = readFileSync(join(import.meta.dirname, '../../docs/cost.md'), 'utf8');
    const figureOf = (row: string): string | undefined =>
      new RegExp(`^\\| ${row}.*\\| +([\\d.]+) \\|$`, 'm').exec(summary)?.[1];
    const totals = [...costTables().matchAll(/^\| \*\*Total\*\* +\| +\*\*([\d.]+)\*\*/gm)].map(([, usd]) => usd);
    expect(
      [
        'one member for a year',
        'a million reads',
        'an export of a whole record',
        'a match of 1,000 members',
        'an idle stage',
      ].map(figureOf),
    ).toEqual(totals);
    const ofGroup = /^\| \*\*Total\*\* .*\*\*([\d.]+)\*\* \|$/m.exec(
      costTables().split('### An exchange')[1] ?? '',
    )?.[1];
    expect(figureOf('the export of a Group')).toBe(ofGroup);

    const national = /^\| \*\*Total\*\* .*\*\*([\d.]+)\*\* \|$/m.exec(idleStages())?.[1];
    expect(figureOf('a national one')).toBe(national);

    const idle = (size: StageSize): number => Number(/^\| \*\*Total.*\*\*([\d.]+)\*\*/m.exec(idleTable(size, []))?.[1]);
    const without = { ...sizeOf({ ...example, exchanges: undefined }), exchangeKeys: 0 };
    const ofExchanges = idle({ ...sizeOf(example), exchangeKeys: 0 }) - idle(without);
    expect(summary).toContain(`a stage with \`exchanges\` pays ${ofExchanges.toFixed(2)} dollars a month more`);
  });

  it('is not written into a document without a place for it', () => {
    expect(() => withCostTables('# Cost')).toThrow('begin: npm run cost');
  });

  it('is computed with the sizes of a real match, whose members differ in all that tells people apart', async () => {
    const test = exchangeGateway();
    const members = 200;
    const bundles = Array.from({ length: members }, (_, at) => {
      const id = randomBytes(8).toString('hex');
      const text = JSON.stringify(memberBundle(id, { oldPlan, newPlan }));
      return JSON.parse(text.replaceAll(/Person|Patricia|55678|DH10001235|1234564321/g, () => `${id}${at}`)) as object;
    });
    const answer = await test.ask('Group/$bulk-member-match', await test.systemToken(), {
      body: matchParameters(...bundles),
    });
    expect(answer.statusCode).toBe(202);
    const sizes = (table: 'AuditEvents' | 'Exchanges', pattern: RegExp): number =>
      [...test.dynamo.items(table).values()]
        .filter((item) => pattern.test(JSON.stringify(item)))
        .reduce((sum, item) => sum + bytesOf(item), 0);

    expectToFit(measuredExchange.asked * members, sizes('Exchanges', /"input\//));
    expectToFit(measuredExchange.audited * members, sizes('AuditEvents', /asked/));
  });

  it('is computed with the sizes of a real login attempt and a real grant', async () => {
    const test = gateway();
    const code = await test.login(pkce);
    const { refresh_token: token } = JSON.parse((await test.redeem(code, { code_verifier: verifier })).body) as {
      refresh_token: string;
    };
    await test.refresh(token);
    const [attempt] = test.dynamo.items('LoginAttempts').values();
    const { sealedPayerTokens: _, ...grant } = test.grant();

    expectToFit(measured.loginAttempt, bytesOf(attempt ?? {}));
    expectToFit(measured.grantWithoutPayerTokens, bytesOf(grant));
  });

  it('is computed with the sizes of real entries of the registry', () => {
    const changed = {
      changedAt: 1_780_315_200,
      changedBy: 'arn:aws:sts::123456789012:assumed-role/Admin/me',
      reason: 'new',
    };
    const longest = (entries: readonly (readonly [string, object])[]): number =>
      Math.max(...entries.map(([id, entry]) => bytesOf(newEntryItem(id, entry, changed))));
    const { payers, partners } = example;

    expectToFit(measured.payerEntry, longest(payers.map((payer) => [entryIds.payer(payer.id), payer])));
    expectToFit(measured.partnerEntry, longest(partners.map((one) => [entryIds.partner(one.clientId), one])));
    const directory = payers.map((payer) => JSON.stringify(directoryEntryOf(payer, partners)).length + 1);
    expectToFit(measured.directoryEntry, Math.max(...directory));
  });

  it('is computed with the bounds of the canary', () => {
    const source = readFileSync(join(import.meta.dirname, '../../functions/canary/handler.ts'), 'utf8');
    const boundOf = (name: string): number => Number(new RegExp(`^const ${name} = (\\d+);$`, 'm').exec(source)?.[1]);
    expect(canary).toMatchObject({
      facades: boundOf('mostFacades'),
      facadesAtOnce: boundOf('facadesAtOnce'),
      payersAtOnce: boundOf('payersAtOnce'),
    });
  });

  it('counts the secrets of payers that have one: no public client, none that uses another’s, and apart from them keys of exchanges', () => {
    const [payer] = example.payers;
    const payers = [
      { ...payer, exchange: {} },
      { ...payer, id: 'public', clientAuthentication: 'none' },
      { ...payer, id: 'brand', secretOf: payer?.id, exchange: {} },
    ] as (typeof example)['payers'];

    expect(sizeOf({ ...example, payers })).toMatchObject({ payers: 3, partners: 3, secrets: 1, exchangeKeys: 2 });
  });

  it('is computed with the sizes of the items and lines of a real read', async () => {
    const { lines, items } = await auditedRead();
    const longest = Math.max(...items.map(bytesOf));
    const records = items.map((item) => ({
      eventName: 'INSERT' as const,
      dynamodb: { Keys: { eventId: item['eventId'] }, NewImage: item },
    }));
    const events = readRecords(records as Parameters<typeof readRecords>[0], 'production', 0);
    const lengths = events.map(({ event }) => JSON.stringify(event).length + 1);

    expect(lengths).toHaveLength(2);
    expectToFit(measured.readEvent, longest);
    expectToFit(measured.auditEvent, Math.max(...lengths));
    expectToFit(measured.logLine, lines[0]?.length ?? 0);
  });
});

/**
 * AWS's list prices for us-east-1 as a person read them from its pricing pages, written down a second time in the units
 * of those pages, so that a typing error in the price file does not reach the document.
 */
const published: Readonly<Record<keyof typeof prices, readonly [usd: number, per: number]>> = {
  apiRequests: [3.5, 1e6],
  lambdaRequests: [0.2, 1e6],
  lambdaGbSeconds: [0.0000133334, 1],
  durableOperations: [8, 1e6],
  durableGbWritten: [0.25, 1],
  durableGbMonths: [0.15, 1],
  tableWrites: [0.625, 1e6],
  tableReads: [0.125, 1e6],
  tableGbMonths: [0.45, 1],
  objectWrites: [0.005, 1e3],
  objectReads: [0.0004, 1e3],
  objectGbMonths: [0.023, 1],
  logGb: [0.5, 1],
  logGbMonths: [0.03, 1],
  logGbScanned: [0.005, 1],
  metricMonths: [0.3, 1],
  alarmMonths: [0.1, 1],
  dashboardMonths: [3, 1],
  traces: [5, 1e6],
  secretReads: [0.05, 1e4],
  secretMonths: [0.4, 1],
  keyMonths: [1, 1],
  keyRequests: [0.03, 1e4],
  webAclMonths: [5, 1],
  webRuleMonths: [1, 1],
  webRequests: [0.6, 1e6],
  edgeRequests: [0.01, 1e4],
  edgeFunctionRequests: [0.6, 1e6],
  edgeGb: [0.085, 1],
  natHours: [0.045, 1],
  natGb: [0.045, 1],
  addressHours: [0.005, 1],
  endpointHours: [0.01, 1],
};

it('the prices are the ones that AWS publishes', () => {
  expect(Object.keys(prices).sort()).toEqual(Object.keys(published).sort());
  for (const [name, [usd, per]] of Object.entries(published)) {
    const price = prices[name as keyof typeof prices];
    expect([name, price.usd / price.per]).toEqual([name, expect.closeTo(usd / per, 12)]);
  }
});

it('the documents name the rates that a stage and a partner have by default', async () => {
  const { throttling, partners } = await loadStage('demo');
  const { perSecond, burst } = partners[0]!.rate;

  expect(documentAt('docs/cost.md').text).toContain(
    `\`throttling\` (default ${throttling.perSecond} a second, burst ${throttling.burst})`,
  );
  expect(documentAt('docs/partners/reading.md').text).toContain(
    `RateLimit-Policy: "partner";q=${burst};w=${burst / perSecond}`,
  );
});

const pageMs = 800;
const pageSize = 100;
const types = ['Observation', 'Condition', 'Procedure', 'Encounter', 'Immunization', 'Coverage', 'Claim'];

/** Runs the job for a record with this many resources, and counts its use of AWS. */
const count = async (resources: number): Promise<Quantities> => {
  const calls: Record<string, number> = {};
  const world = exportWorld({
    onCall: (name) => {
      calls[name] = (calls[name] ?? 0) + 1;
    },
  });
  const note = 'x'.repeat(1400);
  world.answerWith(async ({ url }) => {
    await world.durable.sleep(pageMs);
    const page = Number(new URL(url).searchParams.get('page') ?? 1);
    const first = (page - 1) * pageSize;
    const last = Math.min(first + pageSize, resources);
    const found = Array.from({ length: last - first }, (_, at) => {
      if (first + at === 0) return memberPatient;
      return observation(first + at, { resourceType: types[(first + at) % types.length], note });
    });
    return pageOf(found, last < resources ? `${world.base}?page=${page + 1}` : undefined);
  });
  const { status } = await world.run();
  expect(status).toBe('SUCCEEDED');
  const executions = world.durable.engine.executions();
  return {
    durableOperations: executions.reduce((sum, { meteredOperations }) => sum + meteredOperations, 0),
    durableGbWritten: executions.reduce((sum, { persistedBytes }) => sum + persistedBytes, 0) / 1e9,
    objectWrites: calls['put'] ?? 0,
    keyRequests: (calls['openInJob'] ?? 0) + (calls['sealForJob'] ?? 0),
    tableReads: calls['GetItemCommand'] ?? 0,
  };
};

describe('the cost of an export', () => {
  it.each([400, 8000])('is computed with what the job of %d resources uses', async (resources) => {
    const counted = await count(resources);
    const budgeted = exportJob(resources, pageMs);

    for (const name of Object.keys(counted) as (keyof Quantities)[]) {
      const [most, real] = [budgeted[name] ?? 0, counted[name] ?? 0];
      expect({
        name,
        real,
        fits: real <= most && most <= Math.max(1.5 * real, real + (name === 'durableGbWritten' ? 2e-6 : 3)),
      }).toEqual({
        name,
        real,
        fits: true,
      });
    }
  });

  it('is computed with the bounds of a leg', () => {
    expect(legBounds).toEqual({ seconds: boundsOfCode.readMs / 1000, bytes: boundsOfCode.bytes });
  });
});
