import { DynamoDBClient, ThrottlingException, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { jest } from '@jest/globals';
import type { Git } from '../../bin/shared/git.ts';
import { readOne } from '../../bin/shared/registry-table.ts';
import { beatHold, stopEntry, takeHold, writeEntry } from '../../bin/shared/registry-writes.ts';
import { registryData } from '../../config/checks/load.ts';
import { defaultPorts, localStage } from '../../config/local.ts';
import { entriesOf } from '../../functions/shared/registry/entry-items.ts';
import { noteRunning } from '../../functions/shared/store/exchanges.ts';
import { putGrant } from '../../functions/shared/store/grants.ts';
import { startMs } from '../support/gateway.ts';
import { livingGrant } from '../support/living-grant.ts';
import { es384Jwk } from '../support/login.ts';
import { putGroup } from '../support/put-group.ts';
import { operator, registryTool, withEntry, type RegistryTool } from './registry-tool.ts';

const now = startMs / 1000;
const stage = localStage();
let tool: RegistryTool;
beforeEach(async () => {
  tool = await registryTool();
  await tool.fill();
  await tool.write(stage);
});
afterEach(() => tool.close());

const app = 'partner#demo-app';
const itemAt = async (entryId: string) => (await readOne(tool.table, entryId))!;
const nameOfApp = async () => ((await itemAt(app)).entry as { readonly name?: string } | undefined)?.name;
const setByHand = (entryId: string, UpdateExpression: string, values: Readonly<Record<string, string>>) => {
  const ExpressionAttributeValues = Object.fromEntries(Object.entries(values).map(([name, S]) => [name, { S }]));
  const Key = { entryId: { S: entryId } };
  return tool.client.send(
    new UpdateItemCommand({ TableName: tool.table.name, Key, UpdateExpression, ExpressionAttributeValues }),
  );
};

const renamed = withEntry('partners', 'demo-app', { name: 'New Name' });
const without = withEntry('partners', 'demo-app', undefined);
const twoChanged = withEntry('payers', 'northwind', { displayName: 'New Payer' }, renamed);
const leak = { at: now - 60, by: 'arn:someone', reason: 'a leak' };

const commits = { old: 'a'.repeat(40), last: 'b'.repeat(40), next: 'c'.repeat(40), other: 'd'.repeat(40) };
const order = [commits.old, commits.last, commits.next];

/** Git at a commit of `order`, or elsewhere. */
const gitAt =
  (commit: string, changes = ''): Git =>
  async (_folder, [command, ...args]) => {
    const done = (code: number, out = '') => ({ code, out });
    if (command === 'rev-parse') return done(0, commit);
    if (command === 'status') return done(0, changes);
    const [known, earlier] = [order.indexOf(args[1]!.slice(0, 40)), order.indexOf(args[1]!)];
    if (command === 'cat-file') return done(known < 0 ? 128 : 0);
    return done(earlier <= order.indexOf(commit) ? 0 : 1);
  };

describe('npm run registry -- apply', () => {
  it("adds, changes and removes a partner's webhook, which diff shows", async () => {
    for (const webhook of ['https://app.example.net/events', 'https://app.example.net/other', undefined]) {
      await tool.write(withEntry('partners', 'demo-app', { webhook }));
      expect((await tool.run('diff')).out).toMatch(/partner demo-app[^\n]*\n(?: .*\n)*? +webhook/);
      expect(await tool.apply('--yes')).toMatchObject({ code: 0 });
      expect(((await itemAt(app)).entry as { readonly webhook?: string }).webhook).toBe(webhook);
    }
  });

  it('makes the table as the file is, and says who did it and why', async () => {
    const added = { ...stage.partners[2]!, clientId: 'new-app', webOrigins: ['https://new.example'] };
    const config = withEntry('payers', 'northwind', { displayName: 'New Payer' }, without);
    const wanted = { ...config, partners: [...config.partners, added] };
    await tool.write(wanted);

    const { code, out, told } = await tool.apply();

    expect(code).toBe(0);
    expect(out).toContain('1 added, 1 changed, 1 removed.');
    expect(told).toBe(`Applied as ${operator}, version 1. It takes effect everywhere within 30 seconds.`);
    const items = await tool.read();
    const entries = [...entriesOf(registryData(wanted))];
    expect(entries.map(([entryId]) => [entryId, items.get(entryId)?.entry])).toEqual(entries);
    const by = { changedAt: now, changedBy: operator, reason: 'Ticket 4711' };
    expect(Object.fromEntries(items)).toMatchObject({
      'partner#new-app': { version: 1, ...by },
      'payer#northwind': { version: 2, ...by },
      [app]: { version: 2, entry: undefined, damaged: false, ...by },
      'partner#third-party-app': { version: 1, reason: 'first deployment' },
      apply: { version: 1, entry: { file: tool.file }, ...by },
    });
    expect(await tool.run('diff')).toMatchObject({ code: 0, out: expect.stringContaining(`Last apply: version 1, `) });
  });

  it('writes nothing if there is no difference', async () => {
    expect(await tool.apply()).toMatchObject({ code: 0, told: '' });
    expect((await tool.read()).has('apply')).toBe(false);
  });

  it('keeps a block while its partner is changed, removed, and added again, and says so', async () => {
    await stopEntry(tool.table, await itemAt(app), leak);
    for (const config of [renamed, without, stage]) {
      await tool.write(config);
      const { out } = await tool.apply('--yes');
      expect(out).toContain('    stays blocked since 2026-06-01T11:59:00Z, by arn:someone: a leak\n');
      expect((await itemAt(app)).stop).toEqual({ ...leak, until: undefined });
    }
    expect(await itemAt(app)).toMatchObject({ version: 5, entry: { clientId: 'demo-app' } });
  });

  it('repairs what was changed by hand: entries with their stop, pages, and its own record', async () => {
    await tool.write(renamed);
    await tool.apply();
    await stopEntry(tool.table, await itemAt(app), leak);
    for (const entryId of [app, 'directory#1', 'apply']) {
      await setByHand(entryId, 'SET entry = :e, version = :v', { ':e': '{"by":"hand"}', ':v': 'x' });
    }

    await expect(tool.apply()).rejects.toThrow(
      'The item "apply" was changed by hand, so what was applied last is unknown. ',
    );
    const { out } = await tool.apply('--yes');

    expect(out).toContain('! partner demo-app\n    was changed by hand, and is written again\n    stays blocked since');
    expect(await itemAt(app)).toMatchObject({ damaged: false, entry: { name: 'New Name' }, stop: leak });
    expect(await tool.run('diff')).toMatchObject({ code: 0 });
  });

  it('refuses what the check refuses, before it asks the table', async () => {
    await tool.write(withEntry('partners', 'demo-app', { payers: ['nobody'] }));
    await expect(tool.apply()).rejects.toThrow('"nobody" is not a payer of this stage');
    await tool.write({ ...stage, production: true });
    await expect(tool.apply()).rejects.toThrow('uses plain http, which production refuses');
  });

  it('finishes what another apply left: pages that do not fit', async () => {
    await tool.write(renamed);
    await tool.apply();
    await setByHand('directory#1', 'SET reason = :e REMOVE entry, digest', { ':e': 'x' });
    expect((await tool.run('diff')).out).toContain('Only pages differ.');

    expect(await tool.apply('--yes')).toMatchObject({ code: 0 });
    expect(await tool.run('diff')).toMatchObject({ code: 0 });
  });
});

describe('a reason', () => {
  beforeEach(() => tool.write(renamed));

  it('with a secret is refused in the words of where it was typed', async () => {
    const secret = 'AKIAIOSFODNN7EXAMPLE';
    const asked = tool.run('apply', [], { answers: [secret] });
    await expect(asked).rejects.toThrow(/^the reason contains .+, and have it replaced$/);
    await expect(tool.run('apply', ['--reason', secret])).rejects.toThrow(/your shell's history has it$/);
  });

  it('is asked for at a terminal, and required without one', async () => {
    await expect(tool.run('apply')).rejects.toThrow('Give --reason TEXT');
    await expect(tool.run('apply', [], { answers: [''] })).rejects.toThrow('Give --reason TEXT');

    expect(await tool.run('apply', [], { answers: ['Ticket 4712'] })).toMatchObject({ code: 0, asked: ['Why? '] });
    expect(await itemAt(app)).toMatchObject({ reason: 'Ticket 4712' });
  });

  it.each(['two\nlines', 'x'.repeat(201), 'turned\u202eround', 'broken\u2028here'])(
    'is one line of up to 200 characters: %j is refused',
    async (reason) => {
      await expect(tool.run('apply', ['--reason', reason])).rejects.toThrow('one line of up to 200 characters');
      expect(await nameOfApp()).toBe('Pocket Record');
    },
  );
});

describe('living grants that would end', () => {
  beforeEach(async () => {
    const grant = livingGrant(now, { grantId: 'grant-1' });
    await putGrant(tool.grants, grant, { now, requestId: 'request-1' });
    await tool.write(without);
  });

  it('need a yes at the terminal, or --yes', async () => {
    await expect(tool.apply()).rejects.toThrow('1 living grant would end. To go on, give --yes. Nothing was changed.');
    await expect(tool.run('apply', ['--reason', 'x'], { answers: ['no'] })).rejects.toThrow('Nothing was changed.');
    expect(await nameOfApp()).toBe('Pocket Record');

    const asked = ['1 living grant would end. Type yes to go on: '];
    expect(await tool.run('apply', ['--reason', 'x'], { answers: ['yes'] })).toMatchObject({ code: 0, asked });
    expect((await itemAt(app)).entry).toBeUndefined();
  });

  it('end with --yes, which says how many', async () => {
    const told = expect.stringContaining('1 living grant would end.') as string;
    expect(await tool.apply('--yes')).toMatchObject({ code: 0, told });
    expect((await itemAt(app)).entry).toBeUndefined();
  });
});

describe('exchanges and Groups that a change affects', () => {
  const local = localStage(defaultPorts, { exchangePublicKey: es384Jwk('exchange-1').publicJwk });
  const [newPlan, formerPlan] = [local.partners[3]!.exchange!, local.payers[0]!.exchange!];
  const other = { system: 'http://hl7.org/fhir/sid/us-npi', value: '1234567893' };
  const second = {
    ...formerPlan,
    publicKeys: [es384Jwk('exchange-2').publicJwk],
    identifiers: [{ ...other, value: '1245319599' }],
  };
  const both = { payers: ['demo-health-plan', 'northwind'] };
  const plans = withEntry('partners', 'new-plan', both, withEntry('payers', 'northwind', { exchange: second }, local));
  const ended = '1 running exchange would end. 2 kept Groups could no longer be exported.';
  const allEnded = '2 running exchanges would end. 4 kept Groups could no longer be exported.';
  const allMayBeUnder = '2 running exchanges and 4 kept Groups may be under a removed identifier: ';
  const mayBeUnder = '1 running exchange and 2 kept Groups may be under a removed identifier: ';
  const held = async (owner: string, expiresAt: number): Promise<void> => {
    await noteRunning(tool.exchanges, owner, { exportId: 'a-match', expiresAt });
    const group = { owner, code: 'match', members: 1, key: Buffer.of(1), exportId: 'a-match', createdAt: now };
    for (const id of ['group-1', 'group-2']) {
      await putGroup(tool.exchanges, { ...group, id, body: Buffer.of(1), expiresAt });
    }
  };

  it.each<[what: string, kind: 'payers' | 'partners', change: object | undefined, asked: string | undefined]>([
    ["a payer's exchange goes", 'payers', { exchange: undefined }, ended],
    [
      "a partner's exchange goes",
      'partners',
      { exchange: undefined, redirectUris: ['https://new.example/cb'], scopes: ['patient/*.rs'] },
      allEnded,
    ],
    ['a partner loses the payer', 'partners', { payers: ['northwind'] }, ended],
    ['the partner goes', 'partners', undefined, allEnded],
    ['an identifier of the partner goes', 'partners', { exchange: { identifiers: [other] } }, allMayBeUnder],
    ['one of the payer goes', 'payers', { exchange: { ...formerPlan, identifiers: [other] } }, mayBeUnder],
    ['one comes', 'partners', { exchange: { identifiers: [...newPlan.identifiers, other] } }, undefined],
    ['only a name changes', 'partners', { name: 'New Name' }, undefined],
  ])('are told if %s', async (_what, kind, change, asked) => {
    await tool.fill(plans);
    await held('demo-health-plan/new-plan', now + 60);
    await held('northwind/new-plan', now + 60);
    await tool.write(withEntry(kind, kind === 'payers' ? 'demo-health-plan' : 'new-plan', change, plans));
    const refused = async (): Promise<string> => String(await tool.apply().catch((error: unknown) => error));

    if (asked !== undefined) expect(await refused()).toContain(asked);
    expect((await tool.run('diff')).out.includes(asked ?? 'exchange and')).toBe(asked !== undefined);
    expect((await tool.apply(...(asked === undefined ? [] : ['--yes']))).told).toContain(asked ?? 'Applied as');
  });

  it('are none if none runs or is kept any more', async () => {
    await tool.fill(plans);
    await held('demo-health-plan/new-plan', now);
    await tool.write(withEntry('partners', 'new-plan', undefined, plans));

    expect(await tool.apply()).toMatchObject({ code: 0 });
  });
});

describe('a port that no payer or webhook had', () => {
  const webhook = withEntry('partners', 'demo-app', { webhook: 'https://app.example.net:8443/events' });

  it.each([
    [{ network: { availabilityZones: 1, cidr: '10.0.0.0/20' } }, 'before a deployment: npx cdk deploy -c stage=local.'],
    [{ network: 'none' }, undefined],
  ])('is told where functions are in a VPC, since its security group is the stack’s: %j', async (network, until) => {
    await tool.write({ ...webhook, ...network });

    const { told } = await tool.apply('--yes');

    expect(/Functions cannot connect to port 8443 (.*)/.exec(told)?.[1]).toBe(until);
  });
});

describe('a file older than the one that was applied last', () => {
  const apply = (git: Git, ...args: string[]) => tool.run('apply', ['--reason', 'Ticket 4711', ...args], { git });
  beforeEach(async () => {
    await tool.write(renamed);
    await apply(gitAt(commits.last));
    await tool.write(stage);
  });

  it('is refused, with both commits, unless --over-newer is given', async () => {
    const refused = `This checkout is at commit ${commits.old}, which does not contain ${commits.last}, the commit that was applied last.`;
    await expect(apply(gitAt(commits.old))).rejects.toThrow(refused);
    await expect(apply(gitAt(commits.old), '--dry-run')).rejects.toThrow(refused);
    await expect(apply(gitAt(commits.old), '--yes')).rejects.toThrow('give --over-newer. Nothing was changed.');
    expect(await nameOfApp()).toBe('New Name');

    expect(await apply(gitAt(commits.old), '--over-newer', '--yes')).toMatchObject({ code: 0 });
    expect(await itemAt('apply')).toMatchObject({ version: 2, entry: { commit: commits.old } });
  });

  it('may be one whose checkout does not have the commit', async () => {
    await tool.write(withEntry('partners', 'demo-app', { name: 'Other' }));
    await apply(gitAt(commits.other), '--over-newer', '--yes');
    await tool.write(stage);
    await expect(apply(gitAt(commits.next))).rejects.toThrow(
      `Commit ${commits.other}, which was applied last, is not in this checkout, which is at ${commits.next}. Run git pull`,
    );
  });

  it('is none of the same commit, or of a later one', async () => {
    expect(await apply(gitAt(commits.next))).toMatchObject({ code: 0 });
    await tool.write(renamed);
    expect(await apply(gitAt(commits.next, ' M stage.json'))).toMatchObject({ code: 0 });
    expect(await itemAt('apply')).toMatchObject({ entry: { commit: commits.next, uncommitted: true } });
  });

  it('is the committed file after one with uncommitted changes', async () => {
    await apply(gitAt(commits.last, ' M stage.json'));
    await tool.write(renamed);
    const unlike = 'was applied with uncommitted changes, which this file does not have';
    await expect(apply(gitAt(commits.last))).rejects.toThrow(unlike);
    const unknown = 'Whether this file has them cannot be known';
    await expect(apply(gitAt(commits.last, ' M stage.json'))).rejects.toThrow(unknown);
    expect(await apply(gitAt(commits.next))).toMatchObject({ code: 0 });
  });

  it('cannot be known without git: the table’s version and date are told, and --yes is needed', async () => {
    await expect(tool.apply()).rejects.toThrow(
      `This file is in no git checkout, so it may be older than commit ${commits.last}, which was applied last. ` +
        'The table is at version 1, of 2026-06-01T12:00:00Z. To go on, give --yes. Nothing was changed.',
    );
    expect(await tool.apply('--yes')).toMatchObject({ code: 0 });
    await tool.write(renamed);
    await expect(apply(gitAt(commits.next))).rejects.toThrow('What was applied last was in no git checkout');
  });
});

interface SentCommand {
  readonly constructor: { readonly name: string };
  readonly input: { readonly Key?: { readonly entryId?: { readonly S?: string } } };
}

/** Runs something before each command about an item, until the mocks are restored. */
const beforeEachSend = (work: (name: string, entryId: string | undefined) => Promise<unknown>): void => {
  const send = Reflect.get(DynamoDBClient.prototype, 'send') as (...args: unknown[]) => unknown;
  const sendAfter = async function (this: DynamoDBClient, ...args: [SentCommand, ...unknown[]]): Promise<unknown> {
    const [{ constructor, input }] = args;
    await work(constructor.name, input.Key?.entryId?.S);
    return send.apply(this, args);
  };
  jest.spyOn(DynamoDBClient.prototype, 'send').mockImplementation(sendAfter as never);
};

/** Runs something before the first command of this kind for an item. */
const before = (entryId: string, kind: 'GetItemCommand' | 'UpdateItemCommand', work: () => Promise<unknown>): void => {
  let isDone = false;
  beforeEachSend(async (name, sentTo) => {
    if (isDone || name !== kind || sentTo !== entryId) return;
    isDone = true;
    await work();
  });
};

describe('two people who apply at once', () => {
  const git = gitAt(commits.last);
  const by = { changedAt: now, changedBy: 'arn:other', reason: 'Ticket 1' };
  const writeAs = async (entryId: string, change: object) => {
    const item = await readOne(tool.table, entryId);
    const { written } = await writeEntry(tool.table, entryId, item, { ...(item?.entry as object), ...change }, by);
    expect(written).toBe(true);
  };
  beforeEach(() => tool.write(renamed));
  afterEach(() => jest.restoreAllMocks());

  it('cannot both go on from the same diff: the second is told who was first, when and why', async () => {
    const meanwhile = async () => {
      await tool.run('apply', ['--reason', 'Ticket 1'], { git });
      return 'Ticket 2';
    };

    await expect(tool.run('apply', [], { git, answers: [meanwhile] })).rejects.toThrow(
      `The table has changed since this diff: it is at version 1, 2026-06-01T12:00:00Z, by ${operator}: Ticket 1 ` +
        `(${tool.file}, commit ${'b'.repeat(12)}). Run diff again. Nothing was changed.`,
    );
    expect(await nameOfApp()).toBe('New Name');
  });

  it('are refused while the other is at work, and take over from one that died', async () => {
    expect(await takeHold(tool.table, undefined, { file: 'theirs' }, by, 'mark')).toEqual({ written: true });
    before('apply', 'GetItemCommand', () => beatHold(tool.table, 'mark', 1));
    const others = 'version 1, 2026-06-01T12:00:00Z, by arn:other: Ticket 1 (theirs)';

    await expect(tool.apply('--yes')).rejects.toThrow(`Somebody is applying: ${others}. Nothing was changed.`);
    expect(await itemAt('apply')).toMatchObject({ version: 1, heldBy: 'mark' });
    expect(await nameOfApp()).toBe('Pocket Record');

    const { told } = await tool.apply('--yes');
    expect(told).toContain(`An apply has not ended: ${others}. Looking for 20 seconds`);
    expect(await itemAt('apply')).toMatchObject({ version: 2, heldBy: undefined, beat: undefined });
    expect(await nameOfApp()).toBe('New Name');
  });

  it('are told which entries the other is still writing, and nothing is written', async () => {
    before('apply', 'UpdateItemCommand', () => writeAs(app, { name: 'Theirs' }));

    await expect(tool.apply()).rejects.toThrow(
      'Others have changed entries since this diff:\n  partner demo-app: version 2, 2026-06-01T12:00:00Z, by arn:other: Ticket 1\n' +
        'Run diff again. No entry was changed.',
    );
    expect(await nameOfApp()).toBe('Theirs');
  });

  it('are told which entries the other changed while they wrote, and the rest is whole', async () => {
    await tool.write(twoChanged);
    before('payer#northwind', 'UpdateItemCommand', () => writeAs('payer#northwind', { displayName: 'Theirs' }));

    await expect(tool.apply()).rejects.toThrow(
      'Others have changed the table in the meantime:\n  payer northwind: version 2, 2026-06-01T12:00:00Z, by arn:other: Ticket 1\n' +
        '1 of 2 writes of entries were made, each as a whole. Run diff, and apply again.',
    );
    expect(await nameOfApp()).toBe('New Name');
    expect(await itemAt('payer#northwind')).toMatchObject({ entry: { displayName: 'Theirs' } });
    const { out } = await tool.run('diff');
    expect(out).toContain('~ payer northwind\n    displayName: "Theirs" → "New Payer"\n');
    expect(out).not.toContain('Pages that do not fit');

    expect(await tool.apply('--yes')).toMatchObject({ code: 0 });
    expect(await tool.run('diff')).toMatchObject({ code: 0 });
  });

  it('do not go on once the other has begun', async () => {
    before('apply', 'GetItemCommand', () => writeAs('apply', { file: 'theirs' }));

    await expect(tool.apply()).rejects.toThrow('Others have changed the table in the meantime:\n  apply: version 2, ');
    expect(await nameOfApp()).toBe('Pocket Record');
  });

  it('may block a partner in the meantime: the entry is written, and the block stays', async () => {
    before(app, 'UpdateItemCommand', async () => stopEntry(tool.table, await itemAt(app), leak));

    expect(await tool.apply()).toMatchObject({ code: 0 });
    expect(await itemAt(app)).toMatchObject({ version: 3, entry: { name: 'New Name' }, stop: leak });
  });

  it('may apply the same change: then it is made once', async () => {
    before(app, 'UpdateItemCommand', () => writeAs(app, { name: 'New Name' }));

    expect(await tool.apply()).toMatchObject({ code: 0 });
    expect(await itemAt(app)).toMatchObject({ version: 2, reason: 'Ticket 1' });
  });
});

describe('a table that cannot be used', () => {
  afterEach(() => jest.restoreAllMocks());

  it('is named if there is none', async () => {
    await tool.write(renamed);
    await expect(tool.apply('--table', 'missing')).rejects.toThrow(
      'There is no table missing in this account and region.',
    );
  });

  it('is left with whole entries if it throttles for long, and the next apply finishes', async () => {
    await tool.write(twoChanged);
    beforeEachSend(async (name, entryId) => {
      if (name === 'UpdateItemCommand' && entryId === 'payer#northwind') {
        throw new ThrottlingException({ message: 'slow', $metadata: {} });
      }
    });

    await expect(tool.apply()).rejects.toThrow(
      '(ThrottlingException). Run the same command in a minute. Each entry that was written is whole; apply again to finish.',
    );
    jest.restoreAllMocks();

    expect(await nameOfApp()).toBe('New Name');
    expect((await tool.run('diff')).out).toContain('~ payer northwind');
    expect(await tool.apply('--yes')).toMatchObject({ code: 0 });
    expect(await tool.run('diff')).toMatchObject({ code: 0 });
  });
});
