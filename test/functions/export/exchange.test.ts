import { randomBytes } from 'node:crypto';
import { base64url } from '../../../functions/shared/base64url.ts';
import { nowSeconds } from '../../../functions/shared/clock.ts';
import { makeExportId } from '../../../functions/shared/exports/export-id.ts';
import { exportPublicKey } from '../../../functions/shared/exports/sealing-key.ts';
import { parseScopes } from '../../../functions/shared/scopes/scopes.ts';
import { writeBearer } from '../../../functions/shared/store/bearers.ts';
import { sha256 } from '../../../functions/shared/store/crypto.ts';
import { exchangeOwner } from '../../../functions/shared/store/exchange-items.ts';
import { countRunning, noteRunning } from '../../../functions/shared/store/exchanges.ts';
import { boundOf } from '../../../functions/shared/store/export-item.ts';
import { endExport, noteProgress, putExport } from '../../../functions/shared/store/exports.ts';
import { putSystemToken } from '../../../functions/shared/store/system-tokens.ts';
import { ask, exportGateway } from '../../support/export-gateway.ts';
import { localData } from '../../support/gateway.ts';
import { jobBoxes } from '../../support/job-boxes.ts';
import { sealExport } from '../../support/sealed-export.ts';

const day = 86_400;

/** A stage whose plans northwind and summit may be asked by two partners. */
const gatewayOf = () => {
  const data = localData();
  const exchange = {
    clientId: 'ours',
    assertionAlgorithm: 'ES384',
    publicKeys: [],
    scopes: ['system/*.rs'],
    identifiers: [],
  } as const;
  const [first, second] = data.partners;
  const test = exportGateway({
    registry: {
      ...data,
      payers: data.payers.map((payer) => Object.assign({}, payer, { exchange })),
      partners: [first!, second!].map((partner) =>
        Object.assign({}, partner, { exchange: { identifiers: [] }, payers: data.payers.map(({ id }) => id) }),
      ),
    },
  });
  const boxes = jobBoxes();
  const table = { client: test.dynamo.client, name: 'Exchanges' };
  const deps = { ...test.deps, exchange: { table, openInJob: boxes.openInJob } };
  const now = nowSeconds(deps.clock);

  const tokenOf = async (partner: string, payer = 'northwind', lives = 300): Promise<string> => {
    const token = writeBearer({ kind: 'system', secret: randomBytes(32) });
    await putSystemToken(table, { hash: sha256(token), partner, payer, now, expiresAt: now + lives });
    return token;
  };

  /** Begins an exchange of the first partner with northwind. */
  const begin = async () => {
    const partner = first!.clientId;
    const grantId = base64url(randomBytes(16));
    const exportId = makeExportId(grantId, randomBytes(16));
    const privateKey = randomBytes(32);
    const asked = {
      grantId,
      exportId,
      payer: 'northwind',
      partner,
      patient: '',
      request: 'https://gateway.test/r4/northwind/Group/g/$davinci-data-export',
      requestId: 'kick-off',
      scope: parseScopes('system/*.rs'),
      exchange: 'group' as const,
      group: 'g',
      recipient: exportPublicKey(privateKey),
      exportSecret: new Uint8Array(),
      startedAt: now,
      grantEndsAt: now + 396 * day,
    };
    await putExport(deps.exports, {
      ...asked,
      fileKey: await boxes.sealForJob({ export: exportId, partner }, 'file key', privateKey, boundOf(asked)),
      inputKey: randomBytes(32),
      payerVersion: 0,
      expiresAt: now + 3 * day,
    });
    await noteRunning(table, exchangeOwner({ payer: 'northwind', partner }), { exportId, expiresAt: now + 3 * day });
    const end = async (): Promise<void> => {
      const { manifestDigest } = await sealExport(test.objects, {
        exportId,
        privateKey,
        files: [
          { name: 'Patient-1.ndjson', type: 'Patient', parts: [['{"resourceType":"Patient","id":"a"}']] },
          { name: 'deleted-1.ndjson', kind: 'deleted', type: 'Bundle', parts: [['{"resourceType":"Bundle"}']] },
        ],
      });
      const counts = { resources: 1, typesDone: 1, typesTotal: 1 };
      const ended = { status: 'completed', manifestDigest, endedAt: now, expiresAt: now + 7 * day, ...counts } as const;
      await endExport(deps.exports, { grantId, exportId }, ended, { arn: 'arn' });
    };
    return { grantId, exportId, end };
  };

  return { ...test, deps, table, now, tokenOf, begin, partners: [first!.clientId, second!.clientId] as const };
};

