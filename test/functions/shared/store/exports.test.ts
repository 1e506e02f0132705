import { randomBytes } from 'node:crypto';
import { parseScopes } from '../../../../functions/shared/scopes/scopes.ts';
import { readExport } from '../../../../functions/shared/store/export-item.ts';
import {
  askForToken,
  beginExport,
  continueExport,
  deleteExport,
  dropSecrets,
  endExport,
  getExport,
  giveToken,
  noteAwake,
  noteProgress,
  putExport,
  startAgain,
  type NewExport,
} from '../../../../functions/shared/store/exports.ts';
import { memoryDynamo } from '../../../support/memory-dynamo.ts';

const now = 1_780_315_200;
const day = 86_400;

const newExport = (change: Partial<NewExport> = {}): NewExport => ({
  grantId: 'grant-1',
  exportId: 'export-1',
  payer: 'northwind',
  partner: 'demo-partner',
  patient: 'patient-1',
  request: 'https://gateway.example/r4/northwind/Patient/$export',
  requestId: 'request-1',
  scope: parseScopes('patient/*.rs'),
  recipient: randomBytes(32),
  exportSecret: randomBytes(32),
  payerToken: Buffer.from('box-1'),
  payerTokenExpiresAt: now + 300,
  payerTokenAt: now,
  payerVersion: 1,
  startedAt: now,
  grantEndsAt: now + 180 * day,
  expiresAt: now + 3 * day,
  ...change,
});

const ready = async () => {
  const dynamo = memoryDynamo();
  const table = { client: dynamo.client, name: 'Exports' };
  const made = newExport();
  await putExport(table, made);
  dynamo.calls();
  const raw = () => dynamo.items('Exports').get('grant-1');
  const item = () => {
    const stored = raw();
    return stored === undefined ? undefined : readExport(stored);
  };
  return { dynamo, table, made, item, raw };
};
type Ready = Awaited<ReturnType<typeof ready>>;

const began = { stateKey: Buffer.from('state'), executionArn: 'arn:execution', now: now + 1 };
const progress = { resources: 9, typesDone: 1, typesTotal: 2 };
const wish = { callbackId: 'callback-1', refusedVersion: 1, now: now + 2 };
const token = {
  payerToken: Buffer.from('box-2'),
  payerTokenExpiresAt: now + 600,
  payerTokenAt: now + 3,
  payerVersion: 2,
};
const end = {
  status: 'completed',
  ...progress,
  manifestDigest: 'digest',
  endedAt: now + 60,
  expiresAt: now + 7 * day,
} as const;

const by = { arn: 'arn:execution' };

/** The updates that are allowed only while an export runs. */
const steps: readonly (readonly [string, (of: Ready, key?: NewExport) => Promise<boolean>])[] = [
  ['beginExport', ({ table, made }, key = made) => beginExport(table, key, began)],
  ['startAgain', ({ table, made }, key = made) => startAgain(table, key, now + 61)],
  ['noteProgress', ({ table, made }, key = made) => noteProgress(table, key, progress)],
  ['askForToken', ({ table, made }, key = made) => askForToken(table, key, wish)],
  ['giveToken', ({ table, made }, key = made) => giveToken(table, key, token)],
  ['endExport', ({ table, made }, key = made) => endExport(table, key, end, by)],
];

