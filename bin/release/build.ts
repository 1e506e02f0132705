import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { compareTexts } from '../../functions/shared/compare-texts.ts';
import { Refusal } from '../shared/errors.ts';
import { makeFolder, requireEmpty } from '../shared/folders.ts';
import type { Git } from '../shared/git.ts';
import { bundleFunctions, bundleLines } from './bundles.ts';
import { notesOf } from './check.ts';
import { licenseOf, type Licensed } from './licenses.ts';
import { releaseBom } from './sbom.ts';
import { packageVersion } from './versions.ts';

const line = '='.repeat(80);

const nameOf = ({ name, version }: Licensed): string => `${name} ${version}`;

/** The notices that go with the bundles: each license's text once, under the packages that have it. */
const noticesOf = (product: string, packages: readonly Licensed[]): string => {
  const sorted = packages.toSorted((a, b) => compareTexts(nameOf(a), nameOf(b)));
  const parts = [...Map.groupBy(sorted, ({ license, text }) => `${license}\n${text}`).values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [`${group.map(nameOf).join('\n')}\n\nLicense: ${first.license}\n\n${first.text}`];
  });
  const head = `Third-party notices of ${product}\n\nThe bundles of its functions contain code of these ${packages.length} packages.`;
  return `${[head, ...parts].join(`\n\n${line}\n\n`)}\n`;
};

export interface BuildDeps {
  /** The checkout. */
  readonly root: string;
  readonly git: Git;
  /** Prints npm's bill of materials of everything that is installed. */
  readonly npmSbom: () => Promise<string>;
}

/** A file that was made. */
export interface Made {
  readonly name: string;
  readonly bytes: number;
}

const product = 'payer-to-payer-gateway';

const ask = async ({ git, root }: BuildDeps, ...args: string[]): Promise<string> => {
  const { code, out } = await git(root, args);
  if (code !== 0)
    throw new Refusal(`git ${args[0]} failed, so it is unknown what is released. Run this in a git checkout.`);
  return out;
};

/** @throws Refusal if files differ from the commit: the archive is of the commit, and the rest of what is on the disk */
export const requireCommitted = async (deps: BuildDeps): Promise<void> => {
  const changed = await ask(deps, 'status', '--porcelain');
  if (changed !== '') throw new Refusal(`A release is made of a commit, and these files are in none:\n${changed}`);
};

/** The source of the commit, as `.tar.gz` whose bytes depend on the commit only. */
const writeArchive = async (deps: BuildDeps, folder: string, name: string): Promise<void> => {
  const tar = join(folder, `${name}.tar`);
  await ask(deps, 'archive', '--format=tar', `--prefix=${name}/`, `--output=${tar}`, 'HEAD');
  await writeFile(`${tar}.gz`, gzipSync(await readFile(tar), { level: 9 }));
  await rm(tar);
};

const sha256Line = async (folder: string, name: string): Promise<string> =>
  `${createHash('sha256')
    .update(await readFile(join(folder, name)))
    .digest('hex')}  ${name}\n`;

/**
 * Makes the files of a release in a new folder.
 * @returns them, with their sizes
 * @throws Refusal
 */
export const buildRelease = async (deps: BuildDeps, folder: string): Promise<readonly Made[]> => {
  const { root, npmSbom } = deps;
  const version = await packageVersion(root);
  const name = `${product}-${version}`;
  // Nothing else may come to be attested.
  await requireEmpty(folder);
  await makeFolder(folder);
  const at = new Date(await ask(deps, 'log', '-1', '--format=%cI')).toISOString();
  const bundles = await bundleFunctions(root);
  const licensed = bundles.packages.map((path) => licenseOf(root, path));
  const texts = {
    'THIRD-PARTY-NOTICES.txt': noticesOf(`${product} ${version}`, licensed),
    'bundles.sha256': bundleLines(bundles),
    'sbom.cdx.json': releaseBom(await npmSbom(), licensed, at),
  };
  await writeArchive(deps, folder, name);
  for (const [file, text] of Object.entries(texts)) await writeFile(join(folder, file), text);
  const files = (await readdir(folder)).sort();
  const sums = await Promise.all(files.map((file) => sha256Line(folder, file)));
  await writeFile(join(folder, 'SHA256SUMS'), sums.join(''));
  await writeFile(join(folder, 'notes.md'), `${await notesOf(root, version)}\n`);
  const all = (await readdir(folder)).sort();
  return Promise.all(all.map(async (file) => ({ name: file, bytes: (await stat(join(folder, file))).size })));
};
