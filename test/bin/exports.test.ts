import { exportsTool } from '../../bin/exports/exports.ts';
import { describeExchangeEvent } from '../../functions/audit/describe-exchange-event.ts';
import { describeGrantEvent } from '../../functions/audit/describe-grant-event.ts';
import type { StreamImage } from '../../functions/audit/stream-image.ts';
import { parseScopes } from '../../functions/shared/scopes/scopes.ts';
import {
  askForToken,
  beginExport,
  endExport,
  getExport,
  noteProgress,
  putExport,
  type NewExport,
} from '../../functions/shared/store/exports.ts';
import { getGrant, putGrant, revoke } from '../../functions/shared/store/grants.ts';
import { startMs } from '../support/gateway.ts';
import { livingGrant } from '../support/living-grant.ts';
import { exchangesTable, listening, tableOf, toolStage } from './tool-stage.ts';

const now = startMs / 1000;
const operator = 'arn:aws:iam::000000000000:user/operator';
const jobLogs = 'p2p-gateway-local-ExportsExportJobLogs1';
const grantOf = (letter: string): string => letter.repeat(22);
const exportOf = (letter: string): string => letter.repeat(44);

let stage: Awaited<ReturnType<typeof toolStage>>;
let writes: StreamImage[];
beforeEach(async () => {
  writes = [];
  const stream = { arn: 'arn', viewType: 'NEW_AND_OLD_IMAGES' } as const;
  const tables = [tableOf('Grants', { stream }), tableOf('Exports'), exchangesTable, tableOf('Registry')];
  const audited = tableOf('AuditEvents', { stream: { arn: 'reads', viewType: 'NEW_IMAGE' } });
  stage = await toolStage([...tables, audited], ({ dynamodb }) => {
    writes.push(dynamodb?.NewImage ?? {});
  });
});
afterEach(() => stage.close());

const table = () => stage.table('Exports');

/** An export that was asked for so many seconds ago, and its grant. */
const kickOff = async (letter: string, secondsAgo: number, more: Partial<NewExport> = {}): Promise<NewExport> => {
  const [partner, payer] = [more.partner ?? 'demo-partner', more.payer ?? 'northwind'];
  await putGrant(stage.table('Grants'), livingGrant(now, { grantId: grantOf(letter), partner, payer }), {
    now: now - secondsAgo,
    requestId: 'request-1',
  });
  const made: NewExport = {
    grantId: grantOf(letter),
    exportId: exportOf(letter),
    partner,
    payer,
    patient: 'patient-of-nobody',
    request: 'https://gateway.test/kick-off',
    requestId: `6b6b6b6b-${letter}`,
    scope: parseScopes('patient/*.rs'),
    recipient: Buffer.from('public'),
    exportSecret: Buffer.from('secret'),
    payerVersion: 1,
    startedAt: now - secondsAgo,
    grantEndsAt: now + 86_400,
    expiresAt: now - secondsAgo + 3 * 86_400,
    ...more,
  };
  await putExport(table(), made);
  return made;
};

const began = { stateKey: Buffer.from('state'), executionArn: 'arn:execution', now: now - 50 };
const progress = { resources: 1, typesDone: 2, typesTotal: 21, attachments: 3 };

/** Four exports: one reads, one waits for a token, one ended, one never did. */
const fourExports = async (): Promise<void> => {
  const reads = await kickOff('a', 60, { types: ['Patient', 'Observation'], since: '2026-01-01T00:00:00Z' });
  await beginExport(table(), reads, began);
  await noteProgress(table(), reads, progress);
  const waits = await kickOff('b', 3600, { partner: 'other' });
  await beginExport(table(), waits, began);
  await askForToken(table(), waits, { callbackId: 'callback-1', refusedVersion: 1, now: now - 30 });
  const ended = await kickOff('c', 7200, { payer: 'southwind' });
  const end = { status: 'partial', ...progress, manifestDigest: 'digest', endedAt: now - 10, expiresAt: now + 86_400 };
  await endExport(table(), ended, { ...end, status: 'partial' }, { arn: 'arn:execution' });
  await kickOff('d', 4 * 86_400);
};

const run = async (args: readonly string[]) => {
  const { out, told, output } = listening();
  const code = await exportsTool(args, { nowMs: startMs, environment: { AWS_ENDPOINT_URL: stage.aws.url }, output });
  return { code, out: out.join('\n'), told: told.join('\n') };
};

