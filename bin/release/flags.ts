import { readArguments, refuseUnusedFlags, UsageError } from '../shared/command-line.ts';

export const help = `npm run release -- check [--tag TAG]
npm run release -- cut VERSION [--date YYYY-MM-DD] [--dry-run]
npm run release -- build --out FOLDER | --dry-run
npm run release -- notes [VERSION]

Makes a release, and publishes nothing: .github/workflows/release.yml does that for a tag.

check   the version is the same in package.json, its lock file, docs/openapi.yaml and CHANGELOG.md, where it has a date;
        nothing is under Unreleased; --tag TAG is "v" and that version.
cut     moves what is under Unreleased in CHANGELOG.md to VERSION, or adds it there, and writes VERSION into the others.
build   makes the files of the release, of the commit that is checked out: the source as an archive, the bill of materials
        of what ships (CycloneDX), the third-party notices of what is bundled, the SHA-256 of each function's bundle, the
        notes, and SHA256SUMS. The same commit gives the same bytes.
notes   prints what CHANGELOG.md says of the version (default: package.json's).

  --tag TAG         check: the tag that is released
  --date DATE       cut: the day of the release (default: today, UTC)
  --out FOLDER      build: a new folder
  --dry-run         cut, build: shows what it would make, and keeps nothing
  --help            this text

Without a command and with --dry-run: check, then build.
Exits with 0 if it is done, 1 if it cannot be done, 2 if the command line is wrong.`;

export type ReleaseCommand =
  | { readonly command: 'check'; readonly tag: string | undefined }
  | { readonly command: 'cut'; readonly version: string; readonly date: string | undefined; readonly dryRun: boolean }
  | { readonly command: 'build'; readonly out: string | undefined }
  | { readonly command: 'notes'; readonly version: string | undefined }
  | { readonly command: 'tryAll' };

const flags = {
  tag: { type: 'string' },
  date: { type: 'string' },
  out: { type: 'string' },
  'dry-run': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const used: Readonly<Record<string, readonly (keyof typeof flags)[]>> = {
  check: ['tag'],
  cut: ['date', 'dry-run'],
  build: ['out', 'dry-run'],
  notes: [],
};

const requireVersion = (text: string | undefined): string => {
  if (text !== undefined && /^\d+\.\d+\.\d+$/.test(text)) return text;
  throw new UsageError(
    `Give the version as three numbers, such as 0.3.0: cut VERSION${text === undefined ? '' : `, not ${text}`}`,
  );
};

const requireDate = (text: string | undefined): string | undefined => {
  if (text === undefined) return undefined;
  const at = new Date(`${text}T00:00:00Z`);
  if (!Number.isNaN(at.valueOf()) && at.toISOString().startsWith(`${text}T`)) return text;
  throw new UsageError(`--date is ${JSON.stringify(text)}; write a day such as 2026-11-27`);
};

/**
 * Reads the command line.
 * @throws UsageError
 */
export const readFlags = (args: readonly string[]): ReleaseCommand | 'help' => {
  const { values, positionals } = readArguments({ args: [...args], options: flags, allowPositionals: true });
  if (values.help === true) return 'help';
  const [command, version, ...more] = positionals;
  const dryRun = values['dry-run'] === true;
  if (command === undefined && dryRun) {
    refuseUnusedFlags('a dry run', values, ['dry-run']);
    return { command: 'tryAll' };
  }
  if (command === undefined) throw new UsageError(help);
  const takesVersion = command === 'cut' || command === 'notes';
  const takes = Object.hasOwn(used, command) ? used[command] : undefined;
  if (takes === undefined) throw new UsageError(`There is no command "${command}"; --help lists the commands`);
  if (more.length > 0 || (version !== undefined && !takesVersion))
    throw new UsageError(`${command}: too many words; --help says more`);
  refuseUnusedFlags(command, values, takes);
  if (command === 'check') return { command, tag: values.tag };
  if (command === 'notes') return { command, version };
  if (command === 'cut') return { command, version: requireVersion(version), date: requireDate(values.date), dryRun };
  if ((values.out === undefined) !== dryRun) throw new UsageError('build: give --out FOLDER, or --dry-run');
  return { command: 'build', out: values.out };
};
