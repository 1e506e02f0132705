import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { registryData } from '../../../../config/load.ts';
import { localStage } from '../../../../config/local.ts';
import { loadRegistry, registryOf } from '../../../../functions/shared/registry/registry.ts';

const folder = mkdtempSync(join(tmpdir(), 'registry-'));
const file = join(folder, 'registry.json');
afterAll(() => rmSync(folder, { recursive: true }));

describe('registry', () => {
  const config = localStage();
  writeFileSync(file, JSON.stringify(registryData(config)));
  const registry = loadRegistry(file);

  it('finds a payer and a partner as the stage names them', async () => {
    expect(await registry.payer('northwind')).toEqual(config.payers[1]);
    expect(await registry.partner('demo-app')).toEqual(config.partners[1]);
    expect(registry.stage).toBe('local');
    expect(registry.lifetimes.code).toBe(300);
  });

  it('knows no one that is not in the stage, whatever the name', async () => {
    for (const name of ['', 'nobody', 'constructor', '__proto__', 'NORTHWIND']) {
      expect(await registry.payer(name)).toBeUndefined();
      expect(await registry.partner(name)).toBeUndefined();
    }
  });

  it('lists the payers, and the partners that may read from each', async () => {
    const known = registryOf(registryData(config));

    const partners = await known.partnersOf('northwind');

    expect(await known.payers()).toEqual(config.payers);
    expect(partners).toEqual(config.partners.filter(({ payers }) => payers.includes('northwind')));
    expect(partners).not.toEqual([]);
    expect(await known.partnersOf('nobody')).toEqual([]);
  });

  it('accepts a web origin only exactly as a partner registered it', async () => {
    expect(await registry.isWebOrigin('http://localhost:3002')).toBe(true);
    for (const origin of ['http://localhost:3002/', 'http://localhost:30020', 'https://localhost:3002', 'null', '']) {
      expect(await registry.isWebOrigin(origin)).toBe(false);
    }
  });

  it('refuses to start without its file, and names it and the cause', () => {
    expect(() => loadRegistry(join(folder, 'none.json'))).toThrow(
      expect.objectContaining({
        message: `The registry ${join(folder, 'none.json')} cannot be read`,
        cause: expect.objectContaining({ code: 'ENOENT' }) as unknown,
      }),
    );
    writeFileSync(join(folder, 'cut.json'), '{"stage":');
    expect(() => loadRegistry(join(folder, 'cut.json'))).toThrow('cut.json');
  });
});