describe('progress', () => {
  const at = (resources: number, typesDone: number) => ({ resources, typesDone, typesTotal: 21 });

  it('never goes back, which does not stop the job', async () => {
    const { table, made, item } = await ready();
    expect(await noteProgress(table, made, at(7, 3))).toBe(true);
    expect(await noteProgress(table, made, at(4, 3))).toBe(true);
    expect(await noteProgress(table, made, at(7, 2))).toBe(true);
    expect(item()).toMatchObject(at(7, 3));
    expect(await noteProgress(table, made, at(7, 4))).toBe(true);
    expect(item()).toMatchObject(at(7, 4));
    for (const attachments of [2, 1]) {
      expect(await noteProgress(table, made, { ...at(7, 4), attachments })).toBe(true);
      expect(item()).toMatchObject({ attachments: 2 });
    }
  });

  it('of an export that is over or was replaced stops the job, however far it is', async () => {
    const { table, made, item } = await ready();
    await beginExport(table, made, began);
    await noteProgress(table, made, at(7, 3));
    await endExport(table, made, end, by);
    expect(await noteProgress(table, made, at(4, 3))).toBe(false);
    expect(await noteProgress(table, made, at(9, 9))).toBe(false);
    await putExport(table, newExport({ exportId: 'export-2' }));
    expect(await noteProgress(table, made, at(4, 3))).toBe(false);
    expect(item()).toMatchObject({ exportId: 'export-2', resources: 0 });
  });
});

describe('a kick-off', () => {
  it('writes what was asked for, as it is read again', async () => {
    const { table, made, item } = await ready();
    const stored = await getExport(table, 'grant-1');
    expect(stored).toEqual({ ...made, status: 'running', resources: 0 });
    expect(item()).toEqual(stored);
    const optional = { types: ['Patient'], since: '2026-01-01T00:00:00Z', ignored: ['_elements'] };
    await putExport(table, newExport({ grantId: 'grant-2', ...optional }));
    expect(await getExport(table, 'grant-2')).toMatchObject(optional);
    expect(await getExport(table, 'grant-3')).toBeUndefined();
  });

  it.each([
    [{ filters: ['Observation?date=ge2020'] }, ['*?', 'Observation?date=ge2020']],
    [{ until: '2026-01-01T00:00:00Z' }, ['*?', '?2026-01-01T00:00:00Z']],
    [
      { types: ['Patient', 'Observation'], filters: ['Observation?date=ge2020'], until: '2026-01-01T00:00:00Z' },
      ['Patient?', 'Observation?', 'Observation?date=ge2020', '?2026-01-01T00:00:00Z'],
    ],
  ])('writes searches and an end (%j) so that a version that knows neither reads nothing', async (asked, stored) => {
    const { table, dynamo } = await ready();
    await putExport(table, newExport({ grantId: 'grant-2', ...asked }));

    expect(await getExport(table, 'grant-2')).toMatchObject(asked);
    expect(dynamo.items('Exports').get('grant-2')?.['types']?.SS).toEqual(stored);
    expect(stored).not.toContain('Patient');
  });

  it('does not replace one that runs', async () => {
    const { table, item } = await ready();
    expect(await putExport(table, newExport({ exportId: 'export-2' }))).toBe(false);
    expect(item()?.exportId).toBe('export-1');
  });

  it.each(['completed', 'partial', 'failed'] as const)(
    'replaces one that is %s, with all that belonged to it',
    async (status) => {
      const { table, made, item } = await ready();
      await beginExport(table, made, began);
      await endExport(table, made, { ...end, status }, by);
      const next = newExport({ exportId: 'export-2' });
      expect(await putExport(table, next)).toBe(true);
      expect(item()).toEqual({ ...next, status: 'running', resources: 0 });
    },
  );

  it('replaces one whose item should be gone by now, to the second', async () => {
    const { table } = await ready();
    const at = (startedAt: number) => putExport(table, newExport({ exportId: 'export-2', startedAt }));
    expect(await at(now + 3 * day - 1)).toBe(false);
    expect(await at(now + 3 * day)).toBe(true);
  });

  it('that is repeated after a lost answer finds its own item', async () => {
    const dynamo = memoryDynamo();
    dynamo.repeatNext('PutItem');
    expect(await putExport({ client: dynamo.client, name: 'Exports' }, newExport())).toBe(true);
  });
});

