import type { Spec } from '../../bin/shared/spec.ts';

export const spec = {
  call: 'npm run conformance:docs --',
  changes: 'Writes docs/reports/conformance.md from the list of requirements.',
  usage: '',
  rows: { '': 'writes docs/reports/conformance.md' },
} as const satisfies Spec;
