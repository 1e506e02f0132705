import { readArguments, stageFlags, UsageError, type StageFlags } from '../shared/command-line.ts';

export const help = `npm run smoke -- STAGE [flags]

Tests on a running stage what no test on one machine can show, and says what it could not test. Without flags it needs only
the network. For stage local it tests what npm start serves.

  --config FILE        a stage's configuration, .ts or .json, instead of STAGE
  --origin URL         where the stage is, if its configuration does not say: the stack's output Origin
  --conformance FILE   a payer and two partners, for everything in the conformance suite that works on a deployed stage
                       (docs/reports/conformance.md); stage local has its own
  --payer ID           the payer that the access token is for (default: the first)
  --large PATH         under the payer's FHIR base, an answer of at least 150 MB, such as "Patient/1/$everything"
  --megabytes N        how large that answer must be (default 150)
  --cut PATH           under the payer's FHIR base, an answer that this test payer cuts off
  --ring               sets off one alarm, and checks that its message went out: people on call receive it
  --dry-run            says what it would test, and tests nothing
  --help               this text

Tests that read a record need an access token of a test member's grant in the environment variable P2P_ACCESS_TOKEN.
Exits with 0 if every answer was right, 1 if one was wrong, 2 if the command line is wrong.`;

/** What to test on which stage. */
export interface SmokePlan {
  readonly stage: StageFlags;
  readonly origin: string | undefined;
  readonly conformance: string | undefined;
  readonly payer: string | undefined;
  readonly large: string | undefined;
  readonly megabytes: number;
  readonly cut: string | undefined;
  readonly ring: boolean;
  readonly dryRun: boolean;
}

const flags = {
  config: stageFlags.config,
  origin: { type: 'string' },
  conformance: { type: 'string' },
  payer: { type: 'string' },
  large: { type: 'string' },
  megabytes: { type: 'string' },
  cut: { type: 'string' },
  ring: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const megabytesIn = (text: string): number => {
  if (!/^[1-9]\d{0,3}$/.test(text))
    throw new UsageError(`--megabytes is ${JSON.stringify(text)}; write a number such as 150`);
  return Number(text);
};

const originIn = (text: string | undefined): string | undefined => {
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`--origin is ${JSON.stringify(text)}; write a URL such as https://gateway.example.org`);
  }
  return text.replace(/\/+$/, '');
};

/**
 * Reads the command line.
 * @returns `help` if that was asked for
 * @throws UsageError
 */
export const readFlags = (args: readonly string[]): SmokePlan | 'help' => {
  const { values, positionals } = readArguments({ args: [...args], options: flags, allowPositionals: true });
  if (values.help === true) return 'help';
  const [stage, ...more] = positionals;
  if (more.length > 0 || (stage === undefined) === (values.config === undefined)) {
    throw new UsageError('Give one STAGE, or --config FILE; --help says more');
  }
  return {
    stage: stage === undefined ? { config: values.config ?? '' } : { stage },
    origin: originIn(values.origin),
    conformance: values.conformance,
    payer: values.payer,
    large: values.large,
    megabytes: megabytesIn(values.megabytes ?? '150'),
    cut: values.cut,
    ring: values.ring === true,
    dryRun: values['dry-run'] === true,
  };
};
