import { intoFolder, oneWord, type Spec } from '../shared/spec.ts';

const missing = 'Give one ASSEMBLY and --out FOLDER; --help says more';

export const spec = {
  call: 'npm run template --',
  changes: `Writes a stage's template for CloudFormation without the CDK: FOLDER/template.json, and beside it the code of the functions,
which "aws cloudformation package" zips and uploads to a bucket of yours (docs/deploy-without-cdk.md).

ASSEMBLY is what "npx cdk synth --quiet -c stage=NAME -o ASSEMBLY" has written.`,
  usage: 'ASSEMBLY --out FOLDER [--dry-run]',
  words: { assembly: oneWord(missing) },
  ...intoFolder(missing),
  rows: { 'ASSEMBLY --out FOLDER': "writes a stage's template for CloudFormation without the CDK" },
} as const satisfies Spec;
