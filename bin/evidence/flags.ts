import { intoFolder, oneWord, type Spec } from '../shared/spec.ts';

const missing = 'Give one stage and --out FOLDER; --help says more';

export const spec = {
  call: 'npm run evidence --',
  changes: `Writes a folder about one stage that an auditor can file: criteria of HIPAA and SOC 2 against what its template has, the tests
and queries that show more, what is kept how long, the AWS services that health data passes, the template, and the bill of
materials. It asks AWS nothing.`,
  usage: 'NAME --out FOLDER [--dry-run]',
  words: { stage: oneWord(missing) },
  ...intoFolder(missing),
  exits: `Exits with 0 if it is done, 1 if it cannot be done, or if a setting of the template does not hold, though the folder is
written then too; 2 if the command line is wrong.`,
  rows: { 'NAME --out FOLDER': 'writes what an auditor files about a stage' },
} as const satisfies Spec;
