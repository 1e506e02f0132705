import { maybeWord, type Spec } from '../shared/spec.ts';

export const spec = {
  call: 'npm run stages --',
  does: 'Prints the stages in config/ that can be deployed, one per line: of this checkout, or of the one in the folder CHECKOUT.',
  usage: '[CHECKOUT]',
  words: { checkout: maybeWord('Give one folder, or none for this checkout') },
  rows: { '': 'lists the stages that can be deployed' },
} as const satisfies Spec;
