import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { describeGrantEvent } from '../../functions/audit/describe-grant-event.ts';
import { readRecord } from '../../functions/follow-up/read-record.ts';
import {
  getGrant,
  putGrant,
  redeem,
  rememberAssertion,
  revoke,
  rotate,
  storePayerTokens,
  takeLease,
} from '../../functions/shared/store/grants.ts';
import type { Item } from '../../functions/shared/store/items.ts';
import { issue } from '../functions/shared/store/grants-cases.ts';
import { livingGrant } from '../support/living-grant.ts';
import { idOf, now, operator, point, restoreTool, since } from './restore-tool.ts';

let tool: Awaited<ReturnType<typeof restoreTool>>;
beforeEach(async () => {
  tool = await restoreTool();
});
afterEach(() => tool.close());

const later = point + 60;

/** Deletes grants without a trace in the audit. */
const lose = async (...grants: string[]): Promise<void> => {
  const { client, name } = tool.table('grants');
  for (const grant of grants) {
    await client.send(new DeleteItemCommand({ TableName: name, Key: { grantId: { S: idOf(grant) } } }));
  }
};
const ids = async (): Promise<string[]> => (await tool.items('grants')).map(({ grantId }) => grantId?.S ?? '').sort();
const withoutEvent = ({ lastEvent: _event, leaseOwner: _owner, leaseUntilMs: _until, ...rest }: Item): Item => rest;

