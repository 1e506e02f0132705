import { PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { partners } from '../../bin/partners/partners.ts';
import { payers, type PayersToolDeps } from '../../bin/payers/payers.ts';
import { payersOfStage } from '../../bin/payers/source.ts';
import { readOne, type RegistryTable } from '../../bin/shared/registry-table.ts';
import { removeEntry } from '../../bin/shared/registry-writes.ts';
import { localStage } from '../../config/local.ts';
import { newEntryItem } from '../../functions/shared/registry/entry-items.ts';
import type { LocalAws } from '../../sandbox/aws/aws.ts';
import { startMs } from '../support/gateway.ts';
import { words } from '../support/words.ts';
import { listening, tableOf, toolStage } from './tool-stage.ts';

const now = startMs / 1000;
const { physicalName: name } = tableOf('Registry');
const changed = { changedAt: now - 1000, changedBy: 'arn:aws:iam::000000000000:user/apply', reason: 'first' };
let aws: LocalAws;
let table: RegistryTable;
let close: () => Promise<void>;

beforeEach(async () => {
  const stage = await toolStage([tableOf('Registry')]);
  await stage.fill();
  ({ aws, registry: table, close } = stage);
});
afterEach(() => close());

/** Runs a tool at a time, seconds after the start. */
const run = async (tool: 'partners' | 'payers', args: readonly string[], after = 0) => {
  const { out, output } = listening();
  const nowMs = startMs + after * 1000;
  const deps = { environment: { AWS_ENDPOINT_URL: aws.url }, output, nowMs, randomBytes: () => new Uint8Array(32) };
  const code =
    tool === 'partners'
      ? await partners([...args, '--stage', 'local'], deps)
      : await payers([...args, '--stage', 'local'], { ...deps, now: () => nowMs } as unknown as PayersToolDeps);
  return { code, out: out.join('\n') };
};
const block = (who: string, ...more: string[]) => run('partners', ['block', who, '--reason', 'Ticket 4711', ...more]);

describe('npm run partners -- block', () => {
  it('blocks a partner by its client id or its name, and says what happens, in whose name, and how to undo it', async () => {
    for (const who of ['demo-partner', 'Demo Partner']) {
      expect(await block(who)).toEqual({
        code: 0,
        out: [
          'Blocked Demo Partner (demo-partner) at stage local, as arn:aws:iam::000000000000:user/partners.',
          'The audit records you and the reason: Ticket 4711',
          'Within 30 seconds: its sign-ins, token calls and reads are refused, and its reads under way are cut. Its grants stay.',
          'Neither a deployment nor an apply ends it.',
          'To undo it: npm run partners -- unblock demo-partner --reason TEXT --stage local',
        ].join('\n'),
      });
      expect((await readOne(table, 'partner#demo-partner'))?.stop).toEqual({
        at: now,
        until: undefined,
        by: 'arn:aws:iam::000000000000:user/partners',
        reason: 'Ticket 4711',
      });
      await run('partners', ['unblock', 'demo-partner', '--reason', 'x']);
    }
  });

  it('changes nothing the second time, and says since when, by whom and why it is blocked', async () => {
    await block('demo-partner');
    const { version } = (await readOne(table, 'partner#demo-partner'))!;

    expect(await run('partners', ['block', 'demo-partner', '--reason', 'again'], 60)).toEqual({
      code: 0,
      out:
        'Demo Partner (demo-partner) is blocked already at stage local, since 2026-06-01T12:00:00Z, by ' +
        'arn:aws:iam::000000000000:user/partners: Ticket 4711. Nothing was changed.',
    });
    expect(await readOne(table, 'partner#demo-partner')).toMatchObject({ version, stop: { reason: 'Ticket 4711' } });
  });

  it('ends with unblock, which keeps who ended it and why, and says what held', async () => {
    await block('demo-partner');
    const { code, out } = await run('partners', ['unblock', 'demo-partner', '--reason', 'Ticket 4712'], 60);

    expect(code).toBe(0);
    expect(out).toMatch(/^Unblocked Demo Partner \(demo-partner\) at stage local, as arn:/);
    expect(out).toContain(
      'It was blocked since 2026-06-01T12:00:00Z, by arn:aws:iam::000000000000:user/partners: Ticket',
    );
    expect((await readOne(table, 'partner#demo-partner'))?.stop).toEqual({
      at: now + 60,
      until: now + 60,
      by: 'arn:aws:iam::000000000000:user/partners',
      reason: 'Ticket 4712',
    });
    expect((await run('partners', ['unblock', 'demo-partner', '--reason', 'x'], 61)).out).toBe(
      'Demo Partner (demo-partner) is not blocked at stage local. Nothing was changed.',
    );
  });

  it('refuses a partner that does not exist', async () => {
    await expect(block('demo-partne')).rejects.toThrow(
      'Stage local has no partner "demo-partne"; it has: demo-app, demo-partner',
    );
    await expect(block('x'.repeat(5000))).rejects.toThrow('Stage local has no partner');
  });

  it('refuses a name that several partners have, and names their client ids', async () => {
    const [entry] = localStage().partners;
    const twin = newEntryItem('partner#twin', { ...entry, clientId: 'twin' }, changed);
    await table.client.send(new PutItemCommand({ TableName: name, Item: twin }));

    await expect(block('Demo Partner')).rejects.toThrow(
      'Several partners are called "Demo Partner"; give a client id: demo-partner, twin',
    );
  });

  it('blocks one whose entry was removed or changed by hand, since the entry may come back', async () => {
    await removeEntry(table, (await readOne(table, 'partner#demo-app'))!, changed);
    const raw = { TableName: name, Key: { entryId: { S: 'partner#demo-partner' } } };
    await table.client.send(
      new UpdateItemCommand({
        ...raw,
        UpdateExpression: 'SET entry = :e',
        ExpressionAttributeValues: { ':e': { S: '{' } },
      }),
    );

    expect((await block('demo-app')).out).toContain('Its entry was removed from the registry');
    expect((await block('demo-partner')).out).toMatch(/^Blocked demo-partner at stage local/);
    expect((await readOne(table, 'partner#demo-app'))?.stop).toMatchObject({ reason: 'Ticket 4711' });
    expect(await readOne(table, 'partner#demo-partner')).toMatchObject({
      damaged: true,
      stop: { reason: 'Ticket 4711' },
    });
    const { out } = await run('partners', ['list', '--blocked']);
    expect(out).toMatch(/^demo-app\n  blocked since .+: Ticket 4711; not in the registry$/m);
    expect(out).toMatch(/^3 partners, 2 blocked, 1 damaged$/m);
  });

  it('keeps no secret in a reason, for the audit keeps it for years', async () => {
    const key = 'AKIAIOSFODNN7EXAMPLE';
    for (const secret of [key, `p2pr_${'a'.repeat(40)}`, `whsec_${'A'.repeat(32)}`]) {
      const refused = run('partners', ['block', 'demo-app', '--reason', `Leaked: ${secret}`]);
      await expect(refused).rejects.toThrow(/^--reason contains .+ write a reason without it/);
      await expect(refused).rejects.not.toThrow(secret);
    }
  });
});

describe('npm run payers -- pause', () => {
  const pause = (...more: string[]) => run('payers', ['pause', 'northwind', '--reason', 'Maintenance', ...more]);

  it('pauses a payer until a time, and says when that ends by itself', async () => {
    const { code, out } = await pause('--until', '2h');

    expect(code).toBe(0);
    expect(out.split('\n')[0]).toBe(
      'Paused Northwind Health (northwind) at stage local until 2026-06-01T14:00:00Z, as ' +
        'arn:aws:iam::000000000000:user/payers.',
    );
    expect((await readOne(table, 'payer#northwind'))?.stop).toMatchObject({ at: now, until: now + 7200 });
  });

  it('takes another end, and is so already with the same one', async () => {
    await pause('--until', '2026-06-01T14:00Z');
    expect((await pause('--until', '2h')).out).toContain('is paused already at stage local until 2026-06-01T14:00:00Z');
    const { out } = await pause();
    expect(out).toContain('It was paused until 2026-06-01T14:00:00Z, since');
    expect((await readOne(table, 'payer#northwind'))?.stop?.until).toBeUndefined();
  });

  it('npm run payers -- pause that has ended by itself can be begun again, and needs no resume', async () => {
    await pause('--until', '30m');
    const resumed = await run('payers', ['resume', 'northwind', '--reason', 'x'], 3600);
    expect(resumed.out).toBe('Northwind Health (northwind) is not paused at stage local. Nothing was changed.');
    const again = await run('payers', ['pause', 'northwind', '--reason', 'x', '--until', '30m'], 3600);
    expect(again.out).toMatch(/^Paused Northwind Health/);
  });
});

describe('the payers that the doctor and the secret work on', () => {
  const notes: string[] = [];
  const read = (stage: string, id?: string) => {
    const environment = { AWS_ENDPOINT_URL: aws.url };
    const options = { config: { ...localStage(), stage }, file: 'config/x.ts', environment, id };
    const note = (text: string): void => void notes.push(text);
    return payersOfStage(options, { evenIfUnreadable: false, note });
  };
  beforeEach(() => {
    notes.length = 0;
  });

  it('are those in the registry, with what is paused or damaged', async () => {
    await run('payers', ['pause', 'northwind', '--reason', 'Maintenance']);
    await table.client.send(
      new UpdateItemCommand({
        TableName: name,
        Key: { entryId: { S: 'payer#demo-health-plan' } },
        UpdateExpression: 'SET entry = :e',
        ExpressionAttributeValues: { ':e': { S: '{}' } },
      }),
    );

    expect(await read('local')).toMatchObject([
      { id: 'demo-health-plan', payer: undefined },
      { id: 'northwind', payer: { id: 'northwind' }, stop: { reason: 'Maintenance' } },
    ]);
    expect(await read('local', 'northwind')).toMatchObject([
      { id: 'northwind', payer: { clientId: 'gateway-at-northwind' } },
    ]);
    await expect(read('local', 'nobody')).rejects.toThrow(
      'Stage local has no payer "nobody"; it has: demo-health-plan, nort',
    );
    expect(notes).toEqual([]);
  });

  it('are not those that were removed, though they were paused before', async () => {
    await run('payers', ['pause', 'northwind', '--reason', 'Maintenance']);
    await run('payers', ['resume', 'northwind', '--reason', 'Maintenance is over'], 60);
    await removeEntry(table, (await readOne(table, 'payer#northwind'))!, changed);

    expect((await readOne(table, 'payer#northwind'))?.stop).toBeDefined();
    expect((await read('local')).map(({ id }) => id)).toEqual(['demo-health-plan']);
    await expect(read('local', 'northwind')).rejects.toThrow('Stage local has no payer "northwind"');
  });

  it('are those in the file while the stage has no registry, which is said', async () => {
    process.env['AWS_ENDPOINT_URL'] = aws.url;
    Object.assign(process.env, { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' });
    try {
      expect((await read('other')).map(({ id }) => id)).toEqual(['demo-health-plan', 'northwind']);
    } finally {
      for (const each of ['AWS_ENDPOINT_URL', 'AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) {
        delete process.env[each];
      }
    }
    expect(notes).toEqual(['Stage other has no registry yet. The payers are those in config/x.ts.']);
  });
});

describe('an empty registry, as after a loss', () => {
  const says = 'The registry of stage local is empty, so every partner and every member is refused. docs/restore.md';
  beforeEach(async () => {
    await close();
    ({ aws, registry: table, close } = await toolStage([tableOf('Registry')]));
  });

  it.each([
    ['partners', 'list'],
    ['partners', 'list --blocked'],
    ['payers', 'list --paused'],
    ['partners', 'block demo-partner --reason x'],
    ['payers', 'resume northwind --reason x'],
  ] as const)('is not reported as all well: %s %s', async (tool, args) => {
    await expect(run(tool, words(args))).rejects.toThrow(says);
  });

  it('is empty also with the blocks that were restored, and is not what the doctor takes the payers from', async () => {
    const restored = { entryId: { S: 'partner#demo-partner' }, version: { N: '1' }, stop: { M: { at: { N: '1' } } } };
    await table.client.send(new PutItemCommand({ TableName: name, Item: restored }));
    const notes: string[] = [];
    const options = {
      config: localStage(),
      environment: { AWS_ENDPOINT_URL: aws.url },
      file: 'config/local.ts',
      id: undefined,
    };

    await expect(run('partners', ['list', '--blocked'])).rejects.toThrow(says);
    await payersOfStage(options, { evenIfUnreadable: true, note: (text) => void notes.push(text) });
    expect(notes).toEqual([expect.stringContaining(says)]);
  });
});

describe('the list', () => {
  it('has what is stopped first, by whom and why, and can have nothing else', async () => {
    await block('demo-partner');
    await run('payers', ['pause', 'northwind', '--reason', 'Maintenance', '--until', '2h']);

    expect((await run('partners', ['list'])).out).toBe(
      [
        'demo-partner     Demo Partner',
        '  blocked since 2026-06-01T12:00:00Z, by arn:aws:iam::000000000000:user/partners: Ticket 4711',
        'demo-app         Pocket Record',
        'third-party-app  Trend Journal',
        '3 partners, 1 blocked, 0 damaged',
      ].join('\n'),
    );
    expect((await run('payers', ['list', '--paused'], 60)).out).toBe(
      [
        'northwind  Northwind Health',
        '  paused until 2026-06-01T14:00:00Z, since 2026-06-01T12:00:00Z, by arn:aws:iam::000000000000:user/payers: Maintenance',
        '2 payers, 1 paused, 0 damaged',
      ].join('\n'),
    );
    expect((await run('payers', ['list', '--paused'], 7200)).out).toBe('2 payers, 0 paused, 0 damaged');
  });
});
