import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import { DeleteItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { checkAuditAlarms } from '../../bin/restore/audit-alarms.ts';
import type { RestoreOf } from '../../bin/restore/flags.ts';
import { restoreStops } from '../../bin/restore/stops.ts';
import { readOne } from '../../bin/shared/registry-table.ts';
import { endStop, stopEntry, writeEntry } from '../../bin/shared/registry-writes.ts';
import { localStage } from '../../config/local.ts';
import { registryAttributes } from '../../functions/shared/store/attributes.ts';
import { getGrant, revoke } from '../../functions/shared/store/grants.ts';
import { writeItem } from '../../functions/shared/store/items.ts';
import { readEventItem, type ReadEvent } from '../../functions/shared/store/read-events.ts';
import { idOf, now, operator, point, restoreTool, since } from './restore-tool.ts';
import { listening } from './tool-stage.ts';

let tool: Awaited<ReturnType<typeof restoreTool>>;
beforeEach(async () => {
  tool = await restoreTool();
});
afterEach(() => tool.close());

const why = ['--reason', 'Ticket 4714'];

describe('npm run restore -- revocations', () => {
  it('ends what lives though the audit knows it as ended since, and nothing else; with --dry-run it says so', async () => {
    for (const name of ['ended', 'lives']) await tool.connect(name);
    const copy = await tool.item('grants', idOf('ended'));
    await revoke(tool.table('grants'), idOf('ended'), 'byPartner', { now: point + 5, requestId: 'r' });
    await tool.file();
    await tool.put('grants', copy ?? {});
    const asked = ['revocations', '--since', since, ...why];

    const dry = await tool.run([...asked, '--dry-run']);
    expect(dry.told).toContain(`would end again  ${idOf('ended')}`);
    expect(await getGrant(tool.table('grants'), idOf('ended'))).not.toHaveProperty('revokedAt');
    await expect(tool.run(asked)).rejects.toThrow('To go on, give --yes.');

    const { code, told } = await tool.run([...asked, '--yes']);
    expect([code, told]).toEqual([
      0,
      `ended again  ${idOf('ended')}\nOf 1 grants that have ended according to the audit, 1 still worked and were ended again.`,
    ]);
    expect(await getGrant(tool.table('grants'), idOf('ended'))).toMatchObject({ revokedAt: now });
    expect(await getGrant(tool.table('grants'), idOf('lives'))).not.toHaveProperty('revokedAt');
    expect((await tool.run([...asked, '--yes'])).told).toContain('0 still worked.');
  });
});

describe('npm run restore -- revocations, of the hour before its time', () => {
  it.each([
    [3600, 1],
    [3601, 0],
  ])('a grant that ended %i seconds before the time is among %i that the audit knows', async (seconds, known) => {
    await tool.connect('ended');
    const copy = await tool.item('grants', idOf('ended'));
    await revoke(tool.table('grants'), idOf('ended'), 'byPartner', { now: point - seconds, requestId: 'r' });
    await tool.file();
    await tool.put('grants', copy ?? {});

    const { told } = await tool.run(['revocations', '--since', since, ...why, '--yes']);

    expect(told).toContain(`Of ${known} grants that have ended according to the audit, ${known} still worked`);
  });
});

describe('npm run restore -- stops', () => {
  const by = 'arn:aws:iam::111122223333:user/jo';
  const changed = { changedAt: point - 900, changedBy: by, reason: 'first' };
  const [payer, partner] = ['payer#northwind', 'partner#demo-partner'];
  const stop = async (entryId: string, at: number, until?: number): Promise<void> => {
    const item = await readOne(tool.registryTable, entryId);
    await stopEntry(tool.registryTable, item!, { at, until, by, reason: 'Ticket 4711' });
  };
  const end = async (entryId: string, at: number): Promise<void> => {
    await endStop(tool.registryTable, (await readOne(tool.registryTable, entryId))!, { at, by, reason: 'over' });
  };
  const stopOf = async (entryId: string) => (await readOne(tool.registryTable, entryId))?.stop;
  const restored = { at: now, by: operator, reason: 'Ticket 4714 (of 2026-06-01T11:50:00Z: Ticket 4711)' };
  let lost: Awaited<ReturnType<typeof tool.items>>;
  beforeEach(async () => {
    const { payers, partners } = localStage();
    await writeEntry(tool.registryTable, payer, undefined, payers[1]!, changed);
    await writeEntry(tool.registryTable, partner, undefined, partners[0]!, changed);
    lost = await tool.items('registry');
  });
  /** Files what happened, and overwrites the entries with what they were first, which is filed too. */
  const lose = async (): Promise<void> => {
    await tool.file();
    for (const item of lost) await tool.put('registry', item);
    await tool.file();
  };

  it('blocks and pauses again what the registry has lost, with who did it first, and once', async () => {
    await stop(partner, point);
    await stop(payer, point, now + 3600);
    await lose();
    const { out } = await tool.run(['stops', ...why, '--dry-run']);
    expect(out).toEqual([
      `${partner}  since ${since}, by ${by}: Ticket 4711`,
      `${payer}  since ${since} until 2026-06-01T13:00:00Z, by ${by}: Ticket 4711`,
    ]);
    expect(await stopOf(partner)).toBeUndefined();
    await expect(tool.run(['stops', ...why])).rejects.toThrow('To go on, give --yes.');

    expect((await tool.run(['stops', ...why, '--yes'])).told).toContain(`Stopped 2 again as ${operator}.`);

    expect(await stopOf(partner)).toEqual({ ...restored, until: undefined });
    expect(await stopOf(payer)).toEqual({ ...restored, until: now + 3600 });
    await tool.file();
    expect((await tool.run(['stops', ...why, '--yes'])).told).toBe(
      'The registry has every block and pause that the audit knows.',
    );
    // Lost once more, it keeps when and why it began, however long the new reason is.
    await lose();
    await tool.run(['stops', '--reason', 'x'.repeat(200), '--yes']);
    const first = ' (of 2026-06-01T11:50:00Z: Ticket 4711)';
    expect((await stopOf(partner))?.reason).toBe('x'.repeat(200 - first.length) + first);
  });

  it('begins no stop that was over, by an operator or by itself', async () => {
    await stop(partner, point);
    await end(partner, point + 60);
    await stop(payer, point, now);
    await lose();

    await tool.run(['stops', ...why, '--yes']);

    expect([await stopOf(partner), await stopOf(payer)]).toEqual([undefined, undefined]);
  });

  it('stops again what was stopped last in a second of several stops and ends, and nothing that was ended last', async () => {
    for (const entryId of [partner, payer]) {
      await stop(entryId, point);
      await end(entryId, point);
    }
    await stop(partner, point);
    await lose();

    await tool.run(['stops', ...why, '--yes']);

    expect(await stopOf(partner)).toMatchObject({ at: now });
    expect(await stopOf(payer)).toBeUndefined();
  });

  /** Writes a stop, or the end of one, with or without a version, as an older version of the gateway left it. */
  const write = async (is: 'stop' | 'end', version: number | undefined): Promise<void> => {
    const { version: _, ...item } = (await tool.item('registry', partner))!;
    const written = { at: point, ...(is === 'end' ? { until: point } : {}), by, reason: 'Ticket 4711' };
    await tool.put('registry', { ...item, ...writeItem(registryAttributes, { stop: written, version }) });
  };

  it.each<[string, Parameters<typeof write>, Parameters<typeof write>]>([
    ['a stop and its end of no version', ['stop', undefined], ['end', undefined]],
    ['a stop of no version and its end', ['stop', undefined], ['end', 3]],
    ['a stop and its end of one version', ['stop', 2], ['end', 2]],
    ['an end of no version, and a stop', ['end', undefined], ['stop', undefined]],
  ])('stops again where the audit has %s in one second', async (_has, one, other) => {
    await write(...one);
    await write(...other);
    await lose();

    await tool.run(['stops', ...why, '--yes']);

    expect(await stopOf(partner)).toMatchObject({ at: now });
  });

  it.each([
    [2, 3, { at: point, until: point }],
    [2, 2, { at: now }],
    [undefined, 3, { at: now }],
  ])(
    'npm run restore -- stops, with a stop of version %s in the audit and its end of version %s, in the same second, not yet there, leaves %j',
    async (stopVersion, endVersion, left) => {
      await write('stop', stopVersion);
      await tool.file();
      await write('end', endVersion);

      await tool.run(['stops', ...why, '--yes']);

      expect(await stopOf(partner)).toMatchObject(left);
    },
  );

  it('ends no stop, and leaves what an operator has done since', async () => {
    await stop(partner, point);
    await stop(payer, point);
    await lose();
    // Not in the audit yet.
    await stop(partner, now - 30);
    await end(payer, now - 30);

    expect((await tool.run(['stops', ...why, '--yes'])).told).toContain('has every block and pause');
    expect(await stopOf(partner)).toMatchObject({ at: now - 30 });
    expect(await stopOf(payer)).toMatchObject({ at: now - 30, until: now - 30 });
  });

  it('holds for an entry that comes back later', async () => {
    await stop(partner, point);
    await tool.file();
    const { client, name } = tool.table('registry');
    await client.send(new DeleteItemCommand({ TableName: name, Key: { entryId: { S: partner } } }));

    await tool.run(['stops', ...why, '--yes']);
    await writeEntry(
      tool.registryTable,
      partner,
      await readOne(tool.registryTable, partner),
      localStage().partners[0]!,
      changed,
    );

    expect(await readOne(tool.registryTable, partner)).toMatchObject({ damaged: false, stop: restored });
  });
});

describe('npm run restore -- reads', () => {
  const read = (requestId: string, type: ReadEvent['type'], atMs: number) =>
    readEventItem({
      type,
      atMs,
      requestId,
      grantId: idOf('quiet'),
      partner: 'demo-partner',
      payer: 'northwind',
      interaction: 'read Patient',
      ...(type === 'ended' ? { end: { status: 200 } } : {}),
    });
  const asked = ['reads', '--from', 'restored-reads', '--since', since];

  it('puts back the last day and what is still open, and overwrites no newer event', async () => {
    const dayMs = 86_400_000;
    await tool.put('readsCopy', read('recent', 'ended', point * 1000 - dayMs + 1));
    await tool.put('readsCopy', read('older', 'ended', point * 1000 - dayMs - 1));
    await tool.put('readsCopy', read('open', 'opened', point * 1000 - 3 * dayMs));
    await tool.put('readsCopy', read('newer', 'opened', point * 1000));
    await tool.put('auditEvents', read('newer', 'ended', point * 1000 + 5));

    expect((await tool.run([...asked, '--dry-run'])).told).toContain('3, except those that are there.');
    expect(await tool.items('auditEvents')).toHaveLength(1);
    const { told } = await tool.run([...asked, '--yes']);

    expect(told).toBe('Put back 2 events of reads; 1 were there.');
    const kept = (await tool.items('auditEvents')).map(({ eventId, type }) => `${eventId?.S} ${type?.S}`);
    expect(kept.sort()).toEqual(['newer ended', 'open opened', 'recent ended']);
    // The audit tells what was put back by this.
    const marked = (await tool.items('auditEvents')).filter(({ refiledAt }) => refiledAt !== undefined);
    expect(marked.map(({ eventId }) => `${eventId?.S}`).sort()).toEqual(['open', 'recent']);
  });
});

describe('an alarm of the audit', () => {
  const cloudWatch = mockClient(CloudWatchClient);
  afterEach(() => cloudWatch.reset());
  const config = { ...localStage(), stage: 'demo', region: 'us-east-1' };
  const states = (...StateValue: ('OK' | 'ALARM' | 'INSUFFICIENT_DATA')[]) =>
    cloudWatch.on(DescribeAlarmsCommand, { AlarmNamePrefix: 'p2p-gateway-demo-Audit' }).resolves({
      MetricAlarms: StateValue.map((state, number) => ({ AlarmName: `Audit${number}`, StateValue: state })),
    });

  it('an alarm of the audit that is on stops a restore, since the audit may lack the end of a grant', async () => {
    states('OK', 'ALARM');
    await expect(checkAuditAlarms(config, {})).rejects.toThrow('The alarm Audit1 is on');
  });

  it('an alarm of the audit that is off stops no restore', async () => {
    states('OK', 'INSUFFICIENT_DATA');
    await expect(checkAuditAlarms(config, {})).resolves.toBeUndefined();
  });

  it('an alarm of the audit that is on does not keep stops from being put back, and more may be missing', async () => {
    states('ALARM');
    const sts = mockClient(STSClient);
    sts.on(GetCallerIdentityCommand).resolves({ Arn: operator });
    const { output, told } = listening();
    const deps = {
      now: () => now * 1000,
      environment: {},
      output,
      ask: undefined,
      terminal: undefined,
      wait: async () => {},
    };
    const stage = { config, dynamo: new DynamoDBClient(), openAudit: tool.audit, operator };
    const command = { command: 'stops', reason: 'x', table: 'registry', yes: true, dryRun: false };
    expect(await restoreStops(stage, command as RestoreOf<'stops'>, deps)).toBe(1);
    expect(told.at(-1)).toContain('The alarm Audit0 is on');
    sts.restore();
  });

  it('an alarm of the audit that may not be read stops a restore, which names the missing right', async () => {
    cloudWatch.on(DescribeAlarmsCommand).rejects(Object.assign(new Error('no'), { name: 'AccessDenied' }));
    await expect(checkAuditAlarms(config, {})).rejects.toThrow(
      'AWS denied access. The tool needs cloudwatch:DescribeAlarms.',
    );
  });
});