describe('npm run restore -- grants', () => {
  it('puts back a living grant to which nothing has happened since, whole but for a stale lease', async () => {
    const grant = await tool.connect('quiet');
    await takeLease(tool.table('grants'), grant, { owner: 'dead', nowMs: point * 1000 - 9e6, untilMs: point * 1000 });
    await tool.copyAll();
    const before = await tool.item('grants', idOf('quiet'));
    await lose('quiet');

    const { code, told } = await tool.grants('--yes');

    expect(code).toBe(0);
    expect(told).toContain(`Put back 1 as ${operator}; 0 were there.`);
    const after = await tool.item('grants', idOf('quiet'));
    expect(withoutEvent(after ?? {})).toEqual(withoutEvent(before ?? {}));
    expect(after?.['leaseOwner']).toBeUndefined();
  });

  it('puts back a grant whose last write reached the stream a second after its own time', async () => {
    const grant = await tool.connect('quiet');
    const before = { now: point - 60, requestId: 'request-before' };
    await storePayerTokens(tool.table('grants'), grant, { sealed: new Uint8Array(1), ...before });
    await tool.file(1);
    await tool.copyAll();
    await lose('quiet');

    expect((await tool.grants('--yes')).told).toContain(`Put back 1 as ${operator}; 0 were there.`);
  });

  it('records who put it back and why, tells the partner nothing, and files no earlier event again', async () => {
    await tool.connect('quiet');
    await tool.copyAll();
    await lose('quiet');
    await tool.file();
    await tool.grants('--yes');

    const [record, ...others] = await tool.file();

    expect(others).toEqual([]);
    const event = describeGrantEvent(
      record?.dynamodb?.NewImage ?? {},
      'local',
      record?.dynamodb?.ApproximateCreationDateTime ?? 0,
    );
    expect(event).toMatchObject({
      subtype: [{ code: 'restored' }],
      action: 'C',
      recorded: '2026-06-01T12:00:00Z',
      agent: [{ who: { identifier: { value: operator } }, requestor: true }, { requestor: false }, {}],
    });
    expect(event.entity[0]?.detail).toEqual([{ type: 'note', valueString: 'Ticket 4714' }]);
    expect(readRecord(record!)).toEqual([]);
  });

  const grants = () => tool.table('grants');
  const sealed = new Uint8Array(1);
  const end = (at: number) => revoke(grants(), idOf('it'), 'byPartner', { now: at, requestId: 'r' });
  const refreshPayerTokens = (grant: Grant, by: { now: number; requestId: string }) =>
    storePayerTokens(grants(), grant, { sealed, ...by });
  const connect = () => tool.connect('it');
  const expiring = () => tool.connect('it', point - 7200, { endsAt: now - 1 });
  /** A login whose code is good for a minute more. */
  const open = () => {
    const grant = livingGrant(point - 5, { grantId: idOf('it'), partner: 'demo-partner', expiresAt: now + 60 });
    return putGrant(grants(), grant, { now: point - 5, requestId: 'login' });
  };
  const before = { now: point - 1, requestId: 'r' };

  it.each<[what: string, code: number, fate: string, make: () => unknown, then?: (grant: Grant) => unknown]>([
    ['ended since', 3, 'endedSince', connect, () => end(later)],
    [
      'whose tokens were refreshed since',
      3,
      'changedSince',
      connect,
      (grant) => rotate(grants(), grant, { ...issue, presentedHash: 'refresh-hash', salt: new Uint8Array(32) }, at()),
    ],
    [
      "whose payer's tokens were refreshed since",
      3,
      'changedSince',
      connect,
      (grant) => refreshPayerTokens(grant, at()),
    ],
    ['whose code was not redeemed at the point', 3, '', open],
    [
      'whose code was redeemed since',
      3,
      '',
      open,
      (grant) => redeem(grants(), grant, issue, { now: point + 9, requestId: 'r' }),
    ],
    ['that had ended before', 0, '', async () => (await connect(), end(point - 60))],
    ['that has expired since', 0, '', expiring],
    [
      'of which the audit has an event that it could not read',
      3,
      '',
      connect,
      async () =>
        tool.put('grants', { ...(await tool.item('grants', idOf('it'))), lastEvent: { M: { type: { S: 'new' } } } }),
    ],
    [
      'whose payer tokens one request refreshed twice in a second, since one may be newer',
      3,
      '',
      async () => refreshPayerTokens(await connect(), before),
      (grant) => refreshPayerTokens(grant, before),
    ],
    ['that ended in the second of the copy, since the copy may be older', 3, '', connect, () => end(point)],
  ])('leaves out a grant %s', async (_, code, fate, make, then = () => true) => {
    await make();
    await tool.connect('quiet');
    await tool.copyAll();
    expect(await then((await getGrant(grants(), idOf('it')))!)).not.toBe(false);
    await tool.file();
    await lose('it', 'quiet');

    const made = await tool.grants('--yes', '--json');

    expect(made.code).toBe(code);
    const told = made.out.map((line) => JSON.parse(line) as { grantId: string; fate: string });
    expect(told.filter(({ grantId }) => grantId === idOf('it'))).toMatchObject([fate === '' ? {} : { fate }]);
    expect(await ids()).toEqual([idOf('quiet')]);
  });

  it('overwrites nothing that is there', async () => {
    const grant = await tool.connect('kept');
    await tool.connect('quiet');
    await tool.copyAll();
    await lose('quiet');
    await revoke(tool.table('grants'), grant.grantId, 'byPartner', { now: later, requestId: 'r' });
    // The audit has not heard of it: only the condition of the write protects it.
    const { told } = await tool.grants('--yes');

    expect(told).toContain('Put back 1 as');
    expect(told).toContain('; 1 were there.');
    expect(await getGrant(tool.table('grants'), grant.grantId)).toMatchObject({ revokedAt: later });
  });

  it('remembers used client assertions again, until they expire', async () => {
    const remember = (jtiHash: string, expiresAt: number) =>
      rememberAssertion(tool.table('grants'), { jtiHash, now: point, expiresAt, requestId: 'r' });
    await remember('young', now + 60);
    await remember('old', now - 1);
    await tool.connect('quiet');
    await tool.copyAll();
    for (const key of ['jti.young', 'jti.old']) {
      const { client, name } = tool.table('grants');
      await client.send(new DeleteItemCommand({ TableName: name, Key: { grantId: { S: key } } }));
    }

    await tool.grants('--yes');

    expect(await ids()).toEqual(['jti.young', idOf('quiet')]);
  });

  it('ends again what lives though the audit knows it as ended, whoever put it back', async () => {
    await tool.connect('ended');
    await tool.connect('quiet');
    await tool.copyAll();
    const copy = await tool.item('grants', idOf('ended'));
    await revoke(tool.table('grants'), idOf('ended'), 'byPartner', { now: later, requestId: 'r' });
    await tool.file();
    await tool.put('grants', copy ?? {});
    await lose('quiet');

    const { told } = await tool.grants('--yes');

    expect(told).toContain('Of 1 grants that have ended according to the audit, 1 still worked and were ended again.');
    expect(await getGrant(tool.table('grants'), idOf('ended'))).toMatchObject({ revokedAt: now });
  });

  it('refuses, and changes nothing, if the audit lacks the last event of a grant of the copy', async () => {
    await tool.connect('quiet');
    await tool.file();
    await tool.connect('unheard', point - 30);
    for (const one of await tool.items('grants')) await tool.put('copy', one);
    await lose('quiet', 'unheard');

    await expect(tool.grants('--yes')).rejects.toThrow(
      `The audit lacks the last event of 1 grants of the copy: ${idOf('unheard')} (redeemed at 2026-06-01T11:49:30Z)`,
    );
    expect(await ids()).toEqual([]);
  });
});

