/**
 * Each test run has its own temporary folder, in memory where it can be, which its workers and their child processes inherit. The run fails if
 * anything is left in it: a test must remove what it makes.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startAppServer, startSynthesizer, synthesizerVariable, type Server } from './synthesizer.ts';

let outer: string | undefined;
/** What this run has set for its workers, and takes back. */
let given: readonly string[] = [];
let servers: readonly Server[] = [];

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
  const own = { NODE_COMPILE_CACHE: join(tmpdir(), cache), P2P_KEPT_BUNDLES: join(tmpdir(), bundles) };
  // `.ci/run` has one of each for all its suites.
  given = Object.keys(own).filter((name) => process.env[name] === undefined);
  for (const [name, folder] of Object.entries(own)) process.env[name] ??= folder;
  await mkdir(process.env['P2P_KEPT_BUNDLES'] ?? '', { recursive: true });
  const [synthesizer, app] = await Promise.all([startSynthesizer(), startAppServer()]);
  servers = [synthesizer, app];
  process.env[synthesizerVariable] = synthesizer.url;
  process.env['P2P_APP_SERVER'] = app.url;
};

/** @throws Error naming what was left */
export const tearDown = async (): Promise<void> => {
  for (const { close } of servers) await close();
  delete process.env[synthesizerVariable];
  delete process.env['P2P_APP_SERVER'];
  const folder = tmpdir();
  const left = (await readdir(folder)).filter((name) => name !== cache && name !== bundles);
  for (const name of given) delete process.env[name];
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  if (outer === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = outer;
  if (left.length > 0) throw new Error(`The tests left in the temporary folder: ${left.join(', ')}`);
};
