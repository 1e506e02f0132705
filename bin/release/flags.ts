import { readCommand, type Read } from '../shared/command-line.ts';
import { dayFlag } from '../shared/day.ts';
import { UsageError } from '../shared/errors.ts';
import { helpOf } from '../shared/help.ts';
import { exitHelp, maybeWord, type Spec, type Take } from '../shared/spec.ts';

const versionIn: Take<string> = (given, command) => {
  const version = maybeWord(`${command}: too many words; --help says more`)(given, command);
  if (version !== undefined && /^\d+\.\d+\.\d+$/.test(version)) return version;
  const not = version === undefined ? '' : `, not ${version}`;
  throw new UsageError(`Give the version as three numbers, such as 0.3.0: cut VERSION${not}`);
};

const dryRun = { '--dry-run': 'shows what it would make, and keeps nothing' };

export const spec = {
  call: 'npm run release --',
  about: 'Makes a release, and publishes nothing: .github/workflows/release.yml does that for a tag.',
  commands: {
    'check [--tag TAG]': {
      does: `the version is the same in package.json, its lock file, docs/openapi.yaml and CHANGELOG.md, where it has a
        date; nothing is under Unreleased; --tag TAG is "v" and that version.`,
      changes: 'nothing',
      '--tag TAG': 'the tag that is released',
    },
    'cut VERSION [--date YYYY-MM-DD] [--dry-run]': {
      does: `moves what is under Unreleased in CHANGELOG.md to VERSION, or adds it there, and writes VERSION into the
        others.`,
      changes: 'files',
      words: { version: versionIn },
      '--date DATE': dayFlag('the day of the release (default: today, UTC)'),
      ...dryRun,
    },
    'build --out FOLDER | --dry-run': {
      does: `makes the files of the release, of the commit that is checked out: the source as an archive, the bill of
        materials of what ships (CycloneDX), the third-party notices of what is bundled, the SHA-256 of each function's
        bundle, the notes, and SHA256SUMS. The same commit gives the same bytes.`,
      changes: 'files',
      '--out FOLDER': 'a new folder',
      ...dryRun,
    },
    'notes [VERSION]': {
      does: "prints what CHANGELOG.md says of the version (default: package.json's).",
      changes: 'nothing',
      words: { version: maybeWord('notes: too many words; --help says more') },
    },
    ' --dry-run': { changes: 'nothing', ...dryRun },
  },
  more: `Without a command and with --dry-run: check, then build.\n${exitHelp}`,
  rows: { 'check, cut VERSION, build, notes': 'checks, begins and builds a release, and prints its notes' },
} as const satisfies Spec;

export type ReleaseCommand = Read<typeof spec>;

/** Reads the command line. @throws UsageError */
export const readFlags = (args: readonly string[]): ReleaseCommand => {
  const command = readCommand(spec, args);
  if (command.command === '' && !command.dryRun) throw new UsageError(helpOf(spec));
  if (command.command === 'build' && (command.out === undefined) !== command.dryRun)
    throw new UsageError('build: give --out FOLDER, or --dry-run');
  return command;
};
