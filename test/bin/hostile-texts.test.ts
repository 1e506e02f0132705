import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import type { DynamoDBRecord } from 'aws-lambda';
import { readOne } from '../../bin/shared/registry-table.ts';
import { stopEntry, writeEntry } from '../../bin/shared/registry-writes.ts';
import { registryData } from '../../config/checks/load.ts';
import { visibleLine } from '../../config/checks/visible.ts';
import { localStage } from '../../config/local.ts';
import { auditHandler } from '../../functions/audit/handler.ts';
import { instant } from '../../functions/shared/instant.ts';
import { entriesOf } from '../../functions/shared/registry/entry-items.ts';
import { parseScopes } from '../../functions/shared/scopes/scopes.ts';
import { putExport } from '../../functions/shared/store/exports.ts';
import { putGrant, revoke } from '../../functions/shared/store/grants.ts';
import { atOwnTime } from '../functions/audit/records.ts';
import { startMs } from '../support/gateway.ts';
import { livingGrant } from '../support/living-grant.ts';
import { asking, runHere } from './every-tool.ts';
import { tableOf, toolStage } from './tool-stage.ts';

/** A name that erases the screen, turns the sentence, hides a letter, and begins a line of its own. */
const hostile = 'evil\u001B[2J\u202Eno\u200B\u2028x\u009B31m\u00ADz\r\nFORGED line';

/**
 * What reaches a terminal as something else than a letter: ECMA-48's controls, the formats of UAX #9, what has no width.
 * Written out, so that it is not the code's own pattern.
 */
const raw =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u00AD\u061C\u180E\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]|^\W*FORGED/mu;

/** In one's own command line: a shell's prompt has no line break. */
const own = hostile.split('\r')[0] ?? '';

const stream = { arn: 'stage', viewType: 'NEW_AND_OLD_IMAGES' } as const;
const bucket = 'p2p-gateway-local-auditbucket-1';
const grant = 'hostile-grant-00000001';
const [day, now] = [new Date(startMs).toISOString().slice(0, 10), startMs / 1000];
const since = instant(now - 86_400);

let stage: Awaited<ReturnType<typeof toolStage>>;
let folder: string;
let payer: Server;
let payerUrl: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hostile-'));
  payer = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/fhir+json' });
    const server = { resourceType: 'CapabilityStatement', fhirVersion: hostile, publisher: hostile, name: hostile };
    const smart = {
      issuer: hostile,
      authorization_endpoint: hostile,
      token_endpoint: hostile,
      scopes_supported: [hostile],
    };
    response.end(JSON.stringify({ ...server, ...smart, software: { name: hostile }, rest: [{ mode: hostile }] }));
  });
  await new Promise<void>((resolve) => void payer.listen(0, '127.0.0.1', resolve));
  payerUrl = `http://127.0.0.1:${(payer.address() as AddressInfo).port}/r4`;

  const records: DynamoDBRecord[] = [];
  const names = ['Registry', 'Grants', 'AuditEvents', 'Exports', 'Limits'] as const;
  stage = await toolStage(
    names.map((name) => tableOf(name, { stream })),
    (record) => void records.push(record),
  );
  const { aws, settings, table, registry } = stage;
  aws.s3.createBucket(bucket);
  for (const group of ['fetch', 'api-access']) {
    aws.logs.createGroup(`p2p-gateway-local-Functions${group}`, { createdAt: startMs - 86_400_000 * 31 });
    const line = { step: 'fetch', outcome: 'failed', error: hostile, detail: hostile, payer: 'northwind', requests: 1 };
    aws.logs.write(
      `p2p-gateway-local-Functions${group}`,
      JSON.stringify({ requestId: 'hostile-1', ...line }),
      startMs - 60_000,
    );
    aws.logs.write(`p2p-gateway-local-Functions${group}`, `hostile-1 ${hostile}`, startMs - 60_000);
  }
  const by = { changedAt: now - 60, changedBy: hostile, reason: hostile };
  for (const [entryId, entry] of entriesOf(registryData(localStage()))) {
    const named = Object.entries(entry).map(([name, value]) =>
      name === 'name' || name === 'displayName' ? [name, `${hostile} ${entryId}`] : [name, value],
    );
    await writeEntry(registry, entryId, undefined, Object.fromEntries(named) as object, by);
  }
  for (const entryId of ['payer#northwind', 'partner#demo-partner']) {
    await stopEntry(registry, (await readOne(registry, entryId))!, { at: now - 60, by: hostile, reason: hostile });
  }
  const whole = livingGrant(now - 3600, { grantId: grant, partner: 'demo-partner', endsAt: now + 86_400 });
  await putGrant(table('Grants'), whole, { now: now - 3600, requestId: 'request-1' });
  await putGrant(
    table('Grants'),
    { ...whole, grantId: `${grant.slice(0, -1)}2`, codeExpiresAt: now + 60, expiresAt: now + 60 },
    { now, requestId: 'request-2' },
  );
  const exported = { exportId: hostile, requestId: hostile, payer: hostile, partner: hostile, types: [hostile] };
  const keys = { patient: 'p', recipient: new Uint8Array(1), exportSecret: new Uint8Array(1), payerVersion: 1 };
  const times = { startedAt: now - 60, grantEndsAt: now + 86_400, expiresAt: now + 3600 };
  const scope = parseScopes('patient/*.rs');
  await putExport(table('Exports'), { grantId: grant, request: hostile, scope, ...exported, ...keys, ...times });
  aws.logs.createGroup('p2p-gateway-local-ExportsExportJobLogs1');
  const leg = JSON.stringify({ grantId: grant, function: 'export-job', detail: hostile });
  aws.logs.write('p2p-gateway-local-ExportsExportJobLogs1', leg, startMs - 30_000);
  const ended = { operator: hostile, note: hostile };
  await revoke(table('Grants'), grant, 'byOperator', { now: now - 60, requestId: 'request-3', by: ended });
  const s3 = new S3Client(settings);
  const handle = auditHandler({
    clock: { now: () => startMs },
    stage: 'local',
    bucket: { client: s3, name: bucket },
    table: table('AuditEvents'),
    writeLog: () => {},
  });
  await handle({ Records: records.map((record) => atOwnTime(record)) }, { awsRequestId: 'audit-1' });
  s3.destroy();
  await writeFile(join(folder, 'local.json'), JSON.stringify(localStage()));
  await writeFile(join(folder, 'wrong.json'), JSON.stringify({ ...localStage(), [hostile]: hostile, stage: hostile }));
});
afterAll(async () => {
  payer.close();
  await stage.close();
  await rm(folder, { recursive: true });
});

