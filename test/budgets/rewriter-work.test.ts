import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const counts = (): Record<string, [number, number, number]> => {
  const arguments_ = ['--no-opt', '--no-maglev', join(import.meta.dirname, 'count-work.ts')];
  const { stdout, stderr } = spawnSync(process.execPath, arguments_, {
    encoding: 'utf8',
    // Functions from the code cache are counted less exactly.
    env: { ...process.env, NODE_OPTIONS: '', NODE_DISABLE_COMPILE_CACHE: '1' },
    timeout: 60_000,
  });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Record<string, [number, number, number]>;
};

describe('the work of the link rewriter and of the scope parser', () => {
  const rows = Object.entries(counts());

  it.each(rows)('grows with the size of the input and no faster: %s', (_kind, [once, twice, fourTimes]) => {
    expect(once).toBeGreaterThan(0);
    expect(twice / once).toBeLessThanOrEqual(2.02);
    expect(fourTimes / once).toBeLessThanOrEqual(4.04);
  });

  it('is not done for each byte of a string: whole chunks are skipped', () => {
    const [, work] = rows.find(([kind]) => kind === 'one huge string, in chunks of 16384') ?? [];
    expect(work?.[2]).toBeLessThan(256 * 10);
  });
});