describe('a step of a running export', () => {
  it.each(steps)('%s is made with one write', async (_name, step) => {
    const of = await ready();
    expect(await step(of)).toBe(true);
    expect(of.dynamo.calls()).toEqual(['UpdateItem']);
  });

  it.each(steps)('%s changes nothing once the export has ended', async (_name, step) => {
    const of = await ready();
    await endExport(of.table, of.made, end, by);
    const before = of.item();
    expect(await step(of)).toBe(false);
    expect(of.item()).toEqual(before);
  });

  it.each(steps)('%s changes nothing of the export that replaced it', async (_name, step) => {
    const of = await ready();
    await endExport(of.table, of.made, end, by);
    await putExport(of.table, newExport({ exportId: 'export-2' }));
    const before = of.item();
    expect(await step(of)).toBe(false);
    expect(of.item()).toEqual(before);
  });

  it.each(steps)('%s brings no deleted export back', async (_name, step) => {
    const of = await ready();
    await deleteExport(of.table, of.made);
    expect(await step(of)).toBe(false);
    expect(of.item()).toBeUndefined();
  });
});

describe('the begin', () => {
  it('is made once: a second key of the state is refused', async () => {
    const { table, made, item } = await ready();
    expect(await beginExport(table, made, began)).toBe(true);
    expect(await beginExport(table, made, { ...began, stateKey: Buffer.from('other') })).toBe(false);
    expect(item()).toMatchObject({ stateKey: Buffer.from('state'), executionArn: 'arn:execution', beganAt: now + 1 });
  });

  it('leaves nothing to start again', async () => {
    const { table, made } = await ready();
    expect(await startAgain(table, made, now + 61)).toBe(true);
    await beginExport(table, made, began);
    expect(await startAgain(table, made, now + 122)).toBe(false);
  });
});

describe('a wait for a token', () => {
  it('is noted if the item has none newer than the refused one', async () => {
    const { table, made, item } = await ready();
    await askForToken(table, made, wish);
    expect(item()?.wanted).toEqual({ callbackId: 'callback-1', refusedVersion: 1, since: now + 2 });
  });

  it('is not begun if a newer token is there, so no wake-up is lost', async () => {
    const { table, made, item } = await ready();
    await giveToken(table, made, token);
    expect(await askForToken(table, made, wish)).toBe(false);
    expect(item()).not.toHaveProperty('wanted');
  });

  it('stays noted when the token comes, until the job was told', async () => {
    const { table, made, item } = await ready();
    await askForToken(table, made, wish);
    await giveToken(table, made, token);
    expect(item()).toMatchObject({ ...token, wanted: { callbackId: 'callback-1' } });
    expect(await noteAwake(table, made, 'callback-1')).toBe(true);
    expect(item()).not.toHaveProperty('wanted');
    expect(await noteAwake(table, made, 'callback-1')).toBe(false);
  });

  it('for another token is not taken for told', async () => {
    const { table, made, item } = await ready();
    await askForToken(table, made, wish);
    await askForToken(table, made, { ...wish, callbackId: 'callback-2' });
    expect(await noteAwake(table, made, 'callback-1')).toBe(false);
    expect(item()?.wanted?.callbackId).toBe('callback-2');
  });
});

describe('a token', () => {
  it('is put only if it is newer', async () => {
    const { table, made, item } = await ready();
    expect(await giveToken(table, made, { ...token, payerVersion: 1 })).toBe(false);
    expect(item()?.payerToken).toEqual(Buffer.from('box-1'));
    expect(await giveToken(table, made, { ...token, payerVersion: 3 })).toBe(true);
    expect(await giveToken(table, made, token)).toBe(false);
    expect(item()?.payerVersion).toBe(3);
  });

  it('whose end the payer did not say has none, not the last one’s', async () => {
    const { table, made, item } = await ready();
    await giveToken(table, made, { ...token, payerTokenExpiresAt: undefined });
    expect(item()).not.toHaveProperty('payerTokenExpiresAt');
  });
});

