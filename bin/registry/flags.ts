import type { Read } from '../shared/command-line.ts';
import { askedReason } from '../shared/reason.ts';
import { dryRun, json, type Spec } from '../shared/spec.ts';
import { besideExchanges, besideGrants, registryTable, stageWord } from '../shared/stage-flags.ts';

export const spec = {
  call: 'npm run registry --',
  about: `A stage's payers and partners are in config/STAGE.ts, and in the table Registry, which the functions read.`,
  ...stageWord,
  ...registryTable,
  commands: {
    'diff STAGE [flags]': {
      does: `compares the file with the table: what apply would add, change and remove, who is blocked or paused, which
        items were changed by hand, and how many living grants and exchanges a change would end.`,
      ...json,
      ...besideGrants,
      ...besideExchanges,
    },
    'apply STAGE --reason TEXT [flags]': {
      changes: `makes the table as the file is. It refuses what the check refuses, and a file older than the one that was
        applied last. It never ends or begins a block or a pause.`,
      ...askedReason,
      ...dryRun,
      '--yes': "goes on without asking if grants or exchanges would end, or if the file's age cannot be known",
      '--over-newer': 'goes on although a newer file was applied',
      ...besideGrants,
      ...besideExchanges,
    },
    'export STAGE [flags]': {
      does: "prints the table's payers and partners, to be pasted into the file.",
      silent: true,
      ...json,
    },
  },
  exits: `Exits with 0 if it is done, or if diff finds no difference; 1 if it cannot be done, 2 if the command line is wrong, 3 if
diff finds a difference.`,
  rows: {
    'diff NAME, apply NAME, export NAME': "compares a stage's file with the running stage; applies it; prints it",
  },
} as const satisfies Spec;

export type RegistryCommand = Read<typeof spec>;
export type ApplyCommand = Extract<RegistryCommand, { readonly command: 'apply' }>;
