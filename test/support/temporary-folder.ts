/**
 * A run of the tests has a temporary folder of its own, which its workers and the processes that they start inherit. It
 * fails where anything is left in it: what a test makes it also removes.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSynthesiser, synthesiserVariable, type Synthesiser } from './synthesiser.ts';

let outer: string | undefined;
let synthesiser: Synthesiser | undefined;

/** Node's own cache, under the name that it has where a tool of others asks for one. */
const cache = 'node-compile-cache';

export const setUp = async (): Promise<void> => {
  outer = process.env['TMPDIR'];
  process.env['TMPDIR'] = await mkdtemp(join(tmpdir(), 'p2p-tests-'));
  // A tool that is started again finds its modules compiled, and without their types, by the start before.
  process.env['NODE_COMPILE_CACHE'] = join(tmpdir(), cache);
  synthesiser = await startSynthesiser();
  process.env[synthesiserVariable] = synthesiser.url;
};

/** @throws Error naming what was left */
export const tearDown = async (): Promise<void> => {
  await synthesiser?.close();
  delete process.env[synthesiserVariable];
  const folder = tmpdir();
  const left = (await readdir(folder)).filter((name) => name !== cache);
  delete process.env['NODE_COMPILE_CACHE'];
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  if (outer === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = outer;
  if (left.length > 0) throw new Error(`The tests left in the temporary folder: ${left.join(', ')}`);
};
