import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTool } from './run-tool.ts';

it('npm run stages prints the stages that can be deployed, of this checkout or of another', async () => {
  const checkout = mkdtempSync(join(tmpdir(), 'stages-'));
  mkdirSync(join(checkout, 'config'));
  for (const name of ['pilot', 'local', 'a1'])
    writeFileSync(join(checkout, `config/${name}.ts`), 'export default {};\n');
  writeFileSync(join(checkout, 'config/presets.ts'), 'export const preset = 1;\n');

  const [own, other, none] = await Promise.all(
    [[], [checkout], [join(checkout, 'config')]].map((args) => runTool('stages.ts', args)),
  );
  rmSync(checkout, { recursive: true });

  expect(own).toEqual({ code: 0, out: 'demo\nproduction-example\n', err: '' });
  expect(other).toEqual({ code: 0, out: 'a1\npilot\n', err: '' });
  const refusal = `${join(checkout, 'config/config')} is not there. Give the folder of a checkout.\n`;
  expect(none).toEqual({ code: 1, out: '', err: refusal });
});
