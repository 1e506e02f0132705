import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { exportPrivateKey, exportPublicKey } from '../../../functions/shared/exports/sealing-key.ts';
import { exportAttributes } from '../../../functions/shared/store/attributes.ts';
import { readExport } from '../../../functions/shared/store/export-item.ts';
import { changedValue } from '../../support/changed-value.ts';
import { ask, exportGateway } from '../../support/export-gateway.ts';
import { words } from '../../support/words.ts';

/*
 * Somebody may write to the table Exports. A poll gives the job of a changed export no token, and no file of one is handed out.
 */

/** What changes while an export runs or belongs to exchanges alone; and the item's keys. */
const free = new Set(
  words(`
    status expiresAt resources resourcesTotal typesDone typesTotal attachments payerProgress pollAgainAt manifestDigest endedAt
    payerToken payerTokenExpiresAt payerTokenAt payerVersion stateKey executionArn beganAt startAgainAt callbackId refusedVersion
    waitingSince fileKey inputKey grantId exportId
  `),
);
const columns = Object.keys(exportAttributes).filter((name) => !free.has(name));

const others: Readonly<Record<string, AttributeValue>> = {
  payer: { S: 'demo-health-plan' },
  partner: { S: 'demo-app' },
  ignored: { SS: ['_elements'] },
  exchange: { S: 'group' },
};

const changedExport = 'the export does not open: its item was changed';

/** A running export whose job's token ends soon. */
const start = async () => {
  const test = exportGateway();
  test.payer.http = () =>
    Promise.resolve(Response.json({ access_token: 'new', token_type: 'Bearer', expires_in: 300 }));
  const grant = await test.grant();
  const item = await test.start(grant, '_type=Patient,Observation&_since=2026-01-01T00:00:00Z');
  await test.begin(item);
  const change = (values: Readonly<Record<string, AttributeValue>>): void => {
    const items = test.dynamo.items('Exports');
    items.set(grant.grantId, { ...items.get(grant.grantId), ...values });
  };
  const changeOne = (name: string): void =>
    change({ [name]: others[name] ?? changedValue(test.dynamo.items('Exports').get(grant.grantId)?.[name]) });
  const end = () =>
    test.end(grant, item, [{ name: 'Patient-1.ndjson', type: 'Patient', parts: [['{"resourceType":"Patient"}']] }]);
  return { test, grant, item, change, changeOne, end };
};

describe('an export of which somebody changed the', () => {
  it.each(columns)('%s gets no token by a poll', async (name) => {
    const { test, grant, item, changeOne } = await start();
    changeOne(name);
    test.passSeconds(250);

    expect((await ask(test.deps, item.exportId, grant.token)).statusCode).toBe(202);

    expect(test.requireStored(grant.grantId).payerToken).toEqual(item.payerToken);
    expect(test.payer.requests).toEqual([]);
    expect(test.log().at(-1)).toMatchObject({ detail: `the job was not helped: ${changedExport}` });
  });

  it.each(columns)('%s after its end gives no manifest and no file', async (name) => {
    const { test, grant, item, changeOne, end } = await start();
    await end();
    changeOne(name);

    for (const options of [{}, { file: 'Patient-1.ndjson' }]) {
      expect((await ask(test.deps, item.exportId, grant.token, options)).statusCode).toBe(500);
      expect(test.log().at(-1)).toMatchObject({ error: 'server_error', detail: changedExport });
    }
  });

  it('recipient and secret, to a pair that only its grant opens, is refused too: the secret says what was asked', async () => {
    const { test, grant, item, change } = await start();
    const secret = item.exportSecret.map((byte, at) => (at === 0 ? byte ^ 1 : byte));
    change({
      exportSecret: { B: secret },
      recipient: { B: exportPublicKey(exportPrivateKey(grant.grantKey, secret)) },
      scope: { S: 'patient/*.rs' },
    });
    test.passSeconds(250);

    await ask(test.deps, item.exportId, grant.token);

    expect(test.log().at(-1)).toMatchObject({ detail: `the job was not helped: ${changedExport}` });
  });
});

describe('an export that 0.2 kicked off', () => {
  /** Its secret is random alone. */
  const startOld = async () => {
    const started = await start();
    const secret = started.item.exportSecret.slice(0, 32);
    const recipient = exportPublicKey(exportPrivateKey(started.grant.grantKey, secret));
    started.change({ exportSecret: { B: secret }, recipient: { B: recipient } });
    const { test, grant } = started;
    return { ...started, item: readExport(test.dynamo.items('Exports').get(grant.grantId) ?? {}) };
  };

  it('gets a token that its job reads, which knows nothing else', async () => {
    const { test, grant, item } = await startOld();
    test.passSeconds(250);

    await ask(test.deps, item.exportId, grant.token);

    const { payerToken } = test.requireStored(grant.grantId);
    expect(String(await test.openInJob(item.exportId, 'payer token', payerToken ?? new Uint8Array()))).toBe('new');
  });

  it('gives its files', async () => {
    const { test, grant, item } = await startOld();
    const files = [{ name: 'Patient-1.ndjson', type: 'Patient', parts: [['{"resourceType":"Patient"}']] }];
    await test.end(grant, item, files);

    expect((await ask(test.deps, item.exportId, grant.token)).statusCode).toBe(200);
    expect((await ask(test.deps, item.exportId, grant.token, { file: 'Patient-1.ndjson' })).statusCode).toBe(200);
  });

  it.each(['payer', 'partner', 'patient', 'recipient', 'exportSecret'])(
    'gets no token once somebody changed its %s',
    async (name) => {
      const { test, grant, item, changeOne } = await startOld();
      changeOne(name);
      test.passSeconds(250);

      await ask(test.deps, item.exportId, grant.token);

      expect(test.requireStored(grant.grantId).payerToken).toEqual(item.payerToken);
      expect(test.log().at(-1)).toMatchObject({ detail: `the job was not helped: ${changedExport}` });
    },
  );
});
