import { readArguments } from '../shared/command-line.ts';

export const help = `npm run changelog:check -- [--base REV]

Checks that a change has an entry under Unreleased in CHANGELOG.md, if it touches what is shipped: bin, config, docs,
functions, lib, sandbox, cdk.json, README.md or SECURITY.md. Uncommitted and new files count. Dependencies, stages in
config, tests, benchmarks and the documents for contributors need no entry.

  --base REV   what to compare with: the last commit that REV and HEAD have in common (default: origin/main)
  --help       this text

A change that nobody notices says so and why in a commit's message, in a line of its own:

  Changelog: none, only comments

Exits with 0 if there is an entry or none is needed, 1 if one is missing, 2 if it cannot be compared.`;

export interface CheckCommand {
  readonly base: string;
}

/** @throws UsageError */
export const readFlags = (args: readonly string[]): CheckCommand | 'help' => {
  const { values } = readArguments({
    args: [...args],
    options: { base: { type: 'string' }, help: { type: 'boolean' } },
  });
  return values.help === true ? 'help' : { base: values.base ?? 'origin/main' };
};
