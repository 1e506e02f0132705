import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { registryData } from '../../../config/load.ts';
import { localStage } from '../../../config/local.ts';

it('starts from its environment and the registry beside its code', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'canary-'));
  writeFileSync(join(folder, 'registry.json'), JSON.stringify(registryData(localStage())));
  process.env['LAMBDA_TASK_ROOT'] = folder;
  process.env['ORIGIN'] = 'https://gateway.example.org';

  const { handler } = await import('../../../functions/canary/index.ts');

  expect(handler).toBeInstanceOf(Function);
  rmSync(folder, { recursive: true });
});
