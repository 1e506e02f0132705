import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadStage } from '../../config/checks/load.ts';
import type { StageConfig } from '../../config/stage.ts';
import { root } from './documents.ts';

/**
 * The production example, which may keep its example's names, with a document's fields in place of its own. Without edge
 * and network, which some of them exclude.
 * @param fields source text of a stage's fields; `production` is the example, and `smart` makes a payer
 */
export const loadPasted = async (fields: string): Promise<StageConfig> => {
  const folder = mkdtempSync(join(tmpdir(), 'pasted-stage-'));
  const file = join(folder, 'production-example.ts');
  writeFileSync(
    file,
    `
import { smart } from '${join(root, 'config/presets.ts')}';
import production from '${join(root, 'config/production-example.ts')}';

const { origin, ...stage } = production;
export default {
  ...stage,
  edge: false,
  network: 'none',
${fields}
};
`,
  );
  try {
    return await loadStage(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
};
