import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stageNames } from '../../config/checks/load.ts';
import { readCommand } from '../shared/command-line.ts';
import { UsageError } from '../shared/errors.ts';
import type { Git } from '../shared/git.ts';
import type { Output } from '../shared/output.ts';
import { spec } from './flags.ts';
import { sectionsOf, unreleased } from './sections.ts';

/** Folders and files whose change somebody who runs, uses or deploys the gateway may notice. */
const shipped = /^(?:bin|config|docs|functions|lib|sandbox)\/|^(?:cdk\.json|README\.md|SECURITY\.md)$/;

/** Documents for people who change the project. */
const forContributors = /^docs\/(?:reports\/|testing\.md$|performance\.md$|dependencies\.md$)/;

/**
 * Whether a change of the file needs an entry.
 * @param stages names of the stages in config/, whose files are an operator's own
 */
const isShipped = (path: string, stages: readonly string[]): boolean =>
  shipped.test(path) && !forContributors.test(path) && !stages.some((stage) => path === `config/${stage}.ts`);

const linesIn = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));

/**
 * The lines that a change adds where entries belong: under Unreleased, or under a version that the change itself
 * releases. Lines that were anywhere in the file before count as moved.
 */
const newEntries = (before: string, after: string): readonly string[] => {
  const known = new Set(linesIn(before));
  const released = new Set(sectionsOf(before).sections.map(({ version }) => version));
  return sectionsOf(after)
    .sections.filter(({ version }) => version === unreleased || !released.has(version))
    .flatMap(({ text }) => linesIn(text))
    .filter((line) => !known.has(line));
};

export interface CheckDeps {
  /** The checkout. */
  readonly folder: string;
  readonly git: Git;
  readonly output: Pick<Output, 'out' | 'note'>;
}

const file = 'CHANGELOG.md';
const exception = /^Changelog: none, (\S.*)$/m;
const shown = 10;

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/** @throws UsageError if git fails */
const ask = async ({ git, folder }: CheckDeps, args: readonly string[], otherwise: string): Promise<string> => {
  const { code, out } = await git(folder, args);
  if (code !== 0) throw new UsageError(otherwise);
  return out;
};

const commonCommit = async (deps: CheckDeps, base: string): Promise<string> => {
  const missing =
    `There is no commit "${base}" to compare with. Give --base REV; for a remote branch run git fetch first, ` +
    'and in CI check out with fetch-depth: 0.';
  const commit = await ask(deps, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${base}^{commit}`], missing);
  const unrelated =
    `${base} and HEAD have no commit in common in this clone. If it is shallow, run git fetch --unshallow; ` +
    'in CI check out with fetch-depth: 0.';
  return ask(deps, ['merge-base', commit, 'HEAD'], unrelated);
};

const changedFiles = async (deps: CheckDeps, from: string): Promise<readonly string[]> => {
  const failed = 'git could not list the changed files.';
  const tracked = await ask(deps, ['-c', 'core.quotePath=false', 'diff', '--name-only', '--no-renames', from], failed);
  const others = await ask(
    deps,
    ['-c', 'core.quotePath=false', 'ls-files', '--others', '--exclude-standard', '--full-name'],
    failed,
  );
  return [...new Set([...linesOf(tracked), ...linesOf(others)])].sort();
};

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

const missingEntry = (touched: readonly string[]): string =>
  [
    `No entry is new under "## [Unreleased]" in ${file}, and the change touches what is shipped:`,
    ...touched.slice(0, shown).map((path) => `  ${path}`),
    ...(touched.length > shown ? [`  and ${touched.length - shown} more`] : []),
    'Write there, in a line, what changes for those who run, use or deploy the gateway. If nothing does, say why in a',
    'commit\'s message, in a line of its own: "Changelog: none, REASON".',
  ].join('\n');

/**
 * Checks that a change has its entry in the changelog.
 * @returns the exit code
 * @throws UsageError if there is nothing to compare with
 */
export const checkChangelog = async (args: readonly string[], deps: CheckDeps): Promise<number> => {
  const command = readCommand(spec, args);
  const { output } = deps;
  const from = await commonCommit(deps, command.base);
  const stages = stageNames(join(deps.folder, 'config'));
  const touched = (await changedFiles(deps, from)).filter((path) => isShipped(path, stages));
  const compared = `Compared with ${from.slice(0, 12)}, the last commit in common with ${command.base}`;
  if (touched.length === 0) {
    output.out(`${compared}: nothing that is shipped has changed.`);
    return 0;
  }
  const before = await deps.git(deps.folder, ['show', `${from}:${file}`]);
  const after = await readFile(join(deps.folder, file), 'utf8').catch(() => '');
  const entries = newEntries(before.code === 0 ? before.out : '', after);
  const of = `${counted(touched.length, 'shipped file')} changed`;
  if (entries.length > 0) {
    output.out(`${compared}: ${of}, and ${counted(entries.length, 'line')} of entries came.`);
    return 0;
  }
  const messages = await ask(deps, ['log', '--format=%B', `${from}..HEAD`], 'git could not read the messages.');
  const [, why] = exception.exec(messages) ?? [];
  if (why !== undefined) {
    output.out(`${compared}: ${of}. A commit says that no entry is needed: ${why}`);
    return 0;
  }
  output.note(`${compared}: ${of}.\n${missingEntry(touched)}`);
  return 1;
};
