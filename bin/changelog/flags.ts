import { otherwise, type Spec } from '../shared/spec.ts';

export const spec = {
  call: 'npm run changelog:check --',
  does: `Checks that a change has an entry under Unreleased in CHANGELOG.md, if it touches what is shipped: bin, config, docs,
functions, lib, sandbox, cdk.json, README.md or SECURITY.md. Uncommitted and new files count. Dependencies, stages in
config, tests, benchmarks and the documents for contributors need no entry.`,
  usage: '[--base REV]',
  '--base REV': otherwise('what to compare with: the last commit that REV and HEAD have in common', 'origin/main'),
  more: `If nobody can notice the change, say why in a commit's message, on a line of its own:

  Changelog: none, only comments
`,
  exits: 'Exits with 0 if there is an entry or none is needed, 1 if one is missing, 2 if it cannot be compared.',
  rows: { '': 'fails a change that a user may notice and that has no entry in the changelog' },
} as const satisfies Spec;