describe('an exchange between plans', () => {
  it("gives its manifest and files to its partner's system token for its payer", async () => {
    const { deps, tokenOf, begin, partners } = gatewayOf();
    const { exportId, end } = await begin();
    await end();
    const token = await tokenOf(partners[0]);

    const status = await ask(deps, exportId, token);
    const file = await ask(deps, exportId, token, { file: 'Patient-1.ndjson' });

    const base = `http://localhost:3000/exports/northwind/${exportId}`;
    expect(JSON.parse(status.text)).toMatchObject({
      output: [{ type: 'Patient', url: `${base}/Patient-1.ndjson`, count: 1 }],
      deleted: [{ type: 'Bundle', url: `${base}/deleted-1.ndjson`, count: 1 }],
    });
    expect([status.statusCode, file.statusCode, file.text]).toEqual([
      200,
      200,
      '{"resourceType":"Patient","id":"a"}\n',
    ]);
  });

  it('is not there for anybody else', async () => {
    const { deps, tokenOf, begin, partners, grant } = gatewayOf();
    const { exchange: _exchange, ...without } = deps;
    const { exportId, end } = await begin();
    await end();
    const member = await grant();

    const answers = await Promise.all([
      ask(deps, exportId, await tokenOf(partners[1])),
      ask(deps, exportId, await tokenOf(partners[0], 'summit')),
      ask(deps, exportId, await tokenOf(partners[0], 'northwind', 0)),
      ask(deps, exportId, member.token),
      ask(deps, exportId, undefined),
      ask(without, exportId, await tokenOf(partners[0])),
      // No id of an export: no key of the table's, which DynamoDB refuses if it is empty.
      ...['AAAA', exportId.slice(1), `${exportId}A`].map(async (id) => ask(deps, id, await tokenOf(partners[0]))),
    ]);

    expect(answers.map(({ statusCode }) => statusCode)).toEqual([404, 401, 401, 404, 401, 401, 404, 404, 404]);
  });

  it('is no export of a grant, which a system token does not open', async () => {
    const { deps, tokenOf, start, grant, partners } = gatewayOf();
    const item = await start(await grant());

    expect((await ask(deps, item.exportId, await tokenOf(partners[0]))).statusCode).toBe(404);
  });

  it('passes on what the former plan says of its progress, and when it is asked again', async () => {
    const { deps, tokenOf, begin, partners, now } = gatewayOf();
    const { grantId, exportId } = await begin();
    const progress = { resources: 0, typesDone: 0, typesTotal: 0, payerProgress: '40% done', pollAgainAt: now + 100 };
    await noteProgress(deps.exports, { grantId, exportId }, progress);

    const { statusCode, headers } = await ask(deps, exportId, await tokenOf(partners[0]));

    expect({ statusCode, ...headers }).toMatchObject({
      statusCode: 202,
      'X-Progress': '40% done',
      'Retry-After': '101',
    });
  });

  it('can be deleted, and counts among those that run until the former plan was told', async () => {
    const { deps, tokenOf, begin, partners, table, now, stored } = gatewayOf();
    const { grantId, exportId } = await begin();
    const owner = exchangeOwner({ payer: 'northwind', partner: partners[0] });

    const { statusCode } = await ask(deps, exportId, await tokenOf(partners[0]), { method: 'DELETE' });

    expect([statusCode, stored(grantId), await countRunning(table, owner, now)]).toEqual([202, undefined, 1]);
  });
});
