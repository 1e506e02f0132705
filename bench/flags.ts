import { flag, texts, type Spec } from '../bin/shared/spec.ts';

export const spec = {
  call: 'npm run bench --',
  about: 'Measures the gateway against floors and peers (bench/README.md).',
  commands: {
    '': {
      usage: '[flags]',
      changes: 'files',
      flags: {
        quick: flag('shorter, and less exact'),
        json: flag('prints the report as JSON, and nothing else'),
        save: flag('keeps the report in bench/results'),
        only: texts('NAME', 'this part; repeat it for more'),
      },
    },
  },
  more: 'Exits with 0 if all was measured, 1 if not, 2 if the command line is wrong.',
  rows: [[[''], 'measures the gateway against floors and peers (bench/README.md)']],
} as const satisfies Spec;