const end = (...more: string[]) => run(['end', exportOf('a'), '--reason', 'Ticket 4714', ...more]);

describe('npm run exports', () => {
  it('lists the last export of each grant, the newest first, without a patient or a key', async () => {
    await fourExports();

    expect((await run(['list'])).out.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['EXPORT', 'PAYER', 'PARTNER', 'OF', 'BEGUN', 'STATE', 'PROGRESS'],
      [
        exportOf('a'),
        'northwind',
        'demo-partner',
        'record',
        '2026-06-01T11:59:00Z',
        'running',
        '1 resource, 2 of 21 types, 3 attachments',
      ],
      [exportOf('b'), 'northwind', 'other', 'record', '2026-06-01T11:00:00Z', 'waiting', '0 resources'],
      [
        exportOf('c'),
        'southwind',
        'demo-partner',
        'record',
        '2026-06-01T10:00:00Z',
        'partial',
        '1 resource, 2 of 21 types, 3 attachments',
      ],
      [exportOf('d'), 'northwind', 'demo-partner', 'record', '2026-05-28T12:00:00Z', 'overdue', '0 resources'],
      ['4 exports'],
    ]);
  });

  it.each([
    ['--payer southwind', 'c', ''],
    ['--partner other', 'b', ''],
    ['--state overdue', 'd', ''],
    ['--since 10m', 'a', ''],
    ['--payer northwind --since 2026-06-01T11:00:00Z', 'ab', ''],
    ['--payer northwind --partner demo-partner --state running', 'a', ''],
    ['--payer demo-health-plan --partner demo-app', '', ''],
    [
      '--partner nobody',
      '',
      'no partner "nobody" (one that was removed may still have exports), nor one with a similar',
    ],
    ['--payer demo-helth-plan', '', 'did you mean demo-health-plan (Demo Health Plan)?'],
  ])('lists those with %s alone, and says if the stage does not know the id', async (flags, letters, note) => {
    await stage.fill();
    await fourExports();

    const { out, told } = await run(['list', ...flags.split(' ')]);

    expect(
      out
        .match(/^(\w)\1{43}/gm)
        ?.map(([letter]) => letter)
        .join('') ?? '',
    ).toBe(letters);
    expect(told === '').toBe(note === '');
    expect(told).toContain(note);
  });

  it('shows what one reads, how far it is, its last problem, and the reference for its log lines', async () => {
    await fourExports();
    stage.aws.logs.createGroup(jobLogs);
    const line = (detail: string | undefined) =>
      JSON.stringify({ function: 'export-job', grantId: grantOf('a'), detail });
    stage.aws.logs.write(jobLogs, line('payerDown'), startMs - 50_000);
    stage.aws.logs.write(jobLogs, line('tokenRefused'), startMs - 40_000);
    stage.aws.logs.write(jobLogs, line(undefined), startMs - 30_000);

    expect((await run(['show', grantOf('a')])).out.split('\n')).toEqual([
      `export    ${exportOf('a')}`,
      `grant     ${grantOf('a')}`,
      'partner   demo-partner',
      'payer     northwind',
      'begun     2026-06-01T11:59:00Z',
      'reads     Observation, Patient; changed since 2026-01-01T00:00:00Z',
      'state     running since 2026-06-01T11:59:10Z',
      'progress  1 resource, 2 of 21 types, 3 attachments',
      'problem   2026-06-01T11:59:20.000Z tokenRefused',
      'trace     npm run trace -- 6b6b6b6b-a --since 2',
    ]);
  });

  it.each([
    ['b', "waiting since 2026-06-01T11:59:30Z: the partner's next poll brings a newer token of the payer"],
    ['c', 'partial 2026-06-01T11:59:50Z, kept until 2026-06-02T12:00:00Z'],
    ['d', 'overdue: it did not end by 2026-05-31T12:00:00Z, and counts as failed'],
  ])('says what the state of %s means', async (letter, words) => {
    await fourExports();
    const { code, out } = await run(['show', exportOf(letter)]);

    expect(out).toContain(`\nstate     ${words}\n`);
    // Without a log of the job all else is shown.
    expect([code, out]).toEqual([0, expect.stringContaining('\nproblem   unknown: its log cannot be read')]);
  });

  it.each([
    [3600, 'plan      asked to wait until 2026-06-01T13:00:00Z; it says: 40% done'],
    [60, 'plan      is still at work, and is asked again at 2026-06-01T12:01:00Z; it says: 40% done'],
    [-1, undefined],
  ])('shows until when a former plan at work is left alone, %d seconds, which is no problem', async (seconds, line) => {
    const made = await kickOff('e', 60, { exchange: 'match', partner: 'new-plan', patient: '' });
    await beginExport(table(), made, began);
    await noteProgress(table(), made, { ...progress, payerProgress: '40% done', pollAgainAt: now + seconds });
    stage.aws.logs.createGroup(jobLogs);
    const logged = { function: 'export-job', grantId: grantOf('e'), detail: 'payerBusy' };
    stage.aws.logs.write(jobLogs, JSON.stringify(logged), startMs - 1000);

    const lines = (await run(['show', made.exportId])).out.split('\n');

    expect(lines.find((one) => one.startsWith('plan '))).toBe(line);
    expect(lines).toContain('problem   none');
  });

  it('ends one, its grant stays, and the audit has who did it and why', async () => {
    await kickOff('a', 60);
    const { code, told } = await end();

    expect(code).toBe(0);
    expect(told).toContain(`Ended this export as ${operator}. Its job stops, and what it has read is deleted.`);
    expect(await getExport(table(), grantOf('a'))).toBeUndefined();
    expect(await getGrant(stage.table('Grants'), grantOf('a'))).not.toHaveProperty('revokedAt');
    const event = describeGrantEvent(writes.at(-1) ?? {}, 'local', now);
    expect(event).toMatchObject({
      subtype: [{ code: 'exportEnded' }],
      agent: [{ who: { identifier: { value: operator } }, requestor: true }, {}, {}],
    });
    expect(event.entity[0]?.detail).toEqual([{ type: 'note', valueString: 'Ticket 4714' }]);
  });

  it('changes nothing with --dry-run, and says in whose name it would act', async () => {
    await kickOff('a', 60);

    expect((await end('--dry-run')).told).toBe(
      `Would end this export as ${operator}, and delete its files. Nothing was changed.`,
    );
    expect(await getExport(table(), grantOf('a'))).toBeDefined();
    expect(writes).toHaveLength(1);
  });

  it('ends none without a record in the audit', async () => {
    await kickOff('a', 60);
    await revoke(stage.table('Grants'), grantOf('a'), 'byPartner', { now, requestId: 'r' });

    await expect(end()).rejects.toThrow('The grant of this export has ended');
    expect(await getExport(table(), grantOf('a'))).toBeDefined();
  });

  it('lists, shows and ends an exchange between plans: it has no grant, its job stops, and the audit says who ended it', async () => {
    const exchange = { exchange: 'group', group: 'group-1', partner: 'new-plan' } as const;
    const made = await kickOff('e', 60, { ...exchange, patient: '' });

    const list = await run(['list']);
    const shown = await run(['show', made.exportId]);
    const ended = await run(['end', made.exportId, '--reason', 'Ticket 4714']);

    expect(list.out).toMatch(/ {2}northwind {2}new-plan {2}group group-1 {2}/);
    expect(shown.out).toContain('\nexchange  group group-1\n');
    expect(shown.out).not.toContain('\ngrant ');
    expect(ended.told).toMatch(/Its job stops.*can begin another\.$/s);
    expect(await getExport(table(), grantOf('e'))).toBeUndefined();
    expect(describeExchangeEvent(writes.at(-1) ?? {}, 'local', now)).toMatchObject({
      subtype: [{ code: 'exchangeEnded' }],
      agent: [{ who: { identifier: { value: operator } }, requestor: true }, {}, {}],
      entity: [{ what: { identifier: { value: made.exportId } } }, {}],
    });
  });

  it('refuses one that is not there, and one that another followed', async () => {
    await kickOff('a', 60);

    await expect(run(['show', exportOf('b')])).rejects.toThrow(`There is no export ${exportOf('b')}`);
    await expect(run(['show', `${grantOf('a')}${'x'.repeat(22)}`])).rejects.toThrow(
      `Its grant has a newer one: ${exportOf('a')}`,
    );
  });
});
