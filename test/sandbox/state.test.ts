import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startAws } from '../../sandbox/aws/aws.ts';
import { startDynamoDb } from '../../sandbox/aws/dynamodb.ts';
import { localKms } from '../../sandbox/aws/kms.ts';
import { openState } from '../../sandbox/state/local-state.ts';
import { keptMap, noRooms } from '../../sandbox/state/room.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'p2p-state-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (options?: { fresh: boolean }) => openState(folder, options);

describe('what a local stack keeps', () => {
  it('is there again in the next process: values, changes and deletions, by room', async () => {
    const first = open();
    const map = keptMap<{ n: number }>(first.rooms('a'));
    map.set('kept', { n: 1 });
    map.set('kept', { n: 2 });
    map.set('gone', { n: 3 });
    map.delete('gone');
    keptMap<number>(first.rooms('b')).set('kept', 7);
    await first.close();

    const second = open();
    expect([...keptMap<{ n: number }>(second.rooms('a')).entries()]).toEqual([['kept', { n: 2 }]]);
    expect(keptMap<number>(second.rooms('b')).get('kept')).toBe(7);
    await second.close();
  });

  it('can be read by no other user', async () => {
    rmSync(folder, { recursive: true });
    const state = open();
    expect(statSync(folder).mode & 0o077).toBe(0);
    await state.close();
    chmodSync(folder, 0o755);
    await open().close();
    expect(statSync(folder).mode & 0o077).toBe(0);
  });

  it('is changed by nobody after it was closed', async () => {
    const state = open();
    const map = keptMap<number>(state.rooms('a'));
    await state.close();
    map.set('late', 1);
    map.delete('late');
    const later = open();
    expect([...later.rooms('a').entries()]).toEqual([]);
    await later.close();
  });

  it('belongs to one local stack at a time, with --fresh too', async () => {
    const state = open();
    const refusal = `${folder} is in use by another local stack; stop that one, or choose another with --state FOLDER`;
    expect(() => open()).toThrow(refusal);
    expect(() => open({ fresh: true })).toThrow(refusal);
    await state.close();
  });

  it('is emptied by --fresh, which deletes nothing that is not its own', async () => {
    const first = open();
    keptMap<number>(first.rooms('a')).set('old', 1);
    await first.close();
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    const second = open({ fresh: true });
    expect([...second.rooms('a').entries()]).toEqual([]);
    await second.close();
    expect(readdirSync(folder)).toContain('notes.txt');
  });

  it('what a local stack keeps, if damaged, is refused with a line that names --fresh, which mends it', async () => {
    writeFileSync(join(folder, 'state.sqlite'), 'not a database, and long enough to be looked at as one '.repeat(20));
    expect(() => open()).toThrow(/^\S+ can't be read \(.*\); start with --fresh, which empties it and starts over$/);
    await open({ fresh: true }).close();
    await open().close();
  });

  it('what a local stack keeps, if another version wrote it, is refused with a line that names --fresh', async () => {
    const state = open();
    state.rooms('state').set('format', () => '0');
    await state.close();
    expect(() => open()).toThrow(/is from another version of the local stack; start with --fresh/);
  });

  it('cannot be where a file is', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => openState(join(folder, 'file'))).toThrow(/can't be created \(EEXIST\); choose another folder/);
    expect(() => openState('/proc/x')).toThrow(/can't be created \(E[A-Z]+\); choose another folder/);
  });

  it('is nothing without a folder', () => {
    const map = keptMap<number>(noRooms('a'));
    map.set('one', 1);
    expect(map.get('one')).toBe(1);
    expect([...keptMap<number>(noRooms('a')).entries()]).toEqual([]);
  });
});

describe('kept AWS', () => {
  const table = {
    name: 'grants',
    physicalName: 'stage-Grants',
    keySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    attributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
  } as const;
  const registry = { ...table, name: 'registry', physicalName: 'stage-Registry' };
  const headers = (service: string, operation: string) => ({
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': `${service}.${operation}`,
    'x-amz-date': '20260101T000000Z',
    authorization:
      'AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/x/aws4_request, SignedHeaders=host, Signature=0',
  });
  const call = async (url: string, service: string, operation: string, body: object) =>
    (await fetch(url, { method: 'POST', headers: headers(service, operation), body: JSON.stringify(body) })).json();

  it('has its tables, keys, secrets and objects again', async () => {
    const arn = 'arn:aws:kms:us-east-1:000000000000:key/exports';
    const large = 'x'.repeat(300_000);
    const run = async () => {
      const state = open();
      const aws = await startAws(0, undefined, state);
      aws.kms.createKey(arn);
      aws.s3.createBucket('files', { versioned: false });
      await aws.dynamoDb.createTables([table, registry], () => {}, ['registry']);
      const dynamoDb = (operation: string, body: object) => call(aws.url, 'DynamoDB_20120810', operation, body);
      return {
        aws,
        dynamoDb,
        kms: (operation: string, body: object) => call(aws.url, 'TrentService', operation, body),
        object: (name: string, init?: RequestInit) =>
          fetch(`${aws.url}/files/${name}`, { ...init, headers: { authorization: headers('s3', '').authorization } }),
        count: async (TableName: string) => ((await dynamoDb('Scan', { TableName })) as { Count: number }).Count,
        close: async () => {
          await aws.close();
          await state.close();
        },
      };
    };
    const first = await run();
    for (const { physicalName } of [table, registry]) {
      await first.dynamoDb('PutItem', { TableName: physicalName, Item: { id: { S: 'one' } } });
    }
    const sealed = (await first.kms('Encrypt', { KeyId: arn, Plaintext: 'aGk=' })) as object;
    first.aws.secretsManager.setSecret('name', 'value');
    await first.object('small', { method: 'PUT', body: 'small' });
    await first.object('large', { method: 'PUT', body: large });
    await first.object('deleted', { method: 'PUT', body: large });
    await first.object('deleted', { method: 'DELETE' });
    await first.close();

    const second = await run();
    // The registry is the stage's, which may have changed.
    expect([await second.count('stage-Grants'), await second.count('stage-Registry')]).toEqual([1, 0]);
    expect(await second.kms('Decrypt', sealed)).toMatchObject({ Plaintext: 'aGk=' });
    const { currentValue } = second.aws.secretsManager;
    expect([currentValue('name'), currentValue('none')]).toEqual(['value', undefined]);
    expect(await (await second.object('small')).text()).toBe('small');
    expect(await (await second.object('large')).text()).toBe(large);
    expect((await second.object('deleted')).status).toBe(404);
    await second.close();
    // The deleted object's file is gone too.
    expect(readdirSync(join(folder, 'objects'))).toHaveLength(1);
  });

  it('refuses a table of another version, and a damaged store, with a line that names --fresh', async () => {
    const first = await startDynamoDb(localKms(), folder);
    await first.createTables([table], () => {});
    await first.close();
    const second = await startDynamoDb(localKms(), folder);
    const changed = {
      ...table,
      keySchema: [{ AttributeName: 'key', KeyType: 'HASH' }],
      attributeDefinitions: [{ AttributeName: 'key', AttributeType: 'S' }],
    } as const;
    await expect(second.createTables([changed], () => {})).rejects.toThrow(
      `${folder} has a table stage-Grants of another version; start with --fresh`,
    );
    await second.close();
    writeFileSync(join(folder, 'CURRENT'), 'damaged');
    await expect(startDynamoDb(localKms(), folder)).rejects.toThrow(/can't be read \(.*\); start with --fresh/);
  });
});
