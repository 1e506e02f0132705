import { readCommand, type Read } from '../shared/command-line.ts';
import { dayFlag } from '../shared/day.ts';
import { UsageError } from '../shared/errors.ts';
import { helpOf } from '../shared/help.ts';
import { exactlyOne, maybeWord, oneWord, type Spec } from '../shared/spec.ts';

const dryRun = { '--dry-run': 'shows what it would make, and keeps nothing' };

export const spec = {
  call: 'npm run release --',
  about: 'Makes a release, and publishes nothing: .github/workflows/release.yml does that for a tag.',
  commands: {
    'check [--tag TAG]': {
      does: `the version is the same in package.json, its lock file, docs/openapi.yaml and CHANGELOG.md, where it has a
        date; nothing is under Unreleased; --tag TAG is "v" and that version.`,
      '--tag TAG': 'the tag that is released',
    },
    'cut VERSION [--date YYYY-MM-DD] [--dry-run]': {
      changes:
        'moves what is under Unreleased in CHANGELOG.md to VERSION, or adds it there, and writes VERSION into the others.',
      words: { version: oneWord('Give the version as three numbers, such as 0.3.0: cut VERSION', /^\d+\.\d+\.\d+$/) },
      '--date DATE': dayFlag('the day of the release (default: today, UTC)'),
      ...dryRun,
    },
    'build --out FOLDER | --dry-run': {
      changes: `makes the files of the release, of the commit that is checked out: the source as an archive, the bill of
        materials of what ships (CycloneDX), the third-party notices of what is bundled, the SHA-256 of each function's
        bundle, the notes, and SHA256SUMS. The same commit gives the same bytes.`,
      rules: [exactlyOne('--out FOLDER', '--dry-run')],
      '--out FOLDER': 'a new folder',
      ...dryRun,
    },
    'notes [VERSION]': {
      does: "prints what CHANGELOG.md says of the version (default: package.json's).",
      words: { version: maybeWord('notes: too many words; --help says more') },
    },
    ' --dry-run': { does: 'check, then build', ...dryRun },
  },
  more: 'Without a command and with --dry-run: check, then build.',
  rows: { 'check, cut VERSION, build, notes': 'checks, begins and builds a release, and prints its notes' },
} as const satisfies Spec;

export type ReleaseCommand = Read<typeof spec>;

/** @throws UsageError */
export const readFlags = (args: readonly string[]): ReleaseCommand => {
  const command = readCommand(spec, args);
  if (command.command === '' && !command.dryRun) throw new UsageError(helpOf(spec));
  return command;
};