type Grant = Awaited<ReturnType<typeof getGrant>> & object;
const at = () => ({ now: later, requestId: 'request-later' });

describe('npm run restore -- grants, on the way,', () => {
  const three = async (): Promise<void> => {
    for (const name of ['one', 'two', 'three']) await tool.connect(name);
    await tool.copyAll();
    await lose('one', 'two', 'three');
  };

  it('changes nothing with --dry-run, and says what would come back', async () => {
    await three();
    const { code, told, out } = await tool.grants('--dry-run', '--json');

    expect(code).toBe(0);
    expect(told).toContain(`restored-grants, as of ${since}, into p2p-gateway-local-TablesGrants1:`);
    expect(told).toContain(`Would put these back as ${operator}`);
    expect(out).toHaveLength(3);
    expect(await ids()).toEqual([]);
  });

  it('changes nothing in a script without --yes, nor if the person says no', async () => {
    await three();
    await expect(tool.grants()).rejects.toThrow('To go on, give --yes. Nothing was changed.');
    const args = ['grants', '--from', tool.names.copy, '--since', since, '--reason', 'x'];
    await expect(tool.run(args, { answers: ['no'] })).rejects.toThrow('Nothing was changed.');
    expect(await ids()).toEqual([]);
    expect((await tool.run(args, { answers: ['yes'] })).asked).toEqual([
      `Put 3 grants back as ${operator}? Type yes to go on: `,
    ]);
    expect(await ids()).toHaveLength(3);
  });

  it('waits while DynamoDB limits it, and comes to the end', async () => {
    await three();
    tool.answer('PutItem', { __type: 'com.amazonaws.dynamodb.v20120810#ThrottlingException', message: 'slow down' }, 7);

    expect((await tool.grants('--yes')).told).toContain('Put back 3 as');
  });

  it.each([1, 2, 3])(
    'says what it lacks if it is refused, and the same command goes on afterwards (%i)',
    async (times) => {
      await three();
      tool.answer(
        'PutItem',
        { __type: 'com.amazonaws.dynamodb.v20120810#AccessDeniedException', message: 'no' },
        times,
      );

      await expect(tool.grants('--yes')).rejects.toThrow(/^AWS denied access\. The tool needs dynamodb:ListTables; /);
      expect((await tool.grants('--yes')).code).toBe(0);
      expect(await ids()).toHaveLength(3);
    },
  );

  it('says that nothing is there to put back', async () => {
    await expect(tool.grants('--yes')).rejects.toThrow('There is nothing to put back. Nothing was changed.');
  });
});

describe('a copy', () => {
  const summary = { RestoreDateTime: point, RestoreInProgress: false, SourceTableArn: 'arn:aws:dynamodb:r:a:table/x' };
  const described = (change: object) => ({
    Table: {
      TableName: 'restored-grants',
      TableStatus: 'ACTIVE',
      KeySchema: [{ AttributeName: 'grantId', KeyType: 'HASH' }],
      RestoreSummary: { ...summary, SourceTableArn: 'arn:aws:dynamodb:r:a:table/p2p-gateway-local-TablesGrants0' },
      ...change,
    },
  });
  const from = (table: string, ...more: string[]) =>
    tool.run(['grants', '--from', table, '--reason', 'x', '--yes', ...more]);

  it('says itself of which time it is, if AWS has restored it', async () => {
    await tool.connect('quiet');
    await tool.copyAll();
    tool.answer('DescribeTable', described({}));

    expect((await from('restored-grants')).told).toContain(`restored-grants, as of ${since}`);
    await expect(from('restored-grants', '--since', '2026-06-01T11:55:00Z')).rejects.toThrow(
      `restored-grants is a copy of ${since}, so --since must not be later.`,
    );
  });

  it.each([
    ['of another table', { RestoreSummary: summary }, 'is a copy of x, not of a table of this stage'],
    ['with another key', { KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }] }, 'its key is another'],
    ['that AWS still fills', { TableStatus: 'CREATING' }, 'is still being restored (CREATING)'],
    ['of an unknown time', { RestoreSummary: undefined }, 'Give --since TIME'],
  ])('%s is refused', async (_, change, says) => {
    tool.answer('DescribeTable', described(change));
    await expect(from('restored-grants')).rejects.toThrow(says);
  });

  it("a copy that is the stage's own table, or is not there, is refused", async () => {
    await expect(from(tool.names.grants)).rejects.toThrow("--from is the stage's own table");
    await expect(from('no-such-table')).rejects.toThrow('There is no table no-such-table in this account and region.');
  });
});
