import { connect, everyFlow, read } from './flows.ts';
import { startLocalSetting, type LocalSetting } from './local-stack.ts';
import { everyMalformedRequest } from './malformed.ts';
import { everyPayerFault } from './payer-faults.ts';

const seed = process.env['LEAKS_SEED'] ?? '1';

let setting: LocalSetting;
beforeAll(async () => {
  setting = await startLocalSetting(seed);
});
afterAll(() => setting.close());

/** Events that no function expects: what Lambda's runtime prints about the crash counts too. */
const crashFunctions = async ({ garden, stack }: LocalSetting): Promise<void> => {
  for (const name of ['authorize', 'callback', 'token', 'discovery', 'fetch', 'audit', 'canary']) {
    const said = garden.canary('thrown');
    // A grant's id is no secret: the audit has it.
    const Keys = { grantId: { S: 'no-grant' } };
    const dynamodb = { NewImage: { ...Keys, lastEvent: { S: said }, [said]: { S: said } }, OldImage: Keys, Keys };
    await stack
      .invoke(name, { Records: [{ eventID: '1', eventName: 'MODIFY', dynamodb }], body: said, headers: said })
      .catch(() => undefined);
    await stack.invoke(name, said).catch(() => undefined);
  }
};

/** A secret that an operator filled with something else. */
const wrongSecret = async (local: LocalSetting): Promise<void> => {
  const known = await connect(local, 'northwind');
  const said = (): string => local.garden.canary('payer secret');
  local.stack.setSecret('northwind', { private_key_jwk: { kty: 'EC', crv: 'P-384', d: said(), x: said(), y: said() } });
  // The cached secret is read again only after `invalid_client`.
  local.payer.behave('token', {
    status: 401,
    headers: { 'content-type': 'application/json' },
    body: '{"error":"invalid_client"}',
  });
  await read(local, known, 'Patient');
  local.payer.behave('token', undefined);
};

it('the running local stack keeps every canary out of stdout, stderr, request log, tables and audit bucket (ASVS 16.2.5)', async () => {
  await everyFlow(setting);
  await everyPayerFault(setting);
  await everyMalformedRequest(setting);
  await wrongSecret(setting);
  await crashFunctions(setting);
  await setting.gather();

  const { canaries, places, texts } = setting.garden.counts();
  process.stdout.write(`leaks, local stack: ${canaries} canaries × ${places} places, ${texts} texts (seed ${seed})\n`);
  for (const place of [
    'log line',
    'request log',
    'write to a table',
    'audit item',
    'audit event',
    'AWS resource name',
  ] as const) {
    expect([place, setting.garden.seen(place).length > 10]).toEqual([place, true]);
  }
  expect(setting.garden.leaks()).toEqual([]);
});