describe('the end', () => {
  it('takes the job’s secrets from the item, and keeps what the status needs', async () => {
    const { table, made, item, raw } = await ready();
    await beginExport(table, made, began);
    await askForToken(table, made, wish);
    await endExport(table, made, end, by);
    const { payerToken: _token, payerTokenExpiresAt: _ends, payerTokenAt: _at, ...kept } = made;
    expect(item()).toEqual({ ...kept, ...end, executionArn: 'arn:execution', beganAt: now + 1 });
    for (const name of ['callbackId', 'refusedVersion', 'waitingSince']) expect(raw()).not.toHaveProperty(name);
  });

  it('is written until the export is overdue, to the second', async () => {
    const { table, made, item } = await ready();
    await beginExport(table, made, began);
    expect(await endExport(table, made, { ...end, endedAt: now + 3 * day }, by)).toBe(false);
    expect(item()?.status).toBe('running');
    expect(await endExport(table, made, { ...end, endedAt: now + 3 * day - 1 }, by)).toBe(true);
  });

  it('is written by the execution that began, or by the one that continues it, and by no other', async () => {
    for (const [arn, after, isWritten] of [
      ['arn:other', undefined, false],
      ['arn:other', 'arn:another', false],
      ['arn:next', 'arn:execution', true],
    ] as const) {
      const { table, made, item } = await ready();
      await beginExport(table, made, began);
      expect(await endExport(table, made, end, { arn, after })).toBe(isWritten);
      expect(item()?.status).toBe(isWritten ? 'completed' : 'running');
    }
  });

  it('that nobody wrote in time leaves no secret once the export is overdue, to the second', async () => {
    const { table, made, item } = await ready();
    await beginExport(table, made, began);
    await askForToken(table, made, wish);
    const before = item();
    expect(await dropSecrets(table, made, now + 3 * day - 1)).toBe(false);
    expect(item()).toEqual(before);
    expect(await dropSecrets(table, made, now + 3 * day)).toBe(true);
    const { payerToken: _token, payerTokenExpiresAt: _ends, payerTokenAt: _at, ...kept } = made;
    expect(item()).toEqual({
      ...kept,
      status: 'running',
      resources: 0,
      executionArn: 'arn:execution',
      beganAt: now + 1,
    });
  });

  it('may be without a manifest, if nothing could be read', async () => {
    const { table, made, item } = await ready();
    expect(await endExport(table, made, { ...end, status: 'failed', manifestDigest: undefined }, by)).toBe(true);
    expect(item()).not.toHaveProperty('manifestDigest');
  });
});

it('an execution continues an export only once another has begun it', async () => {
  const { table, made, item } = await ready();
  expect(await continueExport(table, made, 'arn:next')).toBe(false);
  await beginExport(table, made, began);
  expect(await continueExport(table, made, 'arn:next')).toBe(true);
  expect(item()).toMatchObject({ executionArn: 'arn:next', beganAt: now + 1 });
});

describe('a deletion', () => {
  it('removes the export, running or not, and says what it was by then; nothing if it is gone or was replaced', async () => {
    const { table, made, item } = await ready();
    expect(await deleteExport(table, { ...made, exportId: 'export-2' })).toBeUndefined();
    expect(item()).toBeDefined();
    await beginExport(table, made, began);
    const { exportId } = made;
    expect(await deleteExport(table, made)).toMatchObject({ exportId, executionArn: began.executionArn });
    expect(await deleteExport(table, made)).toBeUndefined();
    expect(item()).toBeUndefined();
  });
});

describe('a table that does not answer', () => {
  it('is told as such, and the caller may try again', async () => {
    const { dynamo, table, made } = await ready();
    for (const [command, call] of [
      ['GetItem', () => getExport(table, 'grant-1')],
      ['PutItem', () => putExport(table, made)],
      ['UpdateItem', () => noteProgress(table, made, progress)],
      ['DeleteItem', () => deleteExport(table, made)],
    ] as const) {
      dynamo.failNext(command, new Error('down'));
      await expect(call()).rejects.toMatchObject({ code: 'temporarily_unavailable' });
    }
  });
});
