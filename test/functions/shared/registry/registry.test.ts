import { registryData } from '../../../../config/checks/load.ts';
import { localStage } from '../../../../config/local.ts';
import { registryOf } from '../../../../functions/shared/registry/registry.ts';

describe('registry', () => {
  const config = localStage();
  const registry = registryOf(registryData(config));

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

  it('lists every payer, with a partner that may read from it', async () => {
    const { entries: directory } = await registry.directory();

    expect(directory.map(({ id }) => id).toSorted()).toEqual(config.payers.map(({ id }) => id).toSorted());
    for (const { id, partner } of directory) {
      expect((await registry.partner(partner ?? ''))?.payers).toContain(id);
    }
  });

  it('accepts a web origin only exactly as a partner registered it', async () => {
    expect(await registry.isWebOrigin('http://localhost:3002')).toBe(true);
    for (const origin of ['http://localhost:3002/', 'http://localhost:30020', 'https://localhost:3002', 'null', '']) {
      expect(await registry.isWebOrigin(origin)).toBe(false);
    }
  });
});
