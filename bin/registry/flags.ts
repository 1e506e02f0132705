import { readCommand, type Read } from '../shared/command-line.ts';
import { reasonHelp, requireReason } from '../shared/reason.ts';
import { dryRun, maybeWord, read, type Spec, type Take } from '../shared/spec.ts';
import { awsHelp, configFlag, requireOneStage, tableHelp } from '../shared/stage-flags.ts';

const missingStage = (command: string): string => `Give one stage, or --config FILE: ${command} STAGE`;
const stageIn: Take<string | undefined> = (given, command) => maybeWord(missingStage(command))(given, command);
const words = { stage: stageIn };

/** Why a change needs a reason. */
export const missingReason = 'Give --reason TEXT: it is kept with your name, for whoever asks later';

const json = { '--json': 'prints JSON' };
const place = { ...configFlag, '--table NAME': tableHelp('Registry') };
const others = { '--grants-table NAME': tableHelp('Grants'), '--exchanges-table NAME': tableHelp('Exchanges') };

export const spec = {
  call: 'npm run registry --',
  about: `A stage's payers and partners are in config/STAGE.ts, and in the table Registry, which the functions read.`,
  commands: {
    'diff STAGE [flags]': {
      does: `compares the file with the table: what apply would add, change and remove, who is blocked or paused, which
        items were changed by hand, and how many living grants and exchanges a change would end.`,
      changes: 'nothing',
      words,
      ...json,
      ...place,
      ...others,
    },
    'apply STAGE --reason TEXT [flags]': {
      does: `makes the table as the file is. It refuses what the check refuses, and a file older than the one that was
        applied last. It never ends or begins a block or a pause.`,
      changes: 'AWS',
      words,
      '--reason TEXT': read(`${reasonHelp('kept with your name; no secret')}. Asked for at a terminal`, (given) =>
        requireReason(given, missingReason),
      ),
      ...dryRun,
      '--yes': "goes on without asking if grants or exchanges would end, or if the file's age cannot be known",
      '--over-newer': 'goes on although a newer file was applied',
      ...place,
      ...others,
    },
    'export STAGE [flags]': {
      does: "prints the table's payers and partners, to be pasted into the file.",
      changes: 'nothing',
      silent: true,
      words,
      ...json,
      ...place,
    },
  },
  more: `${awsHelp}
Exits with 0 if it is done, or if diff finds no difference; 1 if it cannot be done, 2 if the command line is wrong, 3 if
diff finds a difference.`,
  rows: {
    'diff NAME, apply NAME, export NAME': "compares a stage's file with the running stage; applies it; prints it",
  },
} as const satisfies Spec;

/** What to do. */
export type RegistryCommand = Read<typeof spec>;
export type ApplyCommand = Extract<RegistryCommand, { readonly command: 'apply' }>;

/** Reads the command line. @throws UsageError */
export const readFlags = (args: readonly string[]): RegistryCommand => {
  const command = readCommand(spec, args);
  return requireOneStage(command, missingStage(command.command));
};
