import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** What one, two and four times the input cost. */
export type Counts = readonly [once: number, twice: number, fourTimes: number];

/** Runs a program of this folder that counts work, and reads what it prints, by kind of input. */
export const countedBy = (program: string): Record<string, Counts> => {
  // V8 stops counting blocks in code that it optimizes.
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--no-opt', '--no-maglev', join(import.meta.dirname, program)],
    {
      encoding: 'utf8',
      // Functions from the code cache are counted less exactly.
      env: { ...process.env, NODE_OPTIONS: '', NODE_DISABLE_COMPILE_CACHE: '1' },
      timeout: 120_000,
    },
  );
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Record<string, Counts>;
};
