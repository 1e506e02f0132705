import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { loadStage } from '../../config/checks/load.ts';
import { localStage } from '../../config/local.ts';
import type { StageConfig } from '../../config/stage.ts';
import { registryTool, withEntry, type RegistryTool } from './registry-tool.ts';

const stage = localStage();
let tool: RegistryTool;
beforeEach(async () => {
  tool = await registryTool();
  await tool.fill();
});
afterEach(() => tool.close());

/** The stage with what was exported in place of its own payers and partners. */
const pasted = async (parts: string): Promise<StageConfig> => {
  const folder = await mkdtemp(join(tmpdir(), 'export-'));
  try {
    const { payers: _payers, partners: _partners, ...others } = stage;
    const rest = JSON.stringify(others).slice(1, -1);
    await writeFile(join(folder, 'stage.ts'), `export default {\n${rest},\n${parts}\n};\n`);
    return await loadStage(join(folder, 'stage.ts'));
  } finally {
    await rm(folder, { recursive: true });
  }
};

describe('npm run registry -- export', () => {
  it('prints what diff then finds equal, as TypeScript and as JSON', async () => {
    await tool.write({
      ...withEntry('payers', 'northwind', { displayName: 'Mine', quirks: { pkce: true } }),
      // What the table does not have: why a partner asks its members itself.
      partners: stage.partners.filter(({ consentReason }) => consentReason !== undefined),
    });

    const { code, out } = await tool.run('export');
    const { out: json } = await tool.run('export', ['--json']);

    expect(code).toBe(0);
    expect(out).toMatch(/^ {2}payers: \[\n {4}\{\n {6}id: 'demo-health-plan',\n/);
    for (const whole of [await pasted(out), { ...stage, ...(JSON.parse(json) as object) }]) {
      await tool.write(whole);
      expect(await tool.run('diff')).toMatchObject({ code: 0 });
    }
  });

  it('keeps the reasons of the file, and asks for those that are nowhere', async () => {
    const production = { ...stage, stage: 'mine', production: true, account: '111122223333', region: 'us-east-1' };
    const { quirks } = stage.payers[0]!;
    const config = {
      ...withEntry('payers', 'demo-health-plan', { quirks: { ...quirks, pkceOffReason: 'It refuses PKCE.' } }),
      production: false,
    };
    await tool.write(config);
    const kept = await tool.run('export');
    expect(kept.out).toContain("pkceOffReason: 'It refuses PKCE.',");
    expect(kept.told).toBe('');

    const { reasonedPartner, reasonedPayer } = await import('../../bin/registry/reasons.ts');
    const unbound = { ...stage.payers[0]!, patientFrom: 'none' as const };
    expect([...reasonedPayer(unbound, production).missing]).toEqual([
      ['patientFrom', 'patientNoneReason'],
      ['quirks.pkce', 'pkceOffReason'],
    ]);
    expect(reasonedPayer(unbound, config).missing.size).toBe(0);
    expect([...reasonedPartner(stage.partners[0]!, production).missing]).toEqual([
      ['pkceOptional', 'pkceOptionalReason'],
    ]);
    expect([...reasonedPartner(stage.partners[1]!, { ...config, stage: 'mine' }).missing]).toEqual([
      ['consent', 'consentReason'],
    ]);
    const explained = withEntry('partners', 'demo-app', { consentReason: 'Our own app.' });
    expect(reasonedPartner(stage.partners[1]!, explained)).toMatchObject({ entry: { consentReason: 'Our own app.' } });
  });

  it('refuses an empty table, of which diff says that it is lost', async () => {
    const empty = await registryTool();
    try {
      await empty.write(localStage());
      await expect(empty.run('export')).rejects.toThrow('The registry of stage local is empty');
      expect((await empty.run('diff')).out.split('\n')[1]).toMatch(
        /^The registry of stage local is empty.* blocks come before an apply\.$/,
      );
    } finally {
      await empty.close();
    }
  });

  it('refuses a table with an entry that was changed by hand, since it would be lost', async () => {
    await tool.client.send(
      new UpdateItemCommand({
        TableName: tool.table.name,
        Key: { entryId: { S: 'partner#demo-app' } },
        UpdateExpression: 'SET entry = :e',
        ExpressionAttributeValues: { ':e': { S: '{}' } },
      }),
    );
    await tool.write(stage);

    await expect(tool.run('export')).rejects.toThrow('Changed by hand, so they cannot be exported: partner demo-app.');
  });
});
