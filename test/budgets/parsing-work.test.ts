import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

type Counts = readonly [once: number, twice: number, fourTimes: number];

const counts = (): Record<string, Counts> => {
  // V8 stops counting blocks in code that it optimizes.
  const arguments_ = ['--no-opt', '--no-maglev', join(import.meta.dirname, 'count-parsing.ts')];
  const { stdout, stderr } = spawnSync(process.execPath, arguments_, {
    encoding: 'utf8',
    // Functions from the code cache are counted less exactly.
    env: { ...process.env, NODE_OPTIONS: '', NODE_DISABLE_COMPILE_CACHE: '1' },
    timeout: 120_000,
  });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Record<string, Counts>;
};

describe('the work of reading external input grows with its length and no faster:', () => {
  it.each(Object.entries(counts()))('%s', (_kind, [once, twice, fourTimes]) => {
    expect(once).toBeGreaterThan(0);
    expect(twice / once).toBeLessThanOrEqual(2.05);
    expect(fourTimes / once).toBeLessThanOrEqual(4.1);
  });
});
