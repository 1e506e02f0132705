import { exitHelp, intoFolder, oneWord, type Spec } from '../shared/spec.ts';

const missing = 'Give one stage and --out FOLDER; --help says more';

export const spec = {
  call: 'npm run evidence --',
  about: `Writes a folder about one stage that an auditor can file: criteria of HIPAA and SOC 2 against what its template has, the tests
and queries that show more, what is kept how long, the AWS services that health data passes, the template, and the bill of
materials. It asks AWS nothing.`,
  usage: 'NAME --out FOLDER [--dry-run]',
  changes: 'files',
  words: { stage: oneWord(missing) },
  ...intoFolder(missing),
  more: `${exitHelp} It ends with 1 if a setting of the template does not hold, but still writes the folder.`,
  rows: { 'NAME --out FOLDER': 'writes what an auditor files about a stage' },
} as const satisfies Spec;
