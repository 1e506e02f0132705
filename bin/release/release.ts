import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dayOf } from '../shared/day.ts';
import { Refusal } from '../shared/errors.ts';
import type { Output } from '../shared/output.ts';
import { buildRelease, requireCommitted, type BuildDeps, type Made } from './build.ts';
import { checkVersions, notesOf } from './check.ts';
import { cutRelease } from './cut.ts';
import { readFlags, type ReleaseCommand } from './flags.ts';
import { packageVersion, withVersion, writeAll } from './versions.ts';

export interface ReleaseDeps extends BuildDeps {
  readonly output: Pick<Output, 'out' | 'note'>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const madeLines = (made: readonly Made[]): string =>
  made.map(({ name, bytes }) => `${bytes.toLocaleString('en-US').padStart(12)}  ${name}`).join('\n');

const cut = async (
  { version, date, dryRun }: Extract<ReleaseCommand, { command: 'cut' }>,
  { root, git, output, now }: ReleaseDeps,
): Promise<void> => {
  const isOut = await git(root, ['rev-parse', '--verify', '--quiet', `refs/tags/v${version}`]);
  if (isOut.code === 0) throw new Refusal(`v${version} is tagged, so it is out. Give a higher version.`);
  const day = date ?? dayOf(now());
  const changelog = cutRelease(await readFile(join(root, 'CHANGELOG.md'), 'utf8'), version, day);
  const texts = new Map([['CHANGELOG.md', changelog], ...(await withVersion(root, version))]);
  if (!dryRun) await writeAll(root, texts);
  const what = `${version} of ${day} in ${[...texts.keys()].join(', ')}`;
  output.out(dryRun ? `Would write ${what}. Nothing was changed.` : `Wrote ${what}. Read the notes, and commit.`);
};

const buildInto = async (out: string, deps: ReleaseDeps): Promise<void> => {
  await requireCommitted(deps);
  deps.output.out(`${madeLines(await buildRelease(deps, out))}\nin ${out}`);
};

/** Builds in a folder that is removed again. */
const tryBuild = async (deps: ReleaseDeps): Promise<void> => {
  await requireCommitted(deps).catch((error: unknown) => {
    if (!(error instanceof Refusal)) throw error;
    deps.output.note(error.message);
  });
  const folder = await mkdtemp(join(tmpdir(), 'release-'));
  try {
    deps.output.out(`${madeLines(await buildRelease(deps, folder))}\nNothing was kept.`);
  } finally {
    await rm(folder, { recursive: true });
  }
};

const check = async (tag: string | undefined, { root, output }: ReleaseDeps): Promise<void> => {
  const version = await checkVersions(root, tag);
  const shown = tag === undefined ? '' : `the tag ${tag}, `;
  output.out(`${version}: ${shown}package.json, its lock file, docs/openapi.yaml and CHANGELOG.md agree.`);
};

/**
 * Makes a release, or checks one.
 * @returns the exit code
 * @throws UsageError, Refusal
 */
export const release = async (args: readonly string[], deps: ReleaseDeps): Promise<number> => {
  const command = readFlags(args);
  switch (command.command) {
    case 'check':
      await check(command.tag, deps);
      break;
    case 'cut':
      await cut(command, deps);
      break;
    case 'notes':
      deps.output.out(await notesOf(deps.root, command.version ?? (await packageVersion(deps.root))));
      break;
    case 'build':
      await (command.out === undefined ? tryBuild(deps) : buildInto(command.out, deps));
      break;
    case '':
      await check(undefined, deps);
      await tryBuild(deps);
  }
  return 0;
};
