import type { Read } from '../shared/command-line.ts';
import { UsageError } from '../shared/errors.ts';
import { read, whole, type Spec } from '../shared/spec.ts';
import { stageWord } from '../shared/stage-flags.ts';

const originIn = (given: string): string => {
  const url = URL.parse(given);
  if (url !== null && /^https?:$/.test(url.protocol)) return given.replace(/\/+$/, '');
  throw new UsageError(`--origin is ${JSON.stringify(given)}; write a URL such as https://gateway.example.org`);
};

export const spec = {
  call: 'npm run smoke --',
  changes: `Tests on a running stage what no test on one machine can show, and says what it could not test. Without flags it needs only
the network. For stage local it tests what npm start serves.`,
  usage: 'STAGE [flags]',
  ...stageWord,
  '--origin URL': read("where the stage is, if its configuration does not say: the stack's output Origin", originIn),
  '--conformance FILE': `a payer and two partners, for everything in the conformance suite that works on a deployed stage
    (docs/reports/conformance.md); stage local has its own`,
  '--payer ID': 'the payer that the access token is for (default: the first)',
  '--large PATH': `under the payer's FHIR base, an answer of at least 150 MB, such as "Patient/1/$everything"`,
  '--megabytes N': whole('how large that answer must be', 1, 9999, 150),
  '--cut PATH': "under the payer's FHIR base, an answer that this test payer cuts off",
  '--ring': 'sets off one alarm, and checks that its message went out: people on call receive it',
  '--dry-run': 'says what it would test, and tests nothing',
  more: `Tests that read a record need an access token of a test member's grant in the environment variable P2P_ACCESS_TOKEN.`,
  exits: 'Exits with 0 if every answer was right, 1 if one was wrong, 2 if the command line is wrong.',
  rows: { STAGE: 'asks a running stage what no test on one machine can answer' },
} as const satisfies Spec;

export type SmokePlan = Read<typeof spec>;
