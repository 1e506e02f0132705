import '../../support/stream-handler.ts';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

it('starts from its environment and the settings beside its code', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'discovery-'));
  writeFileSync(join(folder, 'pages.json'), '{"operator":{"name":"Plan"}}');
  Object.assign(process.env, {
    LAMBDA_TASK_ROOT: folder,
    AWS_REGION: 'eu-central-1',
    ORIGIN: 'https://gateway.example.org',
    REGISTRY_TABLE: 'Registry',
    STAGE: 'local',
    LIFETIMES: '{}',
  });

  const { handler } = await import('../../../functions/discovery/index.ts');

  rmSync(folder, { recursive: true });

  expect(handler).toBeInstanceOf(Function);
});