const local = ['--stage', 'local'];
const why = ['--reason', 'a test', ...local];

describe('a name or a reason that somebody else wrote', () => {
  /** Words and flags after each command, and whether it prints the text or has nothing to say of it. */
  const rows: readonly (readonly [string, () => readonly string[], 'prints' | 'does not'])[] = [
    ['init', () => ['evil', '--operator', own], 'does not'],
    ['payers check', () => [payerUrl], 'prints'],
    ['payers learn', () => [payerUrl], 'prints'],
    ['payers drift', () => [own, ...local], 'prints'],
    ['payers import', () => [own, '--out', folder, ...local], 'prints'],
    ['payers key', () => [own], 'prints'],
    ['payers secret', () => ['--config', join(folder, 'wrong.json'), own], 'prints'],
    ['payers pause', () => ['northwind', ...why, '--dry-run'], 'prints'],
    ['payers resume', () => ['northwind', ...why, '--dry-run'], 'prints'],
    ['payers list', () => local, 'prints'],
    ['payers mapping', () => ['--config', join(folder, 'wrong.json')], 'prints'],
    ['registry diff', () => ['--config', join(folder, 'local.json')], 'prints'],
    ['registry apply', () => ['--config', join(folder, 'local.json'), '--reason', 'a test', '--dry-run'], 'prints'],
    ['registry export', () => ['--config', join(folder, 'local.json')], 'prints'],
    ['partners new', () => [own, '--redirect-uri', 'https://partner.test/cb', ...local], 'does not'],
    ['partners rotate', () => [own, ...local], 'prints'],
    ['partners block', () => ['demo-partner', ...why, '--dry-run'], 'prints'],
    ['partners unblock', () => ['demo-partner', ...why, '--dry-run'], 'prints'],
    ['partners list', () => local, 'prints'],
    ['partners webhook', () => [own, ...local], 'prints'],
    ['partners replay', () => [own, ...local, '--since', '1d', '--dry-run'], 'prints'],
    ['trace', () => ['hostile-1'], 'prints'],
    ['exports list', () => [], 'prints'],
    ['exports show', () => [grant], 'prints'],
    ['exports end', () => ['--reason', 'a test', '--dry-run', grant], 'prints'],
    ['grants list', () => [], 'does not'],
    ['grants show', () => [grant], 'does not'],
    ['grants end', () => ['--reason', 'a test', '--dry-run', grant], 'does not'],
    ['members find', () => [`--grant=${grant}`], 'prints'],
    ['members report', () => [`--grant=${grant}`, '--csv', join(folder, 'report.csv')], 'does not'],
    ['members end', () => [`--grant=${grant.slice(0, -1)}2`, '--reason', 'a test', '--dry-run'], 'prints'],
    ['members index', () => ['--dry-run'], 'does not'],
    ['restore grants', () => ['--from', 'evil-copy', '--since', since, ...why, '--dry-run'], 'prints'],
    ['restore revocations', () => ['--since', since, ...why, '--dry-run'], 'does not'],
    ['restore stops', () => [...why, '--dry-run'], 'does not'],
    ['restore reads', () => ['--from', 'evil-copy', '--since', since, ...local, '--dry-run'], 'prints'],
    ['usage', () => ['--month', day.slice(0, 7), '--by', 'payer'], 'prints'],
    ['audit', () => ['--registry', '--since', day], 'prints'],
    ['smoke', () => ['--config', join(folder, 'wrong.json'), '--dry-run'], 'prints'],
    ['existing needs', () => ['--config', join(folder, 'wrong.json')], 'prints'],
    ['existing check', () => ['--config', join(folder, 'wrong.json'), '--dry-run'], 'prints'],
  ];

  it('is tried with each command that reads AWS or a payer', () => {
    expect(rows.map(([line]) => line).sort()).toEqual([...asking].sort());
  });

  it.each(rows)('neither turns, erases nor begins a line of what is printed: %s', async (line, args, expected) => {
    const { printed } = await runHere(line, args(), stage.aws.url);

    expect([printed, raw.exec(printed)?.[0]]).toEqual([printed, undefined]);
    expect([printed, printed.includes('evil') ? 'prints' : 'does not']).toEqual([printed, expected]);
  });

  it('is one cell of a report', async () => {
    expect(await readFile(join(folder, 'report.csv'), 'utf8')).not.toMatch(/^FORGED/m);
  });
});

it('is shown with all that is in it, as JSON has it', () => {
  const shown = visibleLine(hostile);

  expect(raw.exec(shown)).toBeNull();
  expect(JSON.parse(`"${shown}"`)).toBe(hostile);
});
