/**
 * Each test run has its own temporary folder, which its workers and their child processes inherit. The run fails if
 * anything is left in it: a test must remove what it makes.
 */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSynthesizer, synthesizerVariable, type Synthesizer } from './synthesizer.ts';

let outer: string | undefined;
let synthesizer: Synthesizer | undefined;

/** Node's own cache, under the name that other tools use for it. */
const cache = 'node-compile-cache';
/** The functions' bundles, which all local stacks of a run share. */
const bundles = 'kept-bundles';

export const setUp = async (): Promise<void> => {
  outer = process.env['TMPDIR'];
  process.env['TMPDIR'] = await mkdtemp(join(tmpdir(), 'p2p-tests-'));
  // A tool that is started again reuses the modules that its earlier start compiled and stripped of types.
  process.env['NODE_COMPILE_CACHE'] = join(tmpdir(), cache);
  process.env['P2P_KEPT_BUNDLES'] = join(tmpdir(), bundles);
  await mkdir(process.env['P2P_KEPT_BUNDLES']);
  synthesizer = await startSynthesizer();
  process.env[synthesizerVariable] = synthesizer.url;
};

/** @throws Error naming what was left */
export const tearDown = async (): Promise<void> => {
  await synthesizer?.close();
  delete process.env[synthesizerVariable];
  const folder = tmpdir();
  const left = (await readdir(folder)).filter((name) => name !== cache && name !== bundles);
  delete process.env['NODE_COMPILE_CACHE'];
  delete process.env['P2P_KEPT_BUNDLES'];
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  if (outer === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = outer;
  if (left.length > 0) throw new Error(`The tests left in the temporary folder: ${left.join(', ')}`);
};
