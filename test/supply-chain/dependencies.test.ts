import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { permissive } from '../../bin/release/licenses.ts';
import { bundles } from './bundled.ts';

interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  readonly hasInstallScript?: boolean;
  readonly integrity?: string;
  /** Part of another package's archive, whose hash covers it. */
  readonly inBundle?: boolean;
}

const root = join(import.meta.dirname, '..', '..');
const json = (file: string): unknown => JSON.parse(readFileSync(join(root, file), 'utf8'));
const { packages } = json('package-lock.json') as { packages: Readonly<Record<string, LockedPackage>> };
const { allowScripts, dependencies, devDependencies, optionalDependencies } = json('package.json') as Readonly<
  Record<'dependencies' | 'devDependencies' | 'optionalDependencies', Readonly<Record<string, string>>>
> & { allowScripts: Readonly<Record<string, boolean>> };
const installed = Object.entries(packages).filter(([path]) => path !== '');
const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

/** Packages with another license, or missing from the lock file, and why that is fine. */
const looked: Readonly<Record<string, string>> = {
  'axe-core': 'MPL-2.0; the tests of pages load it unchanged, and it is in no bundle',
  'caniuse-lite': 'CC-BY-4.0 on data; a tool of the tests, in no bundle',
  'fast-sha256': 'Unlicense (public domain); the tests verify signatures of webhooks with it, and it is in no bundle',
  'base-64': 'MIT in its own LICENSE file; a browser client of the tests needs it, and it is in no bundle',
};

const inBundles = new Set(bundles.flatMap(({ packages: contained }) => Array.from(contained.keys())));

/** The packages in the first column of a section's table, sorted. */
const explainedUnder = (heading: string): string[] => {
  const text = readFileSync(join(root, 'docs/reports/dependencies.md'), 'utf8');
  const [, section = ''] = text.split(`\n## ${heading}\n`);
  const cells = Array.from(section.split('\n## ')[0]?.matchAll(/^\| (`[^|]+)\|/gm) ?? [], ([, cell = '']) => cell);
  return cells.flatMap((cell) => Array.from(cell.matchAll(/`([^`]+)`/g), ([, name = '']) => name)).sort();
};

describe('dependencies', () => {
  it('have licenses that allow this use', () => {
    const others = installed
      .filter(([path, { license = '' }]) => !permissive.has(license) && !(nameOf(path) in looked))
      .map(([path, { license }]) => `${nameOf(path)}: ${license ?? 'none stated'}`);
    expect(others).toEqual([]);
  });

  it('are pinned to exact bytes: each has a version and an integrity hash', () => {
    const loose = installed.filter(
      ([, { version, integrity, inBundle }]) => version === undefined || (integrity === undefined && inBundle !== true),
    );
    expect(loose.map(([path]) => nameOf(path))).toEqual([]);
  });

  it('run no install script except those that package.json names, and only esbuild may', () => {
    const withScripts = installed.filter(([, { hasInstallScript }]) => hasInstallScript === true);
    expect([...new Set(withScripts.map(([path]) => nameOf(path)))].sort()).toEqual(Object.keys(allowScripts).sort());
    expect(Object.keys(allowScripts).filter((name) => allowScripts[name])).toEqual(['esbuild']);
  });

  it('dependencies of the deployed bundles are each explained in docs/reports/dependencies.md, and no others are', () => {
    expect(explainedUnder('In the bundles')).toEqual([...inBundles].sort());
  });

  it('dependencies that package.json names, and that are in no bundle, are each explained there too, and no others are', () => {
    const named = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });
    const others = named.filter((name) => !inBundles.has(name));
    expect(others).toContain('@aws-sdk/client-ec2');
    expect(explainedUnder('Not in the bundles')).toEqual(others.sort());
  });
});
