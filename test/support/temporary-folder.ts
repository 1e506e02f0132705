/**
 * Each test run has its own temporary folder, in memory where it can be, which its workers and their child processes inherit. The run fails if
 * anything is left in it: a test must remove what it makes.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSynthesizer, synthesizerVariable, type Synthesizer } from './synthesizer.ts';

let outer: string | undefined;
let synthesizer: Synthesizer | undefined;

/** Node's own cache, under the name that other tools use for it. */
const cache = 'node-compile-cache';
/** The functions' bundles, which all local stacks of a run share. */
const bundles = 'kept-bundles';

/** Files in memory: the tests make and remove them by the ten thousand, and write each at once. */
const memory = '/dev/shm';
const enoughBytes = 4 * 1024 ** 3;
const oneDayMs = 86_400_000;

/** Whether there is such a folder, with enough room, from which programs may be run. */
const isMemoryUsable = async (): Promise<boolean> => {
  try {
    const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' '));
    const options = mounts.find(([, folder]) => folder === memory)?.[3]?.split(',') ?? ['ro'];
    const { bavail, bsize } = await statfs(memory);
    return !options.includes('ro') && !options.includes('noexec') && bavail * bsize > enoughBytes;
  } catch {
    return false;
  }
};

const prefix = 'p2p-tests-';

/** What a run that was killed has left would take up memory until the machine is started again. */
const removeOld = async (): Promise<void> => {
  for (const name of (await readdir(memory)).filter((one) => one.startsWith(prefix))) {
    const folder = join(memory, name);
    if (Date.now() - (await stat(folder)).mtimeMs > oneDayMs) await rm(folder, { recursive: true, force: true });
  }
};

export const setUp = async (): Promise<void> => {
  outer = process.env['TMPDIR'];
  const isInMemory = outer === undefined && (await isMemoryUsable());
  if (isInMemory) await removeOld();
  process.env['TMPDIR'] = await mkdtemp(join(isInMemory ? memory : tmpdir(), prefix));
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
