import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { measuredExchange } from '../../bin/cost/export-usage.ts';
import { sizeOf } from '../../bin/cost/stage-size.ts';
import { costTables, withCostTables } from '../../bin/cost/tables.ts';
import { canary, measured } from '../../bin/cost/usage.ts';
import example from '../../config/production-example.ts';
import { readRecords } from '../../functions/audit/read-records.ts';
import { readEventWriter } from '../../functions/shared/record/audit-read.ts';
import { directoryEntryOf, entryIds, newEntryItem } from '../../functions/shared/registry/entry-items.ts';
import { exchangeGateway, newPlan, oldPlan } from '../support/exchange-gateway.ts';
import { fetchGateway, fhir, read } from '../support/fetch-gateway.ts';
import { gateway, pkce, verifier } from '../support/login.ts';
import { matchParameters, memberBundle } from '../support/member-bundle.ts';

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

    expect(sizeOf({ ...example, payers })).toMatchObject({ payers: 3, partners: 2, secrets: 1, exchangeKeys: 2 });
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
