import { execFile } from 'node:child_process';
import { existsSync, globSync, statSync } from 'node:fs';
import { mkdir, rename, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

const root = join(import.meta.dirname, '..', '..');
const site = join(root, 'docs', 'site');
const generator = join(site, 'node_modules', 'vitepress', 'bin', 'vitepress.js');
/** npm writes this file last. Without it, the installation did not finish. */
const installed = join(site, 'node_modules', '.package-lock.json');

/** Where the local stack keeps the site. */
export const localFolder = join(site, '.vitepress', 'local');

/**
 * What the site is made of, as docs/site/.vitepress/pages.ts has it. The example programs write beside it what they read, and
 * the builds of the site beside its configuration.
 */
export const sources = (folder = root): readonly string[] =>
  globSync(
    [
      '*.md',
      'docs/{.,partners,reports}/*.md',
      'docs/*.{txt,yaml,yml,json,sh}',
      'docs/postman/*.json',
      'docs/examples/*.{sh,mjs,py,pem,html}',
      'docs/examples/match.json',
      'docs/pictures/*.webp',
      'docs/site/package-lock.json',
      'docs/site/.vitepress/{.,theme}/*.{ts,css}',
    ],
    { cwd: folder },
  );

/** Made from every page, and so written last. */
const mark = 'hashmap.json';

const changedAt = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.mtimeMs;

/** When the documents behind the site in a folder were read, in epoch milliseconds; undefined if it has no site. */
const builtAt = (folder: string): number | undefined => changedAt(join(folder, mark));

/** Whether a folder contains a site, even an outdated one. */
export const hasSite = (folder: string): boolean => builtAt(folder) !== undefined;

/** Whether the site in a folder is up to date with the documents. */
export const isBuilt = (folder: string): boolean => {
  const built = builtAt(folder);
  return built !== undefined && sources().every((path) => (changedAt(join(root, path)) ?? 0) <= built);
};

export interface SiteOptions {
  readonly folder: string;
  /** Where the site will be on its host, with a slash at each end. */
  readonly base: string;
  /** Called with what begins, in words. */
  readonly tell: (text: string) => void;
  readonly signal?: AbortSignal;
}

const lock = join(site, '.vitepress', 'building');
const longestMs = 300_000;

/** Waits until no other process builds, since the generator keeps its parts in one folder; one that died is forgotten. */
const takeTurn = async (signal?: AbortSignal): Promise<void> => {
  for (;;) {
    const isMine = await mkdir(lock).then(
      () => true,
      () => false,
    );
    if (isMine) return;
    const other = statSync(lock, { throwIfNoEntry: false });
    if (other !== undefined && Date.now() - other.mtimeMs > longestMs) await rm(lock, { recursive: true, force: true });
    await sleep(300, undefined, { signal });
  }
};

/** The line of npm's errors that says why. */
const lineOf = (text: string): string => {
  const lines = [...text.matchAll(/^npm (?:error|ERR!) ?(.*)$/gm)].map(([, line = '']) => line);
  const isWhy = (line: string): boolean => !/^(?:(?:code|syscall|errno|path)\b| |$)/.test(line);
  return (lines.find((line) => line.includes('reason:')) ?? lines.find(isWhy) ?? text).replace(/^network /, '');
};

/**
 * Installs a folder's packages. A registry that cannot be reached is tried twice, not for minutes: somebody waits.
 * @throws Error with npm's reason in one line
 */
export const installPackages = async (folder: string, signal?: AbortSignal): Promise<void> => {
  const few = ['--fetch-retries', '1', '--fetch-retry-mintimeout', '1000', '--fetch-timeout', '30000'];
  try {
    await run('npm', ['ci', '--no-audit', '--no-fund', ...few, '--prefix', folder], { cwd: folder, signal });
  } catch (cause) {
    throw new Error(`npm cannot install the documentation tools: ${lineOf((cause as Error).message)}`, { cause });
  }
};

/**
 * Builds the documentation site, a folder of files for any static host, unless it stands there as the documents are. Its
 * packages are in docs/site; they are installed once.
 * @throws Error with what npm or the generator said
 */
export const buildSite = async ({ folder, base, tell, signal }: SiteOptions): Promise<void> => {
  await takeTurn(signal);
  try {
    if (!existsSync(installed)) {
      tell('Installing what builds the documents (once) …');
      await installPackages(site, signal);
    }
    tell('Building the documents …');
    // Whoever reads meanwhile reads the old ones.
    const [fresh, old] = [`${folder}.new`, `${folder}.old`];
    for (const left of [fresh, old]) await rm(left, { recursive: true, force: true });
    const began = new Date();
    const env = { ...process.env, DOCS_BASE: base };
    await run(process.execPath, [generator, 'build', site, '--outDir', fresh], { cwd: root, env, signal });
    // What is edited while this builds is newer than what this has read.
    await utimes(join(fresh, mark), began, began);
    if (existsSync(folder)) await rename(folder, old);
    await rename(fresh, folder);
    await rm(old, { recursive: true, force: true });
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
};
